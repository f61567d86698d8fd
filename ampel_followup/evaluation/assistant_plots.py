"""Figures of the assistant's evaluation: recall at rank, reliability, work against loss; needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ampel_followup.evaluation.assistant_metrics import recall_curve
from ampel_followup.learning.assistant_tables import mix_weights
from ampel_followup.plotting import figure_class, save_figure

if TYPE_CHECKING:
    from ampel_followup.evaluation.assistant import ScoredTable


def write_assistant_figures(folder: Path, scored: ScoredTable, result: dict[str, Any]) -> list[Path]:
    """
    Draw an evaluation.

    Parameters
    ----------
    folder : Path
        Made if absent; receives ``assistant_recall``, ``assistant_reliability`` and ``assistant_work``.
    scored : ScoredTable
    result : dict
        Of `ampel_followup.evaluation.assistant.evaluate_assistant`.

    Returns
    -------
    list of Path
        Two of each, PNG and SVG.

    Raises
    ------
    FollowupError
        If matplotlib is not installed or the folder cannot be written.
    """
    figure_type = figure_class()

    figures = {name: figure_type(figsize=(5, 4), layout="constrained") for name in ("recall", "reliability", "work")}
    table = scored.table
    good = table.types == "good"
    weight = mix_weights(table.types)[0] if result["mix"] == "stream" else np.ones(len(table))

    axes = figures["recall"].subplots()
    for label, score, key in (
        ("rank", scored.rank, "aurak"),
        ("real/bogus score", table.column("rb_pix"), "aurak_rb"),
        ("perfect", good.astype(np.float64), "aurak_perfect"),
    ):
        if result[key] is not None:
            share, recall = recall_curve(score, good, weight)
            axes.plot(100 * share, recall, label=f"{label}: {result[key]:.3f}")
    axes.set(xlabel="looked at [% of the stream]", ylabel="recall of good objects", ylim=(0, 1.02))
    axes.legend(title="area", loc="lower right")

    axes = figures["reliability"].subplots()
    axes.plot([0, 1], [0, 1], color="0.6", lw=1)
    for name, curve in result["calibration"].items():
        axes.plot(curve["predicted"], curve["observed"], "o-", label=f"P({name}), Brier {curve['brier']:.3f}")
    axes.set(xlabel="stated probability", ylabel="share that is so")
    axes.legend()

    axes = figures["work"].subplots()
    spared = [100 * point["workload_reduction"] for point in result["trade_off"]]
    axes.plot(spared, [100 * (point["lost_fraction"] or 0) for point in result["trade_off"]], "o-", ms=3, label="lost")
    bounds = [100 * (point["lost_upper_bound"] or 0) for point in result["trade_off"]]
    axes.plot(spared, bounds, ":", label="at most, at 95 % confidence")
    axes.plot(
        100 * result["workload_reduction"],
        100 * result["lost_fraction"],
        "k*",
        ms=10,
        label=f"policy {result['policy']}",
    )
    axes.set(xlabel="fewer objects to look at [%]", ylabel="good objects lost [%]")
    axes.legend()

    return [path for name, figure in figures.items() for path in save_figure(figure, folder, f"assistant_{name}")]
