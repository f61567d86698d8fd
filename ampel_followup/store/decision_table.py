"""Decisions: a record of what people did, each checked against the plans that they saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from sys import intern
from typing import Any

from ampel_followup.decision import OPINIONS, Decision, Verdict, effective_verdicts
from ampel_followup.errors import ConflictError, StoreError
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection
from ampel_followup.store.text import storable
from ampel_followup.untrusted import clean

#: Longest comment that is taken [characters].
MAX_COMMENT = 10_000


def checked(decision: Decision) -> Decision:
    """
    Return a decision as it can be stored.

    Raises
    ------
    StoreError
        If a field says nothing that can be understood.
    """
    decision = replace(
        decision,
        verdict=str(decision.verdict),
        observer=storable(decision.observer).strip(),
        comment=storable(decision.comment),
        id=0,
    )
    if decision.verdict not in tuple(Verdict):
        raise StoreError(f"{decision.verdict!r} is no verdict; write one of {', '.join(Verdict)}")
    if (decision.verdict == Verdict.UNDO) != (decision.undoes is not None):
        raise StoreError(
            f"a decision of {decision.target} that is an undo must name the decision that it undoes, no other"
        )
    if not decision.target:
        raise StoreError("a decision without a target; name the object")
    if not decision.observer:
        raise StoreError(f"the decision on {decision.target} has no observer; say who decided with --observer")
    if len(decision.comment) > MAX_COMMENT:
        raise StoreError(
            f"the comment on {decision.target} has {len(decision.comment)} characters; shorten it to {MAX_COMMENT}"
        )
    if decision.until is not None and decision.verdict != Verdict.DEFER:
        raise StoreError(
            f"the decision on {decision.target} is to {decision.verdict} until {decision.until}; only what is deferred "
            "comes back on a day"
        )
    dates = [("night", decision.night, date), ("time", decision.time, datetime)]
    if decision.until is not None:
        dates.append(("until", decision.until, date))
    for name, value, read in dates:
        try:
            read.fromisoformat(value)
        except ValueError as error:
            raise StoreError(f"the {name} {value!r} of the decision on {decision.target} is not ISO 8601") from error
    if decision.until is not None and decision.until <= decision.night:
        raise StoreError(
            f"{decision.target} is deferred until {decision.until}, which does not come after {decision.night}; name a "
            "later evening"
        )
    return decision


def check_seen(connection: Connection, decisions: Sequence[Decision], seen: Mapping[str, int]) -> None:
    """
    Raise ConflictError if someone else's verdict holds now that says otherwise, and is not the one that was seen.

    Parameters
    ----------
    connection : Connection
    decisions : sequence of Decision
        About to be recorded.
    seen : mapping of str to int
        Target to the number of the verdict that the observer saw; 0 or nothing where there was none.
    """
    for decision in decisions:
        # Of this target alone: by the end of a busy night the whole record is long.
        record = find(connection, night=decision.night, site=decision.site, target=decision.target, since_id=0)
        held = effective_verdicts(record).get(decision.target)
        if (
            decision.verdict in OPINIONS
            and held is not None
            and held.observer != decision.observer
            and held.id != seen.get(decision.target, 0)
            and (held.verdict, held.until) != (decision.verdict, decision.until)
        ):
            raise ConflictError(
                f"{clean(held.observer)} decided to {held.verdict} {clean(held.target)} meanwhile; nothing was recorded"
            )


def append(connection: Connection, decision: Decision, place: str) -> Decision:
    """Append a decision that fits what is there; return it with its number. `place` names the store in messages."""
    if decision.undoes is None:
        _check_target(connection, decision, place)
    else:
        _check_undo(connection, decision, decision.undoes, place)
    row = {name: getattr(decision, name) for name in sql.DECISION_COLUMNS}
    row["plan_revision"] = decision.plan_revision or None
    [(number,)] = connection.execute(sql.INSERT_DECISION, row)
    return replace(decision, id=int(number))


def by_number(connection: Connection, number: int, place: str) -> Decision:
    """Return one decision; raise StoreError if there is none of this number."""
    rows = connection.execute(sql.SELECT_DECISIONS + sql.where(id=number), {"id": number})
    if not rows:
        raise StoreError(f"no decision {number} in {place}; `ampel-followup decisions` lists them")
    return _decision(rows[0])


def find(
    connection: Connection, *, night: str | None, site: str | None, target: str | None, since_id: int
) -> list[Decision]:
    """Return the decisions that match, oldest first."""
    conditions = {"night": night, "site": site, "target": target}
    clause = sql.where(**conditions) + (" AND " if sql.given(conditions) else " WHERE ") + "id > :since_id"
    rows = connection.execute(
        f"{sql.SELECT_DECISIONS}{clause} ORDER BY id", {**sql.given(conditions), "since_id": since_id}
    )
    return [_decision(row) for row in rows]


def _decision(row: Iterable[Any]) -> Decision:
    values = dict(zip((*sql.DECISION_COLUMNS, "id"), row, strict=True))
    # One string for all decisions that share it: who follows a busy night holds thousands of them.
    shared = {name: intern(values[name]) for name in ("target", "night", "site", "verdict", "observer")}
    return Decision(**{**values, **shared, "plan_revision": values["plan_revision"] or 0})


def _check_target(connection: Connection, decision: Decision, place: str) -> None:
    """Raise StoreError unless the target is one that the observer can have seen."""
    where = f"for {decision.night} at {decision.site} in {place}"
    revision = decision.plan_revision or None
    conditions = {"night": decision.night, "site": decision.site, "revision": revision}
    plan = f"SELECT revision FROM plans{sql.where(**conditions)}"
    if not connection.execute(plan + " LIMIT 1", sql.given(conditions)):
        if revision is None:
            return
        raise StoreError(f"no plan with revision {revision} {where}; `ampel-followup plan show` lists the plans")
    if not connection.execute(
        f"SELECT 1 FROM targets WHERE id = :target AND plan_revision IN ({plan}) LIMIT 1",
        {**sql.given(conditions), "target": decision.target},
    ):
        raise StoreError(
            f"{clean(decision.target)} is not in the plan {where}; check the name with `ampel-followup plan show`"
        )


def _check_undo(connection: Connection, decision: Decision, undoes: int, place: str) -> None:
    """Raise StoreError unless the decision to take back exists, is of the same target, and still stands."""
    undone = by_number(connection, undoes, place)
    if undone.verdict == Verdict.UNDO:
        raise StoreError(f"decision {undoes} is itself an undo; record the verdict again instead")
    if (undone.target, undone.night, undone.site) != (decision.target, decision.night, decision.site):
        raise StoreError(f"decision {undoes} is on {undone.target} on {undone.night} at {undone.site}; undo it there")
    if connection.execute("SELECT 1 FROM decisions WHERE undoes = :undoes", {"undoes": undoes}):
        raise StoreError(f"decision {undoes} on {undone.target} is undone already; nothing is left to do")
