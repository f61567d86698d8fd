"""The forest that networks with attention are compared with: hand-made features of the same light curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features.early import EARLY
from ampel_followup.features.early_ia import EARLY_IA
from ampel_followup.features.ragged import Points
from ampel_followup.features.sequence import beginnings
from ampel_followup.learning.attention_curves import LabelledCurves
from ampel_followup.learning.attention_metrics import confusion, macro_recall
from ampel_followup.lightcurve import LightCurve

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

#: Features of the host: networks do not see it, so the forest does not either.
OF_THE_HOST = ("host_photoz", "host_photoz_err", "rainbow_absolute_mag")

#: Least sizes of leaves that are tried on the held-out objects; votes of small ones overlook rare classes.
LEAVES = (5, 20, 60)

_LETTER_BANDS = ("lsstu", "lsstg", "lsstr", "lssti", "lsstz", "lssty")

# Light curves whose features are computed at once.
_CHUNK = 500


def hand_made_features(
    data: LabelledCurves, fractions: Sequence[float], progress: Callable[[int, int], None] = lambda done, total: None
) -> Array:
    """
    Compute the features `early` and `early_ia`, without those of the host, at fractions of the points.

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
    kept = [name not in OF_THE_HOST for name in EARLY_IA.names]
    total, done, rows = len(fractions) * len(data), 0, []
    for fraction in fractions:
        curves = light_curves_of(beginnings(data.points, fraction))
        parts = []
        for begin in range(0, len(curves), _CHUNK):
            chunk = curves[begin : begin + _CHUNK]
            parts.append(np.concatenate([EARLY.compute(chunk), EARLY_IA.compute(chunk)[:, kept]], axis=1))
            done += len(chunk)
            progress(done, total)
        rows.append(np.concatenate(parts))
    return np.stack(rows)


def light_curves_of(points: Points) -> list[LightCurve]:
    """Return points as light curves again; survey, position and date are forgotten."""
    offsets, bands = points.segments.offsets, np.array(_LETTER_BANDS)
    return [
        LightCurve(
            f"object {i}",
            0,
            points.time[begin:end],
            bands[points.letter[begin:end]],
            points.flux[begin:end],
            points.flux_err[begin:end],
            ~points.detected[begin:end],
            0.0,
            0.0,
        )
        for i, (begin, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))
    ]


def forest_probabilities(
    x: Array, y: Labels, training: Labels, held_out: Labels, test: Labels, n_classes: int, seed: int
) -> tuple[Array, int]:
    """
    Train a forest on all ages at once, and classify test objects at each.

    Parameters
    ----------
    x : ndarray, shape (f, n, k)
        `hand_made_features`.
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
