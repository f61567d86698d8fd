"""Options of ranking, as a person and a script use them."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pytest

from ampel_followup.simulate import simulate_objects, write_alerts

NIGHT = "2026-11-09"
RANK = ["--site", "palomar", "--night", NIGHT]


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("alerts") / "night.tar.gz"
    write_alerts(simulate_objects(12, datetime.date(2026, 11, 9), np.random.default_rng(11)), path)
    return path


def test_list_says_where_to_stop_in_words_and_in_json(run, archive, tmp_path):
    store = tmp_path / "night.sqlite"
    code, out, err = run("rank", archive, *RANK, "--store", store, "--stop-below", 0.3)
    assert code == 0, err
    _, shown, _ = run("plan", "show", "--store", store, "--json")
    stop = json.loads(shown)["stop"]
    assert stop["threshold"] == 0.3
    assert 0 < stop["after"] < len(json.loads(shown)["targets"])
    assert f"after {stop['after']} target" in stop["sentence"]
    assert stop["sentence"][1:] in out
    _, ranked, _ = run("rank", archive, *RANK, "--no-store", "--stop-below", 0.3, "--json")
    assert json.loads(ranked)["stop"] == stop


def test_scores_in_json_carry_uncertainty_scope_and_the_classes_after(run, archive):
    code, out, _ = run("rank", archive, *RANK, "--no-store", "--json")
    result = json.loads(out)
    assert code == 0 and result["sampling"] == "32 quasi-random spectra, seed 0"
    for target in result["targets"]:
        scores = target["scores"]
        assert scores["out_of_scope"] == (scores["in_scope"] < 0.02)
        assert np.isfinite(scores["spectrum_uncertainty"])
        assert sum(scores["p_after"].values()) == pytest.approx(1.0)


def test_monte_carlo_is_the_same_for_the_same_seed(run, archive):
    def targets(*options: object) -> list[dict]:
        code, out, err = run("rank", archive, *RANK, "--no-store", "--json", *options)
        assert code == 0, err
        return json.loads(out)["targets"]

    first = targets("--monte-carlo", 64, "--seed", 5)
    assert targets("--monte-carlo", 64, "--seed", 5) == first
    assert targets("--monte-carlo", 64, "--seed", 6) != first
    assert targets() != first


def test_object_outside_the_training_set_is_marked_in_the_list(run, shared_data):
    alerts = shared_data / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz"
    night = ["--site", "palomar", "--night", "2018-08-20", "--no-store"]
    _, out, _ = run("rank", alerts, *night, "--json")
    outside = {t["id"] for t in json.loads(out)["targets"] if t["scores"]["out_of_scope"]}
    _, listed, _ = run("rank", alerts, *night)
    assert outside == {line.split()[1] for line in listed.splitlines() if "? outside" in line}
    assert outside


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stop-below", "1.5"], "cannot stop below 1.5"),
        (["--monte-carlo", "0"], "0 spectra are too few"),
        (["--seed", "-1"], "the seed -1 is negative"),
        (["--strategy", "ideal"], "needs the true spectra"),
        (["--strategy", "mixture:entropy"], "is no quota of a mixture"),
    ],
)
def test_wrong_options_end_with_one_line_and_code_2(run, archive, options, message):
    code, out, err = run("rank", archive, *RANK, "--no-store", *options)
    assert code == 2 and out == ""
    assert err.count("\n") == 1 and message in err


def test_all_strategies_are_listed(run):
    _, out, _ = run("strategies", "--json")
    names = [s["name"] for s in json.loads(out)["strategies"]]
    assert names[0] == "value-of-information"
    assert {"p-change", "mixture", "ideal", "random"} <= set(names)
