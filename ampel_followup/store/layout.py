"""Which layout a store has, and how an older one is brought up to date."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ampel_followup.errors import StoreError

if TYPE_CHECKING:
    import sqlalchemy

#: The layout that this version reads and writes: the newest migration. Kept here so that a store which is up to date
#: opens without importing Alembic and SQLAlchemy, whose import takes longer than everything else the app does.
CURRENT = "0009"

#: Alembic's own table.
READ_LAYOUT = "SELECT version_num FROM alembic_version"

# Alembic keeps the running migration in a module's globals.
_ONE_AT_A_TIME = threading.Lock()


def needs_upgrade(layout: str | None, url: str, *, read_only: bool, create: bool) -> bool:
    """
    Decide what to do with a store of the given layout.

    Parameters
    ----------
    layout : str or None
        What the store says of itself; None where it is empty.
    url : str
        For the messages.
    read_only, create : bool
        As in `Store.open`.

    Raises
    ------
    StoreError
        If the store cannot be used: too new, of another program, or in need of a change that is not allowed.
    """
    if layout == CURRENT:
        return False
    if layout is None:
        if read_only or not create:
            raise StoreError(f"the store {url} is empty; `ampel-followup rank … --store {url}` fills it")
        return True
    if not (layout.isascii() and layout.isdecimal()):
        raise StoreError(f"{url} belongs to another program (its layout is {layout!r}); name another store")
    if int(layout) > int(CURRENT):
        raise StoreError(
            f"the store {url} was written by a newer ampel-followup (layout {layout}, this one knows {CURRENT}); "
            f"upgrade ampel-followup or name another store"
        )
    if read_only:
        raise StoreError(
            f"the store {url} has the older layout {layout}; open it once for writing to bring it up to {CURRENT}"
        )
    return True


def upgrade(connection: sqlalchemy.Connection) -> None:
    """
    Run the migrations that the store lacks, all of them or none.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Its next statement must begin a transaction that shuts out other writers and holds changes of tables too;
        the caller commits.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")
