"""Boosted trees that stand beside a network with attention, as tables: what they add to its logits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkTrees:
    """
    Regression trees whose sums are the logits of k classes.

    The m nodes of all trees follow one another. An object goes left where z ≤ threshold, with z in single precision,
    as a network sees it (`ampel_followup.features.hand_made.FeatureScale`).

    Parameters
    ----------
    tree, node : ndarray of int, shape (m,)
        Number of the tree, and of the node in it; 0 is the root.
    target : ndarray of int, shape (m,)
        Class that the tree adds to.
    leaf, missing_left : ndarray of bool, shape (m,)
        It asks nothing; what could not be measured goes left.
    feature, left, right : ndarray of int, shape (m,)
        Of a node that is no leaf: column, and the nodes below.
    threshold : ndarray of float32, shape (m,)
    value : ndarray of float32, shape (m,)
        Of a leaf.
    baseline : ndarray of float32, shape (k,)
        What the trees add to.
    """

    tree: NDArray[np.int64]
    node: NDArray[np.int64]
    target: NDArray[np.int64]
    leaf: NDArray[np.bool_]
    missing_left: NDArray[np.bool_]
    feature: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    threshold: NDArray[np.float32]
    value: NDArray[np.float32]
    baseline: NDArray[np.float32]

    @classmethod
    def from_boosting(cls, model: Any, columns: NDArray[np.intp]) -> NetworkTrees:
        """
        Take over the trees of a fitted classifier.

        Parameters
        ----------
        model : sklearn.ensemble.HistGradientBoostingClassifier
            Of k classes and numerical features, trained on single precision.
        columns : ndarray of int
            Columns of a network's features that its own stand for.
        """
        trees: list[tuple[int, Any]] = []
        two = len(model.classes_) == 2  # then one tree of each round tells both apart
        for of_round in model._predictors:
            trees += [(c + two, predictor.nodes) for c, predictor in enumerate(of_round)]
        sizes = [len(nodes) for _, nodes in trees]
        nodes = np.concatenate([nodes for _, nodes in trees])
        leaf = nodes["is_leaf"].astype(bool)
        baseline = np.zeros(len(model.classes_))
        baseline[int(two) :] = np.ravel(model._baseline_prediction)
        return cls(
            np.repeat(np.arange(len(trees)), sizes),
            np.concatenate([np.arange(size) for size in sizes]),
            np.repeat([target for target, _ in trees], sizes),
            leaf,
            nodes["missing_go_to_left"].astype(bool) & ~leaf,
            np.where(leaf, 0, columns[np.where(leaf, 0, nodes["feature_idx"])]),
            np.where(leaf, 0, nodes["left"]).astype(np.int64),
            np.where(leaf, 0, nodes["right"]).astype(np.int64),
            _rounded_down(np.where(leaf, 0.0, nodes["num_threshold"])),
            np.where(leaf, nodes["value"], 0.0).astype(np.float32),
            baseline.astype(np.float32),
        )

    def logits(self, features: NDArray[np.float32]) -> Array:
        """
        Return the logits of n objects, shape (n, k), walking down all trees at once.

        Parameters
        ----------
        features : ndarray of float32, shape (n, 2 f)
            As a network takes them: f numbers, and whether each could not be measured.
        """
        z, n = with_gaps(features), len(features)
        root = np.flatnonzero(self.node == 0)
        first = root[self.tree]
        total = np.tile(self.baseline.astype(np.float64), (n, 1))
        for row in range(n):
            at = root.copy()
            walking = ~self.leaf[at]
            while walking.any():
                here = at[walking]
                x = z[row, self.feature[here]]
                goes_left = np.where(np.isnan(x), self.missing_left[here], x <= self.threshold[here])
                at[walking] = first[here] + np.where(goes_left, self.left[here], self.right[here])
                walking = ~self.leaf[at]
            total[row] += np.bincount(self.target[at], weights=self.value[at], minlength=total.shape[1])
        return total


def with_gaps(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the numbers that a network takes, shape (n, f), with NaN where one could not be measured."""
    f = features.shape[1] // 2
    return np.where(features[:, f:] > 0.5, np.float32(np.nan), features[:, :f])


def _rounded_down(thresholds: Iterable[float]) -> NDArray[np.float32]:
    """Return the largest numbers of single precision not above: no object of single precision changes sides."""
    exact = np.asarray(thresholds, dtype=np.float64)
    near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)
