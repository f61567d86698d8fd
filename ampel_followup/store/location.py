"""Where the store is: a path, a URL, the environment, or the user's data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ampel_followup.errors import StoreError

#: Environment variable that names the store where no option does.
ENVIRONMENT = "AMPEL_FOLLOWUP_STORE"

_SERVER_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_EXPECTED = "give a file such as night.sqlite, or postgresql://user@host/database"


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A store in one file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Server:
    """A store on a PostgreSQL server, by its SQLAlchemy URL; the URL may hold a password."""

    url: str


def locate(url: str | Path | None) -> SqliteFile | Server:
    """
    Return where the store is, without touching it.

    Parameters
    ----------
    url : str, Path or None
        A path, ``sqlite:///path``, ``postgresql://…`` or ``postgresql+psycopg://…``. None: what the environment
        variable ``AMPEL_FOLLOWUP_STORE`` says, else ``ampel-followup/followup.sqlite`` in the user's data folder.

    Returns
    -------
    SqliteFile or Server

    Raises
    ------
    StoreError
        If the URL is of no kind that can hold a store.
    """
    if url is None:
        url = os.environ.get(ENVIRONMENT) or default_path()
    if isinstance(url, Path):
        return SqliteFile(url)
    if not url.strip():
        raise StoreError(f"the store has an empty name; {_EXPECTED}")
    scheme, separator, rest = url.partition("://")
    if not separator:
        return SqliteFile(Path(url).expanduser())
    if scheme in ("sqlite", "sqlite+pysqlite"):
        # sqlite:///relative and sqlite:////absolute: the host between the second and third slash is always empty.
        if not rest.startswith("/") or rest in ("/", "/:memory:") or "?" in rest:
            raise StoreError(f"store {url!r} names no file; write sqlite:///night.sqlite, or just the path")
        return SqliteFile(Path(rest[1:]))
    if scheme in _SERVER_SCHEMES:
        return Server(f"postgresql+psycopg://{rest}")
    raise StoreError(f"a store cannot be kept at {scheme}://…; {_EXPECTED}")


def default_path() -> Path:
    """Return the file used where nothing else is named; its folder is made if needed."""
    from platformdirs import user_data_path

    folder = user_data_path("ampel-followup", appauthor=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder {folder} for the store: {error.strerror}; name another file with --store or "
            f"{ENVIRONMENT}"
        ) from error
    return folder / "followup.sqlite"
