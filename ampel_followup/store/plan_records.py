"""What runs keep in a store: plans and schedules, visits that assistants scored, and the light curves behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ampel_followup.plan import NightPlan
from ampel_followup.store import plan_tables
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Database
from ampel_followup.store.records import unpack_meta

# What is asked for after the plan is loaded then: the app has not the time for it before its first screen.
if TYPE_CHECKING:
    from ampel_followup.lightcurve import LightCurve
    from ampel_followup.store.past_ranks import PastRank
    from ampel_followup.store.records import (
        Appearance,
        PlanInfo,
        StoredLightCurve,
        StoredPlan,
        StoredTimetable,
        StoredVisit,
        TimetableInfo,
    )
    from ampel_followup.timetable import Timetable


class PlanRecords:
    """
    Plans, schedules, visits and light curves of a database.

    Every method that writes is one transaction: all of it is kept, or none.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def url(self) -> str:
        """How people name the store: a path, or a URL without its password."""
        return self._database.url

    def save_light_curves(self, light_curves: Iterable[LightCurve]) -> None:
        """
        Keep light curves ahead of the plan that rests on them, so that a long night need not hold them all.

        Of each object the store has one light curve, the newest.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        from ampel_followup.store import light_curve_table

        rows = light_curve_table.light_curve_rows(light_curves)
        with self._database.transaction(write=True) as connection:
            light_curve_table.save(connection, rows)

    def save_plan(
        self,
        plan: NightPlan,
        *,
        created: str,
        report: Mapping[str, Any] | None = None,
        light_curves: Iterable[LightCurve] = (),
    ) -> int:
        """
        Keep a plan, the light curves that it rests on, and the visits that an assistant scored for it.

        A plan with the same bytes as the newest one of its night and site is not kept twice. Of each object the store
        has one light curve, the newest; of each visit what the same assistant first said under the same policy.

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
        from ampel_followup.store import light_curve_table

        rows = plan_tables.plan_rows(plan, created=created, report=report or {})
        curves = light_curve_table.light_curve_rows(light_curves)
        with self._database.transaction(write=True) as connection:
            connection.serialise("plans")
            light_curve_table.save(connection, curves)
            return plan_tables.save(connection, rows)

    def plans(self) -> list[PlanInfo]:
        """Return all plans, newest first."""
        with self._database.transaction(write=False) as connection:
            return plan_tables.list_plans(connection)

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
            Read at most this many rows: first the targets, then those that cannot be observed, then those set aside.

        Raises
        ------
        StoreError
            If there is no such plan.
        """
        with self._database.transaction(write=False) as connection:
            return plan_tables.load(connection, self.url, revision=revision, night=night, site=site, limit=limit)

    def appearances(
        self,
        *,
        first_night: str | None = None,
        last_night: str | None = None,
        target: str | None = None,
        labelled: bool = False,
    ) -> Iterator[Appearance]:
        """
        Return which targets were in which plans, in the order of the plans, without their details.

        Parameters
        ----------
        first_night, last_night : str, optional
            Only plans of these evening dates and between them, ISO 8601.
        target : str, optional
            Only this object.
        labelled : bool
            Only objects that have a label.
        """
        with self._database.transaction(write=False) as connection:
            return plan_tables.appearances(
                connection, first_night=first_night, last_night=last_night, target=target, labelled=labelled
            )

    def past_ranks(self, target: str) -> list[PastRank]:
        """Return where an object stood in the newest plan of each night and site that has it, the oldest first."""
        from ampel_followup.store import past_ranks

        with self._database.transaction(write=False) as connection:
            return past_ranks.find(connection, target)

    def save_timetable(self, timetable: Timetable, *, created: str) -> int:
        """
        Append a schedule; one with the same bytes as the newest of its night and telescopes is not kept twice.

        Parameters
        ----------
        timetable : Timetable
        created : str
            Now, UTC, ISO 8601.

        Returns
        -------
        int
            Revision of the timetable, counted apart from those of plans.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        from ampel_followup.store import timetable_table

        with self._database.transaction(write=True) as connection:
            connection.serialise("timetables")
            return timetable_table.append(connection, timetable, created=created)

    def timetables(self) -> list[TimetableInfo]:
        """Return all schedules without their blocks, newest first."""
        from ampel_followup.store import timetable_table

        with self._database.transaction(write=False) as connection:
            return timetable_table.list_timetables(connection)

    def load_timetable(self, revision: int | None = None, *, night: str | None = None) -> StoredTimetable:
        """
        Return a schedule as it was stored: by revision, or else the newest that matches.

        Parameters
        ----------
        revision : int, optional
            Its number.
        night : str, optional
            Evening date, ISO 8601.

        Raises
        ------
        StoreError
            If there is no such schedule.
        """
        from ampel_followup.store import timetable_table

        with self._database.transaction(write=False) as connection:
            return timetable_table.load(connection, self.url, revision=revision, night=night)

    def visits(self, target: str | None = None, night: str | None = None) -> Iterator[StoredVisit]:
        """
        Return the visits that assistants scored, in order of time.

        Parameters
        ----------
        target : str, optional
            Only those of this object.
        night : str, optional
            Only those that first were in a plan of this evening date, ISO 8601.
        """
        from ampel_followup.store import visit_table

        with self._database.transaction(write=False) as connection:
            return visit_table.find(connection, target=target, night=night)

    def contexts(self, revision: int) -> list[tuple[str, dict[str, float]]]:
        """Return the targets of a plan, each with the context of its newest light curve; NaN = not known."""
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(sql.SELECT_CONTEXTS, {"revision": revision})
        return [(target, unpack_meta(meta) if meta else {}) for target, meta in rows]

    def light_curve(self, target_id: str, *, when_listed: bool = False) -> StoredLightCurve | None:
        """
        Return the newest light curve of an object, or None if the store has none; without loading NumPy.

        With `when_listed`, the one that it had when a plan first listed it; None if none did.
        """
        from ampel_followup.store import light_curve_table

        with self._database.transaction(write=False) as connection:
            return light_curve_table.load(connection, target_id, self.url, when_listed=when_listed)
