"""A search for anomalies: calibrated, safe to store, and taught by verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.anomaly.feedback import (
    ALIKE_FLOOR,
    ALIKE_WEIGHT,
    LEAST_ALIKE,
    LEAST_TONIGHT,
    TONIGHT_WEIGHT,
    VERDICT_WEIGHT,
    alike,
    interest,
    shared_leaves,
    show,
    votes,
)
from ampel_followup.anomaly.model import AnomalyModel, Examined, conformal
from ampel_followup.anomaly.places import lift, with_places
from ampel_followup.anomaly.words import sentences
from ampel_followup.anomaly_scores import AnomalyScores
from ampel_followup.errors import BundleError, TrainingError
from ampel_followup.evaluation.anomaly import evaluate_anomaly, with_all_labels
from ampel_followup.evaluation.anomaly_data import ClassTable, load_class_tables
from ampel_followup.learning.anomaly_training import AnomalyOptions, train_anomaly
from ampel_followup.models.anomaly_bundle import TREES, load_anomaly, save_anomaly

FEATURES = ("a", "b", "c")
SMALL = AnomalyOptions(class_trees=25, isolation_trees=25, mixture_features=3)


def drawn(centre: tuple[float, float, float], n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(centre, 1.0, (n, 3))


@pytest.fixture(scope="module")
def model() -> AnomalyModel:
    x = np.concatenate([drawn((0, 0, 0), 300, 1), drawn((6, 0, 0), 300, 2)])
    x[::7, 2] = np.nan
    return train_anomaly(x, ["one"] * 300 + ["two"] * 300, FEATURES, np.random.default_rng(1), SMALL)


def test_of_objects_like_those_trained_on_a_share_q_scores_above_1_minus_q(model: AnomalyModel) -> None:
    alike = np.concatenate([drawn((0, 0, 0), 1000, 3), drawn((6, 0, 0), 1000, 4)])
    alike[::7, 2] = np.nan
    score = model.examine(alike).score
    for q in (0.05, 0.1, 0.2):
        # 120 objects calibrate: three standard deviations of what they leave open.
        assert abs(float((score > 1 - q).mean()) - q) < 3 * np.sqrt(q * (1 - q) / 120) + 0.01


def test_what_lies_far_from_all_classes_scores_high_and_is_told_why(model: AnomalyModel) -> None:
    x = drawn((3, 15, 0), 20, 5)
    found = model.examine(x)
    assert float(found.score.min()) > 0.95
    text = sentences(model, x, found)[0]
    assert "Like nothing trained on" in text and "unusual: b" in text


def test_an_object_scores_the_same_alone_and_in_any_company(model: AnomalyModel) -> None:
    x = drawn((1, 1, 1), 50, 6)
    assert model.examine(x).score[17] == model.examine(x[17:18]).score[0]


def test_an_object_without_any_feature_has_no_score_and_comes_last(model: AnomalyModel) -> None:
    x = drawn((0, 0, 0), 5, 7)
    x[2] = np.nan
    found = model.examine(x)
    assert np.isnan(found.score[2]) and np.isfinite(np.delete(found.score, 2)).all()
    none = found.rows(np.arange(0))
    assert show(model, found, none, none).order[-1] == 2
    assert sentences(model, x, found)[2] == ""


def test_p_values_count_what_is_as_strange_or_stranger() -> None:
    calibration = np.array([[1.0], [2.0], [2.0], [3.0]])
    assert conformal(calibration, np.array([[2.0], [0.0], [9.0]]))[:, 0].tolist() == [0.8, 1.0, 0.2]


def test_votes_are_those_of_the_formula_leaf_by_leaf(model: AnomalyModel) -> None:
    tonight = model.examine(drawn((3, 3, 0), LEAST_TONIGHT + 5, 8)).leaves
    yes, no = tonight[:, :3], tonight[:, 5:9]
    expected = []
    beta = TONIGHT_WEIGHT * model.n_trained / tonight.shape[1]
    for i in range(10):
        shares = []
        for tree in range(len(tonight)):
            leaf = tonight[tree, i]
            for_it = (
                VERDICT_WEIGHT * np.count_nonzero(yes[tree] == leaf)
                + beta * (np.count_nonzero(tonight[tree] == leaf) - 1)
                + 0.1
            )
            against = VERDICT_WEIGHT * np.count_nonzero(no[tree] == leaf) + model.trained[leaf] + 0.1
            shares.append(for_it / (for_it + against))
        expected.append(np.mean(shares))
    assert votes(model, tonight, yes, no)[:10] == pytest.approx(expected)


def test_uncertainty_is_the_entropy_of_what_all_trees_of_the_classes_say_together(model: AnomalyModel) -> None:
    x = np.concatenate([drawn((3, 0, 0), 3, 22), drawn((0, 0, 0), 3, 23)])
    leaves = model.examine(x).leaves
    found = model.uncertainty(leaves)
    for i in range(len(x)):
        said = []
        for tree, leaf, first in zip(model.class_trees, leaves[:, i], model.first_leaf, strict=False):
            count = tree.count[leaf - first]
            said.append(count / count.sum())
        p = np.mean(said, axis=0)
        assert found[i] == pytest.approx(-sum(q * np.log(q) for q in p if q > 0))
    assert found[:3].mean() > found[3:].mean()


def test_what_tonight_has_more_of_is_explored_until_somebody_says_that_it_is_dull(model: AnomalyModel) -> None:
    usual = np.concatenate([drawn((0, 0, 0), 150, 24), drawn((6, 0, 0), 150, 25)])
    tonight = model.examine(np.concatenate([usual, 0.2 * drawn((0, 0, 0), 60, 26) + [3, 3, 0]]))
    more = np.arange(360) >= 300
    none = tonight.rows(np.arange(0))
    before = more[show(model, tonight, none, none).order[:20]].sum()
    after = more[show(model, tonight, none, tonight.rows(np.arange(300, 310))).order[:20]].sum()
    assert before >= 12 > 6 >= after


def test_verdicts_bring_more_of_what_was_called_interesting_to_the_top(model: AnomalyModel) -> None:
    pool = np.concatenate([drawn((3, 9, 0), 40, 9), drawn((3, -9, 0), 40, 10)])
    tonight = model.examine(pool)
    wanted = np.arange(80) < 40
    shown = show(model, tonight, tonight.rows(np.arange(5)), tonight.rows(np.arange(40, 45)), final=True)
    assert wanted[shown.order[:40]].mean() > 0.9
    other = show(model, tonight, tonight.rows(np.arange(40, 45)), tonight.rows(np.arange(5)), final=True)
    assert wanted[other.order[:40]].mean() < 0.1


def test_interest_is_that_of_the_formula_once_three_were_called_interesting(model: AnomalyModel) -> None:
    tonight = model.examine(np.concatenate([drawn((3, 9, 0), 20, 17), drawn((3, -9, 0), 20, 18)]))
    yes, no = tonight.rows(np.arange(LEAST_ALIKE)), tonight.rows(np.arange(20, 25))
    v = votes(model, tonight.leaves, yes.leaves, no.leaves)
    p = alike(model, tonight.normal, yes.normal, no.normal)
    assert p[:20].min() > p[20:].max()
    without = votes(model, tonight.leaves, yes.leaves[:, :0], no.leaves)
    trees = range(len(model.class_trees))
    found = interest(model, tonight, yes, no)
    for i in range(40):
        odds = v[i] / (1 - v[i]) * ((p[i] + ALIKE_FLOOR) / (1 - p[i] + ALIKE_FLOOR)) ** ALIKE_WEIGHT
        share = max(np.mean([tonight.leaves[t, i] == no.leaves[t, j] for t in trees]) for j in range(5))
        odds_without = without[i] / (1 - without[i])
        if odds > odds_without:
            odds *= (odds_without / odds) ** share
        assert found[i] == pytest.approx(odds / (1 + odds))
    two = tonight.rows(np.arange(LEAST_ALIKE - 1))
    none = tonight.rows(np.arange(0))
    assert np.array_equal(interest(model, tonight, two, none), votes(model, tonight.leaves, two.leaves, none.leaves))


@pytest.fixture(scope="module")
def night(model: AnomalyModel) -> Examined:
    """What is known, what is new in one corner, and what lies between: its likes get every kind of verdict."""
    return model.examine(np.concatenate([drawn((0, 0, 0), 40, 31), drawn((3, 9, 0), 40, 32), drawn((3, 3, 3), 40, 33)]))


rows = st.lists(st.integers(0, 119), max_size=8, unique=True)


@given(yes=rows, no=rows.filter(bool))
@settings(max_examples=30, deadline=None)
def test_whatever_is_approved_a_rejected_object_is_of_less_interest_than_before(
    model: AnomalyModel, night: Examined, yes: list[int], no: list[int]
) -> None:
    none = night.rows(np.arange(0))
    before = interest(model, night, none, none)
    approved = np.array([i for i in yes if i not in no], dtype=np.intp)
    after = interest(model, night, night.rows(approved), night.rows(np.array(no)))
    assert (after[no] < before[no]).all()


@given(one=st.integers(0, 119))
@settings(max_examples=30, deadline=None)
def test_one_approved_object_alone_raises_its_interest_and_lowers_that_of_none(
    model: AnomalyModel, night: Examined, one: int
) -> None:
    none, approved = night.rows(np.arange(0)), night.rows(np.array([one]))
    before, after = interest(model, night, none, none), interest(model, night, approved, none)
    assert after[one] > before[one]
    assert (after >= before - 1e-12).all()


@given(yes=st.lists(st.integers(0, 119), max_size=LEAST_ALIKE - 1, unique=True), no=rows, more=st.integers(0, 119))
@settings(max_examples=30, deadline=None)
def test_one_more_rejected_object_raises_the_interest_of_none(
    model: AnomalyModel, night: Examined, yes: list[int], no: list[int], more: int
) -> None:
    approved = night.rows(np.array(yes, dtype=np.intp))
    before = interest(model, night, approved, night.rows(np.array(no, dtype=np.intp)))
    after = interest(model, night, approved, night.rows(np.array([*no, more], dtype=np.intp)))
    assert (after <= before + 1e-12).all()


def test_a_rejected_object_is_of_less_interest_even_where_it_has_changed_since(
    model: AnomalyModel, night: Examined
) -> None:
    # Seen among what is known when it was rejected, and now among what was approved.
    none, rejected = night.rows(np.arange(0)), np.arange(120) == 50
    before = interest(model, night, none, none)
    approved, then = night.rows(np.arange(40, 50)), night.rows(np.array([3]))
    assert interest(model, night, approved, then)[50] > before[50]
    assert interest(model, night, approved, then, rejected)[50] <= before[50]


def test_shared_leaves_are_all_for_an_object_itself_and_few_for_what_is_far(
    model: AnomalyModel, night: Examined
) -> None:
    share = shared_leaves(model, night.leaves, night.leaves[:, 40:43])
    assert (share[40:43] == 1.0).all() and share[:40].max() < 0.5


def test_the_same_verdicts_teach_the_same_whatever_stands_beside(model: AnomalyModel) -> None:
    tonight = model.examine(drawn((3, 3, 0), 40, 19))
    yes, no = tonight.rows(np.arange(4)), tonight.rows(np.arange(4, 9))
    p = alike(model, tonight.normal, yes.normal, no.normal)
    assert np.array_equal(alike(model, tonight.normal[20:30], yes.normal, no.normal), p[20:30])


def test_with_all_labels_more_is_found_than_by_verdicts() -> None:
    x = np.concatenate([drawn((0, 0, 0), 300, 20), drawn((1, 1, 0), 200, 21)])
    table = ClassTable("made", x, FEATURES, np.repeat(["one", "new"], (300, 200)), np.arange(500) % 2 == 0)
    found = with_all_labels(table, "new", 1)
    assert 0.6 < found["all_labels"] <= found["all_labels_with_judged"] <= 1.0


def test_a_bundle_comes_back_with_the_same_scores_and_no_pickle(model: AnomalyModel, tmp_path: Path) -> None:
    info = {"name": "mine", "version": "1", "feature_sets": {}, "training": {"objects": 600}}
    bundle = save_anomaly(tmp_path / "mine", info, model)
    x = drawn((2, 2, 0), 30, 11)
    assert np.array_equal(bundle.model.examine(x).score, model.examine(x).score)
    assert np.array_equal(bundle.model.sample, model.sample, equal_nan=True)
    with np.load(tmp_path / "mine" / TREES, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "iuf" for name in arrays.files)
    with pytest.raises(BundleError, match="table of features"):
        bundle.score([])


def test_a_bundle_of_other_features_is_refused_on_one_line(model: AnomalyModel, tmp_path: Path) -> None:
    info = {"name": "mine", "version": "1", "feature_sets": {"early": "1"}, "training": {}}
    with pytest.raises(BundleError, match="needs the feature 'a'"):
        save_anomaly(tmp_path / "mine", info, model).score([])
    with pytest.raises(BundleError, match="needs features early 0"):
        save_anomaly(tmp_path / "old", {**info, "feature_sets": {"early": "0"}}, model).score([])


def test_constant_and_unmeasured_features_are_left_out_and_one_class_is_enough() -> None:
    x = np.column_stack([drawn((0, 0, 0), 100, 12), np.ones(100), np.full(100, np.nan)])
    trained = train_anomaly(x, ["one"] * 100, (*FEATURES, "same", "none"), np.random.default_rng(1), SMALL)
    assert trained.features == FEATURES and not trained.class_trees
    assert float(trained.examine(np.array([[20.0, 20.0, 20.0]])).score[0]) > 0.9


def test_what_cannot_be_trained_on_is_said() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(TrainingError, match="needs 50"):
        train_anomaly(np.full((100, 3), np.nan), ["one"] * 100, FEATURES, rng)
    with pytest.raises(TrainingError, match="two different values"):
        train_anomaly(np.ones((100, 3)), ["one"] * 100, FEATURES, rng)


def test_the_packaged_bundle_loads_and_is_small() -> None:
    bundle = load_anomaly()
    assert len(bundle.model.classes) == 10
    assert sum(map(len, bundle.files.values())) < 1_000_000


def test_a_class_left_out_is_found_by_verdicts_and_finished_runs_are_not_repeated(tmp_path: Path) -> None:
    x = np.concatenate([drawn((0, 0, 0), 200, 13), drawn((5, 0, 0), 200, 14), drawn((2.5, 3, 0), 80, 15)])
    y = np.repeat(["one", "two", "new"], (200, 200, 80))
    table = ClassTable("made", x, FEATURES, y, np.arange(480) % 2 == 0)
    runs = tmp_path / "runs.jsonl"
    result = evaluate_anomaly([table], [1], runs_file=runs)
    new = next(one for one in result["classes"] if one["left_out"] == "new")
    assert new["with_judged"]["mean"] > 3 * new["at_random"]["mean"]
    lines = runs.read_text()
    runs.write_text(lines + '{"key": "broken off')
    assert evaluate_anomaly([table], [1], runs_file=runs) == result
    assert runs.read_text().startswith(lines)


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    from ampel_followup.errors import FollowupError

    with pytest.raises(FollowupError, match="neither a folder snpcc nor"):
        load_class_tables(tmp_path)


class _Object:
    def __init__(self, place: int) -> None:
        self.anomaly = AnomalyScores(0.9, place=place) if place else None


def test_an_anomaly_is_lifted_to_its_place_and_never_lowered() -> None:
    priority = np.array([9.0, 8.0, 8.0, 7.0, 1.0, 6.0])
    objects = [_Object(4), _Object(0), _Object(0), _Object(0), _Object(2), _Object(0)]
    order = np.argsort(-lift(priority, objects), kind="stable").tolist()  # type: ignore[arg-type]
    assert order == [0, 4, 1, 2, 3, 5]


def test_no_places_without_anomalies() -> None:
    from ampel_followup.policy import Anomalies

    assert with_places([], Anomalies()) == []
    assert lift(np.array([1.0, 2.0]), [_Object(0), _Object(0)]).tolist() == [1.0, 2.0]  # type: ignore[list-item]
