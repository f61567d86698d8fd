r"""
How little an object is like the training set: three scores, and one calibrated from them.

- **Isolation**: the mean number of random cuts that isolate it in an isolation forest (Liu, Ting & Zhou 2008, ICDM,
  413), with the correction of their eq. 1 where a leaf holds more than one object;
- **density**: −ln of a Gaussian mixture's density of the features that were measured, less what independent normal
  scores would have on average, so that objects with few and with many features compare;
- **disagreement** of the trees of a forest of classes, H(mean of p) − mean of H(p) (Houlsby et al. 2011,
  arXiv:1112.5745, eq. 2).

All three are of normal scores of the features. Objects that no model was fitted to calibrate them: with the n values of
those, and r of them not below that of an object, p = (1 + r)/(n + 1) (conformal prediction, Vovk et al. 2005). The
three are combined by Fisher's −Σ ln p, which is calibrated once more in the same way: that p makes the score, 1 − p.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ampel_followup.models.class_trees import ClassTree, reached
from ampel_followup.models.mixture import ConditionalMixture
from ampel_followup.models.scaling import QuantileScaling

Array = NDArray[np.float64]

#: What stands for a feature that was not measured, in normal scores: below all that are.
MISSING = -9.0

#: Names of the three scores, in the order of columns.
CHANNELS = ("isolation", "density", "disagreement")

# Mean of −ln of a standard normal density at its own draws.
_NORMAL_ENTROPY = 0.5 * float(np.log(2.0 * np.pi * np.e))


@dataclass(frozen=True, eq=False)
class Examined:
    """
    n objects as a model sees them.

    Parameters
    ----------
    channels : ndarray, shape (n, 3)
        `CHANNELS`, the larger the stranger; NaN where nothing was measured.
    p : ndarray, shape (n, 3)
        The same as conformal p-values.
    score : ndarray, shape (n,)
        Calibrated, 0 to 1; NaN where nothing was measured.
    leaves : ndarray of int, shape (T, n)
        The leaf that each comes to in each tree, numbered over all trees.
    normal : ndarray, shape (n, k)
        Normal scores of the features; NaN = not measured.
    """

    channels: Array
    p: Array
    score: Array
    leaves: NDArray[np.int32]
    normal: Array

    def rows(self, chosen: NDArray[np.intp]) -> Examined:
        """Return some of the objects, by their numbers."""
        return Examined(
            self.channels[chosen], self.p[chosen], self.score[chosen], self.leaves[:, chosen], self.normal[chosen]
        )


@dataclass(frozen=True, eq=False)
class AnomalyModel:
    """
    What is kept of a training set.

    Parameters
    ----------
    features : tuple of str
        The k columns.
    classes : tuple of str
        What was trained on.
    scaling : QuantileScaling
        To normal scores.
    class_trees : sequence of ClassTree
        Of the classes, their leaves holding the training objects of each class; empty with fewer than two classes.
    isolation_trees : sequence of ClassTree
        Their leaves hold the training objects, as one class.
    path : sequence of ndarray, shape (m,)
        Of each isolation tree: cuts to each of its nodes, with the correction for what is in a leaf.
    mixture : ConditionalMixture
    mixture_columns : ndarray of int
        Columns of the features that it is about.
    calibration : ndarray, shape (n, 3)
        Channels of objects that no part of the model was fitted to, each column sorted.
    combined : ndarray, shape (n,)
        Their −Σ ln p, sorted.
    usual : ndarray, shape (2, k)
        1st and 99th percentile of each feature among the training objects.
    sample : ndarray, shape (s, k)
        Normal scores of some training objects, with four bytes' precision; NaN = not measured.
    """

    features: tuple[str, ...]
    classes: tuple[str, ...]
    scaling: QuantileScaling
    class_trees: Sequence[ClassTree]
    isolation_trees: Sequence[ClassTree]
    path: Sequence[Array]
    mixture: ConditionalMixture
    mixture_columns: NDArray[np.intp]
    calibration: Array
    combined: Array
    usual: Array
    sample: Array

    @cached_property
    def trees(self) -> list[ClassTree]:
        """All trees, those of the classes first."""
        return [*self.class_trees, *self.isolation_trees]

    @cached_property
    def first_leaf(self) -> NDArray[np.int32]:
        """Number of the first node of each tree, shape (T + 1,); the last is that of all nodes."""
        sizes = [len(tree.feature) for tree in self.trees]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)

    @cached_property
    def trained(self) -> Array:
        """Training objects in each node of `first_leaf`'s numbering."""
        return np.concatenate([tree.count.sum(axis=1) for tree in self.trees])

    @cached_property
    def n_trained(self) -> float:
        """Number of the objects in the leaves."""
        return float(self.trees[0].count.sum())

    def examine(self, x: Array) -> Examined:
        """
        Score objects; each by itself, whatever stands beside it.

        Parameters
        ----------
        x : ndarray, shape (n, k)
            `features`; NaN = not measured.
        """
        normal = self.scaling.transform(x)
        channels, leaves = self.channels_of(normal)
        p = conformal(self.calibration, channels)
        known = np.isfinite(x).any(axis=1)
        score = 1.0 - conformal(self.combined[:, np.newaxis], _fisher(p)[:, np.newaxis])[:, 0]
        channels[~known], p[~known], score[~known] = np.nan, np.nan, np.nan
        return Examined(channels, p, score, leaves, normal)

    def channels_of(self, normal: Array) -> tuple[Array, NDArray[np.int32]]:
        """Return the three channels, shape (n, 3), and the leaves, shape (T, n), of normal scores."""
        n = len(normal)
        if n == 0:
            return np.empty((0, len(CHANNELS))), np.empty((len(self.trees), 0), dtype=np.int32)
        leaves = reached(self.trees, np.where(np.isfinite(normal), normal, MISSING))
        n_class = len(self.class_trees)
        cuts = np.zeros(n)
        for of_node, leaf in zip(self.path, leaves[n_class:], strict=True):
            cuts += of_node[leaf]
        some = normal[:, self.mixture_columns]
        surprise = -self.mixture.log_density(some) - _NORMAL_ENTROPY * np.isfinite(some).sum(axis=1)
        channels = np.column_stack([-cuts / len(self.path), surprise, self._disagreement(leaves[:n_class], n)])
        return channels, (leaves + self.first_leaf[:-1, np.newaxis]).astype(np.int32)

    def _disagreement(self, leaves: NDArray[np.intp], n: int) -> Array:
        if not len(self.class_trees):
            return np.zeros(n)
        mean = np.zeros((n, len(self.classes)))
        entropy = np.zeros(n)
        for share, leaf in zip(self._shares, leaves, strict=True):
            mean += share[leaf]
            entropy += _entropy(share)[leaf]
        return _entropy(mean / len(self.class_trees)) - entropy / len(self.class_trees)

    def uncertainty(self, leaves: NDArray[np.int32]) -> Array:
        """
        Return the entropy H(mean of p) of what the trees of the classes say together, shape (n,).

        Parameters
        ----------
        leaves : ndarray of int, shape (T, n)
            As `examine` gives them.
        """
        mean = np.zeros((leaves.shape[1], len(self.classes)))
        for share, leaf, first in zip(self._shares, leaves, self.first_leaf, strict=False):
            mean += share[leaf - first]
        return _entropy(mean / max(len(self.class_trees), 1))

    @cached_property
    def _shares(self) -> list[Array]:
        """Of each tree of the classes: their shares in each node."""
        return [tree.count / np.maximum(tree.count.sum(axis=1, keepdims=True), 1.0) for tree in self.class_trees]

    def calibrated_by(self, x: Array) -> tuple[Array, Array]:
        """Return `calibration` and `combined` as objects x (n, k) give them that no part was fitted to."""
        rows = self.channels_of(self.scaling.transform(x))[0]
        channels = np.sort(rows, axis=0)
        return channels, np.sort(_fisher(conformal(channels, rows)))


def conformal(calibration: Array, values: Array) -> Array:
    """
    Return p = (1 + r)/(n + 1), where r of n calibration values are not below a value.

    Parameters
    ----------
    calibration : ndarray, shape (n, d)
        Each column sorted.
    values : ndarray, shape (m, d)

    Returns
    -------
    ndarray, shape (m, d)
    """
    n = len(calibration)
    p = [
        (1.0 + n - np.searchsorted(c, v, side="left")) / (n + 1.0) for c, v in zip(calibration.T, values.T, strict=True)
    ]
    return np.column_stack(p)


def _fisher(p: Array) -> Array:
    return np.asarray(-np.log(p).sum(axis=1))


def _entropy(p: Array) -> Array:
    return np.asarray(-(p * np.log(np.maximum(p, 1e-12))).sum(axis=1))
