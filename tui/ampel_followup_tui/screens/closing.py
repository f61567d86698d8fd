"""A dialogue that asks until when a telescope is closed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from ampel_followup.timetable import Closure, TelescopeNight
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.instants import clock, zone
from ampel_followup_tui.screens.dialogue import Dialogue

_CLOCK = re.compile(r"(\d{1,2})[:.h]?(\d{2})\b\s*(.*)")
_SUGGESTED = timedelta(hours=1)


class ClosingScreen(Dialogue[Closure | None]):
    """
    Ask for a time on the telescope's clock and a reason, and return the closure from now until then.

    Parameters
    ----------
    telescope : TelescopeNight
        What is closed.
    now : datetime
        The present moment.
    """

    def __init__(self, telescope: TelescopeNight, now: datetime) -> None:
        super().__init__()
        self._telescope = telescope
        self._now = now

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        timezone = zone(self._telescope.night.timezone)
        name = clean(self._telescope.name or self._telescope.telescope, 40)
        with Vertical(classes="box"):
            yield Static(Text(f"{name} is closed until … (local time, then why)", "bold"), markup=False)
            yield Input(f"{(self._now + _SUGGESTED).astimezone(timezone):%H:%M} clouds")
            yield Static(Text("⏎ re-plan   esc cancel", GREY), id="message", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Read the answer and close, or say what would be right."""
        night = self._telescope.night
        closure = read_closure(event.value, self._now, night.timezone)
        if closure is None:
            message = f"{event.value.strip()!r} does not begin with a time; write 02:00 or 02:00 clouds"
        elif closure.end > night.sunrise:
            message = f"the Sun rises at {clock(night.sunrise, night.timezone)} local; write a time before that"
        else:
            self.dismiss(closure)
            return
        self.query_one("#message", Static).update(Text(clean(message), VERMILION))


def read_closure(answer: str, now: datetime, timezone: str) -> Closure | None:
    """
    Read ``02:00 clouds``: closed from now until the next time that the clock shows that, and why.

    Parameters
    ----------
    answer : str
        What a person typed.
    now : datetime
        The present moment.
    timezone : str
        IANA name of the time zone of the clock.

    Returns
    -------
    Closure or None
        None if the answer does not begin with a time.
    """
    match = _CLOCK.fullmatch(answer.strip())
    if match is None:
        return None
    hour, minute, reason = int(match[1]), int(match[2]), match[3]
    if hour > 23 or minute > 59:
        return None
    here = now.astimezone(zone(timezone))
    end = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if end <= here:
        end += timedelta(days=1)
    return Closure(_stamp(now), _stamp(end), clean(reason))


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
