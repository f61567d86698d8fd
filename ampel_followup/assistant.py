"""
The virtual assistant: is it real, is it in the Galaxy, is it fast? For every visit of many objects at once.

The visit of the first detection is scored by the bundle's models of day 1, all later ones by those of day N; a bundle
that has only one of them scores all visits with it. `ampel_followup.policy` says what is done with the scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ampel_followup.assistant_scores import SCORES, AssistantScores, Cause, Trait, Visit, assistant_rank
from ampel_followup.errors import BundleError
from ampel_followup.explanations import causes_in_words
from ampel_followup.features.derived import needed_columns, select_columns
from ampel_followup.features.ragged import Floats, Indices
from ampel_followup.features.visits import SETS, Visits, visit_features, visits
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import AssistantBundle, Day
from ampel_followup.monitoring import anomalies
from ampel_followup.traits import traits

#: Rank of an object that a catalogue names.
NAMED_RANK = 10.0


def assess(
    light_curves: Sequence[LightCurve], bundle: AssistantBundle, *, explain: bool = True
) -> list[AssistantScores]:
    """
    Score objects at each of their visits, and say what can be said of them.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        n objects. A text under ``named`` in the `meta` of one is the catalogue match that names it.
    bundle : AssistantBundle
    explain : bool
        Find the three features that moved each score of the last visit most.

    Returns
    -------
    list of AssistantScores, n of them
        In the order given; without history, and with scores that are NaN, where nothing was ever detected. What is
        said of an object does not depend on the others, down to the last bit.

    Raises
    ------
    BundleError
        If the bundle asks for features that are not known at visits, or in another version.
    """
    if not light_curves:
        return []
    return _assessed(light_curves, bundle, *_at_visits(light_curves, bundle), explain)


def assess_with_features(
    light_curves: Sequence[LightCurve], bundle: AssistantBundle, *, explain: bool = True
) -> tuple[list[AssistantScores], dict[Day, Floats]]:
    """
    Score objects as `assess` does, and return what the scores of their last visits were made of.

    Returns
    -------
    scores : list of AssistantScores
        As of `assess`.
    features : dict of {"1", "N"} to ndarray, shape (m, k)
        As of `last_visit_features`.

    Raises
    ------
    BundleError
        As `assess`.
    """
    if not light_curves:
        return [], last_visit_features((), bundle)
    known, names, values = _at_visits(light_curves, bundle)
    scores = _assessed(light_curves, bundle, known, names, values, explain)
    return scores, _last_features(bundle, known, names, values, len(light_curves))


def _at_visits(light_curves: Sequence[LightCurve], bundle: AssistantBundle) -> tuple[Visits, tuple[str, ...], Floats]:
    known = visits(light_curves)
    return known, *visit_features(light_curves, known, _sets(bundle))


def _assessed(
    light_curves: Sequence[LightCurve],
    bundle: AssistantBundle,
    known: Visits,
    names: tuple[str, ...],
    values: Floats,
    explain: bool,
) -> list[AssistantScores]:
    history = _history(light_curves, known, _probabilities(bundle, known, names, values), bundle.galactic_weight)
    causes = _causes(bundle, known, names, values, len(light_curves)) if explain else [()] * len(light_curves)
    said = zip(light_curves, history, traits(light_curves), causes, anomalies(light_curves), strict=True)
    return [_scores(lc, past, labels, why, anomaly) for lc, past, labels, why, anomaly in said]


def last_visit_features(light_curves: Sequence[LightCurve], bundle: AssistantBundle) -> dict[Day, Floats]:
    """
    Return what the scores of the last visits are made of, by the day whose models score them.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        Those in which nothing was ever detected have no visit.
    bundle : AssistantBundle

    Returns
    -------
    dict of {"1", "N"} to ndarray, shape (m, k)
        For each day of the bundle a row for each of m objects, in the order given, and a column for each of the k
        features of `AssistantBundle.features`. NaN = not measured.

    Raises
    ------
    BundleError
        As `assess`.
    """
    if not light_curves:
        return {day: np.empty((0, len(bundle.features(day)))) for day in bundle.days}
    return _last_features(bundle, *_at_visits(light_curves, bundle), len(light_curves))


def _last_features(
    bundle: AssistantBundle, known: Visits, names: tuple[str, ...], values: Floats, n_objects: int
) -> dict[Day, Floats]:
    last = _last(known, n_objects)
    rows = {day: last[found] for day, found in _rows_by_day(bundle, known.number[last]).items()}
    none = np.empty(0, dtype=np.intp)
    return {day: select_columns(names, values[rows.get(day, none)], bundle.features(day)) for day in bundle.days}


def _last(known: Visits, n_objects: int) -> Indices:
    """Return which visits are the last ones of their objects."""
    return np.flatnonzero(np.diff(known.object_index, append=n_objects) > 0)


def _sets(bundle: AssistantBundle) -> tuple[str, ...]:
    """Return the feature sets to compute: those that the bundle names, else those with columns that it asks for."""
    versions = dict(bundle.info["feature_sets"])
    for name, version in versions.items():
        if name not in SETS or SETS[name].version != version:
            have = ", ".join(f"{s.name} {s.version}" for s in SETS.values())
            raise BundleError(
                f"assistant {bundle.label} needs feature set {name} {version}; visits have {have}; train it again"
            )
    asked = {column for day in bundle.days for column in bundle.columns(day)}
    wanted = tuple(name for name in SETS if name in versions or (not versions and asked & set(SETS[name].names)))
    columns = {column for name in wanted for column in SETS[name].names}
    features = {feature for day in bundle.days for feature in bundle.features(day)} - columns
    missing = sorted(feature for feature in features if not columns.issuperset(needed_columns([feature])))
    if missing:
        raise BundleError(
            f"assistant {bundle.label} was trained on {', '.join(missing)}, which light curves do not tell; "
            f"train one on what they have at visits: {', '.join(SETS)}"
        )
    return wanted


def _rows_by_day(bundle: AssistantBundle, number: Indices) -> dict[Day, Indices]:
    """Return which visits the models of each day score, if any; `number` is that of each visit."""
    if len(bundle.days) == 1:
        rows: dict[Day, Indices] = {bundle.days[0]: np.arange(len(number))}
    else:
        rows = {"1": np.flatnonzero(number == 0), "N": np.flatnonzero(number > 0)}
    return {day: found for day, found in rows.items() if len(found) > 0}


def _probabilities(bundle: AssistantBundle, known: Visits, names: tuple[str, ...], values: Floats) -> Floats:
    """Return the scores of v visits in the order of `SCORES`, shape (v, 3); NaN where the bundle has no such model."""
    probabilities = np.full((len(known), len(SCORES)), np.nan)
    for day, rows in _rows_by_day(bundle, known.number).items():
        for score, found in bundle.probabilities(day, names, values[rows]).items():
            probabilities[rows, SCORES.index(score)] = found
    return probabilities


def _history(
    light_curves: Sequence[LightCurve], known: Visits, probabilities: Floats, galactic_weight: float
) -> list[tuple[Visit, ...]]:
    columns = (known.mjd, known.day, *probabilities.T)
    rows = [
        Visit(mjd, day, real, galactic, fast, assistant_rank(real, galactic, galactic_weight))
        for mjd, day, real, galactic, fast in zip(*(column.tolist() for column in columns), strict=True)
    ]
    ends = np.searchsorted(known.object_index, np.arange(len(light_curves)), side="right").tolist()
    return [tuple(rows[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _causes(
    bundle: AssistantBundle, known: Visits, names: tuple[str, ...], values: Floats, n_objects: int
) -> list[tuple[Cause, ...]]:
    """Return what moved the scores of the last visit of each object."""
    causes: list[tuple[Cause, ...]] = [()] * n_objects
    last = _last(known, n_objects)
    for day, rows in _rows_by_day(bundle, known.number[last]).items():
        at = last[rows]
        found = causes_in_words(bundle.causes(day, names, values[at]))
        for i, words in zip(known.object_index[at].tolist(), found, strict=True):
            causes[i] = words
    return causes


def _scores(
    light_curve: LightCurve,
    history: tuple[Visit, ...],
    labels: tuple[Trait, ...],
    causes: tuple[Cause, ...],
    anomaly: str,
) -> AssistantScores:
    named = _named(light_curve)
    last = history[-1] if history else Visit(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan)
    if named:
        last = replace(last, rank=NAMED_RANK)
        # Earlier packets did not say whether it had the name already: their ranks stay as they were.
        history = (*history[:-1], last) if history else ()
    return AssistantScores(
        last.p_real, last.p_galactic, last.p_fast, last.rank, history, labels, causes, named, anomaly
    )


def _named(light_curve: LightCurve) -> str:
    name: object = light_curve.meta.get("named")
    return name.strip() if isinstance(name, str) else ""
