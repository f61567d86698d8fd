"""The pictures of a training report, as SVG for the page and PNG for slides; needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ampel_followup.errors import TrainingError
from ampel_followup.evaluation.metrics import curves
from ampel_followup.learning.cross_validation import CrossValidation, calibration_curve, confusion

#: Strategies that are drawn, the others are in the table: more lines cannot be told apart.
DRAWN = ("value-of-information", "entropy-indicator", "information-gain", "entropy", "random", "ideal")

_NAMES = {"p_t": "photometry", "p_ts": "with spectrum"}
_COLOURS = {"p_t": "#0072b2", "p_ts": "#d55e00"}
_LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#999999", "#000000")


def check_plotting() -> None:
    """
    Make sure that pictures can be drawn.

    Raises
    ------
    TrainingError
        If matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise TrainingError(
            "the report needs matplotlib; pip install 'ampel-followup[plots]', or use --no-report"
        ) from error


def draw_all(folder: Path, validation: CrossValidation, classes: Sequence[str]) -> list[str]:
    """
    Draw calibration, confusion and strategies.

    Parameters
    ----------
    folder : Path
        Exists; receives each picture as ``.svg`` and ``.png``.
    validation : CrossValidation
    classes : sequence of str

    Returns
    -------
    list of str
        Names of the pictures, without ending.
    """
    pictures = {
        "calibration": _calibration(validation),
        "confusion": _confusion(validation, classes),
        "strategies": _strategies(validation),
    }
    return save_pictures(folder, pictures)


def save_pictures(folder: Path, pictures: Mapping[str, Any]) -> list[str]:
    """Write figures by their names as ``.svg`` and ``.png``; return the names."""
    for name, figure in pictures.items():
        # The room that titles and names need beside a square panel is found by drawing it once.
        figure.draw_without_rendering()
        # No date and fixed ids: the same training gives the same files.
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        figure.savefig(folder / f"{name}.png", dpi=150, metadata={"Software": None})
    return list(pictures)


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Any, Any]:
    """Return an empty figure [inch] of a report, and its axes side by side."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "ampel-followup"
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _predictions(validation: CrossValidation) -> dict[str, Any]:
    return {"p_t": validation.replicate.scores.p_t, "p_ts": validation.replicate.p_ts}


def _calibration(validation: CrossValidation) -> Any:
    figure, (axis,) = new_figure(4.6, 4.2)
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for key, p in _predictions(validation).items():
        predicted, observed, count = calibration_curve(p, validation.replicate.y)
        error = np.sqrt(observed * (1.0 - observed) / count)
        axis.errorbar(predicted, observed, error, marker="o", color=_COLOURS[key], label=_NAMES[key], capsize=2)
    axis.set(xlabel="stated probability", ylabel="share that is of the class", xlim=(0, 1), ylim=(0, 1))
    axis.legend(frameon=False)
    return figure


def _confusion(validation: CrossValidation, classes: Sequence[str]) -> Any:
    size = 1.6 + 0.42 * len(classes)
    figure, axes = new_figure(2.1 * size, size, 2)
    for axis, (key, p) in zip(axes, _predictions(validation).items(), strict=True):
        matrix = confusion(p, validation.replicate.y)
        share = matrix / matrix.sum(axis=1, keepdims=True)
        axis.imshow(share, vmin=0, vmax=1, cmap="Blues")
        for (row, column), count in np.ndenumerate(matrix):
            colour = "white" if share[row, column] > 0.5 else "black"
            axis.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=7)
        axis.set_xticks(range(len(classes)), classes, rotation=60, ha="right", fontsize=7)
        axis.set_yticks(range(len(classes)), classes, fontsize=7)
        axis.set(title=_NAMES[key], xlabel="named")
    axes[0].set_ylabel("true")
    return figure


def _strategies(validation: CrossValidation) -> Any:
    figure, axes = new_figure(9.0, 3.8, 2)
    ranked = validation.ranked
    share = np.arange(1, len(ranked.outcomes) + 1) / len(ranked.outcomes)
    for name, colour in zip(DRAWN, _LINES, strict=True):
        if name not in ranked.orders:
            continue
        along = curves(ranked.orders[name], ranked.outcomes)
        style = {"color": colour, "label": name, "linestyle": "--" if name == "ideal" else "-", "linewidth": 1.3}
        axes[0].plot(share, along.accuracy, **style)
        axes[1].plot(share, along.gain, **style)
    axes[0].set(xlabel="share of the objects with a spectrum", ylabel="accuracy over all objects", xlim=(0, 1))
    axes[1].set(xlabel="share of the objects with a spectrum", ylabel="mean gain in P(true class)", xlim=(0, 1))
    axes[1].legend(frameon=False, fontsize=8)
    return figure
