"""A plan looked at under another strategy: the order that it would give, beside the plan's own, which stays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ampel_followup.anomaly.places import lift
from ampel_followup.errors import StrategyError
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.score_arrays import ScoreArrays, generator_of, urgent_first
from ampel_followup.strategies import IDEAL, MIXTURE, Strategy, get_strategy, list_strategies


@dataclass(frozen=True, slots=True)
class StrategyChoice:
    """
    A strategy that a plan may be looked at under.

    Parameters
    ----------
    name, description : str
    why_not : str
        What the plan lacks for it, in words; empty if it can be looked at.
    """

    name: str
    description: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class OtherOrder:
    """
    The order that a strategy gives a plan.

    Parameters
    ----------
    strategy : str
        Its name.
    place : dict of str to int
        Listed target to its place, from 1.
    move : dict of str to int
        Listed target to how many places it goes up against the plan's own order; negative: down.
    """

    strategy: str
    place: dict[str, int]
    move: dict[str, int]


def strategy_choices(plan: NightPlan) -> list[StrategyChoice]:
    """
    Return all strategies, the plan's own first, each with what the plan lacks for it.

    Parameters
    ----------
    plan : NightPlan
        The whole plan.
    """
    targets = (*plan.targets, *plan.not_observable)
    assisted = any(t.assistant is not None and math.isfinite(t.assistant.rank) for t in targets)
    early = any(math.isfinite(t.scores.snia_threshold) for t in targets)
    choices = [StrategyChoice(plan.strategy, "The plan's own order.")]
    for name, description in list_strategies():
        if name != plan.strategy:
            choices.append(StrategyChoice(name, description, _lacking(name, assisted=assisted, early=early)))
    return choices


def rerank(plan: NightPlan, strategy: str) -> OtherOrder:
    """
    Order the targets of a plan by another strategy: as `ranking.rank` would have, with the scores that the plan keeps.

    Parameters
    ----------
    plan : NightPlan
        The whole plan.
    strategy : str
        As for `ampel_followup.strategies.get_strategy`.

    Returns
    -------
    OtherOrder

    Raises
    ------
    StrategyError
        If there is no such strategy, or the plan lacks the scores that it looks at.
    """
    if strategy == plan.strategy:
        order = list(plan.targets)
    else:
        order = _ordered(plan, get_strategy(strategy))
    place = {target.id: number for number, target in enumerate(order, 1)}
    return OtherOrder(strategy, place, {target.id: target.rank - place[target.id] for target in plan.targets})


def _ordered(plan: NightPlan, strategy: Strategy) -> list[RankedTarget]:
    targets = sorted(plan.targets, key=lambda target: target.id)
    if not targets:
        return []
    priority = strategy.priority(ScoreArrays.of(targets), generator_of(plan.night))
    priority = lift(urgent_first(priority, targets, plan.night), targets)
    return [targets[i] for i in np.argsort(-priority, kind="stable")]


def _lacking(name: str, *, assisted: bool, early: bool) -> str:
    if name == IDEAL:
        return "needs the true spectra, which nobody has yet"
    if name == MIXTURE:
        return ""
    try:
        strategy = get_strategy(name)
    except StrategyError as error:
        return str(error)
    if strategy.needs_assistant and not assisted:
        return "this plan was made without an assistant"
    if strategy.needs_early and not early:
        return "this plan was made without an early classifier (rank --early)"
    return ""
