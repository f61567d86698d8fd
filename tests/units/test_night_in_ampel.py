"""A night inside AMPEL, from alerts to plan, against the same night without AMPEL."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from night_plans import (
    NIGHT,
    SITE,
    TOLERANCE,
    assert_same_assessment,
    assert_same_plan,
    counts,
    embedded,
    embedded_run,
    everything,
    read_light_curves,
    reordered,
    stored,
    t2_results,
    triage,
)

from ampel_followup.assistant_scores import AssistantScores
from ampel_followup.drift import DriftReport
from ampel_followup.errors import SiteError
from ampel_followup.models.assistant_bundle import load_assistant
from ampel_followup.models.attention_bundle import load_attention_bundle
from ampel_followup.models.bundle import find_bundle, load_bundle
from ampel_followup.models.microlensing_bundle import load_microlensing
from ampel_followup.scoring import Sampling
from ampel_followup.simulate import simulate_objects, write_alerts
from ampel_followup.store import Store


@pytest.fixture(scope="module")
def archive(shared_data: Path) -> Path:
    """30 alerts of the public ZTF stream."""
    return shared_data / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz"


@pytest.fixture(scope="module")
def night(new_broker: Callable[[], Any], archive: Path) -> Any:
    """AMPEL after the example job has run on those alerts."""
    broker = new_broker()
    broker.run(broker.job(archive, site=SITE, night=NIGHT))
    return broker


def test_list_equals_the_embedded_one(night: Any, archive: Path) -> None:
    plan = stored(night).plan
    assert len(everything(plan)) == 30
    assert plan.set_aside
    assert all(target.placement is not None for target in everything(plan))
    assert_same_plan(plan, embedded(archive))


def test_what_moved_is_the_same_as_without_ampel(night: Any, archive: Path) -> None:
    in_ampel, alone = stored(night).report, embedded_run(archive).report
    for key in ("drift", "drift_assistant"):
        assert in_ampel[key] == DriftReport.from_dict(alone[key]).to_dict()


def test_list_without_the_assistant_equals_the_embedded_one(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    broker.run(broker.job(archive, site=SITE, night=NIGHT, triage=False))
    plan = stored(broker).plan
    assert len(plan.targets) > 5
    assert not plan.set_aside
    assert_same_plan(plan, embedded(archive, triaged=False))


def test_assistant_document_is_what_the_plan_holds(night: Any) -> None:
    documents = {
        document["stock"]: document["body"][0] for document in night.documents("t2", {"unit": "T2VirtualAssistant"})
    }
    assert len(documents) == 30
    for target in everything(stored(night).plan):
        body = documents[target.stock]
        assert body["assistant_digest"] == load_assistant().digest
        assert_same_assessment(AssistantScores.from_dict(body), target.assistant)


def test_stocks_that_the_assistant_has_not_seen_are_assessed_for_the_plan(
    new_broker: Callable[[], Any], archive: Path
) -> None:
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT)
    broker.run(job, 0)
    broker.run(job, 1)
    broker.database["t2"].delete_many({"unit": "T2VirtualAssistant"})
    broker.run(job, 2)
    assert stored(broker).report["assessed"] == 30
    assert_same_plan(stored(broker).plan, embedded(archive))


def test_list_equals_that_of_the_command_line(night: Any, archive: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from ampel_followup.cli import app

    options = ["--site", SITE, "--night", NIGHT, "--store", str(tmp_path / "store.sqlite"), "--json"]
    result = CliRunner().invoke(app, ["rank", str(archive), *options], catch_exceptions=False)
    assert result.exit_code == 0
    targets = json.loads(result.stdout)["targets"]
    plan = stored(night).plan
    assert [target["id"] for target in targets] == [target.id for target in plan.targets]
    for listed, target in zip(targets, plan.targets, strict=True):
        assert listed["priority"] == pytest.approx(target.priority, abs=TOLERANCE)
        assert listed["scores"]["p_t"] == pytest.approx(target.scores.p_t, abs=TOLERANCE)


def test_loader_of_our_own_sets_a_damaged_packet_aside(
    new_broker: Callable[[], Any], archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.avro").write_bytes(b"Obj\x01 and then nothing")
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT, triage=False)
    supplier = job["task"][0]["config"]["supplier"]
    paths = [str(archive), str(tmp_path / "cut.avro")]
    supplier["config"] = {"deserialize": None, "loader": {"unit": "FollowupAlertLoader",
                          "config": {"survey": "ZTF", "paths": paths}}}  # fmt: skip
    broker.run(job)
    assert_same_plan(stored(broker).plan, embedded(archive, triaged=False))


def test_simulated_night_gives_the_embedded_list(new_broker: Callable[[], Any], tmp_path: Path) -> None:
    archive = tmp_path / "night.tar.gz"
    write_alerts(simulate_objects(25, dt.date.fromisoformat(NIGHT), np.random.default_rng(7)), archive)
    broker = new_broker()
    broker.run(broker.job(archive, site=SITE, night=NIGHT))
    plan = stored(broker).plan
    assert len(everything(plan)) == 25
    assert_same_plan(plan, embedded(archive))


def test_light_curves_in_the_store_are_those_of_the_packets_point_for_point(night: Any, archive: Path) -> None:
    expected = read_light_curves(archive)
    assert any((curve.flux < 0).any() for curve in expected.values())
    assert any(curve.upper_limit.any() for curve in expected.values())
    with Store.open(night.store, read_only=True) as store:
        for name, curve in expected.items():
            kept = store.light_curve(name)
            assert kept is not None
            for column in ("time", "flux", "flux_err"):
                np.testing.assert_array_equal(getattr(kept, column), getattr(curve, column))
            assert list(kept.band) == curve.band.tolist()
            assert list(kept.upper_limit) == curve.upper_limit.tolist()


def test_targets_are_tagged_and_say_in_their_journal_why(night: Any) -> None:
    plan = stored(night)
    targets = {target.stock: target for target in plan.plan.targets}
    for stock in night.documents("stock"):
        journal = [record for record in stock["journal"] if record.get("unit") == "T3FollowupPlan"]
        if stock["stock"] not in targets:
            assert "FOLLOWUP_PLANNED" not in stock["tag"]
            assert not journal
            continue
        target = targets[stock["stock"]]
        assert target.id in stock["name"]
        assert "FOLLOWUP_PLANNED" in stock["tag"]
        assert [record["extra"] for record in journal] == [
            {
                "plan": plan.info.revision,
                "night": NIGHT,
                "site": SITE,
                "strategy": "value-of-information",
                "rank": target.rank,
                "priority": target.priority,
                "out_of_scope": target.scores.out_of_scope,
                "queue": target.placement.queue if target.placement else None,
                "urgent": False,
                "reasons": list(target.reasons),
            }
        ]


def test_plan_document_counts_what_went_into_the_plan(night: Any) -> None:
    [document] = night.documents("t3")
    plan = stored(night)
    assert document["body"]["stop"]["sentence"].endswith("a spectrum changes fewer than 1 class in 50")
    assert document["body"] == {
        "revision": plan.info.revision,
        "night": NIGHT,
        "site": SITE,
        "strategy": "value-of-information",
        "bundle": plan.plan.bundle,
        "targets": len(plan.plan.targets),
        "not_observable": len(plan.plan.not_observable),
        "outside_training": sum(target.scores.out_of_scope for target in plan.plan.targets),
        "stop": plan.plan.stop.to_dict() if plan.plan.stop else None,
        "set_aside": len(plan.plan.set_aside),
        "assistant": load_assistant().label,
        "early": None,
        "anomaly": None,
        "attention": load_attention_bundle().describe(),
        "microlensing": {**load_microlensing().describe(), "lenses": [], "urgent": []},
        "policy": triage().policy_label,
        "queues": plan.report["queues"],
        "drift": plan.report["drift"]["moved"],
        "drift_assistant": plan.report["drift_assistant"]["moved"],
        "objects": 30,
        "scored": 30,
        "rescored": 0,
        "assessed": 0,
    }
    assert sum(plan.report["queues"].values()) == plan.report["drift"]["n_objects"] == 30
    assert plan.report["drift_assistant"]["n_objects"] == 30


def test_nothing_went_wrong(night: Any) -> None:
    assert night.documents("trouble") == []
    assert {document["code"] for document in night.documents("t2")} == {0}


def test_feature_document_names_what_it_measured(night: Any) -> None:
    bundle = load_bundle()
    documents = night.documents("t2", {"unit": "T2FollowupFeatures"})
    for document in documents:
        [body] = document["body"]
        assert tuple(body["features"]) == bundle.features
        assert body["feature_sets"] == bundle.info["feature_sets"]
        assert body["bundle_digest"] == bundle.digest
        assert all(value is None or np.isfinite(value) for value in body["features"].values())
    assert any(None in document["body"][0]["features"].values() for document in documents)


def test_running_the_job_again_changes_nothing_but_the_journal(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT)
    broker.run(job)
    first, results = stored(broker), t2_results(broker)
    broker.run(job)
    second = stored(broker)
    assert second.plan.to_json() == first.plan.to_json()
    assert second.info.revision == first.info.revision
    assert t2_results(broker) == results
    assert len(broker.documents("stock")) == 30
    assert all(stock["tag"].count("FOLLOWUP_PLANNED") <= 1 for stock in broker.documents("stock"))


def test_damaged_datapoint_costs_its_object_and_no_other(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT, triage=False)
    broker.run(job, 0)
    expected = embedded(archive, triaged=False)
    victim = expected.targets[0]
    point = broker.documents("t0", {"stock": victim.stock, "id": {"$gt": 0}})[0]
    broker.database["t0"].update_one({"_id": point["_id"]}, {"$set": {"body.magpsf": "bright"}})
    broker.run(job, 1)
    broker.run(job, 2)

    for document in broker.documents("t2", {"stock": victim.stock}):
        assert document["code"] == 1
        assert victim.id in document["body"][0]["error"]
        assert "magpsf = 'bright'" in document["body"][0]["error"]
    plan = stored(broker)
    assert [target.id for target in plan.plan.targets] == [target.id for target in expected.targets[1:]]
    assert counts(plan.report) == {"objects": 30, "scored": 29, "rescored": 0}


def test_object_without_a_detection_is_left_out(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT)
    broker.run(job, 0)
    stock = broker.documents("stock")[0]["stock"]
    broker.database["t0"].update_many({"stock": stock, "id": {"$gt": 0}}, {"$set": {"body.magpsf": float("nan")}})
    broker.run(job, 1)
    broker.run(job, 2)
    assert {document["code"] for document in broker.documents("t2", {"stock": stock})} == {1}
    assert stored(broker).report["scored"] == 29


def test_scores_of_another_bundle_are_made_again(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT)
    broker.run(job, 0)
    broker.run(job, 1)
    for document in broker.documents("t2", {"unit": "T2SpectroscopicGain"})[:4]:
        change = {"body.0.bundle_digest": "another", "body.0.scores.value_of_information": 2.0}
        broker.database["t2"].update_one({"_id": document["_id"]}, {"$set": change})
    broker.run(job, 2)
    assert counts(stored(broker).report) == {"objects": 30, "scored": 30, "rescored": 4}
    assert_same_plan(stored(broker).plan, embedded(archive))


@pytest.mark.parametrize("told", ["both", "plan only"])
def test_spectra_are_drawn_as_the_plan_unit_says(new_broker: Callable[[], Any], archive: Path, told: str) -> None:
    drawn = {"monte_carlo": 50, "seed": 3}
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT, **drawn)
    if told == "both":
        _, gain, _ = job["task"][0]["config"]["directives"][0]["ingest"]["mux"]["combine"][0]["state_t2"]
        gain["config"] |= drawn
    broker.run(job)
    assert stored(broker).report["rescored"] == (0 if told == "both" else 30)
    assert_same_plan(stored(broker).plan, embedded(archive, sampling=Sampling(50, 3)))


def test_options_of_the_plan_unit_are_heeded(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    options = {"strategy": "mixture:entropy=2,random=1", "stop_below": 0.3, "triage": False}
    broker.run(broker.job(archive, site=SITE, night=NIGHT, max_targets=2, tag="TONIGHT", **options))
    plan = stored(broker).plan
    assert_same_plan(plan, embedded(archive, str(options["strategy"]), stop_below=0.3, triaged=False))
    tagged = {stock["stock"] for stock in broker.documents("stock") if "TONIGHT" in stock["tag"]}
    assert tagged == {target.stock for target in plan.targets[:2]}


def test_bundle_of_ones_own_is_named_in_every_unit(
    new_broker: Callable[[], Any], archive: Path, tmp_path: Path
) -> None:
    copy = str(shutil.copytree(find_bundle(), tmp_path / "ours"))
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT, bundle=copy)
    features, gain, _ = job["task"][0]["config"]["directives"][0]["ingest"]["mux"]["combine"][0]["state_t2"]
    features["config"] = {"bundle": copy}
    gain["config"] = {"bundle": copy, "t2_dependency": [{"unit": "T2FollowupFeatures", "config": {"bundle": copy}}]}
    broker.run(job)
    assert counts(stored(broker).report) == {"objects": 30, "scored": 30, "rescored": 0}


def test_unknown_site_stops_the_job_before_it_writes(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    with pytest.raises(SiteError, match="palomr"):
        broker.run(broker.job(archive, site="palomr", night=NIGHT), 2)
    assert not broker.store.exists()


@pytest.mark.parametrize("name", ["ZTF18abxhyqv", "ZTF18acruwxq"])
def test_several_alerts_of_an_object_make_the_same_light_curve(
    new_broker: Callable[[], Any], shared_data: Path, tmp_path: Path, name: str
) -> None:
    archive = reordered(shared_data / "ztf_alerts" / f"{name}.tar.gz", tmp_path / "alerts.tar.gz", newest_first=False)
    broker = new_broker()
    broker.run(broker.job(archive, site=SITE, night=NIGHT))
    assert len(broker.documents("t1")) > 1
    assert_same_plan(stored(broker).plan, embedded(archive))


@pytest.mark.parametrize("name", ["ZTF18abxhyqv", "ZTF18acruwxq"])
def test_latest_photometry_counts_even_if_it_came_first(
    new_broker: Callable[[], Any], shared_data: Path, tmp_path: Path, name: str
) -> None:
    archive = reordered(shared_data / "ztf_alerts" / f"{name}.tar.gz", tmp_path / "alerts.tar.gz", newest_first=True)
    broker = new_broker()
    broker.run(broker.job(archive, site=SITE, night=NIGHT))
    [target] = everything(stored(broker).plan)
    [curve] = read_light_curves(archive).values()
    assert target.photometry.last_mjd == curve.time[curve.detected][-1]
