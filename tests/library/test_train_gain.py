"""`train gain`: from a user's objects to a bundle that ranks, and a report that can be believed."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.cli import main
from ampel_followup.learning.cross_validation import (
    calibration_curve,
    calibration_error,
    confusion,
    cross_validate,
    metrics,
)
from ampel_followup.learning.gain_training import train_gain
from ampel_followup.learning.sources import Labels, Rows
from ampel_followup.learning.training_set import assemble
from ampel_followup.models.bundle import load_bundle
from ampel_followup.models.training import TrainingOptions
from ampel_followup.spectra.readers import read_spectrum

pytest.importorskip("skl2onnx")

FAST = TrainingOptions(n_trees=20, min_samples_leaf=2, n_jobs=1)
QUICK = ("--folds", 3, "--trees", 20, "--json")


@pytest.fixture
def run(capsys):
    """Run the command; return exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def objects(n=90, seed=1):
    """Photometry that tells the third class only; a spectrum with two features, of which the second tells all."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x_t = rng.normal(size=(n, 4))
    x_t[:, 0] += 5.0 * (y == 2)
    x_s = np.column_stack([rng.normal(size=n), 1e-17 * (4.0 * y + rng.normal(size=n))])
    return [f"SN{i:03d}" for i in range(n)], x_t, x_s, np.array(["Ia", "II", "TDE"])[y]


def write_table(path, ids, values, names, **text):
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["id", *text, *names])
        table.writerows(
            [name, *(text[t][i] for t in text), *map(repr, values[i].tolist())] for i, name in enumerate(ids)
        )
    return path


@pytest.fixture
def tables(tmp_path):
    ids, x_t, x_s, labels = objects()
    photometry = write_table(tmp_path / "photometry.csv", ids, x_t, ("rise", "colour", "period", "noise"), label=labels)
    return photometry, write_table(tmp_path / "spectra.csv", ids, x_s, ("width", "depth"))


def test_tables_become_a_bundle_and_a_report(run, tables, tmp_path):
    pytest.importorskip("matplotlib")
    photometry, spectra = tables
    out = tmp_path / "mine"
    code, printed, err = run("train", "gain", photometry, "--spectra", spectra, "--out", out, *QUICK)
    assert code == 0, err
    summary = json.loads(printed)
    assert summary["objects"] == 90 and summary["classes"] == {"II": 30, "Ia": 30, "TDE": 30}
    measured = summary["metrics"]
    assert 0.55 < measured["p_t_accuracy"] < 0.75 < 0.85 < measured["p_ts_accuracy"]
    assert measured["p_t_recall"]["TDE"] > 0.9
    assert set(summary["strategies"]) >= {"value-of-information", "random", "ideal"}

    bundle = load_bundle(out)
    assert bundle.name == "mine" and bundle.classes == ("II", "Ia", "TDE")
    assert bundle.info["training"]["data_sha256"] and bundle.info["spectral_features"] == ["width", "depth"]
    scores = bundle.score(objects(seed=9)[1])
    third = objects(seed=9)[3] == "TDE"
    assert scores.value_of_information[~third].mean() > 3 * scores.value_of_information[third].mean()

    report = out / "report"
    page = (report / "index.html").read_text(encoding="utf-8")
    for picture in ("calibration", "confusion", "strategies"):
        assert f'src="{picture}.svg"' in page
        assert (report / f"{picture}.svg").read_text().lstrip().startswith("<?xml")
        assert (report / f"{picture}.png").read_bytes().startswith(b"\x89PNG")
    assert "<td>depth" not in page and "<td>rise" in page
    assert json.loads((report / "metrics.json").read_text())["bundle"]["name"] == "mine"
    code, printed, _ = run("bundle", "show", out)
    assert code == 0 and "p_ts_accuracy" in printed


def test_same_seed_gives_the_same_bundle_and_another_seed_another(run, tables, tmp_path):
    photometry, spectra = tables
    digests = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        code, printed, _ = run(
            "train", "gain", photometry, "--spectra", spectra, "--out", tmp_path / name, "--name", "same",
            "--seed", seed, "--no-report", *QUICK,
        )  # fmt: skip
        assert code == 0
        digests.append(json.loads(printed)["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_bundle_that_is_there_is_not_replaced_unless_asked(run, tables, tmp_path):
    photometry, spectra = tables
    command = ("train", "gain", photometry, "--spectra", spectra, "--out", tmp_path / "b", "--no-report", *QUICK)
    assert run(*command)[0] == 0
    before = (tmp_path / "b" / "bundle.json").read_bytes()
    code, _, err = run(*command, "--seed", 7)
    assert code == 2 and "is a bundle already" in err
    assert (tmp_path / "b" / "bundle.json").read_bytes() == before
    assert run(*command, "--seed", 7, "--overwrite")[0] == 0
    assert (tmp_path / "b" / "bundle.json").read_bytes() != before


def test_bundle_of_ones_own_features_says_that_it_cannot_rank_alerts(run, tables, tmp_path):
    photometry, spectra = tables
    assert (
        run("train", "gain", photometry, "--spectra", spectra, "--out", tmp_path / "b", "--no-report", *QUICK)[0] == 0
    )
    run("simulate", tmp_path / "n.tar.gz", "--objects", 5, "--templates", "analytic", "--json")
    code, _, err = run(
        "rank", tmp_path / "n.tar.gz", "--site", "palomar", "--night", "2026-11-09", "--bundle", tmp_path / "b",
        "--store", tmp_path / "s.sqlite", "--json",
    )  # fmt: skip
    assert code == 2 and "needs feature set table 1" in err and err.count("\n") == 1


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A simulated night with a spectrum of each object."""
    folder = tmp_path_factory.mktemp("night")
    archive = folder / "night.tar.gz"
    command = ("simulate", archive, "--objects", "150", "--seed", "3", "--templates", "analytic", "--json")
    assert main([*map(str, command), "--spectra", str(folder / "spectra")]) == 0
    return folder


