"""What the evaluation of the assistant says is what a slow and plain count says."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from assistant_label_tables import write_tables
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.assistant_scores import assistant_rank
from ampel_followup.evaluation.assistant_metrics import (
    aurak,
    bootstrap_counts,
    recall_at,
    recall_curve,
    reliability,
)
from ampel_followup.evaluation.assistant_policy import (
    FATES,
    assistant_ranks,
    replay_visits,
    trade_off,
    upper_bound,
    workload,
)
from ampel_followup.policy import load_policy

POLICY = load_policy()


def slow_aurak(score, good, weight):
    """Mean over good rows of 1 − the share of the stream before it, half of what ties with it included."""
    total = 0.0
    for i in np.flatnonzero(good):
        before = sum(w for s, w in zip(score, weight, strict=True) if s > score[i])
        ties = sum(w for s, w in zip(score, weight, strict=True) if s == score[i])
        total += weight[i] * (1 - (before + ties / 2) / sum(weight))
    return total / weight[good].sum()


@given(st.data(), st.integers(2, 30))
def test_area_is_the_mean_share_of_the_stream_behind_a_good_object(data, n):
    score = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), dtype=float)
    weight = np.array(data.draw(st.lists(st.floats(0.1, 3), min_size=n, max_size=n)))
    good = np.array([True, *data.draw(st.lists(st.booleans(), min_size=n - 1, max_size=n - 1))])
    assert aurak(score, good, weight) == pytest.approx(slow_aurak(score, good, weight))


def test_a_perfect_order_scores_one_less_half_the_share_of_good_ones_and_no_order_one_half():
    good = np.arange(100) < 7
    assert aurak(good.astype(float), good, np.ones(100)) == pytest.approx(1 - 0.07 / 2)
    assert aurak(np.zeros(100), good, np.ones(100)) == pytest.approx(0.5)


def test_what_has_no_score_goes_last():
    share, recall = recall_curve(np.array([np.nan, 1.0]), np.array([True, False]), np.ones(2))
    assert share.tolist() == [0, 0.5, 1]
    assert recall.tolist() == [0, 0, 1]


def test_recall_at_a_share_of_the_stream_counts_the_good_ones_before_it():
    good = np.array([True, False, True, False])
    assert recall_at(np.array([0.25, 0.5, 0.75]), np.array([4.0, 3, 2, 1]), good, np.ones(4)).tolist() == [0.5, 0.5, 1]


def test_bootstrap_draws_whole_objects_and_keeps_the_number_of_each_type():
    objects = np.array([0, 0, 1, 2, 2, 2, 3])
    types = np.array(["good"] * 3 + ["pm"] * 4)
    counts = bootstrap_counts(objects, types, 200, np.random.default_rng(1))
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 0] + counts[:, 2] == 2).all()
    assert counts[:, 3].std() > 0


def test_reliability_is_perfect_where_what_is_said_comes_true():
    p = np.repeat([0.25, 0.75], 400)
    truth = np.concatenate([np.arange(400) < 100, np.arange(400) < 300])
    curve = reliability(p, truth, np.ones(800))
    assert curve["error"] == pytest.approx(0)
    assert curve["brier"] == pytest.approx(0.25 * 0.75)
    assert curve["count"] == [400, 400]


@given(st.floats(0, 1), st.one_of(st.just(float("nan")), st.floats(0, 1)))
def test_rank_of_many_is_the_rank_of_each(p_real, p_galactic):
    many = assistant_ranks(np.array([p_real]), np.array([p_galactic]))
    assert many[0] == pytest.approx(assistant_rank(p_real, p_galactic))


def slow_fate(visits):
    """First thing that happens to one object, its visits (day, p_real, p_galactic) in order of time."""
    ranks = []
    for number, (day, p_real, p_galactic) in enumerate(visits):
        ranks.append(assistant_rank(p_real, p_galactic))
        if ranks[-1] > 7:
            return "eyeball"
        if np.hypot(1 - p_real, 0.9 * (1 - p_galactic)) < 0.4:
            return "galactic"
        low = ranks[0] < 1.5 if number == 0 else max(ranks) < 2 if number == 1 else np.mean(ranks) < 3
        if low:
            return "discarded"
        if day >= 15:
            return "unresolved"
    return "waiting"


@given(st.integers(0, 10_000))
def test_policy_over_many_objects_is_the_policy_over_each(seed):
    rng = np.random.default_rng(seed)
    objects = np.concatenate([np.arange(6), rng.integers(0, 6, 20)])
    day = rng.permutation(26) * 0.7
    p_real, p_galactic = rng.random(26) ** 0.5, rng.random(26)
    fates = replay_visits(objects, day, p_real, p_galactic, POLICY)
    for i in range(6):
        rows = np.flatnonzero(objects == i)
        rows = rows[np.argsort(day[rows])]
        assert FATES[fates.first[i]] == slow_fate([(day[r], p_real[r], p_galactic[r]) for r in rows])
        assert fates.lost[i] == (FATES[fates.first[i]] == "discarded")


def test_what_comes_back_after_it_was_discarded_is_work_and_was_lost_all_the_same():
    fates = replay_visits(np.zeros(2, dtype=int), np.array([0.0, 3]), np.array([0.01, 0.99]), np.zeros(2), POLICY)
    assert fates.lost[0]
    assert fates.looked_at[0]


def test_work_is_weighed_as_the_stream_and_the_bound_says_what_few_good_ones_can_show():
    fates = replay_visits(np.arange(4), np.zeros(4), np.array([0.99, 0.01, 0.01, 0.5]), np.zeros(4), POLICY)
    said = workload(fates, np.array(["good", "good", "garbage", "pm"]), np.array([0.05, 0.05, 0.7, 0.2]))
    assert said["workload_reduction"] == pytest.approx(0.75)
    assert said["lost_fraction"] == 0.5
    assert upper_bound(0, 100) == pytest.approx(0.03, abs=0.001)  # the rule of three
    assert upper_bound(3, 3) == 1


def test_with_lower_thresholds_no_more_is_lost_and_no_less_is_work():
    rng = np.random.default_rng(2)
    p_real, types = rng.random(300), np.array(["good", "garbage", "pm"] * 100)
    points = trade_off(np.arange(300), np.zeros(300), p_real, rng.random(300), types, np.ones(300), POLICY)
    assert points[0]["lost"] == 0
    assert all(a["lost"] <= b["lost"] for a, b in pairwise(points))
    assert all(a["workload_reduction"] <= b["workload_reduction"] for a, b in pairwise(points))


@pytest.fixture(scope="module")
def both_days(tmp_path_factory):
    """A bundle of both days, made of made-up objects, and the folders of their tables."""
    from ampel_followup.cli import main

    folder = tmp_path_factory.mktemp("assistant")
    first, later = write_tables(folder / "1", fast=False), write_tables(folder / "N", visits=3)
    for tables in (first, later):
        assert main(["train", "assistant", *map(str, tables), "--out", str(folder / "b"), "--repeats", "1"]) == 0
    return folder / "b", first, later


def test_evaluation_says_all_that_was_promised(both_days, run, tmp_path):
    bundle, first, later = both_days
    code, text, _ = run(
        *("evaluate", "assistant", bundle, *later, "--entry", first[0]),
        *("--draws", 100, "--plots", tmp_path / "plots", "--json"),
    )
    assert code == 0
    said = json.loads(text)
    assert said["aurak_rb"] <= said["aurak"] <= said["aurak_perfect"]
    assert said["intervals"]["aurak"][0] <= said["aurak"] <= said["intervals"]["aurak"][1]
    assert said["out_of_fold"] == {"rows": 144, "new": 0}
    assert said["entry"]
    assert sum(said["confusion"]["good"].values()) == 12
    assert {"recall_at_k", "workload_reduction", "lost_fraction", "aurak_as_given", "trade_off"} <= said.keys()
    assert {"real", "galactic"} == said["calibration"].keys()
    assert all((tmp_path / "plots" / f"assistant_{n}.svg").exists() for n in ("recall", "reliability", "work"))


def test_objects_that_were_not_trained_on_are_said_to_be_new(both_days, run, tmp_path):
    bundle, *_ = both_days
    tables = write_tables(tmp_path, prefix="b", seed=9)
    code, text, _ = run("evaluate", "assistant", bundle, *tables, "--draws", 100, "--json")
    assert code == 0
    assert json.loads(text)["out_of_fold"] == {"rows": 0, "new": 48}
    code, text, _ = run("evaluate", "assistant", bundle, *tables, "--draws", 100)
    assert code == 0
    assert "48 rows of new objects" in text
    assert "no object is AGN" in text


def test_a_table_without_good_objects_is_refused(both_days, run, tmp_path):
    bundle, *_ = both_days
    x, y = write_tables(tmp_path)
    y.write_text(y.read_text().replace(",good", ",pm"))
    code, _, message = run("evaluate", "assistant", bundle, x, y)
    assert code == 2
    assert "none of 48 rows are good" in message
