"""
Plan a night of LSST inside AMPEL: workers, memory, database and T3, from what `ampel_cost.py --json` measured.

Every alert that passes T0 makes one state of an object, with three T2 documents (features, gain, assistant). What the
plan takes from elsewhere is in its options; the share that passes T0 has to be said, or is counted in archives of
alerts by the filter of `followup_channel.yml`: two detections with a real/bogus score (LSST: reliability) above 0.5.
All is in proportion: what was measured on hundreds of objects is multiplied, and nothing here knows where a server
bends.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ampel_followup.alerts.archive import read_alerts
from ampel_followup.alerts.packet import Packet
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.surveys import ZTF

DOCUMENTS_PER_STATE = 3

#: A detection with a higher real/bogus score is likely real, as in `followup_channel.yml`.
REAL = 0.5


def likely_real(packet: Packet) -> int:
    """Return how many detections of a packet have a real/bogus score above `REAL`."""
    name, ids = ("rb", "candid") if packet.survey is ZTF else ("reliability", "diaSourceId")
    detections = (point for point in packet.candidates if point.get(ids))
    return sum((point.get(name) or 0.0) > REAL for point in detections)


def passing_share(archives: Sequence[str]) -> tuple[float, int]:
    """Return the share of the alerts in archives with two detections that are likely real, and how many there are."""
    counts = [likely_real(packet) for packet in read_alerts(archives, quarantine=Quarantine())]
    if not counts:
        sys.exit(f"no alert in {', '.join(archives)}; give archives of ZTF or LSST")
    return sum(count >= 2 for count in counts) / len(counts), len(counts)


def plan(measured: dict[str, Any], alerts: int, share: float, hours: float, load: float) -> dict[str, float | None]:
    """Return what the night needs, from the medians that were measured."""
    states = alerts * share
    cost = {part: found["median"] for part, found in measured["ms_per_document"].items()}
    documents = DOCUMENTS_PER_STATE * states
    worker_ms = cost["ours"] + cost["database"] + cost["ampel"]
    workers = math.ceil(documents * worker_ms / 1000 / (3600 * hours * load))
    commands = sum(measured["commands_per_document"].values())
    per_stock = measured["t3"]["seconds_with_reading"] / measured["t3"]["stocks"]
    return {
        "alerts": alerts,
        "share_that_passes": share,
        "states": round(states),
        "documents": round(documents),
        "worker_hours": round(documents * worker_ms / 3.6e6, 1),
        "workers": workers,
        "memory_of_workers_gb": round(workers * measured["worker_peak_mb"] / 1024, 1),
        "database_commands_per_second": round(documents * commands / (3600 * hours)),
        "database_gb_per_night": round(states * sum(measured["bytes_per_state"].values()) / 1e9, 1),
        "t3_seconds_per_10000_stocks": round(10_000 * per_stock, 1),
        "t3_hours_if_every_state_were_a_stock": round(states * per_stock / 3600, 1),
    }


def main() -> None:
    """Plan and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path, help="what `python benchmarks/ampel_cost.py --json` printed")
    parser.add_argument("--alerts", type=int, default=10_000_000, help="alerts of the night")
    passing = parser.add_mutually_exclusive_group(required=True)
    passing.add_argument("--share", type=float, help="share of them that passes T0, 0 to 1")
    passing.add_argument("--archive", nargs="+", help="archives of alerts to count that share in")
    parser.add_argument("--hours", type=float, default=10.0, help="hours in which all have to be scored")
    parser.add_argument("--load", type=float, default=0.7, help="how busy a worker may be on average, 0 to 1")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    share, counted = passing_share(options.archive) if options.archive else (options.share, None)
    result = plan(json.loads(options.measured.read_text()), options.alerts, share, options.hours, options.load)
    result["share_counted_in_alerts"] = counted
    print(json.dumps(result) if options.as_json else "\n".join(f"{k}: {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
