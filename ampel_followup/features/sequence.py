r"""
Light curves as sequences, for networks: on a grid of times, or epoch by epoch as they were observed.

Fluxes are asinh magnitudes (Lupton, Gunn & Szalay 1999) without their sign: with the softening s, the scatter of a
typical point,

.. math:: y = \operatorname{asinh}(f / s) / 4,

which is linear in noise and logarithmic in signal, so that no outlier rules and colours stay differences. Nothing is
scaled by what comes later, and times are relative to the light curve itself: a beginning of a light curve has the
sequence that it had when it was all there was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.features.ragged import LETTERS, Floats, Indices, Mask, Points, Segments

#: Steps of the grid of times; as published.
GRID_STEPS = 128

#: Epochs that a sequence holds at most: the latest ones.
MAX_EPOCHS = 64

#: Points with gaps of at most this belong to one epoch [d]: about an hour.
EPOCH_GAP = 0.04

#: Points longer than this before the first detection tell of the reference image, not of the transient [d].
LOOK_BACK = 30.0

#: A point is a detection from this signal-to-noise ratio on.
DETECTION = 5.0

#: Channels of a grid: flux and distance to the nearest point, in each band.
GRID_CHANNELS = 2 * len(LETTERS)

# Periods of the time encoding [d]: from the cadence of surveys to the length of what they see.
_PERIODS = 2.0 ** np.arange(2.0, 9.0)

#: Channels of an epoch: flux, time to the nearest point, its error, is it detected now, is there a limit now, in each
#: band; three times; the time encoding.
EPOCH_CHANNELS = 5 * len(LETTERS) + 3 + 2 * len(_PERIODS)

# Sizes of the channels: such that they are of order 1.
_FLUX_UNIT, _DAY_UNIT = 4.0, 4.0

# Distance to the nearest point where a band has none [d].
_NOWHERE = 1000.0

# What is beyond these is no photometry [µJy].
_LEAST_ERROR, _LARGEST_FLUX = 1e-4, 1e9

# Channels before those that tell the time.
_NOT_TIME = 5 * len(LETTERS)


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """
    Sequences of n light curves.

    Parameters
    ----------
    values : ndarray of float32, shape (n, T, c)
        0 where there is nothing.
    mask : ndarray of bool, shape (n, T)
        False after the end of a sequence.
    time : ndarray, shape (n, T)
        Of each step, since the first point of the light curve [d]; NaN after the end.
    features : ndarray of float32, shape (n, k), optional
        What a network sees of each object besides (`ampel_followup.features.hand_made.FeatureScale`).
    """

    values: NDArray[np.float32]
    mask: Mask
    time: Floats
    features: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.values)


def beginnings(points: Points, fraction: Floats | float) -> Points:
    """
    Return the first points of each object: a light curve as it was when it had a fraction of its points.

    Parameters
    ----------
    points : Points
        Of n objects.
    fraction : float, or ndarray of shape (n,)
        Of the points of each object, above 0 to 1; rounded up, so that at least one point is left.

    Raises
    ------
    FollowupError
        If a fraction is not above 0 and at most 1.
    """
    share = np.broadcast_to(np.asarray(fraction, dtype=np.float64), (len(points.segments),))
    if len(share) and not (share.min() > 0.0 and share.max() <= 1.0):
        raise FollowupError(f"a fraction of the points of {share.min():g} to {share.max():g}; give above 0 to 1")
    counts = points.segments.counts
    # 0.07 × 100 is a little more than 7.
    n_points = np.ceil(np.round(share * counts, 9)).astype(np.intp)
    return points.beginnings(np.arange(len(counts)), n_points)


def of_the_transient(points: Points) -> Points:
    """
    Leave out bands that are not known, and what is too long ago to belong to the transient.

    Parameters
    ----------
    points : Points

    Returns
    -------
    Points
        Those from `LOOK_BACK` before the first detection on; of an object without one, before its last point.
    """
    known = points.select(points.letter >= 0)
    significant = known.detected & (known.flux >= DETECTION * known.flux_err)
    first = known.segments.first_where(significant, known.time)
    start = np.where(np.isfinite(first), first, known.segments.last(known.time)) - LOOK_BACK
    return known.select(known.time >= start[known.segments.index])


def grid_sequences(points: Points, softening: float, n_steps: int = GRID_STEPS) -> Sequences:
    """
    Put light curves on a grid of times between their first and last points.

    Parameters
    ----------
    points : Points
        Of n objects. A limit counts as a flux of 0 before the first detection; later it says too little.
    softening : float
        s [µJy].
    n_steps : int
        T, at least 2.

    Returns
    -------
    Sequences
        `GRID_CHANNELS` channels: for each of `LETTERS` the flux y, interpolated linearly and constant beyond the
        first and last points of the band; then for each the logarithm of the time to the nearest point of the band.
        An object without points has a sequence of zeros, all of it masked.
    """
    points = of_the_transient(points)
    first_seen = points.segments.first_where(points.detected, points.time)
    points = points.select(points.detected | ~(points.time >= first_seen[points.segments.index]))
    n, start = len(points.segments), points.segments.first(points.time)
    step = (points.segments.last(points.time) - start) / (n_steps - 1)
    time = start[:, None] + step[:, None] * np.arange(n_steps)
    y = _flux(points.flux, softening)
    values = np.zeros((n, n_steps, GRID_CHANNELS), dtype=np.float32)
    for b in range(len(LETTERS)):
        chosen = points.letter == b
        segments = points.segments.select(chosen)
        flux, distance = _interpolated(segments, points.time[chosen], y[chosen], time, start, step)
        values[:, :, b], values[:, :, len(LETTERS) + b] = flux, _days(distance)
    mask = np.repeat((points.segments.counts > 0)[:, None], n_steps, axis=1)
    values[~mask[:, 0]] = 0.0
    return Sequences(values, mask, time)


def _interpolated(
    segments: Segments, at: Floats, y: Floats, time: Floats, start: Floats, step: Floats
) -> tuple[Floats, Floats]:
    """Return flux and distance to the nearest point [d], shape (n, T), of one band; 0 and `_NOWHERE` without points."""
    n, n_steps = time.shape
    if len(at) == 0:
        return np.zeros(time.shape), np.full(time.shape, _NOWHERE)
    # Step from which on a point is in the past: in place of a search, for the grid is regular.
    index = segments.index
    width = np.where(step > 0.0, step, 1.0)[index]
    reached = np.clip(np.ceil((at - start[index]) / width), 0, n_steps - 1).astype(np.intp)
    behind = np.bincount(index * n_steps + reached, minlength=n * n_steps).reshape(n, n_steps).cumsum(axis=1)
    begin, last = segments.offsets[:-1, None], segments.offsets[1:, None] - 1
    filled = (segments.counts > 0)[:, None]
    left = np.where(filled, np.clip(begin + behind - 1, begin, last), 0)
    right = np.where(filled, np.clip(begin + behind, begin, last), 0)
    t_left, t_right = at[left], at[right]
    gap = t_right - t_left
    share = np.clip((time - t_left) / np.where(gap > 0.0, gap, 1.0), 0.0, 1.0)
    flux = y[left] + np.where(gap > 0.0, share, 0.0) * (y[right] - y[left])
    distance = np.minimum(np.abs(time - t_left), np.abs(t_right - time))
    return np.where(filled, flux, 0.0), np.where(filled, distance, _NOWHERE)


def epoch_sequences(points: Points, softening: float, n_epochs: int = MAX_EPOCHS) -> Sequences:
    """
    Take light curves epoch by epoch, at the times at which they were observed.

    Parameters
    ----------
    points : Points
        Of n objects. Detections of a band in one epoch are averaged, weighted by their errors; a limit is one where its
        band has no detection in the epoch, and its flux of 0 counts before the first detection.
    softening : float
        s [µJy].
    n_epochs : int
        T; of longer light curves the latest epochs.

    Returns
    -------
    Sequences
        `EPOCH_CHANNELS` channels: for each of `LETTERS` the flux y, interpolated linearly where the band was not
        observed; the logarithm of the time to its nearest epoch; the error there, as asinh(σ/s)/4; 1 for a detection;
        1 for a limit. Then logarithms of the time since the epoch before, until the last epoch, and since the first
        detection (signed), and sines and cosines of the latter with periods of 4 to 256 d (Vaswani et al. 2017,
        section 3.5).
    """
    points = of_the_transient(points)
    epochs = _Epochs.of(points, n_epochs)
    n, width = len(points.segments), len(LETTERS)
    values = np.zeros((n, n_epochs, EPOCH_CHANNELS), dtype=np.float32)
    mask = np.zeros((n, n_epochs), dtype=np.bool_)
    time = np.full((n, n_epochs), np.nan)
    if len(points.time) == 0:
        return Sequences(values, mask, time)
    row, column = epochs.object_index[epochs.kept], epochs.place[epochs.kept]
    cells = _by_band(points, epochs)
    filled = _between_epochs(cells, points, epochs, softening)
    for k, block in enumerate((*filled, cells.detected, cells.limit)):
        values[row, column, k * width : (k + 1) * width] = block[epochs.kept]
    mask[row, column] = True
    time[row, column] = epochs.time[epochs.kept]
    values[row, column, _NOT_TIME:] = _time_channels(points, epochs)[epochs.kept]
    return Sequences(values, mask, time)


def epoch_times(points: Points, n_epochs: int = MAX_EPOCHS) -> Floats:
    """Return the times of the epochs that `epoch_sequences` has, shape (n, T), since the first point [d]; or NaN."""
    points = of_the_transient(points)
    epochs = _Epochs.of(points, n_epochs)
    time = np.full((len(points.segments), n_epochs), np.nan)
    time[epochs.object_index[epochs.kept], epochs.place[epochs.kept]] = epochs.time[epochs.kept]
    return time


@dataclass(frozen=True, slots=True)
class _Epochs:
    """
    Epochs of all objects, one after the other.

    `of_point` has the epoch of each point; `object_index`, `time` (that of its first point) and `place` in the sequence
    are of each epoch; `kept` says which are not too long ago.
    """

    of_point: Indices
    object_index: Indices
    time: Floats
    place: Indices
    kept: Mask

    @classmethod
    def of(cls, points: Points, n_epochs: int) -> _Epochs:
        index = points.segments.index
        opens = np.ones(len(index), dtype=np.bool_)
        opens[1:] = (np.diff(points.time) > EPOCH_GAP) | (index[1:] != index[:-1])
        object_index = index[opens]
        segments = Segments.from_counts(np.bincount(object_index, minlength=len(points.segments)))
        place = np.arange(len(object_index)) - segments.offsets[:-1][object_index]
        place = place - np.maximum(segments.counts - n_epochs, 0)[object_index]
        return cls(np.cumsum(opens) - 1, object_index, points.time[opens], place, place >= 0)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Flux, error, is it detected, and is it a limit, of each epoch and band, shape (number of epochs, bands) each."""

    flux: Floats
    flux_err: Floats
    detected: Mask
    limit: Mask


