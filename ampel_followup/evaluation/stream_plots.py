"""Pictures of learning from streams: accuracy along the stream, recovery after a change, accuracy against cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.stream_data import Drift, LabelledTable, describe
from ampel_followup.evaluation.stream_metrics import accuracies, moving_accuracy
from ampel_followup.evaluation.streams import LEARNERS, REFERENCE, STREAMED, LearnerRun, StreamProtocol
from ampel_followup.plotting import figure_class, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

#: Colours that are told apart by all eyes (Okabe & Ito).
_COLOURS = dict(
    zip(
        LEARNERS,
        ("#000000", "#d55e00", "#e69f00", "#0072b2", "#56b4e9", "#cc79a7", "#999999", "#009e73"),
        strict=True,
    )
)
_MARKERS = dict(zip(LEARNERS, "osD^v<Px", strict=True))


def write_stream_figures(
    folder: Path,
    table: LabelledTable,
    runs: Mapping[Drift, Mapping[str, Sequence[LearnerRun]]],
    protocol: StreamProtocol,
) -> list[Path]:
    """
    Draw the comparison into PNG and SVG files.

    For each change there are ``curves_…`` and ``cost_…``, and ``recovery_…`` where something changes.

    Parameters
    ----------
    folder : Path
        Made if absent.
    table : LabelledTable
    runs : mapping
        From `ampel_followup.evaluation.streams.run_streams`.
    protocol : StreamProtocol
        As they were made by.

    Returns
    -------
    list of Path
        The files, two per figure.

    Raises
    ------
    FollowupError
        If matplotlib is not installed or the folder cannot be written.
    """
    figure_type = figure_class()
    paths = []
    for drift, of_learner in runs.items():
        note = f"{table.note}. {drift}: {describe(table, drift, protocol.size(drift))}."
        drawings = [("curves", _draw_curves), ("cost", _draw_cost)]
        if drift != "none":
            drawings.append(("recovery", _draw_recovery))
        for name, draw in drawings:
            figure = figure_type(figsize=(7.0, 5.0), layout="constrained")
            draw(figure.subplots(), of_learner, protocol)
            figure.axes[0].set_title(f"{table.name}, {drift}")
            paths += _save(figure, folder, f"{name}_{drift}", note)
    return paths


def _draw_curves(axes: Axes, runs: Mapping[str, Sequence[LearnerRun]], protocol: StreamProtocol) -> None:
    """Accuracy of the last objects along the stream, the mean over orderings."""
    for name in (*STREAMED, "frozen"):
        curve = np.array([moving_accuracy(run.tested, protocol.window) for run in runs[name]])
        _plot(axes, np.arange(1, curve.shape[1] + 1), curve, name)
    change = runs[REFERENCE][0].tested.change
    if change is not None:
        axes.axvline(change, color="grey", linestyle=":", label="change")
    axes.set(xlabel="objects that have come", ylabel=f"accuracy of the last {protocol.window}")
    axes.legend(fontsize="small", ncols=2)


def _draw_recovery(axes: Axes, runs: Mapping[str, Sequence[LearnerRun]], protocol: StreamProtocol) -> None:
    """Accuracy of objects after the change alone, the mean over orderings."""
    for name in (*STREAMED, "frozen"):
        curves = []
        for run in runs[name]:
            change = run.tested.change
            assert change is not None
            curves.append(moving_accuracy(run.tested, protocol.window)[change + protocol.window - 1 :])
        shortest = min(map(len, curves))
        curve = np.array([c[:shortest] for c in curves])
        _plot(axes, protocol.window + np.arange(shortest), curve, name)
    axes.set(xlabel="objects since the change", ylabel=f"accuracy of the last {protocol.window}")
    axes.legend(fontsize="small", ncols=2)


def _draw_cost(axes: Axes, runs: Mapping[str, Sequence[LearnerRun]], protocol: StreamProtocol) -> None:
    """Accuracy in the second half against cost, mean and spread over orderings."""
    n = len(runs[REFERENCE][0].tested.y)
    for name, of_it in runs.items():
        accuracy = accuracies([run.tested for run in of_it], "second_half")
        price = np.mean([run.cost.rows_sorted for run in of_it]) / n
        axes.errorbar(
            price,
            accuracy.mean(),
            accuracy.std(ddof=1),
            color=_COLOURS[name],
            marker=_MARKERS[name],
            capsize=3,
            linestyle="none",
            label=name,
        )
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="cost: rows sorted per object", ylabel="accuracy in the second half")
    axes.legend(fontsize="small")


def _plot(axes: Axes, at: NDArray[np.intp], curve: Array, name: str) -> None:
    known = np.isfinite(curve).all(axis=0)
    mean, deviation = curve[:, known].mean(axis=0), curve[:, known].std(axis=0)
    heavy = name in (REFERENCE, "rolling")
    axes.plot(at[known], mean, color=_COLOURS[name], linewidth=2.0 if heavy else 1.0, label=name)
    if name == "rolling":
        axes.fill_between(at[known], mean - deviation, mean + deviation, color=_COLOURS[name], alpha=0.15, linewidth=0)


def _save(figure: Figure, folder: Path, name: str, note: str) -> list[Path]:
    figure.supxlabel(fill(note, 140), fontsize=6, x=0.01, ha="left")
    return save_figure(figure, folder, name)
