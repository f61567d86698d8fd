"""
What a change of policy would do: stored plans, placed once under each of two policies.

Both placements are worked out from the scores that the plans hold, with the decisions and labels that there were on
each evening, so that what differs is the policy's doing. What people would have decided on another list is not known:
a replay is about one night at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ampel_followup.assistant_scores import Placement, Queue
from ampel_followup.decision import Decision
from ampel_followup.errors import PolicyError
from ampel_followup.labels import Kind, Label, effective_labels
from ampel_followup.observing.closing import last_useful_dates
from ampel_followup.observing.night import night_at
from ampel_followup.observing.sites import get_site
from ampel_followup.placing import Evening, named_by_others, place
from ampel_followup.plan import NightPlan
from ampel_followup.policy import Policy
from ampel_followup.records import Record


@dataclass(frozen=True, slots=True)
class Replayed(Record):
    """
    An object on an evening, under both policies.

    Parameters
    ----------
    id : str
        Survey name.
    night, site : str
        Evening date, ISO 8601, and key of the site.
    before, after : Placement
        Under the one policy and under the other.
    good : bool
        Others named it an extragalactic transient, at whatever time.
    """

    id: str
    night: str
    site: str
    before: Placement
    after: Placement
    good: bool


@dataclass(frozen=True, slots=True)
class Replay(Record):
    """
    What changes from one policy to another.

    Parameters
    ----------
    before, after : str
        Labels of the policies.
    rows : tuple of Replayed
        Every object of every evening, in the order of the plans.
    """

    before: str
    after: str
    rows: tuple[Replayed, ...]

    @property
    def queues(self) -> dict[str, tuple[int, int]]:
        """Rows per queue, before and after."""
        return {
            queue.value: (
                sum(row.before.queue == queue for row in self.rows),
                sum(row.after.queue == queue for row in self.rows),
            )
            for queue in Queue
        }

    @property
    def listed(self) -> tuple[int, int]:
        """Rows that are listed, before and after."""
        return sum(row.before.listed for row in self.rows), sum(row.after.listed for row in self.rows)

    @property
    def moved(self) -> tuple[Replayed, ...]:
        """Rows whose queue differs."""
        return tuple(row for row in self.rows if row.before.queue != row.after.queue)

    @property
    def newly_shown(self) -> tuple[Replayed, ...]:
        """Rows that only the later policy lists."""
        return tuple(row for row in self.rows if row.after.listed and not row.before.listed)

    @property
    def no_longer_shown(self) -> tuple[Replayed, ...]:
        """Rows that only the earlier policy lists."""
        return tuple(row for row in self.rows if row.before.listed and not row.after.listed)

    @property
    def lost(self) -> tuple[str, ...]:
        """Good objects that the earlier policy lists on one evening at least, and the later one on none."""
        return tuple(sorted(self._good("before") - self._good("after")))

    @property
    def gained(self) -> tuple[str, ...]:
        """Good objects that the later policy lists on one evening at least, and the earlier one on none."""
        return tuple(sorted(self._good("after") - self._good("before")))

    @property
    def good(self) -> tuple[int, int, int]:
        """Good objects: all of them, those listed on one evening at least before, and after."""
        return len({row.id for row in self.rows if row.good}), len(self._good("before")), len(self._good("after"))

    def _good(self, when: str) -> set[str]:
        return {row.id for row in self.rows if row.good and getattr(row, when).listed}


def replay(
    plans: Iterable[NightPlan],
    before: Policy,
    after: Policy,
    *,
    decisions: Sequence[Decision] = (),
    labels: Sequence[Label] = (),
) -> Replay:
    """
    Place what was in plans under two policies.

    Parameters
    ----------
    plans : iterable of NightPlan
        One per night and site; targets of all their lists are placed.
    before, after : Policy
        The policy in use, and the one to try.
    decisions : sequence of Decision
        Of all nights and sites, oldest first; each evening knows those of earlier nights.
    labels : sequence of Label
        What objects turned out to be: tells the good ones, and who had a spectrum by each evening.

    Returns
    -------
    Replay

    Raises
    ------
    PolicyError
        If no plan has an assistant's scores.
    SiteError, NightError
        If the site of a plan is not in the table any more, or its night is none.
    """
    good = named_good(labels)
    rows: list[Replayed] = []
    seen: list[str] = []
    for plan in plans:
        seen.append(f"{plan.night.date} at {plan.night.site}")
        if plan.assistant:
            rows += _replay_night(plan, (before, after), decisions, labels, good)
    if not rows:
        nights = ", ".join(seen[:3]) + (" …" if len(seen) > 3 else "")
        raise PolicyError(
            f"no assistant scored the objects of {nights or 'any plan'}; rank with an assistant, then replay"
        )
    return Replay(before.label, after.label, tuple(rows))


def named_good(labels: Iterable[Label]) -> set[str]:
    """Return the objects whose most trustworthy label is an extragalactic transient."""
    return {target for target, held in effective_labels(labels).items() if held[0].kind == Kind.EXTRAGALACTIC}


def _replay_night(
    plan: NightPlan,
    policies: tuple[Policy, Policy],
    decisions: Sequence[Decision],
    labels: Sequence[Label],
    good: Collection[str],
) -> list[Replayed]:
    """Place the targets of a plan under both policies."""
    targets = (*plan.targets, *plan.not_observable, *plan.set_aside)
    evening = Evening.of(plan.night)
    # Worked out anew: a stored placement knows the date only if the policy of that time asked for it.
    last_useful = last_useful_dates(
        np.array([t.ra for t in targets]),
        np.array([t.dec for t in targets]),
        night_at(get_site(plan.night.site), plan.night.date),
    )
    followed_up = named_by_others(labels, evening)
    before, after = (
        place(targets, policy, evening, decisions=decisions, followed_up=followed_up, last_useful=last_useful)
        for policy in policies
    )
    return [
        Replayed(t.id, plan.night.date, plan.night.site, b, a, t.id in good)
        for t, b, a in zip(targets, before, after, strict=True)
    ]
