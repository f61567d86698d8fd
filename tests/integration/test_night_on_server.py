"""A night inside AMPEL on a database server, against the same night without AMPEL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from night_plans import NIGHT, SITE, assert_same_plan, embedded, everything, stored


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
