r"""
Champion and challenger on the same objects, none of which either was trained on.

With :math:`p_i` and :math:`q_i` the probabilities that champion and challenger give to the true class of object i, the
challenger is better in the log-loss by :math:`\frac{1}{n}\sum_i (\ln q_i - \ln p_i)`; in accuracy and in the mean
recall of the classes by the difference of the two. Groups of objects (a host) are drawn with replacement, both models
on the same draw (paired bootstrap, Efron & Tibshirani 1993, section 8): what is hard about an object falls out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.champions import ClassChange, Comparison, Difference, Metric, Reliability
from ampel_followup.learning.cross_validation import calibration_curve, confusion
from ampel_followup.learning.training_table import TrainingTable
from ampel_followup.models.training import TrainingOptions, fit_p_t

Array = NDArray[np.float64]

#: Probability of the intervals, and draws of the bootstrap.
CONFIDENCE, DRAWS = 0.95, 2000

#: No probability counts as less: one object that a model thought impossible must not decide alone.
FLOOR = 1e-3


def cross_predict(
    table: TrainingTable,
    labelled: TrainingTable,
    groups: NDArray[np.intp],
    *,
    folds: int,
    seed: int,
    options: TrainingOptions,
    work: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Array:
    """
    Predict every labelled object by a model of the training table and the labelled objects of the other folds.

    Parameters
    ----------
    table : TrainingTable
        Of the champion.
    labelled : TrainingTable
        The n labelled objects, of the same features and classes.
    groups : ndarray of int, shape (n,)
        Never split.
    folds, seed : int
    options : TrainingOptions
    work : Path, optional
        Folder that keeps the predictions of the folds that are done, so that an interrupted run goes on.
    progress : callable
        Called with the folds done, and their number.

    Returns
    -------
    ndarray, shape (n, C)
    """
    p = np.zeros((len(labelled), len(labelled.classes)))
    for fold, test in enumerate(split(labelled.y, groups, folds, seed)):
        kept = work / f"fold-{fold}.npy" if work is not None else None
        if kept is not None and kept.is_file():
            p[test] = np.load(kept, allow_pickle=False)
        else:
            train = np.setdiff1d(np.arange(len(labelled)), test)
            model = fit_p_t(
                np.concatenate([table.x_t, labelled.x_t[train]]),
                np.concatenate([table.y, labelled.y[train]]),
                len(labelled.classes),
                np.random.default_rng([seed, 2, fold]),
                options,
                np.concatenate([table.weight, labelled.weight[train]]),
            )
            p[test] = model.predict_proba(labelled.x_t[test])
            if kept is not None:
                part = kept.with_suffix(".part")
                with part.open("wb") as file:
                    np.save(file, p[test], allow_pickle=False)
                part.replace(kept)
        progress(fold + 1, folds)
    return p


def split(y: NDArray[np.intp], groups: NDArray[np.intp], folds: int, seed: int) -> list[NDArray[np.intp]]:
    """Return the rows of each fold: like class shares, groups whole."""
    import warnings

    from sklearn.model_selection import StratifiedGroupKFold

    divided = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer objects than folds is absent from some; it is counted all the same.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [np.asarray(test, dtype=np.intp) for _, test in divided.split(np.zeros(len(y)), y, groups)]


def compare_paired(
    before: Array,
    after: Array,
    y: NDArray[np.intp],
    groups: NDArray[np.intp],
    classes: Sequence[str],
    n_known: int,
    *,
    folds: int,
    rng: np.random.Generator,
) -> Comparison:
    """
    Compare two predictions of the same n objects.

    Parameters
    ----------
    before, after : ndarray, shape (n, C)
        Class probabilities by champion and challenger; 0 where the champion does not know a class.
    y : ndarray of int, shape (n,)
        True classes.
    groups : ndarray of int, shape (n,)
    classes : sequence of str
        The C names.
    n_known : int
        So many of them, the first, are known to the champion. Objects of new classes are in the confusion and in
        `per_class`, and not in the differences: a champion that cannot name a class must not lose by it.
    folds : int
        For the record.
    rng : numpy.random.Generator

    Returns
    -------
    Comparison
    """
    known = y < n_known
    return Comparison(
        classes=tuple(classes),
        n_objects=int(known.sum()),
        n_groups=len(np.unique(groups[known])),
        folds=folds,
        confidence=CONFIDENCE,
        draws=DRAWS,
        differences=differences(before[known], after[known], y[known], groups[known], rng),
        per_class=_per_class(before, after, y, classes),
        confusion_before=_matrix(before, y),
        confusion_after=_matrix(after, y),
        reliability_before=_reliability(before[known], y[known]),
        reliability_after=_reliability(after[known], y[known]),
    )


def differences(
    before: Array, after: Array, y: NDArray[np.intp], groups: NDArray[np.intp], rng: np.random.Generator
) -> tuple[Difference, ...]:
    """Return the differences in every `Metric` with their intervals; see `compare_paired`."""
    _, group = np.unique(groups, return_inverse=True)
    n_groups = int(group.max()) + 1
    draws = rng.multinomial(n_groups, np.full(n_groups, 1.0 / n_groups), size=DRAWS).astype(np.float64)
    weights = np.vstack([np.ones(n_groups), draws])  # the first row is the set itself
    values = {metric: [] for metric in Metric}  # type: dict[Metric, list[Array]]
    for p in (before, after):
        loss = -np.log(np.clip(p[np.arange(len(y)), y], FLOOR, 1.0))
        right = (p.argmax(axis=1) == y).astype(np.float64)
        n = weights @ np.bincount(group, minlength=n_groups)
        values[Metric.LOG_LOSS].append(weights @ np.bincount(group, loss, n_groups) / n)
        values[Metric.ACCURACY].append(weights @ np.bincount(group, right, n_groups) / n)
        values[Metric.MACRO_RECALL].append(_macro_recall(weights, group, right, y))
    found = []
    for metric, (old, new) in values.items():
        gain = old - new if metric is Metric.LOG_LOSS else new - old
        low, high = np.quantile(gain[1:], [(1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0])
        found.append(
            Difference(
                str(metric),
                float(old[0]),
                float(new[0]),
                float(gain[0]),
                float(low),
                float(high),
                float((gain[1:] > 0).mean()),
            )
        )
    return tuple(found)


def _macro_recall(weights: Array, group: NDArray[np.intp], right: Array, y: NDArray[np.intp]) -> Array:
    """Mean recall of the classes that a draw has, shape (draws,)."""
    n_groups = weights.shape[1]
    recalls = []
    for c in np.unique(y):
        member = (y == c).astype(np.float64)
        n = weights @ np.bincount(group, member, n_groups)
        hits = weights @ np.bincount(group, member * right, n_groups)
        recalls.append(np.divide(hits, n, out=np.full(len(n), np.nan), where=n > 0))
    return np.asarray(np.nanmean(np.array(recalls), axis=0))


def _per_class(before: Array, after: Array, y: NDArray[np.intp], classes: Sequence[str]) -> tuple[ClassChange, ...]:
    rows = []
    for c, name in enumerate(classes):
        member = y == c
        numbers = []
        for p in (before, after):
            named = p.argmax(axis=1) == c
            hits = float((named & member).sum())
            numbers.append((_share(hits, member.sum()), _share(hits, named.sum())))
        (recall_before, precision_before), (recall_after, precision_after) = numbers
        rows.append(
            ClassChange(name, int(member.sum()), recall_before, recall_after, precision_before, precision_after)
        )
    return tuple(rows)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _matrix(p: Array, y: NDArray[np.intp]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(count) for count in row) for row in confusion(p, y))


def _reliability(p: Array, y: NDArray[np.intp]) -> Reliability:
    predicted, observed, count = calibration_curve(p, y)
    return Reliability(*(tuple(values.tolist()) for values in (predicted, observed, count)))
