"""Notes: a record of what people wrote down about a night."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from ampel_followup.errors import StoreError
from ampel_followup.notes import Note
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection, Database
from ampel_followup.store.text import storable

#: Longest note that is taken [characters].
MAX_TEXT = 10_000


class NoteRecords:
    """The notes of a store; `Store.notes` gives them. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, note: Note) -> Note:
        """
        Append a note; it is on the disk when this returns.

        Parameters
        ----------
        note : Note
            Its `id` is ignored.

        Returns
        -------
        Note
            With its number, as stored: NUL and what is no valid Unicode are replaced.

        Raises
        ------
        StoreError
            If it is not complete, or cannot be stored.
        """
        note = _checked(note)
        with self._database.transaction(write=True) as connection:
            # Numbers then become visible in their order, and whoever asks for those since the last one misses none.
            connection.serialise("notes")
            row = {name: getattr(note, name) for name in sql.NOTE_COLUMNS}
            [(number,)] = connection.execute(sql.INSERT_NOTE, row)
        return replace(note, id=int(number))

    def find(self, *, night: str | None = None, site: str | None = None, since_id: int = 0) -> list[Note]:
        """
        Return notes, oldest first.

        Parameters
        ----------
        night, site : str, optional
            Only those of this night or site.
        since_id : int
            Only those with a higher number.
        """
        conditions = {"night": night, "site": site}
        clause = sql.where(**conditions) + (" AND " if sql.given(conditions) else " WHERE ") + "id > :since_id"
        with self._database.transaction(write=False) as connection:
            return _find(connection, clause, {**sql.given(conditions), "since_id": since_id})


def _find(connection: Connection, clause: str, values: dict[str, Any]) -> list[Note]:
    return [_note(row) for row in connection.execute(f"{sql.SELECT_NOTES}{clause} ORDER BY id", values)]


def _note(row: Iterable[Any]) -> Note:
    return Note(**dict(zip((*sql.NOTE_COLUMNS, "id"), row, strict=True)))


def _checked(note: Note) -> Note:
    note = replace(note, observer=storable(note.observer).strip(), text=storable(note.text).strip(), id=0)
    if not note.text:
        raise StoreError("a note without words; write what the next observer should know")
    if not note.observer:
        raise StoreError("nobody is said to write the note; say who with --observer")
    if len(note.text) > MAX_TEXT:
        raise StoreError(f"the note has {len(note.text)} characters; shorten it to {MAX_TEXT}")
    if note.target and not note.telescope:
        raise StoreError(f"a note on the block of {note.target} must name its telescope")
    for name, value, read in (("night", note.night, date), ("time", note.time, datetime)):
        try:
            read.fromisoformat(value)
        except ValueError as error:
            raise StoreError(f"the {name} {value!r} of the note is not ISO 8601") from error
    return note
