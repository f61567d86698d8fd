"""How a challenger is trained: as its champion, but for what it learns from; and what its bundle says of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ampel_followup.champions import Comparison, Metric
from ampel_followup.learning.training_table import TrainingTable
from ampel_followup.models.bundle import ModelBundle
from ampel_followup.models.training import TrainingOptions


def training_options(champion: Mapping[str, Any], n_jobs: int = -1) -> TrainingOptions:
    """
    Return how a champion was trained.

    Parameters
    ----------
    champion : mapping
        The contents of its ``bundle.json``.
    n_jobs : int
        Threads, -1 for all.
    """
    training, default = champion["training"], TrainingOptions()
    return dataclasses.replace(
        default,
        n_trees=int(training.get("trees", default.n_trees)),
        min_samples_leaf=int(training.get("min_samples_leaf", default.min_samples_leaf)),
        n_spectra=int(champion["n_spectra"]),
        n_jobs=n_jobs,
    )


def description_of(
    info: Mapping[str, Any],
    champion: ModelBundle,
    table: TrainingTable,
    comparison: Comparison,
    *,
    name: str,
    created: str,
    n_learned: int,
    training: Mapping[str, Any],
) -> dict[str, Any]:
    """
    Describe the bundle of a challenger.

    Parameters
    ----------
    info : mapping
        What the training says of the models.
    champion : ModelBundle
    table : TrainingTable
        All that was learned from.
    comparison : Comparison
    name, created : str
        Name, and the date, ISO 8601.
    n_learned : int
        Labelled objects that are new in the table.
    training : mapping
        What else is to be known of the training.

    Returns
    -------
    dict
        What becomes ``bundle.json``.
    """
    distribution = {feature: dict(spread) for feature, spread in info["distribution"].items()}
    for feature, spread in distribution.items():
        # How much nights differ anyway is not learned from labels: what the champion knows of it stays true.
        usual = champion.info["distribution"].get(feature, {}).get("usual_psi")
        if usual is not None:
            spread["usual_psi"] = usual
    loss, accuracy, recall = (comparison.difference(metric) for metric in Metric)
    before = champion.info["training"]
    kept = ("spectral_variance_explained", "spectral_features")
    return {
        "name": name,
        "version": "1",
        "created": created,
        "description": f"Learned from {n_learned} labelled objects on top of {champion.label}.",
        "training": {
            "data": f"training table of {champion.label}, and labels",
            "objects": len(table),
            "labelled_objects": int(table.labelled.sum()),
            **training,
            "champion": champion.digest,
            **{key: before[key] for key in ("trees", "min_samples_leaf", "calibration") if key in before},
            "per_class": {c: int((table.y == k).sum()) for k, c in enumerate(table.classes)},
        },
        "metrics": {
            "test_objects": comparison.n_objects,
            "p_t_accuracy": round(accuracy.after, 4),
            "p_t_balanced_accuracy": round(recall.after, 4),
            "p_t_log_loss": round(loss.after, 4),
            "p_t_recall": {c.name: round(c.recall_after, 4) for c in comparison.per_class if c.n},
        },
        **info,
        "distribution": distribution,
        **{key: champion.info[key] for key in kept if key in champion.info},
    }
