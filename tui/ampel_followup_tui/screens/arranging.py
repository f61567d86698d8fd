"""Filtering and sorting the targets of a list."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual import work

from ampel_followup.errors import FollowupError
from ampel_followup.plan import RankedTarget
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.screens.selecting import SelectingScreen
from ampel_followup_tui.views import View

if TYPE_CHECKING:
    from textual.widgets import DataTable, Input

    from ampel_followup_tui.column import Column
    from ampel_followup_tui.widgets.filter_line import FilterLine


class ArrangingScreen(SelectingScreen, inherit_bindings=False):
    """
    A screen with a list of targets that can be filtered and sorted.

    Parameters
    ----------
    journal : Journal
        The night.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.view = View()
        self._filter: FilterLine | None = None

    @abstractmethod
    def show_current(self) -> None:
        """Show the target under the cursor, as the store has it now."""

    async def ask_filter(self) -> None:
        """Let the observer type a filter."""
        await self._show_filter()
        if self._filter is not None:
            self._filter.ask()

    async def _show_filter(self) -> None:
        from ampel_followup_tui.widgets.filter_line import FilterLine

        if self._filter is None:
            self._filter = FilterLine(self._journal)
            await self.mount(self._filter, before=self.table)
            self._filter.type(self.view.filter)

    async def clear_filter(self) -> None:
        """Show all targets again."""
        if self._filter is not None:
            await self._filter.remove()
            self._filter = None
        self._change(filter="")
        self.table.focus()

    def filter_by(self, text: str) -> bool:
        """Show only what an expression lets through; False if a term cannot be understood: the others hold."""
        from ampel_followup_tui.filtering.expression import parse
        from ampel_followup_tui.filtering.fields import KINDS, READ_LATER

        expression = parse(text, KINDS)
        if self._filter is not None:
            self._filter.show_fault(expression.fault)
        if expression.fields & READ_LATER and not self._journal.knows_redshifts:
            self._read_redshifts()
        self._change(filter=expression.sound)
        return expression.fault is None

    @work(exclusive=True, group="redshifts")
    async def _read_redshifts(self) -> None:
        """Read what a filter asks for and the plan does not have, then filter again."""
        try:
            await asyncio.to_thread(self._journal.read_redshifts)
        except FollowupError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.show_plan()
            self.show_current()

    def sort_by(self, key: str) -> None:
        """Sort by a column; once more turns the order round. The plan's own order, if it cannot be sorted by."""
        from ampel_followup_tui.ordering import column_of, sort_of

        key = column_of(key) if sort_of(key) is not None else ""
        self._change(sort=key, reverse=key == self.view.sort and not self.view.reverse)

    def turn_round(self) -> None:
        """Turn the order round."""
        self._change(reverse=not self.view.reverse)

    def _change(self, **changes: Any) -> None:
        """Show another view; the cursor stays on its target."""
        view = replace(self.view, **changes)
        if view != self.view:
            self.view = view
            self.show_plan()
            self.show_current()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while the observer types."""
        self.filter_by(event.value)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, and go back to the list."""
        if not event.value.strip():
            await self.clear_filter()
        elif self.filter_by(event.value):
            self.table.focus()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Sort by the column whose heading was clicked."""
        self.sort_by(str(event.column_key.value))

    def _with_arrow(self, columns: list[Column[RankedTarget]]) -> list[Column[RankedTarget]]:
        from ampel_followup_tui.ordering import arrow, column_of

        wanted = self.view.sort or "rank"
        return [
            replace(column, arrow=arrow(wanted, self.view.reverse)) if column_of(column.key) == wanted else column
            for column in columns
        ]

    def _order_note(self, arrow_shown: bool) -> str:
        """Say what the list is sorted by where no column does."""
        if not self.view.sort or arrow_shown:
            return ""
        from ampel_followup_tui.ordering import arrow, sort_of

        sort = sort_of(self.view.sort)
        return f"{arrow(self.view.sort, self.view.reverse)} {sort.caption}" if sort is not None else ""
