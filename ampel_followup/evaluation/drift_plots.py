"""Pictures of what moved: the distribution of a night over that of the training set; needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ampel_followup.drift import DriftReport
from ampel_followup.errors import FollowupError

#: Features drawn: those that moved most, and where fewer did those that come nearest to it.
DRAWN = 12

_COLUMNS = 4
_THEN, _NOW, _MOVED = "#999999", "#0072b2", "#d55e00"


def draw_drift(folder: Path, report: DriftReport, reference: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """
    Draw distribution functions of a night beside those of the training set, at the deciles of the latter.

    Parameters
    ----------
    folder : Path
        Made if absent; receives ``drift.svg`` and ``drift.png``.
    report : DriftReport
    reference : mapping
        As for `ampel_followup.drift.drift`.

    Returns
    -------
    list of str
        Paths of the pictures; none if the report has no features.

    Raises
    ------
    FollowupError
        If matplotlib is not installed, or the folder cannot be written.
    """
    order = {name: place for place, name in enumerate(report.moved)}
    chosen = sorted(
        (f for f in report.features if len(reference[f.name]["deciles"]) and f.n),
        key=lambda f: (order.get(f.name, len(order)), -f.psi),
    )[:DRAWN]
    if not chosen:
        return []
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise FollowupError("pictures need matplotlib; pip install 'ampel-followup[plots]'") from error
    rows = -(-len(chosen) // _COLUMNS)
    figure = Figure(figsize=(3.2 * _COLUMNS, 2.4 * rows), layout="constrained")
    training = np.linspace(0.0, 100.0, 11)
    for place, feature in enumerate(chosen):
        axes = figure.add_subplot(rows, _COLUMNS, place + 1)
        # Deciles against deciles: distributions with long tails stay readable, and training is the diagonal.
        axes.plot([0, 100], [0, 100], color=_THEN, lw=1)
        axes.plot(training, 100 * np.array(feature.levels), "o-", ms=3, color=_MOVED if feature.moved else _NOW)
        deciles = reference[feature.name]["deciles"]
        axes.set_xticks([10, 50, 90], [f"{deciles[i]:.3g}" for i in (1, 5, 9)], fontsize=8)
        axes.set_yticks([0, 50, 100])
        axes.tick_params(labelsize=8)
        axes.set_title(f"{feature.name}  PSI {feature.psi:.2f}", fontsize=9)
        axes.set_xlim(-2, 102)
        axes.set_ylim(-2, 102)
    figure.supxlabel("value: 10th, 50th and 90th percentile of training", fontsize=9)
    figure.supylabel("% of tonight's objects at or below", fontsize=9)
    paths = [folder / f"drift.{ending}" for ending in ("svg", "png")]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            figure.savefig(path, dpi=120)
    except OSError as error:
        raise FollowupError(f"cannot write pictures to {folder} ({error.strerror}); choose another --plots") from error
    return [str(path) for path in paths]
