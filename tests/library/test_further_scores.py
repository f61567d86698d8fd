"""What further bundles add to scored objects: used unless left out, told by name, and the same in every batch."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.cli import main
from ampel_followup.errors import BundleError
from ampel_followup.further_scores import FURTHER_SCORERS, load_further
from ampel_followup.models.attention_bundle import load_attention_bundle
from ampel_followup.models.bundle import load_bundle
from ampel_followup.night_run import NightRun, run_night
from ampel_followup.observing import get_site, night_at
from ampel_followup.simulate import simulate_objects, write_alerts
from ampel_followup.store import Store

NIGHT, SITE = "2026-11-09", "palomar"


@pytest.fixture(scope="module")
def alerts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alerts") / "night.tar.gz"
    write_alerts(simulate_objects(12, dt.date(2026, 11, 9), np.random.default_rng(3)), path)
    return path


def run(alerts: Path, store: Store | None = None, **chosen: Any) -> NightRun:
    return run_night(
        [alerts],
        night=night_at(get_site(SITE), NIGHT),
        bundle=load_bundle(),
        strategy="value-of-information",
        quarantine=Quarantine(None),
        created="2026-11-09T22:00:00Z",
        store=store,
        further=load_further({}, **chosen),
    )


def test_what_comes_along_is_used_unless_it_is_left_out() -> None:
    assert [one.name for one in load_further({})] == [one.name for one in FURTHER_SCORERS if one.packaged]
    left = load_further({}, without=["microlensing"])
    assert "microlensing" not in [one.name for one in left] and "attention" in [one.name for one in left]


def test_a_bundle_of_another_kind_is_refused() -> None:
    with pytest.raises(BundleError, match="attention"):
        load_further({"attention": "microlensing"})


def test_plan_keeps_where_the_classifier_looked_and_changes_no_order(alerts: Path, tmp_path: Path) -> None:
    with Store.open(tmp_path / "night.sqlite") as store:
        made = run(alerts, store)
        stored = store.load_plan()
        kept = stored.plan
        targets = (*kept.targets, *kept.not_observable)
        curves = {target.id: store.light_curve(target.id) for target in targets}
        assert len(targets) == 12
        for target in targets:
            curve = curves[target.id]
            assert curve is not None and target.attention is not None
            (expected,) = load_attention_bundle().score([curve.to_light_curve()])
            assert target.attention == expected
            assert set(target.attention.times) <= {round(float(t), 4) for t in curve.to_light_curve().time}
    assert stored.report["attention"] == load_attention_bundle().describe()
    without = run(alerts, without=["attention"])
    assert without.report["attention"] is None
    assert [t.id for t in without.plan.targets] == [t.id for t in made.plan.targets]
    assert all(t.attention is None for t in without.plan.targets)


def test_rank_says_which_bundles_were_used(alerts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "night.sqlite"
    arguments = ["rank", str(alerts), "--site", SITE, "--night", NIGHT, "--store", str(store)]
    assert main(arguments) == 0
    assert f"classifier with attention {load_attention_bundle().label}, digest" in capsys.readouterr().out
    assert main(["plan", "show", "--store", str(store), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["run"]["attention"]["bundle"] == load_attention_bundle().label
    first = shown["targets"][0]["attention"]
    assert len(first["times"]) == len(first["attention"]) and len(first["probabilities"]) == len(first["class_names"])
    assert main([*arguments, "--no-attention", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["targets"][0]["attention"] is None
    assert main([*arguments, "--no-attention", "--attention", "attention"]) == 2
