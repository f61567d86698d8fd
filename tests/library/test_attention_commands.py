"""`train attention` and `evaluate attention`, from light curves to a bundle, a table and pictures."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from points_as_light_curves import light_curves_of

from ampel_followup.evaluation.attention import summarise
from ampel_followup.evaluation.attention_data import load_labelled_curves
from ampel_followup.evaluation.attention_forest import features_by_age, forest_probabilities
from ampel_followup.evaluation.attention_runs import Run, RunOptions, run_all, split
from ampel_followup.features.early_ia import EARLY_IA
from ampel_followup.features.hand_made import WITH_HOST, with_host
from ampel_followup.features.hosts import OF_THE_HOST, Hosts
from ampel_followup.features.ragged import stack
from ampel_followup.features.sequence import beginnings, of_the_transient
from ampel_followup.learning.attention_curves import LabelledCurves, labelled_curves, simulated_curves
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.attention_bundle import load_attention_bundle

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed (make venv-train)"
)


def made_up(n: int, seed: int) -> LabelledCurves:
    """Return light curves that fade within days, or weeks."""
    rng = np.random.default_rng(seed)
    curves, labels = [], []
    for k in range(n):
        time = 58000.0 + np.sort(rng.uniform(0.0, 30.0, 12))
        flux = 100.0 * np.exp(-(time - 58000.0) / (30.0 if k % 2 else 3.0)) + rng.normal(0.0, 3.0, 12)
        band = rng.choice(["ztfg", "ztfr"], 12)
        curves.append(LightCurve(f"o{k}", k, time, band, flux, np.full(12, 3.0), np.zeros(12, bool), 10.0, 20.0))
        labels.append("slow" if k % 2 else "fast")
    return labelled_curves("made up", curves, labels, "made up")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a light curve per object, and a table of classes."""
    place = tmp_path_factory.mktemp("curves")
    data = made_up(60, 1)
    (place / "curves").mkdir()
    rows = ["id,label,ra,dec"]
    for curve, c in zip(data.curves, data.y.tolist(), strict=True):
        points = zip(curve.time, curve.band.tolist(), curve.flux, curve.flux_err, strict=True)
        lines = ["mjd,band,flux,flux_err", *(f"{t:.5f},{b},{f:.4f},{e:.4f}" for t, b, f, e in points)]
        (place / "curves" / f"{curve.id}.csv").write_text("\n".join(lines))
        rows.append(f"{curve.id},{data.class_names[c]},10.0,20.0")
    (place / "labels.csv").write_text("\n".join([*rows, "nowhere,fast,10.0,20.0"]))
    return place


@needs_tensorflow
def test_trained_bundle_classifies_without_tensorflow(run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    arguments = ("--labels", folder / "labels.csv", "--out", out, "--rounds", 2, "--units", 8, "--augment", 1)
    code, printed, error = run("train", "attention", folder / "curves", *arguments, "--json")
    assert code == 0, error
    told = json.loads(printed)
    assert told["classes"] == ["fast", "slow"] and told["training"]["objects"] == 40
    assert 0 < told["training"]["copies"] <= 40
    assert set(told["metrics"]["recall"]) == {"0.25", "0.5", "1"}
    model = load_attention_bundle(out)
    assert model.digest == told["digest"]
    assert all(one.known for one in model.score(made_up(4, 2).curves))
    code, _, error = run("train", "attention", folder / "curves", *arguments)
    assert code == 2 and "is a bundle already" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either DATA"),
        (("{folder}/curves", "--simulate", "200"), "give either DATA"),
        (("{folder}/curves",), "name the table of classes with --labels"),
        (("{folder}/nothing", "--labels", "{folder}/labels.csv"), "there is no such file or folder"),
        (("{folder}/curves", "--labels", "{folder}/labels.csv", "--units", "7"), "cannot be shared by"),
    ],
)
def test_what_cannot_be_trained_is_one_line(run, folder, tmp_path, arguments, message) -> None:
    given = [argument.format(folder=folder) for argument in arguments]
    code, _, error = run("train", "attention", *given, "--out", tmp_path / "out")
    assert code == 2 and message in error and error.count("\n") == 1


def counted(matrices: list[list[list[int]]], seed: int) -> Run:
    return Run(np.array(matrices), np.array([0.1] * len(matrices)), {"objects": 10, "tested": 4}, 1.0 + seed, [])


