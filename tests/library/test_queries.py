from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ampel_followup.errors import StrategyError
from ampel_followup.learning.early_classifier import fit_early
from ampel_followup.learning.queries import QUERIES, Candidates, get_query
from ampel_followup.models.classifier import encode


def candidates(n: int = 120, n_trees: int = 25, seed: int = 0, threshold: float = 0.4) -> Candidates:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40 + n, 4))
    y = x[:, 0] + 0.7 * rng.normal(size=40 + n) > 0
    classifier = fit_early(x[:40], y[:40], rng)
    votes, leaves = classifier.tree_votes(encode(x[40:]))
    some = slice(0, n_trees)
    mag = rng.uniform(17.0, 22.0, n)
    mag[::7] = np.nan
    return Candidates(votes[some], leaves[some], classifier.leaf_sizes(leaves)[some], threshold, mag)


def order(name: str, of: Candidates, wanted: int = 10) -> NDArray[np.intp]:
    return QUERIES[name].order(of, wanted, np.random.default_rng(1))


def entropy(p: float) -> float:
    return -sum(q * np.log(q) for q in (p, 1.0 - p) if q > 0.0)


@pytest.mark.parametrize("name", QUERIES)
@given(n=st.integers(1, 40), wanted=st.integers(1, 60), seed=st.integers(0, 99))
def test_an_order_names_every_object_at_most_once_and_enough_of_them(name: str, n: int, wanted: int, seed: int) -> None:
    found = QUERIES[name].order(_few(n, seed), wanted, np.random.default_rng(seed))
    assert len(set(found.tolist())) == len(found) >= min(wanted, n)
    assert found.min() >= 0 and found.max() < n


def _few(n: int, seed: int) -> Candidates:
    rng = np.random.default_rng(seed)
    votes = rng.integers(0, 5, (6, n)).astype(np.float32) / 4.0
    leaves = rng.integers(0, 3, (6, n)).astype(np.int32)
    return Candidates(votes, leaves, np.ones((6, n), np.float32), 0.3, np.full(n, np.nan))


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_generator_gives_the_same_order(name: str) -> None:
    of = candidates()
    np.testing.assert_array_equal(order(name, of), order(name, of))


def test_with_two_classes_uncertainty_margin_and_entropy_are_one_order() -> None:
    of = candidates()
    np.testing.assert_array_equal(order("margin", of), order("uncertainty", of))
    np.testing.assert_array_equal(order("entropy", of), order("uncertainty", of))


def test_uncertainty_takes_the_mean_vote_nearest_to_one_half_first() -> None:
    of = candidates()
    distance = np.abs(of.votes.mean(axis=0, dtype=float) - 0.5)[order("uncertainty", of)]
    assert (np.diff(distance) >= -1e-8).all()


def test_boundary_takes_what_is_nearest_to_the_line_wherever_that_is_drawn() -> None:
    for threshold in (0.1, 0.5, 0.8):
        of = candidates(threshold=threshold)
        distance = np.abs(of.votes.mean(axis=0, dtype=float) - threshold)[order("boundary", of)]
        assert (np.diff(distance) >= -1e-8).all()


def test_brightest_comes_first_and_unknown_brightness_last() -> None:
    of = candidates()
    mags = of.mag[order("brightest", of)]
    known = mags[np.isfinite(mags)]
    assert (np.diff(known) >= 0.0).all() and np.isnan(mags[len(known) :]).all()


def test_committee_is_the_mutual_information_of_class_and_tree() -> None:
    of = candidates()
    information = [
        entropy(float(np.mean(column, dtype=float))) - np.mean([entropy(float(v)) for v in column])
        for column in of.votes.T
    ]
    assert (np.diff(np.array(information)[order("committee", of)]) <= 1e-7).all()


def test_diverse_is_brinkers_greedy_choice_with_the_proximity_of_the_forest() -> None:
    of = candidates()
    score = 1.0 - np.abs(of.votes.mean(axis=0, dtype=float) - of.threshold)
    merit = (score - score.min()) / (score.max() - score.min())
    chosen: list[int] = []
    for step, taken in enumerate(order("diverse", of).tolist()[:10]):
        value = {}
        for i in range(len(of)):
            if i not in chosen:
                likeness = [float(np.mean(of.leaves[:, i] == of.leaves[:, j])) for j in chosen]
                value[i] = merit[i] - max(likeness, default=0.0)
        assert value[taken] == pytest.approx(max(value.values())), step
        chosen.append(taken)


def test_diverse_does_not_ask_about_twins_in_one_night() -> None:
    of = candidates(60)
    twice = Candidates(
        *(np.concatenate([getattr(of, name)] * 2, axis=1) for name in ("votes", "leaves", "leaf_sizes")),
        of.threshold,
        np.tile(of.mag, 2),
    )
    assert len({i % 60 for i in order("diverse", twice)[:10].tolist()}) == 10
    assert len({i % 60 for i in order("boundary", twice)[:10].tolist()}) < 10


def test_information_value_is_the_expected_fall_of_the_brier_score_of_the_others() -> None:
    of = candidates(60)
    n_trees, n = of.votes.shape
    value = np.zeros(n)
    mean = of.votes.mean(axis=0, dtype=float)
    for c in range(n):
        after = {}
        for label in (0.0, 1.0):
            votes = of.votes.astype(float)
            for t in range(n_trees):
                v, size = votes[t, c], float(of.leaf_sizes[t, c])
                moved = (size * v + label) / (size + 1.0)
                votes[t] = np.where(of.leaves[t] == of.leaves[t, c], votes[t] + moved - v, votes[t])
            p = votes.mean(axis=0)
            after[label] = (p * (1.0 - p)).sum()
        expected = mean[c] * after[1.0] + (1.0 - mean[c]) * after[0.0]
        value[c] = (mean * (1.0 - mean)).sum() - expected
    found = order("information-value", of)
    assert (np.diff(value[found]) <= 1e-6).all()


def test_unknown_query_strategy_is_answered_with_the_nearest_name_and_all_names() -> None:
    with pytest.raises(StrategyError, match="did you mean 'boundary'") as error:
        get_query("bounday")
    assert all(name in str(error.value) for name in QUERIES)


def test_every_strategy_says_what_it_does_in_one_line() -> None:
    assert all(query.description and "\n" not in query.description for query in QUERIES.values())
