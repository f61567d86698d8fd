"""Selecting targets of a list for one verdict."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable

from textual.screen import Screen

from ampel_followup_tui.columns import MARK
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.widgets.night_header import NightHeader
from ampel_followup_tui.widgets.target_table import TargetTable


class SelectingScreen(Screen[None], inherit_bindings=False):
    """
    A screen with a list of targets, of which some can be selected.

    Parameters
    ----------
    journal : Journal
        The night.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        # In the order in which they were selected.
        self._selected: dict[str, None] = {}

    @property
    @abstractmethod
    def table(self) -> TargetTable:
        """The list."""

    @property
    @abstractmethod
    def current(self) -> str | None:
        """Name of the target under the cursor."""

    @abstractmethod
    def move(self, step: int) -> None:
        """Put the cursor on another target of the list."""

    @abstractmethod
    def show_plan(self) -> None:
        """Fill the list anew; the cursor stays on its target."""

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
        """Select all that the table holds; none of them if all are selected already."""
        shown = self.table.order
        if all(target in self._selected for target in shown):
            self.deselect(shown)
        else:
            self._selected |= dict.fromkeys(shown)
            self._journal.see(shown)
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
            self.show_plan()
        else:
            self.table.repaint(self.table.order)
        self._count_selected()

    def _count_selected(self) -> None:
        shown = set(self.table.order)
        n, hidden = len(self._selected), sum(target not in shown for target in self._selected)
        self.query_one(NightHeader).selected = f"{n} selected{f', {hidden} not shown' if hidden else ''}" if n else ""
