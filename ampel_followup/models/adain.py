r"""
ADAIN, adaptive incremental learning from chunks of a stream (He, Chen, Li & Xu 2011, IEEE TNN 22, 1901).

Boosting along time: a forest :math:`h_t` is grown on each chunk :math:`D_t`, with weights :math:`P_t` of its n objects
that dwell on what the one before it gets wrong.

.. math::
    \hat P &= \varphi(D_{t-1}, D_t, P_{t-1}), \qquad \textstyle\sum_j \hat P_j = 1 \\
    \epsilon &= \sum_{j:\ h_{t-1}(x_j) \neq y_j} \hat P_j, \qquad \beta = \epsilon / (1 - \epsilon) \\
    P_t(j) &\propto \hat P_j\,\beta \ \text{ where } h_{t-1}(x_j) = y_j, \quad \hat P_j \text{ elsewhere}

:math:`\varphi` gives each object the weight of its nearest neighbour in the chunk before. The class is that with the
most votes, :math:`\sum_t \ln(1/\beta_t)\,[h_t(x) = c]`.

What the paper leaves open: distances are Euclidean in the ranks of the features among both chunks (missing ones in the
middle), which no unit or outlier disturbs. :math:`\epsilon` is kept between half an object, 1/(2n), and 1/2, so that no
weight vanishes and no vote is negative. The :math:`\beta_t` of a forest is measured on the chunk that follows its own;
the latest forest, not yet measured, votes with the β of the one before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from ampel_followup.models.chunk_learners import ChunkLearner, ForestSettings, named_classes
from ampel_followup.models.class_trees import ClassTree

Array = NDArray[np.float64]

# Weights of objects that every forest gets right fall by a factor per chunk; they stop at this share of the mean.
_LEAST = 1e-6


class Adain(ChunkLearner):
    """
    One forest of each chunk, weighted as the module says.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : ForestSettings, optional
        Of the forest of one chunk.
    classes : sequence of str
        Known from the start; others are added when they come.
    """

    def __init__(
        self, rng: np.random.Generator, settings: ForestSettings | None = None, classes: Sequence[str] = ()
    ) -> None:
        super().__init__(rng, settings, classes)
        self._forests: list[list[ClassTree]] = []
        self._beta: list[float] = []
        self._x = np.empty((0, 0))
        self._weight = np.empty(0)

    @property
    def weight(self) -> Array:
        """Weights P_t of the n objects of the last chunk; positive, 1 in sum."""
        return self._weight.copy()

    @property
    def vote_weight(self) -> Array:
        """Weight ln(1/β) of each forest's vote, in the order of the chunks; not negative."""
        beta = [*self._beta, self._beta[-1]] if self._beta else [0.5] * len(self._forests)
        return np.log(1.0 / np.array(beta))

    def _learn(self, x: Array, y: NDArray[np.intp]) -> None:
        if self._forests:
            mapped = map_weights(self._x, x, self._weight)
            wrong = self._votes_of(self._forests[-1], x).argmax(axis=1) != y
            self._weight, beta = next_weights(mapped, wrong)
            self._beta.append(beta)
        else:
            self._weight = np.full(len(y), 1.0 / len(y))
        self._x = x
        self._forests.append(self._grow(x, y, self._weight * len(y)))

    def _vote(self, x: Array) -> Array:
        return named_classes([self._votes_of(trees, x) for trees in self._forests], self.vote_weight)


def map_weights(x_then: Array, x_now: Array, weight: Array) -> Array:
    r"""
    Give objects the weights of their nearest neighbours in the chunk before: :math:`\varphi`.

    Parameters
    ----------
    x_then : ndarray, shape (m, k)
        Features of the chunk before; NaN = not measured.
    x_now : ndarray, shape (n, k)
    weight : ndarray, shape (m,)
        Positive.

    Returns
    -------
    ndarray, shape (n,)
        Positive, 1 in sum.
    """
    both = np.concatenate([x_then, x_now])
    ranks = rankdata(both, axis=0, nan_policy="omit")
    measured = np.maximum(np.isfinite(ranks).sum(axis=0), 1)
    ranks = np.where(np.isfinite(ranks), (ranks - 0.5) / measured, 0.5)
    nearest = cdist(ranks[len(x_then) :], ranks[: len(x_then)]).argmin(axis=1)
    return _normalised(weight[nearest])


def next_weights(mapped: Array, wrong: NDArray[np.bool_]) -> tuple[Array, float]:
    r"""
    Return the weights of a chunk, and β of the forest before it.

    Parameters
    ----------
    mapped : ndarray, shape (n,)
        :math:`\hat P`; positive, 1 in sum.
    wrong : ndarray of bool, shape (n,)
        Where the forest before it names another class.

    Returns
    -------
    weight : ndarray, shape (n,)
        P_t; positive, 1 in sum.
    beta : float
        Above 0, at most 1.
    """
    epsilon = float(np.clip(mapped[wrong].sum(), 0.5 / len(mapped), 0.5))
    beta = epsilon / (1.0 - epsilon)
    return _normalised(np.where(wrong, mapped, beta * mapped)), beta


def _normalised(weight: Array) -> Array:
    weight = np.maximum(weight, _LEAST * weight.mean())
    return np.asarray(weight / weight.sum())
