"""A forest that learns from a stream: what it learns, forgets and refuses, and that a file of it is the same forest."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from ampel_followup.errors import BundleError, TrainingError
from ampel_followup.models.class_trees import count_in, from_arrays, grow_trees, reached, to_arrays, votes
from ampel_followup.models.classifier import encode
from ampel_followup.models.folder import GAIN, read_folder
from ampel_followup.models.incremental import RollingForest, RollingSettings
from ampel_followup.models.stream_memory import StreamMemory
from ampel_followup.store import Store

SMALL = RollingSettings(n_trees=20, lifetime=200, n_recent=50, n_sample=300)


def objects(n: int, seed: int, shift: float = 0.0):
    """Two classes that one of four features tells apart, around `shift`; a tenth is not measured."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    x = rng.normal(size=(n, 4))
    x[:, 0] += 3.0 * y + shift
    x[:, 1:][rng.random((n, 3)) < 0.1] = np.nan
    return x, np.array(["Ia", "II"])[y]


def accuracy(forest: RollingForest, x, y) -> float:
    return float((np.array(forest.classes)[forest.predict_proba(x).argmax(axis=1)] == y).mean())


def streamed(seed: int, chunks, settings: RollingSettings = SMALL) -> RollingForest:
    forest = RollingForest(np.random.default_rng(seed), settings)
    for x, y in chunks:
        forest.partial_fit(x, y)
    return forest


def test_trees_vote_as_the_library_that_grew_them():
    x, y = objects(300, 1)
    numbers = (y == "II").astype(np.intp)
    trees, cost = grow_trees(x, numbers, 2, 25, np.random.default_rng(2), min_samples_leaf=3)
    reference = RandomForestClassifier(
        25, min_samples_leaf=3, random_state=int(np.random.default_rng(2).integers(2**31))
    ).fit(encode(x), numbers)
    new, _ = objects(200, 3)
    np.testing.assert_allclose(votes(trees, reached(trees, new), 2), reference.predict_proba(encode(new)), atol=1e-12)
    assert cost.trees == 25 and cost.nodes == sum(len(tree.feature) for tree in trees)
    assert cost.rows_sorted >= 25 * 190 * 2  # each root sorts its bootstrap sample by two features


def test_counted_objects_vote_where_they_fell():
    x, y = objects(200, 1)
    trees, _ = grow_trees(x, (y == "II").astype(np.intp), 2, 10, np.random.default_rng(2))
    leaves = reached(trees, x[:1])
    before = votes(trees, leaves, 3)
    count_in(trees, np.repeat(leaves, 1000, axis=1), np.full(1000, 2), 3)
    after = votes(trees, leaves, 3)
    assert before[0, 2] == 0.0 and after[0, 2] > 0.9


def test_stored_trees_are_the_same_trees():
    x, y = objects(200, 4)
    trees, _ = grow_trees(x, (y == "II").astype(np.intp), 2, 10, np.random.default_rng(2))
    again = from_arrays(to_arrays(trees, 3), 4, 3)
    np.testing.assert_array_equal(votes(trees, reached(trees, x), 3), votes(again, reached(again, x), 3))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("feature", lambda a: np.where(a >= 0, 9, a), "a feature beyond its 4"),
        ("left", np.zeros_like, "not below its parent"),
        ("count", np.zeros_like, "a leaf without votes"),
        ("threshold", lambda a: a[:-1], "different lengths"),
    ],
)
def test_arrays_that_are_no_trees_are_refused(name, change, message):
    x, y = objects(100, 4)
    trees, _ = grow_trees(x, (y == "II").astype(np.intp), 2, 3, np.random.default_rng(2))
    arrays = to_arrays(trees, 2)
    with pytest.raises(BundleError, match=message):
        from_arrays({**arrays, name: change(arrays[name])}, 4, 2)


