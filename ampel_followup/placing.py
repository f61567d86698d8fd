"""
Where the policy puts every object tonight: its queue by the assistant's scores, and whether it is listed.

The queue is the machine's word, and is worked out anew from the whole history each time: nothing is deleted, only
tagged, and what was discarded comes back with the first visit whose rank is worth a look. Whether an object is listed
is also a matter of what people decided, on earlier nights at this site, and of its age. What they decide tonight
stands beside the target and moves nothing before the next night, so that tonight's plan stays the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ampel_followup.assistant_scores import AssistantScores, Placement, Queue, Stage
from ampel_followup.decision import Decision, Verdict, effective_verdicts
from ampel_followup.labels import HUMAN, utc_time
from ampel_followup.observing.night import mjd_of
from ampel_followup.policy import Policy
from ampel_followup.queues import QUEUES, STAGES, VisitTable, galactic_distance, queues_by_visit, stages

if TYPE_CHECKING:
    from ampel_followup.labels import Label
    from ampel_followup.plan import NightSummary, RankedTarget, ScoredObject


@dataclass(frozen=True, slots=True)
class Evening:
    """
    When and where objects are placed.

    Parameters
    ----------
    date : datetime.date
        Evening date at the site.
    mjd : float
        When ages are counted: the beginning of the dark time [MJD, UTC].
    site : str
        Key of the site.
    """

    date: dt.date
    mjd: float
    site: str

    @classmethod
    def of(cls, night: NightSummary) -> Evening:
        """Return the evening of a night, as a plan has it."""
        return cls(dt.date.fromisoformat(night.date), mjd_of(night.dusk), night.site)


def place(
    objects: Sequence[ScoredObject | RankedTarget],
    policy: Policy,
    evening: Evening,
    *,
    decisions: Sequence[Decision] = (),
    followed_up: Collection[str] = (),
    last_useful: Sequence[str | None] | None = None,
) -> list[Placement]:
    """
    Say of every object in which stage and queue it is tonight, whether it is listed, and why.

    Parameters
    ----------
    objects : sequence of ScoredObject or RankedTarget
        n objects. One without the assistant's scores is listed as extragalactic: what is not known is not weeded out.
    policy : Policy
    evening : Evening
    decisions : sequence of Decision
        Of all nights and sites, oldest first; those of tonight and later are left aside.
    followed_up : collection of str
        Objects that have a spectrum, beside those that a decision calls observed; see `named_by_others`.
    last_useful : sequence of str or None, length n, optional
        Last evening of each object's observing window, ISO 8601; see `observing.closing.last_useful_dates`.

    Returns
    -------
    list of Placement, length n
        In the order given.
    """
    visits = VisitTable.of([o.assistant for o in objects], policy)
    first = visits.last(visits.mjd) - visits.last(visits.day)
    age = evening.mjd - np.where(np.isfinite(first), first, [o.photometry.first_mjd for o in objects])
    codes = queues_by_visit(visits, age[:, np.newaxis], policy)
    stage = stages(age, policy)
    facts = _Facts.of(visits, codes, age, policy)
    observed, verdicts = standing_decisions(decisions, evening)
    observed |= set(followed_up)
    placements = []
    for i, o in enumerate(objects):
        text = last_useful[i] if last_useful is not None else None
        tonight = _Tonight(
            evening,
            o.id in observed,
            verdicts.get(o.id),
            dt.date.fromisoformat(text) if text is not None else None,
            o.microlensing.alarm(evening.mjd) if o.microlensing is not None else "",
        )
        placements.append(_placement(i, o.assistant, STAGES[stage[i]], facts, tonight, policy))
    return placements


def standing_decisions(decisions: Iterable[Decision], evening: Evening) -> tuple[set[str], dict[str, Decision]]:
    """
    Return what people decided before tonight.

    Parameters
    ----------
    decisions : iterable of Decision
        Of any nights and sites, oldest first.
    evening : Evening

    Returns
    -------
    observed : set of str
        Objects of which a spectrum was taken, at any site.
    verdicts : dict of str to Decision
        The latest decision on each object at this site that was not taken back.
    """
    by_plan: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        if decision.night < evening.date.isoformat():
            by_plan.setdefault((decision.night, decision.site), []).append(decision)
    observed: set[str] = set()
    verdicts: dict[str, Decision] = {}
    for night, site in sorted(by_plan):
        standing = effective_verdicts(by_plan[night, site])
        observed |= {target for target, decision in standing.items() if decision.verdict == Verdict.OBSERVED}
        if site == evening.site:
            verdicts.update(standing)
    return observed, verdicts


def named_by_others(labels: Iterable[Label], evening: Evening) -> set[str]:
    """
    Return the objects that had a label before tonight from anything but people's guesses, which are no spectra.

    Parameters
    ----------
    labels : iterable of Label
    evening : Evening
    """
    return {label.target for label in labels if label.source != HUMAN and mjd_of(utc_time(label.time)) < evening.mjd}


@dataclass(frozen=True, slots=True)
class _Tonight:
    """What tells an object from others with the same scores: a spectrum, the last verdict, the last evening, alarms."""

    evening: Evening
    followed_up: bool
    verdict: Decision | None
    last_useful: dt.date | None
    alarm: str


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is said of n objects in words, as arrays of shape (n,); NaN for objects without a rank."""

    visits: VisitTable
    age: NDArray[np.float64]
    last_mjd: NDArray[np.float64]
    rank: NDArray[np.float64]
    p_fast: NDArray[np.float64]
    galactic: NDArray[np.float64]
    mean_rank: NDArray[np.float64]
    max_rank: NDArray[np.float64]
    queue: NDArray[np.int64]
    discarded: NDArray[np.int64]
    """Number of the last visit but the latest at which the object was discarded; 0 if there is none."""

    @classmethod
    def of(cls, visits: VisitTable, codes: NDArray[np.int8], age: NDArray[np.float64], policy: Policy) -> _Facts:
        number = np.arange(1, codes.shape[1] + 1)
        garbage = (codes == QUEUES.index(Queue.GARBAGE)) & (number < visits.n_visits[:, np.newaxis])
        queue = visits.last(codes.astype(np.float64))
        return cls(
            visits=visits,
            age=age,
            last_mjd=visits.last(visits.mjd),
            rank=visits.last(visits.rank),
            p_fast=visits.last(visits.p_fast),
            galactic=galactic_distance(visits.last(visits.p_real), visits.last(visits.p_galactic), policy),
            mean_rank=visits.last(visits.mean_rank),
            max_rank=visits.last(visits.max_rank),
            queue=np.where(visits.n_visits > 0, queue, QUEUES.index(Queue.EXTRAGALACTIC)).astype(np.int64),
            discarded=np.max(garbage * number, axis=1, initial=0),
        )


