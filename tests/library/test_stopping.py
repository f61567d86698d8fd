"""How many spectra of a list are worth taking."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from ampel_followup.errors import StrategyError
from ampel_followup.stopping import stop_advice, stop_after

# Sixty-fourths are exact in binary: sums of them do not depend on their order.
shares = st.integers(0, 64).map(lambda k: k / 64)


def reference(gain: list[float], threshold: float) -> int:
    """The shortest list that no stretch of further targets makes worth going on from."""
    for after in range(len(gain) + 1):
        stretches = [gain[after:end] for end in range(after + 1, len(gain) + 1)]
        if all(sum(stretch) / len(stretch) < threshold for stretch in stretches):
            return after
    raise AssertionError


def targets(p_change: list[float]) -> list[SimpleNamespace]:
    return [SimpleNamespace(scores=SimpleNamespace(p_change=p, value_of_information=p / 2)) for p in p_change]


@given(st.lists(shares, max_size=12), st.integers(1, 63).map(lambda k: k / 64))
def test_no_stretch_of_targets_beyond_the_advice_reaches_the_threshold(gain, threshold):
    assert stop_after(np.array(gain), threshold) == reference(gain, threshold)


@given(st.lists(shares, max_size=40), st.integers(0, 127).map(lambda k: k / 128 + 1 / 300))
def test_smoothed_gain_falls_below_the_threshold_where_the_advice_says(gain, threshold):
    # The rule is told by the smoothed curve and computed without it.
    smooth = isotonic_regression(np.array(gain), increasing=False).x if gain else np.empty(0)
    assert np.all(np.diff(smooth) <= 1e-12)
    assert smooth.sum() == pytest.approx(sum(gain))
    assert stop_after(np.array(gain), threshold) == (smooth >= threshold).sum()


def test_list_that_gets_worse_is_cut_where_it_falls_below_the_threshold():
    advice = stop_advice(targets([0.5, 0.2, 0.4, 0.04, 0.0, 0.03, 0.0, 0.0]))
    assert advice.after == 4
    assert advice.sentence == "after 4 targets a spectrum changes fewer than 1 class in 50"
    assert (advice.changes, advice.changes_beyond) == (pytest.approx(1.14), pytest.approx(0.03))
    assert (advice.gain, advice.gain_beyond) == (pytest.approx(0.57), pytest.approx(0.015))


def test_a_dull_target_before_a_promising_one_does_not_end_the_list():
    assert stop_advice(targets([0.3, 0.0, 0.0, 0.4, 0.0])).after == 4


@pytest.mark.parametrize(
    ("p_change", "threshold", "sentence"),
    [
        ([0.3, 0.0], 0.25, "after 1 target a spectrum changes fewer than 1 class in 4"),
        ([0.3, 0.2], 0.1, "a spectrum changes at least 1 class in 10, down to the end of the list"),
        ([0.0, 0.0], 0.02, "already of the first targets a spectrum changes fewer than 1 class in 50"),
        ([0.9, 0.0], 0.7, "after 1 target a spectrum changes fewer than 70 % of classes"),
        ([0.9, 0.0], 0.03, "after 1 target a spectrum changes fewer than 1 class in 33"),
    ],
)
def test_advice_is_a_sentence(p_change, threshold, sentence):
    assert stop_advice(targets(p_change), threshold).sentence == sentence


def test_a_night_without_targets_needs_no_advice():
    assert stop_advice([]) is None


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.1, 2.0, float("nan")])
def test_a_threshold_that_is_no_share_is_refused_in_one_line(threshold):
    with pytest.raises(StrategyError, match="above 0 and below 1") as caught:
        stop_advice([], threshold)
    assert "\n" not in str(caught.value)