def test_forest_learns_from_a_stream_as_well_as_from_all_at_once():
    chunks = [objects(50, seed) for seed in range(20)]
    x, y = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    batch, _ = grow_trees(x, (y == "II").astype(np.intp), 2, 20, np.random.default_rng(0))
    new_x, new_y = objects(2000, 99)
    at_once = (np.array(["Ia", "II"])[votes(batch, reached(batch, new_x), 2).argmax(axis=1)] == new_y).mean()
    assert accuracy(streamed(1, chunks), new_x, new_y) == pytest.approx(at_once, abs=0.02)


def test_an_object_costs_as_many_trees_whatever_the_chunks():
    x, y = objects(2000, 5)
    cost = {
        size: streamed(1, [(x[i : i + size], y[i : i + size]) for i in range(0, 2000, size)]).cost.trees
        for size in (20, 50, 100)
    }
    # 20 trees with a life of 200 objects, after the start.
    assert all(2000 * 20 / 200 <= trees <= 2000 * 20 / 200 + 100 for trees in cost.values())


def test_forgotten_world_is_unlearned_faster_with_an_eye_on_errors():
    settings = {"n_trees": 30, "lifetime": 2000, "n_recent": 100, "n_sample": 2000}
    before = [objects(50, seed) for seed in range(20)]
    after = [objects(50, seed, shift=3.0) for seed in range(20, 28)]  # what was II now looks like Ia did
    new_x, new_y = objects(1000, 99, shift=3.0)
    watching = streamed(1, before + after, RollingSettings(**settings, discount=0.0))
    blind = streamed(1, before + after, RollingSettings(**settings, confidence=None))
    assert [n for n, _ in watching.changes] == [pytest.approx(1100, abs=100)]
    assert watching.changes[0][1].after > watching.changes[0][1].before + 0.2
    assert blind.changes == []
    assert accuracy(watching, new_x, new_y) > accuracy(blind, new_x, new_y) + 0.05


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 60), min_size=1, max_size=5))
def test_same_seed_and_chunks_give_the_same_forest(seed, sizes):
    chunks = [objects(max(size, 1) if i == 0 else size, i) for i, size in enumerate(sizes)]
    x, _ = objects(40, 77)
    one, other = streamed(seed, chunks), streamed(seed, chunks)
    np.testing.assert_array_equal(one.predict_proba(x), other.predict_proba(x))
    np.testing.assert_allclose(one.predict_proba(x).sum(axis=1), 1.0)
    assert one.cost == other.cost


def test_saved_forest_goes_on_as_if_it_had_never_stopped(tmp_path):
    early, late = [objects(60, seed) for seed in range(6)], [objects(60, seed, shift=3.0) for seed in range(6, 14)]
    forest = streamed(1, early)
    forest.save(tmp_path / "forest", name="mine")
    again = RollingForest.load(tmp_path / "forest")
    assert again.classes == forest.classes and again.cost == forest.cost and again.settings == forest.settings
    for x, y in late:
        forest.partial_fit(x, y)
        again.partial_fit(x, y)
    x, _ = objects(50, 99)
    np.testing.assert_array_equal(again.predict_proba(x), forest.predict_proba(x))
    assert again.changes == forest.changes and again.n_seen == forest.n_seen == 14 * 60


