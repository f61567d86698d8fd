"""Each metric is what its words say, and comparisons are honest about chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.evaluation.comparison import METRICS, RankedReplicate, paired_ratios, weighted_summary
from ampel_followup.evaluation.metrics import Outcomes, curves, log_loss, ranked, spectra_for, subset_size, summary
from ampel_followup.evaluation.plots import reliability


def outcomes(n: int, seed: int) -> Outcomes:
    rng = np.random.default_rng(seed)
    p_t, p_ts = rng.dirichlet(np.ones(3), (2, n))
    y = rng.integers(0, 3, n)
    # With the spectrum the true class is mostly more probable.
    p_ts[np.arange(n), y] += 0.5
    return Outcomes.of(p_t, p_ts / p_ts.sum(axis=1, keepdims=True), y)


def slow_summary(order, o: Outcomes) -> dict[str, float]:
    """The metrics of one order, object by object, as the paper words them."""
    n = len(order)
    result = {}
    for percent in (5, 20):
        chosen = order[: max(1, n * percent // 100)]
        result[f"fp_{percent}"] = sum(not o.right_before[i] and o.right_after[i] for i in chosen) / len(chosen)
        result[f"gtp_{percent}"] = sum(o.gain[i] for i in chosen) / len(chosen)

    def accuracy(s: int) -> float:
        with_spectrum = set(order[:s].tolist())
        return sum(o.right_after[i] if i in with_spectrum else o.right_before[i] for i in range(n))

    enough = accuracy(0) + 0.8 * (accuracy(n) - accuracy(0))
    reached = [s for s in range(1, n + 1) if accuracy(s) >= enough - 1e-9]
    result["spectra_to_80"] = reached[0] if accuracy(n) > accuracy(0) else math.nan
    return result


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(0, 10_000))
def test_metrics_agree_with_a_count_object_by_object(n, seed):
    o = outcomes(n, seed)
    order = np.random.default_rng(seed).permutation(n)
    expected = slow_summary(order, o)
    assert summary(order, o) == pytest.approx(expected, nan_ok=True)
    followed = curves(order, o)
    s = subset_size(0.2, n)
    assert followed.corrected[s - 1] == pytest.approx(expected["fp_20"])
    assert followed.gain[s - 1] == pytest.approx(expected["gtp_20"])
    assert followed.accuracy[-1] == pytest.approx(o.right_after.mean())
    assert followed.accuracy_gain[-1] == pytest.approx(o.right_after.mean() - o.right_before.mean())
    assert followed.raised[-1] == pytest.approx((o.gain > 0).mean())


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 50), st.integers(0, 10_000))
def test_weighted_metrics_are_those_of_objects_that_come_several_times(n, seed):
    rng = np.random.default_rng(seed)
    o, order = outcomes(n, seed), rng.permutation(n)
    copies = rng.integers(0, 3, n)
    copies[0] += 1
    repeated = np.repeat(order, copies[order])
    expected = summary(np.arange(len(repeated)), o.take(repeated))
    assert weighted_summary(order, o, copies.astype(float)) == pytest.approx(list(expected.values()), nan_ok=True)


def test_sizes_are_those_of_the_paper():
    assert (subset_size(0.05, 2554), subset_size(0.2, 2554)) == (127, 510)
    assert subset_size(0.05, 3) == 1


def test_spectra_that_do_not_help_have_no_number_for_80_percent():
    o = Outcomes(np.array([True, True]), np.array([True, False]), np.array([0.1, -0.4]))
    assert math.isnan(spectra_for(0.8, np.array([0, 1]), o))


def test_equal_priorities_are_ordered_by_chance_and_not_by_the_file():
    orders = [ranked(np.zeros(20), np.random.default_rng(seed)).tolist() for seed in (1, 2)]
    assert orders[0] != orders[1] and sorted(orders[0]) == list(range(20))
    assert ranked(np.array([0.1, 0.7, 0.3]), np.random.default_rng(0)).tolist() == [1, 2, 0]


def test_log_loss_is_finite_for_an_impossible_class():
    assert log_loss(np.array([[0.5, 0.5]]), np.array([0])) == pytest.approx(math.log(2))
    assert log_loss(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(7 * math.log(10))


def replicates(n: int = 300, repetitions: int = 3) -> list[RankedReplicate]:
    """A strategy that knows what each spectrum brings, one that knows half of it, and chance."""
    result = []
    for r in range(repetitions):
        o, rng = outcomes(n, r), np.random.default_rng(r)
        change = o.right_after.astype(float) - o.right_before
        orders = {
            "knows": ranked(change + 0.1 * o.gain, rng),
            "half": ranked(change + 2.0 * rng.normal(size=n), rng),
            "chance": rng.permutation(n),
        }
        result.append(RankedReplicate(o, np.arange(n), orders))
    return result


def test_better_strategy_is_better_beyond_chance_and_equal_ones_are_equal():
    ratios = paired_ratios(replicates(), 1, (("knows", "chance"), ("half", "half")), n_resamples=100)
    better = ratios["knows vs chance"]
    assert better["fp_5"]["low"] > 1.0 and better["gtp_5"]["low"] > 1.0 and better["spectra_to_80"]["high"] < 1.0
    assert all(ratios["half vs half"][m] == {"ratio": 1.0, "low": 1.0, "high": 1.0} for m in METRICS)
    assert all(r["low"] <= r["ratio"] <= r["high"] for r in better.values())


def test_ratio_is_that_of_the_means_over_replicates():
    items = replicates()
    mean = {
        name: np.mean([summary(item.orders[name], item.outcomes)["gtp_20"] for item in items])
        for name in ("half", "chance")
    }
    ratios = paired_ratios(items, 1, (("half", "chance"),), n_resamples=20)
    assert ratios["half vs chance"]["gtp_20"]["ratio"] == pytest.approx(mean["half"] / mean["chance"], abs=1e-5)


def test_intervals_do_not_shrink_when_each_object_is_listed_twice():
    single = replicates(150, 2)
    double = [
        RankedReplicate(
            item.outcomes.take(np.repeat(np.arange(150), 2)),
            np.repeat(item.groups, 2),
            {name: np.column_stack([2 * order, 2 * order + 1]).ravel() for name, order in item.orders.items()},
        )
        for item in single
    ]
    widths = [
        r["knows vs chance"]["gtp_20"]["high"] - r["knows vs chance"]["gtp_20"]["low"]
        for r in (paired_ratios(items, 3, (("knows", "chance"),), n_resamples=200) for items in (single, double))
    ]
    assert widths[1] > 0.85 * widths[0]


def test_calibrated_probabilities_lie_on_the_diagonal():
    rng = np.random.default_rng(4)
    p = rng.random(200_000)
    given_, observed = reliability(p, rng.random(len(p)) < p)
    np.testing.assert_allclose(given_, observed, atol=0.01)
    assert len(given_) == 10
