"""
What of tonight's stream is not as in training: a survey that changes should be noticed the first night.

Of each feature a model bundle keeps the share of training objects that have it and the deciles of their values. The
objects of a night fall into the ten intervals between them, or have no value: eleven bins with known shares q. With p,
the shares of the night,

    PSI = Σ (p − q) ln(p / q)                                   (population stability index)
    D = max over the deciles of |share at or below − level|     (Kolmogorov and Smirnov's distance, where F is known)

The PSI of n objects from the distribution that the m training objects came from is on average (bins − 1)(1/n + 1/m)
(Yurdakul 2018, "Statistical Properties of Population Stability Index"); that is taken off. By habit 0.1 is moderate and
0.25 large (Siddiqi 2006, "Credit Risk Scorecards"). A feature has moved if chance explains it badly, p-values being
corrected for the number of features (Holm 1979), *and* it is large: larger than nights differ anyway, where that is
known (`add_usual_psi`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, kolmogorov

from ampel_followup.errors import BundleError, FollowupError
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

_LEVELS = np.linspace(0.0, 1.0, 11)
_BINS = 11

# Deciles are kept with five digits: a value and its decile may differ by this much, relatively, and be the same.
_ROUNDING = 5e-5

# Shares measured are kept with four decimals.
_LEAST_SHARE = 5e-5


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


@dataclass(frozen=True, slots=True)
class _Reference:
    """The training set: share measured (k,), deciles (k, 11), NaN where never measured, usual PSI (k,), objects m."""

    measured: Array
    deciles: Array
    usual_psi: Array
    n_objects: float


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
    then = _read(names, reference, n_reference)
    values = _checked(values, names)
    n = len(values)
    if n < MIN_OBJECTS:
        return DriftReport(n, (), f"{n} objects are too few to compare with training ({MIN_OBJECTS} are needed)", ())
    count = np.isfinite(values).sum(axis=0)
    levels = _levels(values, count, then.deciles)
    shares = _shares(levels, count / n)
    psi = _excess_psi(shares, n, then)
    ks = np.where(count > 0, np.abs(levels - _LEVELS).max(axis=1), 0.0)
    p_value = _holm(_p_values(ks, count, n, then))
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
    then = _read(names, reference, n_reference)
    largest = np.zeros(len(names))
    for night in nights:
        values = _checked(night, names)
        count = np.isfinite(values).sum(axis=0)
        shares = _shares(_levels(values, count, then.deciles), count / max(len(values), 1))
        if len(values) >= MIN_OBJECTS:
            largest = np.maximum(largest, _excess_psi(shares, len(values), then))
    told = {name: dict(entry) for name, entry in reference.items()}
    for name, psi in zip(names, largest.tolist(), strict=True):
        told[name]["usual_psi"] = round(psi, 4)
    return told


def _checked(values: Array, names: Sequence[str]) -> Array:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(names):
        raise FollowupError(f"features of shape {values.shape} do not fit {len(names)} names; give a column per name")
    return np.where(np.isfinite(values), values, np.nan)


def _read(names: Sequence[str], reference: Mapping[str, Mapping[str, Any]], n_reference: int | None) -> _Reference:
    unknown = [name for name in names if name not in reference]
    if unknown:
        raise BundleError(f"the bundle keeps no distribution of {', '.join(unknown[:3])}; train it again")
    deciles = np.full((len(names), len(_LEVELS)), np.nan)
    for j, name in enumerate(names):
        given = np.asarray(reference[name]["deciles"], dtype=np.float64)
        if len(given) not in (0, len(_LEVELS)) or (np.diff(given) < 0).any():
            raise BundleError(f"the bundle's deciles of {name} are not {len(_LEVELS)} rising numbers; train it again")
        if len(given):
            deciles[j] = given
    return _Reference(
        np.array([reference[name]["measured"] for name in names], dtype=np.float64),
        deciles,
        np.array([reference[name].get("usual_psi", np.nan) for name in names], dtype=np.float64),
        np.inf if n_reference is None else float(n_reference),
    )


def _levels(values: Array, count: NDArray[np.intp], deciles: Array) -> Array:
    """
    Share of measured values (n, k) at or below each decile (k, 11), shape (k, 11).

    Counts and flags take few values, and many objects share that of a decile: the distribution function jumps there,
    over a range that the training level is somewhere in. The level taken is the one in the range of the night's jump
    that is nearest to training, so that ties raise no alarm, and what leaves them does.
    """
    ordered = np.sort(values, axis=0)  # NaN last
    below, upto = np.zeros(deciles.shape), np.ones(deciles.shape)
    rounding = _ROUNDING * np.abs(deciles)
    for j in np.flatnonzero((count > 0) & np.isfinite(deciles[:, 0])):
        column = ordered[: count[j], j]
        below[j] = np.searchsorted(column, deciles[j] - rounding[j], "left") / count[j]
        upto[j] = np.searchsorted(column, deciles[j] + rounding[j], "right") / count[j]
    levels: Array = np.clip(_LEVELS, below, upto)
    return levels


def _shares(levels: Array, measured: Array) -> Array:
    """Shares of all objects between the deciles, and of those not measured, shape (k, 11)."""
    # What is outside the range of training belongs to the outer bins.
    inner = np.diff(levels[:, 1:-1], prepend=0.0, append=1.0, axis=1)
    return np.column_stack([inner * measured[:, None], 1.0 - measured])


def _expected(then: _Reference) -> Array:
    shares = np.column_stack([np.repeat(0.1 * then.measured[:, None], _BINS - 1, axis=1), 1.0 - then.measured])
    shares = np.maximum(shares, _LEAST_SHARE)
    expected: Array = shares / shares.sum(axis=1, keepdims=True)
    return expected


def _excess_psi(shares: Array, n: int, then: _Reference) -> Array:
    """PSI of shares (k, 11) among n objects, less its mean for unchanged data, shape (k,)."""
    # Half an object in each bin: an empty one is no proof of a share of zero.
    now, before = (shares * n + 0.5) / (n + 0.5 * _BINS), _expected(then)
    psi = ((now - before) * np.log(now / before)).sum(axis=1)
    excess: Array = np.maximum(psi - (_BINS - 1) * (1.0 / n + 1.0 / then.n_objects), 0.0)
    return excess


def _p_values(ks: Array, count: NDArray[np.intp], n: int, then: _Reference) -> Array:
    """Probability by chance of the values (Kolmogorov) and of the share measured (binomial): the lesser, times two."""
    m = np.maximum(then.n_objects * np.maximum(then.measured, _LEAST_SHARE), 1.0)
    of_values = kolmogorov(np.sqrt(count / (1.0 + count / m)) * ks)
    share = np.clip(then.measured, _LEAST_SHARE, 1.0 - _LEAST_SHARE)
    of_share = 2.0 * np.minimum(bdtr(count.astype(np.float64), n, share), bdtrc(count - 1.0, n, share))
    p: Array = np.minimum(2.0 * np.minimum(of_values, of_share), 1.0)
    return p


def _holm(p: Array) -> Array:
    """Correct p-values (k,) for their number (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(np.minimum(p[order] * np.arange(len(p), 0, -1), 1.0))
    return corrected


def _medians(values: Array, count: NDArray[np.intp]) -> Array:
    medians = np.full(values.shape[1], np.nan)
    medians[count > 0] = np.nanmedian(values[:, count > 0], axis=0)
    return medians


def _text(name: str, psi: float, then: _Reference, j: int, measured: float, median: float) -> str:
    before = float(then.measured[j])
    usual = f", usual up to {then.usual_psi[j]:.2f}" if np.isfinite(then.usual_psi[j]) else ""
    p, q = max(measured, _LEAST_SHARE), max(before, _LEAST_SHARE)
    p_not, q_not = max(1.0 - measured, _LEAST_SHARE), max(1.0 - before, _LEAST_SHARE)
    by_share = (p - q) * float(np.log(p / q)) + (p_not - q_not) * float(np.log(p_not / q_not))
    if by_share > 0.5 * psi and abs(measured - before) >= 0.005:
        change = f"measured for {100 * measured:.0f} % now, {100 * before:.0f} % in training"
    elif measured > 0 and before > 0:
        change = f"median {median:.3g} now, {then.deciles[j, 5]:.3g} in training"
    else:
        change = "not measured, now or in training" if measured == 0 else "not measured in training"
    return f"{name}: {change} (PSI {psi:.2f}{usual})"


def _sentence(moved: list[str], then: _Reference) -> str:
    k = len(then.measured)
    if not moved:
        return f"the {k} features are distributed as in training"
    more = f"; and {len(moved) - 3} more" if len(moved) > 3 else ""
    # Without it, the reader has to judge.
    judge = "; how much nights differ is not known to the bundle" if np.isnan(then.usual_psi).all() else ""
    return f"{len(moved)} of {k} features are not as in training: {'; '.join(moved[:3])}{more}{judge}"
