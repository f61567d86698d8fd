"""What is kept of where a classifier looked: compact, and the same after a trip through a store."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_ranking import scored_object

from ampel_followup.attention_scores import AttentionScores
from ampel_followup.errors import FollowupError
from ampel_followup.plan import NightPlan
from ampel_followup.ranking import rank

TOY = SimpleNamespace(label="toy 1", digest="0" * 64)
CLASSES = ("SN Ia", "SN II", "AGN")
WEIGHTS = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=400)


@given(WEIGHTS)
def test_any_weights_become_shares_and_survive_json_to_the_last_digit(weights: list[float]) -> None:
    times = [58350.0 + 0.123456789 * i for i in range(len(weights))]
    scores = AttentionScores.of(CLASSES, (0.5, 0.3, 0.2), times, weights)
    assert math.fsum(scores.attention) == pytest.approx(1.0, abs=1e-5 * len(weights))
    assert scores.times == pytest.approx(times, abs=5e-5, rel=0)
    assert AttentionScores.from_dict(json.loads(json.dumps(scores.to_dict()))) == scores


def test_the_most_probable_class_is_named() -> None:
    assert AttentionScores.of(CLASSES, (0.1, 0.7, 0.2), [58350.0], [1.0]).class_now == "SN II"


def test_too_few_points_are_told_from_an_opinion() -> None:
    nothing = AttentionScores(CLASSES)
    assert not nothing.known and nothing.class_now == ""
    assert AttentionScores.from_dict(nothing.to_dict()) == nothing


@pytest.mark.parametrize(
    ("probabilities", "times", "attention"),
    [
        ((0.5, 0.5), (1.0,), (1.0,)),  # a class has no probability
        ((0.5, 0.3, 0.2), (1.0, 2.0), (1.0,)),  # a point has no weight
        ((0.5, 0.3, 0.2), (2.0, 1.0), (0.5, 0.5)),  # not in order
        ((0.5, 0.3, 0.2), (1.0, 2.0), (1.5, -0.5)),
        ((0.5, 0.3, 0.2), (1.0, 2.0), (math.nan, 0.5)),
        ((0.9, 0.9, 0.2), (1.0,), (1.0,)),
        ((), (1.0,), (1.0,)),  # weights of no opinion
    ],
)
def test_what_cannot_be_attention_is_refused(probabilities, times, attention) -> None:
    with pytest.raises(FollowupError):
        AttentionScores(CLASSES, probabilities, times, attention)


def test_what_a_store_lost_is_noticed_and_what_it_has_besides_is_ignored() -> None:
    scores = AttentionScores.of(CLASSES, (0.5, 0.3, 0.2), [58350.2, 58353.2], [1.0, 3.0])
    kept = scores.to_dict()
    assert AttentionScores.from_dict({**kept, "of a later version": 1}) == scores
    assert AttentionScores.from_dict({"class_names": list(CLASSES)}) == AttentionScores(CLASSES)
    for name in ("times", "attention", "class_names"):
        with pytest.raises(FollowupError, match="do not fit"):
            AttentionScores.from_dict({**kept, name: kept[name][1:]})


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(FollowupError, match="at least one point must count"):
        AttentionScores.of(CLASSES, (0.5, 0.3, 0.2), [1.0, 2.0], [0.0, 0.0])


def test_attention_stays_with_its_object_in_the_plan() -> None:
    attention = AttentionScores.of(CLASSES, (0.5, 0.3, 0.2), [58350.2, 58353.2], [1.0, 3.0])
    scored = replace(scored_object(1, 0.5), attention=attention)
    plan = rank([scored, scored_object(2, 0.6)], night="2018-08-20", site="palomar", bundle=TOY)
    kept = NightPlan.from_dict(json.loads(plan.to_json()))
    assert {t.id: t.attention for t in (*kept.targets, *kept.not_observable)} == {
        scored.id: attention,
        scored_object(2, 0.6).id: None,
    }
    assert attention.attention == (0.25, 0.75)
