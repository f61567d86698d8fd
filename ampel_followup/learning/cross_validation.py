"""How good a model trained on a set would be: every object is predicted once by a model that has not seen it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.comparison import RankedReplicate, compare, rank_replicates
from ampel_followup.evaluation.metrics import log_loss
from ampel_followup.evaluation.protocol import Protocol, Replicate, score_fold
from ampel_followup.gain import GainScores
from ampel_followup.learning.training_set import TrainingSet
from ampel_followup.models.training import TrainingOptions

Array = NDArray[np.float64]

#: Bins of the calibration curve, equally wide.
N_BINS_OF_CURVE = 10


@dataclass(frozen=True)
class CrossValidation:
    """
    Predictions of n objects by models that were trained without them.

    Parameters
    ----------
    replicate : Replicate
        P_t and its scores, and P_ts with the true spectrum.
    ranked : RankedReplicate
        What a spectrum does, and the order of the objects under each strategy.
    comparison : dict
        Strategies side by side, as from `ampel_followup.evaluation.comparison.compare`.
    """

    replicate: Replicate
    ranked: RankedReplicate
    comparison: dict[str, Any]


def cross_validate(
    training_set: TrainingSet,
    *,
    folds: int,
    seed: int,
    options: TrainingOptions,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CrossValidation:
    """
    Predict every object by a model that was trained on the other folds.

    The folds have like class shares, and objects of a group stay together. All that is learned, spectral components,
    scaling, calibration and mixture included, is learned from the other folds.

    Parameters
    ----------
    training_set : TrainingSet
    folds : int
    seed : int
        Of the folds and of the models.
    options : TrainingOptions
    progress : callable
        Called with the folds done, and their number.
    """
    data = training_set.paired("the training set")
    protocol = Protocol(folds=folds, replicates=1, seed=seed, features="all", training=options)
    parts = []
    for fold in range(folds):
        parts.append(score_fold(data, protocol, 0, fold))
        progress(fold + 1, folds)
    order = np.argsort(np.concatenate([part.rows for part in parts]))
    scores = GainScores.concatenate([part.scores for part in parts])
    replicate = Replicate(
        GainScores(*(getattr(scores, field.name)[order] for field in dataclasses.fields(scores))),
        np.concatenate([part.p_ts for part in parts])[order],
        data.y,
        data.groups,
        tuple(part.chosen for part in parts),
    )
    (ranked,) = rank_replicates([replicate], seed)
    return CrossValidation(replicate, ranked, compare([replicate], [ranked], protocol))


def metrics(validation: CrossValidation, classes: Sequence[str]) -> dict[str, Any]:
    """
    Summarise predictions for a bundle.

    Returns
    -------
    dict
        Ready for JSON. Of ``p_t`` and ``p_ts``: ``_accuracy``, ``_balanced_accuracy`` (mean recall of the classes),
        ``_log_loss`` [nat], ``_calibration_error`` (`calibration_error`), ``_recall`` per class, ``_calibration`` (the
        curve) and ``_confusion`` (rows: true class). ``information_gain_expected`` and ``_true_spectra`` [nat], whose
        agreement says that the mixture predicts spectra rightly.
    """
    replicate = validation.replicate
    y, result = replicate.y, dict[str, Any]()
    for name, p in (("p_t", replicate.scores.p_t), ("p_ts", replicate.p_ts)):
        matrix = confusion(p, y)
        recall = np.diag(matrix) / matrix.sum(axis=1)
        predicted, observed, count = calibration_curve(p, y)
        result |= {
            f"{name}_accuracy": _rounded(np.diag(matrix).sum() / len(y)),
            f"{name}_balanced_accuracy": _rounded(recall.mean()),
            f"{name}_log_loss": _rounded(log_loss(p, y)),
            f"{name}_calibration_error": _rounded(calibration_error(p, y)),
            f"{name}_recall": {c: _rounded(r) for c, r in zip(classes, recall, strict=True)},
            f"{name}_confusion": {c: row.tolist() for c, row in zip(classes, matrix, strict=True)},
            f"{name}_calibration": {
                "predicted": [_rounded(v) for v in predicted],
                "observed": [_rounded(v) for v in observed],
                "count": count.tolist(),
            },
        }
    result["information_gain_expected"] = _rounded(replicate.scores.information_gain.mean())
    after = -np.log(np.clip(replicate.p_ts, 1e-300, 1.0))
    result["information_gain_true_spectra"] = _rounded(
        (replicate.scores.entropy - (replicate.p_ts * after).sum(axis=1)).mean()
    )
    return result


def calibration_curve(p: Array, y: NDArray[np.intp]) -> tuple[Array, Array, NDArray[np.intp]]:
    """
    Compare stated probabilities with how often they come true, over all objects and classes.

    Parameters
    ----------
    p : ndarray, shape (n, C)
    y : ndarray of int, shape (n,)

    Returns
    -------
    predicted, observed : ndarray, shape (m,)
        Mean stated probability, and share that is of the class, in each bin that is not empty.
    count : ndarray of int, shape (m,)
        Pairs of an object and a class in the bin; all add up to n C.
    """
    stated = p.ravel()
    true = np.zeros_like(p)
    true[np.arange(len(y)), y] = 1.0
    which = np.minimum((stated * N_BINS_OF_CURVE).astype(np.intp), N_BINS_OF_CURVE - 1)
    count = np.bincount(which, minlength=N_BINS_OF_CURVE)
    filled = count > 0
    predicted = np.bincount(which, weights=stated, minlength=N_BINS_OF_CURVE)[filled] / count[filled]
    observed = np.bincount(which, weights=true.ravel(), minlength=N_BINS_OF_CURVE)[filled] / count[filled]
    return predicted, observed, count[filled]


def calibration_error(p: Array, y: NDArray[np.intp]) -> float:
    """Return the mean distance of the calibration curve from the diagonal, weighted by its counts, 0 to 1."""
    predicted, observed, count = calibration_curve(p, y)
    return float(np.average(np.abs(predicted - observed), weights=count))


def confusion(p: Array, y: NDArray[np.intp]) -> NDArray[np.intp]:
    """Count objects by true class (rows) and most probable one (columns), shape (C, C)."""
    matrix = np.zeros((p.shape[1], p.shape[1]), dtype=np.intp)
    np.add.at(matrix, (y, p.argmax(axis=1)), 1)
    return matrix


def _rounded(value: float) -> float:
    return round(float(value), 4)