def test_saving_twice_writes_the_same_bytes(tmp_path):
    forest = streamed(1, [objects(60, 1)])
    for name in ("a", "b"):
        forest.save(tmp_path / name)
    for file in ("bundle.json", "forest.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_altered_forest_is_refused_and_taken_for_no_other_bundle(tmp_path):
    streamed(1, [objects(60, 1)]).save(tmp_path)
    with pytest.raises(BundleError, match="is a bundle for a classifier that learns from a stream"):
        read_folder(tmp_path, GAIN)
    (tmp_path / "forest.npz").write_bytes(b"not these")
    with pytest.raises(BundleError, match="was altered"):
        RollingForest.load(tmp_path)


def test_saved_forest_is_listed_shown_and_verified_by_the_commands(run, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "ampel-followup" / "bundles" / "rolling"
    streamed(1, [objects(60, seed) for seed in range(3)]).save(folder, name="mine")
    _, out, _ = run("bundle", "list", "--json")
    [entry] = [found for found in json.loads(out)["bundles"] if found["name"] == "rolling"]
    assert (entry["kind"], entry["classes"]) == ("stream", ["II", "Ia"])
    assert entry["knows"] == "2 classes, from 180 objects of a stream"
    assert "error" not in entry and "2 classes, from 180 objects of a stream" in run("bundle", "list")[1]
    code, out, err = run("bundle", "show", "rolling")
    assert code == 0, err
    assert "mine 1, kind stream" in out and "objects of the stream so far: 180" in out and "lifetime" in out
    assert "mine 1: intact, kind stream, 2 files" in run("bundle", "verify", "rolling")[1]
    code, _, err = run("learn", "promote", "rolling", "--observer", "ada", "--store", store_in(tmp_path))
    assert code == 2 and "is a bundle for a classifier that learns from a stream" in err
    (folder / "forest.npz").write_bytes(b"not these")
    assert "was altered" in run("bundle", "list")[1]
    assert run("bundle", "verify", "rolling")[0] == 2


def store_in(folder):
    Store.open(folder / "night.sqlite").close()
    return folder / "night.sqlite"


def test_forest_with_another_generator_cannot_be_saved(tmp_path):
    forest = RollingForest(np.random.Generator(np.random.MT19937(1)), SMALL)
    forest.partial_fit(*objects(30, 1))
    with pytest.raises(BundleError, match=r"MT19937 cannot be saved; use numpy's default_rng"):
        forest.save(tmp_path)


def test_class_never_seen_before_is_learned_when_it_comes():
    forest = streamed(1, [objects(100, seed) for seed in range(3)])
    x, _ = objects(60, 9)
    x[:, 3] = 50.0
    assert forest.classes == ("II", "Ia")
    for begin in range(0, 60, 20):
        forest.partial_fit(x[begin : begin + 20], ["TDE"] * 20)
    assert forest.classes == ("II", "Ia", "TDE")
    assert (forest.predict_proba(x).argmax(axis=1) == 2).mean() > 0.9
    assert accuracy(forest, *objects(500, 10)) > 0.85


def test_chunk_of_a_single_class_does_not_make_the_forest_forget_the_others():
    forest = streamed(1, [objects(100, seed) for seed in range(4)])
    x, y = objects(60, 9)
    forest.partial_fit(x[y == "Ia"], y[y == "Ia"])
    assert accuracy(forest, *objects(500, 10)) > 0.85


def test_forest_begins_with_one_object_of_one_class():
    forest = RollingForest(np.random.default_rng(1), SMALL)
    forest.partial_fit([[1.0, np.nan]], ["Ia"])
    np.testing.assert_array_equal(forest.predict_proba([[0.0, 0.0], [np.nan, np.nan]]), [[1.0], [1.0]])


def test_no_objects_are_no_news():
    forest = streamed(1, [objects(60, 1)])
    x, _ = objects(30, 2)
    before = forest.predict_proba(x)
    forest.partial_fit(np.empty((0, 4)), [])
    np.testing.assert_array_equal(forest.predict_proba(x), before)
    assert forest.predict_proba(np.empty((0, 4))).shape == (0, 2)


def test_objects_without_a_measured_feature_get_the_shares_of_the_classes():
    x, y = objects(300, 1)
    missing = np.full((100, 4), np.nan)
    forest = streamed(1, [(x, y), (missing, np.array(["II"] * 80 + ["Ia"] * 20))])
    p = forest.predict_proba(np.full((1, 4), np.nan))
    assert p[0, forest.classes.index("II")] > 0.6
    forest.partial_fit(np.full((5, 4), np.inf), ["II"] * 5)  # beyond what trees tell apart, but no error


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((2, 3)), ["Ia", "II"], "3 features, the learner has 4"),
        (np.zeros((2, 4)), ["Ia"], "1 labels for 2 objects"),
        (np.zeros((2, 4)), ["Ia", None], "row 2 has no label"),
        (np.zeros((2, 4)), np.array([1.0, np.nan]), "row 2 has no label"),
        (np.zeros((2, 4)), ["", "II"], "row 1 has no label"),
        (np.zeros(4), ["Ia"], r"features have shape \(4,\)"),
        ([["a", "b", "c", "d"]], ["Ia"], "features are no numbers"),
    ],
)
def test_what_cannot_be_learned_is_named_and_changes_nothing(x, y, message):
    forest = streamed(1, [objects(60, 1)])
    new, _ = objects(30, 2)
    before = forest.predict_proba(new)
    with pytest.raises(TrainingError, match=message):
        forest.partial_fit(x, y)
    np.testing.assert_array_equal(forest.predict_proba(new), before)
    assert forest.classes == ("II", "Ia") and forest.n_seen == 60


