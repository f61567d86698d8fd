"""
AMPEL's command with the time measured that our units and the database take: a process of `ampel_cost.py`.

    python benchmarks/ampel_measured.py REPORT job -config FILE …

says "ready" when all libraries are loaded, begins at the first line that it reads, and writes what it measured as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

from ampel.cli.main import main as ampel
from pymongo import monitoring

UNITS = ("t2.T2FollowupFeatures", "t2.T2SpectroscopicGain", "t2.T2VirtualAssistant", "t3.T3FollowupPlan")


class Commands(monitoring.CommandListener):
    """Counts what the database is asked for, and sums up how long its answers take [s]."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.seconds = 0.0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Do nothing: the event at the end knows how long it took."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Count a command."""
        self._count(event)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Count a command that failed like any other."""
        self._count(event)

    def _count(self, event: monitoring.CommandSucceededEvent | monitoring.CommandFailedEvent) -> None:
        self.count[event.command_name] += 1
        self.seconds += event.duration_micros / 1e6


class Stopwatch:
    """Measures `process` and `post_init` of units; `span` is from the first beginning of `process` to the last end."""

    def __init__(self) -> None:
        self.units: dict[str, dict[str, float]] = {}
        self.span: list[float] = []

    def measure(self, unit: type[Any]) -> None:
        """Measure a unit from now on."""
        process, post_init = unit.process, unit.post_init
        taken = self.units[unit.__name__] = {
            "documents": 0, "seconds": 0.0, "cpu_seconds": 0.0, "loads": 0, "load_seconds": 0.0,
        }  # fmt: skip

        def measured_process(self_: Any, *arguments: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            result = process(self_, *arguments)
            taken["seconds"] += time.perf_counter() - wall
            taken["cpu_seconds"] += time.process_time() - cpu
            taken["documents"] += 1
            self.span[:] = [self.span[0] if self.span else wall, time.perf_counter()]
            return result

        def measured_post_init(self_: Any) -> None:
            wall = time.perf_counter()
            post_init(self_)
            taken["loads"] += 1
            taken["load_seconds"] += time.perf_counter() - wall

        unit.process, unit.post_init = measured_process, measured_post_init


def main() -> None:
    """Run AMPEL's command, and write what it took."""
    report = Path(sys.argv.pop(1))
    commands, stopwatch = Commands(), Stopwatch()
    monitoring.register(commands)
    for name in UNITS:
        stopwatch.measure(getattr(import_module(f"ampel.followup.{name}"), name.split(".")[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    begin, begin_cpu = time.perf_counter(), time.process_time()
    ampel()
    measured = {
        "units": {name: taken for name, taken in stopwatch.units.items() if taken["loads"]},
        "commands": commands.count,
        "database_seconds": commands.seconds,
        "run_seconds": time.perf_counter() - begin,
        "run_cpu_seconds": time.process_time() - begin_cpu,
        "seconds": stopwatch.span[1] - stopwatch.span[0] if stopwatch.span else 0.0,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    report.write_text(json.dumps(measured))


if __name__ == "__main__":
    main()
