"""Schedules: a record to which every new one is appended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ampel_followup.errors import StoreError
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection
from ampel_followup.store.records import StoredTimetable, TimetableInfo, finite, number
from ampel_followup.store.text import storable

if TYPE_CHECKING:
    from ampel_followup.timetable import Timetable


def append(connection: Connection, timetable: Timetable, *, created: str) -> int:
    """Write a timetable, unless it is the newest one of its night and telescopes already; return its revision."""
    # In one order, for whoever asks for the same telescopes in another means the same ones.
    telescopes = ",".join(sorted(storable(part.telescope) for part in timetable.telescopes))
    row = {
        "night": timetable.date,
        "telescopes": telescopes,
        "strategy": storable(timetable.strategy),
        "created": created,
        "value": finite(timetable.value),
        "bound": finite(timetable.bound),
        "n_blocks": len(timetable.blocks),
        "payload": timetable.to_json(),
    }
    same = {name: row[name] for name in ("night", "telescopes")}
    newest = connection.execute(f"SELECT revision, payload FROM timetables{sql.where(**same)}{sql.NEWEST}", same)
    if newest and newest[0][1] == row["payload"]:
        return int(newest[0][0])
    [(revision,)] = connection.execute(sql.INSERT_TIMETABLE, row)
    return int(revision)


def list_timetables(connection: Connection) -> list[TimetableInfo]:
    """Return all timetables, newest first."""
    return [_info(*row) for row in connection.execute(sql.SELECT_TIMETABLE_INFO + " ORDER BY revision DESC")]


def load(connection: Connection, place: str, *, revision: int | None, night: str | None) -> StoredTimetable:
    """Return the newest timetable that matches, see `Store.load_timetable`; `place` names the store in the message."""
    conditions = {"revision": revision, "night": night}
    rows = connection.execute(sql.SELECT_TIMETABLE + sql.where(**conditions) + sql.NEWEST, sql.given(conditions))
    if not rows:
        wanted = (f" with revision {revision}" if revision is not None else "") + (f" for {night}" if night else "")
        raise StoreError(f"no timetable{wanted} in {place}; run `ampel-followup plan make … --store {place}` first")
    from ampel_followup.timetable import Timetable

    *info, payload = rows[0]
    return StoredTimetable(_info(*info), Timetable.from_dict(json.loads(payload)))


def _info(
    revision: int,
    night: str,
    telescopes: str,
    strategy: str,
    created: str,
    value: float | None,
    bound: float | None,
    n_blocks: int,
) -> TimetableInfo:
    return TimetableInfo(
        revision, night, tuple(telescopes.split(",")), strategy, created, number(value), number(bound), n_blocks
    )
