"""The pictures of a challenger's report; needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ampel_followup.champions import METRIC_NAMES, Comparison, Metric
from ampel_followup.learning.plots import new_figure, save_pictures

_BEFORE, _AFTER = "#0072b2", "#d55e00"


def draw_challenger(folder: Path, comparison: Comparison) -> list[str]:
    """
    Draw gain, confusion, recall and reliability of a comparison.

    Parameters
    ----------
    folder : Path
        Exists; receives each picture as ``.svg`` and ``.png``.
    comparison : Comparison

    Returns
    -------
    list of str
        Names of the pictures, without ending.
    """
    return save_pictures(
        folder,
        {
            "gain": _gain(comparison),
            "confusion": _confusion(comparison),
            "recall": _recall(comparison),
            "reliability": _reliability(comparison),
        },
    )


def _gain(comparison: Comparison) -> Any:
    figure, (axes,) = new_figure(6.4, 2.2)
    for row, d in enumerate(comparison.differences):
        axes.errorbar(d.gain, -row, xerr=[[d.gain - d.low], [d.high - d.gain]], fmt="D", color=_AFTER, capsize=3)
    axes.axvline(0.0, color="0.6", linewidth=0.8)
    names = [METRIC_NAMES[Metric(d.metric)] for d in comparison.differences]
    axes.set_yticks([-row for row in range(len(names))], names)
    axes.set_ylim(-len(names) + 0.4, 0.6)
    axes.set_xlabel("challenger better by")
    return figure


def _confusion(comparison: Comparison) -> Any:
    figure, panels = new_figure(10.0, 5.2, 2)
    for axes, counted, title in zip(
        panels, (comparison.confusion_before, comparison.confusion_after), ("champion", "challenger"), strict=True
    ):
        counts = np.array(counted, dtype=np.float64)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(share, vmin=0, vmax=1, cmap="Blues")
        for i, j in zip(*np.nonzero(counts), strict=True):
            colour = "white" if share[i, j] > 0.6 else "black"
            axes.text(j, i, f"{counts[i, j]:.0f}", ha="center", va="center", color=colour, fontsize=8)
        axes.set_xticks(range(len(counts)), comparison.classes, rotation=60, ha="right", fontsize=8)
        axes.set_yticks(range(len(counts)), comparison.classes if axes is panels[0] else [""] * len(counts), fontsize=8)
        axes.set_title(title)
    panels[0].set_ylabel("class of the label")
    return figure


def _recall(comparison: Comparison) -> Any:
    tested = [change for change in comparison.per_class if change.n]
    figure, (axes,) = new_figure(6.4, 1.2 + 0.3 * len(tested))
    rows = -np.arange(len(tested))
    before, after = ([getattr(change, name) for change in tested] for name in ("recall_before", "recall_after"))
    axes.hlines(rows, before, after, color="0.7", zorder=1)
    axes.scatter(before, rows, color=_BEFORE, label="champion", zorder=2)
    axes.scatter(after, rows, color=_AFTER, marker="D", label="challenger", zorder=3)
    axes.set_yticks(rows, [f"{change.name} ({change.n})" for change in tested])
    axes.set_xlim(-0.03, 1.03)
    axes.set_xlabel("recall")
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=2)
    return figure


def _reliability(comparison: Comparison) -> Any:
    figure, (axes,) = new_figure(4.4, 4.4)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    for curve, colour, marker, name in (
        (comparison.reliability_before, _BEFORE, "o", "champion"),
        (comparison.reliability_after, _AFTER, "D", "challenger"),
    ):
        axes.plot(curve.predicted, curve.observed, color=colour, marker=marker, label=name)
    axes.set(xlabel="stated probability", ylabel="share that came true", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(frameon=False)
    return figure
