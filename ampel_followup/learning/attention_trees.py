"""Grow boosted trees over the hand-made features of light curves at any age, as networks see them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.models.attention_trees import NetworkTrees, with_gaps

#: Beginnings of each light curve that trees beside a network learn from.
VIEWS = 16

#: Of histogram gradient boosting; chosen on training and held-out objects.
TREES = {
    "max_iter": 150,
    "learning_rate": 0.06,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "max_features": 0.3,
}


def grow_trees(views: NDArray[np.float32], y: NDArray[np.intp], rng: np.random.Generator) -> NetworkTrees:
    """
    Grow trees on several beginnings of each light curve; classes count equally.

    Parameters
    ----------
    views : ndarray of float32, shape (v, n, 2 f)
        Features of v beginnings of n objects, as a network takes them.
    y : ndarray of int, shape (n,)
        Classes, 0 to k − 1, each with an object.
    rng : numpy.random.Generator
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    x = with_gaps(views.reshape(-1, views.shape[2]))
    # A feature that nowhere has a value cannot be divided into intervals.
    columns = np.flatnonzero(np.isfinite(x).any(axis=0))
    model = HistGradientBoostingClassifier(
        **TREES, class_weight="balanced", early_stopping=False, random_state=int(rng.integers(2**31))
    ).fit(x[:, columns], np.tile(y, len(views)))
    return NetworkTrees.from_boosting(model, columns)
