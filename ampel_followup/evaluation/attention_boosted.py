"""
Boosted trees that see what the forest sees, and learn as networks do: from many beginnings of each light curve.

They tell apart what comes of the features, of the model, and of light curves that are cut, thinned and made noisier.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features.hand_made import hand_made_features
from ampel_followup.learning.attention_calibration import fit_temperature
from ampel_followup.learning.attention_curves import LabelledCurves
from ampel_followup.learning.attention_training import FitOptions, training_view
from ampel_followup.learning.attention_trees import TREES

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

#: Views of each training object.
VIEWS = 8

# Of a probability whose logarithm is taken.
_LEAST = 1e-7


def features_of_views(
    data: LabelledCurves, fit: FitOptions, progress: Callable[[int, int], None] = lambda done, total: None
) -> Array:
    """
    Compute the hand-made features of `VIEWS` random beginnings of all light curves.

    Parameters
    ----------
    data : LabelledCurves
        n objects.
    fit : FitOptions
        Noise and lost points.
    progress : callable
        Called with the number of views done, and of all.

    Returns
    -------
    ndarray, shape (v, n, k)
        NaN where a feature cannot be measured.
    """
    views = []
    for k in range(VIEWS):
        views.append(hand_made_features(training_view(data.points, np.random.default_rng([VIEWS, k]), fit)))
        progress(k + 1, VIEWS)
    return np.stack(views)


def boosted_probabilities(
    views: Array, x: Array, y: Labels, training: Labels, held_out: Labels, test: Labels, n_classes: int, seed: int
) -> Array:
    """
    Train boosted trees on all views at once, calibrate them, and classify test objects at each age.

    Parameters
    ----------
    views : ndarray, shape (v, n, k)
        `features_of_views`.
    x : ndarray, shape (f, n, k)
        `ampel_followup.evaluation.attention_forest.features_by_age`.
    y : ndarray of int, shape (n,)
    training, held_out, test : ndarray of int
        Rows; the temperature is fitted to the held-out objects.
    n_classes : int
    seed : int

    Returns
    -------
    ndarray, shape (f, number of test objects, n_classes)
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    # A feature that nowhere has a value cannot be divided into intervals.
    measured = np.isfinite(views[:, training]).any(axis=(0, 1))
    trees = HistGradientBoostingClassifier(
        **TREES, class_weight="balanced", early_stopping=False, random_state=seed
    ).fit(np.concatenate(views[:, training])[:, measured], np.tile(y[training], len(views)))

    def logits(rows: Labels) -> list[Array]:
        return [np.log(np.maximum(trees.predict_proba(part[rows][:, measured]), _LEAST)) for part in x]

    temperature = fit_temperature(np.concatenate(logits(held_out)), np.tile(y[held_out], len(x)), n_classes)
    p = np.exp(np.stack(logits(test)) / temperature)
    return np.asarray(p / p.sum(axis=2, keepdims=True))
