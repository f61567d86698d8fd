"""From features and labels to the bundle of an early classifier of type Ia supernovae."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.labels import class_of, is_coarse
from ampel_followup.learning.early_classifier import (
    EarlyClassifier,
    EarlyOptions,
    balanced_threshold,
    fit_early,
    threshold_for_efficiency,
    threshold_for_purity,
)
from ampel_followup.models.classifier import forest_to_onnx

Array = NDArray[np.float64]

Goal = Literal["balance", "purity", "efficiency"]

#: The class that is looked for, as the taxonomy calls it, and what tables may call it besides, in lower case.
IA = "SN Ia"
IA_NAMES = frozenset({"ia", "snia", "1", "true"})

#: With fewer unlabelled objects than this, the threshold is chosen by the labelled ones.
FEWEST_UNLABELLED = 50


@dataclass(frozen=True)
class TrainedEarly:
    """
    A classifier as training leaves it.

    Parameters
    ----------
    classifier : EarlyClassifier
    threshold : float
        P(Ia) from which on an object is called Ia.
    training, metrics : dict
        What it was trained on, and how well the trees that have not seen an object do on it.
    """

    classifier: EarlyClassifier
    threshold: float
    training: dict[str, Any]
    metrics: dict[str, Any]


def is_type_ia(label: str) -> bool | None:
    """
    Return whether a type is one of Ia (`ampel_followup.labels`); None if it does not tell.

    Parameters
    ----------
    label : str
        Such as ``SN Ia-91T-like``, ``Ia``, ``SN II``; a supernova that is not told further tells nothing.
    """
    if not label.strip() or is_coarse(label):
        return None
    return label.strip().lower() in IA_NAMES or class_of(label)[0] == IA


def train_early(
    x: Array,
    labels: list[str],
    rng: np.random.Generator,
    *,
    options: EarlyOptions | None = None,
    goal: Goal = "balance",
    wanted: float = 0.9,
) -> TrainedEarly:
    """
    Train on the labelled objects, and choose the threshold on the others.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        Features; NaN = not measured.
    labels : list of str, length n
        Type of each object; empty, or too coarse to tell, if it is not known.
    rng : numpy.random.Generator
    options : EarlyOptions, optional
    goal : {"balance", "purity", "efficiency"}
        Threshold of the largest efficiency × purity, or for the purity or efficiency `wanted`.
    wanted : float
        0 to 1.

    Raises
    ------
    TrainingError
        If fewer than two objects of a class have labels.
    """
    options = options or EarlyOptions(n_trees=200)
    told = [is_type_ia(label) for label in labels]
    rows = np.array([i for i, ia in enumerate(told) if ia is not None], dtype=np.intp)
    is_ia = np.array([bool(told[i]) for i in rows.tolist()], dtype=np.bool_)
    if len(rows) == 0:
        raise TrainingError("no object has a label that tells whether it is of type Ia; check the labels")
    classifier = fit_early(x[rows], is_ia, rng, options)
    others = np.setdiff1d(np.arange(len(x)), rows)
    known = classifier.unseen_probability
    enough = len(others) >= FEWEST_UNLABELLED
    p = classifier.predict(x[others]) if enough else known[np.isfinite(known)]
    if goal == "balance":
        threshold = balanced_threshold(p)
    elif goal == "purity":
        threshold = threshold_for_purity(p, wanted)
    else:
        threshold = threshold_for_efficiency(p, wanted)
    counts = Counter(labels[i].strip() for i in rows.tolist())
    training = {
        "labelled": len(rows),
        "ia": int(is_ia.sum()),
        "per_label": dict(sorted(counts.items())),
        "unlabelled": len(others),
        "trees": options.n_trees,
        "threshold": {"goal": goal, "wanted": None if goal == "balance" else wanted,
                      "chosen_on": "unlabelled" if enough else "labelled"},
    }  # fmt: skip
    return TrainedEarly(classifier, threshold, training, _measured(known, is_ia, threshold))


def to_onnx(classifier: EarlyClassifier) -> bytes:
    """Convert the trees for `ampel_followup.models.early_bundle`; needs skl2onnx (the ``forests`` extra)."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(len(classifier.trees))
    forest.estimators_ = list(classifier.trees)
    forest.classes_, forest.n_classes_, forest.n_outputs_ = np.array([0, 1]), 2, 1
    forest.n_features_in_ = classifier.trees[0].n_features_in_
    return forest_to_onnx(forest)


def _measured(p: Array, is_ia: NDArray[np.bool_], threshold: float) -> dict[str, Any]:
    seen = np.isfinite(p)
    p, is_ia = p[seen], is_ia[seen]
    called = p >= threshold
    true = int((called & is_ia).sum())
    return {
        "n": int(seen.sum()),
        "accuracy": float(((p >= 0.5) == is_ia).mean()),
        "efficiency": true / int(is_ia.sum()) if is_ia.any() else None,
        "purity": true / int(called.sum()) if called.any() else None,
    }
