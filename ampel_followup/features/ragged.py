"""
Points of many objects in one array, and reductions over the points of each.

Every reduction depends on the points of its own object alone, down to the last bit: an object has the same features
whether it is computed alone or among a thousand. Hence sums run in the order of the points, never in a tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.lightcurve import LIMIT_SIGMA, LightCurve, magnitude_from_flux

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

#: Letters that bands are told apart by, whatever the survey; ATLAS's wide bands go with the nearest letter.
LETTERS = "ugrizy"

_LETTER_OF_WIDE_BAND = {"c": "g", "o": "r"}


@dataclass(frozen=True, slots=True)
class Segments:
    """
    Consecutive points in n segments, some of which may be empty.

    Parameters
    ----------
    offsets : ndarray of int, shape (n + 1,)
        Segment i is points ``offsets[i]`` to ``offsets[i + 1] - 1``.
    index : ndarray of int, shape (number of points,)
        The segment of each point.
    counts : ndarray of int, shape (n,)
        Points in each segment.
    """

    offsets: Indices
    index: Indices
    counts: Indices

    @classmethod
    def from_counts(cls, counts: Indices) -> Segments:
        """Make segments of `counts` points each, shape (n,)."""
        return cls(_offsets(counts), np.arange(len(counts)).repeat(counts), counts)

    @classmethod
    def joined(cls, *parts: Segments) -> Segments:
        """Return the segments of several sets of points, one set after the other."""
        begins = accumulate((len(part) for part in parts), initial=0)
        index = np.concatenate([part.index + begin for part, begin in zip(parts, begins, strict=False)])
        counts = np.concatenate([part.counts for part in parts])
        return cls(_offsets(counts), index, counts)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def select(self, mask: Mask) -> Segments:
        """Return the segments that are left of the points where `mask` is True."""
        index = self.index[mask]
        counts = np.bincount(index, minlength=len(self))
        return Segments(_offsets(counts), index, counts)

    def reversed(self) -> Segments:
        """Return the segments of the points in the opposite order."""
        return Segments(len(self.index) - self.offsets[::-1], len(self) - 1 - self.index[::-1], self.counts[::-1])

    def count(self, mask: Mask) -> Indices:
        """Count the points where `mask` is True in each segment, shape (n,)."""
        return np.bincount(self.index[mask], minlength=len(self))

    def sum(self, values: Floats) -> Floats:
        """Sum in each segment, shape (n,); 0 for an empty one."""
        # np.add.reduceat would add pairwise; bincount adds one after the other.
        return np.bincount(self.index, weights=values, minlength=len(self)).astype(np.float64, copy=False)

    def mean(self, values: Floats) -> Floats:
        """Arithmetic mean in each segment, shape (n,); NaN for an empty one."""
        return self.sum(values) / np.where(self.counts > 0, self.counts, np.nan)

    def maximum(self, values: Floats) -> Floats:
        """Largest value in each segment, NaN ignored, shape (n,); NaN where there is none."""
        if self._filled:
            return np.fmax.reduceat(values, self.offsets[:-1])
        result = np.full(len(self), np.nan)
        if len(values):
            filled = self.counts > 0
            # Without the empty segments, the start of one is the end of the one before.
            result[filled] = np.fmax.reduceat(values, self.offsets[:-1][filled])
        return result

    def minimum(self, values: Floats) -> Floats:
        """Smallest value in each segment, NaN ignored, shape (n,); NaN where there is none."""
        return -self.maximum(-values)

    def first(self, values: Floats) -> Floats:
        """First value of each segment, shape (n,); NaN for an empty one."""
        return self._at(values, self.offsets[:-1])

    def last(self, values: Floats) -> Floats:
        """Last value of each segment, shape (n,); NaN for an empty one."""
        return self._at(values, self.offsets[1:] - 1)

    def median(self, values: Floats) -> Floats:
        """Median of each segment, shape (n,); NaN for an empty one. `values` must be free of NaN."""
        ordered = values[np.lexsort((values, self.index))]
        lower = self._at(ordered, self.offsets[:-1] + (self.counts - 1) // 2)
        return 0.5 * (lower + self._at(ordered, self.offsets[:-1] + self.counts // 2))

    def at_maximum(self, key: Floats, values: Floats) -> Floats:
        """Return, of each segment, the entry of `values` where `key` is largest (the first one), shape (n,)."""
        return self.first_where(key == self.maximum(key)[self.index], values)

    def first_where(self, mask: Mask, values: Floats) -> Floats:
        """First of `values` where `mask` is True in each segment, shape (n,); NaN where it nowhere is."""
        # Written backwards, the first one stays.
        return self._written(self.index[mask][::-1], values[mask][::-1])

    def last_where(self, mask: Mask, values: Floats) -> Floats:
        """Last of `values` where `mask` is True in each segment, shape (n,); NaN where it nowhere is."""
        return self._written(self.index[mask], values[mask])

    def _written(self, index: Indices, values: Floats) -> Floats:
        """Return, of each segment, the one of `values` that is written last, shape (n,); NaN where there is none."""
        result = np.full(len(self), np.nan)
        result[index] = values
        return result

    @property
    def _filled(self) -> bool:
        """Whether there are segments, and none is empty."""
        return len(self.index) > 0 and (len(self.counts) == 1 or bool(self.counts.all()))

    def _at(self, values: Floats, position: Indices) -> Floats:
        if self._filled:
            return values[position]
        result = np.full(len(self), np.nan)
        if len(values):
            filled = self.counts > 0
            result[filled] = values[position[filled]]
        return result


def _offsets(counts: Indices) -> Indices:
    offsets = np.zeros(len(counts) + 1, dtype=np.intp)
    counts.cumsum(out=offsets[1:])
    return offsets


@dataclass(frozen=True, slots=True)
class Points:
    """
    Photometry of n objects with N points in all, in time order within each object.

    Parameters
    ----------
    segments : Segments
        The objects.
    time : ndarray, shape (N,)
        Since the first point of the object [d]: no absolute time can leak into a feature.
    letter : ndarray of int, shape (N,)
        Position of the band's letter in `LETTERS`; −1 for a band that is not known.
    flux, flux_err : ndarray, shape (N,)
        Difference flux and its error [µJy], signed; 0 at limits.
    mag, mag_err : ndarray, shape (N,)
        AB magnitude and its error [mag] of positive detections, NaN elsewhere.
    limit : ndarray, shape (N,)
        Five-sigma limiting magnitude [mag] of every point.
    detected : ndarray of bool, shape (N,)
        False at limits.
    ra, dec : ndarray, shape (N,)
        Position of each detection [deg].
    rb, drb : ndarray, shape (N,)
        Real/bogus scores of each detection.
    """

    segments: Segments
    time: Floats
    letter: NDArray[np.int8]
    flux: Floats
    flux_err: Floats
    mag: Floats
    mag_err: Floats
    limit: Floats
    detected: Mask
    ra: Floats
    dec: Floats
    rb: Floats
    drb: Floats

    @property
    def positive(self) -> Mask:
        """True at detections brighter than the reference image, shape (N,)."""
        return self.detected & (self.flux > 0)

    def in_band(self, letter: str) -> Mask:
        """Return True at points in a band of this letter, shape (N,)."""
        mask: Mask = self.letter == LETTERS.index(letter)
        return mask

    def select(self, mask: Mask) -> Points:
        """Return the points where `mask` is True; the objects stay, if without points."""
        (left,) = mask.nonzero()
        if len(left) == len(mask):
            return self
        return self._taken(self.segments.select(mask), left)

    def beginnings(self, object_index: Indices, n_points: Indices) -> Points:
        """
        Return the first points of objects, as often as asked for, as if each beginning were an object of its own.

        Parameters
        ----------
        object_index : ndarray of int, shape (v,)
            The object of each beginning.
        n_points : ndarray of int, shape (v,)
            How many of its points, none to all.

        Returns
        -------
        Points
            Of v segments.
        """
        segments = Segments.from_counts(n_points)
        shift = self.segments.offsets[:-1][object_index] - segments.offsets[:-1]
        taken = np.arange(len(segments.index)) + shift[segments.index]
        return self._taken(segments, taken)

    def band_by_band(self, letters: str) -> Points:
        """Return the points in bands of these letters: of all objects in the first, then in the second."""
        left = [self.in_band(letter).nonzero()[0] for letter in letters]
        n = len(self.segments)
        index = np.concatenate([self.segments.index[one] + k * n for k, one in enumerate(left)])
        counts = np.bincount(index, minlength=len(letters) * n)
        return self._taken(Segments(_offsets(counts), index, counts), np.concatenate(left))

    def ordered(self, order: Indices) -> Points:
        """Return the points in another order, shape (N,), of which that of the objects is the same."""
        return self._taken(self.segments, order)

    def _taken(self, segments: Segments, which: Indices) -> Points:
        return Points(segments, *[getattr(self, name).take(which) for name in _COLUMNS])


_COLUMNS = tuple(f.name for f in fields(Points) if f.name != "segments")


def stack(light_curves: Sequence[LightCurve]) -> Points:
    """
    Put the points of many light curves one after the other.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        At least one; with any number of points each.

    Returns
    -------
    Points
        The same ones if it is asked for the same light curves again: a feature set after the other does so.
    """
    return _stack(tuple(light_curves))


@lru_cache(maxsize=1)
def _stack(light_curves: tuple[LightCurve, ...]) -> Points:
    def column(name: str) -> Floats:
        return np.concatenate([getattr(lc, name) for lc in light_curves])

    segments = Segments.from_counts(np.array([len(lc) for lc in light_curves], dtype=np.intp))
    time, flux, flux_err = column("time"), column("flux"), column("flux_err")
    detected = ~np.concatenate([lc.upper_limit for lc in light_curves])
    mag, mag_err = magnitudes(flux, flux_err, detected)
    points = Points(
        segments=segments,
        time=time - segments.first(time)[segments.index],
        letter=_letters(np.concatenate([lc.band for lc in light_curves])),
        flux=flux,
        flux_err=flux_err,
        mag=mag,
        mag_err=mag_err,
        limit=magnitude_from_flux(LIMIT_SIGMA * flux_err, flux_err)[0],
        detected=detected,
        ra=column("point_ra"),
        dec=column("point_dec"),
        rb=column("rb"),
        drb=column("drb"),
    )
    for name in _COLUMNS:  # whoever asks next gets the same ones
        getattr(points, name).flags.writeable = False
    return points


def magnitudes(flux: Floats, flux_err: Floats, detected: Mask) -> tuple[Floats, Floats]:
    """Return magnitudes and their errors as in `Points`, shape (N,) each: NaN but at positive detections."""
    mag, mag_err = np.full(len(flux), np.nan), np.full(len(flux), np.nan)
    positive = detected & (flux > 0)
    mag[positive], mag_err[positive] = magnitude_from_flux(flux[positive], flux_err[positive])
    return mag, mag_err


def _letters(band: NDArray[np.str_]) -> NDArray[np.int8]:
    letter = np.full(len(band), -1, dtype=np.int8)
    for name in BANDS:
        code = BANDS[name].letter
        letter[band == name] = LETTERS.index(_LETTER_OF_WIDE_BAND.get(code, code))
    return letter
