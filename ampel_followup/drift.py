"""
What of tonight's stream is not as in training: a survey that changes should be noticed the first night.

How far a feature is from training is its population stability index, PSI (`population_stability` says how it is
measured). By habit 0.1 is moderate and 0.25 large (Siddiqi 2006, "Credit Risk Scorecards"). A feature has moved if
chance explains it badly, p-values being corrected for the number of features (Holm 1979), *and* it is large: larger
than nights differ anyway, where that is known (`add_usual_psi`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.population_stability import (
    LEAST_SHARE,
    LEVELS,
    TrainingDistribution,
    excess_psi,
    holm,
    levels_of,
    p_values,
    read_distribution,
    shares_of,
)
from ampel_followup.records import Record

if TYPE_CHECKING:
    from ampel_followup.models.assistant_bundle import AssistantBundle, Day
    from ampel_followup.models.bundle import ModelBundle

Array = NDArray[np.float64]

#: Siddiqi's limits: below the first nothing is said; the second holds where it is not known how much nights differ.
MODERATE_PSI, LARGE_PSI = 0.1, 0.25

#: So many times the PSI that the most unusual night of training had.
MARGIN = 1.25

#: Probability of a false alarm in any feature, as far as the objects of a night are independent draws.
SIGNIFICANCE = 0.01

#: With fewer objects nothing is said.
MIN_OBJECTS = 10


@dataclass(frozen=True, slots=True)
class FeatureDrift(Record):
    """
    One feature of a night beside the same in training.

    Parameters
    ----------
    name : str
    n : int
        Objects that have it.
    measured_then, measured_now : float
        Share of the objects that have it, 0 to 1.
    median_then, median_now : float
        In the unit of the feature; NaN where never measured.
    psi : float
        Population stability index, less what chance gives; not negative.
    usual_psi : float
        The same of the most unusual training night; NaN where not known.
    ks : float
        Largest difference of the two distribution functions at the deciles of training, 0 to 1.
    p_value : float
        Probability of such a difference by chance, corrected for the number of features.
    moved : bool
    levels : tuple of float
        Share of the measured objects at or below each of the 11 deciles (0, 10, … 100 %) of training; where values tie
        with a decile, the share nearest to that of training that they allow.
    text : str
        The same in words.
    """

    name: str
    n: int
    measured_then: float
    measured_now: float
    median_then: float
    median_now: float
    psi: float
    usual_psi: float
    ks: float
    p_value: float
    moved: bool
    levels: tuple[float, ...]
    text: str


@dataclass(frozen=True, slots=True)
class DriftReport(Record):
    """
    A night beside the training set.

    Parameters
    ----------
    n_objects : int
    moved : tuple of str
        Names of the features that are not as in training, the most unusual first.
    sentence : str
        The same in words.
    features : tuple of FeatureDrift
        All of them, in the order given.
    """

    n_objects: int
    moved: tuple[str, ...]
    sentence: str
    features: tuple[FeatureDrift, ...]


def drift(
    names: Sequence[str], values: Array, reference: Mapping[str, Mapping[str, Any]], *, n_reference: int | None = None
) -> DriftReport:
    """
    Compare the objects of a night with the training set.

    Parameters
    ----------
    names : sequence of str
        Of the k features.
    values : ndarray, shape (n, k)
        Features of the n objects of a night; what is not finite is not measured.
    reference : mapping
        Feature → ``measured`` (share of the training objects) and ``deciles`` (11 numbers, or none if it was never
        measured), as ``bundle.info["distribution"]``; and ``usual_psi`` where `add_usual_psi` put it.
    n_reference : int, optional
        Training objects; by default many more than n.

    Returns
    -------
    DriftReport

    Raises
    ------
    BundleError
        If a feature is not in the reference, or its deciles are no deciles.
    FollowupError
        If `values` does not have a column per feature.
    """
    then = read_distribution(names, reference, n_reference)
    values = _checked(values, names)
    n = len(values)
    if n < MIN_OBJECTS:
        return DriftReport(n, (), f"{n} objects are too few to compare with training ({MIN_OBJECTS} are needed)", ())
    count = np.isfinite(values).sum(axis=0)
    levels = levels_of(values, count, then.deciles)
    shares = shares_of(levels, count / n)
    psi = excess_psi(shares, n, then)
    ks = np.where(count > 0, np.abs(levels - LEVELS).max(axis=1), 0.0)
    p_value = holm(p_values(ks, count, n, then))
    limit = np.fmax(np.where(np.isnan(then.usual_psi), LARGE_PSI, MARGIN * then.usual_psi), MODERATE_PSI)
    moved = (p_value < SIGNIFICANCE) & (psi > limit)
    median = _medians(values, count)
    order = [int(j) for j in np.argsort(-psi / limit, kind="stable") if moved[j]]
    features = tuple(
        FeatureDrift(
            name=name,
            n=int(count[j]),
            measured_then=float(then.measured[j]),
            measured_now=round(float(count[j] / n), 4),
            median_then=float(then.deciles[j, 5]),
            median_now=float(f"{median[j]:.5g}"),
            psi=round(float(psi[j]), 4),
            usual_psi=float(then.usual_psi[j]),
            ks=round(float(ks[j]), 4),
            p_value=float(f"{p_value[j]:.3g}"),
            moved=bool(moved[j]),
            levels=tuple(np.round(levels[j], 4).tolist()),
            text=_text(name, float(psi[j]), then, j, float(count[j] / n), float(median[j])),
        )
        for j, name in enumerate(names)
    )
    return DriftReport(n, tuple(names[j] for j in order), _sentence([features[j].text for j in order], then), features)


def bundle_drift(values: Array, bundle: ModelBundle) -> DriftReport:
    """Compare the features of a night, shape (n, k), with those that a bundle was trained on; see `drift`."""
    objects = bundle.info.get("training", {}).get("objects")
    return drift(bundle.features, values, bundle.info["distribution"], n_reference=objects)


def assistant_drift(features: Mapping[Day, Array], bundle: AssistantBundle) -> DriftReport:
    """
    Compare the last visits of a night's objects with those that the assistant was trained on; see `drift`.

    Parameters
    ----------
    features : mapping of {"1", "N"} to ndarray, shape (n, k)
        Of days that had visits, as `ampel_followup.assistant.last_visit_features`.
    bundle : AssistantBundle

    Returns
    -------
    DriftReport
        Of all days together: the names of its features say the day, as ``rb_mean (day 1)``.
    """
    reports = {
        day: _day_drift(day, features.get(day, np.empty((0, len(bundle.features(day))))), bundle) for day in bundle.days
    }
    return DriftReport(
        sum(report.n_objects for report in reports.values()),
        tuple(name for report in reports.values() for name in report.moved),
        "; ".join(f"day {day}: {report.sentence}" for day, report in reports.items()),
        tuple(feature for report in reports.values() for feature in report.features),
    )


def _day_drift(day: Day, values: Array, bundle: AssistantBundle) -> DriftReport:
    kept = bundle.info.get("distribution", {}).get(day, {})
    if not kept:  # it can score all the same
        return DriftReport(
            len(values), (), f"assistant {bundle.label} keeps no distribution of its training set; train it again", ()
        )
    training = bundle.info.get("training", {}).get(day, {})
    names = {name: f"{name} (day {day})" for name in bundle.features(day)}
    reference = {names[name]: entry for name, entry in kept.items() if name in names}
    n_reference = training.get("last_visits", training.get("objects"))
    return drift(tuple(names.values()), values, reference, n_reference=n_reference)


def add_usual_psi(
    names: Sequence[str],
    nights: Iterable[Array],
    reference: Mapping[str, Mapping[str, Any]],
    *,
    n_reference: int | None = None,
) -> dict[str, dict[str, Any]]:
    """
    Tell a reference how much nights differ from the whole of the training set.

    A night is not a random sample: its objects share the Moon, the weather, the season and the age of the survey.

    Parameters
    ----------
    names : sequence of str
        Of the k features.
    nights : iterable of ndarray, shape (n, k)
        Features of the objects of each training night, tens of nights of hundreds of objects.
    reference : mapping
    n_reference : int, optional
        As for `drift`.

    Returns
    -------
    dict
        The reference with ``usual_psi`` for each of the features: the largest PSI of these nights.
    """
    then = read_distribution(names, reference, n_reference)
    largest = np.zeros(len(names))
    for night in nights:
        values = _checked(night, names)
        count = np.isfinite(values).sum(axis=0)
        shares = shares_of(levels_of(values, count, then.deciles), count / max(len(values), 1))
        if len(values) >= MIN_OBJECTS:
            largest = np.maximum(largest, excess_psi(shares, len(values), then))
    told = {name: dict(entry) for name, entry in reference.items()}
    for name, psi in zip(names, largest.tolist(), strict=True):
        told[name]["usual_psi"] = round(psi, 4)
    return told


def _checked(values: Array, names: Sequence[str]) -> Array:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(names):
        raise FollowupError(f"features of shape {values.shape} do not fit {len(names)} names; give a column per name")
    return np.where(np.isfinite(values), values, np.nan)


def _medians(values: Array, count: NDArray[np.intp]) -> Array:
    medians = np.full(values.shape[1], np.nan)
    medians[count > 0] = np.nanmedian(values[:, count > 0], axis=0)
    return medians


def _text(name: str, psi: float, then: TrainingDistribution, j: int, measured: float, median: float) -> str:
    before = float(then.measured[j])
    usual = f", usual up to {then.usual_psi[j]:.2f}" if np.isfinite(then.usual_psi[j]) else ""
    p, q = max(measured, LEAST_SHARE), max(before, LEAST_SHARE)
    p_not, q_not = max(1.0 - measured, LEAST_SHARE), max(1.0 - before, LEAST_SHARE)
    by_share = (p - q) * float(np.log(p / q)) + (p_not - q_not) * float(np.log(p_not / q_not))
    if by_share > 0.5 * psi and abs(measured - before) >= 0.005:
        change = f"measured for {100 * measured:.0f} % now, {100 * before:.0f} % in training"
    elif measured > 0 and before > 0:
        change = f"median {median:.3g} now, {then.deciles[j, 5]:.3g} in training"
    else:
        change = "not measured, now or in training" if measured == 0 else "not measured in training"
    return f"{name}: {change} (PSI {psi:.2f}{usual})"


def _sentence(moved: list[str], then: TrainingDistribution) -> str:
    k = len(then.measured)
    if not moved:
        return f"the {k} features are distributed as in training"
    more = f"; and {len(moved) - 3} more" if len(moved) > 3 else ""
    # Without it, the reader has to judge.
    judge = "; how much nights differ is not known to the bundle" if np.isnan(then.usual_psi).all() else ""
    return f"{len(moved)} of {k} features are not as in training: {'; '.join(moved[:3])}{more}{judge}"
