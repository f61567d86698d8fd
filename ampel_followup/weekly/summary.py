"""A week in numbers, from what the store has."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ampel_followup.audit import Audit, audit
from ampel_followup.decision import STATES, Decision, Verdict, effective_verdicts
from ampel_followup.errors import FollowupError
from ampel_followup.labels import effective_labels
from ampel_followup.records import Record

if TYPE_CHECKING:
    from ampel_followup.store import Appearance, PlanInfo, Store

#: Bins of the assistant's rank: from 0 to 10 in steps of 1.
RANK_BINS = 10

#: The queue and stage of objects in plans without an assistant.
NONE = "none"


@dataclass(frozen=True, slots=True)
class NightLine(Record):
    """
    The newest plan of a night at a site.

    Parameters
    ----------
    night, site, site_name : str
        Evening date, key and name of the site.
    revision : int
    strategy, bundle, assistant, policy : str
        What it was made with; the last two are empty without an assistant.
    n_targets, n_not_observable, n_set_aside : int
        Listed, worth a look and not to be seen, set aside.
    n_decided : int
        Targets with a verdict that holds.
    drifted : tuple of str or None
        Features that were not as in training; None where the run compared nothing.
    """

    night: str
    site: str
    site_name: str
    revision: int
    strategy: str
    bundle: str
    assistant: str
    policy: str
    n_targets: int
    n_not_observable: int
    n_set_aside: int
    n_decided: int
    drifted: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class WeekReport(Record):
    """
    Seven nights.

    Parameters
    ----------
    first_night, last_night : str
        Evening dates, both included; ISO 8601. Labels count by their UTC date.
    nights : tuple of NightLine
        By night and site; empty if there was no plan.
    n_objects : int
        Objects in these plans.
    n_worth_a_look : int
        Of these, objects that were not set aside in at least one of them.
    n_listed : int
        Of these, objects that were in a list: somebody had to look at them.
    queues : dict of str to dict of str to int
        Objects per queue and stage, as of their last plan of the week.
    ranks : tuple of int
        Objects per rank of the assistant, from 0 to 10 in steps of 1, as of their last plan.
    verdicts : dict of str to int
        Verdicts that hold, by kind; comments and what was taken back are counted by themselves.
    observers : dict of str to int
        How many decisions each person made.
    labels : dict of str to int
        Objects of any plan that were labelled in the week, by class.
    n_labels : int
        Labels of the week, of whatever object and source.
    audit : Audit
        What had become of those objects.
    """

    first_night: str
    last_night: str
    nights: tuple[NightLine, ...]
    n_objects: int
    n_worth_a_look: int
    n_listed: int
    queues: dict[str, dict[str, int]]
    ranks: tuple[int, ...]
    verdicts: dict[str, int]
    observers: dict[str, int]
    labels: dict[str, int]
    n_labels: int
    audit: Audit

    @property
    def empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.nights or self.verdicts or self.n_labels)

    @property
    def title(self) -> str:
        """The week in words."""
        first = date.fromisoformat(self.first_night)
        if first.isoweekday() != 1:
            return f"Seven nights from {self.first_night} to {self.last_night}"
        year, week, _ = first.isocalendar()
        return f"Week {year}-W{week:02d}: nights of {self.first_night} to {self.last_night}"


def week_of(text: str) -> tuple[str, str]:
    """
    Return the first and last night of a week.

    Parameters
    ----------
    text : str
        ISO 8601 week, as ``2026-W47``.

    Raises
    ------
    FollowupError
        If it is none.
    """
    year, _, week = text.upper().partition("-W")
    try:
        if not (year.isdecimal() and week.isdecimal()):
            raise ValueError
        first = date.fromisocalendar(int(year), int(week), 1)
        return first.isoformat(), (first + timedelta(days=6)).isoformat()
    except (ValueError, OverflowError) as error:
        raise FollowupError(f"{text!r} is no week; write it as 2026-W47") from error


def week_ending(text: str) -> tuple[str, str]:
    """
    Return the first and last of the seven nights that end with one.

    Parameters
    ----------
    text : str
        Evening date, as ``2026-11-20``.

    Raises
    ------
    FollowupError
        If it is none.
    """
    try:
        last = date.fromisoformat(text)
        return (last - timedelta(days=6)).isoformat(), last.isoformat()
    except (ValueError, OverflowError) as error:
        raise FollowupError(f"{text!r} is no date; write it as 2026-11-20") from error


def summarise_week(store: Store, first_night: str, last_night: str) -> WeekReport:
    """
    Count what happened in seven nights.

    Parameters
    ----------
    store : Store
    first_night, last_night : str
        Evening dates, ISO 8601, both included.

    Returns
    -------
    WeekReport

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    newest: dict[tuple[str, str], PlanInfo] = {}
    for info in reversed(store.plans()):
        if first_night <= info.night <= last_night:
            newest[info.night, info.site] = info
    decisions = [d for d in store.decisions() if first_night <= d.night <= last_night]
    held = _verdicts_that_hold(decisions)
    nights = tuple(_night_line(store, info, held) for _, info in sorted(newest.items()))

    revisions = {line.revision for line in nights}
    appearances = [
        appearance
        for appearance in store.appearances(first_night=first_night, last_night=last_night)
        if appearance.revision in revisions
    ]
    last = {found.id: found for found in sorted(appearances, key=lambda found: (found.night, found.revision))}

    day_after = (date.fromisoformat(last_night) + timedelta(days=1)).isoformat()
    labels = [label for label in store.labels() if first_night <= label.time < day_after]
    known = {appearance.id for appearance in store.appearances(labelled=True)}
    named = Counter(
        found[0].class_name for target, found in sorted(effective_labels(labels).items()) if target in known
    )
    return WeekReport(
        first_night=first_night,
        last_night=last_night,
        nights=nights,
        n_objects=len(last),
        n_worth_a_look=len({found.id for found in appearances if not found.set_aside}),
        n_listed=len({found.id for found in appearances if found.observable and not found.set_aside}),
        queues=_queues(last.values()),
        ranks=_rank_counts(last.values()),
        verdicts=_verdict_counts(decisions, held),
        observers=dict(Counter(decision.observer for decision in decisions).most_common()),
        labels=dict(named.most_common()),
        n_labels=len(labels),
        audit=audit(store, since=first_night, until=day_after),
    )