def _placement(
    i: int, assistant: AssistantScores | None, stage: Stage, facts: _Facts, tonight: _Tonight, policy: Policy
) -> Placement:
    """Place object `i`."""
    queue = QUEUES[facts.queue[i]]
    if assistant is None or not facts.visits.n_visits[i]:
        because = "no assistant" if assistant is None else "no rank: the assistant could not tell whether it is real"
    else:
        because = _why(i, queue, assistant.named, facts, policy)
    if tonight.alarm:  # a planet is gone within days: it waits for nobody
        queue, because = Queue.URGENT, tonight.alarm
    notes = []
    anomaly = assistant.anomaly if assistant is not None else ""
    if anomaly:
        notes.append(f"anomaly: {anomaly}")
    if queue != Queue.GARBAGE and facts.discarded[i]:
        notes.append(f"had been discarded at visit {facts.discarded[i]}")
    closing = None
    watched = tonight.followed_up or queue == Queue.GARBAGE
    if tonight.last_useful is not None and not watched:
        remain = (tonight.last_useful - tonight.evening.date).days + 1
        if 0 < remain < policy.closing.nights:
            closing = tonight.last_useful.isoformat()
            notes.append(f"window closing at {tonight.evening.site}: {_nights_left(remain)}, last on {closing}")
    verdict = tonight.verdict

    def result(listed: bool, why: str = "", queue: Queue = queue, snoozed_until: str | None = None) -> Placement:
        reason = f"{why}; {because}" if why else because
        return Placement(stage, queue, reason, listed, tuple(notes), closing, snoozed_until)

    if tonight.followed_up and not (anomaly or tonight.alarm):
        return result(False, "followed up, nothing unexpected since", Queue.WAIT)
    if verdict is not None and verdict.verdict == Verdict.DEFER and not tonight.alarm:
        back = _back_on(verdict, policy)
        if tonight.evening.date < back:
            rank_then = _rank_at(i, _deferred_at(verdict, tonight.evening), facts.visits)
            # Who names a day is taken at their word; what the policy puts off comes back early if it is worth it.
            if verdict.until is not None or not facts.rank[i] >= rank_then + policy.snooze.wake_rise:
                why = f"deferred by {verdict.observer} on {verdict.night}, back on {back}"
                return result(False, why, snoozed_until=back.isoformat())
            notes.append(f"back before {back}: its rank rose from {rank_then:.1f} to {facts.rank[i]:.1f}")
    if tonight.followed_up:
        return result(True, "followed up, and not as expected since")
    if verdict is not None and verdict.verdict == Verdict.REJECT:
        return result(False, f"rejected by {verdict.observer} on {verdict.night}")
    silent = tonight.evening.mjd - facts.last_mjd[i]
    if silent > policy.ages.without_points:
        number = _distinct(silent, policy.ages.without_points, 0)
        return result(False, f"no new points for {number} d, longer than {policy.ages.without_points:g}")
    if verdict is not None and verdict.verdict in (Verdict.APPROVE, Verdict.FAILED):
        done = "approved" if verdict.verdict == Verdict.APPROVE else "tried"
        return result(True, f"{done} by {verdict.observer} on {verdict.night}, not observed since")
    if closing is not None and stage == Stage.LONG_TERM:
        return result(True)
    return result(facts.visits.n_visits[i] == 0 or queue in policy.listed)


