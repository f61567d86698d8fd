"""Decisions flow back to the stocks on a database server, and those who select heed them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from decided_night import DecidedNight, at, decide, decisions_job, told
from night_plans import NIGHT, SITE
from wire import Moment, Wire


@pytest.fixture(scope="module")
def night(new_broker: Callable[[], Any], archive: Path) -> DecidedNight:
    return DecidedNight.of(new_broker(), archive)


def test_next_plan_leaves_out_what_was_rejected_or_observed(night: DecidedNight) -> None:
    night.check_the_next_plan()


def test_second_channel_plans_what_the_first_approved(night: DecidedNight) -> None:
    night.check_the_second_channel()


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
