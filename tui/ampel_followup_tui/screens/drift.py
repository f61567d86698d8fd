"""A page that says which features of tonight's stream are not as in training."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from ampel_followup_tui.drift import Drift
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.screens.dialogue import Dialogue

_ADVICE = "The models were not trained on such values: take scores that rest on these features with caution."


class DriftScreen(Dialogue[None]):
    """
    One page about drift.

    Parameters
    ----------
    drift : Drift
        What moved.
    """

    OPENED_BY = "drift"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,enter", "dismiss", "Close")]

    def __init__(self, drift: Drift) -> None:
        super().__init__()
        self._drift = drift

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        page = Text()
        page.append("Tonight's stream against the training set\n\n", "bold")
        if self._drift.moved:
            page.append(f"{self._drift.short}\n", VERMILION)
        if self._drift.sentence:
            page.append(f"{self._drift.sentence}\n")
        for name in self._drift.moved:
            page.append(f"  {name}\n")
        if self._drift.moved:
            page.append(f"\n{_ADVICE}\n")
        page.append("\nesc closes this page", GREY)
        with VerticalScroll(classes="box"):
            yield Static(page, markup=False)
