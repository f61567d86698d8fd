"""A canvas of characters and braille dots, and text on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual_hires_canvas import Canvas

from ampel_followup_tui.glyphs import GREY
from ampel_followup_tui.widgets.plain import Plain

#: Steps of a braille sign: two to a column, four to a row.
DOTS_ACROSS, DOTS_DOWN = 2, 4


class Picture(Plain, Canvas):  # type: ignore[misc]  # mypy is told to skip the types of this package
    """A canvas that is drawn when it is painted: what changes twice before that is drawn once."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._artist: Callable[[Picture], None] | None = None
        self._drawn_for: Size | None = None
        self._strips: dict[int, Strip] = {}
        self._ground: Style | None = None

    def draw_with(self, artist: Callable[[Picture], None] | None) -> None:
        """Draw with this from now on, on a canvas of the size that there is; with None, nothing."""
        self._artist, self._drawn_for = artist, None
        self.refresh()

    def draw_lines(self, rows: Iterable[int]) -> list[Strip]:
        """Draw some lines, after the whole picture if need be."""
        if self._drawn_for != self.size:
            self._drawn_for = self.size
            self._strips.clear()
            # Nothing asks for another paint while this one is being made.
            self._refreshes_pending += 1
            try:
                self.reset(size=self.size)
                if self._artist is not None:
                    self._artist(self)
            finally:
                self._refreshes_pending -= 1
        ground = self.rich_style
        if ground != self._ground:
            self._ground = ground
            self._strips.clear()
        return [self._line(row, ground) for row in rows]

    def _line(self, row: int, ground: Style) -> Strip:
        if row not in self._strips:
            signs, styles = self._buffer[row], self._styles[row]
            parts = groupby(range(len(signs)), key=styles.__getitem__)
            # Every part has a style: without, Textual's filter for ``NO_COLOR`` fails.
            segments = [
                Segment("".join(map(signs.__getitem__, part)), ground + Style.parse(style)) for style, part in parts
            ]
            self._strips[row] = Strip(segments, self.size.width)
        return self._strips[row]


def write(canvas: Canvas, column: int, row: int, text: str, style: str = GREY) -> None:
    """Write a text of signs that take one column each."""
    for offset, character in enumerate(text):
        canvas.set_pixel(column + offset, row, character, style)
