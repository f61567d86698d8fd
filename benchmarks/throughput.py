"""
How fast a night is ranked: alerts per second and peak memory of `ampel-followup rank`, on one core.

Simulates a night (seeded) unless an archive is given, then ranks it in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

NIGHT = "2026-11-09"

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


_RUN = """
import resource, sys
from ampel_followup.cli import main
code = main()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def run(*arguments: str) -> tuple[dict, float]:
    """Run the command with --json on one core; return what it prints, and its peak memory [MB]."""
    pin = (
        (lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})) if hasattr(os, "sched_setaffinity") else None
    )
    result = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments, "--json"],
        capture_output=True, text=True, check=True, env=os.environ | ONE_THREAD, preexec_fn=pin,
    )  # fmt: skip
    return json.loads(result.stdout), int(result.stderr.split()[-1]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=Path, help="archive to rank; by default a simulated night")
    parser.add_argument("--objects", type=int, default=10_000, help="objects of the simulated night")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = options.alerts or Path(folder) / "night.tar.gz"
        if options.alerts is None:
            run(
                "simulate",
                str(archive),
                "--objects",
                str(options.objects),
                "--seed",
                str(options.seed),
                "--night",
                NIGHT,
            )
        report, peak = run(
            "rank", str(archive), "--site", "palomar", "--night", NIGHT, "--store", f"{folder}/night.sqlite"
        )
    result = {
        "alerts": report["run"]["alerts_read"],
        "objects": report["run"]["objects"],
        "seconds": report["run"]["seconds"],
        "alerts_per_second": round(report["run"]["alerts_read"] / report["run"]["seconds"], 1),
        "peak_mb": round(peak),
        "stages": report["run"]["stages"],
    }
    print(json.dumps(result) if options.as_json else "\n".join(f"{k}: {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
