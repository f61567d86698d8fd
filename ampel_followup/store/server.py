"""A store on a PostgreSQL server, through SQLAlchemy and psycopg."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import sqlalchemy
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from ampel_followup.errors import ReadOnlyError, StoreError
from ampel_followup.store import layout
from ampel_followup.store.connection import Connection
from ampel_followup.store.text import storable_row
from ampel_followup.untrusted import clean

#: How long to wait for a server that does not answer [s].
CONNECT_TIMEOUT = 10

_ROWS_PER_CALL = 1000

#: Any number, as long as all that migrate a store take the same one.
_MIGRATION_LOCK = 0x616D70656C


class ServerDatabase:
    """
    A PostgreSQL database: any number of threads, processes and machines.

    Parameters
    ----------
    url : str
        SQLAlchemy URL with the driver ``postgresql+psycopg``.
    read_only, create : bool
        As in `Store.open`.

    Raises
    ------
    StoreError
        If the URL is wrong, the server does not answer, or the database cannot be used.
    """

    def __init__(self, url: str, *, read_only: bool, create: bool) -> None:
        self.read_only = read_only
        try:
            address = sqlalchemy.make_url(url)
            self.url = _without_password(address)
            # `pool_pre_ping`: an app that stays open all night outlives connections that firewalls cut.
            self._engine = sqlalchemy.create_engine(
                address, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_TIMEOUT}
            ).execution_options(postgresql_readonly=read_only)
        except (ArgumentError, ValueError) as error:
            raise StoreError(
                "the store's URL cannot be read; write postgresql://user:password@host:port/name"
            ) from error
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            raise StoreError(
                f"the store {self.url} needs a PostgreSQL driver; pip install 'ampel-followup[postgres]'"
            ) from error
        try:
            with self.transaction(write=not read_only) as connection:
                found = _layout(connection)
            if layout.needs_upgrade(found, self.url, read_only=read_only, create=create):
                self._upgrade()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        """Commit at the end of the block; roll back and raise where the block or the database fails."""
        del write  # the server locks rows by itself
        try:
            with self._engine.begin() as connection:
                yield _ServerTransaction(connection)
        except (SQLAlchemyError, OverflowError, UnicodeEncodeError) as error:
            raise self._store_error(error) from error

    def change_counter(self) -> object | None:
        """Return None: a server counts nothing that would be cheaper to ask for than the rows themselves."""
        return None

    def close(self) -> None:
        """Close the connections; idempotent."""
        self._engine.dispose()

    def _upgrade(self) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                layout.upgrade(connection)
        except SQLAlchemyError as error:
            raise self._store_error(error) from error

    def _store_error(self, error: Exception) -> StoreError:
        # The driver's own words: SQLAlchemy's would add the statement and its parameters.
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        reason = clean(str(cause), limit=300)
        if "read-only" in reason:
            return ReadOnlyError(
                f"the store {self.url} is read-only; open it for writing, or name another one with --store"
            )
        if (isinstance(error, DBAPIError) and error.connection_invalidated) or "connection" in reason:
            return StoreError(f"the server of the store {self.url} does not answer ({reason}); is it running?")
        return StoreError(f"the store {self.url} failed: {reason}; nothing of this step was stored")


class _ServerTransaction:
    """One transaction of the server."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        result = self._connection.execute(sqlalchemy.text(sql), storable_row(values or {}))
        return result.all() if result.returns_rows else []

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        statement, rest = sqlalchemy.text(sql), map(storable_row, rows)
        while batch := list(islice(rest, _ROWS_PER_CALL)):
            self._connection.execute(statement, batch)

    def serialise(self, table: str) -> None:
        self._connection.execute(sqlalchemy.text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))


def _layout(connection: Connection) -> str | None:
    [(table,)] = connection.execute("SELECT to_regclass('alembic_version')")
    rows = connection.execute(layout.READ_LAYOUT) if table is not None else []
    return str(rows[0][0]) if rows else None


def _without_password(address: sqlalchemy.URL) -> str:
    if "password" in address.query:
        address = address.update_query_dict({"password": "***"})
    return address.set(drivername="postgresql").render_as_string(hide_password=True)