def _back_on(deferred: Decision, policy: Policy) -> dt.date:
    """Return the first evening on which a deferred target comes back."""
    if deferred.until is not None:
        return dt.date.fromisoformat(deferred.until)
    return dt.date.fromisoformat(deferred.night) + dt.timedelta(days=policy.snooze.days)


def _why(i: int, queue: Queue, named: str, facts: _Facts, policy: Policy) -> str:
    """Return why object `i` is in a queue, with the numbers."""
    above = policy.eyeball.above
    rank = f"rank {_distinct(facts.rank[i], above, 1)}"
    if queue in (Queue.URGENT, Queue.EXTRAGALACTIC):
        text = f"{rank}, above {above:g}"
        if named:
            text = f"named by {named}: {text}"
        if queue == Queue.URGENT:
            fast = policy.urgent.p_fast_above
            text += f", and P(fast) {_distinct(facts.p_fast[i], fast, 2)}, above {fast:g}"
        return text
    if queue == Queue.GALACTIC:
        within = policy.galactic.within
        return f"galactic candidate: {_distinct(facts.galactic[i], within, 2)} from a certain one, within {within:g}"
    if queue == Queue.GARBAGE:
        discard, n = policy.discard, int(facts.visits.n_visits[i])
        if n == 1:
            rank = f"rank {_distinct(facts.rank[i], discard.entry_below, 1)}"
            return f"discarded on entry: {rank}, below {discard.entry_below:g}"
        if n == 2:
            highest = _distinct(facts.max_rank[i], discard.second_max_below, 1)
            return f"discarded on the second visit: highest rank {highest}, below {discard.second_max_below:g}"
        mean = _distinct(facts.mean_rank[i], discard.later_mean_below, 1)
        return f"discarded: mean rank {mean} over {n} visits, below {discard.later_mean_below:g}"
    if queue == Queue.PURGATORY:
        return f"unresolved after {facts.age[i]:.0f} d: {rank}, neither above {above:g} nor discarded"
    return f"{rank}, neither above {above:g} nor discarded; to a person from {policy.purgatory.from_age:g} d on"


def _deferred_at(verdict: Decision, evening: Evening) -> float:
    """
    Return until when visits were known to who deferred [MJD].

    That is when it was written down; but of an old night that is gone through again only what came before the
    evening after it, or the rank could never rise.
    """
    nights_ago = (evening.date - dt.date.fromisoformat(verdict.night)).days
    return min(mjd_of(verdict.time), evening.mjd - nights_ago + 1.0)


def _rank_at(i: int, mjd: float, visits: VisitTable) -> float:
    """Return the rank of object `i` at its last visit up to a time, or at its first one; NaN without a visit."""
    n = int(visits.n_visits[i])
    if n == 0:
        return np.nan
    until = int(np.count_nonzero(visits.mjd[i, :n] <= mjd))
    return float(visits.rank[i, max(until - 1, 0)])


def _nights_left(remain: int) -> str:
    return "only tonight remains" if remain == 1 else f"{remain} nights remain"


def _distinct(value: float, limit: float, digits: int) -> str:
    """Round to `digits`, or as many more as it takes not to look like the limit that it passed."""
    for more in range(6):
        text = f"{value:.{digits + more}f}"
        if float(text) != limit:
            break
    return text
