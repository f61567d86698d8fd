"""Scaling of features to normal scores, so that a mixture of a few Gaussians can describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class QuantileScaling:
    """
    Monotonic map of each feature to a standard normal, by its quantiles in the training set.

    Beyond the training range the map goes on linearly, so that what lies outside stays outside.

    Parameters
    ----------
    knots : tuple of ndarray
        Per feature, increasing values of the feature.
    scores : tuple of ndarray
        Per feature, the normal score of each knot.
    """

    knots: tuple[Array, ...]
    scores: tuple[Array, ...]

    @classmethod
    def fit(cls, x: Array, n_knots: int = 33) -> QuantileScaling:
        """
        Take the quantiles of the measured values.

        Parameters
        ----------
        x : ndarray, shape (n, k)
            NaN = not measured; at least two different values in every column.
        n_knots : int
            Quantiles to keep.
        """
        level = (np.arange(n_knots) + 0.5) / n_knots
        knots, scores = [], []
        for column in x.T:
            quantiles = np.quantile(column[np.isfinite(column)], level)
            value, first = np.unique(quantiles, return_index=True)
            last = np.append(first[1:], n_knots) - 1
            # A value that covers several quantiles (zero, say) goes to the middle of its levels.
            knots.append(value)
            scores.append(ndtri(0.5 * (level[first] + level[last])))
        return cls(tuple(knots), tuple(scores))

    def transform(self, x: Array) -> Array:
        """Return normal scores, shape as given (n, k); NaN stays NaN."""
        scaled = np.empty_like(x, dtype=np.float64)
        for j, (knots, scores) in enumerate(zip(self.knots, self.scores, strict=True)):
            column = x[:, j]
            scaled[:, j] = np.interp(column, knots, scores)
            if len(knots) > 1:
                slope = (scores[-1] - scores[0]) / (knots[-1] - knots[0])
                scaled[:, j] += slope * (np.maximum(column - knots[-1], 0.0) + np.minimum(column - knots[0], 0.0))
        return np.clip(scaled, -8.0, 8.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the knots as lists of numbers, for a bundle."""
        return {"knots": [k.tolist() for k in self.knots], "scores": [s.tolist() for s in self.scores]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> QuantileScaling:
        """Rebuild from `to_dict`."""
        return cls(tuple(map(np.asarray, data["knots"])), tuple(map(np.asarray, data["scores"])))
