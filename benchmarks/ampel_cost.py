"""
What a night costs inside AMPEL: per T2 document our part and AMPEL's, with one worker and with two, and the plan (T3).

Starts the server of `make mongo-server` in memory, unless MONGO_URI names another one. Simulates a night (seeded),
ingests it, and lets the workers fill the documents, one worker and two in turn. Our part is the time in `process` of
our units, by the clock and of the processor, which a busy machine slows less; the database's is the time from each
command to its answer; the rest is AMPEL's own. How much faster two workers are is said of our part: the time of one by
the longer time of two. That is 1 / (a × b), where a is the share of the documents that the busier one got, at best a
half, and b how much more a document took than with one worker: both are said as well. Last, our units are called for
all states without a worker: what the processor takes when no server, of which it may share a core, is at work beside.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pymongo
import yaml
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "integration"))

from mongo_server import MongoServer, missing

from ampel_followup.alerts.ampel_points import ztf_name

ROOT = Path(__file__).parents[1]
NIGHT, SITE, DATABASE = "2026-11-09", "palomar", "FollowupCost"
T0, T2, T3 = 0, 1, 2
_AS_BYTES: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)

#: Runs AMPEL's command, and writes down what our units and the database took.
_MEASURED = """
import json, resource, sys, time
from collections import Counter
from importlib import import_module
from pathlib import Path

from pymongo import monitoring

units, commands, waited, span = {}, Counter(), [0.0], []

class Commands(monitoring.CommandListener):
    def started(self, event): pass
    def succeeded(self, event):
        commands[event.command_name] += 1
        waited[0] += event.duration_micros / 1e6
    failed = succeeded

def measure(unit):
    process, post_init = unit.process, unit.post_init
    taken = units[unit.__name__] = {"documents": 0, "seconds": 0.0, "cpu_seconds": 0.0, "loads": 0, "load_seconds": 0.0}
    def measured_process(self, *arguments):
        wall, cpu = time.perf_counter(), time.process_time()
        result = process(self, *arguments)
        taken["seconds"] += time.perf_counter() - wall
        taken["cpu_seconds"] += time.process_time() - cpu
        taken["documents"] += 1
        span[:] = [span[0] if span else wall, time.perf_counter()]
        return result
    def measured_post_init(self):
        wall = time.perf_counter()
        post_init(self)
        taken["loads"] += 1
        taken["load_seconds"] += time.perf_counter() - wall
    unit.process, unit.post_init = measured_process, measured_post_init

monitoring.register(Commands())
for name in ("t2.T2FollowupFeatures", "t2.T2SpectroscopicGain", "t2.T2VirtualAssistant", "t3.T3FollowupPlan"):
    measure(getattr(import_module(f"ampel.followup.{name}"), name.split(".")[1]))
