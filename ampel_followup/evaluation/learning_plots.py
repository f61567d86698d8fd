"""Learning curves, and the spectra that each strategy takes to the baseline's last level; needs matplotlib."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from ampel_followup.evaluation.learning_curves import AIM, BASELINE
from ampel_followup.learning.queries import DEFAULT_QUERY
from ampel_followup.plotting import figure_class, save_figure

# Panels of the first figure: measure and label of the axis.
_PANELS = (
    (AIM, "efficiency × purity"),
    ("figure_of_merit", "figure of merit (W = 3)"),
    ("purity", "purity"),
    ("efficiency", "efficiency"),
)


def write_learning_figures(folder: Path, result: dict[str, Any], title: str, note: str) -> list[Path]:
    """
    Draw a comparison into PNG and SVG files.

    Parameters
    ----------
    folder : Path
        Made if absent.
    result : dict
        From `ampel_followup.evaluation.learning_curves.summarise`.
    title, note : str
        Above and below each figure.

    Returns
    -------
    list of Path

    Raises
    ------
    FollowupError
        If matplotlib is not installed or the folder cannot be written.
    """
    figure = figure_class()(figsize=(10.0, 7.5), layout="constrained")
    for axes, (measure, label) in zip(figure.subplots(2, 2, sharex=True).flat, _PANELS, strict=True):
        for strategy, told in result["strategies"].items():
            curve = told["curves"][measure]
            emphasised = strategy in (DEFAULT_QUERY, BASELINE)
            style: dict[str, Any] = {"linewidth": 2.2 if emphasised else 1.1}
            if strategy == BASELINE:
                style |= {"color": "black", "linestyle": "--"}
            (line,) = axes.plot(result["spectra"], curve["mean"], label=strategy, **style)
            if emphasised:
                axes.fill_between(
                    result["spectra"], curve["low"], curve["high"], color=line.get_color(), alpha=0.15, linewidth=0
                )
        if measure == AIM and result["baseline_level"] is not None:
            axes.axhline(result["baseline_level"], color="grey", linewidth=0.8, linestyle=":")
        axes.set_ylabel(label)
        axes.grid(alpha=0.2)
    for axes in figure.axes[2:]:
        axes.set_xlabel("spectra")
    figure.axes[2].legend(fontsize=8, loc="lower right")
    figure.suptitle(title)
    figure.supxlabel("\n".join(textwrap.wrap(note, 150)), fontsize=7, color="dimgrey")
    files = save_figure(figure, folder, "learning_curves")
    if result["baseline_level"] is not None:
        files += _draw_needed(folder, result, title, note)
    return files


def _draw_needed(folder: Path, result: dict[str, Any], title: str, note: str) -> list[Path]:
    figure = figure_class()(figsize=(7.0, 0.5 * len(result["strategies"]) + 1.8), layout="constrained")
    axes, last = figure.subplots(), result["spectra"][-1]
    for row, (strategy, told) in enumerate(result["strategies"].items()):
        needed = told["spectra_to_baseline"]
        if needed["value"] is None:
            axes.text(last, row, "not reached ", va="center", ha="right", fontsize=8, color="dimgrey")
            continue
        high = last if needed["high"] is None else needed["high"]
        axes.barh(row, needed["value"], height=0.6, color="black" if strategy == BASELINE else "steelblue", alpha=0.7)
        axes.plot([needed["low"], high], [row, row], color="firebrick", linewidth=1.5)
    axes.set_yticks(range(len(result["strategies"])), list(result["strategies"]))
    axes.set(xlim=(0, last), ylim=(len(result["strategies"]) - 0.5, -0.5))
    axes.set(xlabel=f"spectra to efficiency × purity {result['baseline_level']:.3f}, and 95 % interval")
    figure.suptitle(title)
    figure.supxlabel("\n".join(textwrap.wrap(note, 110)), fontsize=6, color="dimgrey")
    return save_figure(figure, folder, "spectra_needed")
