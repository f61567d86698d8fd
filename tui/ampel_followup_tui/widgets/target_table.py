"""The list of targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

from ampel_followup.plan import RankedTarget
from ampel_followup_tui.columns import Cell, Column


class TargetTable(DataTable[Cell], inherit_bindings=False):
    """A table of targets with columns of fixed width; the cursor stays on its target whatever changes."""

    # Left, right and enter are commands of the app.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", "Cursor up", show=False),
        Binding("down", "cursor_down", "Cursor down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home,ctrl+home", "scroll_top", "First", show=False),
        Binding("end,ctrl+end", "scroll_bottom", "Last", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(cell_padding=0, cursor_type="row", cursor_foreground_priority="renderable")
        self._order: list[str] = []

    @property
    def order(self) -> Sequence[str]:
        """Names of the targets as they are listed."""
        return self._order

    @property
    def current(self) -> str | None:
        """Name of the target under the cursor; None in an empty list."""
        return self._order[self.cursor_row] if 0 <= self.cursor_row < len(self._order) else None

    def fill(self, targets: Sequence[RankedTarget], columns: Sequence[Column]) -> None:
        """Show these targets; the cursor stays on its target if that is still among them."""
        current = self.current
        scroll_y = self.scroll_y
        self.clear(columns=True)
        for column in columns:
            label = column.label.rjust(column.width) if column.right else column.label
            self.add_column(Text(label), key=column.key, width=column.width + (column is not columns[-1]))
        for target in targets:
            self.add_row(*(Cell(target, column) for column in columns), key=target.id)
        self._order = [target.id for target in targets]
        if current in self._order:
            self.move_cursor(row=self._order.index(current))
            self.scroll_to(y=scroll_y, animate=False)

    def show(self, target_id: str) -> None:
        """Put the cursor on a target of the list."""
        if target_id in self._order:
            self.move_cursor(row=self._order.index(target_id))

    def _update_dimensions(self, new_rows: Iterable[RowKey]) -> None:
        # Columns have their widths and rows their line: to draw every cell of a new row only to measure it would take
        # as long as all the rest of the first screen.
        super()._update_dimensions(())

    def repaint(self, target_ids: Iterable[str]) -> None:
        """Draw these targets anew."""
        if not set(target_ids).isdisjoint(self._order):
            # Cells read the journal when they are drawn: putting one back where it is makes the table draw all.
            self.update_cell_at(Coordinate(0, 0), self.get_cell_at(Coordinate(0, 0)))
