"""
Feature selection by Gini importance with the rule of 90 per cent (Astudillo et al. 2020, section 5.3).

A mixture is at its best in few dimensions. The features, photometric and spectral together so that none repeats what
another says, are ranked by how much a random forest makes of them; the chosen ones are the smallest set of the first d
that reaches 90 % of the accuracy to be gained between the worst and the best d.

The accuracy of each set is that of the votes of the trees which have not seen an object (out of bag), so that the
selection needs only the training objects. The authors selected once, on all objects, with cross-validation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.models.classifier import encode

Array = NDArray[np.float64]

#: Share of the possible gain in accuracy that the chosen set reaches.
SHARE = 0.9


@dataclass(frozen=True, slots=True)
class FeatureSelection:
    """
    What was chosen, and why.

    Parameters
    ----------
    columns : ndarray of int, shape (m,)
        The chosen features, the most important first.
    importance : ndarray, shape (k,)
        Gini importance of every feature; they sum to 1.
    sizes : ndarray of int, shape (s,)
        Sizes of the sets that were tried, increasing.
    accuracy : ndarray, shape (s,)
        Out-of-bag accuracy with the first `sizes` features, 0 to 1.
    """

    columns: NDArray[np.intp]
    importance: Array
    sizes: NDArray[np.intp]
    accuracy: Array


def select_features(
    x: Array,
    y: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    share: float = SHARE,
    n_trees: int = 40,
    n_sizes: int = 10,
    n_jobs: int = 1,
) -> FeatureSelection:
    """
    Choose the smallest set of the most important features that reaches most of the accuracy to be had.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        Features; NaN = not measured.
    y : ndarray of int, shape (n,)
        Classes.
    rng : numpy.random.Generator
    share : float
        Of the accuracy between the worst and the best set, 0 to 1.
    n_trees : int
        Trees per forest.
    n_sizes : int
        Sizes to try, at equal ratios from 1 to k.
    n_jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    FeatureSelection

    Raises
    ------
    FollowupError
        If no feature has two different values.
    """
    from sklearn.ensemble import RandomForestClassifier

    encoded = encode(x)
    seed = int(rng.integers(2**31))

    def forest(columns: NDArray[np.intp]) -> RandomForestClassifier:
        # One seed for all sets, so that they differ in their features only; leaves of five, for speed: the ranking and
        # the shape of the curve need no more.
        fitted = RandomForestClassifier(n_trees, min_samples_leaf=5, oob_score=True, n_jobs=n_jobs, random_state=seed)
        return fitted.fit(encoded[:, columns], y)

    everything = np.arange(x.shape[1])
    varied = everything[encoded.min(axis=0) < encoded.max(axis=0)]
    if len(varied) == 0:
        raise FollowupError(f"none of the {x.shape[1]} features has two different values; there is nothing to select")
    importance = np.zeros(x.shape[1])
    importance[varied] = forest(varied).feature_importances_
    ranked = varied[np.argsort(-importance[varied], kind="stable")]
    sizes = np.unique(np.geomspace(1, len(ranked), n_sizes).round().astype(np.intp))
    accuracy = np.array([forest(ranked[:size]).oob_score_ for size in sizes])
    return FeatureSelection(ranked[: smallest_sufficient(sizes, accuracy, share)], importance, sizes, accuracy)


def smallest_sufficient(sizes: NDArray[np.intp], accuracy: Array, share: float = SHARE) -> int:
    """
    Return the smallest size whose accuracy exceeds the worst by `share` of what the best exceeds it by.

    Parameters
    ----------
    sizes : ndarray of int, shape (s,)
        Increasing.
    accuracy : ndarray, shape (s,)
    share : float
        0 to 1.
    """
    # The best is always enough, whatever rounding makes of a share of 1.
    enough = min(accuracy.min() + share * (accuracy.max() - accuracy.min()), accuracy.max())
    return int(sizes[np.flatnonzero(accuracy >= enough)[0]])
