"""Selecting targets of a list for one verdict."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from textual.screen import Screen

from ampel_followup_tui.columns import MARK
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.widgets.night_header import NightHeader
from ampel_followup_tui.widgets.target_table import TargetTable


@dataclass(slots=True)
class _Stretch:
    """
    What is being selected from one place of the list to another.

    Parameters
    ----------
    begin : str
        The target that it began at.
    end : str
        The target that it reaches to.
    before : dict of str to None
        What was selected before.
    order : list of str
        The list as it was then: in another one the stretch would be another.
    follows : bool
        It reaches to wherever the cursor goes, until told to stop.
    """

    begin: str
    end: str
    before: dict[str, None]
    order: list[str]
    follows: bool

    @property
    def targets(self) -> list[str]:
        """All from begin to end, in the order of the list."""
        first, last = sorted((self.order.index(self.begin), self.order.index(self.end)))
        return self.order[first : last + 1]


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
        self._stretch: _Stretch | None = None

    @property
    @abstractmethod
    def table(self) -> TargetTable:
        """The list."""

    @property
    @abstractmethod
    def order(self) -> Sequence[str]:
        """Names of all that is listed, in the order of the list."""

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
        current, self._stretch = self.current, None
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
        shown, self._stretch = self.table.order, None
        if all(target in self._selected for target in shown):
            self.deselect(shown)
        else:
            self._selected |= dict.fromkeys(shown)
            self._journal.see(shown)
            self._show_selection()

    def select_to(self, step: int) -> None:
        """Move the cursor, and select all from where such steps began; steps back give targets up again."""
        if self._stretch is None or self._stretch.end != self.current or not self._is_as_it_was(self._stretch):
            self._begin_stretch(follows=False)
        stretch = self._stretch
        self.move(step)
        if stretch is not None and self.current is not None:
            self._stretch = stretch
            self._reach(self.current)

    def select_range(self) -> None:
        """Select from here to wherever the cursor goes, until this is asked for again."""
        if self._stretch is not None and self._stretch.follows:
            self._stretch = None
            self._count_selected()
        else:
            self._begin_stretch(follows=True)

    def follow_cursor(self) -> None:
        """Take note that the cursor has moved."""
        stretch, current = self._stretch, self.current
        if stretch is None or current is None or stretch.end == current:
            return
        if stretch.follows and self._is_as_it_was(stretch):
            self._reach(current)
        else:
            self._stretch = None
            self._count_selected()

    def _begin_stretch(self, *, follows: bool) -> None:
        current = self.current
        if current is not None:
            self._stretch = _Stretch(current, current, dict(self._selected), list(self.order), follows)
            self._reach(current)

    def _is_as_it_was(self, stretch: _Stretch) -> bool:
        return list(self.order) == stretch.order

    def _reach(self, end: str) -> None:
        """Let the stretch reach to a target."""
        stretch = self._stretch
        if stretch is None:
            return
        stretch.end = end
        wanted = stretch.before | dict.fromkeys(stretch.targets)
        self._journal.see(target for target in wanted if target not in self._selected)
        # The column of marks looks at this very dictionary.
        self._selected.clear()
        self._selected.update(wanted)
        self._show_selection()

    def deselect(self, target_ids: Iterable[str]) -> bool:
        """Select these targets no longer; False if none of them was."""
        before, self._stretch = len(self._selected), None
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
        words = f"{n} selected{f', {hidden} not shown' if hidden else ''}"
        if self._stretch is not None and self._stretch.follows:
            words += ", to the cursor"
        self.query_one(NightHeader).selected = words if n else ""
