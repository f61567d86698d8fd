"""
Training of the virtual assistant: boosted trees for P(real), P(galactic) and P(fast), calibrated out of fold.

A score of its own per question (Stevance et al. 2025), each from shallow trees that know missing values. Which types
teach what, and the options (`assistant_recipes`), were chosen by repeated cross-validation grouped by object, for the
area under recall at rank at the stream's mix; docs/assistant.md has the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.evaluation.assistant_metrics import aurak
from ampel_followup.evaluation.assistant_policy import assistant_ranks
from ampel_followup.features.derived import select_columns
from ampel_followup.learning.assistant_recipes import (
    FAST,
    OPTIONS,
    RECIPES,
    BoostingOptions,
    Recipe,
    answers,
    row_weights,
)
from ampel_followup.learning.assistant_tables import (
    DAY_1_COLUMNS,
    DAY_N_COLUMNS,
    STREAM_MIX,
    TYPES,
    AssistantTable,
    mix_weights,
)
from ampel_followup.models.assistant_bundle import Day, ScoreModel
from ampel_followup.models.assistant_saving import TrainedDay, TrainedScore, fold_members
from ampel_followup.models.trees import Calibration, TreeEnsemble

Array = NDArray[np.float64]

#: A day-N table of fewer objects than this generalises badly without the first visits of others.
FEW_OBJECTS = 300

# Where on the sky people's labels happen to lie says nothing of other objects; what it stands for does.
_REPLACED = ("ra", "dec")
_DERIVED = ("abs_galactic_latitude", "log10_position_scatter_min5d")


@dataclass(frozen=True)
class TrainedAssistant:
    """
    The scores of one day, and what they say of the table by models that have not seen the object.

    Parameters
    ----------
    day : {"1", "N"}
    trained : TrainedDay
        For `ampel_followup.models.assistant_saving.save_assistant`.
    probabilities : dict of str to ndarray, shape (n,)
        By score, out of fold, of the n rows of the table (not of those that only taught).
    aurak : tuple of float
        Area under recall at rank at the stream's mix, one per cross-validation.
    notes : tuple of str
        What a person should know.
    """

    day: Day
    trained: TrainedDay
    probabilities: dict[str, Array]
    aurak: tuple[float, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Fit:
    """A score in one cross-validation: models without each fold, what they say of it (n,), and the map of that."""

    features: tuple[str, ...]
    members: tuple[TreeEnsemble, ...]
    calibration: Calibration
    log_odds: Array


def train_assistant(
    table: AssistantTable,
    also: AssistantTable | None = None,
    *,
    folds: int = 5,
    repeats: int = 3,
    seed: int = 1,
    options: BoostingOptions | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TrainedAssistant:
    """
    Train the scores of one day, and measure them on objects kept apart.

    P(fast) is trained where the table says of some objects whether they are fast.

    Parameters
    ----------
    table : AssistantTable
        n rows.
    also : AssistantTable, optional
        First visits of more objects, to teach day N: what they lack is not measured.
    folds : int
        Parts of the objects, 2 or more; all rows of an object are in the same.
    repeats : int
        Cross-validations with other folds, 1 or more; the bundle keeps the models of the first.
    seed : int
    options : BoostingOptions, optional
        By default those of the day, `OPTIONS`.
    progress : callable
        Called with the fits done, and their number.

    Raises
    ------
    TrainingError
        If there are too few objects of a kind, or there is nothing to learn.
    """
    options = options or OPTIONS[table.day]
    joined = table if also is None else table.joined(also)
    recipes, notes = _teachable(joined, folds)
    if table.day == "N" and also is None and joined.objects.max() + 1 < FEW_OBJECTS:
        notes.append(
            f"only {joined.objects.max() + 1} objects: add the first visits of others with --also, they teach much"
        )
    total, done = len(recipes) * (folds * repeats + 1), 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    areas, kept, fold = [], dict[str, _Fit](), np.empty(0, dtype=np.intp)
    for repeat in range(repeats):
        parts = folds_of(joined.objects, joined.types, folds, np.random.default_rng([seed, repeat]))
        fits = {name: _cross_fit(name, recipes[name], joined, parts, options, seed, tick) for name in recipes}
        areas.append(_area(table, fits))
        if repeat == 0:
            kept, fold = fits, parts
    scores = {}
    for name, fit in kept.items():
        trees = _fit_trees(name, recipes[name], joined, np.ones(len(joined), dtype=bool), fit.features, options, seed)
        tick()
        scores[name] = TrainedScore(
            ScoreModel(trees, fit.calibration), tuple(ScoreModel(member, fit.calibration) for member in fit.members)
        )
    trained = TrainedDay(
        scores,
        fold_members(joined.ids, fold.tolist()),
        _training(table, also, folds, seed, options),
        {
            "aurak": round(float(np.mean(areas)), 4),
            "aurak_sd": round(float(np.std(areas)), 4),
            "repeats": repeats,
            "note": "cross-validation grouped by object, weighted to the stream's mix",
        },
        distribution(joined.names, joined.values, dict.fromkeys(f for fit in kept.values() for f in fit.features)),
    )
    probabilities = {name: fit.calibration(fit.log_odds[: len(table)]) for name, fit in kept.items()}
    return TrainedAssistant(table.day, trained, probabilities, tuple(areas), tuple(notes))


def folds_of(
    objects: NDArray[np.intp], types: NDArray[np.str_], folds: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """
    Deal objects into parts with like shares of the types.

    Parameters
    ----------
    objects : ndarray of int, shape (n,)
        Object of each row, 0 to m − 1.
    types : ndarray of str, shape (n,)
    folds : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (n,)
        Fold of each row; all rows of an object have the same.
    """
    _, first = np.unique(objects, return_index=True)
    fold = np.empty(len(first), dtype=np.intp)
    for name in np.unique(types):
        members = rng.permutation(np.flatnonzero(types[first] == name))
        # The start is random, or the first fold would get one of every rare type.
        fold[members] = (np.arange(len(members)) + rng.integers(folds)) % folds
    return np.asarray(fold[objects])


def _teachable(table: AssistantTable, folds: int) -> tuple[dict[str, Recipe], list[str]]:
    """Return the recipes that there are enough objects for, and what to say of the others."""
    notes, recipes = list(table.notes), dict[str, Recipe]()
    absent = mix_weights(table.types)[1]
    if absent:
        notes.append(f"no object is {' or '.join(absent)}: the shares of the others of the stream are raised")
    for name, recipe in {**RECIPES, "fast": FAST}.items():
        taught = row_weights(recipe, table) > 0 if np.isfinite(table.fast).any() or name != "fast" else None
        if taught is None:
            notes.append("no label says what is fast (column fast, 0 or 1): the bundle has no P(fast)")
            continue
        yes = answers(name, table)
        fewest = min(len(np.unique(table.objects[taught & side])) for side in (yes, ~yes))
        if fewest >= folds:
            recipes[name] = recipe
            continue
        said = f"{fewest} objects teach one side of P({name}), {folds} folds need {folds}"
        if name == "real":
            raise TrainingError(f"{said}; label more, of both kinds, or take fewer --folds")
        notes.append(f"{said}: the bundle has no P({name})")
    return recipes, notes


def _cross_fit(
    name: str,
    recipe: Recipe,
    table: AssistantTable,
    fold: NDArray[np.intp],
    options: BoostingOptions,
    seed: int,
    tick: Callable[[], None],
) -> _Fit:
    features = _features(table)
    x = select_columns(table.names, table.values, features)
    log_odds, members = np.empty(len(table)), []
    for part in range(fold.max() + 1):
        members.append(_fit_trees(name, recipe, table, fold != part, features, options, seed))
        log_odds[fold == part] = members[-1].log_odds(x[fold == part])
        tick()
    asked = np.isfinite(table.fast) if recipe is FAST else np.isin(table.types, recipe.calibrated_among)
    counts = 1.0 / np.bincount(table.objects)[table.objects]
    weight, _ = mix_weights(table.types[asked], counts[asked])
    # Platt's targets count objects, so the weights add up to the number of these.
    return _Fit(
        features, tuple(members), Calibration.fit(log_odds[asked], answers(name, table)[asked], weight), log_odds
    )


def _fit_trees(
    name: str,
    recipe: Recipe,
    table: AssistantTable,
    rows: NDArray[np.bool_],
    features: tuple[str, ...],
    options: BoostingOptions,
    seed: int,
) -> TreeEnsemble:
    x = select_columns(table.names, table.values, features)
    y, weight = answers(name, table), row_weights(recipe, table) * rows
    monotonic = [recipe.monotonic.get(feature, 0) for feature in features]
    if options.bags == 1:
        return _boost(x, y, weight, features, monotonic, options, seed)
    rng = np.random.default_rng(seed)
    bags: list[TreeEnsemble] = []
    while len(bags) < options.bags:
        # Poisson(1) copies of each object, all of its rows together.
        drawn = weight * rng.poisson(1.0, table.objects.max() + 1)[table.objects]
        if len(np.unique(y[drawn > 0])) == 2:
            bags.append(_boost(x, y, drawn, features, monotonic, options, int(rng.integers(2**31))))
    return TreeEnsemble.mean(bags)


def _boost(
    x: Array,
    y: NDArray[np.bool_],
    weight: Array,
    features: tuple[str, ...],
    monotonic: Sequence[int],
    options: BoostingOptions,
    seed: int,
) -> TreeEnsemble:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=options.trees,
        max_depth=options.depth,
        learning_rate=options.learning_rate,
        min_samples_leaf=options.min_leaf,
        max_features=options.columns,
        max_bins=64,
        early_stopping=False,
        categorical_features=None,
        monotonic_cst=list(monotonic),
        random_state=seed,
    )
    known = weight > 0
    model.fit(x[known], y[known], sample_weight=weight[known])
    return TreeEnsemble.from_boosting(model, features)


def _features(table: AssistantTable) -> tuple[str, ...]:
    """Return what is learned from: the columns that were measured, with what follows from places instead of places."""
    known = DAY_1_COLUMNS if table.day == "1" else DAY_N_COLUMNS
    extra = tuple(name for name in table.names if name not in known)
    wanted = (*(name for name in known if name not in _REPLACED), *_DERIVED, *extra)
    values = select_columns(table.names, table.values, wanted)
    return tuple(name for name, column in zip(wanted, values.T, strict=True) if np.isfinite(column).any())


def _area(table: AssistantTable, fits: Mapping[str, _Fit]) -> float:
    p = {name: fit.calibration(fit.log_odds[: len(table)]) for name, fit in fits.items()}
    rank = assistant_ranks(p["real"], p.get("galactic", np.full(len(table), np.nan)))
    return aurak(rank, table.types == "good", mix_weights(table.types)[0])


def _training(
    table: AssistantTable, also: AssistantTable | None, folds: int, seed: int, options: BoostingOptions
) -> dict[str, Any]:
    def counts(part: AssistantTable) -> dict[str, Any]:
        _, first = np.unique(part.objects, return_index=True)
        return {
            "rows": len(part),
            "objects": len(first),
            "objects_by_type": {name: int((part.types[first] == name).sum()) for name in TYPES},
        }

    return {
        **counts(table),
        "also": None if also is None else counts(also),
        "folds": folds,
        "seed": seed,
        "options": asdict(options),
        "mix": dict(STREAM_MIX),
    }


def distribution(names: Sequence[str], values: Array, features: Iterable[str]) -> dict[str, dict[str, Any]]:
    """
    Describe a training set for `ampel_followup.drift`.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    values : ndarray, shape (n, len(names))
        NaN = not measured.
    features : iterable of str
        Columns, or what is derived from them.

    Returns
    -------
    dict of str to dict
        For each feature ``measured``, the share of the rows that have it, and their ``deciles``; none if no row has it.
    """
    result = {}
    for name in features:
        column = select_columns(names, values, [name])[:, 0]
        measured = column[np.isfinite(column)]
        deciles = np.quantile(measured, np.linspace(0.0, 1.0, 11)) if len(measured) else np.empty(0)
        result[name] = {
            "measured": round(len(measured) / len(column), 4),
            "deciles": [float(f"{d:.5g}") for d in deciles],
        }
    return result
