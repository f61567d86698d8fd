"""Drift of the assistant's features: what it scores tonight beside what it was trained on."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.assistant import assess_with_features, last_visit_features
from ampel_followup.drift import DriftReport, assistant_drift
from ampel_followup.learning.assistant_training import distribution
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import AssistantBundle, load_assistant
from ampel_followup.models.bundle import load_bundle
from ampel_followup.night_run import run_night
from ampel_followup.observing import get_site, night_at
from ampel_followup.plan import NightPlan
from ampel_followup.policy import load_policy
from ampel_followup.simulate import simulate_objects
from ampel_followup.store import Store
from ampel_followup.triage import Triage

GOLDEN = Path(__file__).parent / "golden"
NIGHT = datetime.date(2024, 4, 24)


@pytest.fixture(scope="module")
def assistant() -> AssistantBundle:
    return load_assistant()


@pytest.fixture(scope="module")
def night() -> list[LightCurve]:
    """Return 500 objects of a simulated night."""
    items = simulate_objects(500, NIGHT, np.random.default_rng(3), templates="analytic")
    return [light_curve_from_candidates(item.id, ztf_stock(item.id), item.candidates) for item in items]


def untold(assistant: AssistantBundle, **changes: Any) -> AssistantBundle:
    """Return the assistant with other contents of its ``bundle.json``."""
    return AssistantBundle({**assistant.info, **changes}, assistant.digest, assistant.files)


def test_features_are_those_that_the_last_scores_were_made_of(
    assistant: AssistantBundle, night: list[LightCurve]
) -> None:
    scores, features = assess_with_features(night, assistant, explain=False)
    for day, rows in features.items():
        said = [s for s in scores if s.history and (len(s.history) == 1) == (day == "1")]
        assert len(said) == len(rows) > 50
        again = assistant.probabilities(day, assistant.features(day), rows)
        assert [s.p_real for s in said] == again["real"].tolist()
        assert [s.p_fast for s in said] == again["fast"].tolist()


def test_features_do_not_depend_on_the_batch_nor_on_whether_scores_are_made(
    assistant: AssistantBundle, night: list[LightCurve]
) -> None:
    whole = assess_with_features(night, assistant, explain=False)[1]
    parts = [last_visit_features(night[i : i + 130], assistant) for i in range(0, len(night), 130)]
    for day in assistant.days:
        np.testing.assert_array_equal(whole[day], np.concatenate([part[day] for part in parts]))
        assert last_visit_features([], assistant)[day].shape == (0, len(assistant.features(day)))


def test_an_honest_night_raises_no_alarm_and_one_with_other_real_bogus_scores_does(
    assistant: AssistantBundle, night: list[LightCurve]
) -> None:
    report = assistant_drift(last_visit_features(night, assistant), assistant)
    assert report.n_objects == 500
    assert report.moved == ()
    assert report.sentence.startswith("day 1: the 18 features are distributed as in training; day N: the 30")
    changed = [replace(lc, rb=lc.rb**3) for lc in night]
    report = assistant_drift(last_visit_features(changed, assistant), assistant)
    assert report.moved == ("rb_mean (day 1)", "rb_mean (day N)")
    assert "day 1: 1 of 18 features are not as in training: rb_mean (day 1): median" in report.sentence
    assert DriftReport.from_dict(json.loads(json.dumps(report.to_dict()))).to_dict() == report.to_dict()


def test_each_feature_of_the_packaged_assistant_knows_how_much_nights_differ(assistant: AssistantBundle) -> None:
    for day in assistant.days:
        kept = assistant.info["distribution"][day]
        assert set(kept) == set(assistant.features(day))
        assert all(entry["usual_psi"] >= 0.0 for entry in kept.values())


def test_an_assistant_that_does_not_know_how_much_nights_differ_says_so(
    assistant: AssistantBundle, night: list[LightCurve]
) -> None:
    plain = {
        day: {name: {**entry, "usual_psi": np.nan} for name, entry in kept.items()}
        for day, kept in assistant.info["distribution"].items()
    }
    report = assistant_drift(last_visit_features(night, assistant), untold(assistant, distribution=plain))
    assert report.moved
    assert "how much nights differ is not known to the bundle" in report.sentence


def test_an_assistant_without_distributions_costs_no_night(assistant: AssistantBundle, night: list[LightCurve]) -> None:
    report = assistant_drift(last_visit_features(night, assistant), untold(assistant, distribution={}))
    assert (report.moved, report.features) == ((), ())
    assert report.sentence.count("keeps no distribution of its training set; train it again") == 2
    few = assistant_drift({}, assistant)
    assert few.n_objects == 0 and "too few" in few.sentence


def test_a_column_that_is_never_measured_in_training_has_no_deciles() -> None:
    values = np.column_stack([np.arange(11.0), np.full(11, np.nan)])
    kept = distribution(("mag", "rb_pix"), values, ("mag", "rb_pix"))
    assert kept["mag"] == {"measured": 1.0, "deciles": list(range(11))}
    assert kept["rb_pix"] == {"measured": 0.0, "deciles": []}


def test_a_night_reports_what_moved_of_the_bundle_and_of_the_assistant(
    assistant: AssistantBundle, shared_data: Path, run: Any
) -> None:
    alerts = shared_data / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz"

    def report(triage: Triage | None) -> dict[str, Any]:
        return run_night(
            [alerts],
            night=night_at(get_site("palomar"), "2018-08-19"),
            bundle=load_bundle(),
            strategy="value-of-information",
            quarantine=Quarantine(None),
            created="2018-08-20T00:00:00Z",
            triage=triage,
        ).report

    told = report(Triage(assistant, load_policy()))
    assert told["drift_assistant"]["n_objects"] == told["drift"]["n_objects"] == 30
    assert told["drift_assistant"].keys() == told["drift"].keys()
    assert report(None)["drift_assistant"] is None
    code, out, _ = run("drift", alerts, "--json")
    assert code == 0
    assert json.loads(out)["assistant"] == assistant.label
    again = DriftReport.from_dict(json.loads(out)["drift_assistant"])
    assert again.to_dict() == DriftReport.from_dict(told["drift_assistant"]).to_dict()
    code, out, _ = run("rank", alerts, "--night", "2018-08-19", "--site", "palomar", "--no-store")
    assert code == 0 and told["drift_assistant"]["moved"]
    assert f"drift, assistant: {told['drift_assistant']['sentence']}"[:60] in out
    assert f"30 objects beside that of assistant {assistant.label}" in run("drift", alerts)[1]


def test_the_nights_of_a_store_say_what_moved_of_the_assistant(
    assistant: AssistantBundle, night: list[LightCurve], run: Any, tmp_path: Path
) -> None:
    plan = NightPlan.from_dict(json.loads((GOLDEN / "plan.json").read_text("utf-8")))
    changed = [replace(lc, rb=lc.rb**3) for lc in night]
    found = assistant_drift(last_visit_features(changed, assistant), assistant).to_dict()
    calm = DriftReport(500, (), "the 103 features are distributed as in training", ()).to_dict()
    with Store.open(tmp_path / "night.sqlite") as store:
        store.save_plan(plan, created="2018-08-20T20:00:00Z", report={"drift": calm, "drift_assistant": found})
    code, out, _ = run("drift", "--store", tmp_path / "night.sqlite")
    assert code == 0 and "rb_mean (day N)" in " ".join(out.split())
    code, out, _ = run("drift", "--store", tmp_path / "night.sqlite", "--night", plan.night.date)
    assert code == 0 and "the assistant of the same run: day 1: 1 of 18" in out
