"""The first screen: tonight's list, and why its next target is the next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen

from ampel_followup.plan import RankedTarget
from ampel_followup_tui.columns import hidden_columns, tonight_columns
from ampel_followup_tui.filtering import matches
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.screens import SCREEN_BINDINGS
from ampel_followup_tui.widgets.key_bar import KeyBar
from ampel_followup_tui.widgets.night_header import NightHeader
from ampel_followup_tui.widgets.stop_line import StopLine
from ampel_followup_tui.widgets.tab_strip import TabStrip
from ampel_followup_tui.widgets.target_table import TargetTable

if TYPE_CHECKING:
    from textual.widgets import Input

    from ampel_followup_tui.widgets.detail import Detail
    from ampel_followup_tui.widgets.filter_line import FilterLine

TONIGHT, HIDDEN = "tonight", "hidden"
_SCROLL_BAR = 1
_EMPTY = {TONIGHT: "nothing can be observed tonight; l says why", HIDDEN: "every target can be observed tonight"}


class TonightScreen(Screen[None], inherit_bindings=False):
    """
    Tonight's list, and below it the target under the cursor.

    Parameters
    ----------
    journal : Journal
        The night.
    """

    AUTO_FOCUS: ClassVar[str | None] = "TargetTable"
    BINDINGS: ClassVar[list[BindingType]] = SCREEN_BINDINGS

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._list = TONIGHT
        self._words: list[str] = []
        self._filled_width = 0
        self._detail: Detail | None = None
        self._filter: FilterLine | None = None

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        info = self._journal.info
        lists = {TONIGHT: f"tonight {info.n_targets}", HIDDEN: f"not tonight {info.n_not_observable}"}
        yield NightHeader(self._journal)
        yield TabStrip(lists, "list", id="lists")
        yield TargetTable()
        yield StopLine(self._journal)
        yield Container(id="below")
        yield KeyBar()

    @property
    def table(self) -> TargetTable:
        """The list."""
        return self.query_one(TargetTable)

    def on_mount(self) -> None:
        """Fill the list at once; what stands below it comes when the list is on the screen."""
        self._fill()
        self.call_after_refresh(self._add_detail)

    async def _add_detail(self) -> None:
        from ampel_followup_tui.widgets.detail import Detail

        if not self.is_attached:
            return
        self._detail = Detail(self._journal)
        await self.query_one("#below").mount(self._detail)
        self.show_current()

    def on_resize(self) -> None:
        """Choose the columns that fit."""
        if self.app.size.width != self._filled_width:
            self._fill()

    def show_plan(self) -> None:
        """Show the plan as the journal has it now; the cursor stays on its target."""
        self._fill()

    def show_list(self, name: str) -> None:
        """Show what can be observed tonight, or what cannot."""
        self._list = name
        self.query_one("#lists", TabStrip).chosen = name
        self.query_one(StopLine).display = name == TONIGHT and self._journal.plan.stop is not None
        self._fill()
        self.show_current()

    def show_other_list(self) -> None:
        """Change to the list that is not shown."""
        self.show_list(HIDDEN if self._list == TONIGHT else TONIGHT)

    async def show_target(self, target_id: str) -> None:
        """Put the cursor on a target, if need be in the other list and without the filter."""
        if target_id not in self.table.order:
            tonight = any(target.id == target_id for target in self._journal.plan.targets)
            await self.clear_filter()
            self.show_list(TONIGHT if tonight else HIDDEN)
        self.table.show(target_id)

    def show_decisions(self, target_ids: Iterable[str]) -> None:
        """Show what was decided on these targets; the cursor and the order stay."""
        changed = set(target_ids)
        if not changed:
            return
        self.table.repaint(changed)
        self.query_one(NightHeader).refresh()
        if self.table.current in changed:
            self.show_current()

    async def ask_filter(self) -> None:
        """Let the observer type words to filter by."""
        from ampel_followup_tui.widgets.filter_line import FilterLine

        if self._filter is None:
            self._filter = FilterLine()
            await self.mount(self._filter, before=self.table)
        self._filter.focus()

    async def clear_filter(self) -> None:
        """Show all targets again."""
        if self._filter is not None:
            await self._filter.remove()
            self._filter = None
        self.filter_by([])
        self.table.focus()

    def filter_by(self, words: list[str]) -> None:
        """Show only targets with these words."""
        if words != self._words:
            self._words = words
            self._fill()
            self.show_current()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while the observer types."""
        self.filter_by(event.value.casefold().split())

    async def on_input_submitted(self) -> None:
        """Keep the filter, and go back to the list."""
        if self._words:
            self.table.focus()
        else:
            await self.clear_filter()

    def on_data_table_row_highlighted(self) -> None:
        """Follow the cursor."""
        self.show_current()

    def _fill(self) -> None:
        """Fill the list with what passes the filter."""
        plan, width = self._journal.plan, self.app.size.width - _SCROLL_BAR
        self._filled_width = self.app.size.width
        all_targets = plan.targets if self._list == TONIGHT else plan.not_observable
        columns = (tonight_columns if self._list == TONIGHT else hidden_columns)(width, self._journal)
        targets = [target for target in all_targets if matches(target, self._words, self._journal)]
        self.table.fill(targets, columns)
        self.query_one("#lists", TabStrip).note = self._note(targets, len(all_targets))

    def _note(self, targets: list[RankedTarget], n_all: int) -> str:
        if self._words:
            return f"{len(targets)} of {n_all} match “{' '.join(self._words)}”, esc shows all"
        if not n_all:
            return _EMPTY[self._list]
        return self._journal.observer

    def on_screen_resume(self) -> None:
        """Show what happened while another screen was in front."""
        self.show_current()

    def show_current(self) -> None:
        """Show the target under the cursor, as the store has it now."""
        if self._detail is not None and self.is_current:
            current = self.table.current
            self._detail.show(None if current is None else self._journal.target(current))
