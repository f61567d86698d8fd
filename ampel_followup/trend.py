r"""
The course of magnitudes as a random process, and what the points of objects say of it at another time.

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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.features.ragged import LETTERS, Floats, Mask

#: No trend is taken to be steeper than this, either way [mag/d].
STEEPEST = 1.0

#: Points that miss what all others say by more standard deviations than this count for little …
_OUTLIER = 4.0
#: … unless they are of the last hours, which may tell what the newest point tells [d].
_NEWS = 0.5

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
class RecentPoints:
    """
    The last points of n objects in k columns, the newest last; padded in front.

    Parameters
    ----------
    age : ndarray, shape (n, k)
        After the last detection [d]: 0 or negative; positive for a limit.
    mag : ndarray, shape (n, k)
        Relative to the last detection.
    variance : ndarray, shape (n, k)
        [mag²].
    letter : ndarray of int, shape (n, k)
        Place of the band in `ampel_followup.features.ragged.LETTERS`.
    valid : ndarray of bool, shape (n, k)
        False where there is none.
    """

    age: NDArray[np.float64]
    mag: NDArray[np.float64]
    variance: NDArray[np.float64]
    letter: NDArray[np.int8]
    valid: NDArray[np.bool_]

    def select(self, rows: NDArray[np.intp], size: int) -> RecentPoints:
        """Return the last `size` columns of some rows."""
        at = rows, slice(-size, None)
        return RecentPoints(self.age[at], self.mag[at], self.variance[at], self.letter[at], self.valid[at])


def predict(
    recent: RecentPoints, gap: Floats, target: NDArray[np.intp], model: TrendModel
) -> tuple[Floats, Floats, Floats]:
    """
    Extrapolate the points of n objects, or say what lies between them.

    Parameters
    ----------
    recent : RecentPoints
    gap : ndarray, shape (n,)
        Time after the last detection [d].
    target : ndarray of int, shape (n,)
        Place of the band in `ampel_followup.features.ragged.LETTERS`.
    model : TrendModel

    Returns
    -------
    mag : ndarray, shape (n,)
        Minus that of the last detection.
    mag_err : ndarray, shape (n,)
        Half the width of the 68 % interval [mag].
    freedom : ndarray, shape (n,)
        Degrees of freedom of Student's t.
    """
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
    return level + change, np.sqrt(scale2 * variance) * one_sigma(freedom), freedom.astype(np.float64)


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


def one_sigma(freedom: Floats) -> Floats:
    """
    Half the width of the 68.27 % interval of Student's t.

    By the series of Abramowitz & Stegun (1964, eq. 26.7.5) at one standard deviation: right to 2e-4 from 3 degrees of
    freedom on.
    """
    x = 1.0 / np.asarray(freedom)
    return np.asarray(1.0 + x * (0.5 + x * (0.25 + x * (0.0625 - 0.0057292 * x))))
