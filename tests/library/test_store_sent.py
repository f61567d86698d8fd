"""What services of others were told is a record: of one subject the latest row holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy
from store_engines import engine_of

from ampel_followup.services.messages import Message, Sent, canonical
from ampel_followup.store import Store

SERVICE = "https://example.org/api"
TOLD = Sent(SERVICE, "plan", "plan/Keck/7", "7", "2026-11-20", "2026-11-21T03:00:00Z", '{"facility":"Keck"}')


def test_of_one_subject_the_latest_message_holds(store: Store) -> None:
    later = replace(TOLD, action="unplan", time="2026-11-21T04:00:00Z")
    other = replace(TOLD, subject="plan/Keck/8", target="8")
    store.sent.add([TOLD, other])
    store.sent.add([later, replace(TOLD, service="https://elsewhere.example")])
    assert store.sent.latest(SERVICE) == {
        "plan/Keck/8": replace(other, id=2),
        "plan/Keck/7": replace(later, id=3),
    }
    assert store.sent.latest("https://nowhere.example") == {}


def test_messages_are_kept_all_together_or_not_at_all(store: Store) -> None:
    def broken() -> object:
        yield TOLD
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.sent.add(broken())  # type: ignore[arg-type]
    assert store.sent.latest(SERVICE) == {}


def test_no_program_can_change_or_delete_what_was_sent(store: Store, store_url: str) -> None:
    store.sent.add([TOLD])
    engine = engine_of(store_url)
    replaced = {"sqlite": "INSERT OR REPLACE INTO sent SELECT * FROM sent", "postgresql": "TRUNCATE sent"}
    for change in ("UPDATE sent SET content = ''", "DELETE FROM sent", replaced[engine.dialect.name]):
        with (
            engine.connect() as connection,
            pytest.raises(sqlalchemy.exc.DBAPIError, match="what was sent is a record"),
        ):
            connection.exec_driver_sql(change)
    assert store.sent.latest(SERVICE) == {TOLD.subject: replace(TOLD, id=1)}


def test_a_message_says_the_same_if_action_and_content_are_the_same() -> None:
    message = Message("plan", TOLD.subject, "7", "2026-11-20", {"facility": "Keck"})
    assert message.says_the_same_as(TOLD)
    assert not message.says_the_same_as(None)
    assert not message.says_the_same_as(replace(TOLD, action="unplan"))
    assert not message.says_the_same_as(replace(TOLD, content=canonical({"facility": "Keck I"})))
