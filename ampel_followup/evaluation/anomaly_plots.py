"""Pictures of a search for anomalies: how many of the first shown are of the class left out; needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ampel_followup.plotting import figure_class, save_figure


def write_anomaly_figures(folder: Path, result: dict[str, Any]) -> list[Path]:
    """
    Draw an evaluation into PNG and SVG files, a panel for each class.

    Parameters
    ----------
    folder : Path
        Made if absent.
    result : dict
        From `ampel_followup.evaluation.anomaly.evaluate_anomaly`.

    Raises
    ------
    FollowupError
        If matplotlib is not installed or the folder cannot be written.
    """
    classes = result["classes"]
    columns = min(5, len(classes))
    rows = -(-len(classes) // columns)
    figure = figure_class()(figsize=(2.6 * columns, 2.3 * rows), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel())
    for axis, one in zip(axes, classes, strict=False):
        for key, style, text in (
            ("curve_before", "--", "no verdicts"),
            ("curve_after", "-", "30 verdicts, interesting ones on top"),
        ):
            n = np.arange(1, len(one[key]) + 1)
            axis.plot(n, np.array(one[key]) / n, style, color="C0" if style == "-" else "C1", label=text)
        axis.axhline(one["at_random"]["mean"], color="grey", linewidth=0.9, linestyle=":", label="at random")
        axis.plot(
            result["first"], one["all_labels_with_judged"]["mean"], "^", color="C2", markersize=5, label="all labels"
        )
        axis.axvline(result["first"], color="black", linewidth=0.6)
        axis.axhline(0.6, color="black", linewidth=0.6)
        axis.set_title(f"{one['left_out']} ({one['data'].split('_')[0]})", fontsize=9)
        axis.set(ylim=(0.0, 1.02), xlim=(0, 100))
    for axis in axes[len(classes) :]:
        axis.set_visible(False)
    axes[0].legend(fontsize=7)
    figure.supxlabel("first n shown")
    figure.supylabel("share of the class left out")
    return save_figure(figure, folder, "anomaly")
