"""A night inside AMPEL on a database server, against the same night without AMPEL."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ampel.enum.DocumentCode import DocumentCode
from night_plans import NIGHT, SITE, assert_same_plan, embedded, everything, read_light_curves, reordered, stored

from ampel_followup.errors import BundleError
from ampel_followup.models.bundle import find_bundle
from ampel_followup.simulate import SimulatedObject, simulate_objects, write_alerts


def test_tasks_in_processes_of_their_own_make_the_embedded_list(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT)
    for task in range(3):
        broker.run_apart(job, task)
    plan = stored(broker).plan
    assert len(everything(plan)) == 12
    assert_same_plan(plan, embedded(archive))
    assert broker.documents("trouble") == []


def test_real_alerts_make_the_embedded_list(new_broker: Callable[[], Any], shared_data: Path) -> None:
    archive = shared_data / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz"
    broker = new_broker()
    broker.run(broker.job(archive, site=SITE, night=NIGHT))
    assert len(everything(stored(broker).plan)) == 30
    assert_same_plan(stored(broker).plan, embedded(archive))


def test_running_the_job_again_changes_nothing_but_the_journal(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT)
    broker.run(job)
    first = stored(broker)
    before = {name: broker.documents(name) for name in ("t0", "t1", "t2")}
    broker.run(job)
    assert stored(broker).info.revision == first.info.revision
    assert [d["body"] for d in broker.documents("t2")] == [d["body"] for d in before["t2"]]
    assert [d["dps"] for d in broker.documents("t1")] == [d["dps"] for d in before["t1"]]
    assert len(broker.documents("t0")) == len(before["t0"])


def test_alerts_that_come_twice_change_nothing(new_broker: Callable[[], Any], archive: Path, tmp_path: Path) -> None:
    broker = new_broker()
    broker.run(broker.job(twice(archive, tmp_path / "twice.tar.gz"), site=SITE, night=NIGHT))
    assert_same_plan(stored(broker).plan, embedded(archive))
    points = broker.documents("t0")
    assert len({point["id"] for point in points}) == len(points)


def test_latest_photometry_counts_even_if_it_came_first(
    new_broker: Callable[[], Any], archive: Path, tmp_path: Path
) -> None:
    backwards = reordered(archive, tmp_path / "backwards.tar.gz", newest_first=True)
    broker = new_broker()
    broker.run(broker.job(backwards, site=SITE, night=NIGHT))
    curves = read_light_curves(archive)
    plan = stored(broker).plan
    assert {target.id for target in everything(plan)} == curves.keys()
    for target in everything(plan):
        curve = curves[target.id]
        assert target.photometry.last_mjd == curve.time[curve.detected][-1]


def test_stock_with_five_thousand_datapoints(new_broker: Callable[[], Any], tmp_path: Path) -> None:
    archive = tmp_path / "long.tar.gz"
    [simulated] = simulate_objects(1, dt.date.fromisoformat(NIGHT), np.random.default_rng(0))
    write_alerts([with_more_points(simulated, 5000)], archive)
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT)
    # No more than two units: to look 5,000 numbers up takes this server seconds. T3 assesses the object itself.
    del job["task"][0]["config"]["directives"][0]["ingest"]["mux"]["combine"][0]["state_t2"][2:]
    broker.run(job)
    assert max(len(state["dps"]) for state in broker.documents("t1")) >= 5000
    assert_same_plan(stored(broker).plan, embedded(archive))


def test_missing_bundle_is_named_and_a_reset_completes_the_night(
    new_broker: Callable[[], Any], archive: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "ours"
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT)
    features, gain, *_ = job["task"][0]["config"]["directives"][0]["ingest"]["mux"]["combine"][0]["state_t2"]
    features["config"] = {"bundle": str(missing)}
    gain["config"] = {"bundle": str(missing), "t2_dependency": [{"unit": "T2FollowupFeatures", **features}]}
    broker.run(job, 0)
    with pytest.raises(BundleError, match=str(missing)):
        broker.run(job, 1)

    # A process that AMPEL schedules goes on with all that does not need the bundle.
    patience = {"max_time": 0.5}
    broker.run_process("followup_workers.yml", backoff_on_query=patience)
    assert {document["code"] for document in broker.documents("t2", {"unit": "T2VirtualAssistant"})} == {0}
    assert {d["code"] for d in broker.documents("t2", {"unit": "T2FollowupFeatures"})} == {
        DocumentCode.RUNNING,  # of the job
        DocumentCode.EXCEPTION,
    }
    assert str(missing) in str(broker.documents("trouble"))

    shutil.copytree(find_bundle(), missing)
    broker.reset()
    broker.run_process("followup_workers.yml", backoff_on_query=patience)
    broker.run(job, 2)
    assert {document["code"] for document in broker.documents("t2")} == {0}
    assert_same_plan(stored(broker).plan, embedded(archive))


def twice(archive: Path, out: Path) -> Path:
    """Return a copy of an archive with each packet twice, in order of time."""
    with tarfile.open(archive) as source, tarfile.open(out, "w:gz") as target:
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            for _ in range(2):
                target.addfile(member, source.extractfile(member))
    return out


def with_more_points(simulated: SimulatedObject, number: int) -> SimulatedObject:
    """Return an object with so many detections more in the weeks before its newest one, and like it."""
    newest = simulated.candidates[-1]
    more = [
        newest | {"jd": float(jd), "candid": newest["candid"] - number + i, "pid": newest["pid"] - number + i}
        for i, jd in enumerate(np.linspace(newest["jd"] - 25.0, newest["jd"] - 1.0, number))
    ]
    candidates = sorted([*more, *simulated.candidates], key=lambda record: record["jd"])
    return dataclasses.replace(simulated, candidates=candidates)