def _verdicts_that_hold(decisions: list[Decision]) -> list[Decision]:
    """Return what holds of each target, night by night and site by site."""
    by_plan: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        by_plan.setdefault((decision.night, decision.site), []).append(decision)
    return [held for found in by_plan.values() for held in effective_verdicts(found).values()]


def _verdict_counts(decisions: list[Decision], held: list[Decision]) -> dict[str, int]:
    counts = Counter(decision.verdict for decision in held)
    counts.update(d.verdict for d in decisions if d.verdict not in STATES)
    return {str(verdict): counts[verdict] for verdict in Verdict if counts[verdict]}


def _night_line(store: Store, info: PlanInfo, held: Iterable[Decision]) -> NightLine:
    # Without its targets, whose details are most of a plan.
    stored = store.load_plan(info.revision, limit=0)
    return NightLine(
        night=info.night,
        site=info.site,
        site_name=info.site_name,
        revision=info.revision,
        strategy=info.strategy,
        bundle=info.bundle,
        assistant=stored.plan.assistant,
        policy=stored.plan.policy,
        n_targets=info.n_targets,
        n_not_observable=info.n_not_observable,
        n_set_aside=info.n_set_aside,
        n_decided=sum((decision.night, decision.site) == (info.night, info.site) for decision in held),
        drifted=_drifted(stored.report),
    )


def _drifted(report: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the features of models and assistant that moved; None where the run compared none."""
    found: list[str] | None = None
    for name in ("drift", "drift_assistant"):
        drift = report.get(name)
        moved = drift.get("moved") if isinstance(drift, Mapping) else None
        if isinstance(moved, list | tuple):
            found = [*(found or ()), *map(str, moved)]
    return None if found is None else tuple(dict.fromkeys(found))


def _queues(last: Iterable[Appearance]) -> dict[str, dict[str, int]]:
    queues: dict[str, dict[str, int]] = {}
    for appearance in last:
        stages = queues.setdefault(appearance.queue or NONE, {})
        stages[appearance.stage or NONE] = stages.get(appearance.stage or NONE, 0) + 1
    return queues


def _rank_counts(last: Iterable[Appearance]) -> tuple[int, ...]:
    counts = [0] * RANK_BINS
    for appearance in last:
        if not math.isnan(appearance.assistant_rank):
            counts[min(max(int(appearance.assistant_rank), 0), RANK_BINS - 1)] += 1
    return tuple(counts)
