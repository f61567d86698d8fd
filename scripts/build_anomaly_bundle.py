"""
Make the search for anomalies that the package ships, from what its default bundle was trained on: simulation alone.

    python scripts/build_anomaly_bundle.py [--objects 4000] [--seed 1]

The features and classes are those in ``training.npz`` of the default bundle (`build_default_bundle.py` simulates
them). No data go into the bundle, only trees, a mixture and numbers.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from ampel_followup.learning.anomaly_training import AnomalyOptions, train_anomaly
from ampel_followup.learning.training_table import read_table
from ampel_followup.models.anomaly_bundle import DEFAULT_ANOMALY, save_anomaly
from ampel_followup.models.bundle import DEFAULT_BUNDLE, load_bundle
from ampel_followup.models.folder import PACKAGED

DESCRIPTION = (
    "What is like nothing in a simulation of ZTF alerts. What the simulation lacks counts as an anomaly, too: train "
    "your own on labels of your survey."
)

#: Simulated artefacts are many; they are a class like others.
OPTIONS = AnomalyOptions(class_trees=60, isolation_trees=60, min_samples_leaf=5)


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=PACKAGED / DEFAULT_ANOMALY)
    options = parser.parse_args()
    bundle = load_bundle(DEFAULT_BUNDLE)
    table = read_table(PACKAGED / DEFAULT_BUNDLE, bundle)
    rng = np.random.default_rng(options.seed)
    rows = np.sort(rng.permutation(len(table))[: options.objects])
    labels = [bundle.classes[k] for k in table.y[rows].tolist()]
    model = train_anomaly(table.x_t[rows], labels, bundle.features, rng, OPTIONS)
    saved = save_anomaly(
        options.out,
        {
            "name": DEFAULT_ANOMALY,
            "version": "1",
            "created": "2026-11-28",
            "description": DESCRIPTION,
            "feature_sets": dict(bundle.info["feature_sets"]),
            "training": {
                "data": f"training set of {bundle.label}",
                "objects": len(rows),
                "seed": options.seed,
                "calibrated_by": len(model.combined),
                "per_class": dict(sorted(Counter(labels).items())),
            },
        },
        model,
    )
    others = np.setdiff1d(np.arange(len(table)), rows)[:4000]
    columns = [bundle.features.index(name) for name in model.features]
    score = saved.model.examine(table.x_t[np.ix_(others, columns)]).score
    for q in (0.01, 0.05, 0.1):
        print(f"of {len(others)} others {100 * float((score > 1 - q).mean()):.1f} % score above {1 - q:g}")
    print(f"{sum(f.stat().st_size for f in options.out.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
