"""Strategies put objects in the order that their description promises."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup import strategies
from ampel_followup.errors import StrategyError
from ampel_followup.gain import gain_scores
from ampel_followup.quotas import in_turns
from ampel_followup.strategies import STRATEGIES, get_strategy, ideal, list_strategies


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
        ("p-change", "p_change"),
        ("uncertainty", "uncertainty"),
    ],
)
def test_simple_strategies_follow_their_score(name, field, scores):
    ordered = getattr(scores, field)[np.argsort(-priorities(name, scores))]
    assert np.all(np.diff(ordered) <= 0)


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


def test_ideal_is_for_evaluation_only():
    with pytest.raises(StrategyError, match="needs the true spectra"):
        get_strategy("ideal")
    np.testing.assert_array_equal(ideal(np.array([1.0, 0.5]), np.array([0.25, 0.5])), [0.75, 0.0])


def test_mixture_gives_each_strategy_its_share_from_the_top_on(scores):
    priority = priorities("mixture:entropy=3,p-change=1", scores)
    order = np.argsort(-priority)
    most_confused = np.argsort(-scores.entropy)
    # Of the first four places three go to the most confused, and one to the best of p-change.
    first = set(order[:4].tolist())
    assert len(first & set(most_confused[:3].tolist())) == 3
    assert int(np.argmax(priorities("p-change", scores))) in first
    assert sorted(order.tolist()) == list(range(50))
    assert priority.max() == 1.0 and priority.min() > 0.0


@pytest.mark.parametrize("name", ["mixture", "mixture:entropy=0.5,random=0.5"])
def test_mixture_is_the_same_whenever_it_is_made_again(name, scores):
    np.testing.assert_array_equal(priorities(name, scores), priorities(name, scores))


def test_name_of_a_mixture_spells_its_quotas_out():
    assert get_strategy("mixture").name == "mixture:value-of-information=0.8,uncertainty=0.1,random=0.1"
    assert get_strategy("mixture: entropy=3, random=1").name == "mixture:entropy=0.75,random=0.25"


@given(
    st.integers(1, 40).flatmap(lambda n: st.lists(st.permutations(range(n)), min_size=1, max_size=4)),
    st.lists(st.integers(1, 9), min_size=4, max_size=4),
)
def test_no_strategy_is_ever_a_whole_target_ahead_of_its_quota(orders, weights):
    arrays = [np.array(order) for order in orders]
    shares = np.array(weights[: len(orders)]) / sum(weights[: len(orders)])
    order = in_turns(arrays, shares)
    assert sorted(order.tolist()) == list(range(len(orders[0])))
    # Whom a target counts for is not told, so every target is credited to the strategy that had it first in its queue.
    listed: set[int] = set()
    taken = np.zeros(len(orders))
    for m, target in enumerate(order.tolist(), 1):
        heads = [next(i for i in queue if i not in listed) for queue in orders]
        behind = np.round(shares * m - taken, 9)
        turn = int(np.argmax(behind))
        assert target == heads[turn]
        listed.add(target)
        taken[turn] += 1
        assert np.all(taken - shares * m < 1.0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mixture:entropy", "'entropy' is no quota"),
        ("mixture:entropy=0", "'entropy=0' is no quota"),
        ("mixture:entropy=nan", "'entropy=nan' is no quota"),
        ("mixture:=1", "'=1' is no quota"),
        ("mixture:entropy=1,entropy=2", "'entropy' comes twice"),
        ("mixture:mixture=1", "cannot be part of a mixture"),
        ("mixture:ideal=1", "needs the true spectra"),
        ("mixture:entrpy=1", "did you mean 'entropy'"),
    ],
)
def test_a_wrong_mixture_is_refused_in_one_line(name, message):
    with pytest.raises(StrategyError, match=message) as caught:
        get_strategy(name)
    assert "\n" not in str(caught.value)


def brightest_first(scores, rng):
    """
    Rank by what stands first.

    More that is not shown in a list.
    """
    return scores.p_t[:, 0]


@pytest.fixture
def installed(monkeypatch):
    """Return a function that installs entry points, each a name and a value."""

    def install(*points: tuple[str, str]) -> None:
        found = EntryPoints(EntryPoint(name, value, strategies.GROUP) for name, value in points)
        monkeypatch.setattr(strategies, "entry_points", lambda group: found.select(group=group))

    return install


def test_strategy_of_ones_own_ranks_like_those_that_come_along(installed, monkeypatch, scores):
    monkeypatch.setitem(sys.modules, "own", SimpleNamespace(brightest_first=brightest_first))
    installed(("brightest-first", "own:brightest_first"))
    np.testing.assert_array_equal(priorities("brightest-first", scores), scores.p_t[:, 0])
    assert dict(list_strategies())["brightest-first"] == "Rank by what stands first."
    assert get_strategy("mixture:brightest-first=1,random=1").name == "mixture:brightest-first=0.5,random=0.5"
    with pytest.raises(StrategyError, match="did you mean 'brightest-first'"):
        get_strategy("brightest")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nonesuch:function", "'own' .nonesuch:function. cannot be loaded: ModuleNotFoundError"),
        ("math:pi", "'own' .math:pi. is no function but float"),
        ("own:fails", "'own' .own:fails. failed: ZeroDivisionError"),
        ("own:short", "returned priorities of shape .2,. for 50 objects"),
        ("own:nan", "returned 50 of 50 priorities that are no finite number"),
    ],
)
def test_broken_strategy_of_ones_own_is_one_line_that_names_it(installed, monkeypatch, scores, value, message):
    own = SimpleNamespace(
        fails=lambda scores, rng: 1 / 0,
        short=lambda scores, rng: [1.0, 2.0],
        nan=lambda scores, rng: np.full(50, np.nan),
    )
    monkeypatch.setitem(sys.modules, "own", own)
    installed(("own", value))
    with pytest.raises(StrategyError, match=message) as caught:
        priorities("own", scores)
    assert "\n" not in str(caught.value) and "choose another strategy" in str(caught.value)


def test_broken_strategy_of_ones_own_does_not_spoil_the_list_of_strategies(installed):
    installed(("own", "nonesuch:function"))
    assert "cannot be loaded" in dict(list_strategies())["own"]
    assert "entropy" in dict(list_strategies())


def test_strategies_that_come_along_cannot_be_replaced_and_two_of_a_name_are_refused(installed, scores):
    installed(("entropy", "nonesuch:function"), ("own", "one:function"), ("own", "two:function"))
    np.testing.assert_array_equal(priorities("entropy", scores), scores.entropy)
    with pytest.raises(StrategyError, match="added twice, by one:function and two:function"):
        get_strategy("own")


def test_example_of_the_manual_is_a_strategy(installed, monkeypatch, scores):
    manual = (Path(__file__).parents[2] / "docs" / "method.md").read_text(encoding="utf-8")
    example: dict[str, object] = {}
    exec(manual.split("```python\n")[1].split("```")[0], example)
    monkeypatch.setitem(sys.modules, "our_package", SimpleNamespace(**example))
    installed(("supernovae-first", "our_package:supernovae_first"))
    night = SimpleNamespace(classes=("SN Ia", "AGN", "SN II", "CV"), p_after=scores.p_after, entropy=scores.entropy)
    np.testing.assert_allclose(priorities("supernovae-first", night), scores.p_after[:, [0, 2]].sum(axis=1))
    assert "supernova" in get_strategy("supernovae-first").description
