"""Labels: a record of what sources said of objects."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ampel_followup.errors import StoreError
from ampel_followup.labels import Label, utc_time
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection
from ampel_followup.store.records import finite, number
from ampel_followup.store.text import storable
from ampel_followup.untrusted import clean


def checked(label: Label) -> Label:
    """
    Return a label as it can be stored.

    Raises
    ------
    StoreError
        If it says nothing that can be understood.
    """
    label = replace(
        label,
        target=storable(label.target).strip(),
        type=storable(label.type).strip(),
        source=storable(label.source).strip(),
        author=storable(label.author).strip(),
        name=storable(label.name).strip(),
        comment=clean(storable(label.comment)),
        id=0,
    )
    for name in ("target", "type", "source"):
        if not getattr(label, name):
            raise StoreError(f"the label {label.type!r} of {clean(label.target)!r} has no {name}; give one")
    if not (math.isnan(label.confidence) or 0 <= label.confidence <= 1):
        raise StoreError(f"the label of {clean(label.target)} has a confidence of {label.confidence}; give 0 to 1")
    try:
        return replace(label, time=utc_time(label.time))
    except ValueError as error:
        raise StoreError(
            f"the time {label.time!r} of the label of {clean(label.target)} is not ISO 8601; write 2026-11-20T20:00:00Z"
        ) from error


def add(connection: Connection, labels: Iterable[Label]) -> tuple[int, int]:
    """
    Append the labels that say something new.

    Nothing new: the same label is there, with its time; or the latest of the same source says the same, only earlier.

    Returns
    -------
    added, known : int
    """
    labels = list(labels)
    # Of the store, the labels of one object, or all of them.
    targets = {label.target for label in labels}
    stored = find(connection, target=targets.pop() if len(targets) == 1 else None, since_id=0)
    there = {(label.time, label.statement) for label in stored}
    latest = {(label.target, label.source): label for label in sorted(stored, key=lambda label: label.time)}
    rows: list[dict[str, Any]] = []
    for label in labels:
        before = latest.get((label.target, label.source))
        is_latest = before is None or before.time <= label.time
        repeated = before is not None and is_latest and label.statement == before.statement
        if repeated or (label.time, label.statement) in there:
            continue
        there.add((label.time, label.statement))
        if is_latest:
            latest[label.target, label.source] = label
        row = {name: getattr(label, name) for name in sql.LABEL_COLUMNS}
        rows.append({name: finite(value) if isinstance(value, float) else value for name, value in row.items()})
    connection.execute_many(sql.INSERT_LABEL, rows)
    return len(rows), len(labels) - len(rows)


def find(connection: Connection, *, target: str | None, since_id: int) -> list[Label]:
    """Return the labels of an object, or all, in the order in which they came."""
    conditions = {"target": target}
    clause = sql.where(**conditions) + (" AND " if sql.given(conditions) else " WHERE ") + "id > :since_id"
    rows = connection.execute(
        f"{sql.SELECT_LABELS}{clause} ORDER BY id", {**sql.given(conditions), "since_id": since_id}
    )
    return [_label(row) for row in rows]


def _label(row: Iterable[Any]) -> Label:
    values = dict(zip((*sql.LABEL_COLUMNS, "id"), row, strict=True))
    return Label(**values | {name: number(values[name]) for name in ("confidence", "redshift", "ra", "dec")})
