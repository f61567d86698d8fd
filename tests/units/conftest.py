"""AMPEL in one process: its own command runs a job file on an in-memory stand-in for MongoDB."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")
mongomock = pytest.importorskip("mongomock")
ServerStore = pytest.importorskip("mongomock.store").ServerStore

EXAMPLES = Path(__file__).parents[2] / "conf" / "ampel-followup" / "examples"


@pytest.fixture(scope="session")
def built_config(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """AMPEL's configuration as an operator builds it, and what the command printed."""
    path = tmp_path_factory.mktemp("ampel") / "ampel.conf.yml"
    options = ["-stop-on-errors", "0", "-hide-module-not-found-errors", "-no-provenance", "-out", str(path)]
    done = subprocess.run(
        [sys.executable, "-c", "from ampel.cli.main import main; main()", "config", "build", *options],
        capture_output=True,
        text=True,
        check=True,
    )
    return path, done.stdout + done.stderr


@dataclass
class Broker:
    """An AMPEL installation with an empty database."""

    config: Path
    folder: Path
    database: Any
    run_command: Callable[[list[str]], None]

    def job(self, archive: Path, *, site: str, night: str, **options: Any) -> dict[str, Any]:
        """Return the example job file, edited for an archive, a night and a store in the test's folder."""
        job = yaml.safe_load((EXAMPLES / "job_ztf_archive.yml").read_text())
        alerts, _, plan = job["task"]
        alerts["config"]["supplier"]["config"]["loader"]["config"]["file_path"] = str(archive)
        unit = plan["config"]["stage"]["config"]["execute"][0]
        unit["config"] = {"site": site, "night": night, "store": str(self.store), **options}
        return job

    def run(self, job: dict[str, Any], *tasks: int) -> None:
        """Run a job, or some of its tasks, with the command `ampel job`."""
        path = self.folder / "job.yml"
        path.write_text(yaml.safe_dump(job))
        chosen = ["-task", *map(str, tasks)] if tasks else []
        self.run_command(["ampel", "job", "-config", str(self.config), "-schema", str(path), "-no-conf-check", *chosen])

    @property
    def store(self) -> Path:
        """The follow-up store that the plan is written to."""
        return self.folder / "followup.sqlite"

    def documents(self, collection: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return documents of a collection of the database."""
        return list(self.database[collection].find(query or {}))


@pytest.fixture(scope="module")
def new_broker(
    built_config: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Broker]]:
    """Give a function that makes a `Broker`; the one made last is the one in use."""
    from ampel.cli.main import main

    def run_command(arguments: list[str]) -> None:
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", arguments)
                main()
        finally:
            # AMPEL leaves its own in place, and Ctrl-C would no longer stop the tests.
            for number, handler in handlers.items():
                signal.signal(number, handler)

    with pytest.MonkeyPatch.context() as patch:
        _teach_mongomock(patch)

        def make() -> Broker:
            database = _empty_server(patch)["Followup"]
            return Broker(built_config[0], tmp_path_factory.mktemp("broker"), database, run_command)

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
