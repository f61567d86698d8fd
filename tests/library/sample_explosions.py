"""Light curves of supernovae in four bands, to test with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.lightcurve import LightCurve

BANDS = ("lsstg", "lsstr", "lssti", "lsstz")


def true_flux(time: NDArray[np.float64], band: str, peak: float = 100.0) -> NDArray[np.float64]:
    """A rise of days and a decline of weeks, the slower the redder; zero before MJD 58000."""
    slow = 1.0 + 0.25 * BANDS.index(band)
    age = np.maximum(time - 58000.0, 0.0)
    return peak * 1.9 * (1.0 - np.exp(-((age / (9.0 * slow)) ** 2))) * np.exp(-age / (30.0 * slow))


def supernova(
    rng: np.random.Generator, number: int = 0, *, points: int = 60, error: float = 3.0, name: str = ""
) -> LightCurve:
    """Forced photometry from 30 days before the explosion to 110 after."""
    time = 58000.0 + np.sort(rng.uniform(-30.0, 110.0, points))
    band = rng.choice(BANDS, points)
    flux = np.array([true_flux(t[None], b)[0] for t, b in zip(time, band.tolist(), strict=True)])
    flux = flux + error * rng.standard_normal(points)
    none = np.zeros(points, dtype=bool)
    return LightCurve(name or f"sn{number}", 0, time, band, flux, np.full(points, error), none, 10.0, 10.0)
