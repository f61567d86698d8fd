"""The figures of a week's report, as SVG; needs matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from ampel_followup.assistant_scores import Queue, Stage
from ampel_followup.night_sheet.figures import drawable
from ampel_followup.plotting import figure_class
from ampel_followup.weekly.summary import NONE, RANK_BINS, WeekReport
from ampel_followup.weekly.text import GOOD, NIGHTS, QUEUES, in_order

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST_NAME = 24

#: Told apart also by people who see few colours, and on paper without any (Okabe & Ito 2008).
_COLOURS = ("#0072B2", "#56B4E9", "#BBBBBB", "#E69F00")


def draw_figures(week: WeekReport) -> dict[str, tuple[str, str]]:
    """
    Draw what came each night, where it waits, and its ranks with those of what turned out good.

    Parameters
    ----------
    week : WeekReport

    Returns
    -------
    dict of str to (str, str)
        Title of the section that it belongs to → caption and SVG. The same week gives the same text. Figures without
        anything to show are left out.

    Raises
    ------
    FollowupError
        If matplotlib is not installed.
    """
    figure_type = figure_class()
    import matplotlib as mpl  # after that, which says what to do where it is absent

    drawings = {}
    if week.nights:
        drawings[NIGHTS] = ("Objects in the plan of each night.", _draw_nights)
    if set(week.queues) - {NONE}:
        drawings[QUEUES] = ("Objects per queue and stage, as of their last plan of the week.", _draw_queues)
    if any(week.ranks):
        caption = (
            "Ranks of all objects as of their last plan, and of those that turned out good, before they were named."
        )
        drawings[GOOD] = (caption, _draw_ranks)
    figures = {}
    for section, (caption, draw) in drawings.items():
        figure = figure_type(figsize=(7.0, 3.2), layout="constrained")
        draw(figure.subplots(), week)
        text = io.StringIO()
        with mpl.rc_context({"svg.hashsalt": "week"}):
            figure.savefig(text, format="svg", metadata={"Date": None})
        figures[section] = (caption, text.getvalue())
    return figures


def _caption(name: str) -> str:
    """Return a name from a policy or a table of another's making: one short line, no part of it mathematics."""
    return drawable(name, _LONGEST_NAME).replace("$", r"\$")


def _draw_nights(axes: Axes, week: WeekReport) -> None:
    several = len({line.site for line in week.nights}) > 1
    names = [f"{line.night[5:]}\n{_caption(line.site)}" if several else line.night[5:] for line in week.nights]
    bottom = np.zeros(len(week.nights))
    for label, counts, colour in zip(
        ("listed", "worth a look, not to be seen", "set aside"),
        np.array([(line.n_targets, line.n_not_observable, line.n_set_aside) for line in week.nights], float).T,
        _COLOURS,
        strict=False,
    ):
        if counts.any():
            axes.bar(range(len(names)), counts, bottom=bottom, label=label, color=colour, width=0.7)
        bottom += counts
    axes.set_xticks(range(len(names)), names)
    axes.set(xlabel="night", ylabel="objects", ylim=(0, max(bottom.max(), 1) * 1.25))
    axes.legend(fontsize="small", ncols=3, loc="upper right")


def _draw_queues(axes: Axes, week: WeekReport) -> None:
    queues = in_order(week.queues, (*Queue, NONE))[::-1]
    left = np.zeros(len(queues))
    for stage, colour in zip((*Stage, NONE), _COLOURS, strict=True):
        counts = np.array([week.queues[queue].get(stage, 0) for queue in queues], float)
        if counts.any():
            axes.barh(range(len(queues)), counts, left=left, label=str(stage), color=colour, height=0.7)
        left += counts
    for position, total in enumerate(left):
        axes.annotate(f"{total:.0f}", (total, position), xytext=(3, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(queues)), [_caption(queue) for queue in queues])
    axes.set(xlabel="objects", xlim=(0, left.max() * 1.12))
    axes.legend(fontsize="small", title="stage")


def _draw_ranks(axes: Axes, week: WeekReport) -> None:
    """Shares, for few turn out good."""
    edges = np.linspace(0, 10, RANK_BINS + 1)
    counts = np.array(week.ranks, float)
    axes.stairs(100 * counts / counts.sum(), edges, fill=True, color=_COLOURS[2], label=f"all ({counts.sum():.0f})")
    ranks = np.array([found.assistant_rank for found in week.audit.good])
    ranks = np.clip(ranks[np.isfinite(ranks)], 0, 10)
    if len(ranks):
        named = 100 * np.histogram(ranks, edges)[0] / len(ranks)
        axes.stairs(named, edges, color=_COLOURS[0], linewidth=2, label=f"turned out good ({len(ranks)})")
    axes.set(xlabel="rank of the assistant", ylabel="share of objects [%]", xlim=(0, 10))
    axes.legend(fontsize="small")