def _by_band(points: Points, epochs: _Epochs) -> _Cells:
    """Average the points of each epoch and band; 0 where there is none."""
    shape = (len(epochs.time), len(LETTERS))
    size = shape[0] * shape[1]
    cell = epochs.of_point * shape[1] + points.letter
    n_detected = np.bincount(cell[points.detected], minlength=size)
    counts = points.detected | (n_detected[cell] == 0)
    err = np.clip(points.flux_err, _LEAST_ERROR, _LARGEST_FLUX)
    weight = np.where(counts, err**-2.0, 0.0)
    flux = np.where(points.detected, np.clip(points.flux, -_LARGEST_FLUX, _LARGEST_FLUX), 0.0)
    total = np.bincount(cell, weights=weight, minlength=size)
    there = total > 0.0
    divisor = np.where(there, total, 1.0)
    mean = np.bincount(cell, weights=weight * flux, minlength=size) / divisor
    sigma = np.where(there, divisor**-0.5, 0.0)
    detected = n_detected > 0
    return _Cells(
        mean.reshape(shape), sigma.reshape(shape), detected.reshape(shape), (there & ~detected).reshape(shape)
    )


def _between_epochs(cells: _Cells, points: Points, epochs: _Epochs, softening: float) -> tuple[Floats, Floats, Floats]:
    """Return flux, time to the nearest epoch with the band, and the error there, shape (number of epochs, bands)."""
    time, index = epochs.time, epochs.object_index
    segments = Segments.from_counts(np.bincount(index, minlength=len(points.segments)))
    first_seen = segments.first_where(np.asarray(cells.detected.any(axis=1)), time)[index]
    usable = cells.detected | (cells.limit & ~(time >= first_seen)[:, None])
    place = np.arange(len(time))[:, None]
    before = np.maximum.accumulate(np.where(usable, place, -1), axis=0)
    after = np.minimum.accumulate(np.where(usable, place, len(time))[::-1], axis=0)[::-1]
    has_before = before >= segments.offsets[:-1][index][:, None]
    has_after = after < segments.offsets[1:][index][:, None]
    # Constant beyond the first and the last one.
    left = np.where(has_before, before, np.where(has_after, after, 0))
    right = np.where(has_after, after, left)
    there = has_before | has_after
    gap = time[right] - time[left]
    share = np.where(gap > 0.0, (time[:, None] - time[left]) / np.where(gap > 0.0, gap, 1.0), 0.0)
    share = np.clip(share, 0.0, 1.0)
    band = np.arange(len(LETTERS))[None, :]
    y, sigma = _flux(cells.flux, softening), _flux(cells.flux_err, softening)
    flux = y[left, band] + share * (y[right, band] - y[left, band])
    to_left, to_right = np.abs(time[:, None] - time[left]), np.abs(time[right] - time[:, None])
    nearest = np.where(to_left <= to_right, left, right)
    distance = np.where(there, np.minimum(to_left, to_right), _NOWHERE)
    return np.where(there, flux, 0.0), _days(distance), np.where(there, sigma[nearest, band], 0.0)


