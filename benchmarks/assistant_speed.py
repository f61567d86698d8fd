"""
How long the assistant takes for a night of simulated objects: features and scores of all their visits.

Run: python benchmarks/assistant_speed.py [--objects N] [--bundle NAME | --stand-in] [--seed S] [--repeats R] [--json]

Without `--bundle` it takes the packaged assistant; with `--stand-in`, one of the same shape that it trains on the first
1,000 objects: 100 trees of depth 3 for each of three scores and two days, on all features that there are at visits.
Times are CPU seconds on one thread, the median of the runs and their range; reading alerts is not in them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.assistant import assess
from ampel_followup.assistant_scores import SCORES
from ampel_followup.features.visits import SETS, visit_features, visits
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import AssistantBundle, Day, ScoreModel, load_assistant
from ampel_followup.models.assistant_saving import TrainedDay, TrainedScore, save_assistant
from ampel_followup.models.trees import Calibration, TreeEnsemble
from ampel_followup.monitoring import anomalies
from ampel_followup.simulate.night import simulate_objects
from ampel_followup.traits import traits

NIGHT = datetime.date(2026, 11, 3)
TREES, DEPTH = 100, 3
TAUGHT = 1000

#: Which classes of the simulation each score of the stand-in is to tell.
CLASSES = {
    "real": {"SN Ia", "SN II", "SN Ib/c", "SLSN", "TDE", "AGN", "CV", "variable star", "M-dwarf flare"},
    "galactic": {"CV", "variable star", "M-dwarf flare"},
    "fast": {"CV", "M-dwarf flare"},
}


def seconds(repeats: int, function: Callable[[], object]) -> tuple[float, float, float]:
    """Return median, least and largest CPU time of `repeats` runs [s]."""
    durations = []
    for _ in range(repeats):
        start = process_time()
        function()
        durations.append(process_time() - start)
    return statistics.median(durations), min(durations), max(durations)


def stand_in(light_curves: list[LightCurve], labels: list[str]) -> AssistantBundle:
    """Train an assistant of the usual size on the simulation; good for nothing but its size."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    known = visits(light_curves)
    names, values = visit_features(light_curves, known)
    label = np.array(labels)[known.object_index]
    days: dict[Day, TrainedDay] = {}
    for day, rows in (("1", np.flatnonzero(known.number == 0)), ("N", np.flatnonzero(known.number > 0))):
        scores = {}
        # scikit-learn refuses columns without a value: redshifts, of which the simulated alerts have none.
        columns = np.flatnonzero([len(np.unique(column[np.isfinite(column)])) > 1 for column in values[rows].T])
        features = [names[j] for j in columns]
        for score in SCORES:
            model = HistGradientBoostingClassifier(max_iter=TREES, max_depth=DEPTH, random_state=0)
            model.fit(values[np.ix_(rows, columns)], np.isin(label[rows], list(CLASSES[score])))
            scores[score] = TrainedScore(
                ScoreModel(TreeEnsemble.from_boosting(model, features), Calibration(-1.0, 0.0))
            )
        days[day] = TrainedDay(scores)
    head = {
        "name": "stand-in",
        "version": "1",
        "created": "",
        "description": "for a benchmark",
        "feature_sets": {s.name: s.version for s in SETS.values()},
        "galactic_weight": 0.5,
    }
    with tempfile.TemporaryDirectory() as folder:
        return save_assistant(Path(folder) / "stand-in", head, days)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--bundle")
    parser.add_argument("--stand-in", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    objects, labels = [], []
    for simulated in simulate_objects(options.objects, NIGHT, np.random.default_rng(options.seed)):
        objects.append(light_curve_from_candidates(simulated.id, ztf_stock(simulated.id), simulated.candidates))
        labels.append(simulated.label)
    if options.stand_in:
        bundle = stand_in(objects[:TAUGHT], labels[:TAUGHT])
    else:
        bundle = load_assistant(options.bundle)
    assess(objects[:10], bundle)  # models are read, and code compiled, at the first use

    known = visits(objects)
    scored = seconds(options.repeats, lambda: assess(objects, bundle, explain=False))
    explained = seconds(options.repeats, lambda: assess(objects, bundle))
    features = seconds(options.repeats, lambda: visit_features(objects, visits(objects)))
    said = seconds(options.repeats, lambda: (traits(objects), anomalies(objects)))
    few = objects[: min(200, len(objects))]
    single = sorted(seconds(3, lambda lc=lc: assess([lc], bundle))[0] for lc in few)
    result = {
        "objects": len(objects),
        "visits": len(known),
        "points": sum(map(len, objects)),
        "assistant": bundle.label,
        "seconds_10000": scored[0] * 10_000 / len(objects),
        "seconds_10000_range": [t * 10_000 / len(objects) for t in scored[1:]],
        "seconds_10000_explained": explained[0] * 10_000 / len(objects),
        "seconds_10000_explained_range": [t * 10_000 / len(objects) for t in explained[1:]],
        "features_share": features[0] / scored[0],
        "traits_and_anomalies_share": said[0] / scored[0],
        "ms_single": 1000.0 * statistics.median(single),
        "ms_single_95": 1000.0 * single[int(0.95 * len(single))],
        "single_explained": True,
    }
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:30s} {value}")


if __name__ == "__main__":
    main()
