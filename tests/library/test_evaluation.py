"""The published comparison: data with known answers in, honest figures out."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.comparison import compare, rank_replicates
from ampel_followup.evaluation.data import PairedData, load_paired
from ampel_followup.evaluation.protocol import Protocol, divided, run_protocol, score_fold, split
from ampel_followup.evaluation.variable_stars import CLASSES, PAPER_FEATURES, simulate_second_modality
from ampel_followup.models.selection import FeatureSelection
from ampel_followup.models.training import TrainingOptions

QUICK = TrainingOptions(n_trees=20, min_samples_leaf=3, n_spectra=8, n_jobs=1)


def toy(n: int = 240, seed: int = 0) -> PairedData:
    """Two classes that photometry tells apart badly, a third that it knows, and spectra that know all."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x_t = rng.normal(size=(n, 4))
    x_t[:, 0] += 4.0 * (y == 2)
    x_t[:, 1] += 0.5 * (y == 1)
    x_t[rng.random(x_t.shape) < 0.1] = np.nan
    x_s = np.column_stack([2.0 * (y == 1), 0.5 * (y == 2)]) + 0.6 * rng.normal(size=(n, 2))
    return PairedData("toy", x_t, ("a", "b", "c", "d"), x_s, None, y, ("I", "II", "III"), np.arange(n), "all simulated")


@pytest.fixture(scope="module")
def stars(shared_data) -> PairedData:
    return load_paired(shared_data / "variable_stars_fats", 1)


def test_variable_stars_are_those_of_the_paper(stars):
    assert len(stars) == 2556 and len(stars.features) == 55
    counts = dict(zip(stars.classes, np.bincount(stars.y).tolist(), strict=True))
    assert counts == {"EA": 148, "EW": 751, "RRab": 340, "RRc": 1195, "RRd": 81, "RS CVn": 41}
    assert "Simulated" in stars.note
    assert stars.x_s.min() == 0.0 and stars.x_s.max() == 1.0
    assert not np.isinf(stars.x_t).any()


def test_simulated_modality_is_as_telling_as_the_spectral_features_of_the_paper(stars):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import cross_val_score

    photometry = stars.x_t[:, [stars.features.index(name) for name in PAPER_FEATURES]]
    forest = RandomForestClassifier(60, min_samples_leaf=2, random_state=1)
    accuracy = {
        name: cross_val_score(forest, x, stars.y, cv=5).mean()
        for name, x in (
            ("photometry", photometry),
            ("spectrum", stars.x_s),
            ("both", np.concatenate([photometry, stars.x_s], axis=1)),
        )
    }
    # The authors' 0.847, 0.581 and 0.872, with ten folds and their spectra.
    assert accuracy["photometry"] == pytest.approx(0.847, abs=0.015)
    assert accuracy["spectrum"] == pytest.approx(0.581, abs=0.035)
    assert accuracy["both"] == pytest.approx(0.872, abs=0.015)


def test_simulated_modality_needs_the_features_of_the_paper():
    with pytest.raises(FollowupError, match="lack the feature Freq1_harmonics_amplitude_0, MedianAbsDev"):
        simulate_second_modality(np.ones((3, 1)), ("PeriodLS",), np.zeros(3, dtype=np.intp), np.random.default_rng(0))


def test_spectra_of_tested_objects_do_not_influence_their_scores():
    data, protocol, fold = toy(), Protocol(folds=3, replicates=1, training=QUICK), 2
    _, test = split(data, protocol, 0)[fold]
    altered = data.x_s.copy()
    altered[test] = 100.0
    before = score_fold(data, protocol, 0, fold)
    after = score_fold(dataclasses.replace(data, x_s=altered), protocol, 0, fold)
    for field in dataclasses.fields(before.scores):
        np.testing.assert_array_equal(getattr(before.scores, field.name), getattr(after.scores, field.name))
    assert not np.array_equal(before.p_ts, after.p_ts)


def test_other_tested_objects_do_not_influence_the_scores_of_one():
    data, protocol = toy(), Protocol(folds=3, replicates=1, training=QUICK)
    _, test = split(data, protocol, 0)[0]
    altered = data.x_t.copy()
    altered[test[1:]] *= -3.0
    before = score_fold(data, protocol, 0, 0)
    after = score_fold(dataclasses.replace(data, x_t=altered), protocol, 0, 0)
    assert before.scores.value_of_information[0] == after.scores.value_of_information[0]


