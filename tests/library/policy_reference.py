"""The policy for one object and one visit after the other, with if and else: slow, and easy to check by reading."""

from __future__ import annotations

import math

from ampel_followup.assistant_scores import AssistantScores, assistant_rank
from ampel_followup.policy import Policy


def queue_of(assistant: AssistantScores, age: float, policy: Policy) -> str:
    """The queue of an object that is `age` days old, by its visits."""
    visits = [v for v in assistant.history if not math.isnan(v.p_real)]
    if not visits:
        return "extragalactic"
    ranks = [assistant_rank(v.p_real, v.p_galactic, policy.galactic_weight) for v in visits]
    if assistant.named:
        ranks[-1] = policy.named_rank
    last = visits[-1]
    if ranks[-1] > policy.eyeball.above:
        if last.p_fast > policy.urgent.p_fast_above and age <= policy.stages.updating_until:
            return "urgent"
        return "extragalactic"
    across = policy.galactic.axis * (1.0 - last.p_galactic)
    if math.sqrt((1.0 - last.p_real) ** 2 + across**2) < policy.galactic.within:
        return "galactic"
    if len(ranks) == 1:
        discarded = ranks[0] < policy.discard.entry_below
    elif len(ranks) == 2:
        discarded = max(ranks) < policy.discard.second_max_below
    else:
        total = 0.0
        for rank in ranks:
            total += rank
        discarded = total / len(ranks) < policy.discard.later_mean_below
    if discarded:
        return "garbage"
    if age >= policy.purgatory.from_age:
        return "purgatory"
    return "wait"


def stage_of(age: float, policy: Policy) -> str:
    """The stage of an object that is `age` days old."""
    if age > policy.stages.updating_until:
        return "long-term"
    if age > policy.stages.first_until:
        return "updating"
    return "first"
