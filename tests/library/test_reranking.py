"""A plan looked at under another strategy: the order that ranking with it would have given."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from assistant_plans import weeded_plan

from ampel_followup.errors import StrategyError
from ampel_followup.plan import NightPlan, Photometry, ScoredObject, TargetScores
from ampel_followup.ranking import rank
from ampel_followup.reranking import rerank, strategy_choices
from ampel_followup.strategies import STRATEGIES

BUNDLE = SimpleNamespace(label="toy 1", digest="0" * 64)
PHOTOMETRY = Photometry(2, 1, 58000.0, 58001.0, "ztfr", 19.0, 0.1, float("nan"), {"ztfr": 2})
FREE = [s.name for s in STRATEGIES.values() if not s.needs_assistant and not s.needs_early]


def plan_by(strategy: str, early: bool = False) -> NightPlan:
    rng = np.random.default_rng(3)
    objects = []
    for number in range(80):
        entropy, gain, voi, p = np.round(rng.random(4), 1)
        scores = TargetScores(
            p_t={"SN Ia": 0.6, "SN II": 0.4}, p_ts={"SN Ia": 0.5, "SN II": 0.5}, class_now="SN Ia",
            class_after="SN II", entropy=float(entropy), expected_entropy=0.1, information_gain=float(gain),
            indicator=number % 2, p_change=float(voi), value_of_information=float(voi), uncertainty=float(gain),
            in_scope=0.5, p_snia=float(p) if early else float("nan"), snia_threshold=0.5 if early else float("nan"),
        )  # fmt: skip
        ra, dec = rng.uniform(0, 360), rng.uniform(-60, 89)
        objects.append(ScoredObject(f"ZTF18a{number:06d}", number, ra, dec, PHOTOMETRY, scores, ()))
    return rank(objects, night="2018-08-20", site="palomar", bundle=BUNDLE, strategy=strategy)


@pytest.mark.parametrize("strategy", [*FREE, "mixture", "mixture:entropy=0.5,random=0.5"])
def test_another_strategy_gives_the_order_that_ranking_with_it_would_have_given(strategy: str) -> None:
    plan = plan_by("value-of-information")
    wanted = {target.id: target.rank for target in plan_by(strategy).targets}
    other = rerank(plan, strategy)
    assert other.place == wanted
    assert other.move == {target.id: target.rank - wanted[target.id] for target in plan.targets}
    assert sum(other.move.values()) == 0


def test_strategies_of_an_early_classifier_use_what_the_plan_keeps() -> None:
    wanted = {target.id: target.rank for target in plan_by("learning-boundary", early=True).targets}
    assert rerank(plan_by("entropy", early=True), "learning-boundary").place == wanted


def test_the_plans_own_strategy_moves_nothing() -> None:
    assert set(rerank(plan_by("entropy"), "entropy").move.values()) == {0}


def test_what_a_plan_lacks_for_a_strategy_is_said() -> None:
    choices = {choice.name: choice.why_not for choice in strategy_choices(plan_by("entropy"))}
    assert next(iter(choices)) == "entropy" and not choices["entropy"]
    assert choices["assistant-rank"] == "this plan was made without an assistant"
    assert "rank --early" in choices["early-snia"]
    assert "true spectra" in choices["ideal"]
    assert not any(choices[name] for name in FREE)
    with pytest.raises(StrategyError, match="needs the virtual assistant"):
        rerank(plan_by("entropy"), "assistant-rank")
    early = {choice.name: choice.why_not for choice in strategy_choices(plan_by("entropy", early=True))}
    assert not early["early-snia"]
    assert not {choice.name: choice.why_not for choice in strategy_choices(weeded_plan())}["assistant-rank"]


def test_an_empty_plan_has_an_empty_order() -> None:
    assert rerank(replace(plan_by("entropy"), targets=()), "random").place == {}
