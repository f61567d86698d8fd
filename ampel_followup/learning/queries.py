r"""
Query strategies: which objects, if their class were known, would teach the early classifier most.

Arrays go in, an order of objects comes out; whether a telescope can take them, and how many, is for
`ampel_followup.learning.budgets`. With two classes, least confidence (``uncertainty``), ``margin`` and ``entropy``
(Settles 2009, section 3.1) put objects into the same order: they are all here by name, and compared as one.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import StrategyError

Array = NDArray[np.float64]
Order = NDArray[np.intp]

#: What active learning is measured with unless told otherwise.
DEFAULT_QUERY = "boundary"

# Diversity and the value of information look at so many of the most promising candidates, and the latter at what
# they would change for so many others.
_SHORT_LIST, _OTHERS = 300, 600


@dataclass(frozen=True, slots=True)
class Candidates:
    """
    n objects without labels, as a forest of T trees sees them.

    Parameters
    ----------
    votes : ndarray of float32, shape (T, n)
        Share of type Ia in the leaf where the object falls, tree by tree.
    leaves : ndarray of int32, shape (T, n)
        Number of that leaf.
    leaf_sizes : ndarray of float32, shape (T, n)
        Training objects in that leaf.
    threshold : float
        Mean vote from which on an object is called Ia.
    mag : ndarray, shape (n,)
        How bright it is tonight; NaN = not known [mag].
    """

    votes: NDArray[np.float32]
    leaves: NDArray[np.int32]
    leaf_sizes: NDArray[np.float32]
    threshold: float
    mag: Array

    def __len__(self) -> int:
        return len(self.mag)

    @property
    def mean_vote(self) -> Array:
        """Mean of the votes of all trees, shape (n,)."""
        return np.asarray(self.votes.mean(axis=0, dtype=np.float64))


#: Takes candidates, how many will be wanted, and a generator; returns distinct indices, the best first: at least as
#: many as are wanted, or all there are.
Query = Callable[[Candidates, int, np.random.Generator], Order]


@dataclass(frozen=True, slots=True)
class QueryStrategy:
    """A named query strategy."""

    name: str
    description: str
    order: Query


#: The strategies by name.
QUERIES: dict[str, QueryStrategy] = {}


def _query(name: str) -> Callable[[Query], Query]:
    def register(function: Query) -> Query:
        description = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        QUERIES[name] = QueryStrategy(name, description, function)
        return function

    return register


def get_query(name: str) -> QueryStrategy:
    """
    Return the query strategy of that name.

    Raises
    ------
    StrategyError
        If there is none; the message lists them.
    """
    if name in QUERIES:
        return QUERIES[name]
    close = difflib.get_close_matches(name, QUERIES, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise StrategyError(f"unknown query strategy {name!r}; {hint}there are: {', '.join(QUERIES)}")


@_query("random")
def random(candidates: Candidates, wanted: int, rng: np.random.Generator) -> Order:
    """Leave it to chance: the baseline."""
    return rng.permutation(len(candidates))


@_query("brightest")
def brightest(candidates: Candidates, wanted: int, rng: np.random.Generator) -> Order:
    """Take the brightest first, as the community does on the whole."""
    return np.argsort(np.where(np.isnan(candidates.mag), np.inf, candidates.mag), kind="stable")


@_query("uncertainty")
def uncertainty(candidates: Candidates, wanted: int, rng: np.random.Generator) -> Order:
    """Take what the trees disagree on most evenly: a mean vote nearest to one half (Ishida et al. 2019; Fink)."""
    return _best_first(_unsure(candidates), rng)


@_query("margin")
def margin(candidates: Candidates, wanted: int, rng: np.random.Generator) -> Order:
    """Take the smallest difference of the two most probable classes (with two classes the order of `uncertainty`)."""
    mean = candidates.mean_vote
    return _best_first(-np.abs(mean - (1.0 - mean)), rng)


@_query("entropy")
def entropy(candidates: Candidates, wanted: int, rng: np.random.Generator) -> Order:
    """Take the largest entropy of the mean vote (with two classes the order of `uncertainty`)."""
    return _best_first(_entropy(candidates.mean_vote), rng)


@_query("boundary")
def boundary(candidates: Candidates, wanted: int, rng: np.random.Generator) -> Order:
    """Take what is nearest to where the line between Ia and not is drawn, be that at one half or not."""
    return _best_first(_near_boundary(candidates), rng)


@_query("committee")
def committee(candidates: Candidates, wanted: int, rng: np.random.Generator) -> Order:
    """Take the largest mutual information of class and tree: trees are sure, and contradict each other.

    H(mean vote) − mean H(vote), with the trees as the committee (Seung et al. 1992; Houlsby et al. 2011, eq. 2).
    """
    expected = _entropy(candidates.votes.astype(np.float64)).mean(axis=0)
    return _best_first(_entropy(candidates.mean_vote) - expected, rng)


@_query("diverse")
def diverse(candidates: Candidates, wanted: int, rng: np.random.Generator) -> Order:
    """Take what is near the line, but unlike what is taken already: one batch should not ask one thing ten times.

    Greedy, as Brinker (2003, ICML, eq. 5) combines the two with equal weights; the likeness of two objects is the share
    of trees that put them into one leaf (Breiman's proximity), so that no scale of features has to be chosen.
    """
    score = _near_boundary(candidates)
    order = _best_first(score, rng)
    short = order[: max(_SHORT_LIST, 3 * wanted)]
    leaves = candidates.leaves[:, short]
    # Both terms run from 0 to 1 over the short list.
    merit = score[short] - score[short].min()
    merit /= max(float(merit.max()), 1e-12)
    likeness = np.zeros(len(short))
    left = np.ones(len(short), dtype=np.bool_)
    chosen: list[int] = []
    for _ in range(min(wanted, len(short))):
        best = int(np.argmax(np.where(left, merit - likeness, -np.inf)))
        chosen.append(best)
        left[best] = False
        likeness = np.maximum(likeness, (leaves == leaves[:, [best]]).mean(axis=0))
    rest = np.setdiff1d(np.arange(len(short)), chosen)
    return np.concatenate([short[chosen], short[rest], order[len(short) :]])


@_query("information-value")
def information_value(candidates: Candidates, wanted: int, rng: np.random.Generator) -> Order:
    r"""
    Take what is expected to lower the Brier score of all others most.

    Expected error reduction (Roy & McCallum 2001, ICML, eq. 3) with the trees held fixed: a label y of object c moves
    the share v of every leaf that c falls into to (n v + y) / (n + 1), and with it the mean vote of all objects in it.
    The value is :math:`\sum_j [p_j (1 - p_j) - E_y\,p'_j (1 - p'_j)]` over a sample of the others.
    """
    order = _best_first(_unsure(candidates), rng)
    short = order[: max(_SHORT_LIST, 3 * wanted)]
    others = rng.choice(len(candidates), min(_OTHERS, len(candidates)), replace=False)
    n_trees = len(candidates.votes)
    if_ia, if_not = np.zeros((len(short), len(others))), np.zeros((len(short), len(others)))
    for votes, leaves, sizes in zip(candidates.votes, candidates.leaves, candidates.leaf_sizes, strict=True):
        together = leaves[short][:, None] == leaves[others]
        step = 1.0 / (n_trees * (sizes[short] + 1.0))
        if_ia += together * ((1.0 - votes[short]) * step)[:, None]
        if_not -= together * (votes[short] * step)[:, None]
    mean = candidates.mean_vote
    p, p_ia = mean[others], mean[short][:, None]
    after = p_ia * _brier(p + if_ia) + (1.0 - p_ia) * _brier(p + if_not)
    value = (_brier(p) - after).sum(axis=1)
    return np.concatenate([short[np.argsort(-value, kind="stable")], order[len(short) :]])


def _unsure(candidates: Candidates) -> Array:
    return np.asarray(1.0 - np.abs(2.0 * candidates.mean_vote - 1.0))


def _near_boundary(candidates: Candidates) -> Array:
    return np.asarray(1.0 - np.abs(candidates.mean_vote - candidates.threshold))


def _brier(p: Array) -> Array:
    return np.asarray(p * (1.0 - p))


def _entropy(p: Array) -> Array:
    p = np.clip(p, 1e-12, 1.0 - 1e-12)
    return np.asarray(-p * np.log(p) - (1.0 - p) * np.log1p(-p))


def _best_first(score: Array, rng: np.random.Generator) -> Order:
    """Sort by score, the highest first; equal ones in a random order, for votes come in steps."""
    return np.lexsort((rng.random(len(score)), -np.round(score, 9)))
