r"""
How bright objects will be at a given time, and how sure that is.

The light curve in magnitudes is taken as a random process whose slope v wanders about a mean decline μ and forgets in a
time τ what it was (an Ornstein–Uhlenbeck process of variance σ²; the magnitude is its integral),

.. math:: m_b(t) = m_0 + κ_b + \int_0^t v\,dt', \qquad
          \operatorname{cov}(v(t), v(t')) = σ^2 e^{-|t - t'|/τ}, \quad \langle v \rangle = μ

so that a trend is followed for some τ and then fades into the mean decline, and the uncertainty grows as gap^{3/2} at
first and as gap^{1/2} later. The increments are stationary, hence with
:math:`G(x) = τ|x| - τ^2 (1 - e^{-|x|/τ})` the covariance of the integral is :math:`σ^2 [G(t) + G(t') - G(t - t')]`.
Colours κ_b are linear in ln λ, up to some scatter; m_0 is free. Given the points of an object this is Gaussian
regression (Rasmussen & Williams 2006, eqs. 2.23, 2.24), solved exactly for all objects at once.

How far objects of different kinds keep to such a model differs: one whose own points scatter more than they should gets
a larger uncertainty, with Student's t for its distribution (Shah, Wilson & Ghahramani 2014, AISTATS, eq. 6).

The numbers of `MODEL` were fitted to simulated objects (`benchmarks/brightness_coverage.py --fit`).
"""

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

#: Points older than this before the last one say nothing about tomorrow [d].
LOOK_BACK = 15.0

#: Points of an object that are used: the last ones.
MOST_POINTS = 12

#: Beyond this after the last detection nothing is promised, not even with an uncertainty [d].
LONGEST_GAP = 30.0

#: No trend is taken to be steeper than this, either way [mag/d].
STEEPEST = 1.0

#: A limit that the trend should have passed says: at least so faint, and by so much uncertain [mag].
_BEYOND_LIMIT, _BEYOND_LIMIT_ERR = 0.3, 0.5

#: Points that miss what all others say by more standard deviations than this count for little …
_OUTLIER = 4.0
#: … unless they are of the last hours, which may tell what the newest point tells [d].
_NEWS = 0.5

# Objects with so many points, or fewer, are computed together: few points make small matrices.
_SIZES = (0, 2, 4, 8, MOST_POINTS)

#: Objects computed together: their matrices stay in the processor's cache.
_CHUNK = 1000

#: Variance of m₀ about the last point [mag²]: free.
_FREE = 25.0

_EFFECTIVE_WAVELENGTH = {letter: BANDS[f"lsst{letter}"].effective_wavelength for letter in LETTERS}
_LOG_WAVELENGTH = np.log([_EFFECTIVE_WAVELENGTH[letter] for letter in LETTERS])


@dataclass(frozen=True, slots=True)
class TrendModel:
    """
    The numbers of the random process that light curves are taken for.

    Parameters
    ----------
    decline : float
        μ, the slope that any trend turns into [mag/d]; positive = fading.
    slope_scatter : float
        σ, standard deviation of slopes [mag/d].
    memory : float
        τ, the time after which a slope is forgotten [d].
    jitter : float
        Scatter beyond the photometric errors [mag].
    colour, colour_scatter : float
        Mean and standard deviation of dm / d ln λ [mag].
    band_scatter : float
        Deviation of each band from that line [mag].
    freedom : float
        How many points the common scatter is worth against an object's own (degrees of freedom).
    """

    decline: float = 0.032
    slope_scatter: float = 0.079
    memory: float = 4.4
    jitter: float = 0.084
    colour: float = 0.0
    colour_scatter: float = 2.1
    band_scatter: float = 0.105
    freedom: float = 2.6


MODEL = TrendModel()


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

        return np.asarray(self.mag + self.mag_err * stdtrit(self.freedom, probability) / _one_sigma(self.freedom))


@dataclass(frozen=True, slots=True, eq=False)
class _Recent:
    """The last points of n objects in k columns, the newest last; padded in front, where `valid` is False."""

    age: NDArray[np.float64]  # after the last detection [d]: 0 or negative; positive for a limit
    mag: NDArray[np.float64]  # relative to the last detection
    variance: NDArray[np.float64]
    letter: NDArray[np.int8]
    valid: NDArray[np.bool_]

    def select(self, rows: NDArray[np.intp], size: int) -> _Recent:
        """Return the last `size` columns of some rows."""
        at = rows, slice(-size, None)
        return _Recent(self.age[at], self.mag[at], self.variance[at], self.letter[at], self.valid[at])


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
            change, mag_err[rows], freedom[rows] = _predict(some, gap[rows], np.full(len(rows), target), model)
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
        change, mag_err[rows], freedom[rows] = _predict(some, gap[rows], np.full(len(rows), target), model)
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
) -> tuple[_Recent, Floats, Floats, Floats]:
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
    recent = _Recent(
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
    recent: _Recent, points: Points, limits: Mask, age: Floats, last_mag: Floats, model: TrendModel
) -> None:
    """Take the deepest limit since the last detection for a faint detection, where the trend should have passed it."""
    segments = points.segments
    depth = np.where(limits, points.limit, -np.inf)
    deepest = np.flatnonzero(limits & (depth == segments.maximum(depth)[segments.index]))
    rows, first = np.unique(segments.index[deepest], return_index=True)
    at = deepest[first]
    limit = points.limit[at] - last_mag[rows]
    expected = _predict(recent.select(rows, MOST_POINTS), age[at], points.letter[at].astype(np.intp), model)[0]
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


