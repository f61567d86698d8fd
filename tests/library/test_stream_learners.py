"""ADAIN, simple learners of chunks, and the eye on errors: the formulas, and what they do at their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ampel_followup.errors import TrainingError
from ampel_followup.models.adain import Adain, map_weights, next_weights
from ampel_followup.models.chunk_learners import EqualVotes, ForestSettings, FullRetrain, LastChunk, named_classes
from ampel_followup.models.error_drift import ErrorDrift, cuts

SMALL = ForestSettings(n_trees=15)
LEARNERS = [FullRetrain, LastChunk, EqualVotes, Adain]


def objects(n: int, seed: int, swapped: bool = False):
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    x = rng.normal(size=(n, 3))
    x[:, 0] += 3.0 * (1 - y if swapped else y)
    x[:, 1:][rng.random((n, 2)) < 0.1] = np.nan
    return x, np.array(["Ia", "II"])[y]


def accuracy(learner, x, y) -> float:
    return float((np.array(learner.classes)[learner.predict_proba(x).argmax(axis=1)] == y).mean())


@given(
    arrays(np.float64, st.integers(1, 30), elements=st.floats(1e-6, 1.0)),
    st.data(),
)
def test_weights_of_a_chunk_are_positive_and_sum_to_one(mapped, data):
    mapped = mapped / mapped.sum()
    wrong = data.draw(arrays(np.bool_, len(mapped)))
    weight, beta = next_weights(mapped, wrong)
    assert (weight > 0).all() and weight.sum() == pytest.approx(1.0) and 0 < beta <= 1


def test_weights_are_those_of_the_paper():
    mapped = np.array([0.1, 0.2, 0.3, 0.4])
    weight, beta = next_weights(mapped, np.array([True, False, False, False]))
    assert beta == pytest.approx(1 / 7)  # ε = 1/8, half an object, which is more than the 0.1 that are wrong
    weight, beta = next_weights(mapped, np.array([False, False, True, False]))
    assert beta == pytest.approx(0.3 / 0.7)
    expected = np.array([0.1 * beta, 0.2 * beta, 0.3, 0.4 * beta])
    np.testing.assert_allclose(weight, expected / expected.sum())
    # What the forest got wrong has half of the weight now: it cannot be right by chance again.
    assert weight[2] == pytest.approx(0.5)


def test_forest_that_is_mostly_wrong_changes_no_weights_and_has_no_vote():
    mapped = np.array([0.1, 0.2, 0.3, 0.4])
    weight, beta = next_weights(mapped, np.array([False, True, True, True]))
    np.testing.assert_allclose(weight, mapped)
    assert beta == 1.0


@given(
    arrays(np.float64, (5, 3), elements=st.floats(-1e3, 1e3) | st.just(np.nan)),
    arrays(np.float64, (4, 3), elements=st.floats(-1e3, 1e3) | st.just(np.nan)),
    arrays(np.float64, 5, elements=st.floats(1e-9, 1.0)),
)
def test_mapped_weights_are_positive_and_sum_to_one(then, now, weight):
    mapped = map_weights(then, now, weight)
    assert mapped.shape == (4,) and (mapped > 0).all() and mapped.sum() == pytest.approx(1.0)


def test_objects_take_the_weight_of_their_nearest_neighbour():
    then, now = np.array([[0.0, 1.0], [10.0, 2.0], [20.0, 3.0]]), np.array([[20.5, 3.1], [-1.0, 0.9]])
    np.testing.assert_allclose(map_weights(then, now, np.array([0.2, 0.3, 0.5])), [0.5 / 0.7, 0.2 / 0.7])
    # In another unit it is the same.
    np.testing.assert_allclose(map_weights(then * 1e6, now * 1e6, np.array([0.2, 0.3, 0.5])), [0.5 / 0.7, 0.2 / 0.7])


def test_votes_of_adain_are_weighted_by_how_right_the_forests_were():
    learner = Adain(np.random.default_rng(1), SMALL)
    for seed in range(4):
        learner.partial_fit(*objects(80, seed, swapped=seed == 2))
    weight = learner.vote_weight
    assert len(weight) == 4 and (weight >= 0).all()
    assert weight[0] > 1.0  # right on the second chunk
    assert weight[1] < weight[0] and weight[2] == 0.0  # wrong on the chunk that follows
    assert weight[3] == weight[2]  # not measured yet
    assert learner.weight.sum() == pytest.approx(1.0)
    assert accuracy(learner, *objects(300, 9)) > 0.85


def test_named_classes_count_by_weight():
    p = [np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]]), np.array([[0.2, 0.8]])]
    np.testing.assert_allclose(named_classes(p, np.array([3.0, 1.0, 1.0])), [[0.6, 0.4]])
    np.testing.assert_allclose(named_classes(p, np.zeros(3)), [[1 / 3, 2 / 3]])


@pytest.mark.parametrize("kind", LEARNERS)
def test_learners_learn_from_chunks_of_all_kinds(kind):
    learner = kind(np.random.default_rng(1), SMALL)
    with pytest.raises(TrainingError, match="seen no objects yet"):
        learner.predict_proba(np.zeros((1, 3)))
    learner.partial_fit(np.empty((0, 3)), [])
    x, y = objects(120, 1)
    learner.partial_fit(x[y == "Ia"], y[y == "Ia"])
    assert learner.classes == ("Ia",)
    learner.partial_fit(x, y)
    learner.partial_fit(np.full((4, 3), np.nan), ["SLSN", "SLSN", "Ia", "II"])
    learner.partial_fit(*objects(120, 2))
    assert learner.classes == ("Ia", "II", "SLSN")
    new_x, new_y = objects(300, 3)
    p = learner.predict_proba(new_x)
    assert p.shape == (300, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert accuracy(learner, new_x, new_y) > 0.85
    for wrong, labels in ((np.zeros((1, 2)), ["Ia"]), (np.zeros((1, 3)), [np.nan]), (np.zeros((1, 3)), [])):
        with pytest.raises(TrainingError):
            learner.partial_fit(wrong, labels)


@pytest.mark.parametrize("kind", LEARNERS)
def test_same_seed_gives_the_same_learner(kind):
    x, _ = objects(50, 9)
    p = []
    for _ in range(2):
        learner = kind(np.random.default_rng(3), SMALL)
        for seed in range(3):
            learner.partial_fit(*objects(40, seed))
        p.append(learner.predict_proba(x))
    np.testing.assert_array_equal(*p)


def test_full_retrain_remembers_and_the_last_chunk_does_not():
    full, last = (kind(np.random.default_rng(1), SMALL) for kind in (FullRetrain, LastChunk))
    for learner in (full, last):
        for seed in range(5):
            learner.partial_fit(*objects(60, seed))
        learner.partial_fit(*objects(20, 5, swapped=True))
    new = objects(500, 9)
    assert accuracy(full, *new) > 0.85 and accuracy(last, *new) < 0.3
    assert full.cost.rows_sorted > 5 * last.cost.rows_sorted


@given(st.booleans(), st.lists(st.integers(0, 500), max_size=8))
def test_constant_answers_raise_no_alarm(wrong, sizes):
    drift = ErrorDrift()
    assert all(drift.update(np.full(size, wrong)) is None for size in sizes)
    assert len(drift.window) == min(sum(sizes), drift.longest)


def alarms(seed: int, rate: float, chunk: int):
    """Objects seen and what was found, at every alarm over 1,500 answers; from 1,000 on half of all more are wrong."""
    rng = np.random.default_rng(seed)
    stream = rng.random(1500) < np.where(np.arange(1500) < 1000, rate, rate + 0.5)
    drift = ErrorDrift()
    looks = [(min(begin + chunk, 1500), drift.update(stream[begin : begin + chunk])) for begin in range(0, 1500, chunk)]
    return [(n, change) for n, change in looks if change is not None]


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.4), st.integers(10, 200))
@example(seed=195, rate=0.359375, chunk=164)  # a fall by chance in the same look swallowed the rise
def test_jump_of_the_error_raises_an_alarm(seed, rate, chunk):
    late = [(n, change) for n, change in alarms(seed, rate, chunk) if n > 1000]
    assert late and late[0][0] <= 1200 + chunk
    assert all(change.after > change.before for _, change in late)


def test_change_is_dated():
    dates = [next(n - change.n_since for n, change in alarms(seed, 0.2, 100) if n > 1000) for seed in range(20)]
    assert np.median(np.abs(np.array(dates) - 1000)) <= 25


def test_false_alarms_are_rare():
    alarms = 0
    for seed in range(50):
        drift, rng = ErrorDrift(), np.random.default_rng(seed)
        alarms += any(drift.update(rng.random(100) < 0.2) is not None for _ in range(25))
    assert alarms <= 7


def test_falling_error_is_no_alarm_but_forgotten():
    drift, rng = ErrorDrift(), np.random.default_rng(1)
    for rate in (0.6, 0.1, 0.1, 0.1):
        assert drift.update(rng.random(300) < rate) is None
    assert drift.window.mean() < 0.15


def test_window_is_cut_at_a_few_places_and_never_when_short():
    assert len(cuts(59)) == 0 and cuts(60).tolist() == [30]
    assert cuts(2000)[0] == 30 and cuts(2000)[-1] <= 1970 and len(cuts(2000)) < 20


@pytest.mark.parametrize("wrong", [{"confidence": 0.0}, {"confidence": 1.0}, {"longest": 10}])
def test_eye_that_cannot_see_is_refused(wrong):
    with pytest.raises(TrainingError):
        ErrorDrift(**wrong)