from ampel.cli.main import main
out = Path(sys.argv.pop(1))
print("ready", flush=True)
sys.stdin.readline()
begin, begin_cpu = time.perf_counter(), time.process_time()
main()
out.write_text(json.dumps({
    "units": {name: taken for name, taken in units.items() if taken["loads"]},
    "commands": commands,
    "database_seconds": waited[0],
    "run_seconds": time.perf_counter() - begin,
    "run_cpu_seconds": time.process_time() - begin_cpu,
    "seconds": span[1] - span[0] if span else 0.0,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""

#: Calls our units for every state without a worker, and prints what they take of the processor [s], in passes.
_ALONE = """
import json, sys, time

import pymongo
from ampel.log.AmpelLogger import AmpelLogger
from ampel.view.LightCurve import LightCurve

from ampel.followup.t2.T2FollowupFeatures import T2FollowupFeatures
from ampel.followup.t2.T2SpectroscopicGain import T2SpectroscopicGain
from ampel.followup.t2.T2VirtualAssistant import T2VirtualAssistant

class Features:
    def __init__(self, body):
        self.body = body
    def get_payload(self, raise_exc=False):
        return self.body

database = pymongo.MongoClient(sys.argv[1])[sys.argv[2]]
points = {point["id"]: point for point in database["t0"].find()}
states = []
for state in database["t1"].find():
    measured = [points[number] for number in state["dps"]]
    found, limits = [p for p in measured if p["id"] > 0], [p for p in measured if p["id"] < 0]
    states.append(LightCurve(b"", state["stock"], found, limits))
logger = AmpelLogger.get_logger()
features = T2FollowupFeatures(logger=logger)
gain = T2SpectroscopicGain(logger=logger, t2_dependency=[{"unit": "T2FollowupFeatures"}])
assistant = T2VirtualAssistant(logger=logger)
for unit in (features, gain, assistant):
    unit.post_init()
passes = []
for _ in range(4):
    begin = time.process_time()
    for state in states:
        gain.process(state, [Features(features.process(state))])
        assistant.process(state)
    passes.append((time.process_time() - begin) / len(states))
print(json.dumps(passes))
"""


@dataclass
class Broker:
    """AMPEL with the example job, on a server."""

    folder: Path
    uri: str
    objects: int
    seed: int

    def prepare(self) -> None:
        """Build AMPEL's configuration, simulate the night, and ingest its alerts."""
        self._call("from ampel.cli.main import main; main()", "config", "build", "-stop-on-errors", "0",
                   "-hide-module-not-found-errors", "-no-provenance", "-out", f"{self.folder}/ampel.yml")  # fmt: skip
        self._call("from ampel_followup.cli import main; main()", "simulate", f"{self.folder}/night.tar.gz",
                   "--objects", str(self.objects), "--seed", str(self.seed), "--night", NIGHT)  # fmt: skip
        job = yaml.safe_load((ROOT / "conf" / "ampel-followup" / "examples" / "job_ztf_archive.yml").read_text())
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
            self._start(_MEASURED, str(report), *options, "-no-conf-check", "-task", str(task)) for report in reports
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
        return json.loads(self._call(_ALONE, self.uri, DATABASE).splitlines()[-1])

    def _start(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "AMPEL_CONFIG_resource.mongo": self.uri}
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def _call(self, code: str, *arguments: str) -> str:
        return _finish(self._start(code, *arguments))


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


def ours(report: Mapping[str, Any], clock: str = "seconds") -> float:
    """Return the time that a worker spent in our units [s], by the clock or of the processor (``cpu_seconds``)."""
    return sum(unit[clock] for unit in report["units"].values())


def speed_up(alone: Mapping[str, Any], pair: Sequence[Mapping[str, Any]], clock: str) -> float:
    """Return how many times as fast two workers get through our part as one."""
    return ours(alone, clock) / max(ours(worker, clock) for worker in pair)


def documents_of(report: Mapping[str, Any]) -> int:
    """Return how many documents a worker got."""
    return int(sum(unit["documents"] for unit in report["units"].values()))


def split(alone: Mapping[str, Any], pair: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the share of the busier of two workers, and how many times as long its documents took as those of one."""
    busier = max(pair, key=lambda worker: ours(worker, "cpu_seconds"))
    number = documents_of(busier)
    share = number / sum(documents_of(worker) for worker in pair)
    return share, ours(busier, "cpu_seconds") / number / (ours(alone, "cpu_seconds") / documents_of(alone))


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return the median of repeated measurements, and their range."""
    found = sorted(values)
    return {"median": round(median(found), 2), "min": round(found[0], 2), "max": round(found[-1], 2)}


def per_document(report: Mapping[str, Any]) -> dict[str, float]:
    """Return what a T2 document took on average [ms], by whom, and by unit."""
    number = documents_of(report)
    parts = {
        "ours": ours(report) / number,
        "ours_cpu": ours(report, "cpu_seconds") / number,
        "database": report["database_seconds"] / number,
        "ampel": (report["seconds"] - ours(report) - report["database_seconds"]) / number,
    }
    parts |= {f"{name}_cpu": unit["cpu_seconds"] / unit["documents"] for name, unit in report["units"].items()}
    return {name: 1000 * seconds for name, seconds in parts.items()}


def per_state(report: Mapping[str, Any], clock: str) -> float:
    """Return what our units together take for one state of an object [ms]: features, gain and assistant."""
    return 1000 * sum(unit[clock] / unit["documents"] for unit in report["units"].values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=400, help="objects of the simulated night")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3, help="runs with one worker and with two, in turn")
    parser.add_argument(
        "--stocks", type=int, default=0, help="copy the stocks until T3 has so many; by default it has the objects"
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="let the server compare all documents with what is asked for, as it does by itself, in place of looking "
        "them up by stock, as MongoDB does by AMPEL's indexes",
    )
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    one: list[dict[str, Any]] = []
    two: list[list[dict[str, Any]]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        a_server(not options.compare) as (uri, server_cpu),
        pymongo.MongoClient(uri) as client,
    ):
        broker = Broker(Path(folder), uri, options.objects, options.seed)
        try:
            broker.prepare()
            for _ in range(options.repeat):
                start_over(client[DATABASE])
                one += broker.run(T2)
                documents = start_over(client[DATABASE])
                two.append(broker.run(T2, 2))
            alone = broker.alone()
            bytes_of = {name: stored_bytes(client[DATABASE], name) for name in ("stock", "t0", "t1", "t2")}
            states = client[DATABASE]["t1"].count_documents({})
            if options.stocks:
                multiply_stocks(client[DATABASE], options.stocks)
            stocks = client[DATABASE]["stock"].count_documents({})
            before = server_cpu()
            [plan] = broker.run(T3)
            after = server_cpu()
        finally:
            client.drop_database(DATABASE)
    costs = [per_document(report) for report in one]
    pairs = list(zip(one, two, strict=True))
    splits = [split(alone, pair) for alone, pair in pairs]
    result = {
        "documents": documents,
        "ms_per_document": {part: spread(cost[part] for cost in costs) for part in costs[0]},
        "ms_per_state": {
            "ours": spread(per_state(report, "seconds") for report in one),
            "ours_cpu": spread(per_state(report, "cpu_seconds") for report in one),
            # The first pass prepares the models.
            "ours_cpu_without_worker": spread(1000 * seconds for seconds in alone[1:]),
        },
        "models_loaded": {name: unit["loads"] for name, unit in one[0]["units"].items()},
        "commands_per_document": {
            name: round(count / documents, 2) for name, count in one[0]["commands"].items() if count > documents / 50
        },
        "states": states,
        "bytes_per_state": {name: round(size / states) for name, size in bytes_of.items()},
        "two_workers_speed_up": {
            "ours": spread(speed_up(alone, pair, "seconds") for alone, pair in pairs),
            "ours_cpu": spread(speed_up(alone, pair, "cpu_seconds") for alone, pair in pairs),
        },
        "two_workers_documents": {
            "share_of_busier": spread(share for share, _ in splits),
            "ours_cpu_of_one_worker": spread(longer for _, longer in splits),
        },
        "worker_peak_mb": round(max(report["peak_mb"] for report in one)),
        "t3": {
            "stocks": stocks,
            "seconds": round(plan["units"]["T3FollowupPlan"]["seconds"], 1),
            "seconds_with_reading": round(plan["run_seconds"], 1),
            "cpu_seconds": round(plan["run_cpu_seconds"], 1),
            "database_seconds": round(plan["database_seconds"], 1),
            "server_cpu_seconds": None if before is None or after is None else round(after - before, 1),
            "commands": sum(plan["commands"].values()),
            "peak_mb": round(plan["peak_mb"]),
        },
    }
    print(json.dumps(result) if options.as_json else "\n".join(f"{k}: {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
