"""The assistant's bundle: two days side by side, honest on what it was trained on, and never taken for another kind."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ampel_followup.errors import BundleError
from ampel_followup.features.context import galactic_latitude
from ampel_followup.features.derived import needed_columns, select_columns
from ampel_followup.models.assistant_bundle import ScoreModel, load_assistant, member_key
from ampel_followup.models.assistant_saving import TrainedDay, TrainedScore, fold_members, save_assistant
from ampel_followup.models.bundle import load_bundle
from ampel_followup.models.trees import Calibration, TreeEnsemble

HEAD = {"name": "toy", "version": "1", "created": "2026-01-01", "description": "toy", "feature_sets": {"early": "1"},
        "galactic_weight": 0.5}  # fmt: skip
FEATURES = {"real": ("rb", "mag"), "galactic": ("mag", "abs_galactic_latitude")}
COLUMNS = ("ra", "dec", "mag", "rb", "extra")
N_FOLDS = 4


def stump(features: tuple[str, ...], column: int, threshold: float, height: float) -> ScoreModel:
    """One decision: `height` above the threshold, −`height` below."""
    trees = TreeEnsemble(
        features, 0.0, np.array([column, -1, -1]), np.array([threshold, -height, height]),
        np.array([True, False, False]), np.array([10.0, 5.0, 5.0]),
    )  # fmt: skip
    return ScoreModel(trees, Calibration(-2.0, 0.1))


def trained(day: str = "1", *, n_folds: int = N_FOLDS, height: float = 1.0) -> TrainedDay:
    """Models whose fold number i has a height of its own."""
    scores = {}
    for name, features in FEATURES.items():
        folds = tuple(stump(features, 0, 0.5, height + 1.0 + i) for i in range(n_folds))
        scores[name] = TrainedScore(stump(features, 0, 0.5, height), folds)
    ids = [f"object {i}" for i in range(20)]
    return TrainedDay(
        scores,
        fold_members(ids, [i % n_folds for i in range(20)]) if n_folds else {},
        {"objects": 20, "table": f"day {day}"},
        {"aurak": 0.9},
        {"mag": {"measured": 1.0, "deciles": list(range(11))}},
    )


def table(n: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(0, 360, n), rng.uniform(-90, 90, n), rng.random((n, 3))])


@pytest.fixture
def folder(tmp_path):
    save_assistant(tmp_path / "toy", HEAD, {"1": trained()})
    return tmp_path / "toy"


def test_probabilities_are_those_of_the_models_that_were_saved(folder):
    bundle = load_assistant(folder)
    x = table(50)
    scores = bundle.probabilities("1", COLUMNS, x)
    assert (bundle.days, tuple(scores)) == (("1",), ("real", "galactic"))
    rb = np.where(x[:, 3] <= 0.5, -1.0, 1.0)
    np.testing.assert_allclose(scores["real"], 1 / (1 + np.exp(-2.0 * rb + 0.1)), rtol=1e-12)
    # The order of the columns of a table does not matter.
    turned = bundle.probabilities("1", COLUMNS[::-1], x[:, ::-1])
    np.testing.assert_array_equal(turned["galactic"], scores["galactic"])


def test_galactic_latitude_is_derived_where_a_table_has_none(folder):
    bundle = load_assistant(folder)
    assert set(bundle.features("1")) == {"rb", "mag", "abs_galactic_latitude"}
    assert bundle.columns("1") == ("rb", "mag", "ra", "dec")
    assert needed_columns(["dec", "abs_galactic_latitude"]) == ("dec", "ra")
    x = table(5)
    derived = select_columns(COLUMNS, x, ["abs_galactic_latitude"])
    np.testing.assert_array_equal(derived[:, 0], np.abs(galactic_latitude(x[:, 0], x[:, 1])))
    given = select_columns(
        (*COLUMNS, "abs_galactic_latitude"), np.column_stack([x, np.arange(5)]), bundle.features("1")
    )
    np.testing.assert_array_equal(given[:, 2], np.arange(5))
    with pytest.raises(BundleError, match=r"lacks rb, abs_galactic_latitude, which the model asks for; add"):
        select_columns(("ra", "mag"), x[:, :2], bundle.features("1"))


def test_an_object_that_was_trained_on_is_scored_by_the_model_that_has_not_seen_it(folder):
    bundle = load_assistant(folder)
    x = np.tile([10.0, 10.0, 0.5, 0.9, 0.0], (6, 1))
    ids = ["object 0", "object 1", "object 5", "object 19", "new", "object 1"]
    scores, seen = bundle.out_of_fold("1", COLUMNS, x, ids)
    np.testing.assert_array_equal(seen, [True, True, True, True, False, True])
    # Fold models have heights 2, 3, 4, 5, the served one 1.
    heights = np.array([2.0, 3.0, 3.0, 5.0, 1.0, 3.0])
    np.testing.assert_allclose(scores["real"], 1 / (1 + np.exp(-2.0 * heights + 0.1)), rtol=1e-12)
    np.testing.assert_array_equal(scores["real"][4], bundle.probabilities("1", COLUMNS, x)["real"][4])
    with pytest.raises(BundleError, match="6 rows of features, but 2 ids"):
        bundle.out_of_fold("1", COLUMNS, x, ids[:2])


def test_ids_are_the_same_object_as_numbers_and_as_text():
    assert member_key(1160457911144448000) == member_key("1160457911144448000")
    assert member_key(np.int64(5)) == member_key("5") and len(member_key(5)) == 16
    assert fold_members([1, 1, 2], [0, 0, 1]) == {member_key(1): 0, member_key(2): 1}
    with pytest.raises(ValueError, match="object 1 is in folds 0 and 2"):
        fold_members([1, 1], [0, 2])


def test_a_day_is_added_to_a_bundle_and_replaced_without_touching_the_other(folder):
    before = load_assistant(folder)
    both = save_assistant(folder, HEAD | {"version": "2"}, {"N": trained("N", height=3.0)})
    assert (both.days, both.label) == (("1", "N"), "toy 2")
    x = table(30)
    for name, score in before.probabilities("1", COLUMNS, x).items():
        np.testing.assert_array_equal(both.probabilities("1", COLUMNS, x)[name], score)
    assert both.info["training"]["1"]["table"] == "day 1" and both.info["training"]["N"]["table"] == "day N"
    assert both.members("1") == both.members("N") != {}
    again = save_assistant(folder, HEAD | {"version": "3"}, {"N": trained("N", n_folds=0, height=7.0)})
    assert again.members("N") == {} and again.members("1") == before.members("1")
    assert again.probabilities("N", COLUMNS, x)["real"].max() > both.probabilities("N", COLUMNS, x)["real"].max()
    # Nothing of the models that were replaced is left behind.
    assert {file.name for file in folder.iterdir()} == {*again.info["files"], "bundle.json"}


def test_a_bundle_is_whole_if_writing_a_new_one_is_cut_off(folder, monkeypatch):
    from ampel_followup.models import assistant_saving

    before = load_assistant(folder)

    def cut_off(place, info, files):
        for name, content in files.items():
            (place / name).write_bytes(content)
        raise KeyboardInterrupt

    monkeypatch.setattr(assistant_saving, "write_folder", cut_off)
    with pytest.raises(KeyboardInterrupt):
        save_assistant(folder, HEAD, {"1": trained(height=5.0)})
    assert load_assistant(folder).digest == before.digest


def test_days_that_cannot_be_used_together_are_kept_apart(folder):
    with pytest.raises(BundleError, match=r"galactic weight 0\.5, the new models with 1\.0"):
        save_assistant(folder, HEAD | {"galactic_weight": 1.0}, {"N": trained("N")})
    with pytest.raises(BundleError, match="version 1 of the features 'early'"):
        save_assistant(folder, HEAD | {"feature_sets": {"early": "2"}}, {"N": trained("N")})
    # All days trained anew may differ.
    assert save_assistant(folder, HEAD | {"galactic_weight": 1.0}, {"1": trained()}).galactic_weight == 1.0


def test_what_does_not_belong_together_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match="not shiny"):
        save_assistant(tmp_path, HEAD, {"1": TrainedDay({"shiny": trained().scores["real"]})})
    with pytest.raises(ValueError, match="2 fold models for members of 4 folds"):
        save_assistant(tmp_path, HEAD, {"1": TrainedDay(trained(n_folds=2).scores, trained().members)})
    with pytest.raises(ValueError, match="needs version"):
        save_assistant(tmp_path, {k: v for k, v in HEAD.items() if k != "version"}, {"1": trained()})
    assert not list(tmp_path.iterdir())


def test_a_number_that_could_not_be_measured_is_null_in_the_description(folder):
    day = trained("N", n_folds=0)
    measured = TrainedDay(day.scores, metrics={"aurak": np.nan}, distribution={"z": {"deciles": [np.inf, 1.0]}})
    save_assistant(folder, HEAD, {"N": measured})
    assert "NaN" not in (folder / "bundle.json").read_text()
    info = load_assistant(folder).info
    assert info["metrics"]["N"] == {"aurak": None} and info["distribution"]["N"]["z"]["deciles"] == [None, 1.0]


def test_causes_are_the_largest_shapley_values_and_move_the_log_odds_of_the_score(folder):
    bundle = load_assistant(folder)
    x = table(40)
    found = bundle.causes("1", COLUMNS, x, top=1)["real"]
    assert found.features == ("rb", "mag")
    np.testing.assert_array_equal(found.index, 0)
    np.testing.assert_array_equal(found.value[:, 0], x[:, 3])
    p = bundle.probabilities("1", COLUMNS, x)["real"]
    # Of a single decision, met by half of the training objects, the expected log-odds is 0.
    np.testing.assert_allclose(found.effect[:, 0], np.log(p / (1 - p)) + 0.1, atol=1e-9)
    assert bundle.causes("1", COLUMNS, x)["galactic"].effect.shape == (40, 2)


def test_a_day_that_it_was_not_trained_for_is_refused_with_the_remedy(folder):
    with pytest.raises(BundleError, match=r"models of day 1, not of day N; add them with `train assistant --day N"):
        load_assistant(folder).probabilities("N", COLUMNS, table(1))


def test_bundles_of_one_kind_are_not_taken_for_the_other(folder):
    with pytest.raises(BundleError, match="for the scores of the virtual assistant, here one for what a spectrum"):
        load_bundle(folder)
    with pytest.raises(BundleError, match="for what a spectrum would tell, here one for the scores"):
        load_assistant("simulated")


def test_a_changed_byte_or_a_lost_file_is_noticed(folder):
    file = next(folder.glob("day1-real-????????.json"))
    content = file.read_bytes()
    file.write_bytes(content.replace(b"baseline", b"Baseline"))
    with pytest.raises(BundleError, match="was altered"):
        load_assistant(folder)
    file.unlink()
    with pytest.raises(BundleError, match="cannot read"):
        load_assistant(folder)


def test_the_command_tells_both_kinds(run, folder, monkeypatch):
    from ampel_followup.models import folder as folders

    monkeypatch.setattr(folders, "bundle_folders", lambda: [folder.parent, folders.PACKAGED])
    known = {b["name"]: b for b in json.loads(run("bundle", "list", "--json")[1])["bundles"]}
    assert known["toy"]["kind"] == "assistant" and known["toy"]["scores"] == {"1": ["real", "galactic"]}
    assert known["simulated"]["kind"] == "gain" and len(known["simulated"]["classes"]) == 10
    assert "day 1: real, galactic" in run("bundle", "list")[1]
    code, out, _ = run("bundle", "show", "toy")
    assert code == 0 and "assistant" in out and "mag, abs_galactic_latitude" in out and "aurak" in out
    assert json.loads(run("bundle", "show", "simulated", "--json")[1])["kind"] == "gain"
    assert json.loads(run("bundle", "verify", folder, "--json")[1])["kind"] == "assistant"
    next(folder.glob("*folds*")).unlink()
    code, _, err = run("bundle", "verify", folder)
    assert code == 2 and err.count("\n") == 1 and "cannot read" in err