def _predict(
    recent: _Recent, gap: Floats, target: NDArray[np.intp], model: TrendModel
) -> tuple[Floats, Floats, Floats]:
    """Return magnitude minus that of the last detection, its 1σ and degrees of freedom, (n,), `gap` days after it."""
    age, valid = recent.age, recent.valid
    x = _LOG_WAVELENGTH[recent.letter] - _LOG_WAVELENGTH[target][:, np.newaxis]
    expected = model.decline * age + model.colour * x
    residual = np.where(valid, recent.mag - expected, 0.0)
    common = (
        _FREE
        + _drift(age[:, :, np.newaxis], age[:, np.newaxis, :], model)
        + model.colour_scatter**2 * x[:, :, np.newaxis] * x[:, np.newaxis, :]
        + model.band_scatter**2 * (recent.letter[:, :, np.newaxis] == recent.letter[:, np.newaxis, :])
    )
    covariance = np.where(valid[:, :, np.newaxis] & valid[:, np.newaxis, :], common, 0.0)
    noise = np.where(valid, recent.variance + model.jitter**2, 1.0)
    diagonal = np.arange(age.shape[1])
    covariance[:, diagonal, diagonal] += noise
    inverse = np.linalg.inv(covariance)
    weighted = _times(inverse, residual)
    freedom = model.freedom + valid.sum(axis=1)
    scale2 = (model.freedom + (residual * weighted).sum(axis=1)) / freedom

    suspect, changed = _surprising(weighted, inverse[:, diagonal, diagonal], scale2 * freedom, freedom, age, valid)
    bad = np.flatnonzero(suspect.any(axis=1))
    if len(bad):
        covariance[np.ix_(bad, diagonal, diagonal)] += np.eye(len(diagonal)) * suspect[bad][:, np.newaxis, :]
        inverse[bad] = np.linalg.inv(covariance[bad])
        weighted[bad] = _times(inverse[bad], residual[bad])
        # What has changed once may change again: there the surprise stays in the scatter.
        bad = bad[~changed[bad]]
        scale2[bad] = (model.freedom + (residual[bad] * weighted[bad]).sum(axis=1)) / freedom[bad]

    gap = gap[:, np.newaxis]
    steady = _FREE + model.band_scatter**2 * (recent.letter == target[:, np.newaxis])
    now = np.where(valid, steady, 0.0)
    then = np.where(valid, steady + _drift(gap, age, model), 0.0)
    level = (now * weighted).sum(axis=1)
    change = (then * weighted).sum(axis=1) + model.decline * gap[:, 0] - level
    steepest = STEEPEST * np.abs(gap[:, 0])
    change = np.clip(change, -steepest, steepest)
    variance = _FREE + model.band_scatter**2 + _drift(gap, gap, model)[:, 0] + model.jitter**2
    variance -= (then * _times(inverse, then)).sum(axis=1)
    return level + change, np.sqrt(scale2 * variance) * _one_sigma(freedom), freedom.astype(np.float64)


def _surprising(
    weighted: Floats, precision: Floats, total: Floats, freedom: NDArray[np.float64], age: Floats, valid: Mask
) -> tuple[Floats, Mask]:
    """
    Return the variance to add to points that are not what the others say (Rasmussen & Williams, eqs. 5.10 to 5.12).

    And whether the object has changed: an old point that all others contradict is a bad one, but if it is the newest
    that the others contradict, it is they that count for little.
    """
    miss = np.where(valid, weighted / precision, 0.0)
    squares = miss**2 * precision
    # Of the scatter without the point itself, lest a bad one hides behind the scatter that it makes.
    without = (total[:, np.newaxis] - squares) / (freedom - 1.0)[:, np.newaxis]
    outlying = valid & (squares > _OUTLIER**2 * np.maximum(without, 1e-12))
    changed = outlying[:, -1].copy()
    bad = outlying & (age < -_NEWS) & ~changed[:, np.newaxis]
    added = np.where(bad, miss**2, 0.0)
    added[changed, :-1] = np.where(valid[changed, :-1], miss[changed, -1:] ** 2, 0.0)
    return added, changed


def _times(matrices: Floats, vectors: Floats) -> Floats:
    """Product of each matrix with its vector, (n, k, k) and (n, k)."""
    return np.asarray((matrices * vectors[:, np.newaxis, :]).sum(axis=2))


def _drift(a: Floats, b: Floats, model: TrendModel) -> Floats:
    """Covariance of the integrated slope at times a and b, which is 0 at time 0."""
    return model.slope_scatter**2 * (_spread(a, model) + _spread(b, model) - _spread(a - b, model))


def _spread(x: Floats, model: TrendModel) -> Floats:
    """G of the module's docstring [d²]; by expm1, for minutes matter too."""
    x = np.abs(x) / model.memory
    return np.asarray(model.memory**2 * (x + np.expm1(-x)))


def _one_sigma(freedom: Floats) -> Floats:
    """
    Half the width of the 68.27 % interval of Student's t.

    By the series of Abramowitz & Stegun (1964, eq. 26.7.5) at one standard deviation: right to 2e-4 from 3 degrees of
    freedom on.
    """
    x = 1.0 / np.asarray(freedom)
    return np.asarray(1.0 + x * (0.5 + x * (0.25 + x * (0.0625 - 0.0057292 * x))))


def _date(mjd: float) -> str:
    return (dt.date(1858, 11, 17) + dt.timedelta(days=int(np.floor(mjd)))).isoformat()
