"""
Trees that vote for classes, as arrays: grown by scikit-learn, kept and asked without it.

A forest that learns from a stream drops some of its trees and takes in new ones, counts later objects into the leaves
of the others, and meets classes that older trees have not. So trees are kept one by one, each with what came to its
leaves. Stored they are numbers alone: no version of a library has to understand them, and they cannot run code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError
from ampel_followup.models.classifier import encode

Array = NDArray[np.float64]

#: What a leaf has in place of a feature.
LEAF = -1

# Rows that walk down the trees together, to bound the memory.
_ROWS = 2048

_REMEDY = "train the learner again"


@dataclass(slots=True, eq=False)
class ClassTree:
    """
    A binary tree of m nodes; a row goes left where x ≤ threshold.

    Parameters
    ----------
    feature : ndarray of int32, shape (m,)
        Column that a node asks for; `LEAF` for a leaf. Node 0 is the root.
    threshold : ndarray, shape (m,)
    left, right : ndarray of int32, shape (m,)
        Children, behind their parent; 0 for a leaf.
    count : ndarray, shape (m, C)
        Rows of each class that came to a leaf, with their weights; more than 0 in sum. C is the number of classes that
        the tree has met.
    """

    feature: NDArray[np.int32]
    threshold: Array
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    count: Array


@dataclass(frozen=True, slots=True)
class Cost:
    """
    What growing trees took, counted, so that it is the same on every machine.

    Parameters
    ----------
    rows_sorted : int
        Over all nodes that were split, the sum of the rows there times the features tried: what dominates the time.
    nodes : int
    trees : int
    """

    rows_sorted: int = 0
    nodes: int = 0
    trees: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.rows_sorted + other.rows_sorted, self.nodes + other.nodes, self.trees + other.trees)


def grow_trees(
    x: NDArray[np.floating],
    y: NDArray[np.intp],
    n_classes: int,
    n_trees: int,
    rng: np.random.Generator,
    *,
    min_samples_leaf: int = 1,
    max_features: float | str = "sqrt",
    weight: Array | None = None,
) -> tuple[list[ClassTree], Cost]:
    """
    Grow the trees of a random forest, each on a bootstrap sample; needs scikit-learn.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        Features, n > 0; NaN = not measured.
    y : ndarray of int, shape (n,)
        Classes, 0 to n_classes − 1; not all of them need have rows.
    n_classes : int
    n_trees : int
        Above 0.
    rng : numpy.random.Generator
    min_samples_leaf : int
    max_features : float or "sqrt"
        Share of the features tried at each split, or the root of their number.
    weight : ndarray, shape (n,), optional
        Of each row, above 0; by default 1.

    Returns
    -------
    trees : list of ClassTree
    cost : Cost
    """
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        n_trees,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        n_jobs=1,
        random_state=int(rng.integers(2**31)),
    )
    forest.fit(encode(x), y, sample_weight=weight)
    trees, cost = [], Cost()
    for grown in forest.estimators_:
        tree = grown.tree_
        leaf = tree.children_left < 0
        count = np.zeros((tree.node_count, n_classes))
        count[np.ix_(leaf, forest.classes_)] = (tree.value[:, 0, :] * tree.weighted_n_node_samples[:, None])[leaf]
        trees.append(
            ClassTree(
                np.where(leaf, LEAF, tree.feature).astype(np.int32),
                np.where(leaf, 0.0, tree.threshold),
                np.where(leaf, 0, tree.children_left).astype(np.int32),
                np.where(leaf, 0, tree.children_right).astype(np.int32),
                count,
            )
        )
        cost += Cost(int(tree.n_node_samples[~leaf].sum()) * int(grown.max_features_), int(tree.node_count), 1)
    return trees, cost


def reached(trees: Sequence[ClassTree], x: NDArray[np.floating]) -> NDArray[np.intp]:
    """
    Return the leaf that each row comes to in each tree, shape (T, n).

    Parameters
    ----------
    trees : sequence of ClassTree, length T
        At least one.
    x : ndarray, shape (n, k)
        Features; NaN = not measured.
    """
    first = _first_nodes(trees)
    feature, threshold = (np.concatenate([getattr(t, name) for t in trees]) for name in ("feature", "threshold"))
    left, right = (
        np.concatenate([getattr(t, name) + start for t, start in zip(trees, first, strict=True)])
        for name in ("left", "right")
    )
    values = encode(x)
    leaves = np.empty((len(trees), len(x)), dtype=np.intp)
    for begin in range(0, len(x), _ROWS):
        rows = values[begin : begin + _ROWS]
        node = np.repeat(first, len(rows))  # tree by tree
        row = np.tile(np.arange(len(rows)), len(trees))
        walking = np.flatnonzero(feature[node] != LEAF)
        while len(walking):
            at = node[walking]
            goes_left = rows[row[walking], feature[at]] <= threshold[at]
            node[walking] = at = np.where(goes_left, left[at], right[at])
            walking = walking[feature[at] != LEAF]
        leaves[:, begin : begin + _ROWS] = node.reshape(len(trees), len(rows)) - first[:, None]
    return leaves


def votes(trees: Sequence[ClassTree], leaves: NDArray[np.intp], n_classes: int) -> Array:
    """
    Return the mean over trees of the class shares in the leaves that rows came to.

    Parameters
    ----------
    trees : sequence of ClassTree, length T
    leaves : ndarray of int, shape (T, n)
        From `reached`.
    n_classes : int
        C; a tree that has met fewer gives the later ones nothing.

    Returns
    -------
    ndarray, shape (n, C)
        Each row sums to 1.
    """
    p = np.zeros((leaves.shape[1], n_classes))
    for tree, leaf in zip(trees, leaves, strict=True):
        count = tree.count[leaf]
        p[:, : count.shape[1]] += count / count.sum(axis=1, keepdims=True)
    return p / len(trees)


def count_in(
    trees: Sequence[ClassTree], leaves: NDArray[np.intp], y: NDArray[np.intp], n_classes: int, weight: float = 1.0
) -> None:
    """
    Count rows of classes y (n,) into the leaves (T, n) that they came to; changes the trees.

    Parameters
    ----------
    trees : sequence of ClassTree, length T
    leaves : ndarray of int, shape (T, n)
        From `reached`.
    y : ndarray of int, shape (n,)
        Classes, 0 to n_classes − 1.
    n_classes : int
    weight : float
        Of each row.
    """
    for tree, leaf in zip(trees, leaves, strict=True):
        tree.count = _widened(tree.count, n_classes)
        np.add.at(tree.count, (leaf, y), weight)


def to_arrays(trees: Sequence[ClassTree], n_classes: int) -> dict[str, NDArray[np.generic]]:
    """Return the trees as arrays, one after the other, with ``size`` (T,), the nodes of each."""
    arrays: dict[str, NDArray[np.generic]] = {
        name: np.concatenate([getattr(tree, name) for tree in trees]) if trees else np.empty(0)
        for name in ("feature", "threshold", "left", "right")
    }
    arrays["count"] = np.concatenate([np.empty((0, n_classes)), *(_widened(tree.count, n_classes) for tree in trees)])
    arrays["size"] = np.array([len(tree.feature) for tree in trees], dtype=np.int64)
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[np.generic]], n_features: int, n_classes: int) -> list[ClassTree]:
    """
    Rebuild trees from `to_arrays`.

    Raises
    ------
    BundleError
        If the arrays do not describe trees over so many features and classes.
    """
    try:
        size = arrays["size"].astype(np.int64)
        feature, left, right = (arrays[name].astype(np.int32) for name in ("feature", "left", "right"))
        threshold, count = arrays["threshold"].astype(np.float64), arrays["count"].astype(np.float64)
    except (KeyError, ValueError) as error:
        raise BundleError(f"not the arrays of trees ({error!r}); {_REMEDY}") from error
    if len(size) == 0:
        return []
    ends = np.cumsum(size)
    m = int(ends[-1])
    if not (len(feature) == len(left) == len(right) == len(threshold) == m and count.shape == (m, n_classes)):
        raise BundleError(f"the arrays of trees have different lengths; {_REMEDY}")
    if not ((size > 0).all() and feature.min() >= LEAF and feature.max() < n_features):
        raise BundleError(f"a tree asks for a feature beyond its {n_features}; {_REMEDY}")
    node, inner, last = np.arange(m) - np.repeat(ends - size, size), feature != LEAF, np.repeat(size, size)
    for child in (left, right):
        # Children behind their parents: every walk ends.
        if not ((child[inner] > node[inner]) & (child[inner] < last[inner])).all():
            raise BundleError(f"a tree has a child that is not below its parent; {_REMEDY}")
    if not (np.isfinite(threshold).all() and (count >= 0).all() and (count[~inner].sum(axis=1) > 0).all()):
        raise BundleError(f"a tree has a threshold that is no number, or a leaf without votes; {_REMEDY}")
    parts = np.split(np.arange(m), ends[:-1])
    return [ClassTree(feature[p], threshold[p], left[p], right[p], count[p]) for p in parts]


def _first_nodes(trees: Sequence[ClassTree]) -> NDArray[np.intp]:
    sizes = np.array([len(tree.feature) for tree in trees], dtype=np.intp)
    return np.asarray(np.cumsum(sizes) - sizes)


def _widened(count: Array, n_classes: int) -> Array:
    """Return counts with a column of nothing for each class that came later."""
    if count.shape[1] == n_classes:
        return count
    wide = np.zeros((len(count), n_classes))
    wide[:, : count.shape[1]] = count
    return wide
