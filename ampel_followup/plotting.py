"""Matplotlib, which only plots need: imported when one is drawn, with figures kept as PNG and SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ampel_followup.errors import FollowupError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_class() -> type[Figure]:
    """
    Return matplotlib's class of figures: one made of it belongs to no window, and to no state of pyplot.

    Raises
    ------
    FollowupError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.figure
    except ImportError as error:
        raise FollowupError("plots need matplotlib; install it with: pip install 'ampel-followup[plots]'") from error
    return matplotlib.figure.Figure


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """
    Write a figure as PNG and SVG, and return the two files; the folder is made if absent.

    Raises
    ------
    FollowupError
        If the folder cannot be written.
    """
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(paths[0], dpi=150)
        figure.savefig(paths[1], metadata={"Date": None})
    except OSError as error:
        raise FollowupError(f"cannot write plots to {folder} ({error.strerror}); choose another --plots") from error
    return paths
