"""
How long the search for anomalies takes for a night of simulated objects, beyond their features.

Run: python benchmarks/anomaly_speed.py [--objects 10000] [--simulated 1000] [--verdicts 30] [--seed S] [--repeats R]
     [--json]

Features are of simulated objects, repeated with a little noise up to the number of objects wanted; so are the verdicts.
What is timed: what the trees and the mixture of the packaged bundle see of every object, scores and sentences, and the
order in which they are shown after the verdicts. CPU seconds on one thread, median of the runs and their range.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
from collections.abc import Callable
from time import process_time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.anomaly.feedback import show
from ampel_followup.models.anomaly_bundle import load_anomaly
from ampel_followup.simulate.night import simulate_objects

NIGHT = datetime.date(2026, 11, 3)

#: What is to be held [s].
LIMIT = 2.0


def seconds(repeats: int, function: Callable[[], object]) -> tuple[float, float, float]:
    """Return median, least and largest CPU time of `repeats` runs [s]."""
    durations = []
    for _ in range(repeats):
        start = process_time()
        function()
        durations.append(process_time() - start)
    return statistics.median(durations), min(durations), max(durations)


def main() -> None:
    """Simulate, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--simulated", type=int, default=1_000)
    parser.add_argument("--verdicts", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bundle = load_anomaly()
    rng = np.random.default_rng(options.seed)
    curves = [
        light_curve_from_candidates(o.id, ztf_stock(o.id), o.candidates)
        for o in simulate_objects(options.simulated, NIGHT, rng)
    ]
    features = bundle.features_of(curves)
    x = features[rng.integers(len(features), size=options.objects)]
    x = x * rng.normal(1.0, 0.01, size=x.shape)
    model = bundle.model
    judged = model.examine(x[: options.verdicts])
    numbers = np.arange(options.verdicts)
    yes, no = judged.rows(numbers[::2]), judged.rows(numbers[1::2])

    def night() -> object:
        examined = model.examine(x)
        return bundle.scores_of(x, examined), show(model, examined, yes, no)

    night()
    median, least, largest = seconds(options.repeats, night)
    result = {
        "objects": options.objects,
        "verdicts": options.verdicts,
        "seed": options.seed,
        "cpu_seconds": {"median": round(median, 3), "least": round(least, 3), "largest": round(largest, 3)},
        "limit": LIMIT,
        "held": median <= LIMIT,
    }
    if options.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{options.objects} objects and {options.verdicts} verdicts: {median:.2f} s ({least:.2f} to {largest:.2f})")
    print(f"limit {LIMIT:g} s: {'held' if result['held'] else 'not held'}")


if __name__ == "__main__":
    main()
