r"""
How long light curves stay above half of their peak, from however few points there are.

Every object is compared with one family of light curves on a grid of 576: durations :math:`t_{1/2}`, ratios of decline
to rise, and places of the true peak relative to the brightest point. With :math:`m_g` the shape, of unit peak, and
points :math:`f ± σ`, limits counting as zero, the likelihood of the best amplitude :math:`a ≥ 0` of each band is

.. math:: \ln L_g = \sum_{\rm bands} \frac{\max(0, \sum w f m_g)^2}{2 \sum w m_g^2}, \qquad w = 1/σ^2,

and :math:`P(g) ∝ π_g \, L_g^{T}`. The prior π says what a survey finds, that peaks far above what was seen are rare,
and that it is found near its peak. T < 1 allows for what no simple shape follows; the errors hold a share of the flux
for the same reason. The shares and T were set on simulated objects, of other nights than those that they are tested on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ampel_followup.features.ragged import LETTERS, Floats, Points, Segments

#: Durations of the grid [d], denser where the labels change.
DURATIONS: Floats = np.array(
    [0.5, 1.2, 2.5, 4.5, 7.0, 10.0, 15.0, 20.0, 26.0, 33.0, 40.0, 52.0, 70.0, 95.0, 130.0, 180.0]
)

#: t₁/₂ below which a transient is fast (Drout et al. 2014, ApJ 794, 23), and above which it is slow: longer than type
#: Ia and stripped-envelope supernovae out to z = 0.1 (20 to 40 d; Perley et al. 2020, ApJ 904, 35, figure 7) [d].
FAST, SLOW = 12.0, 45.0

# Shares of fast, normal and slow objects, spread evenly over the durations of each. A survey's bright transients hold
# hardly a percent of fast ones, a stream full of flares and dwarf novae many: the prior is between the two.
_PRIOR_OF_SPEED = (0.15, 0.45, 0.4)

# Shapes: decline over rise time and exponent of the decline; the later ones have plateaus. Shares of them among fast,
# normal and slow objects.
_SHAPES = ((1.0, 1.6), (2.5, 1.4), (8.0, 2.5), (20.0, 3.0))
_PRIOR_OF_SHAPE = ((0.5, 0.4, 0.07, 0.03), (0.2, 0.76, 0.03, 0.01), (0.3, 0.3, 0.25, 0.15))

# Place of the true peak, in half-rise times after the brightest point (positive) or half-decline times before it.
_PLACES: Floats = np.array([-1.2, -0.7, -0.3, 0.0, 0.4, 0.8, 1.2, 1.6, 2.2])
_PRIOR_OF_PLACE: Floats = np.array([0.02, 0.03, 0.06, 0.13, 0.26, 0.3, 0.1, 0.07, 0.03])

# Peaks a times brighter than what was seen are rarer by a^-2.5.
_PRIOR_OF_AMPLITUDE = -2.5

# Share of the flux, and of the brightest flux of the band, by which light curves depart from the shapes.
_SHAPE_ERROR, _FLOOR = 0.06, 0.02

# T, divided by χ² per point where the best shape does not fit.
_TEMPERATURE = 0.25

# Days from the brightest point, in bins that widen with distance: 13 % of it.
_SCALE, _BEFORE, _AFTER, _BINS = 0.3, 120.0, 250.0, 96

# Objects worked on together: their arrays stay within a processor's cache.
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Duration:
    """
    What is known of the durations of n objects.

    Parameters
    ----------
    fast, normal, slow : ndarray, shape (n,)
        Probabilities, which add up to 1; NaN without a positive detection.
    brightening, brightening_err : ndarray, shape (n,)
        By how much the true peak is brighter than the brightest point: mean and standard deviation [mag].
    misfit : ndarray, shape (n,)
        χ² of the best shape per point.
    """

    fast: Floats
    normal: Floats
    slow: Floats
    brightening: Floats
    brightening_err: Floats
    misfit: Floats


def _shape(x: Floats, ratio: Floats, exponent: Floats) -> Floats:
    """Flux at `x` durations after the peak: a Gaussian rise, a stretched exponential decline, and a tail."""
    rise, decline = 1.0 / (1.0 + ratio), ratio / (1.0 + ratio)
    late = np.maximum(x, 0.0) / decline
    return np.where(x < 0, np.exp2(-((x / rise) ** 2)), 0.85 * np.exp2(-(late**exponent)) + 0.15 * np.exp2(-late / 4.0))


def _grid() -> tuple[Floats, Floats, Floats, Floats]:
    """Edges of the bins; the shapes in them, (bins, grid); log prior and brightening [mag] of the grid."""
    edges = np.sinh(np.linspace(np.arcsinh(-_BEFORE / _SCALE), np.arcsinh(_AFTER / _SCALE), _BINS + 1)) * _SCALE
    centre = 0.5 * (edges[1:] + edges[:-1])
    centre[np.searchsorted(edges, 0.0) - 1] = 0.0  # the brightest point itself
    speed = np.digitize(DURATIONS, [FAST, SLOW])
    of_duration = np.array(_PRIOR_OF_SPEED)[speed] / np.bincount(speed)[speed]
    ratio, exponent = np.array(_SHAPES).T
    of_duration_and_shape = of_duration[:, None] * np.array(_PRIOR_OF_SHAPE)[speed]
    duration, place, ratio, exponent, prior = (
        column.ravel()
        for column in (
            *np.broadcast_arrays(
                DURATIONS[:, None, None],
                _PLACES[None, :, None],
                ratio[None, None, :],
                exponent[None, None, :],
                of_duration_and_shape[:, None, :] * _PRIOR_OF_PLACE[None, :, None],
            ),
        )
    )
    peak = np.where(place > 0, place / (1.0 + ratio), place * ratio / (1.0 + ratio))
    shapes = _shape(centre[:, None] / duration - peak, ratio, exponent)
    brightest = _shape(-peak, ratio, exponent)
    return edges, shapes, np.log(prior) - _PRIOR_OF_AMPLITUDE * np.log(brightest), -2.5 * np.log10(brightest)


_EDGES, *_columns = _grid()
# Single precision is more than light curves have, and twice as fast.
_SHAPES_IN_BINS, _LOG_PRIOR, _BRIGHTENING = (column.astype(np.float32) for column in _columns)
_SQUARED_SHAPES = _SHAPES_IN_BINS**2
_IS_SPEED = np.repeat(np.digitize(DURATIONS, [FAST, SLOW]), len(_LOG_PRIOR) // len(DURATIONS)) == np.arange(3)[:, None]


def durations(points: Points) -> Duration:
    """
    Estimate the durations of n objects.

    Parameters
    ----------
    points : Points
        Of the n objects (`ampel_followup.features.ragged.stack`), limits included: they tell when it was not there.

    Returns
    -------
    Duration
    """
    n = len(points.segments)
    seen = np.where(points.positive, points.flux, -np.inf)
    since = points.time - points.segments.at_maximum(seen, points.time)[points.segments.index]
    group = points.segments.index * len(LETTERS) + points.letter
    brightest = np.full(n * len(LETTERS), -np.inf)
    known = points.positive & (points.letter >= 0)
    np.maximum.at(brightest, group[known], points.flux[known])
    usable = (points.letter >= 0) & (since > -_BEFORE) & (since < _AFTER) & np.isfinite(brightest[group])
    peak = np.where(usable, brightest[group], 1.0)
    flux = points.flux / peak
    error = np.sqrt((points.flux_err / peak) ** 2 + (_SHAPE_ERROR * flux) ** 2 + _FLOOR**2)
    place = np.clip(np.searchsorted(_EDGES, since, side="right") - 1, 0, _BINS - 1)

    result = [
        _block(n_block, *(column[rows] for column in (group - first * len(LETTERS), place, flux, error)))
        for first, n_block, rows in _blocks(points.segments, usable)
    ]
    columns = np.concatenate(result, axis=1) if result else np.empty((6, 0))
    without = points.segments.count(usable & points.positive) == 0
    columns[:, without] = np.nan
    return Duration(*columns)


def _blocks(segments: Segments, usable: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """First object, number of objects and usable points of each block."""
    blocks = []
    for first in range(0, len(segments), _BLOCK):
        size = min(_BLOCK, len(segments) - first)
        start, end = segments.offsets[first], segments.offsets[first + size]
        blocks.append((first, size, start + np.flatnonzero(usable[start:end])))
    return blocks


def _block(n: int, group: np.ndarray, place: np.ndarray, flux: Floats, error: Floats) -> Floats:
    """Return the columns of `Duration`, shape (6, n), of a few objects."""
    weight = error**-2.0
    groups, index = np.unique(group, return_inverse=True)
    cell = index * _BINS + place
    size = len(groups) * _BINS
    # One product per band and object, so that an object's bits do not depend on its neighbours.
    w, wf = (
        np.bincount(cell, values, size).astype(np.float32).reshape(-1, 1, _BINS) for values in (weight, weight * flux)
    )
    overlap = np.maximum(np.matmul(wf, _SHAPES_IN_BINS)[:, 0], 0.0)
    explained = overlap**2 / (np.matmul(w, _SQUARED_SHAPES)[:, 0] + np.float32(1e-30))
    letter = groups % len(LETTERS)
    total = np.zeros((n, len(_LOG_PRIOR)), dtype=np.float32)
    for k in np.unique(letter):
        rows = letter == k
        total[groups[rows] // len(LETTERS)] += explained[rows]
    owner = group // len(LETTERS)
    chi2 = np.bincount(owner, weight * flux**2, n) - total.max(axis=1)
    misfit = chi2 / np.maximum(np.bincount(owner, minlength=n), 1)
    temperature = _TEMPERATURE / np.maximum(misfit, 1.0)
    log_posterior = _LOG_PRIOR + (0.5 * temperature).astype(np.float32)[:, None] * total
    posterior = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    mean = np.sum(posterior * _BRIGHTENING, axis=1)
    variance = np.maximum(np.sum(posterior * _BRIGHTENING**2, axis=1) - mean**2, 0.0)
    speeds = [np.sum(posterior, axis=1, where=of_speed) for of_speed in _IS_SPEED]
    return np.array([*speeds, mean, np.sqrt(variance), misfit])