def test_samples_of_one_object_are_never_on_both_sides():
    data = dataclasses.replace(toy(), groups=np.arange(240) // 6 * 3 + np.arange(240) % 3)
    for train, test in split(data, Protocol(folds=4, replicates=1), 0):
        assert not set(data.groups[train].tolist()) & set(data.groups[test].tolist())


def test_class_with_fewer_objects_than_folds_is_named():
    data = toy(60)
    with pytest.raises(FollowupError, match=r"fewer objects than the 25 folds in I \(20\), II \(20\).*use --folds 20"):
        split(data, Protocol(folds=25), 0)


def test_spectra_on_a_grid_are_condensed_by_the_training_part():
    data = toy()
    rng = np.random.default_rng(3)
    spectra = data.x_s @ rng.normal(size=(2, 250)) + 0.1 * rng.normal(size=(240, 250))
    gridded = dataclasses.replace(data, x_s=None, spectra=spectra)
    training = dataclasses.replace(QUICK, n_spectral=3)
    result = score_fold(gridded, Protocol(folds=3, replicates=1, training=training), 0, 1)
    assert any(name.startswith("spectrum_") for name in result.chosen)
    assert (result.p_ts.argmax(axis=1) == data.y[result.rows]).mean() > 0.8


def test_both_kinds_of_features_are_kept_whatever_is_selected():
    importance = np.array([0.5, 0.3, 0.05, 0.15])
    only_photometric = FeatureSelection(np.array([0, 1]), importance, np.array([2]), np.array([0.9]))
    columns_t, columns_s = divided(only_photometric, 2)
    assert columns_t.tolist() == [0, 1] and columns_s.tolist() == [1]


@pytest.fixture(scope="module")
def few_stars(tmp_path_factory):
    """A folder like that of the variable stars, with 240 that never were; two in ten stars have a second spectrum."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    folder, rng = tmp_path_factory.mktemp("stars"), np.random.default_rng(5)
    y = np.arange(240) % 6
    columns = {name: rng.lognormal(0.3 * y, 0.4) for name in PAPER_FEATURES}
    columns["Skew"] = np.where(rng.random(240) < 0.1, np.inf, rng.normal(size=240))
    parquet.write_table(pa.table({"ID": np.arange(240), **columns}), folder / "fats.parquet")
    ids = [*range(240), *range(48), None, 5000]
    labels = [*(CLASSES[c] for c in y), *["ELL"] * 48, "EW", "EA"]
    parquet.write_table(pa.table({"css_num_ID": pa.array(ids, pa.float64()), "label": labels}), folder / "keys.parquet")
    return folder


def test_first_label_counts_and_what_is_not_finite_is_not_measured(few_stars):
    data = load_paired(few_stars, 3)
    assert np.bincount(data.y).tolist() == [40] * 6
    assert np.isnan(data.x_t[:, data.features.index("Skew")]).sum() > 10


def test_same_seed_simulates_the_same_second_modality(few_stars):
    data = load_paired(few_stars, 3)
    again, other = (
        simulate_second_modality(data.x_t, data.features, data.y, np.random.default_rng(seed)) for seed in (3, 4)
    )
    np.testing.assert_array_equal(data.x_s, again)
    assert not np.array_equal(data.x_s, other)


@pytest.fixture(scope="module")
def quick_runs(few_stars):
    """A few stars, once in this process and once in two others."""
    protocol = Protocol(folds=2, replicates=2, features="all", training=QUICK)
    seen: list[tuple[int, int]] = []
    alone = run_protocol(few_stars, protocol, workers=1, progress=lambda done, total: seen.append((done, total)))
    return alone, run_protocol(few_stars, protocol, workers=2), seen


def test_results_do_not_depend_on_the_number_of_processes(quick_runs):
    (_, alone), (_, together), _ = quick_runs
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a.p_ts, b.p_ts)
        np.testing.assert_array_equal(a.scores.value_of_information, b.scores.value_of_information)
        np.testing.assert_array_equal(a.y, b.y)


def test_progress_counts_every_task(quick_runs):
    *_, seen = quick_runs
    assert seen == [(i, 6) for i in range(1, 7)]


def test_strategies_that_look_at_possible_spectra_beat_chance(shared_data):
    protocol = Protocol(folds=2, replicates=1, features="all", training=QUICK)
    _, replicates = run_protocol(shared_data / "variable_stars_fats", protocol)
    result = compare(replicates, rank_replicates(replicates, 1), protocol)
    assert result["p_t"]["n"] == 2556 and 0.8 < result["p_t"]["accuracy"] < result["p_ts"]["accuracy"]
    fp = {name: values["fp_5"] for name, values in result["strategies"].items()}
    assert min(fp["value-of-information"], fp["entropy-indicator"]) > 3 * fp["random"]
    assert result["paired"]["value-of-information vs entropy-indicator"]["fp_20"].keys() == {"ratio", "low", "high"}


@pytest.fixture
def quick_command(monkeypatch):
    """The command on toy data, with few trees."""
    monkeypatch.setattr("ampel_followup.evaluation.protocol.load_paired", lambda folder, seed: toy(seed=seed))
    monkeypatch.setattr("ampel_followup.evaluation.protocol.FORESTS", QUICK)
    quick = {"--replicates": 2, "--folds": 2, "--features": "all", "--workers": 1, "--spectra": 8}
    return ("evaluate", "strategies", ".", *(part for option in quick.items() for part in option))


def test_json_has_what_scripts_read(run, quick_command):
    code, out, err = run(*quick_command, "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["p_t"].keys() >= {"accuracy", "log_loss", "n"} and "accuracy" in result["p_ts"]
    for values in result["strategies"].values():
        for metric in ("fp_5", "gtp_5", "fp_20", "gtp_20", "spectra_to_80"):
            assert {metric, f"{metric}_sd"} <= values.keys()
    assert {"random", "entropy", "information-gain", "information-gain-indicator"} <= result["strategies"].keys()
    assert {"entropy-indicator", "value-of-information", "ideal"} <= result["strategies"].keys()
    assert result["protocol"]["note"] == "all simulated" and result["protocol"]["replicates"] == 2
    assert run(*quick_command, "--json")[1] == out


def test_table_and_plots_are_for_people(run, quick_command, tmp_path):
    code, out, err = run(*quick_command, "--plots", tmp_path / "plots")
    assert code == 0, err
    assert "value-of-information vs entropy-indicator" in out and "all simulated" in out
    files = {path.name for path in (tmp_path / "plots").iterdir()}
    assert {"corrected.png", "corrected.svg", "gain.png", "accuracy.svg", "calibration.png"} <= files


def test_plots_that_cannot_be_written_end_in_one_line(run, quick_command, tmp_path):
    (tmp_path / "taken").write_text("a file")
    code, _, err = run(*quick_command, "--plots", tmp_path / "taken")
    assert code == 2 and "cannot write plots" in err and err.count("\n") == 1


@pytest.mark.parametrize(("files", "message"), [((), "is no data set"), (("fats.parquet",), "is no data set")])
def test_folder_that_is_no_data_set_ends_in_one_line(run, tmp_path, files, message):
    for name in files:
        (tmp_path / name).write_bytes(b"")
    code, _, err = run("evaluate", "strategies", tmp_path)
    assert code == 2 and message in err and err.count("\n") == 1


def test_missing_folder_and_damaged_files_are_named(run, tmp_path):
    code, _, err = run("evaluate", "strategies", tmp_path / "nowhere")
    assert code == 2 and "nowhere is no folder" in err
    for name in ("fats.parquet", "keys.parquet"):
        (tmp_path / name).write_bytes(b"no parquet")
    code, _, err = run("evaluate", "strategies", tmp_path)
    assert code == 2 and "no readable parquet file" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": ("a", "b")}, "x_t has shape"),
        ({"x_s": None}, "neither spectral features nor spectra"),
        ({"groups": np.arange(3)}, "groups has 3 rows, expected 240"),
        ({"classes": ("I", "II", "III", "IV")}, "leave empty classes out"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(change, message):
    with pytest.raises(FollowupError, match=message):
        dataclasses.replace(toy(), **change)


def test_classes_are_in_the_order_of_the_labels(stars):
    assert stars.classes == CLASSES and stars.y.max() == len(CLASSES) - 1
