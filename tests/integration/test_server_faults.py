"""The server fails, or cannot be reached: it is said, nothing is lost, and running again completes the night."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ampel.enum.DocumentCode import DocumentCode
from night_plans import NIGHT, SITE, assert_same_plan, embedded, stored
from pymongo import errors
from wire import Moment, Wire

#: Tasks of `night_job`.
T0, T2, T3 = (0,), (1, 2), (3,)


def night_job(broker: Any, archive: Path) -> dict[str, Any]:
    """Return the example job with a task for features before that for the rest: H2 keeps no order of documents."""
    job: dict[str, Any] = broker.job(archive, site=SITE, night=NIGHT)
    features, rest = job["task"][1], copy.deepcopy(job["task"][1])
    features["config"]["unit_ids"] = ["T2FollowupFeatures"]
    rest["config"]["unit_ids"].remove("T2FollowupFeatures")
    job["task"].insert(2, rest)
    return job


def codes(broker: Any) -> Counter[int]:
    return Counter(document["code"] for document in broker.documents("t2"))


def test_database_on_disk_is_there_after_a_restart_with_its_indexes(disk_broker: Any, archive: Path) -> None:
    job = night_job(disk_broker, archive)
    disk_broker.run(job, *T0, *T2)
    indexes = {name: disk_broker.database[name].index_information() for name in ("stock", "t0", "t1", "t2")}
    disk_broker.server.stop()
    disk_broker.server.start()
    assert {name: disk_broker.database[name].index_information() for name in indexes} == indexes
    assert indexes["t0"]["id_1"]["unique"]
    point = disk_broker.documents("t0")[0]
    with pytest.raises(errors.DuplicateKeyError):
        disk_broker.database["t0"].insert_one({"id": point["id"]})
    disk_broker.run(job, *T3)
    assert_same_plan(stored(disk_broker).plan, embedded(archive))


def test_server_gone_in_the_middle_of_t2(disk_broker: Any, archive: Path) -> None:
    job = night_job(disk_broker, archive)
    disk_broker.run(job, *T0)
    wire = Wire(disk_broker.server.port, Moment("findAndModify", "t2", 10, done=True), disk_broker.server.kill)
    with pytest.raises(Exception) as caught:
        disk_broker.run(job, *T2, uri=wire.uri)
    assert wire.acted
    assert "127.0.0.1" in str(caught.value.__cause__)
    disk_broker.server.start()
    left = codes(disk_broker)
    total = sum(left.values())
    assert left == {0: 9, DocumentCode.RUNNING: 1, DocumentCode.NEW: total - 10}

    disk_broker.reset()
    disk_broker.run(job, *T2, *T3)
    assert codes(disk_broker) == {0: total}
    assert all(len(document["body"]) == 1 for document in disk_broker.documents("t2"))
    assert_same_plan(stored(disk_broker).plan, embedded(archive))


def test_server_gone_in_the_middle_of_t3(disk_broker: Any, archive: Path) -> None:
    job = night_job(disk_broker, archive)
    disk_broker.run(job, *T0, *T2)
    # Before it has read anything, and when the plan is in the store but the stocks do not know.
    for moment in (Moment("find", "t2", 1, done=False), Moment("update", "stock", 1, done=False)):
        wire = Wire(disk_broker.server.port, moment, disk_broker.server.kill)
        with pytest.raises(Exception, match=r"127\.0\.0\.1|Journal update error"):
            disk_broker.run(job, *T3, uri=wire.uri)
        assert wire.acted
        disk_broker.server.start()
    assert disk_broker.documents("stock", {"tag": "FOLLOWUP_PLANNED"}) == []
    disk_broker.run(job, *T3)
    plan = stored(disk_broker)
    assert plan.info.revision == 1
    assert_same_plan(plan.plan, embedded(archive))
    planned = [
        stock["stock"]
        for stock in disk_broker.documents("stock", {"tag": "FOLLOWUP_PLANNED"})
        if [record.get("unit") for record in stock["journal"]].count("T3FollowupPlan") == 1
    ]
    assert sorted(planned) == sorted(target.stock for target in plan.plan.targets)


@pytest.mark.parametrize(
    ("user", "reason"), [("nobody:wrong@", "Authentication failed"), ("", "127.0.0.1:1: .*Connection refused")]
)
def test_wrong_address_is_said_and_writes_nothing(
    new_broker: Callable[[], Any], archive: Path, user: str, reason: str
) -> None:
    broker = new_broker()
    job = broker.job(archive, site=SITE, night=NIGHT)
    hosts = broker.uri.removeprefix("mongodb://").rpartition("@")[2] if user else "127.0.0.1:1"
    with pytest.raises(errors.PyMongoError, match=reason):
        broker.run(job, 0, uri=f"mongodb://{user}{hosts}")
    assert broker.database.list_collection_names() == []
    broker.run(job, 0)
    assert len(broker.documents("stock")) == 12