def test_alerts_and_spectra_become_a_bundle_that_ranks(run, night, tmp_path):
    code, printed, err = run(
        "train", "gain", night / "night.tar.gz", "--labels", night / "truth.csv", "--spectra", night / "spectra",
        "--classes", "SN Ia,variable star,bogus", "--features", "early,context", "--out", tmp_path / "b",
        "--no-report", *QUICK,
    )  # fmt: skip
    assert code == 0, err
    summary = json.loads(printed)
    assert summary["objects"] + sum(summary["left_out"].values()) == 150
    assert summary["metrics"]["p_t_accuracy"] > 0.7
    assert load_bundle(tmp_path / "b").classes == ("SN Ia", "variable star", "bogus")
    code, printed, err = run(
        "rank", night / "night.tar.gz", "--site", "palomar", "--night", "2026-11-09", "--bundle", tmp_path / "b",
        "--store", tmp_path / "s.sqlite", "--json",
    )  # fmt: skip
    assert code == 0, err
    assert set(json.loads(printed)["targets"][0]["scores"]["p_t"]) == {"SN Ia", "variable star", "bogus"}


def test_simulated_spectra_leave_the_alerts_as_they_are(run, night, tmp_path):
    run("simulate", tmp_path / "night.tar.gz", "--objects", 150, "--seed", 3, "--templates", "analytic", "--json")
    assert (tmp_path / "night.tar.gz").read_bytes() == (night / "night.tar.gz").read_bytes()
    files = sorted((night / "spectra").iterdir())
    assert len(files) == 150
    spectrum = read_spectrum(files[0])
    assert spectrum.flux_err is not None and 3800.0 <= spectrum.wavelength[0] < 3900.0


