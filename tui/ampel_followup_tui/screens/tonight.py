"""The first screen: tonight's list, and why its next target is the next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.getters import app
from textual.screen import Screen

from ampel_followup.plan import RankedTarget
from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.columns import MARK, aside_columns, hidden_columns, mark_column, tonight_columns
from ampel_followup_tui.filtering import matches
from ampel_followup_tui.groups import ASIDE, HIDDEN, LISTS, TONIGHT, group_of, offered_groups, targets_of
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.jumping import Row
from ampel_followup_tui.screens import SCREEN_BINDINGS
from ampel_followup_tui.widgets.key_bar import KeyBar
from ampel_followup_tui.widgets.night_header import NightHeader
from ampel_followup_tui.widgets.stop_line import StopLine
from ampel_followup_tui.widgets.tab_strip import Tab, TabStrip
from ampel_followup_tui.widgets.target_table import TargetTable

if TYPE_CHECKING:
    from textual.widgets import Input

    from ampel_followup_tui.groups import Group
    from ampel_followup_tui.widgets.detail import Detail
    from ampel_followup_tui.widgets.filter_line import FilterLine

_SCROLL_BAR = 1
_EMPTY = {
    TONIGHT: "nothing can be observed tonight; {list} says why",
    HIDDEN: "every target can be observed tonight",
    ASIDE: "nothing is set aside",
}
_EMPTY_GROUP = "none of this group"
_COLUMNS = {TONIGHT: tonight_columns, HIDDEN: hidden_columns, ASIDE: aside_columns}


class TonightScreen(Screen[None], inherit_bindings=False):
    """
    Tonight's list, and below it the target under the cursor.

    Parameters
    ----------
    journal : Journal
        The night.
    """

    app = app(Screens)
    AUTO_FOCUS: ClassVar[str | None] = "TargetTable"
    BINDINGS: ClassVar[list[BindingType]] = SCREEN_BINDINGS

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._list = TONIGHT
        self._group = ""
        self._words: list[str] = []
        self._filled_width = 0
        # In the order in which they were selected.
        self._selected: dict[str, None] = {}
        self._seen: str | None = None
        self._detail: Detail | None = None
        self._filter: FilterLine | None = None

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield NightHeader(self._journal)
        yield TabStrip(self._tabs(), "list", id="lists")
        yield TargetTable()
        yield StopLine(self._journal)
        yield Container(id="below")
        yield KeyBar()

    @property
    def table(self) -> TargetTable:
        """The list."""
        return self.query_one(TargetTable)

    @property
    def order(self) -> Sequence[str]:
        """Names of the targets that pass the filter, as they are listed."""
        return self.table.order

    @property
    def selected(self) -> Collection[str]:
        """Names of the selected targets, shown or not."""
        return self._selected

    def select(self) -> None:
        """Select the target under the cursor, or no longer, and go on to the next."""
        current = self.current
        if current is None:
            return
        if current in self._selected:
            del self._selected[current]
        else:
            self._selected[current] = None
            self._journal.see([current])
        self._show_selection()
        self.move(1)

    def select_all(self) -> None:
        """Select all that pass the filter; none of them if all are selected already."""
        if all(target in self._selected for target in self.order):
            self.deselect(self.order)
        else:
            self._selected |= dict.fromkeys(self.order)
            self._journal.see(self.order)
            self._show_selection()

    def deselect(self, target_ids: Iterable[str]) -> bool:
        """Select these targets no longer; False if none of them was."""
        before = len(self._selected)
        for target in list(target_ids):
            self._selected.pop(target, None)
        if len(self._selected) < before:
            self._show_selection()
        return len(self._selected) < before

    def _show_selection(self) -> None:
        marked = self.table.columns and next(iter(self.table.columns)) == MARK
        if bool(marked) != bool(self._selected):
            self._fill()
        else:
            self.table.repaint(self.table.order)
        self._count_selected()

    def _count_selected(self) -> None:
        shown = set(self.order)
        n, hidden = len(self._selected), sum(target not in shown for target in self._selected)
        self.query_one(NightHeader).selected = f"{n} selected{f', {hidden} not shown' if hidden else ''}" if n else ""

    @property
    def current(self) -> str | None:
        """Name of the target under the cursor."""
        return self.table.current

    @property
    def rows(self) -> list[Row]:
        """What can be jumped to without changing the list."""
        return [Row(key, self._journal.target(key).rank, key) for key in self.table.order]

    def on_mount(self) -> None:
        """Fill the list at once; what stands below it comes when the list is on the screen."""
        self._fill()
        self.call_after_refresh(self._add_detail)

    async def _add_detail(self) -> None:
        from ampel_followup_tui.widgets.detail import Detail

        if not self.is_attached:
            return
        detail = Detail(self._journal)
        await self.query_one("#below").mount(detail)
        if not detail.is_attached:
            return
        # Not before its parts are there: the list may be filled meanwhile, and then asks it to show a target.
        self._detail = detail
        self.show_current()

    def on_resize(self) -> None:
        """Choose the columns that fit."""
        if self.app.size.width != self._filled_width:
            self._fill()

    def show_plan(self) -> None:
        """Show the plan as the journal has it now; the cursor stays on its target."""
        self._fill()

    def show_list(self, name: str, group: str = "") -> None:
        """Show what can be observed tonight, what cannot, or what is set aside: all of it, or a group."""
        self._list, self._group = name, group
        self.query_one(StopLine).display = name == TONIGHT and not group and self._journal.plan.stop is not None
        self._fill()
        self.show_current()

    def show_next_list(self) -> None:
        """Change to the next list."""
        names = self._lists
        self.show_list(names[(names.index(self._list) + 1) % len(names)])

    def show_next_group(self) -> bool:
        """Change to the next group of the list that is not empty, or back to all of it; False if there is none."""
        keys = ["", *(group.key for group, n in self._groups(self._list) if n)]
        here = keys.index(self._group) if self._group in keys else 0
        if len(keys) > 1:
            self.show_list(self._list, keys[(here + 1) % len(keys)])
        return len(keys) > 1

    @property
    def _lists(self) -> list[str]:
        """The lists that this plan has."""
        return [name for name in LISTS if name != ASIDE or self._journal.assisted]

    def _groups(self, name: str) -> list[tuple[Group, int]]:
        journal = self._journal
        return offered_groups(name, targets_of(journal.plan, name)) if journal.assisted else []

    def _tabs(self) -> list[Tab]:
        """Return a tab for each list, and behind the one that is shown (or tonight's) its groups."""
        journal, tabs = self._journal, []
        sizes = {TONIGHT: journal.info.n_targets, HIDDEN: journal.info.n_not_observable, ASIDE: journal.n_set_aside}
        for name in self._lists:
            tabs.append(Tab(name, tuple(f"{caption} {sizes[name]}" for caption in LISTS[name])))
            if name == (ASIDE if self._list == ASIDE else TONIGHT):
                for group, n in self._groups(name):
                    # The first targets alone say nothing of how many there are.
                    number = f" {n}" if journal.complete else ""
                    captions = tuple(f"{caption}{number}" for caption in group.captions)
                    tabs.append(Tab(f"{name}/{group.key}", captions, part=True))
        return tabs

    async def show_target(self, target_id: str) -> None:
        """Put the cursor on a target, if need be in the other list and without the filter."""
        if target_id not in self.table.order:
            await self.clear_filter()
            self.show_list(self._journal.list_of(target_id))
        self.table.show(target_id)

    def move(self, step: int) -> None:
        """Put the cursor on another target of the list."""
        order, current = self.table.order, self.current
        if current is not None:
            self.table.show(order[min(len(order) - 1, max(0, order.index(current) + step))])

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
        """Follow the cursor: what holds on a target when it comes there has been seen."""
        current = self.current
        if current is not None and current != self._seen:
            self._seen = current
            self._journal.see([current])
        self.show_current()

    def _fill(self) -> None:
        """Fill the list with what passes the filter."""
        plan, width = self._journal.plan, self.app.size.width - _SCROLL_BAR
        self._filled_width = self.app.size.width
        group = group_of(self._list, self._group)
        all_targets = [target for target in targets_of(plan, self._list) if group is None or group.has(target)]
        columns = _COLUMNS[self._list](width - 1 if self._selected else width, self._journal)
        if self._selected:
            columns.insert(0, mark_column(self._selected))
        targets = [target for target in all_targets if matches(target, self._words, self._journal)]
        self.table.fill({target.id: target for target in targets}, columns)
        strip = self.query_one("#lists", TabStrip)
        strip.show_tabs(self._tabs())
        strip.chosen = f"{self._list}/{self._group}" if self._group else self._list
        strip.note, strip.signature = self._note(targets, len(all_targets)), self._journal.observer
        self._count_selected()

    def _note(self, targets: list[RankedTarget], n_all: int) -> str:
        if self._words:
            return f"{len(targets)} of {n_all} match “{' '.join(self._words)}”, {self.app.key('back')} shows all"
        if not n_all:
            return _EMPTY_GROUP if self._group else _EMPTY[self._list].format(list=self.app.key("list"))
        return ""

    def on_screen_resume(self) -> None:
        """Show what happened while another screen was in front."""
        self.show_current()

    def show_current(self) -> None:
        """Show the target under the cursor, as the store has it now."""
        if self._detail is not None and self.is_current:
            current = self.table.current
            self._detail.show(None if current is None else self._journal.target(current))
