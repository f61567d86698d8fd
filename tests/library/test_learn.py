"""A challenger learns from labels, is tested on what it was not trained on, and leaves everything whole."""

from __future__ import annotations

import csv
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from sample_challengers import comparison

from ampel_followup.champions import Challenger, ClassChange
from ampel_followup.errors import TrainingError
from ampel_followup.labels import Label
from ampel_followup.learning import challenger as learning
from ampel_followup.learning.challenger import LearningOptions, learn
from ampel_followup.learning.paired_comparison import differences
from ampel_followup.promotion_policy import judge, load_promotion_policy
from ampel_followup.store import Store

NOW = "2026-11-28T20:00:00.000000Z"


@pytest.fixture
def place(ranked_night: Path, tmp_path: Path) -> Path:
    return shutil.copytree(ranked_night, tmp_path / "loop")


def truth(place: Path, n: int = 60) -> dict[str, str]:
    with Store.open(place / "night.sqlite") as store:
        listed = [target.id for target in store.load_plan().plan.targets[:n]]
    with (place / "night" / "truth.csv").open() as file:
        known = {row["id"]: row["label"] for row in csv.DictReader(file)}
    return {name: known[name] for name in listed}


def say(store: Store, named: dict[str, str], source: str = "spectrum") -> None:
    store.add_labels([Label(name, label_type, source, NOW) for name, label_type in named.items()])


def run_learn(store: Store, place: Path, name: str = "one", **options: object) -> learning.Learned:
    chosen = LearningOptions(folds=2, **options)  # type: ignore[arg-type]
    return learn(store, place / "mine", name=name, created=NOW, options=chosen)


def test_an_interrupted_learn_changes_nothing_and_goes_on_where_it_was(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with Store.open(place / "night.sqlite") as store:
        say(store, truth(place))
        with monkeypatch.context() as patch:
            patch.setattr(learning, "train_on_features", interrupt)
            with pytest.raises(KeyboardInterrupt):
                run_learn(store, place)
        assert store.learning.challengers() == []
        assert not (place / "challengers" / "one").exists()
        with monkeypatch.context() as patch:
            # The folds are done: no model of them is trained again.
            patch.setattr("ampel_followup.learning.paired_comparison.fit_p_t", interrupt)
            resumed = run_learn(store, place)
        fresh = run_learn(store, place, "two")
    # The trees of a forest vote in any order, so that sums differ in their last bit.
    np.testing.assert_allclose(resumed.after, fresh.after, atol=1e-12)
    assert resumed.challenger.bundle_digest != fresh.challenger.bundle_digest  # their names are part of them
    assert resumed.challenger.comparison.confusion_after == fresh.challenger.comparison.confusion_after
    assert [p.name for p in (place / "challengers").iterdir() if p.name.startswith(".")] == []


def test_what_was_learned_is_not_tested_again(place: Path) -> None:
    named = truth(place)
    early, late = dict(list(named.items())[:40]), dict(list(named.items())[40:])
    with Store.open(place / "night.sqlite") as store:
        say(store, early)
        first = run_learn(store, place)
        assert sorted(first.ids) == sorted(early)
        say(store, late)
        again = learn(store, first.folder, name="next", created=NOW, options=LearningOptions(folds=2))
    assert sorted(again.ids) == sorted(late)
    assert again.n_known == 40


def test_a_class_never_seen_joins_when_there_are_enough_of_it(place: Path) -> None:
    named = truth(place)
    novae = dict.fromkeys(list(named)[:12], "nova")
    with Store.open(place / "night.sqlite") as store:
        say(store, named | novae)
        few = run_learn(store, place, "few", min_class=13)
        many = run_learn(store, place, "many", min_class=12)
    reason = "class never seen in training, and fewer than 13 objects of it"
    assert (few.challenger.new_classes, few.challenger.left_out[reason]) == ((), 12)
    assert many.challenger.new_classes == ("nova",)
    assert many.challenger.comparison.classes[-1] == "nova"
    assert many.challenger.comparison.n_objects == len(named) - 12


def test_too_little_to_learn_from_is_said_and_the_labels_are_kept(place: Path) -> None:
    named = truth(place)
    with Store.open(place / "night.sqlite") as store:
        say(store, dict.fromkeys(list(named)[:15], "SN Ia"))
        with pytest.raises(TrainingError, match="are of one class, 'SN Ia'"):
            run_learn(store, place)
        say(store, dict.fromkeys(list(named)[15:20], "SN") | {list(named)[20]: "squid", "ZTF18nowhere": "SN II"})
        disputed = list(named)[21]
        say(store, {disputed: "SN Ia"}, "A")
        say(store, {disputed: "SN II"}, "B")
        with pytest.raises(TrainingError) as error:
            run_learn(store, place)
        n_labels = len(store.labels())
    for reason in ("too coarse (5", "not in the taxonomy (1", "never in a plan (1", "equal trust disagree (1"):
        assert reason in str(error.value)
    assert n_labels == 24
    assert not (place / "challengers").exists()


def test_intervals_are_those_of_a_plain_bootstrap_over_groups() -> None:
    rng = np.random.default_rng(5)
    y, groups = rng.integers(3, size=80), rng.integers(30, size=80)
    before, after = rng.dirichlet(np.ones(3), 80), rng.dirichlet(np.ones(3), 80)
    found = {d.metric: d for d in differences(before, after, y, groups, np.random.default_rng(1))}
    names = np.unique(groups)
    gains = []
    for _ in range(1500):
        rows = np.concatenate([np.flatnonzero(groups == g) for g in rng.choice(names, len(names))])
        hits = [(p[rows].argmax(axis=1) == y[rows]).mean() for p in (before, after)]
        gains.append(hits[1] - hits[0])
    accuracy = found["accuracy"]
    assert accuracy.before == pytest.approx((before.argmax(axis=1) == y).mean())
    assert (accuracy.low, accuracy.high) == pytest.approx(tuple(np.quantile(gains, [0.025, 0.975])), abs=0.03)
    same = differences(before, before, y, groups, np.random.default_rng(1))
    assert [(d.gain, d.low, d.high) for d in same] == [(0.0, 0.0, 0.0)] * 3


def test_a_policy_allows_what_is_better_and_says_what_is_missing() -> None:
    def made(**fields: object) -> Challenger:
        compared = comparison(**fields)  # type: ignore[arg-type]
        return Challenger("one", NOW, "one 1", "d", "challengers/one", "c 1", "c", 60, 10.0, 1, (), {}, compared)

    policy = load_promotion_policy()
    assert judge(made(n_objects=60), policy).allowed
    few = judge(made(n_objects=20), policy)
    assert (few.allowed, "not met: 20 labelled objects, 50 needed" in few.sentence) == (False, True)
    assert not judge(made(n_objects=60, gain=0.001), policy).allowed


def test_a_class_may_lose_exactly_as_much_recall_as_the_policy_allows() -> None:
    lost = ClassChange("SN II", 10, 0.8, 0.7, 0.5, 0.5)  # 0.8 - 0.7 > 0.1 in floating point
    compared = comparison(n_objects=60, per_class=(lost,))
    made = Challenger("one", NOW, "one 1", "d", "challengers/one", "c 1", "c", 60, 10.0, 1, (), {}, compared)
    assert judge(made, load_promotion_policy()).allowed
    lost = ClassChange("SN II", 10, 0.8, 0.69, 0.5, 0.5)
    made = dataclasses.replace(made, comparison=dataclasses.replace(compared, per_class=(lost,)))
    assert "not met: SN II loses 0.11 of its recall, 0.1 allowed" in judge(made, load_promotion_policy()).sentence
