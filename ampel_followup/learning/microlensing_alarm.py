"""From departures of events with planets, and of everything else, to trees that know when to raise the alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.models.assistant_bundle import ScoreModel
from ampel_followup.models.microlensing_bundle import WATCH_FEATURES
from ampel_followup.models.trees import Calibration, TreeEnsemble

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Trees of an alarm.
TREES = 250


@dataclass(frozen=True, slots=True)
class AlarmTable:
    """
    Nights to learn from.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        `ampel_followup.models.microlensing_bundle.WATCH_FEATURES`; all NaN where nothing departs, and no alarm can be.
    planet : ndarray of bool, shape (n,)
        A planet changes the last points.
    event : ndarray of int, shape (n,)
        Event or object of each night: its nights are never on both sides of a fold.
    weight : ndarray, shape (n,)
    shown : ndarray of bool, shape (n,)
        Of the planets, those that one must see.
    single : ndarray of bool, shape (n,)
        Nights of events without a planet, all of them, by which the line is drawn.
    """

    x: Array
    planet: Mask
    event: NDArray[np.intp]
    weight: Array
    shown: Mask
    single: Mask

    @property
    def departs(self) -> Mask:
        """Something departs, and an alarm can be, shape (n,)."""
        return np.asarray(np.isfinite(self.x).any(axis=1))


@dataclass(frozen=True, slots=True)
class TrainedAlarm:
    """The model, the line of the alarm, and what it flags of events that the trees have not seen."""

    model: ScoreModel
    alarm: float
    flagged: float
    false_per_event: float


def train_alarm(table: AlarmTable, *, false: float, folds: int = 5, trees: int = TREES, seed: int = 1) -> TrainedAlarm:
    """
    Train the trees, calibrate them on events that they have not seen, and draw the line.

    Parameters
    ----------
    table : AlarmTable
    false : float
        Largest share of the events without a planet that may raise an alarm at any time.
    folds, trees : int
    seed : int
        Of the folds, and of the columns that each split may ask for.

    Raises
    ------
    TrainingError
        If no planet departs, or nothing else does.
    """
    departs = table.departs
    if len(table.event) == 0 or not table.planet[departs].any() or table.planet[departs].all():
        raise TrainingError("an alarm needs departures by planets and others to learn from; there is only one kind")
    log_odds = unseen_log_odds(table, folds=folds, trees=trees, seed=seed)
    calibration = Calibration.fit(log_odds[departs], table.planet[departs], table.weight[departs])
    probability = np.where(departs, calibration(log_odds), 0.0)
    singles = largest_of(probability, table.event, table.single)
    alarm = float(np.round(line_of(singles, false) + 1e-4, 4))
    return TrainedAlarm(
        ScoreModel(_grow(table, departs, trees, seed, WATCH_FEATURES), calibration),
        alarm,
        float((largest_of(probability, table.event, table.planet & table.shown) >= alarm).mean()),
        float((singles >= alarm).mean()),
    )


def unseen_log_odds(
    table: AlarmTable, *, folds: int, trees: int, seed: int, columns: Sequence[int] | None = None
) -> Array:
    """
    Return log-odds of a planet, shape (n,), by trees that have seen no night of the same event.

    Parameters
    ----------
    table : AlarmTable
    folds, trees, seed : int
        As for `train_alarm`.
    columns : sequence of int, optional
        What the trees may see; by default all.

    Returns
    -------
    ndarray
        0 where nothing departs.
    """
    departs, log_odds = table.departs, np.zeros(len(table.event))
    chosen = range(table.x.shape[1]) if columns is None else columns
    names = tuple(WATCH_FEATURES[k] for k in chosen)
    table = replace(table, x=table.x[:, chosen])
    fold = np.random.default_rng(seed).integers(folds, size=int(table.event.max()) + 1)[table.event]
    for k in range(folds):
        unseen = departs & (fold == k)
        if unseen.any():
            grown = _grow(table, np.asarray(departs & (fold != k)), trees, seed, names)
            log_odds[unseen] = grown.log_odds(table.x[unseen])
    return log_odds


def flagged_of(table: AlarmTable, log_odds: Array, false: float) -> float:
    """Return the share of the planets that show above the line that a share of the events without one reaches."""
    values = np.where(table.departs, log_odds, -np.inf)
    line = line_of(largest_of(values, table.event, table.single), false)
    return float((largest_of(values, table.event, table.planet & table.shown) > line).mean())


def line_of(largest: Array, false: float) -> float:
    """Return the value that no more than a share of the largest values of events exceed."""
    ordered = np.sort(largest)[::-1]
    return float(ordered[min(int(false * len(ordered)), len(ordered) - 1)])


def largest_of(values: Array, event: NDArray[np.intp], rows: Mask) -> Array:
    """Return the largest value of each event that has any of the rows, shape (number of these events,)."""
    _, index = np.unique(event[rows], return_inverse=True)
    largest = np.full(int(index.max()) + 1 if len(index) else 0, -np.inf)
    np.maximum.at(largest, index, values[rows])
    return largest


def _grow(table: AlarmTable, rows: Mask, trees: int, seed: int, names: tuple[str, ...]) -> TreeEnsemble:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_leaf_nodes=8,
        learning_rate=0.06,
        min_samples_leaf=25,
        l2_regularization=5.0,
        max_features=0.3,  # many columns tell much the same: trees that see few of them differ, and err less together
        early_stopping=False,
        random_state=seed,
    )
    # One thread adds up in one order: the same rows give the same trees.
    with threadpool_limits(1):
        model.fit(table.x[rows], table.planet[rows], sample_weight=table.weight[rows])
    return TreeEnsemble.from_boosting(model, names)
