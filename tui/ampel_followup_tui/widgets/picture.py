"""A canvas of characters and braille dots, and text on it."""

from __future__ import annotations

from textual.strip import Strip
from textual_hires_canvas import Canvas

from ampel_followup_tui.glyphs import GREY

#: Steps of a braille sign: two to a column, four to a row.
DOTS_ACROSS, DOTS_DOWN = 2, 4


class Picture(Canvas):  # type: ignore[misc]  # mypy is told to skip the types of this package
    """A canvas whose every part has a style: without, Textual's filter for ``NO_COLOR`` fails on empty parts."""

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        strip: Strip = super().render_line(y)
        return strip.apply_style(self.rich_style)


def write(canvas: Canvas, column: int, row: int, text: str, style: str = GREY) -> None:
    """Write a text of signs that take one column each."""
    for offset, character in enumerate(text):
        canvas.set_pixel(column + offset, row, character, style)
