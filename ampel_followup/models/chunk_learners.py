"""
Simple ways to learn from a stream, chunk by chunk: what a better one is measured against.

All of them grow the same forests. `FullRetrain` grows one on all there has been, with every chunk; `LastChunk` on the
last chunk alone; `EqualVotes` keeps one forest of each chunk, and lets them vote. `ampel_followup.models.adain` weighs
such votes, `ampel_followup.models.incremental` renews a forest tree by tree.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.models.class_trees import ClassTree, Cost, grow_trees, reached, votes
from ampel_followup.models.labelled_chunk import Classes, features_of, labels_of

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ForestSettings:
    """
    The forests that learners grow.

    Parameters
    ----------
    n_trees : int
        Of a forest.
    min_samples_leaf : int
        Objects in a leaf, at least.
    max_features : float or "sqrt"
        Share of the features tried at each split, 0 to 1, or the root of their number.
    """

    n_trees: int = 100
    min_samples_leaf: int = 1
    max_features: float | str = "sqrt"


class ChunkLearner(ABC):
    """
    A learner of chunks that keeps forests.

    Parameters
    ----------
    rng : numpy.random.Generator
        Of all that is random.
    settings : ForestSettings, optional
    classes : sequence of str
        Known from the start; others are added when they come.

    Attributes
    ----------
    cost : Cost
        What growing its trees has taken so far.
    """

    def __init__(
        self, rng: np.random.Generator, settings: ForestSettings | None = None, classes: Sequence[str] = ()
    ) -> None:
        self.settings = settings or ForestSettings()
        self.cost = Cost()
        self._rng = rng
        self._classes = Classes(classes)
        self._n_features: int | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The C classes it has met, in the order of the probabilities."""
        return self._classes.names

    def partial_fit(self, x: ArrayLike, y: Sequence[Any] | NDArray[Any]) -> None:
        """
        Learn from the next objects of the stream.

        Parameters
        ----------
        x : array-like, shape (n, k)
            Features; NaN = not measured. k is that of the first chunk. No objects are no news.
        y : array-like of str or int, shape (n,)
            Classes, all of them known; new ones may turn up, and all may be the same.

        Raises
        ------
        TrainingError
            If the arrays do not fit each other or what was learned before, or a label is missing. Nothing is learned.
        """
        values = features_of(x, self._n_features)
        labels = labels_of(y, len(values))
        if labels:
            self._n_features = values.shape[1]
            self._learn(values, self._classes.number(labels))

    def predict_proba(self, x: ArrayLike) -> Array:
        """
        Return class probabilities, shape (n, C), columns as `classes`, of features, shape (n, k), NaN = not measured.

        Raises
        ------
        TrainingError
            If it has learned nothing yet, or the number of features is another.
        """
        if self._n_features is None:
            raise TrainingError("the learner has seen no objects yet; give it a first chunk with partial_fit")
        return self._vote(features_of(x, self._n_features))

    @abstractmethod
    def _learn(self, x: Array, y: NDArray[np.intp]) -> None:
        """Learn from a chunk that is not empty."""

    @abstractmethod
    def _vote(self, x: Array) -> Array:
        """Return class probabilities."""

    def _grow(self, x: Array, y: NDArray[np.intp], weight: Array | None = None) -> list[ClassTree]:
        trees, cost = grow_trees(
            x,
            y,
            len(self._classes),
            self.settings.n_trees,
            self._rng,
            min_samples_leaf=self.settings.min_samples_leaf,
            max_features=self.settings.max_features,
            weight=weight,
        )
        self.cost += cost
        return trees

    def _votes_of(self, trees: Sequence[ClassTree], x: Array) -> Array:
        return votes(trees, reached(trees, x), len(self._classes))


class FullRetrain(ChunkLearner):
    """A forest of all objects so far, grown again with every chunk: all there is to learn, at the highest cost."""

    _x: Array
    _y: NDArray[np.intp]
    _trees: list[ClassTree]

    def _learn(self, x: Array, y: NDArray[np.intp]) -> None:
        begun = hasattr(self, "_x")
        self._x = np.concatenate([self._x, x]) if begun else x
        self._y = np.concatenate([self._y, y]) if begun else y
        self._trees = self._grow(self._x, self._y)

    def _vote(self, x: Array) -> Array:
        return self._votes_of(self._trees, x)


class LastChunk(ChunkLearner):
    """A forest of the last chunk; what was before is forgotten."""

    _trees: list[ClassTree]

    def _learn(self, x: Array, y: NDArray[np.intp]) -> None:
        self._trees = self._grow(x, y)

    def _vote(self, x: Array) -> Array:
        return self._votes_of(self._trees, x)


class EqualVotes(ChunkLearner):
    """One forest of each chunk; each names a class, and all names count the same."""

    def __init__(
        self, rng: np.random.Generator, settings: ForestSettings | None = None, classes: Sequence[str] = ()
    ) -> None:
        super().__init__(rng, settings, classes)
        self._forests: list[list[ClassTree]] = []

    def _learn(self, x: Array, y: NDArray[np.intp]) -> None:
        self._forests.append(self._grow(x, y))

    def _vote(self, x: Array) -> Array:
        return named_classes([self._votes_of(trees, x) for trees in self._forests], np.ones(len(self._forests)))


def named_classes(probabilities: Sequence[Array], weight: Array) -> Array:
    """
    Return the weighted shares of votes, shape (n, C), where every learner names its most probable class.

    Parameters
    ----------
    probabilities : sequence of ndarray, shape (n, C) each
    weight : ndarray, shape (number of learners,)
        Not negative; all equal if they are all zero.
    """
    if not weight.sum() > 0:
        weight = np.ones(len(weight))
    total = np.zeros_like(probabilities[0])
    rows = np.arange(len(total))
    for p, w in zip(probabilities, weight, strict=True):
        total[rows, p.argmax(axis=1)] += w
    return np.asarray(total / weight.sum())
