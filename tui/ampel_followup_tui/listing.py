"""The targets of a view: which of a plan's pass, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ampel_followup.plan import RankedTarget
from ampel_followup_tui.groups import group_of, targets_of
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.views import View

if TYPE_CHECKING:
    from ampel_followup.reranking import OtherOrder


def group_targets(journal: Journal, view: View) -> list[RankedTarget]:
    """Return the targets of a view's list and group, in the order of the plan."""
    group = group_of(view.list, view.group)
    targets = targets_of(journal.plan, view.list)
    return [target for target in targets if group is None or group.has(target, journal.evening)]


def listed_targets(journal: Journal, view: View, other: OtherOrder | None) -> list[RankedTarget]:
    """
    Return the targets of a view, in its order.

    Parameters
    ----------
    journal : Journal
    view : View
    other : OtherOrder or None
        The order of the strategy that the plan is looked at under; None for its own.
    """
    targets = group_targets(journal, view)
    # What is not asked for is not loaded: the first screen has neither filter nor order of its own.
    if view.filter:
        from ampel_followup_tui.filtering.expression import parse
        from ampel_followup_tui.filtering.fields import KINDS
        from ampel_followup_tui.filtering.matching import Matcher

        targets = list(filter(Matcher(parse(view.filter, KINDS), journal), targets))
    if other is not None:
        targets.sort(key=lambda target: other.place.get(target.id, len(other.place)))
    if view.sort or view.reverse:
        from ampel_followup_tui.ordering import ordered

        targets = ordered(targets, view.sort, view.reverse, journal)
    return targets
