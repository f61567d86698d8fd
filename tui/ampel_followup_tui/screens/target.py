"""One target on the whole screen, to see whether it is worth forty minutes of telescope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import DISAGREE, GREY, STATUS, UNDECIDED, URGENT, short_band, trend_sign
from ampel_followup_tui.groups import is_urgent
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.panes.history import word_of
from ampel_followup_tui.panes.visibility import position
from ampel_followup_tui.screens import SCREEN_BINDINGS
from ampel_followup_tui.widgets.detail import Detail
from ampel_followup_tui.widgets.key_bar import KeyBar


class TargetScreen(Screen[None], inherit_bindings=False):
    """
    One target, with the same keys as the list.

    Parameters
    ----------
    journal : Journal
        The night.
    target_id : str
        Survey name of the target.
    """

    BINDINGS: ClassVar[list[BindingType]] = SCREEN_BINDINGS

    DEFAULT_CSS = """
    TargetScreen #title, TargetScreen #position {
        height: 1;
        padding: 0 1;
    }
    TargetScreen #title {
        background: $panel;
    }
    """

    def __init__(self, journal: Journal, target_id: str) -> None:
        super().__init__()
        self._journal = journal
        self._target_id = target_id

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield Static(id="title", markup=False)
        yield Static(id="position", markup=False)
        yield Detail(self._journal, whole_screen=True)
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the target that the screen was opened for."""
        self.show_target(self._target_id)

    def show_target(self, target_id: str) -> None:
        """Show another target."""
        self._target_id = target_id
        self._write_title()
        target = self._journal.target(target_id)
        self.query_one("#position", Static).update(position(target))
        self.query_one(Detail).show(target)

    def show_decisions(self, target_ids: Iterable[str]) -> None:
        """Show what was decided, if it is about this target."""
        if self._target_id in set(target_ids):
            self.show_target(self._target_id)

    def show_timetable(self) -> None:
        """Show where the schedule has the target now."""
        self.show_target(self._target_id)

    def on_resize(self) -> None:
        """Fill the new width."""
        self._write_title()

    def _write_title(self) -> None:
        target = self._journal.target(self._target_id)
        photometry, decision = target.photometry, self._journal.verdict(target.id)
        sign, word, style = STATUS.get(decision.verdict, UNDECIDED) if decision else UNDECIDED
        left = Text.assemble((clean(target.id, 40), "bold"), "  ", (f"{sign} {word}", style))
        if decision:
            left.append(f" {clean(decision.observer, 16)}", GREY)
        others = [other for other in self._journal.disagreement(target.id) if other != decision]
        for other in others:
            left.append(f"  {DISAGREE[0]} ", DISAGREE[2]).append_text(word_of(other, self._journal.plan.night))
        if is_urgent(target):
            left.append(f"  {URGENT[0]} {URGENT[1]}", URGENT[2])
        right = Text()
        if target.rank:
            right.append(f"{target.rank}/{self._journal.info.n_targets}  ", GREY)
        elif target.placement is not None and not target.placement.listed:
            right.append(f"set aside: {clean(target.placement.queue, 16)}  ", GREY)
        if photometry.last_band:
            right.append(
                f"{photometry.last_mag:.1f} {short_band(photometry.last_band)} {trend_sign(photometry.trend)}  "
            )
        right.append(f"{clean(target.scores.class_now, 16)}? ", "bold")
        gap = max(2, self.size.width - 1 - left.cell_len - right.cell_len)
        self.query_one("#title", Static).update(Text.assemble(left, " " * gap, right))