def test_summary_gives_spread_and_paired_differences_of_seeds() -> None:
    data, options = made_up(40, 3), RunOptions(fractions=(0.25, 1.0))
    right, half = [[2, 0], [0, 2]], [[1, 1], [1, 1]]
    runs = {
        ("gru", 1): counted([half, half], 1),
        ("gru", 2): counted([half, right], 2),
        ("attention-gru", 1): counted([half, right], 1),
        ("attention-gru", 2): counted([right, right], 2),
    }
    found = summarise(data, runs, ["gru", "attention-gru"], [1, 2], options)
    assert found["models"]["gru"]["macro_recall"]["1"] == {"mean": 0.75, "sd": 0.3536, "seeds": [0.5, 1.0]}
    assert found["models"]["gru"]["confusion"]["0.25"] == [[2, 2], [2, 2]]
    (pair,) = found["paired"]
    assert (pair["model"], pair["less"]) == ("attention-gru", "gru")
    assert pair["0.25"]["seeds"] == [0.0, 0.5] and pair["1"]["mean"] == 0.25
    assert [(goal["fraction"], goal["reached"], goal["better_in"]) for goal in found["goals"]] == [
        (0.25, True, 1),
        (1.0, True, 1),
    ]
    # Two seeds, one of them without a difference: Student's distribution with one degree of freedom.
    low, high = found["goals"][0]["interval"]
    assert (low + high) / 2 == pytest.approx(0.25) and high - low == pytest.approx(2 * 12.706 * 0.25, rel=1e-3)
    assert not found["goals"][0]["beyond_the_spread"]


@pytest.mark.parametrize("model", ["forest", "boosted", "forest-host", "boosted-host"])
def test_trees_learn_and_runs_are_kept(model: str, tmp_path: Path) -> None:
    data, options = made_up(80, 4), RunOptions(fractions=(0.5, 1.0))
    first = run_all(data, [model], [1], options, tmp_path)
    assert first[model, 1].confusion[1].trace() >= 0.8 * first[model, 1].confusion[1].sum()
    (file,) = tmp_path.iterdir()
    kept = json.loads(file.read_text())
    kept["seconds"] = 123.0  # would not be there if it were trained again
    file.write_text(json.dumps(kept))
    again = run_all(data, [model], [1], options, tmp_path)
    assert again[model, 1].seconds == 123.0
    file.write_text("{")
    assert run_all(data, [model], [1], options, tmp_path)[model, 1].seconds != 123.0


@pytest.mark.filterwarnings("ignore:Using the fractional value")
def test_forest_sees_the_points_that_networks_see() -> None:
    data = made_up(12, 5)
    again = of_the_transient(stack(light_curves_of(data.points)))
    for name in ("time", "flux", "flux_err", "letter", "detected"):
        np.testing.assert_allclose(getattr(again, name), getattr(data.points, name), atol=1e-9)
    x = features_by_age(data, (0.5, 1.0))
    assert x.shape[:2] == (2, 12) and (x[0, :, 0] <= x[1, :, 0]).all()  # the number of detections grows
    training, held_out, test = split(data, 1, (0.5, 0.25, 0.25))
    p, leaf = forest_probabilities(x, data.y, training, held_out, test, 2, 1)
    assert p.shape == (2, len(test), 2) and leaf > 0


@pytest.mark.filterwarnings("ignore:Using the fractional value")
def test_host_adds_what_the_early_features_say_of_it() -> None:
    hosts: list[dict[str, float]] = [{"photoz": 0.2, "photoz_err": 0.05}, {}, {"photoz": 9.0, "photoz_err": 1.0}]
    data = made_up(12, 5)
    curves = tuple(replace(curve, meta=hosts[k % 3]) for k, curve in enumerate(data.curves))
    found = with_host(features_by_age(data, (0.2, 1.0)), Hosts.of(curves))
    assert found.shape == (2, 12, len(WITH_HOST))
    columns = [EARLY_IA.names.index(name) for name in OF_THE_HOST]
    for part, fraction in zip(found, (0.2, 1.0), strict=True):
        seen = light_curves_of(beginnings(data.points, fraction))
        seen = [replace(one, meta=curve.meta) for one, curve in zip(seen, curves, strict=True)]
        np.testing.assert_allclose(part[:, -3:], EARLY_IA.compute(seen)[:, columns])
    known = np.isfinite(found[1, :, -1])
    assert known[::3].any() and not known[1::3].any() and not known[2::3].any()


