"""Strategies put objects in the order that their description promises."""

from __future__ import annotations

import numpy as np
import pytest

from ampel_followup.errors import StrategyError
from ampel_followup.gain import gain_scores
from ampel_followup.strategies import STRATEGIES, get_strategy


@pytest.fixture
def scores():
    rng = np.random.default_rng(1)
    p_t = rng.dirichlet(np.ones(4), 50)
    return gain_scores(p_t, rng.dirichlet(np.ones(4) * 0.5, (50, 16)))


def priorities(name, scores):
    return get_strategy(name).priority(scores, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("entropy", "entropy"),
        ("information-gain", "information_gain"),
        ("value-of-information", "value_of_information"),
        ("uncertainty", "uncertainty"),
    ],
)
def test_simple_strategies_follow_their_score(name, field, scores):
    np.testing.assert_array_equal(np.argsort(priorities(name, scores)), np.argsort(getattr(scores, field)))


@pytest.mark.parametrize(
    ("name", "field"), [("entropy-indicator", "entropy"), ("information-gain-indicator", "information_gain")]
)
def test_indicator_comes_first_then_the_score(name, field, scores):
    order = np.argsort(-priorities(name, scores))
    assert scores.indicator.any() and not scores.indicator.all()
    expected = sorted(range(50), key=lambda i: (not scores.indicator[i], -getattr(scores, field)[i]))
    assert order.tolist() == expected


def test_random_depends_on_the_generator_only(scores):
    np.testing.assert_array_equal(priorities("random", scores), priorities("random", scores))
    assert len(np.unique(priorities("random", scores))) == 50


def test_every_strategy_is_described():
    assert next(iter(STRATEGIES)) == "value-of-information"
    assert all(len(s.description) > 20 for s in STRATEGIES.values())


def test_unknown_strategy_is_refused_with_the_nearest_name():
    with pytest.raises(StrategyError, match="did you mean 'information-gain'"):
        get_strategy("informationgain")
