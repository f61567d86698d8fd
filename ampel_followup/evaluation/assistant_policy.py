"""
What a policy makes of objects that were scored at several visits: which come before a person, which are lost.

The rule is that of the night, `ampel_followup.queues`, without sites and dates. What was discarded comes back if a
later visit brings it before a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from ampel_followup.assistant_scores import Queue
from ampel_followup.policy import Policy
from ampel_followup.queues import QUEUES, VisitTable, queues_by_visit

Array = NDArray[np.float64]

#: What can first happen to an object.
FATES = ("eyeball", "galactic", "unresolved", "discarded", "waiting")
_EYEBALL, _GALACTIC, _UNRESOLVED, _DISCARDED, _WAITING = range(len(FATES))

_FATE_OF = {
    Queue.URGENT: _EYEBALL,
    Queue.EXTRAGALACTIC: _EYEBALL,
    Queue.GALACTIC: _GALACTIC,
    Queue.PURGATORY: _UNRESOLVED,
    Queue.GARBAGE: _DISCARDED,
    Queue.WAIT: _WAITING,
}


@dataclass(frozen=True)
class Fates:
    """
    What became of each of m objects.

    Parameters
    ----------
    first : ndarray of int, shape (m,)
        Index into `FATES` of the first thing that happened: it was shown (as eyeball, galactic candidate, or unresolved
        at the age from which a person decides), discarded, or nothing yet.
    looked_at : ndarray of bool, shape (m,)
        A visit brought it before a person, at any time; or none decided, so that a person will.
    lost : ndarray of bool, shape (m,)
        Discarded before any person saw it.
    """

    first: NDArray[np.intp]
    looked_at: NDArray[np.bool_]
    lost: NDArray[np.bool_]


def assistant_ranks(p_real: Array, p_galactic: Array, galactic_weight: float = 0.5) -> Array:
    """
    Return `ampel_followup.assistant_scores.assistant_rank` of many visits, shape as given.

    Parameters
    ----------
    p_real, p_galactic : ndarray
        0 to 1. A `p_galactic` that is NaN counts as one half.
    galactic_weight : float
        s, 0 or more.
    """
    galactic = np.where(np.isnan(p_galactic), 0.5, p_galactic)
    distance = np.hypot(1.0 - p_real, galactic_weight * galactic)
    return np.asarray(10.0 * (1.0 - distance / np.hypot(1.0, galactic_weight)))


def replay_visits(objects: NDArray[np.intp], day: Array, p_real: Array, p_galactic: Array, policy: Policy) -> Fates:
    """
    Apply a policy to the visits of m objects, in order of time.

    Parameters
    ----------
    objects : ndarray of int, shape (n,)
        Object of each visit, 0 to m − 1; each has one visit at least.
    day : ndarray, shape (n,)
        Age at the visit [d].
    p_real, p_galactic : ndarray, shape (n,)
    policy : Policy
        `eyeball`, `galactic`, `discard` and `purgatory` are applied.
    """
    visits = _visit_table(objects, day, p_real, p_galactic, policy)
    fates = np.array([_FATE_OF[queue] for queue in QUEUES])[queues_by_visit(visits, visits.day, policy)]
    fates[np.arange(fates.shape[1]) >= visits.n_visits[:, np.newaxis]] = _WAITING
    first = fates[np.arange(len(fates)), np.argmax(fates != _WAITING, axis=1)]
    # What is to be seen comes back. What only waits for a person because of its age does not, once it was discarded.
    looked_at = (fates <= _GALACTIC).any(axis=1) | (first == _UNRESOLVED) | (first == _WAITING)
    return Fates(first, looked_at, first == _DISCARDED)


def _visit_table(objects: NDArray[np.intp], day: Array, p_real: Array, p_galactic: Array, policy: Policy) -> VisitTable:
    """Collect visits, shape (n,), by object and in order of time; no P(fast), which only says what is urgent."""
    order = np.lexsort((day, objects))
    objects, n_visits = objects[order], np.bincount(objects)
    number = np.arange(len(objects)) - np.repeat(np.cumsum(n_visits) - n_visits, n_visits)
    columns = np.full((4, len(n_visits), n_visits.max()), np.nan)
    columns[:, objects, number] = np.stack(
        [day, p_real, p_galactic, assistant_ranks(p_real, p_galactic, policy.galactic_weight)]
    )[:, order]
    unknown = np.full(columns.shape[1:], np.nan)
    return VisitTable(n_visits, unknown, columns[0], columns[1], columns[2], unknown, columns[3])


def workload(fates: Fates, types: NDArray[np.str_], weight: Array) -> dict[str, Any]:
    """
    Say how much work a policy spares, and what it costs.

    Parameters
    ----------
    fates : Fates
        Of m objects.
    types : ndarray of str, shape (m,)
    weight : ndarray, shape (m,)
        Share of the stream.

    Returns
    -------
    dict
        ``workload_reduction``: share of the stream that no person looks at. ``lost_fraction``: share of the good
        objects that were discarded before any person saw them; ``lost``, of ``n_good``: their number;
        ``lost_upper_bound``: the share that at most is lost, at 95 % confidence (Clopper & Pearson 1934; with none lost
        of n it is about 3/n). Without good objects these are None.
    """
    good = types == "good"
    n_good, lost = int(good.sum()), int(fates.lost[good].sum())
    return {
        "workload_reduction": float(1.0 - np.average(fates.looked_at, weights=weight)),
        "lost_fraction": lost / n_good if n_good else None,
        "lost": lost,
        "n_good": n_good,
        "lost_upper_bound": upper_bound(lost, n_good) if n_good else None,
    }


def upper_bound(k: int, n: int, confidence: float = 0.95) -> float:
    """Return the largest share with which k or fewer of n are not improbable (Clopper & Pearson 1934), 0 to 1."""
    return 1.0 if k >= n else float(beta.ppf(confidence, k + 1, n - k))


def trade_off(
    objects: NDArray[np.intp],
    day: Array,
    p_real: Array,
    p_galactic: Array,
    types: NDArray[np.str_],
    weight: Array,
    policy: Policy,
    scales: Sequence[float] = tuple(np.arange(0.0, 2.01, 0.1).round(2)),
) -> list[dict[str, Any]]:
    """
    Vary the thresholds below which objects are discarded: `workload` for each factor of them.

    Parameters are as for `replay_visits` (n visits) and `workload` (m objects).
    """
    return [
        {"scale": float(scale)}
        | workload(replay_visits(objects, day, p_real, p_galactic, _scaled(policy, scale)), types, weight)
        for scale in scales
    ]


def _scaled(policy: Policy, scale: float) -> Policy:
    """Return a policy whose thresholds below which objects are discarded are multiplied by a factor."""
    discard = policy.discard
    scaled = {name: scale * getattr(discard, name) for name in type(discard).model_fields}
    return policy.model_copy(update={"discard": discard.model_copy(update=scaled)})


def fates_by_type(fates: Fates, types: NDArray[np.str_], names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count objects by type and by what first happened to them; types (m,) that do not occur are left out."""
    return {
        name: dict(zip(FATES, np.bincount(fates.first[types == name], minlength=len(FATES)).tolist(), strict=True))
        for name in names
        if (types == name).any()
    }