def _time_channels(points: Points, epochs: _Epochs) -> Floats:
    """Return the channels that tell the times of the epochs, shape (number of epochs, 3 + 2 · periods)."""
    time, index = epochs.time, epochs.object_index
    gap = np.zeros(len(time))
    gap[1:] = np.where(index[1:] == index[:-1], np.diff(time), 0.0)
    segments = Segments.from_counts(np.bincount(index, minlength=len(points.segments)))
    significant = points.detected & (points.flux >= DETECTION * points.flux_err)
    first = points.segments.first_where(significant, points.time)
    zero = np.where(np.isfinite(first), first, segments.first(time))
    age = time - zero[index]
    phase = 2.0 * np.pi * age[:, None] / _PERIODS
    left = segments.last(time)[index] - time
    columns = (_days(gap), _days(left), np.sign(age) * _days(np.abs(age)))
    return np.concatenate([np.column_stack(columns), np.sin(phase), np.cos(phase)], axis=1)


def _flux(flux: Floats, softening: float) -> Floats:
    return np.asarray(np.arcsinh(np.clip(flux, -_LARGEST_FLUX, _LARGEST_FLUX) / softening) / _FLUX_UNIT)


def _days(days: Floats) -> Floats:
    return np.asarray(np.log1p(days) / _DAY_UNIT)
