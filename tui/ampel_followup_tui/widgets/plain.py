"""Widgets without ornaments, which are painted in less time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual.containers import VerticalScroll
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.widget import Widget as _Widget
else:
    # Textual looks for styles along the first base that is a widget: that shall be the other one.
    _Widget = object


class Plain(_Widget):
    """
    What makes a widget be seen as it draws itself: with neither border nor padding, and nothing that tints it.

    For each line, Textual looks whether there is any of these, which takes longer than to draw it.
    """

    def draw_lines(self, rows: Iterable[int]) -> list[Strip]:
        """Draw some lines, all in the width of the widget."""
        width, ground = self.size.width, Style(bgcolor=self.background_colors[1].rich_color)
        return [self.render_line(row).adjust_cell_length(width, ground) for row in rows]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw what is inside a region."""
        background, filters, width = self.background_colors[1], self.get_line_filters(), self.outer_size.width
        strips = self.draw_lines(crop.line_range)
        for line_filter in filters:
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips


class Words(Plain, Static):
    """A text that may change with each key: the screen is laid out anew only if its height changes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._text = Text()

    def write(self, text: Text) -> None:
        """Show a text."""
        if text == self._text and text.style == self._text.style:
            return
        self._text = text
        self.update(text, layout=False)
        width, height = self.size
        if not width or (self._follows_text and self.get_content_height(self.size, self.size, width) != height):
            self.refresh(layout=True)

    @property
    def _follows_text(self) -> bool:
        """True unless the style sheet gives a height, which then stays as it is."""
        return self.styles.height is not None and self.styles.height.is_auto

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        if changed and layout:
            # The layout that gave it another size paints it.
            self._exchange_repaint_regions()
        return changed


class TextColumn(VerticalScroll):
    """Texts below one another; where their height changes, all of them is laid out and painted once, not thrice."""

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        # The layout that brings another height has just been made; only a bar that comes or goes asks for one more.
        return super()._size_updated(size, virtual_size, container_size, layout=False)

    def _scroll_update(self, virtual_size: Size) -> None:
        super()._scroll_update(virtual_size)
        # It is painted with all that has another height.
        self.vertical_scrollbar._exchange_repaint_regions()
