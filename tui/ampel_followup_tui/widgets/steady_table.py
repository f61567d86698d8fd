"""A list whose cursor stays on its row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.geometry import Size
from textual.strip import Strip
from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

from ampel_followup_tui.column import Column, Row
from ampel_followup_tui.widgets.plain import Plain

# More lines than any terminal has; and a line with the cursor, without it, and before and after it was moved.
_LINES_KEPT, _STATES_KEPT = 200, 4


class SteadyTable(Plain, DataTable[Row], Generic[Row], inherit_bindings=False):
    """
    A table with columns of fixed width; the cursor stays on its row whatever changes.

    Each row has a key that says what it is about: the survey name of a target, for example. It has no keys of its own:
    moving the cursor is a command of the app, as all else is.

    A row is drawn when it comes into sight, in one line, and kept until it is to be drawn anew, or the cursor comes or
    goes. Where it is and which cells it has would make the table that this one rests on draw it again and again.
    """

    def __init__(self) -> None:
        self._order: list[str] = []
        self._rows: Mapping[str, Row] = {}
        self._shown: Sequence[Column[Row]] = ()
        self._fitted: tuple[Size, Size] | None = None
        # By the key of the row: its cells in their own styles, and its lines by what they were drawn for.
        self._parts: LRUCache[str, list[list[Segment]]] = LRUCache(_LINES_KEPT)
        self._drawn: LRUCache[str, dict[object, Strip]] = LRUCache(_LINES_KEPT)
        super().__init__(cell_padding=0, cursor_type="row", cursor_foreground_priority="renderable")

    @property
    def order(self) -> Sequence[str]:
        """Keys of the rows as they are listed."""
        return self._order

    @property
    def current(self) -> str | None:
        """Key of the row under the cursor; None in an empty list."""
        return self._order[self.cursor_row] if 0 <= self.cursor_row < len(self._order) else None

    @property
    def rows_in_sight(self) -> int:
        """How many rows are on the screen, at least one."""
        return max(1, self.scrollable_content_region.height - self.header_height)

    def fill(self, rows: Mapping[str, Row], columns: Sequence[Column[Row]]) -> None:
        """Show these rows, by their keys; the cursor stays on its row if that is still among them."""
        current = self.current
        scroll_y = self.scroll_y
        self.clear(columns=True)
        self._rows, self._shown = rows, tuple(columns)
        for column in columns:
            label = column.label.rjust(column.width) if column.right else column.label
            self.add_column(
                Text(label + column.arrow),
                key=column.key,
                width=column.width + (column.gap and column is not columns[-1]),
            )
        for key in rows:
            # Its cells are drawn by `_draw`.
            self.add_row(key=key)
        self._order = list(rows)
        if current in self._order:
            self.move_cursor(row=self._order.index(current))
            self.scroll_to(y=scroll_y, animate=False)

    def show(self, key: str) -> None:
        """Put the cursor on a row of the list."""
        if key in self._order:
            self.move_cursor(row=self._order.index(key))

    def repaint(self, keys: Iterable[str]) -> None:
        """Draw these rows anew."""
        for key in keys:
            if key in self._rows:
                self._parts.discard(key)
                self._drawn.discard(key)
                self.refresh_row(self._order.index(key))

    def _update_dimensions(self, new_rows: Iterable[RowKey]) -> None:
        # Columns have their widths and rows their line: to draw every cell of a new row only to measure it would take
        # as long as all the rest of the first screen.
        super()._update_dimensions(())

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        # Textual would paint the scroll bar anew after each layout, whatever had changed elsewhere.
        fitted = (size, self.virtual_size)
        if fitted == self._fitted:
            return False
        self._fitted = fitted
        return super()._size_updated(size, virtual_size, container_size, layout)

    def _clear_caches(self) -> None:
        super()._clear_caches()
        self._parts.clear()
        self._drawn.clear()

    def notify_style_update(self) -> None:
        """Draw all rows anew when the style sheet changes."""
        self._drawn.clear()
        super().notify_style_update()

    def draw_lines(self, rows: Iterable[int]) -> list[Strip]:
        """Draw some lines: the header, and rows from the one on that is scrolled to."""
        self._pseudo_class_state = self.get_pseudo_class_state()
        (x, y), width, style = self.scroll_offset, self.size.width, self.rich_style
        return [self._render_line(row + y * (row >= self.header_height), x, x + width, style) for row in rows]

    def _render_line(self, y: int, x1: int, x2: int, base_style: Style) -> Strip:
        row = y - self.header_height
        if not 0 <= row < len(self._order):
            return super()._render_line(y, x1, x2, base_style)
        key, width = self._order[row], self.size.width
        on_cursor = self.show_cursor and row == self.cursor_row
        hovered = self.show_cursor and self._show_hover_cursor and row == self.hover_row
        drawn_for = (row, on_cursor, hovered, base_style, width, x1, self._pseudo_class_state)
        kept = self._drawn.get(key)
        if kept is None:
            kept = self._drawn[key] = {}
        if drawn_for not in kept:
            style = base_style
            if hovered:
                style += self.get_component_rich_style("datatable--hover")
            if on_cursor:
                style += self.get_component_rich_style("datatable--cursor")
            if len(kept) >= _STATES_KEPT:
                kept.clear()
            line: list[Segment] = []
            for number, cell in enumerate(self._cells(key)):
                # So a click finds its cell.
                behind = style + Style.from_meta({"row": row, "column": number})
                line += [Segment(text, behind if own is None else behind + own) for text, own, _ in cell]
            kept[drawn_for] = Strip(line).adjust_cell_length(x1 + width, style).crop(x1, x1 + width).simplify()
        return kept[drawn_for]

    def _cells(self, key: str) -> list[list[Segment]]:
        """Return the cells of a row, without what is behind all of them."""
        cells = self._parts.get(key)
        if cells is None:
            cells = self._parts[key] = [self._draw(self._rows[key], column) for column in self._shown]
        return cells

    def _draw(self, row: Row, column: Column[Row]) -> list[Segment]:
        text = column.content(row, column.width)
        text.truncate(column.width, overflow="ellipsis")
        if column.right:
            text.pad_left(column.width - text.cell_len)
        # `render` sees the style of a part only, not that of the whole; and what is one line has no end.
        text.stylize_before(text.style)
        text.end = ""
        gap = column.width + (column.gap and column is not self._shown[-1]) - text.cell_len
        return [*text.render(self.app.console), *([Segment(" " * gap)] if gap > 0 else [])]
