"""A challenger with a small bundle, and a store to promote it in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ampel_followup.champions import Challenger, ClassChange, Comparison, Difference, Reliability
from ampel_followup.models.folder import GAIN, Bundle, read_folder, write_folder
from ampel_followup.store import Store

NOW = "2026-11-28T20:00:00Z"

RELIABILITY = Reliability((0.1, 0.9), (0.2, 0.8), (5, 5))


def comparison(gain: float = 0.1, **fields: Any) -> Comparison:
    """Return a comparison in which the challenger is better by `gain` in every metric."""
    differences = tuple(
        Difference(metric, 0.6, 0.6 + sign * gain, gain, gain - 0.05, gain + 0.05, 0.99)
        for metric, sign in (("log_loss", -1), ("accuracy", 1), ("macro_recall", 1))
    )
    values: dict[str, Any] = {
        "classes": ("SN Ia", "SN II"),
        "n_objects": 20,
        "n_groups": 20,
        "folds": 5,
        "confidence": 0.95,
        "draws": 2000,
        "differences": differences,
        "per_class": (ClassChange("SN Ia", 12, 0.5, 0.75, 0.6, 0.8), ClassChange("SN II", 8, 0.75, 0.75, 0.5, 0.7)),
        "confusion_before": ((6, 6), (2, 6)),
        "confusion_after": ((9, 3), (2, 6)),
        "reliability_before": RELIABILITY,
        "reliability_after": RELIABILITY,
    }
    return Comparison(**values | fields)


def bundle_at(folder: Path, name: str) -> Bundle:
    """Write the folder of a bundle that nothing can be scored with, and return it as read."""
    write_folder(folder, {"name": name, "version": "1", "created": NOW[:10]}, {"p_t.onnx": name.encode()})
    return Bundle(*read_folder(folder, GAIN))


def challenger_in(store: Store, name: str, **fields: Any) -> Challenger:
    """Add a challenger with its bundle to a store."""
    bundle = bundle_at(store.folder / "challengers" / name, name)
    values: dict[str, Any] = {
        "name": name,
        "created": NOW,
        "bundle": bundle.label,
        "bundle_digest": bundle.digest,
        "folder": f"challengers/{name}",
        "champion": "simulated 1",
        "champion_digest": "0" * 64,
        "n_learned": 20,
        "weight": 10.0,
        "last_label": 0,
        "new_classes": (),
        "left_out": {"no light curve": 2},
        "comparison": comparison(),
    }
    return store.learning.add_challenger(Challenger(**values | fields))
