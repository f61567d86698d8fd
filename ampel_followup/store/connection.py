"""What the store asks of a database; SQLite and PostgreSQL each answer in their own module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Connection(Protocol):
    """One transaction. SQL is the part common to SQLite and PostgreSQL, with parameters as ``:name``."""

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """Run one statement; return its rows."""

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run one statement per row of parameters."""

    def serialise(self, table: str) -> None:
        """Let no other transaction write to the table until this one ends."""


class Database(Protocol):
    """A place that holds transactions."""

    #: How people name it; never with a password.
    url: str

    #: True if nothing can be written.
    read_only: bool

    def transaction(self, *, write: bool) -> AbstractContextManager[Connection]:
        """Commit at the end of the block; roll back and raise where the block or the database fails."""

    def change_counter(self) -> object | None:
        """Return what differs from the last time if anything was written meanwhile; None where that is not known."""

    def close(self) -> None:
        """Give back the connection; idempotent."""
