"""Every visit of an object that an assistant scored: a record to which plans add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ampel_followup.plan import NightPlan
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection
from ampel_followup.store.records import StoredVisit, finite, number


def save(connection: Connection, plan: NightPlan, revision: int, *, recorded: str) -> None:
    """Add the visits of a plan's targets that are not there yet; the plan's targets must be in their table."""
    circumstances = {
        "assistant_digest": plan.assistant_digest,
        "policy": plan.policy,
        "night": plan.night.date,
        "site": plan.night.site,
        "revision": revision,
        "recorded": recorded,
    }
    seen = {tuple(row) for row in connection.execute(sql.SELECT_KNOWN_VISITS, _named(circumstances))}
    rows = []
    for target in (*plan.targets, *plan.not_observable, *plan.set_aside):
        history = target.assistant.history if target.assistant is not None else ()
        for visit in history:
            if (target.id, visit.mjd) in seen:
                continue
            seen.add((target.id, visit.mjd))
            row: dict[str, Any] = {
                name: finite(getattr(visit, name)) for name in ("mjd", "day", "p_real", "p_galactic", "p_fast", "rank")
            }
            # What the policy makes of an object tonight says nothing of what it would have made of it earlier.
            placement = target.placement if visit is history[-1] else None
            row |= {name: getattr(placement, name, None) for name in ("queue", "stage")}
            rows.append({**row, "id": target.id, **circumstances})
    connection.execute_many(sql.INSERT_VISIT, rows)


def find(connection: Connection, *, target: str | None, night: str | None) -> Iterator[StoredVisit]:
    """Return the visits of an object, of a night, or all, in order of time."""
    conditions = {"id": target, "night": night}
    rows = connection.execute(
        f"{sql.SELECT_VISITS}{sql.where(**conditions)} ORDER BY mjd, id, revision", sql.given(conditions)
    )
    return map(_visit, rows)


def _named(circumstances: dict[str, Any]) -> dict[str, Any]:
    return {name: circumstances[name] for name in ("revision", "assistant_digest", "policy")}


def _visit(row: Iterable[Any]) -> StoredVisit:
    values = dict(zip(sql.VISIT_COLUMNS, row, strict=True))
    values |= {name: number(values[name]) for name in ("day", "p_real", "p_galactic", "p_fast", "rank")}
    return StoredVisit(**values)
