"""What people decided comes back to AMPEL's stocks: journaled, tagged, once, and heeded by those who select."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from decided_night import MORNING, DecidedNight, at, decide, decisions_job, name, take_back, told
from night_plans import NIGHT, SITE

from ampel_followup.errors import StoreError
from ampel_followup.simulate import simulate_objects, write_alerts
from ampel_followup.store import Store

#: Simulated objects of the archive.
A, B, C, D, E = (f"ZTF18aaaaaa{letter}" for letter in "bcdef")
ABSENT = "ZTF18zzzzzzz"


@pytest.fixture
def broker(new_broker: Callable[[], Any], tmp_path: Path) -> Any:
    """A broker with the stocks of five objects."""
    archive = tmp_path / "night.tar.gz"
    write_alerts(simulate_objects(5, dt.date.fromisoformat(NIGHT), np.random.default_rng(7)), archive)
    made = new_broker()
    made.run(made.job(archive, site=SITE, night=NIGHT), 0)
    Store.open(made.store).close()
    return made


def test_decisions_and_labels_are_journaled_and_tagged(broker: Any) -> None:
    decide(broker.store, A, "approve", minute=1, comment="faint but worth it")
    decide(broker.store, A, "observed", minute=30)
    decide(broker.store, B, "reject", minute=2)
    decide(broker.store, C, "comment", minute=3, comment="a star nearby")
    name(broker.store, A, "SN Ia")
    name(broker.store, D, "SN", source="human")
    before = {stock["stock"]: stock["ts"] for stock in broker.documents("stock")}
    broker.run(decisions_job(broker))

    assert told(broker) == {
        A: ({"FOLLOWUP_OBSERVED", "FOLLOWUP_LABEL"}, [("approve", at(1)), ("observed", at(30)), ("SN Ia", MORNING)]),
        B: ({"FOLLOWUP_REJECTED"}, [("reject", at(2))]),
        D: (set(), [("SN", MORNING)]),
    }
    [stock] = broker.documents("stock", {"name": A})
    first = next(record for record in stock["journal"] if record.get("unit") == "T4ApplyDecisions")
    assert first["extra"] == {
        "decision": 1, "verdict": "approve", "night": NIGHT, "site": SITE, "observer": "ada", "time": at(1), "plan": 0,
        "comment": "faint but worth it",
    }  # fmt: skip
    assert first["process"] == "decisions#0"
    assert first["channel"] == "FOLLOWUP"
    # Nothing of the object itself changed: whoever selects what is new is not bothered.
    assert {stock["stock"]: stock["ts"] for stock in broker.documents("stock")} == before
    [document] = broker.documents("t4")
    assert document["body"] == {
        "decisions": 3,
        "labels": 2,
        "stocks": 3,
        "tags": {"FOLLOWUP_LABEL": 1, "FOLLOWUP_OBSERVED": 1, "FOLLOWUP_REJECTED": 1},
        "not_in_database": 0,
    }


def test_a_second_run_writes_nothing(broker: Any) -> None:
    decide(broker.store, A, "approve")
    name(broker.store, B, "SN Ia")
    broker.run(decisions_job(broker))
    before = broker.documents("stock")
    broker.run(decisions_job(broker))
    assert broker.documents("stock") == before
    assert len(broker.documents("t4")) == 1


def test_a_store_without_decisions_writes_nothing(broker: Any) -> None:
    before = broker.documents("stock")
    broker.run(decisions_job(broker))
    assert broker.documents("stock") == before
    assert broker.documents("t4") == []


def test_only_what_is_new_is_told(broker: Any) -> None:
    decide(broker.store, A, "approve", minute=1)
    broker.run(decisions_job(broker))
    decide(broker.store, A, "observed", minute=2)
    broker.run(decisions_job(broker))
    assert told(broker) == {A: ({"FOLLOWUP_APPROVED", "FOLLOWUP_OBSERVED"}, [("approve", at(1)), ("observed", at(2))])}


def test_what_is_taken_back_is_journaled_and_the_tag_stays(broker: Any) -> None:
    decision = decide(broker.store, A, "approve", minute=1)
    broker.run(decisions_job(broker))
    take_back(broker.store, decision, minute=2)
    broker.run(decisions_job(broker))
    assert told(broker) == {A: ({"FOLLOWUP_APPROVED"}, [("approve", at(1)), ("undo", at(2))])}


def test_what_was_taken_back_before_it_was_told_makes_no_tag(broker: Any) -> None:
    take_back(broker.store, decide(broker.store, A, "approve", minute=1), minute=2)
    broker.run(decisions_job(broker))
    assert told(broker) == {A: (set(), [("approve", at(1)), ("undo", at(2))])}


def test_a_verdict_that_shows_again_is_tagged(broker: Any) -> None:
    decide(broker.store, A, "approve", minute=1)
    rejection = decide(broker.store, A, "reject", minute=2)
    broker.run(decisions_job(broker))
    assert told(broker)[A][0] == {"FOLLOWUP_REJECTED"}
    take_back(broker.store, rejection, minute=3)
    broker.run(decisions_job(broker))
    assert told(broker)[A][0] == {"FOLLOWUP_REJECTED", "FOLLOWUP_APPROVED"}


def test_an_object_that_comes_later_is_told_then(broker: Any, tmp_path: Path) -> None:
    decide(broker.store, A, "approve")
    decide(broker.store, ABSENT, "approve")
    stock = broker.documents("stock", {"name": A})[0]
    broker.database["stock"].delete_one({"_id": stock["_id"]})
    broker.run(decisions_job(broker))
    assert told(broker) == {}
    broker.database["stock"].insert_one(stock)
    broker.run(decisions_job(broker))
    assert told(broker)[A][0] == {"FOLLOWUP_APPROVED"}
    assert broker.documents("t4")[0]["body"]["not_in_database"] == 1


def test_objects_of_other_surveys_are_found_by_name(broker: Any) -> None:
    stock = broker.documents("stock", {"name": E})[0]
    broker.database["stock"].update_one({"_id": stock["_id"]}, {"$set": {"name": ["ATLAS26abc"]}})
    decide(broker.store, "ATLAS26abc", "approve")
    broker.run(decisions_job(broker))
    assert "FOLLOWUP_APPROVED" in broker.documents("stock", {"_id": stock["_id"]})[0]["tag"]


def test_objects_of_lsst_are_found_by_their_number(broker: Any) -> None:
    stock = broker.documents("stock", {"name": E})[0]
    # As ampel-lsst leaves them: without a name.
    of_lsst = {"$set": {"stock": 313761043604045880}, "$unset": {"name": 1}}
    broker.database["stock"].update_one({"_id": stock["_id"]}, of_lsst)
    decide(broker.store, "313761043604045880", "approve")
    broker.run(decisions_job(broker))
    assert "FOLLOWUP_APPROVED" in broker.documents("stock", {"_id": stock["_id"]})[0]["tag"]


def test_two_stores_tell_the_same_stock(broker: Any, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.sqlite"
    decide(broker.store, A, "approve", minute=1)
    decide(theirs, A, "reject", minute=2)
    broker.run(decisions_job(broker))
    broker.run(decisions_job(broker, store=str(theirs), tag_prefix="THEIRS"))
    assert told(broker)[A][1] == [("approve", at(1)), ("reject", at(2))]
    assert {"FOLLOWUP_APPROVED", "THEIRS_REJECTED"} <= set(broker.documents("stock", {"name": A})[0]["tag"])


def test_comments_are_kept_back_on_request(broker: Any) -> None:
    decide(broker.store, A, "approve", comment="for our eyes only")
    broker.run(decisions_job(broker, comments=False))
    assert "for our eyes only" not in str(broker.documents("stock"))
    assert told(broker)[A][0] == {"FOLLOWUP_APPROVED"}


def test_a_store_that_is_not_there_is_said(broker: Any) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        broker.run(decisions_job(broker, store="nowhere.sqlite"))


def test_next_plan_and_a_second_channel_heed_the_tags(new_broker: Callable[[], Any], tmp_path: Path) -> None:
    archive = tmp_path / "night.tar.gz"
    write_alerts(simulate_objects(12, dt.date.fromisoformat(NIGHT), np.random.default_rng(7)), archive)
    night = DecidedNight.of(new_broker(), archive)
    night.check_the_second_channel()
    night.check_the_next_plan()