def test_folder_of_light_curves_becomes_a_bundle_and_bad_files_are_counted(run, tmp_path):
    ids, _, x_s, labels = objects(60, seed=4)
    curves = tmp_path / "light_curves"
    curves.mkdir()
    rng = np.random.default_rng(5)
    for i, name in enumerate(ids):
        time = np.arange(0.0, 12.0, 2.0)
        flux = 100.0 + (30.0, 10.0, -5.0)[i % 3] * time + rng.normal(0, 5, len(time))
        rows = "".join(
            f"{60000 + t},{'ztfg' if k % 2 else 'ztfr'},{f:.2f},5\n"
            for k, (t, f) in enumerate(zip(time, flux, strict=True))
        )
        (curves / f"{name}.csv").write_text("mjd,band,flux,flux_err\n" + rows)
    (curves / f"{ids[0]}.csv").write_text("mjd,band,flux,flux_err\n60000,ztfg,100,-5\n")
    known = tmp_path / "labels.csv"
    known.write_text("id,label,ra,dec\n" + "".join(f"{n},{c},10.5,20.5\n" for n, c in zip(ids, labels, strict=True)))
    spectra = write_table(tmp_path / "spectra.csv", ids, x_s, ("width", "depth"))
    code, printed, err = run(
        "train", "gain", curves, "--labels", known, "--spectra", spectra, "--features", "early",
        "--out", tmp_path / "b", "--no-report", *QUICK,
    )  # fmt: skip
    assert code == 0, err
    summary = json.loads(printed)
    assert summary["objects"] == 59 and summary["left_out"] == {"light curve cannot be used": 1}
    assert load_bundle(tmp_path / "b").info["feature_sets"] == {"early": "1"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("SN001,", "SN000,"), "duplicate ids: SN000"),
        (
            lambda text: text.replace("SN000,Ia", "SN000,Kilonova"),
            "class 'Kilonova' has 1 objects or groups for 3 folds",
        ),
        (lambda text: text.replace("label", "type", 1), "has no column 'label'"),
        (lambda text: "id,label\n" + "".join(f"SN{i:03d},Ia\n" for i in range(9)), "no column of numbers"),
        (
            lambda text: "id,label,x\n" + "".join(f"SN{i:03d},{'Ia' if i % 2 else 'II'},1\n" for i in range(20)),
            "differs",
        ),
        (lambda text: "", "the file is empty"),
    ],
    ids=["duplicate ids", "small class", "no labels", "no features", "constant feature", "empty file"],
)
def test_bad_table_is_one_clear_line_and_writes_nothing(run, tables, tmp_path, change, message):
    photometry, spectra = tables
    photometry.write_text(change(photometry.read_text()))
    code, printed, err = run("train", "gain", photometry, "--spectra", spectra, "--out", tmp_path / "b", *QUICK)
    assert code == 2 and message in err and err.count("\n") == 1 and not printed
    assert not (tmp_path / "b").exists()


def test_wrong_paths_and_options_are_one_clear_line(run, tables, tmp_path):
    photometry, spectra = tables
    out = ("--out", tmp_path / "b", *QUICK)
    for command, message in (
        ((tmp_path / "nothing.csv", "--spectra", spectra), "nothing.csv"),
        ((photometry, "--spectra", tmp_path / "nothing"), "is no folder with spectra"),
        ((tmp_path, "--spectra", spectra), "name the table of classes with --labels"),
        ((photometry, "--spectra", spectra, "--classes", "Ia,Ia"), "names nothing, or something twice"),
        ((photometry, "--spectra", spectra, "--classes", "Ia,SN II"), "no object is labelled 'SN II'"),
    ):
        code, _, err = run("train", "gain", *command, *out)
        assert code == 2 and message in err and err.count("\n") == 1
    assert not (tmp_path / "b").exists()
    code, _, err = run("train", "gain", photometry, "--spectra", spectra, "--out", photometry / "b", *QUICK)
    assert code == 2 and "is no folder that can be written to" in err and err.count("\n") == 1


# What the report says


