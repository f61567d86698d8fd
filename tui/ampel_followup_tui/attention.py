"""Where a classifier looked: one sign for each column of the light curve above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ampel_followup_tui.glyphs import level

if TYPE_CHECKING:
    from ampel_followup.attention_scores import AttentionScores
    from ampel_followup_tui.axes import Axis


def attention_strip(scores: AttentionScores, horizontal: Axis, night: float) -> str:
    """
    Draw how much the points of a light curve counted.

    Parameters
    ----------
    scores : AttentionScores
        What the classifier said.
    horizontal : Axis
        Days of the picture above, and its columns.
    night : float
        MJD from which its days are counted [d].

    Returns
    -------
    str
        One sign a column: blank without a point, else the higher, the more its points counted together. The highest is
        the column that counts most of the whole light curve, seen or not: what looks unimportant stays so when it is
        looked at closely.
    """
    day_of_column = (horizontal.last - horizontal.first) / horizontal.cells
    # Columns go on beyond what is seen, to either side.
    columns: dict[int, float] = {}
    for time, weight in zip(scores.times, scores.attention, strict=True):
        column = int((time - night - horizontal.first) // day_of_column)
        columns[column] = columns.get(column, 0.0) + weight
    highest = max(columns.values(), default=0.0)
    return "".join(
        level(columns[column] / highest) if column in columns and highest > 0.0 else " "
        for column in range(horizontal.cells)
    )
