"""Plans as an assistant and a policy make them, for the tests of what rests on them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ampel_followup.assistant_scores import AssistantScores, Placement, Visit
from ampel_followup.plan import NightPlan, RankedTarget

PLAN = NightPlan.from_dict(json.loads((Path(__file__).parent / "golden" / "plan.json").read_text("utf-8")))


def scored(target: RankedTarget, name: str, queue: str, *ranks: float, listed: bool = False) -> RankedTarget:
    """The target as an assistant scored it at visits one day apart, and as a policy placed it."""
    history = tuple(Visit(58348.1 + day, float(day), r / 10, 1 / 3, float("nan"), r) for day, r in enumerate(ranks))
    last = history[-1]
    assistant = AssistantScores(last.p_real, last.p_galactic, last.p_fast, last.rank, history)
    placement = Placement("updating", queue, "because of its rank", listed)
    return replace(target, id=name, rank=target.rank if listed else 0, assistant=assistant, placement=placement)


def weeded_plan() -> NightPlan:
    """PLAN with an assistant: one target listed, one out of sight, three set aside, of which one is out of sight."""
    seen, hidden = PLAN.targets[0], PLAN.not_observable[0]
    return replace(
        PLAN,
        targets=(scored(seen, seen.id, "extragalactic", 6.0, 8.1, listed=True),),
        not_observable=(scored(hidden, hidden.id, "extragalactic", 7.5, listed=True),),
        set_aside=(
            scored(hidden, "ZTF18wait", "wait", 5.5),
            scored(seen, "ZTF18garbage", "garbage", 0.5, 0.4),
            scored(seen, "ZTF18purgatory", "purgatory", 3.1),
        ),
        assistant="assistant 1.0",
        assistant_digest="a1",
        policy="policy 1",
    )


def plan_of(night: str, *targets: RankedTarget, site: str = PLAN.night.site) -> NightPlan:
    """A plan of these targets, each listed or set aside as its placement says."""
    listed = tuple(target for target in targets if target.placement is not None and target.placement.listed)
    return replace(
        weeded_plan(),
        night=replace(PLAN.night, date=night, site=site),
        targets=tuple(replace(target, rank=rank) for rank, target in enumerate(listed, 1)),
        not_observable=(),
        set_aside=tuple(target for target in targets if target not in listed),
    )
