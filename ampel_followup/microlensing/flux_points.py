"""The points of many objects as microlensing fits see them: in known bands, errors widened, in units of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features.ragged import LETTERS, Floats, Indices, Points

#: Scatter of photometry beyond its errors, as a share of the flux, added to them in quadrature.
MODEL_ERROR = 0.01

#: Upper limits are given as 0 with a fifth of the limit as error; what is not zero may hide below it.
LIMIT_WIDENING = 2.0

N_BANDS = len(LETTERS)


@dataclass(frozen=True, slots=True)
class FluxPoints:
    """
    The points of n objects as the fits see them, N in all.

    Parameters
    ----------
    n : int
    index, group : ndarray of int, shape (N,)
        Object of each point, and object and band together (6 i + band).
    time : ndarray, shape (N,)
        [d].
    flux, weight : ndarray, shape (N,)
        Flux in units of its largest excursion in the object, and inverse variance in that unit.
    scale : ndarray, shape (n,)
        That unit [µJy].
    """

    n: int
    index: Indices
    group: Indices
    time: Floats
    flux: Floats
    weight: Floats
    scale: Floats

    @classmethod
    def of(cls, points: Points, limit_widening: float = LIMIT_WIDENING) -> FluxPoints:
        """Take the points in a known band; the errors of limits are widened by a factor."""
        points = points.select(points.letter >= 0)
        index = points.segments.index
        error = np.where(points.detected, points.flux_err, limit_widening * points.flux_err)
        error = np.hypot(error, MODEL_ERROR * points.flux)
        scale = points.segments.maximum(np.abs(points.flux))
        scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
        flux, error = points.flux / scale[index], np.clip(error / scale[index], 1e-6, 1e6)
        group = index * N_BANDS + points.letter
        return cls(len(points.segments), index, group, points.time, flux, error**-2.0, scale)

    def select(self, mask: NDArray[np.bool_]) -> FluxPoints:
        """Return the points where `mask` is True; the objects stay, if without points."""
        index, group = self.index[mask], self.group[mask]
        return FluxPoints(self.n, index, group, self.time[mask], self.flux[mask], self.weight[mask], self.scale)

    def among(self, chosen: NDArray[np.bool_]) -> FluxPoints:
        """Return some of the objects, with their points."""
        kept = chosen[self.index]
        index = (np.cumsum(chosen) - 1)[self.index[kept]]
        return FluxPoints(
            int(chosen.sum()),
            index,
            index * N_BANDS + self.group[kept] % N_BANDS,
            self.time[kept],
            self.flux[kept],
            self.weight[kept],
            self.scale[chosen],
        )

    def by_band(self) -> FluxPoints:
        """Return the same points with every band as an object of its own: 6 n of them."""
        scale = np.repeat(self.scale, N_BANDS)
        own = self.group * N_BANDS + self.group % N_BANDS
        return FluxPoints(self.n * N_BANDS, self.group, own, self.time, self.flux, self.weight, scale)

    def sum(self, values: Floats) -> Floats:
        """Sum over the points of each object, shape (n,)."""
        return np.bincount(self.index, weights=values, minlength=self.n).astype(np.float64, copy=False)

    def sum_by_band(self, values: Floats) -> Floats:
        """Sum over the points of each object and band, shape (6 n,)."""
        return np.bincount(self.group, weights=values, minlength=self.n * N_BANDS).astype(np.float64, copy=False)

    def count(self) -> Floats:
        """Return the number of points of each object, shape (n,)."""
        return self.sum(np.ones(len(self.time)))
