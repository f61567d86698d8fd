"""
Make the classifier with attention that the package ships, from simulated light curves of ZTF.

    python scripts/build_attention_bundle.py [--objects 9000] [--seed 20261128]

Objects of ten classes, equally frequent, are simulated over nights of ZTF's lifetime, as for `build_default_bundle.py`;
on two nights of three with the 30 days of history that alerts carry, on the others with 100, as archives have them.
They are split by object: 65 % to train on, 15 % to stop and calibrate, 20 % to measure. Needs TensorFlow.
"""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import Any

import numpy as np
from build_default_bundle import NIGHTS, nights
from rich.progress import Progress, track

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.evaluation.attention_data import LabelledCurves, labelled_curves
from ampel_followup.evaluation.attention_metrics import calibration_error, confusion, macro_recall, recalls
from ampel_followup.features.sequence import beginnings
from ampel_followup.learning.attention_training import FRACTIONS, FitOptions, Trainer, split_objects
from ampel_followup.models.attention_bundle import DEFAULT_ATTENTION, AttentionModel, save_attention_bundle
from ampel_followup.models.attention_onnx import network_to_onnx
from ampel_followup.models.attention_options import NetworkOptions
from ampel_followup.models.folder import PACKAGED
from ampel_followup.simulate import DEFAULT_MIX, simulate_objects

CLASSES = tuple(DEFAULT_MIX)

SHARES = (0.65, 0.15, 0.20)

DESCRIPTION = (
    "Classes of ZTF light curves at any age, from photometry alone, and which epochs counted. Trained on simulation "
    "only: it shows what attention is good for, and is no substitute for training on your own labels."
)

OPTIONS = NetworkOptions(kind="time-attention", units=48)

FIT = FitOptions(rounds=30, patience=6)


def simulated(n: int, seed: int) -> LabelledCurves:
    """Simulate n objects over the nights, all classes equally frequent."""
    curves, labels = [], []
    mix = dict.fromkeys(CLASSES, 1.0)
    for k, night in enumerate(track(nights(), "simulating")):
        share = n // NIGHTS + (k < n % NIGHTS)
        rng = np.random.default_rng([seed, k])
        history = 100 if k % 3 == 0 else 30
        for item in simulate_objects(share, night, rng, mix=mix, first_number=k * n, history=history):
            curves.append(light_curve_from_candidates(item.id, ztf_stock(item.id), item.candidates))
            labels.append(item.label)
    return labelled_curves("simulated ZTF", curves, labels, "simulated", CLASSES)


def measure(model: AttentionModel, data: LabelledCurves, rows: np.ndarray) -> dict[str, Any]:
    """Return the recall of each class at fractions of the points, their mean, and the calibration error."""
    recall, mean, error = {}, {}, {}
    for fraction in FRACTIONS:
        p, _ = model.predict(model.sequences(beginnings(data.of(rows), fraction)))
        counts = confusion(data.y[rows], p.argmax(axis=1), len(CLASSES))
        at = f"{fraction:g}"
        recall[at] = dict(zip(CLASSES, (round(r, 3) for r in recalls(counts).tolist()), strict=True))
        mean[f"macro_recall_{at}"] = round(macro_recall(counts), 4)
        error[f"calibration_error_{at}"] = round(calibration_error(p, data.y[rows]), 4)
    return {**mean, **error, "test_objects": len(rows), "recall": recall}


def main() -> None:
    """Simulate, train, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=9_000)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--out", type=Path, default=PACKAGED / DEFAULT_ATTENTION)
    options = parser.parse_args()
    data = simulated(options.objects, options.seed)
    rng = np.random.default_rng([options.seed, NIGHTS])
    part = split_objects(data.y, SHARES, rng)
    training, held_out, test = (np.flatnonzero(part == number) for number in range(3))
    with Progress() as bars:
        task = bars.add_task("training", total=FIT.rounds)
        trained = Trainer(OPTIONS, len(CLASSES)).train(
            data.of(training),
            data.y[training],
            data.of(held_out),
            data.y[held_out],
            rng,
            fit=FIT,
            on_round=lambda number, loss: bars.update(
                task, completed=number, description=f"training, {loss:.3f} nat held out"
            ),
        )
    info = {
        "name": DEFAULT_ATTENTION,
        "version": "1",
        "created": datetime.date.today().isoformat(),
        "description": DESCRIPTION,
        "classes": list(CLASSES),
        "softening": trained.softening,
        "temperature": trained.temperature,
        "training": {
            "data": "simulation",
            "objects": len(training),
            "held_out": len(held_out),
            "seed": options.seed,
            "rounds": trained.rounds,
            "best_round": trained.best_round,
        },
        "metrics": {},
    }
    network = network_to_onnx(trained.weights, OPTIONS, len(CLASSES), trained.temperature)
    model = save_attention_bundle(options.out, info, network, OPTIONS)
    info["metrics"] = measure(model, data, test)
    save_attention_bundle(options.out, info, network, OPTIONS)
    for name, value in info["metrics"].items():
        print(f"{name}: {value}")
    print(f"{options.out}: {sum(f.stat().st_size for f in options.out.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
