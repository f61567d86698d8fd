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


def is_listed(
    queue: str,
    stage: str,
    *,
    rank_now: float,
    rank_at_deferral: float,
    anomaly: bool,
    followed_up: bool,
    verdict: str | None,
    nights_since_verdict: int,
    silent: float,
    nights_remain: int | None,
    policy: Policy,
) -> bool:
    """Whether an object with a rank is in tonight's list; `nights_remain` None = its window is not closing."""
    if followed_up and not anomaly:
        return False
    asleep = verdict == "defer" and nights_since_verdict < policy.snooze.days
    if asleep and rank_now < rank_at_deferral + policy.snooze.wake_rise:
        return False
    if followed_up:
        return True
    if verdict == "reject":
        return False
    if silent > policy.ages.without_points:
        return False
    if verdict in ("approve", "failed"):
        return True
    closing = nights_remain is not None and nights_remain < policy.closing.nights
    if closing and stage == "long-term" and queue != "garbage":
        return True
    return queue in policy.listed
