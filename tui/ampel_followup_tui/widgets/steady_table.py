"""A list whose cursor stays on its row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

from ampel_followup_tui.cells import Cell, Column, Row

SegmentLines = list[list[Segment]]

_HEADER = -1
_ELSEWHERE = Coordinate(-2, -2)


class SteadyTable(DataTable[Cell[Row]], Generic[Row], inherit_bindings=False):
    """
    A table with columns of fixed width; the cursor stays on its row whatever changes.

    Each row has a key that says what it is about: the survey name of a target, for example. It has no keys of its own:
    moving the cursor is a command of the app, as all else is.
    """

    def __init__(self) -> None:
        super().__init__(cell_padding=0, cursor_type="row", cursor_foreground_priority="renderable")
        self._order: list[str] = []

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
        for column in columns:
            label = column.label.rjust(column.width) if column.right else column.label
            self.add_column(
                Text(label + column.arrow),
                key=column.key,
                width=column.width + (column.gap and column is not columns[-1]),
            )
        for key, row in rows.items():
            self.add_row(*(Cell(row, column) for column in columns), key=key)
        self._order = list(rows)
        if current in self._order:
            self.move_cursor(row=self._order.index(current))
            self.scroll_to(y=scroll_y, animate=False)

    def show(self, key: str) -> None:
        """Put the cursor on a row of the list."""
        if key in self._order:
            self.move_cursor(row=self._order.index(key))

    def _update_dimensions(self, new_rows: Iterable[RowKey]) -> None:
        # Columns have their widths and rows their line: to draw every cell of a new row only to measure it would take
        # as long as all the rest of the first screen.
        super()._update_dimensions(())

    def _render_line_in_row(
        self, row_key: RowKey, line_no: int, base_style: Style, cursor_location: Coordinate, hover_location: Coordinate
    ) -> tuple[SegmentLines, SegmentLines]:
        # Lines are kept by where the cursor is: that it is elsewhere is all that the other rows need to know of it, or
        # each of its steps would draw them all anew.
        here = self.get_row_index(row_key) if row_key in self.rows else _HEADER
        if cursor_location.row != here:
            cursor_location = _ELSEWHERE
        if hover_location.row != here:
            hover_location = _ELSEWHERE
        return super()._render_line_in_row(row_key, line_no, base_style, cursor_location, hover_location)

    def repaint(self, keys: Iterable[str]) -> None:
        """Draw these rows anew."""
        if not set(keys).isdisjoint(self._order):
            # Cells read the journal when they are drawn: putting one back where it is makes the table draw all.
            self.update_cell_at(Coordinate(0, 0), self.get_cell_at(Coordinate(0, 0)))
