"""
Make the classifier with attention that the package ships, from simulated light curves of ZTF.

    python scripts/build_attention_bundle.py [--objects 15000] [--seed 20261128] [--network feature-attention]

Objects of ten classes, equally frequent, are simulated over nights of ZTF's lifetime, with the 30 days of history that
alerts carry and the 100 or 250 that archives have, every third without its limits, young ones and well observed ones
alike. They are split by object: 65 % to train on, 15 % to stop and calibrate, 20 % to measure. Needs TensorFlow.
"""

from __future__ import annotations

import argparse
import datetime
import time
from pathlib import Path

from rich.progress import Progress

from ampel_followup.learning.attention_curves import simulated_curves
from ampel_followup.learning.attention_export import save_trained, train_and_measure
from ampel_followup.learning.attention_training import FitOptions
from ampel_followup.models.attention_bundle import DEFAULT_ATTENTION
from ampel_followup.models.attention_options import KINDS, NetworkOptions
from ampel_followup.models.folder import PACKAGED

DESCRIPTION = (
    "Classes of ZTF light curves at any age, from photometry alone, and which epochs counted. Trained on simulation "
    "only: it shows what attention is good for, and is no substitute for training on your own labels."
)


def main() -> None:
    """Simulate, train, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=15_000)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--network", choices=KINDS, default="feature-attention")
    parser.add_argument("--out", type=Path, default=PACKAGED / DEFAULT_ATTENTION)
    options = parser.parse_args()
    fit = FitOptions()
    with Progress() as bars:
        task = bars.add_task("simulating", total=None)
        data = simulated_curves(
            options.objects, options.seed, lambda done, total: bars.update(task, completed=done, total=total)
        )
        task = bars.add_task("training", total=fit.rounds)
        begin = time.perf_counter()
        result = train_and_measure(
            data,
            options.seed,
            NetworkOptions(options.network, units=48),
            fit,
            lambda number, loss: bars.update(task, completed=number, description=f"training, {loss:.3f} nat"),
        )
    seconds = time.perf_counter() - begin
    info = {
        "name": DEFAULT_ATTENTION,
        "version": "2",
        "created": datetime.date.today().isoformat(),
        "description": DESCRIPTION,
        "training": result.training,
        "metrics": result.metrics,
    }
    save_trained(options.out, result.trained, data.class_names, info)
    for name, value in result.metrics.items():
        print(f"{name}: {value}")
    print(f"training and measuring: {seconds:.0f} s")
    print(f"{options.out}: {sum(f.stat().st_size for f in options.out.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
