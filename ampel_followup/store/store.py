"""The store: every plan and schedule that was made, the light curves behind it, what people decided, and labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ampel_followup.decision import Decision, Verdict, effective_verdicts
from ampel_followup.plan import NightPlan
from ampel_followup.store import decision_table, plan_tables
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Database
from ampel_followup.store.location import Server, default_path, locate
from ampel_followup.store.records import unpack_meta

# What is asked for after the plan is loaded then: the app has not the time for it before its first screen.
if TYPE_CHECKING:
    from ampel_followup.labels import Label
    from ampel_followup.lightcurve import LightCurve
    from ampel_followup.store.cutout_table import CutoutRecords
    from ampel_followup.store.learning import LearningRecords
    from ampel_followup.store.note_table import NoteRecords
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
    from ampel_followup.store.sent_table import SentRecords
    from ampel_followup.timetable import Timetable


class Store:
    """
    Plans, schedules, light curves, decisions, visits and labels in a database; made by `open`, and a context manager.

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
    def read_only(self) -> bool:
        """True if nothing can be written here."""
        return self._database.read_only

    def change_counter(self) -> object | None:
        """
        Return something that differs from what it was if anything was written to the store meanwhile, by whomever.

        Much cheaper than to read anything; None where the database has no such thing, which says nothing either way.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        return self._database.change_counter()

    @property
    def folder(self) -> Path:
        """Where files that belong to the store are kept: beside its file, or in the user's data folder."""
        return self._folder

    @property
    def learning(self) -> LearningRecords:
        """Challengers, and which bundle came into use when."""
        from ampel_followup.store.learning import LearningRecords

        return LearningRecords(self._database)

    @property
    def notes(self) -> NoteRecords:
        """What people wrote down about nights."""
        from ampel_followup.store.note_table import NoteRecords

        return NoteRecords(self._database)

    @property
    def cutouts(self) -> CutoutRecords:
        """Small pictures of objects, where a run was asked to keep them."""
        from ampel_followup.store.cutout_table import CutoutRecords

        return CutoutRecords(self._database)

    @property
    def sent(self) -> SentRecords:
        """What services of others were told of targets."""
        from ampel_followup.store.sent_table import SentRecords

        return SentRecords(self._database)

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
        return self.record_all([decision])[0]

    def record_all(self, decisions: Iterable[Decision], *, seen: Mapping[str, int] | None = None) -> list[Decision]:
        """
        Append decisions, all of them or none; see `record`.

        Parameters
        ----------
        decisions : iterable of Decision
        seen : mapping of str to int, optional
            Target to the number of the verdict that the observer saw on it; 0 or nothing where there was none. Where
            another one holds by now, of another person who says otherwise, nothing is recorded.

        Returns
        -------
        list of Decision
            With their numbers.

        Raises
        ------
        ConflictError
            If there is such a verdict.
        StoreError
            If a decision is not complete, does not fit the plan, or cannot be stored.
        """
        checked = [decision_table.checked(decision) for decision in decisions]
        with self._database.transaction(write=True) as connection:
            # Numbers then become visible in their order, and whoever asks for those since the last one misses none.
            connection.serialise("decisions")
            if seen is not None:
                decision_table.check_seen(connection, checked, seen)
            return [decision_table.append(connection, decision, self.url) for decision in checked]

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
        return self.undo_all([decision_id], observer=observer, time=time)[0]

    def undo_all(self, decision_ids: Iterable[int], *, observer: str, time: str) -> list[Decision]:
        """
        Take decisions back, all of them or none; see `undo`.

        Raises
        ------
        StoreError
            If one of them cannot be undone.
        """
        with self._database.transaction(write=False) as connection:
            undone = [decision_table.by_number(connection, number, self.url) for number in decision_ids]
        return self.record_all(
            replace(
                decision,
                verdict=Verdict.UNDO,
                observer=observer,
                time=time,
                comment="",
                undoes=decision.id,
                until=None,
            )
            for decision in undone
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
        with self._database.transaction(write=False) as connection:
            return decision_table.find(connection, night=night, site=site, target=target, since_id=since_id)

    def verdicts(self, night: str, site: str) -> dict[str, Decision]:
        """Return what holds now for each target of a night at a site; see `effective_verdicts`."""
        return effective_verdicts(self.decisions(night=night, site=site))

    def add_labels(self, labels: Iterable[Label]) -> tuple[int, int]:
        """
        Append labels, all of them or none; what the store knows already is not stored again.

        Known is a label that is there with the same time, and one that says no more than the latest of its source.

        Parameters
        ----------
        labels : iterable of Label
            Their `id` is ignored. The objects need not be in any plan.

        Returns
        -------
        added, known : int

        Raises
        ------
        StoreError
            If a label is not complete or cannot be stored.
        """
        from ampel_followup.store import label_table

        rows = [label_table.checked(label) for label in labels]
        with self._database.transaction(write=True) as connection:
            connection.serialise("labels")
            return label_table.add(connection, rows)

    def labels(self, target: str | None = None, since_id: int = 0) -> list[Label]:
        """
        Return what sources said, in the order in which it came; see `ampel_followup.labels.effective_labels`.

        Parameters
        ----------
        target : str, optional
            Only those of this object.
        since_id : int
            Only those with a higher number.
        """
        from ampel_followup.store import label_table

        with self._database.transaction(write=False) as connection:
            return label_table.find(connection, target=target, since_id=since_id)
