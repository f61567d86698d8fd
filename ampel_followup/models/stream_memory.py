"""What a learner keeps of a stream: the latest objects, and a fair sample of those before, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.models.classifier import EXTREME

Array = NDArray[np.float64]

# Objects that are worth less are dropped.
_LEAST = 0.05


@dataclass(slots=True, eq=False)
class StreamMemory:
    """
    The latest objects and a uniform random sample of earlier ones (Vitter 1985, ACM TOMS 11, 37, algorithm R).

    Parameters
    ----------
    x : ndarray of float32, shape (N, k)
        Features; NaN = not measured. The sample comes first, then the latest objects as they came.
    y : ndarray of int, shape (N,)
        Classes.
    arrived : ndarray of int, shape (N,)
        Which object of the stream each is, from 0.
    weight : ndarray, shape (N,)
        What each is worth to a learner, above 0, at most 1.
    n_recent, n_sample : int
        How many of either are kept at most.
    n_sampled : int
        Objects in the sample.
    n_offered : int
        Objects that it was drawn from.
    n_seen : int
        Objects of the stream so far.
    """

    x: NDArray[np.float32]
    y: NDArray[np.intp]
    arrived: NDArray[np.int64]
    weight: Array
    n_recent: int
    n_sample: int
    n_sampled: int = 0
    n_offered: int = 0
    n_seen: int = 0

    @classmethod
    def empty(cls, n_features: int, n_recent: int, n_sample: int) -> StreamMemory:
        """Return a memory of nothing."""
        x = np.empty((0, n_features), dtype=np.float32)
        nothing = np.empty(0)
        return cls(x, nothing.astype(np.intp), nothing.astype(np.int64), nothing, n_recent, n_sample)

    def __len__(self) -> int:
        return len(self.y)

    def add(self, x: Array, y: NDArray[np.intp], rng: np.random.Generator) -> None:
        """Take in the next objects, features (n, k) and classes (n,), with a weight of 1."""
        # As exact as trees are, and within the range that they tell apart.
        self.x = np.concatenate([self.x, np.clip(x, -EXTREME, EXTREME).astype(np.float32)])
        self.y = np.concatenate([self.y, y])
        self.arrived = np.concatenate([self.arrived, self.n_seen + np.arange(len(y))])
        self.weight = np.concatenate([self.weight, np.ones(len(y))])
        self.n_seen += len(y)
        sample = list(range(self.n_sampled))
        first_recent = max(self.n_sampled, len(self) - self.n_recent)
        for row in range(self.n_sampled, first_recent):
            self.n_offered += 1
            if len(sample) < self.n_sample:
                sample.append(row)
            elif (place := int(rng.integers(self.n_offered))) < self.n_sample:
                sample[place] = row
        self.n_sampled = len(sample)
        self._keep(np.concatenate([np.array(sample, dtype=np.intp), np.arange(first_recent, len(self))]))

    def discount(self, before: int, factor: float) -> None:
        """
        Make objects that arrived before one of the stream worth less; those that are worth next to nothing are dropped.

        Parameters
        ----------
        before : int
            Number of that object, from 0.
        factor : float
            0 to 1.
        """
        self.weight = np.where(self.arrived < before, factor * self.weight, self.weight)
        # The sample takes in new objects faster, as if so many fewer had been offered.
        self.n_offered = round(factor * self.n_offered)
        rows = np.flatnonzero(self.weight >= _LEAST)
        self.n_sampled = int((rows < self.n_sampled).sum())
        self.n_offered = max(self.n_offered, self.n_sampled)
        self._keep(rows)

    def _keep(self, rows: NDArray[np.intp]) -> None:
        self.x, self.y = self.x[rows], self.y[rows]
        self.arrived, self.weight = self.arrived[rows], self.weight[rows]