@needs_tensorflow
def test_evaluation_of_networks_makes_a_table_and_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from ampel_followup.evaluation.attention_plots import write_attention_figures
    from ampel_followup.learning.attention_training import FitOptions
    from ampel_followup.models.attention_options import NetworkOptions

    data = made_up(80, 6)
    options = RunOptions(
        fractions=(0.25, 0.5, 1.0), networks=(NetworkOptions("time-attention", units=8),), fit=FitOptions(rounds=1)
    )
    runs = run_all(data, ["time-attention"], [1], options, tmp_path / "runs")
    found = summarise(data, runs, ["time-attention"], [1], options)
    json.dumps(found, allow_nan=False)
    assert 1.0 <= found["models"]["time-attention"]["sharpness"] <= 12.0
    for example in runs["time-attention", 1].examples:
        assert sum(example["attention"]) == pytest.approx(1.0, abs=1e-3)
        assert max(example["times"]) <= 30.0
    files = write_attention_figures(tmp_path / "plots", data, found, runs)
    assert {file.stem for file in files} == {"recall_made up", "confusion_made up", "attention_time-attention_made up"}


def test_unknown_models_and_data_are_one_line(run, tmp_path: Path, shared_data: Path) -> None:
    code, _, error = run("evaluate", "attention", tmp_path)
    assert code == 2 and "holds no light curves with classes" in error
    code, _, error = run("evaluate", "attention", shared_data / "elasticc", "--models", "lstm")
    assert code == 2 and "no model 'lstm'" in error


def test_classes_of_the_data_sets(shared_data: Path) -> None:
    data = load_labelled_curves(shared_data / "elasticc")
    assert data.class_names == ("SN Ia", "core collapse") and len(data) == 4675
    assert np.bincount(data.y).tolist() == [2453, 2222]
    assert (data.points.segments.counts > 0).all()


def test_real_supernovae_are_mostly_called_by_their_class(run, shared_data: Path, tmp_path: Path) -> None:
    code, printed, error = run("evaluate", "classifier", shared_data / "ztf_bts_snia", "--json")
    assert code == 0, error
    told = json.loads(printed)
    found = told["classes"]["SN Ia"]
    assert told["data"]["name"] == "ztf_bts_snia" and found["objects"] > 1000
    assert all(found[at]["recall"] > 0.5 for at in ("0.25", "0.5", "1"))
    assert next(iter(found["1"]["called"])) == "SN Ia"
    code, _, error = run("train", "attention", shared_data / "ztf_bts_snia", "--out", tmp_path / "out")
    assert code == 2 and "are of class 'SN Ia'; two are needed" in error


def test_classifier_is_measured_on_light_curves_of_ones_own(run, folder: Path) -> None:
    arguments = (folder / "curves", "--labels", folder / "labels.csv")
    code, printed, error = run("evaluate", "classifier", *arguments, "--json")
    assert code == 0, error
    told = json.loads(printed)
    assert told["bundle"] == load_attention_bundle().label
    model, data = load_attention_bundle(), made_up(60, 1)
    for name, found in told["classes"].items():
        # The packaged classifier knows neither class.
        assert found["objects"] == 30 and found["1"]["recall"] is None
        mine = [one for one, c in zip(data.curves, data.y.tolist(), strict=True) if data.class_names[c] == name]
        called = [scores.class_now for scores in model.score(mine)]
        expected = {one: called.count(one) / 30 for one in set(called)}
        assert found["1"]["called"] == pytest.approx(expected, abs=1e-3)
        assert list(found["1"]["called"].values()) == sorted(found["1"]["called"].values(), reverse=True)
    code, printed, _ = run("evaluate", "classifier", *arguments)
    assert code == 0 and "fast" in printed and "–" in printed
    code, _, error = run("evaluate", "classifier", folder / "curves")
    assert code == 2 and "--labels" in error


def test_simulation_shows_well_observed_objects_and_archives_without_limits() -> None:
    alerts, archives = simulated_curves(240, 8, archives=False), simulated_curves(240, 8)
    many, few, bare, span = [], [], [], []
    for data in (alerts, archives):
        detections = np.array([int(curve.detected.sum()) for curve in data.curves])
        many.append(np.mean(detections > 20))
        few.append(np.mean(detections < 4))
        bare.append(np.mean([not curve.upper_limit.any() for curve in data.curves]))
        span.append(max(np.ptp(curve.time) for curve in data.curves))
    assert many[1] > 1.2 * many[0] and few[1] > 0.1
    assert bare[0] < 0.2 and bare[1] > 0.3
    assert span[0] <= 101.0 and 200.0 < span[1] <= 251.0


def test_simulated_classes_are_equally_frequent_and_the_same_again() -> None:
    data, again = simulated_curves(60, 5), simulated_curves(60, 5)
    assert data.digest == again.digest and len(data.class_names) == 10 and len(data) == 60
