"""
What is measured of a departure, for trees to learn from: how large, how certain, how sudden, in which colour.

All are ratios, or times: neither the survey nor the brightness of the object is told.
"""

from __future__ import annotations

import numpy as np

from ampel_followup.features.ragged import Floats, Indices, Mask
from ampel_followup.microlensing.fit import PaczynskiFit
from ampel_followup.microlensing.flux_points import N_BANDS, FluxPoints

#: Nights that a departure may have lasted when it is found.
NIGHTS = 3

#: Name and meaning of what is measured of the last three nights, of the last two, and of the last one.
FEATURES_OF_NIGHTS: dict[str, str] = {
    "change": "share by which the source is brighter or fainter, δ, without its sign",
    "against_prediction": "the same over its error",
    "in_spite": "what the points add to χ² in spite of the fit with them [σ]",
    "agreeing": "second largest pull of a point in the direction of δ",
    "largest": "largest pull of a point, of either sign",
    "scatter": "χ² of the points about δ, per point and in units of the misfit",
    "points": "number of points that say something",
    "uncertainty": "error of the prediction, as a share of the source",
    "signed": "δ over its error, positive where brighter",
    "colour": "χ² of the bands about δ, per further band and in units of the misfit",
    "bands": "number of bands with such points",
    "left": "second largest pull of a point in the direction of δ that the fit with them leaves",
    "run_up": "sum of the pulls of the last five points before, in the direction of δ, over √5",
}

#: Of the last three nights, by the fit without them, in the direction of δ and with the errors of the points alone.
FEATURES_OF_COURSE: dict[str, str] = {
    "night_3": "significance of the first of the three",
    "night_2": "of the second",
    "night_1": "of the last",
    "steepening": "δ of the last less that of the first, over its error",
}

#: The same of the lens that is departed from: the fit without the last three nights, or (the last three of these) one.
FEATURES_OF_LENS: dict[str, str] = {
    "log_event": "ln of the χ² that it takes away from constant light, in units of the misfit",
    "log_misfit": "ln of χ² per degree of freedom",
    "log_impact": "ln u₀",
    "log_time": "ln t_E [d]",
    "time_error": "standard deviation of ln t_E",
    "peak_error": "standard deviation of t₀ [t_E]",
    "phase": "first of the new points after the peak [t_E]",
    "log_detections": "ln(1 + number of detections before)",
    "gap": "from the last point before to the first of the new ones [d]",
}

#: Names of the columns of `Departures.features`.
DEPARTURE_FEATURES: tuple[str, ...] = (
    *(f"{name}_{nights}" for nights in range(NIGHTS, 0, -1) for name in FEATURES_OF_NIGHTS),
    *FEATURES_OF_LENS,
    *FEATURES_OF_COURSE,
)

# Points before the last nights that tell whether they departed already.
_RUN_UP = 5

# None of them counts for more than so many σ.
_FARTHEST = 3.0


def second_largest(points: FluxPoints, values: Floats) -> Floats:
    """Return the second largest value of each object, 0 if it is negative or there is none, shape (n,)."""
    order = np.lexsort((values, points.index))
    index = points.index[order]
    second = np.zeros(points.n)
    same = index[1:] == index[:-1]
    second[index[:-1][same]] = values[order][:-1][same]  # of what is written again and again, the last one stays
    return np.maximum(second, 0.0)


def colours(now: FluxPoints, weight: Floats, share: Floats, delta: Floats) -> tuple[Floats, Floats]:
    """Return χ² of the bands about δ, per further band, and the number of bands, shape (n,) each; NaN for one band."""
    of_band = now.sum_by_band(weight)
    own = now.sum_by_band(weight * share) / np.where(of_band > 0, of_band, 1.0)
    squares = of_band * (own - np.repeat(np.nan_to_num(delta), N_BANDS)) ** 2
    bands = (of_band > 0).reshape(-1, N_BANDS).sum(axis=1).astype(np.float64)
    further = np.where(bands > 1, bands - 1.0, np.nan)
    return squares.reshape(-1, N_BANDS).sum(axis=1) / further, bands


def run_up(before: FluxPoints, detected: Mask, fit: PaczynskiFit, misfit: Floats) -> Floats:
    """Return the sum of the pulls of the last points before, over the root of their number, shape (n,)."""
    flux, _ = fit.predict(before)
    pull = np.nan_to_num((before.flux - flux) * np.sqrt(before.weight / misfit[before.index]))
    counted = np.cumsum(detected)
    until_end = np.zeros(before.n, dtype=np.intp)
    until_end[before.index] = counted  # of what is written again and again, the last one stays
    last = detected & (until_end[before.index] - counted < _RUN_UP)
    return np.asarray(before.sum(np.where(last, np.clip(pull, -_FARTHEST, _FARTHEST), 0.0)) / np.sqrt(_RUN_UP))


def course(now: FluxPoints, weight: Floats, share: Floats, sign: Floats, from_last: Indices) -> tuple[Floats, ...]:
    """Return the `FEATURES_OF_COURSE`, shape (n,) each."""
    of_night = now.index * NIGHTS + from_last
    length = now.n * NIGHTS
    sums = np.bincount(of_night, weights=weight, minlength=length).reshape(-1, NIGHTS)
    change = np.bincount(of_night, weights=weight * share, minlength=length).reshape(-1, NIGHTS) * sign[:, None]
    last, _, first = (change / sums).T
    steepening = (last - first) / np.sqrt(1.0 / sums[:, 0] + 1.0 / sums[:, -1])
    return (*(change / np.sqrt(sums)).T[::-1], steepening)
