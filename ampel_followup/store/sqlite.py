"""A store in one SQLite file, through Python's own driver: SQLAlchemy is loaded only to make or migrate the tables."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ampel_followup.errors import ReadOnlyError, StoreError
from ampel_followup.store import layout
from ampel_followup.store.connection import Connection
from ampel_followup.store.text import storable_row

#: How long a writer waits for another one [s].
BUSY_TIMEOUT = 10.0

#: RETURNING came with this release of SQLite.
_OLDEST_SQLITE = (3, 35)


class SqliteDatabase:
    """
    One SQLite file in write-ahead mode: readers never wait, and writers wait for each other.

    May be used by several threads, one transaction at a time; any number of processes on the same machine may have the
    file open. Every commit is on the disk when it returns (``synchronous=FULL``): there are few, each by a person.

    Parameters
    ----------
    path : Path
        The file.
    read_only : bool
        Refuse to write.
    create : bool
        Make the file if it is missing.

    Raises
    ------
    StoreError
        If the file cannot be used.
    """

    def __init__(self, path: Path, *, read_only: bool, create: bool) -> None:
        self.url = str(path)
        self.read_only = read_only
        self._path = path
        self._lock = threading.RLock()
        _check_file(path, read_only=read_only, create=create)
        try:
            # Where SQLite itself cannot see that others write, what the file looked like when it was opened.
            self._frozen = _appearance(path) if read_only else None
            self._connection, immutable = _connect(path, read_only=read_only)
            if not immutable:
                self._frozen = None
        except sqlite3.Error as error:
            raise self._store_error(error) from error
        try:
            if layout.needs_upgrade(self._layout(), self.url, read_only=read_only, create=create):
                self._upgrade()
            if not read_only:
                self._write_ahead()
        except sqlite3.Error as error:
            self.close()
            raise self._store_error(error) from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        """Commit at the end of the block; roll back and raise where the block or the database fails."""
        with self._lock:
            try:
                self._thaw()
                # A writer takes the lock at once: upgrading a read lock later could fail half-way, without waiting.
                self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                yield _SqliteTransaction(self._connection)
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._roll_back()
                if isinstance(error, sqlite3.Error | OverflowError | UnicodeEncodeError):
                    raise self._store_error(error) from error
                raise

    def change_counter(self) -> object | None:
        """Return what differs from the last time if anything was written meanwhile, by whomever: some microseconds."""
        with self._lock:
            try:
                self._thaw()
                [(version,)] = self._connection.execute("PRAGMA data_version").fetchall()
                return version, self._connection.total_changes, self._frozen
            except sqlite3.Error as error:
                raise self._store_error(error) from error

    def _thaw(self) -> None:
        """Open the file anew if it was opened as one that never changes, and did."""
        if self._frozen is None or (found := _appearance(self._path)) == self._frozen:
            return
        self._connection.close()
        self._connection, immutable = _connect(self._path, read_only=True)
        self._frozen = found if immutable else None

    def close(self) -> None:
        """Close the file; idempotent."""
        with self._lock:
            self._connection.close()

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:  # the first error says more
            pass

    def _layout(self) -> str | None:
        tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        row = None
        if "alembic_version" in tables:
            row = self._connection.execute(layout.READ_LAYOUT).fetchone()
        if row is None:
            raise StoreError(f"{self.url} is an SQLite database of another program; name another file with --store")
        return str(row[0])

    def _upgrade(self) -> None:
        import sqlalchemy

        engine = sqlalchemy.create_engine(
            "sqlite://", creator=lambda: _connect(self._path, read_only=False)[0], poolclass=sqlalchemy.NullPool
        )

        @sqlalchemy.event.listens_for(engine, "begin")
        def shut_out_other_writers(connection: sqlalchemy.Connection) -> None:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")

        try:
            with engine.begin() as connection:
                layout.upgrade(connection)
        except sqlalchemy.exc.DBAPIError as error:
            raise self._store_error(error.orig or error) from error

    def _write_ahead(self) -> None:
        # A property of the file, kept by it: after the first time this does nothing. Two processes that make a store at
        # the same time may hinder each other here; all still works then, and the next one to open it succeeds.
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise

    def _store_error(self, error: BaseException) -> StoreError:
        text = str(error)
        if "readonly" in text or "read-only" in text:
            return ReadOnlyError(
                f"the store {self.url} is read-only; allow writing to it, or name another one with --store"
            )
        if "locked" in text or "busy" in text:
            return StoreError(
                f"the store {self.url} is busy: another process has been writing to it for {BUSY_TIMEOUT:.0f} s; "
                f"try again when it is done"
            )
        if "not a database" in text or "malformed" in text:
            return StoreError(f"{self.url} is not an ampel-followup store, or is damaged ({text}); name another file")
        if "closed database" in text:
            return StoreError(f"the store {self.url} has been closed; open it again")
        return StoreError(f"the store {self.url} failed: {text}; nothing of this step was stored")


class _SqliteTransaction:
    """The open transaction of the file's one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        return self._connection.execute(sql, storable_row(values or {})).fetchall()

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self._connection.executemany(sql, map(storable_row, rows))

    def serialise(self, table: str) -> None:
        """Do nothing: a write transaction of SQLite has the whole file to itself."""


def _connect(path: Path, *, read_only: bool) -> tuple[sqlite3.Connection, bool]:
    """Open the file; return whether it had to be opened as one that never changes, too."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; this Python needs SQLite 3.35 or newer")
    connection, immutable = _open(path, "mode=ro" if read_only else "mode=rwc"), False
    if read_only:
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")
        except sqlite3.OperationalError:
            # Write-ahead mode keeps files beside the store even for readers; where the folder allows none, and nobody
            # left any, the file is all there is, and can be read as it stands.
            connection.close()
            if Path(f"{path}-wal").exists():
                raise
            connection, immutable = _open(path, "mode=ro&immutable=1"), True
    connection.execute("PRAGMA foreign_keys = ON")
    return connection, immutable


def _appearance(path: Path) -> tuple[int, int, bool]:
    """Return what tells that others write to a file: when it was changed [ns], its size [bytes], its log beside it."""
    try:
        status = path.stat()
    except OSError:  # gone: opening it anew says so
        return 0, 0, False
    return status.st_mtime_ns, status.st_size, Path(f"{path}-wal").exists()


def _open(path: Path, option: str) -> sqlite3.Connection:
    # `isolation_level=None`: transactions begin and end where this module says so, and nowhere else.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{option}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )


def _check_file(path: Path, *, read_only: bool, create: bool) -> None:
    """Raise StoreError with the reason, which SQLite would give as "unable to open database file" whatever it is."""
    if path.is_dir():
        raise StoreError(f"the store {path} is a folder; name a file in it, such as {path / 'followup.sqlite'}")
    if not path.exists():
        if read_only or not create:
            raise StoreError(f"there is no store at {path}; `ampel-followup rank … --store {path}` makes one")
        if not path.parent.is_dir():
            raise StoreError(f"the folder {path.parent} of the store {path.name} does not exist; make it first")
    if read_only:
        return
    # The folder too: write-ahead mode puts two files beside the store.
    for place in (path, path.parent):
        if place.exists() and not os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise ReadOnlyError(
                f"the store {path} is read-only ({place} cannot be written); allow writing, or name another"
            )
