"""`ampel-followup train spectra`, on spectra of a few objects."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from ampel_followup.cli.train_spectra import spectra
from ampel_followup.errors import FollowupError, SpectrumError
from ampel_followup.spectra.encoder import SpectrumEncoder

QUICK = ["--max-d", "2", "--epochs", "3", "--spacing", "0.004"]

app = typer.Typer()
app.command()(spectra)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """120 spectra of 30 objects; two of them end too early."""
    rng = np.random.default_rng(0)
    wavelength = np.geomspace(3600.0, 8000.0, 200)
    shape = rng.normal(size=(30, 3)).repeat(4, axis=0) @ np.array([np.sin(wavelength * k / 900.0) for k in (1, 2, 3)])
    flux = 5.0 + shape + 0.1 * rng.normal(size=shape.shape)
    flux[:2, 100:] = 0.0
    path = tmp_path_factory.mktemp("spectra") / "sne.npz"
    np.savez(path, name=np.repeat([f"SN2020{k:02d}" for k in range(30)], 4), wavelength=wavelength, flux=flux)
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=True)


def test_report_plots_and_encoder(table, tmp_path):
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    pytest.importorskip("matplotlib", reason="the report has plots")

    result = run(table, "--out", tmp_path / "out", *QUICK, "--json")

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert set(report["r2"]["vae"]) == set(report["r2"]["pca"]) == {"1", "2"}
    assert report["chosen_d"] in (1, 2)
    assert report["n_train"] + report["n_validation"] + report["n_test"] == 118
    assert report["n_train_objects"] + report["n_validation_objects"] + report["n_test_objects"] == 30
    assert sum(report["left_out"].values()) == 2
    assert report["seconds"] > 0
    assert report["onnx_max_difference"] < 1e-4
    for name in ("r2.png", "r2.svg", "reconstructions.png", "reconstructions.svg", "report.json"):
        assert (tmp_path / "out" / name).stat().st_size > 500
    encoder = SpectrumEncoder.load(tmp_path / "out" / "encoder")
    assert encoder.d == report["chosen_d"]
    assert encoder.info["training"]["n_train"] == report["n_train"]


def test_printed_report_compares_with_components_and_counts_what_was_left_out(table, tmp_path):
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    pytest.importorskip("matplotlib", reason="the report has plots")

    result = run(table, "--out", tmp_path, *QUICK, "--d", "1", "--range", "3700:7900")

    assert result.exit_code == 0, result.output
    assert "R² components" in result.stdout
    assert "left out: 2 (does not cover 3700–7900 Å)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--range", "blue"], "--range 'blue' is no range"),
        (["--range", "7000:4000"], "make no grid"),
        (["--range", "nan:4000"], "make no grid"),
        (["--paper-grid"], "none of the 120 spectra"),
        (["--max-d", "500", "--epochs", "1"], "wants more than"),
        (["--width", "-1"], "width = -1"),
    ],
)
def test_bad_options_are_named(table, tmp_path, arguments, message):
    pytest.importorskip("matplotlib", reason="the report has plots")
    result = run(table, "--out", tmp_path, *arguments)
    assert isinstance(result.exception, SpectrumError)
    assert message in str(result.exception)


def test_folder_that_cannot_be_made_is_named_before_anything_is_trained(table, tmp_path):
    pytest.importorskip("matplotlib", reason="the report has plots")
    (tmp_path / "taken").write_text("a file")
    result = run(table, "--out", tmp_path / "taken", "--epochs", "1000000")
    assert isinstance(result.exception, FollowupError)
    assert "cannot make the folder" in str(result.exception)


def test_missing_data_is_named(tmp_path):
    result = run(tmp_path / "nowhere", "--out", tmp_path)
    assert isinstance(result.exception, FollowupError)
    assert "does not exist" in str(result.exception)