def test_forest_that_has_seen_nothing_says_so(tmp_path):
    forest = RollingForest(np.random.default_rng(1), SMALL)
    forest.partial_fit(np.empty((0, 4)), [])
    assert forest.n_features is None and forest.n_seen == 0
    with pytest.raises(TrainingError, match="seen no objects yet"):
        forest.predict_proba(np.zeros((1, 4)))
    with pytest.raises(TrainingError, match="nothing to save"):
        forest.save(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_trees": 0},
        {"lifetime": 0},
        {"discount": 1.5},
        {"max_features": "all"},
        {"max_features": 0.0},
        {"confidence": 2},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(TrainingError):
        RollingSettings(**wrong)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 30), st.integers(1, 30))
def test_memory_has_the_latest_objects_and_a_sample_of_those_before(sizes, n_recent, n_sample):
    memory, rng = StreamMemory.empty(1, n_recent, n_sample), np.random.default_rng(0)
    n = 0
    for size in sizes:
        memory.add(np.arange(n, n + size, dtype=np.float64)[:, None], np.arange(n, n + size), rng)
        n += size
    recent, sample = memory.arrived[memory.n_sampled :], memory.arrived[: memory.n_sampled]
    np.testing.assert_array_equal(recent, np.arange(max(n - n_recent, 0), n))
    assert len(sample) == min(n_sample, max(n - n_recent, 0)) == len(set(sample.tolist()))
    np.testing.assert_array_equal(memory.x[:, 0], memory.arrived)
    np.testing.assert_array_equal(memory.y, memory.arrived)


def test_every_earlier_object_is_remembered_as_probably():
    kept = np.zeros(400)
    for seed in range(400):
        memory, rng = StreamMemory.empty(1, 10, 40), np.random.default_rng(seed)
        for _ in range(10):
            memory.add(np.zeros((41, 1)), np.zeros(41, dtype=np.intp), rng)
        kept[memory.arrived[: memory.n_sampled]] += 1
    # A tenth of the 400 objects before the latest ten, each in 40 of 400 memories, with a deviation of 6.
    assert kept.reshape(4, 100).mean(axis=1) == pytest.approx(40.0, abs=2.5)
    assert kept.std() < 9


def test_objects_from_before_a_change_are_worth_less_and_then_nothing():
    memory, rng = StreamMemory.empty(1, 50, 200), np.random.default_rng(0)
    memory.add(np.zeros((1000, 1)), np.zeros(1000, dtype=np.intp), rng)
    memory.discount(980, 0.2)
    assert len(memory) == 250 and set(memory.weight[memory.arrived < 980]) == {0.2}
    assert (memory.weight[memory.arrived >= 980] == 1.0).all()
    memory.add(np.zeros((300, 1)), np.zeros(300, dtype=np.intp), rng)
    # 190 offered stand for the 950 before: of 490 that the sample is drawn from now, most are new.
    assert (memory.arrived[: memory.n_sampled] >= 950).mean() > 0.5
    memory.discount(1000, 0.2)
    assert memory.arrived.min() >= 980 and (memory.weight[memory.arrived < 1000] == 0.2).all()
    memory.discount(1300, 0.0)
    assert len(memory) == 0
