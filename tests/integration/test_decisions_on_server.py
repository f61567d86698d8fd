"""Decisions flow back to the stocks on a database server, and those who select heed them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from decided_night import at, decide, decisions_job, for_colleagues, leaving_out_what_was_decided, told
from night_plans import NIGHT, SITE, everything, stored
from wire import Moment, Wire

from ampel_followup.store import Store


@pytest.fixture(scope="module")
def decided(new_broker: Callable[[], Any], archive: Path) -> tuple[Any, dict[str, Any], list[str]]:
    """A broker after a night on which the first four targets were decided on, its job, and those targets."""
    broker = new_broker()
    job = for_colleagues(broker, broker.job(archive, site=SITE, night=NIGHT))
    broker.run(job, 0, 1, 2)
    first = [target.id for target in stored(broker).plan.targets[:4]]
    for minute, (target, verdict) in enumerate(zip(first, ["approve", "reject", "observed", "approve"], strict=True)):
        decide(broker.store, target, verdict, minute=minute)
    decide(broker.store, first[3], "observed", minute=9)
    broker.run(decisions_job(broker))
    return broker, job, first


def test_next_plan_leaves_out_what_was_rejected_or_observed(decided: tuple[Any, dict[str, Any], list[str]]) -> None:
    broker, job, (approved, rejected, observed, observed_later) = decided
    assert told(broker) == {
        approved: ({"FOLLOWUP_APPROVED"}, [("approve", at(0))]),
        rejected: ({"FOLLOWUP_REJECTED"}, [("reject", at(1))]),
        observed: ({"FOLLOWUP_OBSERVED"}, [("observed", at(2))]),
        observed_later: ({"FOLLOWUP_OBSERVED"}, [("approve", at(3)), ("observed", at(9))]),
    }
    before = {target.id for target in everything(stored(broker).plan)}
    broker.run(leaving_out_what_was_decided(job), 2)
    assert before - {t.id for t in everything(stored(broker).plan)} == {rejected, observed, observed_later}


def test_second_channel_plans_what_the_first_approved(decided: tuple[Any, dict[str, Any], list[str]]) -> None:
    broker, job, (approved, *_) = decided
    broker.run(job, 3)
    with Store.open(broker.folder / "colleagues.sqlite", read_only=True) as store:
        plan = store.load_plan(night=NIGHT, site="lapalma").plan
    assert [target.id for target in everything(plan)] == [approved]
    planned = [stock["name"][0] for stock in broker.documents("stock", {"tag": "COLLEAGUES_PLANNED"})]
    assert planned == [target.id for target in plan.targets]


@pytest.mark.parametrize("done", [False, True])
def test_server_gone_in_the_middle_of_telling(disk_broker: Any, archive: Path, done: bool) -> None:
    job = disk_broker.job(archive, site=SITE, night=NIGHT)
    disk_broker.run(job, 0)
    names = sorted(stock["name"][0] for stock in disk_broker.documents("stock"))
    for minute, name in enumerate(names):
        decide(disk_broker.store, name, "approve", minute=minute)
    wire = Wire(disk_broker.server.port, Moment("update", "stock", 1, done=done), disk_broker.server.kill)
    with pytest.raises(ValueError, match="Journal update error"):
        disk_broker.run(decisions_job(disk_broker), uri=wire.uri)
    assert wire.acted
    disk_broker.server.start()
    assert len(told(disk_broker)) == (len(names) if done else 0)
    disk_broker.run(decisions_job(disk_broker))
    assert told(disk_broker) == {
        name: ({"FOLLOWUP_APPROVED"}, [("approve", at(minute))]) for minute, name in enumerate(names)
    }
