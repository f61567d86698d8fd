"""Points that were held out: what is measured is what was promised, and the command says it."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sample_explosions import supernova

from ampel_followup.evaluation.gaussian_process import GAP, evaluate, hold_out, turning_points
from ampel_followup.evaluation.gaussian_process_data import Explosions, simulate_explosions
from ampel_followup.gaussian_process.kernels import KERNELS

SCRIPT = Path(__file__).parents[2] / "scripts" / "fit_kernel_priors.py"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def explosions() -> Explosions:
    rng = np.random.default_rng(3)
    return Explosions("made", False, tuple(supernova(rng, i, points=60, error=5.0) for i in range(12)))


def test_a_gap_holds_out_all_points_of_a_while(explosions: Explosions) -> None:
    rng = np.random.default_rng(1)
    for curve in explosions.curves:
        held = hold_out(curve, "gap", rng)
        inside = curve.time[held]
        assert held.any()
        assert np.ptp(inside) <= GAP[1]
        assert not ((curve.time[~held] > inside[0]) & (curve.time[~held] < inside[-1])).any()


def test_a_fifth_of_the_points_is_held_out_at_random(explosions: Explosions) -> None:
    rng = np.random.default_rng(1)
    shares = [hold_out(curve, "points", rng).mean() for curve in explosions.curves * 5]
    assert np.mean(shares) == pytest.approx(0.2, abs=0.03)


def test_priors_are_what_light_curves_give(explosions: Explosions) -> None:
    script = runpy.run_path(str(SCRIPT))
    for name in ("stationary", "warped"):
        kernel = KERNELS[name]
        fitted = script["fitted_priors"](explosions.curves, kernel)
        assert fitted.prior_mean.shape == fitted.prior_scatter.shape == (len(kernel.parameters),)
        assert (fitted.prior_scatter < 1.5 * script["broad"](kernel).prior_scatter).all()
        # These twelve were drawn from no kernel: the priors of the package hold them none the less.
        rows = {row["parameter"]: row for row in script["compared"](kernel, [fitted])}
        assert all(abs(row["apart"]) < 2.0 for row in rows.values())
        assert np.exp(rows["ln_noise"]["fitted_mean"]) < 0.1


@pytest.mark.parametrize(
    ("flux", "turns"),
    [
        ([3.0, 2.0, 1.0, 0.0], 0),
        ([3.0, 1.0, 2.0, 0.0], 2),
        ([3.0, 1.0, 1.05, 0.0], 0),
        ([0.0, 1.0, 0.0], 1),
        ([1.0], 0),
    ],
)
def test_turning_points_count_what_goes_back_by_more_than_the_swing(flux: list[float], turns: int) -> None:
    assert turning_points(np.array(flux), 0.1) == turns


def test_the_warped_kernel_predicts_gaps_better_and_wiggles_less(explosions: Explosions) -> None:
    kernels = {name: KERNELS[name] for name in ("stationary", "warped")}
    result = evaluate([explosions], kernels, objects=12, seeds=(1, 2))
    gap = {one["kernel"]: one for one in result["held_out"] if one["held_out"] == "gap"}
    assert gap["stationary"]["gain"] == 0.0
    assert gap["warped"]["gain"] > 0.0
    assert gap["warped"]["log_density"] == pytest.approx(
        gap["stationary"]["log_density"] + gap["warped"]["gain"], abs=0.15
    )
    wiggle = {one["kernel"]: one["turns"] for one in result["wiggle"]}
    assert wiggle["warped"] < wiggle["stationary"]
    again = evaluate([explosions], kernels, objects=12, seeds=(1, 2))
    assert json.dumps(result) == json.dumps(again)


def test_simulated_explosions_bring_their_truth() -> None:
    rng = np.random.default_rng(4)
    donors = tuple(supernova(rng, i, points=120) for i in range(8))
    simulated = simulate_explosions(donors, 12, rng)
    assert simulated.curves
    for curve in simulated.curves:
        truth = simulated.truth[curve.id]
        pulls = [
            (curve.flux[curve.band == band] - np.interp(curve.time[curve.band == band], truth.mjd, flux))
            / curve.flux_err[curve.band == band]
            for band, flux in truth.flux.items()
        ]
        assert np.std(np.concatenate(pulls)) == pytest.approx(1.0, abs=0.35)


def test_a_folder_without_explosions_is_refused(run: Run, tmp_path: Path) -> None:
    code, _, error = run("evaluate", "gaussian-process", tmp_path)
    assert code == 2
    assert "holds no light curves of explosions; snpcc, ztf_bts_snia or paired_sn is needed" in error


def test_the_command_measures_and_draws(run: Run, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    rng = np.random.default_rng(6)
    folder = tmp_path / "snpcc"
    folder.mkdir()
    columns: dict[str, list[object]] = {name: [] for name in ("snid", "mjd", "band", "flux", "flux_err")}
    for number in range(12):
        curve = supernova(rng, number, points=50)
        columns["snid"] += [number] * len(curve)
        columns["mjd"] += curve.time.tolist()
        columns["band"] += [name[-1] for name in curve.band.tolist()]
        columns["flux"] += curve.flux.tolist()
        columns["flux_err"] += curve.flux_err.tolist()
    pq.write_table(pa.table(columns), folder / "lightcurves.parquet")
    arguments = ("evaluate", "gaussian-process", tmp_path, "--objects", 3, "--simulated", 6, "--seeds", 1)
    code, out, error = run(*arguments, "--part", "all", "--plots", tmp_path / "plots", "--json")
    assert (code, error) == (0, "")
    result = json.loads(out)
    assert {one["set"] for one in result["held_out"]} == {"snpcc", "explosions in snpcc epochs"}
    assert {one["kernel"] for one in result["wiggle"]} == set(result["kernels"])
    assert sorted(path.suffix for path in (tmp_path / "plots").iterdir()) == [".png", ".png", ".svg", ".svg"]
    code, out, _ = run(*arguments, "--part", "all")
    assert code == 0
    assert "turning points" in out
