"""The lists of a plan, and the groups within each: what the tabs over the list offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ampel_followup.assistant_scores import Queue, Stage
from ampel_followup.plan import NightPlan, RankedTarget

TONIGHT, HIDDEN, ASIDE = "tonight", "hidden", "aside"

#: Captions of the lists, from the longest to the shortest.
LISTS = {
    TONIGHT: ("tonight", "tonight", "tonight"),
    HIDDEN: ("not tonight", "not tonight", "unseen"),
    ASIDE: ("set aside", "set aside", "aside"),
}


#: Without a policy a target is new up to the first of these ages, and updating up to the second [d].
FIRST_UNTIL, UPDATING_UNTIL = 2.0, 21.0


@dataclass(frozen=True, slots=True)
class Group:
    """
    Some targets of a list.

    Parameters
    ----------
    key : str
        Its identity, within the list.
    captions : tuple of str
        Its name, from the longest form to the shortest.
    has : callable
        Tells whether a target belongs to it on an evening [MJD]. Groups of a list may share targets.
    always : bool
        Offer it in plans with a policy even if it is empty.
    """

    key: str
    captions: tuple[str, ...]
    has: Callable[[RankedTarget, float], bool]
    always: bool = False


def is_closing(target: RankedTarget) -> bool:
    """Tell whether the site will soon have seen the last of a target."""
    return target.placement is not None and target.placement.last_useful is not None


def is_snoozed(target: RankedTarget) -> bool:
    """Tell whether a target comes back by itself on a later evening."""
    return target.placement is not None and target.placement.snoozed_until is not None


def is_urgent(target: RankedTarget) -> bool:
    """Tell whether the policy wants a target looked at before all others."""
    return target.placement is not None and target.placement.queue == Queue.URGENT


def has_anomaly(target: RankedTarget) -> bool:
    """Tell whether a target is not as was to be expected: its last points, or all of it, so that a place is kept."""
    if target.anomaly is not None and target.anomaly.place:
        return True
    return target.assistant is not None and bool(target.assistant.anomaly)


def stage_of(target: RankedTarget, evening: float) -> str:
    """
    Return how long a target has been known, one of `Stage`.

    Parameters
    ----------
    target : RankedTarget
        By its policy, or else by its age.
    evening : float
        When ages are counted [MJD].
    """
    if target.placement is not None:
        return target.placement.stage
    age = evening - target.photometry.first_mjd
    if age > UPDATING_UNTIL:
        return Stage.LONG_TERM
    return Stage.UPDATING if age > FIRST_UNTIL else Stage.FIRST


def _in_stage(stage: Stage) -> Callable[[RankedTarget, float], bool]:
    return lambda target, evening: stage_of(target, evening) == stage


def _in_queue(queue: Queue) -> Callable[[RankedTarget, float], bool]:
    return lambda target, _: target.placement is not None and target.placement.queue == queue


_SHORT_QUEUE = {"extragalactic": "extra", "galactic": "gal", "purgatory": "purg", "garbage": "garb"}

GROUPS: dict[str, tuple[Group, ...]] = {
    TONIGHT: (
        Group("new", ("new tonight", "new", "new"), _in_stage(Stage.FIRST), always=True),
        Group("updating", ("updating", "updating", "upd"), _in_stage(Stage.UPDATING), always=True),
        Group("closing", ("window closing", "closing", "close"), lambda target, _: is_closing(target), always=True),
        Group("watch", ("watch", "watch", "watch"), _in_stage(Stage.LONG_TERM), always=True),
    ),
    HIDDEN: (),
    ASIDE: (
        *(Group(queue, (queue, queue, _SHORT_QUEUE.get(queue, queue)), _in_queue(queue)) for queue in Queue),
        Group("snoozed", ("snoozed", "snoozed", "snooze"), lambda target, _: is_snoozed(target)),
    ),
}


def targets_of(plan: NightPlan, name: str) -> tuple[RankedTarget, ...]:
    """Return the targets of one of `LISTS`, in their order."""
    return {TONIGHT: plan.targets, HIDDEN: plan.not_observable, ASIDE: plan.set_aside}[name]


def offered_groups(
    name: str, targets: tuple[RankedTarget, ...], evening: float, *, by_policy: bool
) -> list[tuple[Group, int]]:
    """
    Return the groups that a list of these targets is offered in, each with its number of targets.

    Parameters
    ----------
    name : str
        One of `LISTS`.
    targets : tuple of RankedTarget
    evening : float
        When ages are counted [MJD].
    by_policy : bool
        The plan has a policy; in one without, ages are all that is known, and a single group is none.
    """
    counted = [(group, sum(group.has(target, evening) for target in targets)) for group in GROUPS[name]]
    offered = [(group, n) for group, n in counted if n or (group.always and by_policy)]
    return offered if by_policy or len(offered) > 1 else []


def group_of(name: str, key: str) -> Group | None:
    """Return a group of a list by its key; None if there is no such group."""
    return next((group for group in GROUPS[name] if group.key == key), None)
