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
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pymongo
from ampel_broker import DATABASE, T2, T3, Broker, a_server, multiply_stocks, start_over, stored_bytes


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
