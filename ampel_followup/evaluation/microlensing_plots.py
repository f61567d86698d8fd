"""A picture of a search for lenses: what is found, and what is falsely called one; needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ampel_followup.plotting import figure_class, save_figure


def write_microlensing_figures(folder: Path, result: dict[str, Any]) -> list[Path]:
    """
    Draw an evaluation into PNG and SVG files.

    Parameters
    ----------
    folder : Path
        Made if absent.
    result : dict
        From `ampel_followup.evaluation.microlensing.evaluate`.

    Returns
    -------
    list of Path

    Raises
    ------
    FollowupError
        If matplotlib is not installed or the folder cannot be written.
    """
    figure = figure_class()(figsize=(11.0, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    curve = result["curve"]
    threshold = np.array(curve["threshold"])
    for name, found in curve["found"].items():
        left.plot(threshold, found, linewidth=2.2 if name == "real ZTF epochs" else 1.2, label=f"lenses, {name}")
    left.axvline(result["threshold"], color="black", linewidth=0.8, linestyle=":")
    left.set(xlabel="threshold of P(microlensing)", ylabel="share of the events found", ylim=(0.0, 1.02), xlim=(0, 1))
    left.legend(fontsize=7, loc="lower left")
    least = 1e-4
    for kind, false in curve["false"].items():
        right.plot(threshold, np.maximum(false, least), label=kind)
    right.axhline(0.01, color="grey", linewidth=0.8)
    right.axvline(result["threshold"], color="black", linewidth=0.8, linestyle=":")
    right.set(xlabel="threshold of P(microlensing)", ylabel="share called lenses", yscale="log", ylim=(least, 1.0))
    right.set(xlim=(0, 1))
    right.legend(fontsize=7, loc="upper right")
    for axes in (left, right):
        axes.grid(alpha=0.2)
    figure.suptitle(f"Lenses found and false, part: {result['part']}, seeds {result['seeds']}")
    return save_figure(figure, folder, "microlensing")
