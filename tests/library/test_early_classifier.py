from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from ampel_followup.errors import TrainingError
from ampel_followup.learning.early_classifier import (
    EarlyOptions,
    balanced_threshold,
    fit_early,
    threshold_for_efficiency,
    threshold_for_purity,
)
from ampel_followup.models.classifier import encode
from ampel_followup.models.vote_calibration import VoteCalibration

PROBABILITIES = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=30)


def objects(n: int, seed: int = 0, share: float = 0.5) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    y = rng.random(n) < share
    x = rng.normal(size=(n, 6))
    x[:, :2] += 1.2 * y[:, None]
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, y


def test_ten_labels_are_enough_for_a_start() -> None:
    x, y = objects(10)
    p = fit_early(x, y, np.random.default_rng(1)).predict(objects(500, 1)[0])
    truth = objects(500, 1)[1]
    assert ((p >= 0.5) == truth).mean() > 0.6
    assert ((p > 0.0) & (p < 1.0)).all()


@pytest.mark.parametrize("ia", [0, 1, 9, 10])
def test_a_class_with_fewer_than_two_labels_is_refused_in_words(ia: int) -> None:
    x, _ = objects(10)
    with pytest.raises(TrainingError, match=f"{ia} labels are of type Ia and {10 - ia} are not"):
        fit_early(x, np.arange(10) < ia, np.random.default_rng(1))


def test_it_is_as_good_as_the_random_forest_of_scikit_learn() -> None:
    x, y = objects(300)
    new, truth = objects(2000, 1)
    ours = fit_early(x, y, np.random.default_rng(1), EarlyOptions(n_trees=200))
    theirs = RandomForestClassifier(200, max_features="sqrt", random_state=1).fit(encode(x), y)
    p = theirs.predict_proba(encode(new))[:, 1]
    votes = ours.tree_votes(encode(new))[0].mean(axis=0)
    assert np.corrcoef(votes, p)[0, 1] > 0.97
    assert abs(((votes >= 0.5) == truth).mean() - ((p >= 0.5) == truth).mean()) < 0.02


def test_probabilities_are_calibrated_where_votes_are_not() -> None:
    x, y = objects(300)
    new, truth = objects(4000, 1)
    p = fit_early(x, y, np.random.default_rng(1)).predict(new)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        here = (p >= low) & (p < low + 0.2)
        assert abs(truth[here].mean() - p[here].mean()) < 0.1


def test_leaves_and_votes_belong_together() -> None:
    x, y = objects(60)
    classifier = fit_early(x, y, np.random.default_rng(1), EarlyOptions(n_trees=20))
    votes, leaves = classifier.tree_votes(encode(x))
    sizes = classifier.leaf_sizes(leaves)
    assert votes.shape == leaves.shape == sizes.shape == (20, 60)
    assert (sizes >= 1.0).all()
    for t in range(20):
        for leaf in np.unique(leaves[t]):
            assert len(np.unique(votes[t][leaves[t] == leaf])) == 1


def test_the_same_generator_gives_the_same_classifier() -> None:
    x, y = objects(40)
    first, second = (fit_early(x, y, np.random.default_rng(7)).predict(x) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@given(st.floats(-2.0, 2.0), st.floats(0.2, 3.0), st.floats(0.02, 0.98))
def test_votes_at_is_the_inverse_of_the_calibration(offset: float, slope: float, votes: float) -> None:
    calibration = VoteCalibration(offset, slope)
    p = float(calibration(np.array([votes]))[0])
    if 0.01 < p < 0.99:
        assert calibration.votes_at(p) == pytest.approx(votes, abs=1e-6)


@given(PROBABILITIES)
def test_the_balanced_threshold_has_the_largest_expected_product(p: list[float]) -> None:
    def product(threshold: float) -> float:
        called = [q for q in p if q >= threshold]
        return sum(called) ** 2 / (len(called) * sum(p))

    assert product(balanced_threshold(np.array(p))) == pytest.approx(max(product(t) for t in p))


@given(PROBABILITIES, st.floats(0.05, 0.95))
def test_the_threshold_for_purity_is_the_lowest_that_is_expected_to_keep_it(p: list[float], purity: float) -> None:
    def expected(threshold: float) -> float:
        called = sorted((q for q in p if q >= threshold), reverse=True)
        return sum(called) / len(called)

    threshold = threshold_for_purity(np.array(p), purity)
    assert threshold in p
    if expected(max(p)) >= purity + 1e-9:
        assert expected(threshold) >= purity - 1e-9
        assert all(expected(t) < purity + 1e-9 for t in p if t < threshold)
    elif expected(max(p)) < purity - 1e-9:
        assert threshold == max(p)


@given(PROBABILITIES, st.floats(0.05, 0.95))
def test_the_threshold_for_efficiency_is_the_highest_that_is_expected_to_find_so_many(
    p: list[float], efficiency: float
) -> None:
    threshold = threshold_for_efficiency(np.array(p), efficiency)
    assert sum(q for q in p if q >= threshold) >= efficiency * sum(p) - 1e-9
    assert sum(q for q in p if q > threshold) < efficiency * sum(p) + 1e-9
