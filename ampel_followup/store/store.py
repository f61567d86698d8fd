"""The store: every plan that was made, the light curves behind it, and what people decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ampel_followup.decision import Decision, Verdict, effective_verdicts
from ampel_followup.errors import StoreError
from ampel_followup.plan import NightPlan, NightSummary, RankedTarget, StopAdvice
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection, Database
from ampel_followup.store.location import Server, default_path, locate
from ampel_followup.store.records import PlanInfo, StoredLightCurve, StoredPlan, unpack_meta, unpack_points
from ampel_followup.store.rows import (
    canonical_json,
    decision_from_row,
    light_curve_row,
    plan_digest,
    storable,
    target_row,
)
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from ampel_followup.lightcurve import LightCurve

#: Longest comment that is taken [characters].
MAX_COMMENT = 10_000

# Both databases hold it in a 32-bit column.
_NO_LIMIT = 2**31 - 1


class Store:
    """
    Plans, light curves and decisions in a database; made by `Store.open`, and a context manager.

    Every method that writes is one transaction: all of it is kept, or none. Threads and processes may share a store.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    @classmethod
    def open(cls, url: str | Path | None = None, *, read_only: bool = False, create: bool = True) -> Self:
        """
        Open a store, make it if needed, and bring one of an older layout up to date.

        Parameters
        ----------
        url : str, Path or None
            A path, ``sqlite:///path`` or ``postgresql://…``. None: what ``AMPEL_FOLLOWUP_STORE`` says, else
            ``ampel-followup/followup.sqlite`` in the user's data folder.
        read_only : bool
            Refuse to write; the store must exist.
        create : bool
            False: the store must exist.

        Raises
        ------
        StoreError
            If it cannot be opened; the message says why and what to do.
        """
        place = locate(url)
        if isinstance(place, Server):
            from ampel_followup.store.server import ServerDatabase

            return cls(ServerDatabase(place.url, read_only=read_only, create=create), default_path().parent)
        from ampel_followup.store.sqlite import SqliteDatabase

        return cls(SqliteDatabase(place.path, read_only=read_only, create=create), place.path.parent)

    @property
    def url(self) -> str:
        """How people name the store: a path, or a URL without its password."""
        return self._database.url

    @property
    def folder(self) -> Path:
        """Where files that belong to the store are kept: beside its file, or in the user's data folder."""
        return self._folder

    def close(self) -> None:
        """Close the store; idempotent."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def save_light_curves(self, light_curves: Iterable[LightCurve]) -> None:
        """
        Keep light curves ahead of the plan that rests on them, so that a long night need not hold them all.

        Of each object the store has one light curve, the newest.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        rows = [light_curve_row(light_curve) for light_curve in light_curves]
        with self._database.transaction(write=True) as connection:
            connection.execute_many(sql.PUT_LIGHT_CURVE, rows)

    def save_plan(
        self,
        plan: NightPlan,
        *,
        created: str,
        report: Mapping[str, Any] | None = None,
        light_curves: Iterable[LightCurve] = (),
    ) -> int:
        """
        Keep a plan, and the light curves that it rests on.

        A plan with the same bytes as the newest one of its night and site is not kept twice. Of each object the store
        has one light curve, the newest.

        Parameters
        ----------
        plan : NightPlan
            The plan.
        created : str
            Now, UTC, ISO 8601.
        report : mapping, optional
            Report of the run, as JSON can hold it.
        light_curves : iterable of LightCurve
            May be a generator; about 1 kB per object is held until all are there, so that a slow one keeps no other
            writer waiting.

        Returns
        -------
        int
            Revision of the plan.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        listed = [target_row(target, position) for position, target in enumerate(plan.targets, 1)]
        unseen = [target_row(target, position) for position, target in enumerate(plan.not_observable, 1)]
        curves = [light_curve_row(light_curve) for light_curve in light_curves]
        night_summary = canonical_json(plan.night.to_dict())
        digest = plan_digest(plan, night_summary, listed, unseen)
        circumstances = {"night": plan.night.date, "site": plan.night.site}
        plan_row = {
            **circumstances,
            "site_name": plan.night.site_name,
            "strategy": plan.strategy,
            "bundle": plan.bundle,
            "created": created,
            "n_targets": len(listed),
            "n_not_observable": len(unseen),
            "bundle_digest": plan.bundle_digest,
            "plan_digest": digest,
            "night_summary": night_summary,
            "report": canonical_json(report or {}),
            "stop": canonical_json(plan.stop.to_dict()) if plan.stop is not None else None,
            "sampling": plan.sampling,
        }
        with self._database.transaction(write=True) as connection:
            connection.serialise("plans")
            connection.execute_many(sql.PUT_LIGHT_CURVE, curves)
            newest = connection.execute(
                f"SELECT revision, plan_digest FROM plans{sql.where(**circumstances)}{sql.NEWEST}", circumstances
            )
            if newest and newest[0][1] == digest:
                return int(newest[0][0])
            [(revision,)] = connection.execute(sql.INSERT_PLAN, plan_row)
            for observable, rows in ((True, listed), (False, unseen)):
                connection.execute_many(
                    sql.INSERT_TARGET, ({**row, "plan_revision": revision, "observable": observable} for row in rows)
                )
        return int(revision)

    def plans(self) -> list[PlanInfo]:
        """Return all plans, newest first."""
        with self._database.transaction(write=False) as connection:
            return [PlanInfo(*row) for row in connection.execute(sql.SELECT_PLAN_INFO + " ORDER BY revision DESC")]

    def load_plan(
        self,
        revision: int | None = None,
        *,
        night: str | None = None,
        site: str | None = None,
        limit: int | None = None,
    ) -> StoredPlan:
        """
        Return a plan as it was stored: by revision, or else the newest that matches.

        Parameters
        ----------
        revision : int, optional
            Its number.
        night, site : str, optional
            Evening date (ISO 8601) and key of the site.
        limit : int, optional
            Read at most this many of the targets, and as many of those that cannot be observed.

        Raises
        ------
        StoreError
            If there is no such plan.
        """
        conditions = {"revision": revision, "night": night, "site": site}
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(sql.SELECT_PLAN + sql.where(**conditions) + sql.NEWEST, _given(conditions))
            if not rows:
                raise StoreError(self._no_plan(revision, night, site))
            *values, bundle_digest, night_summary, report, stop, sampling = rows[0]
            info = PlanInfo(*values)
            targets, not_observable = (
                _targets(connection, info.revision, observable=observable, limit=limit) for observable in (True, False)
            )
        plan = NightPlan(
            night=NightSummary.from_dict(json.loads(night_summary)),
            strategy=info.strategy,
            bundle=info.bundle,
            bundle_digest=bundle_digest,
            targets=targets,
            not_observable=not_observable,
            stop=StopAdvice.from_dict(json.loads(stop)) if stop else None,
            sampling=sampling,
        )
        return StoredPlan(info, plan, json.loads(report))

    def light_curve(self, target_id: str) -> StoredLightCurve | None:
        """Return the newest light curve of an object, or None if the store has none; without loading NumPy."""
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(sql.SELECT_LIGHT_CURVE, {"id": target_id})
        if not rows:
            return None
        name, stock, ra, dec, meta, points = rows[0]
        try:
            columns = unpack_points(points)
        except ValueError as error:
            raise StoreError(
                f"the light curve of {name} in {self.url} cannot be read: {error}; `ampel-followup rank` replaces it"
            ) from error
        return StoredLightCurve(id=name, stock=stock, ra=ra, dec=dec, meta=unpack_meta(meta), **columns)

    def record(self, decision: Decision) -> Decision:
        """
        Append a decision; it is on the disk when this returns.

        Parameters
        ----------
        decision : Decision
            Its `id` is ignored. With a `plan_revision`, the target must be in that plan; without one, in any plan of
            the night and site, if there is one.

        Returns
        -------
        Decision
            The same with its number, as stored: NUL and what is no valid Unicode are replaced.

        Raises
        ------
        StoreError
            If the decision is not complete, does not fit the plan, or cannot be stored.
        """
        decision = replace(
            decision,
            verdict=str(decision.verdict),
            observer=storable(decision.observer).strip(),
            comment=storable(decision.comment),
            id=0,
        )
        _check(decision)
        row = {name: getattr(decision, name) for name in sql.DECISION_COLUMNS}
        row["plan_revision"] = decision.plan_revision or None
        with self._database.transaction(write=True) as connection:
            # Numbers then become visible in their order, and whoever asks for those since the last one misses none.
            connection.serialise("decisions")
            if decision.undoes is None:
                self._check_target(connection, decision)
            else:
                self._check_undo(connection, decision, decision.undoes)
            [(number,)] = connection.execute(sql.INSERT_DECISION, row)
        return replace(decision, id=int(number))

    def undo(self, decision_id: int, *, observer: str, time: str) -> Decision:
        """
        Take a decision back: a further record, which reveals what held before.

        Parameters
        ----------
        decision_id : int
            Number of the decision.
        observer : str
            Who takes it back.
        time : str
            Now, UTC, ISO 8601.

        Raises
        ------
        StoreError
            If there is no such decision, or it is undone already, or is itself an undo.
        """
        with self._database.transaction(write=False) as connection:
            undone = _find_decision(connection, decision_id, self.url)
        return self.record(
            replace(undone, verdict=Verdict.UNDO, observer=observer, time=time, comment="", undoes=decision_id)
        )

    def decisions(
        self, *, night: str | None = None, site: str | None = None, target: str | None = None, since_id: int = 0
    ) -> list[Decision]:
        """
        Return what people decided, oldest first.

        Parameters
        ----------
        night, site, target : str, optional
            Only those of this night, site or object.
        since_id : int
            Only those with a higher number.
        """
        conditions = {"night": night, "site": site, "target": target}
        clause = sql.where(**conditions) + (" AND " if _given(conditions) else " WHERE ") + "id > :since_id"
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(
                f"{sql.SELECT_DECISIONS}{clause} ORDER BY id", {**_given(conditions), "since_id": since_id}
            )
        return [decision_from_row(row) for row in rows]

    def verdicts(self, night: str, site: str) -> dict[str, Decision]:
        """Return what holds now for each target of a night at a site; see `effective_verdicts`."""
        return effective_verdicts(self.decisions(night=night, site=site))

    def _no_plan(self, revision: int | None, night: str | None, site: str | None) -> str:
        if revision is not None:
            wanted = f" with revision {revision}"
        else:
            wanted = (f" for {night}" if night else "") + (f" at {site}" if site else "")
        return f"no plan{wanted} in {self.url}; run `ampel-followup rank … --store {self.url}` first"

    def _check_target(self, connection: Connection, decision: Decision) -> None:
        """Raise StoreError unless the target is one that the observer can have seen."""
        circumstances = {"night": decision.night, "site": decision.site}
        where = f"for {decision.night} at {decision.site} in {self.url}"
        revision = decision.plan_revision or None
        conditions = {**circumstances, "revision": revision}
        plan = f"SELECT revision FROM plans{sql.where(**conditions)}"
        if not connection.execute(plan + " LIMIT 1", _given(conditions)):
            if revision is None:
                return
            raise StoreError(f"no plan with revision {revision} {where}; `ampel-followup plan show` lists the plans")
        if not connection.execute(
            f"SELECT 1 FROM targets WHERE id = :target AND plan_revision IN ({plan}) LIMIT 1",
            {**_given(conditions), "target": decision.target},
        ):
            raise StoreError(
                f"{clean(decision.target)} is not in the plan {where}; check the name with `ampel-followup plan show`"
            )

    def _check_undo(self, connection: Connection, decision: Decision, undoes: int) -> None:
        """Raise StoreError unless the decision to take back exists, is of the same target, and still stands."""
        undone = _find_decision(connection, undoes, self.url)
        if undone.verdict == Verdict.UNDO:
            raise StoreError(f"decision {undoes} is itself an undo; record the verdict again instead")
        if (undone.target, undone.night, undone.site) != (decision.target, decision.night, decision.site):
            raise StoreError(
                f"decision {undoes} is on {undone.target} on {undone.night} at {undone.site}; undo it there"
            )
        if connection.execute("SELECT 1 FROM decisions WHERE undoes = :undoes", {"undoes": undoes}):
            raise StoreError(f"decision {undoes} on {undone.target} is undone already; nothing is left to do")


def _given(conditions: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in conditions.items() if value is not None}


def _targets(connection: Connection, revision: int, *, observable: bool, limit: int | None) -> tuple[RankedTarget, ...]:
    rows = connection.execute(
        sql.SELECT_PAYLOADS,
        {"revision": revision, "observable": observable, "limit": _NO_LIMIT if limit is None else limit},
    )
    # One document parses faster than many.
    return tuple(map(RankedTarget.from_dict, json.loads(f"[{','.join(payload for (payload,) in rows)}]")))


def _find_decision(connection: Connection, number: int, url: str) -> Decision:
    rows = connection.execute(sql.SELECT_DECISIONS + sql.where(id=number), {"id": number})
    if not rows:
        raise StoreError(f"no decision {number} in {url}; `ampel-followup decisions` lists them")
    return decision_from_row(rows[0])


def _check(decision: Decision) -> None:
    """Raise StoreError if a field says nothing that can be understood."""
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
    for name, value, read in (("night", decision.night, date), ("time", decision.time, datetime)):
        try:
            read.fromisoformat(value)
        except ValueError as error:
            raise StoreError(f"the {name} {value!r} of the decision on {decision.target} is not ISO 8601") from error
