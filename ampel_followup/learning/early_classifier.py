r"""
Type Ia or not, early: a random forest that may be trained on a handful of labels, and where to draw the line.

Votes become probabilities by what the trees say of objects that they have not seen (out of bag; see
`ampel_followup.models.vote_calibration`). Labels that a query strategy has chosen lie where classes mingle, which is
where the map has to be right; they say nothing of how common Ia are. **What is common is known from the objects without
labels:** a threshold t is chosen by what the probabilities of those expect,

.. math:: N_\mathrm{Ia} = \sum_i p_i, \qquad \mathrm{TP}(t) = \sum_{p_i \ge t} p_i, \qquad n(t) = \#\{p_i \ge t\},

so that no label is spent on it, and no bias of the labelled sample enters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.models.classifier import encode
from ampel_followup.models.vote_calibration import VoteCalibration

Array = NDArray[np.float64]

#: Objects of the smaller class that a classifier cannot do without.
FEWEST = 2


@dataclass(frozen=True, slots=True)
class EarlyOptions:
    """
    How an early classifier is trained.

    Parameters
    ----------
    n_trees : int
    min_samples_leaf : int
        Objects in a leaf, at least.
    """

    n_trees: int = 100
    min_samples_leaf: int = 1


@dataclass(frozen=True)
class EarlyClassifier:
    """
    A fitted classifier: T decision trees, each grown on a bootstrap sample, and the map from their votes.

    Parameters
    ----------
    trees : tuple of sklearn.tree.DecisionTreeClassifier
        Of the classes 0 (not Ia) and 1 (Ia), on `encode`d features.
    calibration : VoteCalibration
    unseen_votes : ndarray, shape (number of training objects,)
        Mean vote of the trees that have not seen each; NaN where there are none.
    """

    trees: tuple[Any, ...]
    calibration: VoteCalibration
    unseen_votes: Array

    @property
    def unseen_probability(self) -> Array:
        """P(Ia) of each training object by the trees that have not seen it, NaN where there are none."""
        return self.calibration(self.unseen_votes)

    def predict(self, x: Array) -> Array:
        """Return P(Ia), shape (n,), of features, shape (n, k), NaN = not measured."""
        return self.probability(self.tree_votes(encode(x))[0])

    def probability(self, votes: NDArray[np.float32]) -> Array:
        """Return P(Ia), shape (n,), of what every tree says, shape (T, n)."""
        return self.calibration(votes.mean(axis=0, dtype=np.float64))

    def tree_votes(self, encoded: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """
        Return what every tree says.

        Parameters
        ----------
        encoded : ndarray of float32, shape (n, k)
            Features by `ampel_followup.models.classifier.encode`.

        Returns
        -------
        votes : ndarray of float32, shape (T, n)
            Share of Ia in the leaf where each object falls.
        leaves : ndarray of int32, shape (T, n)
            Number of that leaf.
        """
        leaves = np.array([tree.tree_.apply(encoded) for tree in self.trees], dtype=np.int32)
        votes = [_share_of_ia(tree)[leaf] for tree, leaf in zip(self.trees, leaves, strict=True)]
        return np.array(votes, dtype=np.float32), leaves

    def leaf_sizes(self, leaves: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return how many training objects, repetitions counted, are in each leaf of `tree_votes`, shape (T, n)."""
        sizes = [t.tree_.weighted_n_node_samples[leaf] for t, leaf in zip(self.trees, leaves, strict=True)]
        return np.asarray(sizes, dtype=np.float32)


def fit_early(
    x: Array, y: NDArray[np.bool_], rng: np.random.Generator, options: EarlyOptions | None = None
) -> EarlyClassifier:
    """
    Train on labels, of which ten may be enough for a start.

    The trees are those of a random forest (Breiman 2001). They are grown here one by one, for a loop of active learning
    grows tens of thousands on few objects each, where most of the time of scikit-learn's forest is not the growing.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        Features, such as those of the set ``early_ia``; NaN = not measured.
    y : ndarray of bool, shape (n,)
        True for type Ia.
    rng : numpy.random.Generator
    options : EarlyOptions, optional

    Raises
    ------
    TrainingError
        If one of the classes has fewer than two objects.
    """
    import sklearn
    from sklearn.tree import DecisionTreeClassifier

    options = options or EarlyOptions()
    y = np.asarray(y, dtype=np.bool_)
    counts = np.bincount(y, minlength=2)
    if counts.min() < FEWEST:
        raise TrainingError(
            f"{counts[1]} labels are of type Ia and {counts[0]} are not; an early classifier needs at least {FEWEST} "
            "of each: label more objects"
        )
    n, encoded = len(y), encode(x)
    trees, unseen_votes, unseen = [], np.zeros(n), np.zeros(n)
    with sklearn.config_context(skip_parameter_validation=True, assume_finite=True):
        for _ in range(options.n_trees):
            drawn = np.bincount(rng.integers(n, size=n), minlength=n)
            tree = DecisionTreeClassifier(
                max_features="sqrt", min_samples_leaf=options.min_samples_leaf, random_state=int(rng.integers(2**31))
            )
            # All objects go in, for classes to be known; those not drawn weigh nothing.
            tree.fit(encoded, y, sample_weight=drawn.astype(np.float64), check_input=False)
            left_out = drawn == 0
            unseen_votes[left_out] += _share_of_ia(tree)[tree.tree_.apply(encoded[left_out])]
            unseen += left_out
            trees.append(tree)
    told = unseen > 0
    mean = np.divide(unseen_votes, unseen, out=np.full(n, np.nan), where=told)
    return EarlyClassifier(tuple(trees), VoteCalibration.fit(mean[told], y[told]), mean)


def balanced_threshold(p: Array) -> float:
    """
    Return the threshold of the largest expected efficiency × purity.

    Parameters
    ----------
    p : ndarray, shape (n,)
        Probabilities of objects without labels, at least one; the class is Ia from the threshold on.
    """
    values, called, found = _expected(p)
    return float(values[np.argmax(found**2 / called)])


def threshold_for_purity(p: Array, purity: float) -> float:
    """
    Return the lowest threshold from which on the expected purity is as wanted, or that of the purest object.

    Parameters
    ----------
    p : ndarray, shape (n,)
        Probabilities of objects without labels, at least one.
    purity : float
        0 to 1.
    """
    values, called, found = _expected(p)
    pure = found / called >= purity
    return float(values[np.flatnonzero(pure)[-1]]) if pure.any() else float(values[0])


def threshold_for_efficiency(p: Array, efficiency: float) -> float:
    """
    Return the highest threshold with which so large a part of the Ia is expected to be found.

    Parameters
    ----------
    p : ndarray, shape (n,)
        Probabilities of objects without labels, at least one.
    efficiency : float
        0 to 1.
    """
    values, _, found = _expected(p)
    return float(values[min(int(np.searchsorted(found, efficiency * found[-1])), len(values) - 1)])


def _expected(p: Array) -> tuple[Array, NDArray[np.intp], Array]:
    """Return possible thresholds, the highest first, and for each how many are called Ia, and expected to be."""
    ordered = np.sort(p)[::-1]
    # Of equal ones all are called or none.
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(p) - 1)
    return ordered[last], last + 1, np.cumsum(ordered)[last]


def _share_of_ia(tree: Any) -> Array:
    """Return the share of Ia in every node of a tree, shape (number of nodes,)."""
    value = tree.tree_.value[:, 0, :]
    return np.asarray(value[:, 1] / value.sum(axis=1))
