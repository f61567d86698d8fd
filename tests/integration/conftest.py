"""AMPEL on a database server: MongoDB's own where MONGO_URI names one, else one that the tests start."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "units"))

from ampel_broker import AMPEL, EXAMPLES, Broker, built_config, run_in_this_process, succeeded
from mongo_server import MongoServer, missing
from night_plans import NIGHT

from ampel_followup.simulate import simulate_objects, write_alerts

MongoClient = pytest.importorskip("pymongo", reason="the AMPEL stack is the extra 'ztf'").MongoClient
pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")

__all__ = ["built_config"]

#: AMPEL itself waits for half a minute until it says that there is no server.
PATIENCE = {"serverSelectionTimeoutMS": 2000}

#: Codes of T2 documents that nobody will finish, after a worker or the server has crashed.
LEFT_BEHIND = ("RUNNING", "EXCEPTION", "T2_PENDING_DEPENDENCY", "T2_FAILED_DEPENDENCY", "TOO_MANY_TRIALS")


@dataclass
class ServedBroker(Broker):
    """An AMPEL installation on a server."""

    uri: str = ""

    def environment(self, uri: str | None = None) -> dict[str, str]:
        """Return what tells AMPEL where its database is, as operators do."""
        address = uri or self.uri
        return {"AMPEL_CONFIG_resource.mongo": address, "AMPEL_CONFIG_mongo.mongo_options": json.dumps(PATIENCE)}

    def run(self, job: dict[str, Any], *tasks: int, uri: str | None = None) -> None:
        """Run a job, or some of its tasks, in this process."""
        self.command(self.job_arguments(job, *tasks), uri)

    def command(self, arguments: list[str], uri: str | None = None) -> None:
        """Run AMPEL's command in this process."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment(uri).items():
                patch.setenv(name, value)
            run_in_this_process(arguments)

    def run_process(self, example: str, **config: Any) -> None:
        """Run a process of the examples once, as AMPEL's scheduler does: exceptions are kept in the database."""
        processor = yaml.safe_load((EXAMPLES / example).read_text())["processor"]
        processor["config"] |= config
        path = self.folder / example
        path.write_text(yaml.safe_dump(processor))
        place = ["-config", str(self.config), "-db", self.database.name]
        self.command(["ampel", "process", *place, "-schema", str(path), "-name", path.stem, "-handle-exc"])

    def reset(self) -> None:
        """Let T2 documents that were left behind be worked on again, as the manual says."""
        place = ["-config", str(self.config), "-db", self.database.name]
        self.command(["ampel", "t2", "reset", *place, "-code", *LEFT_BEHIND])

    def start(self, arguments: list[str], uri: str | None = None) -> subprocess.Popen[str]:
        """Start AMPEL's command in a process of its own, as operators do."""
        return subprocess.Popen(
            [*AMPEL, *arguments[1:]],
            env=os.environ | self.environment(uri),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run_apart(self, job: dict[str, Any], *tasks: int) -> str:
        """Run a job, or some of its tasks, in a process of its own, and return what it said."""
        return succeeded(self.start(self.job_arguments(job, *tasks)))


@pytest.fixture(scope="session")
def server_programs() -> None:
    """Skip a test where no server can be started."""
    if (reason := missing()) is not None:
        pytest.skip(f"{reason}: run `make mongo-server`, or let MONGO_URI name a MongoDB server")


@pytest.fixture(scope="session")
def mongo_uri(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the server of this session listens."""
    if uri := os.environ.get("MONGO_URI"):
        yield uri
        return
    request.getfixturevalue("server_programs")
    server = MongoServer()
    server.start()
    yield server.uri
    server.stop()


@pytest.fixture(scope="module")
def new_broker(
    mongo_uri: str, built_config: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], ServedBroker]]:
    """Give a function that makes a broker with a database of its own, which is dropped afterwards."""
    with MongoClient(mongo_uri, **PATIENCE) as client:
        made: list[str] = []

        def make() -> ServedBroker:
            folder = tmp_path_factory.mktemp("broker")
            made.append(f"FollowupTest_{os.getpid()}_{folder.name}")
            return ServedBroker(built_config[0], folder, client[made[-1]], uri=mongo_uri)

        yield make
        for name in made:
            client.drop_database(name)


@dataclass
class OwnServerBroker(ServedBroker):
    """An AMPEL installation on a server of its own, which tests may kill, or listen in to."""

    server: MongoServer = field(default_factory=MongoServer)


@pytest.fixture
def disk_broker(server_programs: None, built_config: tuple[Path, str], tmp_path: Path) -> Iterator[OwnServerBroker]:
    """A broker whose server can be killed and started again, for its database is on disk."""
    with _own_server(built_config[0], tmp_path, MongoServer(tmp_path / "mongo.h2")) as broker:
        yield broker


@pytest.fixture
def own_broker(server_programs: None, built_config: tuple[Path, str], tmp_path: Path) -> Iterator[OwnServerBroker]:
    """A broker with a server of its own, in memory."""
    with _own_server(built_config[0], tmp_path, MongoServer()) as broker:
        yield broker


@contextmanager
def _own_server(config: Path, folder: Path, server: MongoServer) -> Iterator[OwnServerBroker]:
    server.start()
    with MongoClient(server.uri, **PATIENCE) as client:
        yield OwnServerBroker(config, folder, client["Followup"], uri=server.uri, server=server)
    server.stop()


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alerts of 12 simulated objects."""
    path = tmp_path_factory.mktemp("alerts") / "night.tar.gz"
    write_alerts(simulate_objects(12, dt.date.fromisoformat(NIGHT), np.random.default_rng(7)), path)
    return path