def a_set(labels=None, groups=None, n=90, seed=1, twins=False):
    ids, x_t, x_s, true = objects(n, seed)
    if twins:
        x_t, x_s = np.repeat(x_t[: n // 2], 2, axis=0), np.repeat(x_s[: n // 2], 2, axis=0)
    known = dict(zip(ids, true if labels is None else labels, strict=True))
    photometry = Rows(tuple(ids), x_t, ("rise", "colour", "period", "noise"))
    return assemble(photometry, Rows(tuple(ids), x_s, ("width", "depth")), Labels(known, groups or {}), folds=3)


def test_labels_given_by_chance_are_not_predicted_better_than_chance():
    rng = np.random.default_rng(6)
    training_set = a_set(rng.choice(["Ia", "II"], 300), n=300)
    measured = metrics(cross_validate(training_set, folds=3, seed=1, options=FAST), training_set.classes)
    assert abs(measured["p_t_accuracy"] - 0.5) < 0.12 and abs(measured["p_ts_accuracy"] - 0.5) < 0.12
    assert measured["p_t_log_loss"] < 0.8


def test_objects_of_a_group_are_not_trained_and_tested_on():
    labels = np.repeat(np.random.default_rng(7).choice(["Ia", "II"], 60), 2)
    options = TrainingOptions(n_trees=20, min_samples_leaf=1, n_jobs=1)
    accuracy = {}
    for name, groups in (("apart", {}), ("together", {f"SN{i:03d}": f"host {i // 2}" for i in range(120)})):
        training_set = a_set(labels, groups, n=120, twins=True)
        validation = cross_validate(training_set, folds=3, seed=1, options=options)
        accuracy[name] = metrics(validation, training_set.classes)["p_t_accuracy"]
    # A twin in the training part gives the answer away; a twin in the same group does not.
    assert accuracy["apart"] > 0.7 > 0.65 > accuracy["together"]


def test_training_says_what_it_used_and_left_out():
    training_set = a_set()
    trained = train_gain(training_set, name="n", created="2026-01-01", source="made up", folds=3, seed=1, options=FAST)
    assert trained.info["created"] == "2026-01-01" and trained.info["training"]["folds"] == 3
    assert trained.info["distribution"]["rise"]["measured"] == 1.0
    assert json.loads(trained.files["spectrum.json"])["features"] == ["width", "depth"]
    assert json.dumps(trained.info, allow_nan=False)


probabilities = st.integers(1, 4).flatmap(
    lambda c: st.lists(
        st.tuples(st.lists(st.floats(0.01, 1.0), min_size=c, max_size=c), st.integers(0, c - 1)),
        min_size=1,
        max_size=40,
    )
)


@settings(max_examples=60, deadline=None)
@given(drawn=probabilities)
def test_calibration_and_confusion_agree_with_counting(drawn):
    p = np.array([row for row, _ in drawn])
    p /= p.sum(axis=1, keepdims=True)
    y = np.array([c for _, c in drawn])
    pairs = [(p[i, c], y[i] == c) for i in range(len(y)) for c in range(p.shape[1])]
    bins = [[q for q in pairs if min(int(q[0] * 10), 9) == k] for k in range(10)]
    predicted, observed, count = calibration_curve(p, y)
    filled = [b for b in bins if b]
    assert count.tolist() == [len(b) for b in filled] and count.sum() == p.size
    np.testing.assert_allclose(predicted, [np.mean([q for q, _ in b]) for b in filled])
    np.testing.assert_allclose(observed, [np.mean([t for _, t in b]) for b in filled])
    reference = sum(len(b) * abs(np.mean([q for q, _ in b]) - np.mean([t for _, t in b])) for b in filled) / p.size
    assert calibration_error(p, y) == pytest.approx(reference)
    matrix = confusion(p, y)
    for a in range(p.shape[1]):
        for b in range(p.shape[1]):
            assert matrix[a, b] == sum(y[i] == a and p[i].argmax() == b for i in range(len(y)))


def test_certain_and_right_predictions_are_calibrated():
    y = np.array([0, 1, 2, 1])
    assert calibration_error(np.eye(3)[y], y) == 0.0
    assert calibration_error(np.eye(3)[(y + 1) % 3], y) == pytest.approx(2 / 3)
