"""The store: every plan and schedule that was made, the light curves behind it, what people decided, and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ampel_followup.decision import Decision, Verdict, effective_verdicts
from ampel_followup.store import decision_table
from ampel_followup.store.connection import Database
from ampel_followup.store.location import Server, default_path, locate
from ampel_followup.store.plan_records import PlanRecords

# What is asked for after the plan is loaded then: the app has not the time for it before its first screen.
if TYPE_CHECKING:
    from ampel_followup.labels import Label
    from ampel_followup.store.cutout_table import CutoutRecords
    from ampel_followup.store.learning import LearningRecords
    from ampel_followup.store.note_table import NoteRecords
    from ampel_followup.store.sent_table import SentRecords


class Store(PlanRecords):
    """
    Plans, schedules, light curves, decisions, visits and labels in a database; made by `open`, and a context manager.

    Every method that writes is one transaction: all of it is kept, or none. Threads and processes may share a store.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database)
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
