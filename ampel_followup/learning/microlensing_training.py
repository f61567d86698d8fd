"""From features of lenses and of what is none to the bundle's trees, their calibration, and where to draw the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.microlensing.features import FEATURES
from ampel_followup.models.assistant_bundle import ScoreModel
from ampel_followup.models.trees import Calibration, TreeEnsemble

Array = NDArray[np.float64]

#: Kinds among which false calls are limited, each group by itself; of other objects the class is not known.
GROUPS = (("supernova",), ("variable star", "cataclysmic variable", "AGN"))

#: Share of the lenses among the objects of the survey that probabilities are about: they are calibrated to it.
PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class LensTable:
    """
    Rows to learn from.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        `ampel_followup.microlensing.features.FEATURES`.
    lens : ndarray of bool, shape (n,)
    kind : ndarray of str, shape (n,)
        What those are that are no lens.
    group : ndarray of int, shape (n,)
        Donor of each row: rows of a donor are never on both sides of a fold.
    weight : ndarray, shape (n,)
    whole : ndarray of bool, shape (n,)
        Whole light curves; the others end at a random time.
    """

    x: Array
    lens: NDArray[np.bool_]
    kind: NDArray[np.str_]
    group: NDArray[np.intp]
    weight: Array
    whole: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TrainedSearch:
    """The model, P(microlensing) of each row by models that have not seen its donor, and the threshold."""

    model: ScoreModel
    probability: Array
    threshold: float


def train_search(table: LensTable, *, false: float, folds: int = 5, seed: int = 1) -> TrainedSearch:
    """
    Train the trees, calibrate them on donors that they have not seen, and draw the line.

    Parameters
    ----------
    table : LensTable
    false : float
        Largest share of each of the `GROUPS` that may be called lenses, among whole light curves.
    folds : int
    seed : int
        Of the folds.

    Raises
    ------
    TrainingError
        If there are no lenses, or nothing else.
    """
    if table.lens.all() or not table.lens.any():
        raise TrainingError("a search for lenses needs lenses and other objects to learn from; there is only one kind")
    fold = np.random.default_rng(seed).integers(folds, size=int(table.group.max()) + 1)[table.group]
    log_odds = np.empty(len(table.lens))
    for k in range(folds):
        log_odds[fold == k] = _grow(table, fold != k).log_odds(table.x[fold == k])
    share = float(np.average(table.lens, weights=table.weight))
    balance = np.where(table.lens, PRIOR / share, (1.0 - PRIOR) / (1.0 - share))
    calibration = Calibration.fit(log_odds, table.lens, table.weight * balance)
    probability = calibration(log_odds)
    model = ScoreModel(_grow(table, np.ones(len(table.lens), dtype=np.bool_)), calibration)
    return TrainedSearch(model, probability, line(probability, table, false))


def line(probability: Array, table: LensTable, false: float) -> float:
    """Return the least threshold that no more than a share `false` of each group of whole light curves exceeds."""
    thresholds = []
    for kinds in GROUPS:
        rows = table.whole & ~table.lens & np.isin(table.kind, kinds)
        ordered = np.sort(probability[rows])[::-1]
        if len(ordered):
            thresholds.append(float(ordered[min(int(false * len(ordered)), len(ordered) - 1)]))
    return float(np.round(max(thresholds) + 1e-4, 4)) if thresholds else 0.5


def _grow(table: LensTable, rows: NDArray[np.bool_]) -> TreeEnsemble:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    model = HistGradientBoostingClassifier(
        max_iter=150, max_depth=4, learning_rate=0.08, min_samples_leaf=30, early_stopping=False
    )
    # One thread adds up in one order: the same rows give the same trees.
    with threadpool_limits(1):
        model.fit(table.x[rows], table.lens[rows], sample_weight=table.weight[rows])
    return TreeEnsemble.from_boosting(model, tuple(FEATURES))


def groups_of(names: Sequence[str]) -> NDArray[np.intp]:
    """Return a number for each donor, shape (n,); of several that were joined, the first one counts."""
    _, group = np.unique([name.split("+")[0] for name in names], return_inverse=True)
    return np.asarray(group, dtype=np.intp)
