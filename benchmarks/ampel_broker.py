"""AMPEL on a server that speaks MongoDB's protocol, with a simulated night: what `ampel_cost.py` measures."""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "integration"))

from mongo_server import MongoServer, missing

from ampel_followup.alerts.ampel_points import ztf_name

HERE = Path(__file__).parent

#: Name of the database, and of the tasks of the example job.
DATABASE = "FollowupCost"
T0, T2, T3 = 0, 1, 2

NIGHT, SITE = "2026-11-09", "palomar"
_AS_BYTES: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


@dataclass
class Broker:
    """
    AMPEL with the example job, on a server.

    Parameters
    ----------
    folder : Path
        For configuration, alerts and reports.
    uri : str
        Of the server.
    objects, seed : int
        Of the simulated night.
    """

    folder: Path
    uri: str
    objects: int
    seed: int

    def prepare(self) -> None:
        """Build AMPEL's configuration, simulate the night, and ingest its alerts."""
        self._call("-c", "from ampel.cli.main import main; main()", "config", "build", "-stop-on-errors", "0",
                   "-hide-module-not-found-errors", "-no-provenance", "-out", f"{self.folder}/ampel.yml")  # fmt: skip
        self._call("-c", "from ampel_followup.cli import main; main()", "simulate", f"{self.folder}/night.tar.gz",
                   "--objects", str(self.objects), "--seed", str(self.seed), "--night", NIGHT)  # fmt: skip
        job = yaml.safe_load((HERE.parent / "conf" / "ampel-followup" / "examples" / "job_ztf_archive.yml").read_text())
        job["mongo"]["prefix"] = DATABASE
        job["task"][T0]["config"]["supplier"]["config"]["loader"]["config"]["file_path"] = f"{self.folder}/night.tar.gz"
        job["task"][T2]["config"]["backoff_on_query"] = {"max_time": 3, "max_value": 0.5}
        unit = job["task"][T3]["config"]["stage"]["config"]["execute"][0]
        unit["config"] = {"site": SITE, "night": NIGHT, "store": f"{self.folder}/followup.sqlite"}
        (self.folder / "job.yml").write_text(yaml.safe_dump(job))
        self.run(T0)

    def run(self, task: int, processes: int = 1) -> list[dict[str, Any]]:
        """Run a task in so many processes at once, and return what each measured."""
        options = ["job", "-config", f"{self.folder}/ampel.yml", "-schema", f"{self.folder}/job.yml"]
        reports = [self.folder / f"measured{number}.json" for number in range(processes)]
        running = [
            self._start(f"{HERE}/ampel_measured.py", str(report), *options, "-no-conf-check", "-task", str(task))
            for report in reports
        ]
        for process in running:  # none begins before all have loaded their libraries
            process.stdout.readline()
        for process in running:
            process.stdin.write("\n")
            process.stdin.flush()
        with ThreadPoolExecutor(processes) as readers:  # of what they log: who is not read waits when its pipe is full
            list(readers.map(_finish, running))
        return [json.loads(report.read_text()) for report in reports]

    def alone(self) -> list[float]:
        """Return what our units take for one state without worker and database [s of the processor], in passes."""
        return json.loads(self._call(f"{HERE}/ampel_alone.py", self.uri, DATABASE).splitlines()[-1])

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "AMPEL_CONFIG_resource.mongo": self.uri}
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def _call(self, *arguments: str) -> str:
        return _finish(self._start(*arguments))


def _finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(said)
    return said


@contextmanager
def a_server(look_up: bool) -> Iterator[tuple[str, Callable[[], float | None]]]:
    """Give the address of a server that may be used, and a function that says what it took of the processor [s]."""
    if uri := os.environ.get("MONGO_URI"):
        yield uri, lambda: None
        return
    if (reason := missing()) is not None:
        sys.exit(f"{reason}: run `make mongo-server`, or let MONGO_URI name a MongoDB server")
    server = MongoServer(look_up=look_up)
    server.start()
    yield server.uri, lambda: server.cpu_seconds
    server.stop()


def start_over(database: Any) -> int:
    """Let all T2 documents be worked on again, and return how many there are."""
    again = {"$set": {"code": -1}, "$unset": {"body": 1}, "$pull": {"meta": {"tier": 2}}}
    return int(database["t2"].update_many({}, again).matched_count)


def stored_bytes(database: Any, name: str) -> int:
    """Return the size of a collection's documents [bytes], without the indexes and the packing of a server."""
    return sum(len(document.raw) for document in database.get_collection(name, _AS_BYTES).find())


def multiply_stocks(database: Any, stocks: int) -> None:
    """
    Copy what the units made of the simulated stocks until there are so many, each under a number of its own.

    To ingest thousands of stocks takes long and measures T0; T3 reads the same documents either way.
    """
    originals = {name: list(database[name].find({}, {"_id": 0})) for name in ("stock", "t0", "t1", "t2")}
    taken = sorted(document["stock"] for document in originals["stock"])
    known = set(taken)
    places = {number: place for place, number in enumerate(sorted(point["id"] for point in originals["t0"]), 1)}
    free = (number for number in itertools.count(16, 16) if number not in known)
    for copy in range(math.ceil((stocks - len(taken)) / len(taken))):
        numbers = dict(zip(taken, free, strict=False))
        # Datapoints have a sign, and of those of one exposure the largest counts: both are kept.
        points = {old: (copy * len(places) + place) * (1 if old > 0 else -1) for old, place in places.items()}
        for name, documents in originals.items():
            database[name].insert_many([_copied(name, document, numbers, points) for document in documents])


def _copied(
    name: str, document: dict[str, Any], numbers: Mapping[int, int], points: Mapping[int, int]
) -> dict[str, Any]:
    """Return a document for another stock."""
    old = document["stock"]
    copied = document | {"stock": [numbers[one] for one in old] if isinstance(old, list) else numbers[old]}
    if name == "stock":
        copied["name"] = [ztf_name(copied["stock"])]
    if name == "t0":
        copied["id"] = points[document["id"]]
    if name == "t1":
        copied["dps"] = [points[point] for point in document["dps"]]
    if name == "t2" and document["unit"] == "T2SpectroscopicGain":
        named = {"id": ztf_name(copied["stock"]), "stock": copied["stock"]}
        copied["body"] = [body | named for body in document["body"]]
    return copied
