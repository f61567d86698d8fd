"""A point-lens fit of one object, slow and plain: all parameters free, scipy's least squares from many starts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from ampel_followup.features.ragged import LETTERS
from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.flux_points import LIMIT_WIDENING, MODEL_ERROR
from ampel_followup.microlensing.projection import PRIOR_MEAN, PRIOR_SCATTER


@dataclass(frozen=True)
class SlowFit:
    """Least sum of squares; t₀ after the first point, ln t_E, ln u₀; source and baseline of each band [µJy]."""

    cost: float
    parameters: NDArray[np.float64]
    bands: dict[int, tuple[float, float]]


def fit_one(curve: LightCurve) -> SlowFit:
    """Fit one light curve."""
    time = curve.time - curve.time[0]
    letter = np.array([LETTERS.index(name[-1]) for name in curve.band])
    error = np.hypot(np.where(curve.upper_limit, LIMIT_WIDENING, 1.0) * curve.flux_err, MODEL_ERROR * curve.flux)
    bands = sorted(set(letter.tolist()))

    def residuals(x: NDArray[np.float64]) -> NDArray[np.float64]:
        u = np.sqrt(np.exp(2.0 * x[2]) + ((time - x[0]) / np.exp(x[1])) ** 2)
        magnified = (u**2 + 2.0) / (u * np.sqrt(u**2 + 4.0)) - 1.0
        model = np.zeros(len(time))
        for k, band in enumerate(bands):
            inside = letter == band
            model[inside] = x[3 + 2 * k] * magnified[inside] + x[4 + 2 * k]
        prior = (x[1:3] - PRIOR_MEAN[1:3]) / PRIOR_SCATTER[1:3]
        return np.concatenate([(curve.flux - model) / error, prior])

    lowest = [-60.0, np.log(0.3), np.log(1e-3)] + [0.0, -np.inf] * len(bands)
    highest = [time[-1] + 60.0, np.log(1500.0), np.log(2.0)] + [np.inf, np.inf] * len(bands)
    brightest = float(time[np.argmax(curve.flux)])
    best = None
    for peak, t_e, u0 in product((brightest, float(time[-1])), (5.0, 25.0, 80.0), (0.1, 0.6)):
        start = [peak, np.log(t_e), np.log(u0)] + [50.0, 0.0] * len(bands)
        found = least_squares(residuals, start, bounds=(lowest, highest), x_scale="jac", max_nfev=300)
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    fluxes = {band: (float(best.x[3 + 2 * k]), float(best.x[4 + 2 * k])) for k, band in enumerate(bands)}
    return SlowFit(2.0 * float(best.cost), best.x[:3], fluxes)
