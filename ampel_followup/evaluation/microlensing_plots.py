"""A picture of a search for lenses: what is found, what is falsely called one, and planets; needs matplotlib."""

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
    figure = figure_class()(figsize=(15.0, 4.6), layout="constrained")
    left, right, last = figure.subplots(1, 3)
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
    _draw_planets(last, result)
    for axes in (left, right, last):
        axes.grid(alpha=0.2)
    figure.suptitle(f"Lenses found and false, part: {result['part']}, seeds {result['seeds']}")
    return save_figure(figure, folder, "microlensing")


def _draw_planets(axes: Any, result: dict[str, Any]) -> None:
    """Draw what part of the planets is flagged, over what part of events without one raises an alarm."""
    curve = {name: np.array(values) for name, values in result["planet_curve"].items()}
    axes.plot(curve["false_per_event"], curve["flagged"], label="of the events without a planet, ever")
    axes.plot(curve["false_per_night"], curve["flagged"], label="of their nights")
    planets = result["planets"]
    if planets["shown"]:
        chosen, false = planets["within_one_epoch"], planets["false_alarms_per_event"]
        axes.errorbar(
            false["share"],
            chosen["share"],
            xerr=_to_both_sides(false),
            yerr=_to_both_sides(chosen),
            fmt="o",
            color="black",
            label="line of the bundle, 95 % intervals",
        )
    axes.axhline(0.7, color="grey", linewidth=0.8)
    axes.set(xlabel="share with a false alarm", ylabel="planets flagged within one epoch", xscale="log")
    axes.set(xlim=(1e-3, 1.0), ylim=(0.0, 1.02))
    axes.legend(fontsize=7, loc="lower right")


def _to_both_sides(share: dict[str, Any]) -> list[list[float]]:
    """Return how far the interval of a share reaches down and up, as matplotlib wants it."""
    return [[max(share["share"] - share["low"], 0.0)], [max(share["high"] - share["share"], 0.0)]]
