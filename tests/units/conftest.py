"""AMPEL in one process: its own command runs a job file on an in-memory stand-in for MongoDB."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Modules of their own, for the tests on a server use them too.
sys.path.insert(0, str(Path(__file__).parent))

from ampel_broker import Broker, built_config

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")
mongomock = pytest.importorskip("mongomock")
ServerStore = pytest.importorskip("mongomock.store").ServerStore

__all__ = ["built_config"]


@pytest.fixture(scope="module")
def new_broker(
    built_config: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Broker]]:
    """Give a function that makes a `Broker`; the one made last is the one in use."""
    with pytest.MonkeyPatch.context() as patch:
        _teach_mongomock(patch)

        def make() -> Broker:
            database = _empty_server(patch)["Followup"]
            return Broker(built_config[0], tmp_path_factory.mktemp("broker"), database)

        yield make


def _empty_server(patch: pytest.MonkeyPatch) -> Any:
    """Let AMPEL connect to a new in-memory server, and return a client of it."""
    store = ServerStore()

    # AMPEL opens one client per role; all must see the same data.
    class Client(mongomock.MongoClient):  # type: ignore[misc, name-defined]
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__(_store=store)

    patch.setattr("ampel.core.AmpelDB.MongoClient", Client)
    return Client()


def _teach_mongomock(patch: pytest.MonkeyPatch) -> None:
    """Make mongomock accept what AMPEL and today's pymongo say to MongoDB."""
    database, bulk = mongomock.Database, mongomock.collection.BulkOperationBuilder
    create_collection, add_update = database.create_collection, bulk.add_update

    # AMPEL chooses a storage engine for its logs; mongomock has none.
    def create_without_engine(self: Any, name: str, **options: Any) -> Any:
        options.pop("storageEngine", None)
        return create_collection(self, name, **options)

    # pymongo hands sort=None over with every update of a bulk; mongomock does not know the argument.
    def add_unsorted_update(self: Any, *args: Any, sort: None = None, **kwargs: Any) -> None:
        add_update(self, *args, **kwargs)

    patch.setattr(database, "create_collection", create_without_engine)
    patch.setattr(bulk, "add_update", add_unsorted_update)
    # T3 reads documents frozen by a codec; mongomock refuses any, and without it they are merely not frozen.
    patch.setattr("mongomock.codec_options.is_supported", lambda *_: None)
