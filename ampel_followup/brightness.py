"""How bright objects will be at a given time, and how sure that is, by the trend of their last points."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.bands import BANDS
from ampel_followup.errors import FollowupError
from ampel_followup.features.ragged import LETTERS, Floats, Mask, Points, stack
from ampel_followup.lightcurve import LightCurve
from ampel_followup.trend import MODEL, RecentPoints, TrendModel, one_sigma, predict

#: Points older than this before the last one say nothing about tomorrow [d].
LOOK_BACK = 15.0

#: Points of an object that are used: the last ones.
MOST_POINTS = 12

#: Beyond this after the last detection nothing is promised, not even with an uncertainty [d].
LONGEST_GAP = 30.0

#: A limit that the trend should have passed says: at least so faint, and by so much uncertain [mag].
_BEYOND_LIMIT, _BEYOND_LIMIT_ERR = 0.3, 0.5

# Objects with so many points, or fewer, are computed together: few points make small matrices.
_SIZES = (0, 2, 4, 8, MOST_POINTS)

#: Objects computed together: their matrices stay in the processor's cache.
_CHUNK = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Brightness:
    """
    The brightness of n objects at some time, difference magnitudes in one band.

    Parameters
    ----------
    mag, mag_err : ndarray, shape (n,)
        AB magnitude, and half the width of its 68 % interval [mag]; NaN where nothing can be said.
    freedom : ndarray, shape (n,)
        Degrees of freedom of Student's t that the magnitude follows.
    reason : list of (str or None), length n
        In words, why nothing can be said; None where something is.
    """

    mag: NDArray[np.float64]
    mag_err: NDArray[np.float64]
    freedom: NDArray[np.float64]
    reason: list[str | None]

    def __len__(self) -> int:
        return len(self.mag)

    def quantile(self, probability: float) -> NDArray[np.float64]:
        """Return the magnitude, shape (n,), below which it is with a probability: 0.975 for the faint end of 95 %."""
        # Here, because the terminal app draws fits without it.
        from scipy.special import stdtrit

        return np.asarray(self.mag + self.mag_err * stdtrit(self.freedom, probability) / one_sigma(self.freedom))


def brightness_at(
    light_curves: Sequence[LightCurve], mjd: ArrayLike, *, band: str = "r", model: TrendModel = MODEL
) -> Brightness:
    """
    Extrapolate light curves to a time.

    Only what was seen until then is used. What was last seen fainter than its reference image has no difference
    magnitude. Each object's answer depends on its own points alone.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        Of n objects.
    mjd : array_like, shape (n,) or ()
        UTC.
    band : str
        A letter, ``u`` … ``y``, or the name of a band (`ampel_followup.bands.BANDS`).
    model : TrendModel, optional

    Returns
    -------
    Brightness

    Raises
    ------
    FollowupError
        If there is no such band.
    """
    target = _letter_index(band)
    n = len(light_curves)
    mag, mag_err, freedom = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    reason: list[str | None] = [None] * n
    if n == 0:
        return Brightness(mag, mag_err, freedom, reason)
    when = np.broadcast_to(np.asarray(mjd, dtype=np.float64), (n,))
    recent, last, last_mag, below = _recent_points(light_curves, when, model)
    gap = when - last
    hopeful = (gap <= LONGEST_GAP) & ~(below > last)
    count = recent.valid.sum(axis=1)
    # What an object gets depends on its own number of points alone.
    for fewer, size in pairwise(_SIZES):
        these = np.flatnonzero(hopeful & (count > fewer) & (count <= size))
        for first in range(0, len(these), _CHUNK):
            rows = these[first : first + _CHUNK]
            some = recent.select(rows, size)
            change, mag_err[rows], freedom[rows] = predict(some, gap[rows], np.full(len(rows), target), model)
            mag[rows] = last_mag[rows] + change
    for i in np.flatnonzero(np.isnan(mag)):
        if not np.isfinite(when[i]):
            reason[i] = "no time given"
        elif np.isnan(last[i]):
            reason[i] = f"no detection above the reference image before {_date(when[i])}"
        elif below[i] > last[i]:
            reason[i] = f"fainter than its reference image on {_date(below[i])}"
        else:
            reason[i] = f"last detected on {_date(last[i])}, {gap[i]:.0f} d before: too long ago to say"
    return Brightness(mag, mag_err, freedom, reason)


def brightness_course(
    light_curve: LightCurve, mjd: ArrayLike, *, band: str = "r", model: TrendModel = MODEL
) -> Brightness:
    """
    Fit the last points of one light curve: how bright it was by all of them, and how bright it will be.

    This is what `brightness_at` extrapolates, and at the last of the times it is the same.

    Parameters
    ----------
    light_curve : LightCurve
    mjd : array_like, shape (t,)
        UTC, at least one; what was seen after the last of them is not used.
    band : str
        As for `brightness_at`.
    model : TrendModel, optional

    Returns
    -------
    Brightness
        At the t times; NaN, with the reason, before the first of the points that are used, and more than `LONGEST_GAP`
        after the last detection.

    Raises
    ------
    FollowupError
        If there is no such band.
    """
    target, when = _letter_index(band), np.asarray(mjd, dtype=np.float64)
    n = len(when)
    mag, mag_err, freedom = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    recent, last, last_mag, below = _recent_points([light_curve], when.max(keepdims=True), model)
    gap = when - last
    if np.isnan(last[0]):
        why = "no detection above the reference image"
    elif below[0] > last[0]:
        why = f"fainter than its reference image on {_date(below[0])}"
    else:
        why = f"not within the {LOOK_BACK:.0f} d before its last detection, or the {LONGEST_GAP:.0f} d after it"
        first = recent.age[recent.valid].min()
        rows = np.flatnonzero((gap >= first - 1e-6) & (gap <= LONGEST_GAP))
        # As many columns as `brightness_at` gives the object: the last digits then agree.
        size = next(size for size in _SIZES[1:] if recent.valid.sum() <= size)
        some = recent.select(np.zeros(len(rows), np.intp), size)
        change, mag_err[rows], freedom[rows] = predict(some, gap[rows], np.full(len(rows), target), model)
        mag[rows] = last_mag[0] + change
    return Brightness(mag, mag_err, freedom, [why if np.isnan(value) else None for value in mag])


def _letter_index(band: str) -> int:
    """Return the place in `LETTERS` of a band."""
    letter = BANDS[band].letter if band in BANDS else band
    letter = {"c": "g", "o": "r"}.get(letter, letter)
    if letter not in LETTERS or len(letter) != 1:
        raise FollowupError(f"brightness in band {band!r} is not known; give one of {', '.join((*LETTERS, *BANDS))}")
    return LETTERS.index(letter)


def _recent_points(
    light_curves: Sequence[LightCurve], when: Floats, model: TrendModel
) -> tuple[RecentPoints, Floats, Floats, Floats]:
    """
    Return the last points of each object until `when`.

    And, of shape (n,), time [MJD] and magnitude of its last detection, and the time of its last negative one.
    """
    points = stack(light_curves)
    segments = points.segments
    first = np.array([lc.time[0] if len(lc) else np.nan for lc in light_curves])
    time = points.time + first[segments.index]
    seen = (points.letter >= 0) & (time <= when[segments.index])
    bright = points.positive & seen
    last, last_mag = segments.last_where(bright, time), segments.last_where(bright, points.mag)
    age = time - last[segments.index]

    kept = bright & (age >= -LOOK_BACK)
    chosen = segments.select(kept)
    from_end = chosen.offsets[1:][chosen.index] - 1 - np.arange(len(chosen.index))
    new = from_end < MOST_POINTS
    place = chosen.index[new], MOST_POINTS - 1 - from_end[new]
    shape = (len(light_curves), MOST_POINTS)
    recent = RecentPoints(
        np.zeros(shape), np.zeros(shape), np.ones(shape), np.zeros(shape, np.int8), np.zeros(shape, np.bool_)
    )
    recent.age[place] = age[kept][new]
    recent.mag[place] = (points.mag - last_mag[segments.index])[kept][new]
    recent.variance[place] = points.mag_err[kept][new] ** 2
    recent.letter[place] = points.letter[kept][new]
    recent.valid[place] = True

    limits = ~points.detected & seen & (age > 0.0) & (age <= LONGEST_GAP)
    if limits.any():
        _add_limits(recent, points, limits, age, last_mag, model)
    below = segments.last_where(points.detected & ~points.positive & seen, time)
    return recent, last, last_mag, below


def _add_limits(
    recent: RecentPoints, points: Points, limits: Mask, age: Floats, last_mag: Floats, model: TrendModel
) -> None:
    """Take the deepest limit since the last detection for a faint detection, where the trend should have passed it."""
    segments = points.segments
    depth = np.where(limits, points.limit, -np.inf)
    deepest = np.flatnonzero(limits & (depth == segments.maximum(depth)[segments.index]))
    rows, first = np.unique(segments.index[deepest], return_index=True)
    at = deepest[first]
    limit = points.limit[at] - last_mag[rows]
    expected = predict(recent.select(rows, MOST_POINTS), age[at], points.letter[at].astype(np.intp), model)[0]
    passed = expected < limit
    rows, at, limit = rows[passed], at[passed], limit[passed]
    for column, value in (
        (recent.age, age[at]),
        (recent.mag, limit + _BEYOND_LIMIT),
        (recent.variance, _BEYOND_LIMIT_ERR**2),
        (recent.letter, points.letter[at]),
        (recent.valid, True),
    ):
        column[rows] = np.roll(column[rows], -1, axis=1)
        column[rows, -1] = value


def _date(mjd: float) -> str:
    return (dt.date(1858, 11, 17) + dt.timedelta(days=int(np.floor(mjd)))).isoformat()
