"""The forest that networks with attention are compared with: hand-made features of the same light curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features.hand_made import hand_made_features
from ampel_followup.features.sequence import beginnings
from ampel_followup.learning.attention_curves import LabelledCurves
from ampel_followup.learning.attention_metrics import confusion, macro_recall

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

#: Least sizes of leaves that are tried on the held-out objects; votes of small ones overlook rare classes.
LEAVES = (5, 20, 60)

# Light curves whose features are computed at once.
_CHUNK = 500


def features_by_age(
    data: LabelledCurves, fractions: Sequence[float], progress: Callable[[int, int], None] = lambda done, total: None
) -> Array:
    """
    Compute the hand-made features at fractions of the points.

    Parameters
    ----------
    data : LabelledCurves
        n objects.
    fractions : sequence of float, length f
    progress : callable
        Called with the number of light curves done, and of all.

    Returns
    -------
    ndarray, shape (f, n, k)
        NaN where a feature cannot be measured.
    """
    total, done, rows = len(fractions) * len(data), 0, []
    for fraction in fractions:
        parts = []
        for begin in range(0, len(data), _CHUNK):
            chunk = np.arange(begin, min(begin + _CHUNK, len(data)))
            parts.append(hand_made_features(beginnings(data.of(chunk), fraction)))
            done += len(chunk)
            progress(done, total)
        rows.append(np.concatenate(parts))
    return np.stack(rows)


def forest_probabilities(
    x: Array, y: Labels, training: Labels, held_out: Labels, test: Labels, n_classes: int, seed: int
) -> tuple[Array, int]:
    """
    Train a forest on all ages at once, and classify test objects at each.

    Parameters
    ----------
    x : ndarray, shape (f, n, k)
        `features_by_age`.
    y : ndarray of int, shape (n,)
    training, held_out, test : ndarray of int
        Rows; of `LEAVES` the one with the best macro recall on the held-out objects, over all fractions, is taken.
    n_classes : int
    seed : int

    Returns
    -------
    probabilities : ndarray, shape (f, number of test objects, n_classes)
    leaf : int
        Least size of the leaves.
    """
    from sklearn.ensemble import RandomForestClassifier

    f = len(x)
    best, chosen, leaf = -1.0, None, 0
    for least in LEAVES:
        forest = RandomForestClassifier(
            200,
            min_samples_leaf=least,
            class_weight="balanced_subsample",
            max_samples=0.6,
            random_state=seed,
        )
        forest.fit(np.concatenate(x[:, training]), np.tile(y[training], f))
        named = [forest.predict_proba(part[held_out]).argmax(axis=1) for part in x]
        score = float(np.mean([macro_recall(confusion(y[held_out], one, n_classes)) for one in named]))
        if score > best:
            best, chosen, leaf = score, forest, least
    assert chosen is not None
    return np.stack([chosen.predict_proba(part[test]) for part in x]), leaf
