"""Several T2 workers on one database: each document is worked on once, and the plan is that of one worker."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ampel.enum.DocumentCode import DocumentCode
from ampel_broker import succeeded
from night_plans import NIGHT, SITE, assert_same_plan, embedded, stored
from wire import Moment, Wire


def patient_job(broker: Any, archive: Path) -> dict[str, Any]:
    """Return the example job as the file says it should be for several workers, only less patient."""
    job: dict[str, Any] = broker.job(archive, site=SITE, night=NIGHT)
    job["task"][1]["config"]["backoff_on_query"] = {"max_time": 4, "max_value": 0.5}
    return job


def assert_each_document_was_worked_on_once(broker: Any) -> None:
    documents = broker.documents("t2")
    assert {document["code"] for document in documents} == {0}
    for document in documents:
        assert len(document["body"]) == 1
        assert [record["code"] for record in document["meta"] if record["tier"] == 2].count(0) == 1


def test_two_workers_of_one_task(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    job = patient_job(broker, archive)
    job["task"][1]["multiplier"] = 2
    broker.run(job, 0)
    broker.run_apart(job, 1)
    broker.run(job, 2)
    assert_each_document_was_worked_on_once(broker)
    assert_same_plan(stored(broker).plan, embedded(archive))


def test_four_workers_in_processes_of_their_own(own_broker: Any, archive: Path) -> None:
    job = patient_job(own_broker, archive)
    own_broker.run(job, 0)
    # None takes its first document before all are there: they work at the same time.
    all_there = threading.Barrier(4, timeout=120)
    first = Moment("findAndModify", "t2", 1, done=False)
    wires = [Wire(own_broker.server.port, first, all_there.wait, cut=False) for _ in range(4)]
    workers = [own_broker.start(own_broker.job_arguments(job, 1), wire.uri) for wire in wires]
    for worker in workers:
        succeeded(worker)
    own_broker.run(job, 2)
    assert_each_document_was_worked_on_once(own_broker)
    by_run = Counter(
        record["run"] for document in own_broker.documents("t2") for record in document["meta"] if record["tier"] == 2
    )
    assert len(by_run) == 4
    assert_same_plan(stored(own_broker).plan, embedded(archive))


def test_killed_worker_leaves_one_document_which_a_reset_gives_back(own_broker: Any, archive: Path) -> None:
    job = own_broker.job(archive, site=SITE, night=NIGHT)
    own_broker.run(job, 0)
    of_features = copy.deepcopy(job)
    of_features["task"][1]["config"]["unit_ids"] = ["T2FollowupFeatures"]
    worker: list[Any] = []
    wire = Wire(own_broker.server.port, Moment("findAndModify", "t2", 4, done=True), lambda: worker[0].kill())
    worker.append(own_broker.start(own_broker.job_arguments(of_features, 1), wire.uri))
    worker[0].communicate(timeout=120)
    assert wire.acted
    [left] = own_broker.documents("t2", {"code": DocumentCode.RUNNING})
    assert left["unit"] == "T2FollowupFeatures"

    # The others go on, and finish all that does not need that document.
    own_broker.run(job, 1)
    waiting = own_broker.documents("t2", {"code": {"$ne": 0}})
    assert {document["unit"] for document in waiting} == {"T2FollowupFeatures", "T2SpectroscopicGain"}
    assert {tuple(document[key] for key in ("stock", "link")) for document in waiting} == {
        (left["stock"], left["link"])
    }

    own_broker.reset()
    own_broker.run(job, 1)
    own_broker.run(job, 2)
    assert_each_document_was_worked_on_once(own_broker)
    assert_same_plan(stored(own_broker).plan, embedded(archive))
