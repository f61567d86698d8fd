"""A dialogue that asks until when a target is put off."""

from __future__ import annotations

from datetime import date

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from ampel_followup.deferral import FORMS, parse_until
from ampel_followup.errors import FollowupError
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.screens.dialogue import Dialogue


class DeferScreen(Dialogue[str]):
    """
    Ask for a day, and say while it is typed which one that is; dismissed with it, ISO 8601.

    Parameters
    ----------
    what : str
        What is put off, in words.
    night : str
        Evening date of the plan, ISO 8601.
    """

    def __init__(self, what: str, night: str) -> None:
        super().__init__()
        self._what = what
        self._night = date.fromisoformat(night)

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        with Vertical(classes="box"):
            yield Static(Text(f"Defer {self._what} until", "bold"), markup=False)
            yield Input(placeholder=FORMS, max_length=40)
            yield Static(Text("⏎ defer   esc cancel", GREY), id="message", markup=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say which day that is."""
        if event.value.strip():
            self._read(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the day."""
        day = self._read(event.value)
        if day is not None:
            self.dismiss(day.isoformat())

    def _read(self, text: str) -> date | None:
        """Return the day that was typed; what is wrong is said below it."""
        try:
            day = parse_until(text, self._night)
        except FollowupError as error:
            self.query_one("#message", Static).update(Text(str(error), VERMILION))
            return None
        n = (day - self._night).days
        away = "back tomorrow" if n == 1 else f"left out of the plans of {n - 1} night{'' if n == 2 else 's'}"
        self.query_one("#message", Static).update(Text(f"{day:%A} {day.isoformat()}: {away}", GREY))
        return day
