"""Plans and their targets: rows of two tables, written and read in one transaction each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ampel_followup.errors import StoreError
from ampel_followup.plan import NightPlan, NightSummary, RankedTarget, StopAdvice
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection
from ampel_followup.store.records import Appearance, PlanInfo, StoredPlan, finite, number

# Both databases hold it in a 32-bit column.
_NO_LIMIT = 2**31 - 1

#: Rows of a plan that are parsed as one document: some milliseconds, in which an app stands still.
_PARSED_TOGETHER = 100


@dataclass(frozen=True)
class PlanRows:
    """A plan as rows, ready before the transaction begins."""

    plan: NightPlan
    row: dict[str, Any]
    targets: list[dict[str, Any]]


def plan_rows(plan: NightPlan, *, created: str, report: Mapping[str, Any]) -> PlanRows:
    """Return the rows of a plan, but for its revision."""
    after = max(len(plan.targets), len(plan.not_observable))
    # A target that is set aside has its place in the half of the table that its visibility says.
    targets = [
        *(_target_row(target, position, True) for position, target in enumerate(plan.targets, 1)),
        *(_target_row(target, position, False) for position, target in enumerate(plan.not_observable, 1)),
        *(
            _target_row(target, position, target.visibility.observable, set_aside=True)
            for position, target in enumerate(plan.set_aside, after + 1)
        ),
    ]
    night_summary = _canonical_json(plan.night.to_dict())
    stop = _canonical_json(plan.stop.to_dict()) if plan.stop is not None else None
    row = {
        "night": plan.night.date,
        "site": plan.night.site,
        "site_name": plan.night.site_name,
        "strategy": plan.strategy,
        "bundle": plan.bundle,
        "created": created,
        "n_targets": len(plan.targets),
        "n_not_observable": len(plan.not_observable),
        "n_set_aside": len(plan.set_aside),
        "bundle_digest": plan.bundle_digest,
        "plan_digest": "",
        "night_summary": night_summary,
        "report": _canonical_json(report),
        "stop": stop,
        "sampling": plan.sampling,
        "assistant": plan.assistant,
        "assistant_digest": plan.assistant_digest,
        "policy": plan.policy,
    }
    row["plan_digest"] = _digest(row, targets)
    return PlanRows(plan, row, targets)


def save(connection: Connection, rows: PlanRows) -> int:
    """Write a plan and the visits of its targets, unless it is the newest one already; return its revision."""
    from ampel_followup.store import visit_table

    circumstances = {name: rows.row[name] for name in ("night", "site")}
    newest = connection.execute(
        f"SELECT revision, plan_digest FROM plans{sql.where(**circumstances)}{sql.NEWEST}", circumstances
    )
    if newest and newest[0][1] == rows.row["plan_digest"]:
        return int(newest[0][0])
    [(revision,)] = connection.execute(sql.INSERT_PLAN, rows.row)
    connection.execute_many(sql.INSERT_TARGET, ({**row, "plan_revision": revision} for row in rows.targets))
    connection.execute(sql.KEEP_LISTED_LIGHT_CURVES, {"revision": revision})
    visit_table.save(connection, rows.plan, int(revision), recorded=rows.row["created"])
    return int(revision)


def list_plans(connection: Connection) -> list[PlanInfo]:
    """Return all plans, newest first."""
    return [PlanInfo(*row) for row in connection.execute(sql.SELECT_PLAN_INFO + " ORDER BY revision DESC")]


def load(
    connection: Connection, place: str, *, revision: int | None, night: str | None, site: str | None, limit: int | None
) -> StoredPlan:
    """Return the newest plan that matches, see `Store.load_plan`; `place` names the store in the message."""
    conditions = {"revision": revision, "night": night, "site": site}
    rows = connection.execute(sql.SELECT_PLAN + sql.where(**conditions) + sql.NEWEST, sql.given(conditions))
    if not rows:
        raise StoreError(_no_plan(place, revision, night, site))
    n = len(sql.PLAN_INFO_COLUMNS)
    info = PlanInfo(*rows[0][:n])
    body = dict(zip(sql.PLAN_BODY_COLUMNS, rows[0][n:], strict=True))
    limit = _NO_LIMIT if limit is None else limit
    n_targets = min(limit, info.n_targets)
    n_hidden = min(limit - n_targets, info.n_not_observable)
    n_aside = min(limit - n_targets - n_hidden, info.n_set_aside)
    after = max(info.n_targets, info.n_not_observable)
    plan = NightPlan(
        night=NightSummary.from_dict(json.loads(body["night_summary"])),
        strategy=info.strategy,
        bundle=info.bundle,
        bundle_digest=body["bundle_digest"],
        targets=_targets(connection, info.revision, (True,), 0, n_targets),
        not_observable=_targets(connection, info.revision, (False,), 0, n_hidden),
        stop=StopAdvice.from_dict(json.loads(body["stop"])) if body["stop"] else None,
        sampling=body["sampling"],
        set_aside=_targets(connection, info.revision, (True, False), after, after + n_aside),
        assistant=body["assistant"],
        assistant_digest=body["assistant_digest"],
        policy=body["policy"],
    )
    return StoredPlan(info, plan, json.loads(body["report"]))


def appearances(
    connection: Connection, *, first_night: str | None, last_night: str | None, target: str | None, labelled: bool
) -> Iterator[Appearance]:
    """Return the targets of plans by revision, see `Store.appearances`."""
    values = sql.given({"first_night": first_night, "last_night": last_night, "id": target})
    comparisons = {"first_night": "night >= :first_night", "last_night": "night <= :last_night", "id": "id = :id"}
    conditions = [comparisons[name] for name in values]
    if labelled:
        conditions.append("targets.id IN (SELECT target FROM labels)")
    clause = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = connection.execute(
        f"{sql.SELECT_APPEARANCES}{clause} ORDER BY revision, set_aside, observable DESC, position", values
    )
    return map(_appearance, rows)


def _target_row(target: RankedTarget, position: int, observable: bool, *, set_aside: bool = False) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(target.scores, name) for name in sql.SCORE_COLUMNS}
    row |= {name: getattr(target, name) for name in ("id", "stock", "ra", "dec", "rank", "priority")}
    assistant, placement = target.assistant, target.placement
    row |= {name: getattr(assistant, name, None) for name in ("p_real", "p_galactic", "p_fast")}
    row |= {name: getattr(placement, name, None) for name in ("stage", "queue")}
    row["assistant_rank"] = assistant.rank if assistant is not None else None
    row = {name: finite(value) if isinstance(value, float) else value for name, value in row.items()}
    return {
        **row,
        "position": position,
        "observable": observable,
        "set_aside": set_aside,
        "payload": _canonical_json(target.to_dict()),
    }


def _digest(row: Mapping[str, Any], targets: Iterable[Mapping[str, Any]]) -> str:
    """Return the SHA-256 of all that `NightPlan.to_json` holds, without writing it out a second time."""
    from hashlib import sha256

    no_part = ("site_name", "created", "plan_digest", "report")  # the night's summary has the name of the site
    digest = sha256(_canonical_json({name: value for name, value in row.items() if name not in no_part}).encode())
    for target in targets:
        digest.update(target["payload"].encode())
    return digest.hexdigest()


def _targets(
    connection: Connection, revision: int, observable: tuple[bool, ...], after: int, until: int
) -> tuple[RankedTarget, ...]:
    """Return the targets of a plan at the positions after `after` until `until`."""
    if until <= after:
        return ()
    rows = connection.execute(
        sql.SELECT_PAYLOADS,
        {
            "revision": revision,
            "observable": observable[0],
            "or_observable": observable[-1],
            "after": after,
            "until": until,
        },
    )
    # One document parses faster than many; but nothing else runs meanwhile, so not all of a large night in one.
    payloads = (payload for (payload,) in rows)
    targets: list[RankedTarget] = []
    while together := list(islice(payloads, _PARSED_TOGETHER)):
        targets += map(RankedTarget.from_dict, json.loads(f"[{','.join(together)}]"))
    return tuple(targets)


def _appearance(row: Iterable[Any]) -> Appearance:
    values = dict(zip(Appearance.__dataclass_fields__, row, strict=True))
    values |= {name: bool(values[name]) for name in ("observable", "set_aside")}
    values |= {name: number(values[name]) for name in ("p_real", "p_galactic", "p_fast", "assistant_rank")}
    return Appearance(**values)


def _canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no white space: the same value gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _no_plan(place: str, revision: int | None, night: str | None, site: str | None) -> str:
    if revision is not None:
        wanted = f" with revision {revision}"
    else:
        wanted = (f" for {night}" if night else "") + (f" at {site}" if site else "")
    return f"no plan{wanted} in {place}; run `ampel-followup rank … --store {place}` first"
