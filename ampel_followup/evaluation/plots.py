"""The paper's figures 3, 4 and 6 for any data set, and the calibration of the classifiers; needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.comparison import RankedReplicate
from ampel_followup.evaluation.metrics import Curves, curves
from ampel_followup.evaluation.protocol import Replicate
from ampel_followup.plotting import figure_class, save_figure
from ampel_followup.strategies import DEFAULT_STRATEGY, IDEAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

#: Panels of the figures: file, metric of `Curves`, label of the axis, and whether to stop at the first half.
_PANELS = (
    ("gain", "gain", "gain in probability of the true class"),
    ("accuracy_gain", "accuracy_gain", "gain in accuracy of those chosen"),
    ("accuracy", "accuracy", "accuracy of all objects"),
    ("raised", "raised", "share with a more probable true class"),
    ("corrected", "corrected", "share corrected of those chosen"),
)

#: Means over fewer objects than this share are noise, and not drawn.
_FROM = 0.01


def write_figures(
    folder: Path,
    name: str,
    classes: tuple[str, ...],
    replicates: list[Replicate],
    ranked_replicates: list[RankedReplicate],
    note: str,
) -> list[Path]:
    """
    Draw the comparison into PNG and SVG files.

    Parameters
    ----------
    folder : Path
        Made if absent.
    name : str
        Of the data set, for the titles.
    classes : tuple of str
    replicates : list of Replicate
    ranked_replicates : list of RankedReplicate
        From `ampel_followup.evaluation.comparison.rank_replicates`, of the same replicates.
    note : str
        What of the data is real; written below every figure.

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

    followed = {
        strategy: [curves(item.orders[strategy], item.outcomes) for item in ranked_replicates]
        for strategy in ranked_replicates[0].orders
    }
    figures = {}
    for file, metric, label in _PANELS:
        figure = figure_type(figsize=(7.0, 5.0), layout="constrained")
        _draw_metric(figure.subplots(), followed, metric)
        figure.axes[0].set(title=f"{name}: {label}", xlabel="spectra, share of all objects", ylabel=label)
        figures[file] = figure
    figures["calibration"] = figure_type(figsize=(6.0, 5.5), layout="constrained")
    _draw_calibration(figures["calibration"].subplots(), replicates)
    figures["calibration"].axes[0].set_title(f"{name}: calibration over {len(classes)} classes")
    return [path for file, figure in figures.items() for path in _save(figure, folder, file, note)]


def _draw_metric(axes: Axes, followed: dict[str, list[Curves]], metric: str) -> None:
    """Mean over replicates of each strategy; a band of one standard deviation for one of them, lest they cover all."""
    for strategy, all_curves in followed.items():
        values = np.array([getattr(c, metric) for c in all_curves])
        share = np.arange(1, values.shape[1] + 1) / values.shape[1]
        drawn = share >= _FROM
        mean, deviation = values.mean(axis=0)[drawn], values.std(axis=0)[drawn]
        style: dict[str, Any] = {"linewidth": 2.2} if strategy == DEFAULT_STRATEGY else {"linewidth": 1.1}
        style |= {IDEAL: {"color": "black", "linestyle": ":"}, "random": {"color": "grey", "linestyle": "--"}}.get(
            strategy, {}
        )
        (line,) = axes.plot(share[drawn], mean, label=strategy, **style)
        if strategy == DEFAULT_STRATEGY:
            axes.fill_between(share[drawn], mean - deviation, mean + deviation, color=line.get_color(), alpha=0.15)
    axes.axvline(0.05, color="lightgrey", zorder=0)
    axes.axvline(0.20, color="lightgrey", zorder=0)
    axes.set_xscale("log")
    axes.legend(fontsize="small")


def _draw_calibration(axes: Axes, replicates: list[Replicate]) -> None:
    """Share of objects that are of a class, against the probability given to it, all classes together."""
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--")
    for label, probabilities in (
        ("photometry", [r.scores.p_t for r in replicates]),
        ("with spectrum", [r.p_ts for r in replicates]),
    ):
        member = np.concatenate([r.y[:, None] == np.arange(r.p_ts.shape[1]) for r in replicates])
        given, observed = reliability(np.concatenate(probabilities).ravel(), member.ravel())
        axes.plot(given, observed, marker="o", label=label)
    axes.set(xlabel="probability given to a class", ylabel="share of objects of that class", aspect="equal")
    axes.legend()


def reliability(p: Array, member: NDArray[np.bool_], n_bins: int = 10) -> tuple[Array, Array]:
    """
    Mean probability and share of members in bins of probability.

    Parameters
    ----------
    p : ndarray, shape (m,)
        Probabilities, 0 to 1.
    member : ndarray of bool, shape (m,)
        Whether each came true.
    n_bins : int
        Bins of equal width; empty ones are left out.

    Returns
    -------
    given, observed : ndarray
        Both 0 to 1; equal where the probabilities are calibrated.
    """
    bins = np.minimum((p * n_bins).astype(np.intp), n_bins - 1)
    count = np.bincount(bins, minlength=n_bins)
    some = count > 0
    given = np.bincount(bins, weights=p, minlength=n_bins)[some] / count[some]
    return given, np.bincount(bins, weights=member, minlength=n_bins)[some] / count[some]


def _save(figure: Figure, folder: Path, name: str, note: str) -> list[Path]:
    from textwrap import fill

    figure.supxlabel(fill(note, int(21 * figure.get_figwidth())), fontsize=6, x=0.01, ha="left")
    return save_figure(figure, folder, name)
