"""Pictures of classifiers at several ages: recall against age, confusions, and attention under light curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ampel_followup.evaluation.attention_runs import MODELS, Run, Task
from ampel_followup.features.ragged import LETTERS
from ampel_followup.learning.attention_curves import LabelledCurves
from ampel_followup.models.attention_options import KINDS
from ampel_followup.plotting import figure_class, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours that are told apart by all eyes (Okabe & Ito).
_COLOURS = dict(
    zip(
        MODELS,
        ("#999999", "#e69f00", "#0072b2", "#d55e00", "#cc79a7", "#cc79a7", "#009e73", "#000000", "#009e73", "#000000"),
        strict=True,
    )
)
_MARKERS = dict(zip(MODELS, "sD^vPXo*ox", strict=True))
_BAND_COLOURS = dict(zip(LETTERS, ("#56b4e9", "#009e73", "#d55e00", "#e69f00", "#cc79a7", "#000000"), strict=True))
_BAND_MARKERS = dict(zip(LETTERS, "vosD^P", strict=True))

# Fractions at which confusions and attention are drawn.
_SHOWN = ("0.25", "0.5", "1")


def write_attention_figures(
    folder: Path, data: LabelledCurves, summary: Mapping[str, Any], runs: Mapping[Task, Run]
) -> list[Path]:
    """
    Draw the comparison on one data set into PNG and SVG files.

    Parameters
    ----------
    folder : Path
        Made if absent.
    data : LabelledCurves
    summary : mapping
        From `ampel_followup.evaluation.attention.summarise`.
    runs : mapping
        From `ampel_followup.evaluation.attention_runs.run_all`.

    Returns
    -------
    list of Path
        ``recall_…``, ``confusion_…`` and, for each model with attention, ``attention_…``.

    Raises
    ------
    FollowupError
        If matplotlib is not installed or the folder cannot be written.
    """
    figure_type = figure_class()
    figure = figure_type(figsize=(6.5, 4.5), layout="constrained")
    _draw_recall(figure.subplots(), data, summary)
    paths = save_figure(figure, folder, f"recall_{data.name}")
    models = list(summary["models"])
    figure = figure_type(figsize=(2.2 * len(_SHOWN) + 1.6, 2.2 * len(models) + 0.6), layout="constrained")
    _draw_confusions(figure, data, summary, models)
    paths += save_figure(figure, folder, f"confusion_{data.name}")
    for model in models:
        run = next(run for (name, _), run in runs.items() if name == model)
        if run.examples:
            figure = figure_type(figsize=(10.0, 2.6 * len(data.class_names) + 0.4), layout="constrained")
            _draw_attention(figure, data, run.examples)
            figure.suptitle(f"{data.name}: where {model} looks", fontsize=10)
            paths += save_figure(figure, folder, f"attention_{model}_{data.name}")
    return paths


def _draw_recall(axes: Axes, data: LabelledCurves, summary: Mapping[str, Any]) -> None:
    for model, found in summary["models"].items():
        x = [float(at) for at in found["macro_recall"]]
        mean = np.array([one["mean"] for one in found["macro_recall"].values()])
        sd = np.array([one["sd"] or 0.0 for one in found["macro_recall"].values()])
        # Trees without a network are dashed; dotted, those that know the host besides.
        style = ":" if model.endswith("-host") else "-" if model in KINDS else "--"
        axes.errorbar(
            x, mean, sd, color=_COLOURS[model], marker=_MARKERS[model], linestyle=style, capsize=3, label=model
        )
    axes.axhline(1.0 / len(data.class_names), color="0.8", linewidth=1.0)
    axes.set_xlabel("fraction of the points")
    axes.set_ylabel("macro recall")
    axes.set_title(f"{data.name}: {', '.join(data.class_names)}", fontsize=10)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_confusions(figure: Figure, data: LabelledCurves, summary: Mapping[str, Any], models: Sequence[str]) -> None:
    grid = figure.subplots(len(models), len(_SHOWN), squeeze=False)
    k = len(data.class_names)
    for i, model in enumerate(models):
        for j, at in enumerate(_SHOWN):
            axes = grid[i][j]
            counts = np.array(summary["models"][model]["confusion"].get(at, np.zeros((k, k))), dtype=np.float64)
            share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
            axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
            for row in range(k):
                for column in range(k):
                    colour = "white" if share[row, column] > 0.55 else "black"
                    axes.text(column, row, f"{share[row, column]:.2f}", ha="center", va="center", color=colour)
            axes.set_xticks(range(k), data.class_names if i == len(models) - 1 else [""] * k, rotation=30, fontsize=7)
            axes.set_yticks(range(k), data.class_names if j == 0 else [""] * k, fontsize=7)
            axes.set_title(f"{model}, {float(at):.0%}", fontsize=8)
    figure.supxlabel("named as", fontsize=8)
    figure.supylabel("is", fontsize=8)


def _draw_attention(figure: Figure, data: LabelledCurves, examples: Sequence[Mapping[str, Any]]) -> None:
    """Draw the first example of each class: a column for each fraction, attention below the light curve."""
    figures = figure.subfigures(len(data.class_names), len(_SHOWN), squeeze=False)
    for c in range(len(data.class_names)):
        row = next((one["row"] for one in examples if data.y[one["row"]] == c), None)
        for j, at in enumerate(_SHOWN):
            found = next((one for one in examples if one["row"] == row and f"{one['fraction']:g}" == at), None)
            if found is not None:
                _draw_example(figures[c][j], data, found)


def _draw_example(figure: Figure, data: LabelledCurves, found: Mapping[str, Any]) -> None:
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    points = data.of(np.array([found["row"]]))
    n = int(np.ceil(np.round(found["fraction"] * len(points.time), 9)))
    for b, letter in enumerate(LETTERS):
        of_band = points.letter == b
        for rows, alpha in ((np.flatnonzero(of_band & (np.arange(len(of_band)) < n)), 1.0),
                            (np.flatnonzero(of_band & (np.arange(len(of_band)) >= n)), 0.2)):  # fmt: skip
            if len(rows):
                upper.errorbar(
                    points.time[rows], points.flux[rows], points.flux_err[rows], fmt=_BAND_MARKERS[letter], ms=3,
                    color=_BAND_COLOURS[letter], alpha=alpha, lw=0.8, label=letter if alpha == 1.0 else None,
                )  # fmt: skip
    times, attention = np.array(found["times"]), np.array(found["attention"])
    lower.bar(times, attention, width=max(float(points.time[-1]) / 80.0, 0.4), color="0.25")
    named = int(np.argmax(found["probabilities"]))
    upper.set_title(
        f"{data.class_names[int(data.y[found['row']])]} at {found['fraction']:.0%}: "
        f"P({data.class_names[named]}) = {found['probabilities'][named]:.2f}",
        fontsize=8,
    )
    upper.set_ylabel("flux [µJy]", fontsize=7)
    lower.set_ylabel("attention", fontsize=7)
    lower.set_xlabel("days", fontsize=7)
    upper.legend(fontsize=6, frameon=False, ncols=3)
    for axes in (upper, lower):
        axes.tick_params(labelsize=6)
        axes.spines[["top", "right"]].set_visible(False)
