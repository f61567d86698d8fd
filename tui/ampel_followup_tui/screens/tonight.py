"""The first screen: tonight's list, and why its next target is the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.getters import app

from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.columns import aside_columns, hidden_columns, mark_column, tonight_columns
from ampel_followup_tui.groups import ASIDE, HIDDEN, LISTS, TONIGHT, offered_groups, targets_of
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.jumping import Row
from ampel_followup_tui.listing import group_targets, listed_targets
from ampel_followup_tui.screens import SCREEN_BINDINGS
from ampel_followup_tui.screens.arranging import ArrangingScreen
from ampel_followup_tui.views import View
from ampel_followup_tui.widgets.key_bar import KeyBar
from ampel_followup_tui.widgets.night_header import NightHeader
from ampel_followup_tui.widgets.stop_line import StopLine
from ampel_followup_tui.widgets.tab_strip import Tab, TabStrip
from ampel_followup_tui.widgets.target_table import TargetTable

if TYPE_CHECKING:
    from ampel_followup.reranking import OtherOrder
    from ampel_followup_tui.groups import Group
    from ampel_followup_tui.widgets.detail import Detail

_SCROLL_BAR = 1

#: The table holds so many targets at most: filter, sort and jumps reach the others.
MOST_LISTED = 1000

_EMPTY = {
    TONIGHT: "nothing can be observed tonight; {list} says why",
    HIDDEN: "every target can be observed tonight",
    ASIDE: "nothing is set aside",
}
_EMPTY_GROUP = "none of this group"
_COLUMNS = {TONIGHT: tonight_columns, HIDDEN: hidden_columns, ASIDE: aside_columns}


class TonightScreen(ArrangingScreen, inherit_bindings=False):
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
        super().__init__(journal)
        # The order of the strategy that the plan is looked at under.
        self._other: OtherOrder | None = None
        # All that passes, of which the table holds a part: from `_first` on.
        self._order: list[str] = []
        self._first = 0
        self._filled_width = 0
        self._seen: str | None = None
        self._detail: Detail | None = None

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
        """Names of all targets that pass the filter, in the order of the list."""
        return self._order

    @property
    def current(self) -> str | None:
        """Name of the target under the cursor."""
        return self.table.current

    @property
    def rows(self) -> list[Row]:
        """What can be jumped to without changing the list."""
        places = self._other.place if self._other is not None else {}
        return [Row(name, places.get(name, self._journal.target(name).rank), name) for name in self._order]

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
        if not (detail.is_attached and self.app.is_running):
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
        self.view = replace(self.view, list=name, group=group)
        self.query_one(StopLine).display = name == TONIGHT and not group and self._journal.plan.stop is not None
        self._fill()
        self.show_current()

    def show_next_list(self) -> None:
        """Change to the next list."""
        names = self._lists
        self.show_list(names[(names.index(self.view.list) + 1) % len(names)])

    def show_next_group(self) -> bool:
        """Change to the next group of the list that is not empty, or back to all of it; False if there is none."""
        keys = ["", *(group.key for group, n in self._groups(self.view.list) if n)]
        here = keys.index(self.view.group) if self.view.group in keys else 0
        if len(keys) > 1:
            self.show_list(self.view.list, keys[(here + 1) % len(keys)])
        return len(keys) > 1

    @property
    def _lists(self) -> list[str]:
        """The lists that this plan has."""
        return [name for name in LISTS if name != ASIDE or self._journal.assisted]

    def _groups(self, name: str) -> list[tuple[Group, int]]:
        journal = self._journal
        targets = targets_of(journal.plan, name)
        return offered_groups(name, targets, journal.evening, by_policy=journal.assisted)

    def _tabs(self) -> list[Tab]:
        """Return a tab for each list, and behind the one that is shown (or tonight's) its groups."""
        journal, tabs = self._journal, []
        sizes = {TONIGHT: journal.info.n_targets, HIDDEN: journal.info.n_not_observable, ASIDE: journal.n_set_aside}
        for name in self._lists:
            tabs.append(Tab(name, tuple(f"{caption} {sizes[name]}" for caption in LISTS[name])))
            if name == (ASIDE if self.view.list == ASIDE else TONIGHT):
                for group, n in self._groups(name):
                    # The first targets alone say nothing of how many there are.
                    number = f" {n}" if journal.complete else ""
                    captions = tuple(f"{caption}{number}" for caption in group.captions)
                    tabs.append(Tab(f"{name}/{group.key}", captions, part=True))
        return tabs

    async def show_target(self, target_id: str) -> None:
        """Put the cursor on a target, if need be in the other list and without the filter."""
        if target_id not in self._order:
            await self.clear_filter()
            self.show_list(self._journal.list_of(target_id))
        self.go_to(target_id)

    def move(self, step: int) -> None:
        """Put the cursor on another target of the list."""
        order, current = self._order, self.current
        if current is not None:
            here = self._first + self.table.order.index(current)
            self.go_to(order[min(len(order) - 1, max(0, here + step))])

    def go_to(self, target_id: str) -> None:
        """Put the cursor on a target of the list; the table goes on to hold it, if it did not."""
        if target_id not in self.table.order and target_id in self._order:
            self._first = self._first_with(target_id)
            self._fill(keep_part=True)
        self.table.show(target_id)
        self.follow_cursor()

    def show_decisions(self, target_ids: Iterable[str]) -> None:
        """Show what was decided on these targets; the cursor and the order stay."""
        changed = set(target_ids)
        if not changed:
            return
        self.table.repaint(changed)
        self.query_one(NightHeader).refresh()
        if self.table.current in changed:
            self.show_current()

    def look_at(self, other: OtherOrder | None) -> None:
        """List the plan in the order of another strategy, or in its own."""
        self._other = other
        self.query_one(NightHeader).looked_at = other.strategy if other is not None else ""
        self.view = replace(self.view, strategy=other.strategy if other is not None else "")
        self._fill()
        self.show_current()

    def show_as_planned(self) -> None:
        """Go back to the plan's own order."""
        self.view = replace(self.view, sort="", reverse=False)
        self.look_at(None)

    async def apply(self, view: View) -> None:
        """Show what a view lists; the strategy that it names is looked at by `look_at`."""
        if view.list not in self._lists:
            view = replace(view, list=TONIGHT, group="")
        self.view = replace(self.view, sort=view.sort, reverse=view.reverse)
        await self.clear_filter()
        if view.filter:
            await self._show_filter()
            if self._filter is not None:
                self._filter.type(view.filter)
            self.filter_by(view.filter)
        self.look_at(None)
        self.show_list(view.list, view.group)

    def on_data_table_row_highlighted(self) -> None:
        """Follow the cursor: what holds on a target when it comes there has been seen."""
        current = self.current
        if current is not None and current != self._seen:
            self._seen = current
            self._journal.see([current])
        self.follow_cursor()
        self.show_current()

    def _fill(self, *, keep_part: bool = False) -> None:
        """Fill the list with what passes the filter: so much of it as is of use, and has the target of the cursor."""
        journal, view, width = self._journal, self.view, self.app.size.width - _SCROLL_BAR
        self._filled_width = self.app.size.width
        columns = _COLUMNS[view.list](width, journal, other=self._other, marked=bool(self._selected))
        if self._selected:
            columns.insert(0, mark_column(self._selected))
        if view.sort or view.reverse:
            columns = self._with_arrow(columns)
        targets = listed_targets(journal, view, self._other)
        self._order = [target.id for target in targets]
        if not keep_part:
            self._first = self._first_with(self.current)
        part = targets[self._first : self._first + MOST_LISTED]
        self.table.fill({target.id: target for target in part}, columns)
        strip = self.query_one("#lists", TabStrip)
        strip.show_tabs(self._tabs())
        strip.chosen = f"{view.list}/{view.group}" if view.group else view.list
        arrow_shown = any(column.arrow for column in columns)
        strip.note, strip.signature = self._note(len(part)) or self._order_note(arrow_shown), journal.observer
        self._count_selected()

    def _first_with(self, target_id: str | None) -> int:
        """Return from where on the table holds a target: from the top on, if it is there or nowhere."""
        if len(self._order) <= MOST_LISTED or target_id is None or target_id not in self._order[MOST_LISTED:]:
            return 0
        here = self._order.index(target_id)
        return max(0, min(here - MOST_LISTED // 2, len(self._order) - MOST_LISTED))

    def _note(self, n_shown: int) -> str:
        n, view, journal = len(self._order), self.view, self._journal
        if not journal.complete and n_shown >= MOST_LISTED and not view.filter:
            return f"{n_shown:,} of {journal.info.n_targets:,} shown; the rest is being read"
        if n > n_shown:
            part = f"{self._first + 1:,}–{self._first + n_shown:,}" if self._first else f"{n_shown:,}"
            return f"{part} of {n:,} shown; filter to reach the rest"
        if view.filter:
            n_all = len(group_targets(journal, view))
            return f"{n} of {n_all} match “{view.filter}”, {self.app.key('back')} shows all"
        if not n:
            return _EMPTY_GROUP if view.group else _EMPTY[view.list].format(list=self.app.key("list"))
        return ""

    def on_screen_resume(self) -> None:
        """Show what happened while another screen was in front."""
        self.show_current()

    def show_current(self) -> None:
        """Show the target under the cursor, as the store has it now."""
        if self._detail is not None and self.is_current:
            current = self.table.current
            self._detail.show(None if current is None else self._journal.target(current))
