"""The smallest set of features that says nearly all is found, on the training objects alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.errors import FollowupError
from ampel_followup.models.selection import select_features, smallest_sufficient


def objects(n: int = 600):
    """Two features that tell four classes, six of noise, one constant, one never measured."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, n)
    telling = np.column_stack([y % 2, y // 2]) + 0.15 * rng.normal(size=(n, 2))
    x = np.column_stack([rng.normal(size=(n, 6)), np.ones(n), np.full(n, np.nan), telling])
    x[rng.random(n) < 0.05, 0] = np.nan
    return x, y


def test_features_that_tell_the_class_are_chosen_and_noise_is_left_out():
    x, y = objects()
    selection = select_features(x, y, np.random.default_rng(2))
    assert sorted(selection.columns) == [8, 9]
    assert selection.accuracy[selection.sizes == 2] > 0.95


def test_features_without_two_values_are_never_chosen():
    x, y = objects()
    selection = select_features(x, y, np.random.default_rng(2), share=1.0)
    assert not {6, 7} & set(selection.columns.tolist())
    assert selection.importance[6] == selection.importance[7] == 0.0
    assert selection.importance.sum() == pytest.approx(1.0)


def test_selection_is_the_same_for_the_same_generator():
    x, y = objects()
    first, second = (select_features(x, y, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.columns, second.columns)
    np.testing.assert_array_equal(first.accuracy, second.accuracy)


def test_nothing_to_select_from_is_refused():
    with pytest.raises(FollowupError, match="none of the 3 features has two different values"):
        select_features(np.full((20, 3), np.nan), np.arange(20) % 2, np.random.default_rng(0))


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), st.floats(0.0, 1.0))
def test_rule_of_90_percent_follows_its_words(accuracy, share):
    sizes = 2 * np.arange(1, len(accuracy) + 1)
    worst, best = min(accuracy), max(accuracy)
    sufficient = [s for s, a in zip(sizes, accuracy, strict=True) if a >= worst + share * (best - worst)]
    # A share of 1 may fail to reach the best by rounding only.
    expected = sufficient[0] if sufficient else sizes[np.argmax(accuracy)]
    assert smallest_sufficient(sizes, np.array(accuracy), share) == expected
