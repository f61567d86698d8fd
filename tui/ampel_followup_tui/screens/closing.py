"""A dialogue that asks until when a telescope is closed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
from ampel_followup_tui.widgets.choices import Tick

_CLOCK = re.compile(r"(\d{1,2})[:.h]?(\d{2})\b\s*(.*)")
_SUGGESTED = timedelta(hours=1)


class ClosingScreen(Dialogue[Mapping[str, Closure] | None]):
    """
    Ask for a time on the site's clock and a reason, and return the closures from now until then, by telescope.

    Parameters
    ----------
    telescopes : sequence of TelescopeNight
        Those of one site; either the first alone is closed, or all of them.
    now : datetime
        The present moment.
    """

    def __init__(self, telescopes: Sequence[TelescopeNight], now: datetime) -> None:
        super().__init__()
        self._telescopes = telescopes
        self._now = now

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        first, *others = self._telescopes
        timezone, name = zone(first.night.timezone), clean(first.name or first.telescope, 40)
        keys = "⏎ re-plan   esc cancel"
        with Vertical(classes="box"):
            yield Static(Text(f"{name} is closed until … (local time, then why)", "bold"), markup=False)
            yield Input(f"{(self._now + _SUGGESTED).astimezone(timezone):%H:%M} clouds")
            if others:
                keys = f"⏎ re-plan   tab, space: all {len(self._telescopes)} telescopes here   esc cancel"
                yield Tick(Text(f"so are the others at {clean(first.night.site_name, 40)}"))
            yield Static(Text(keys, GREY), id="message", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Read the answer and close, or say what would be right."""
        night = self._telescopes[0].night
        closure = read_closure(event.value, self._now, night.timezone)
        if closure is None:
            message = f"{event.value.strip()!r} does not begin with a time; write 02:00 or 02:00 clouds"
        elif closure.end > night.sunrise:
            message = f"the Sun rises at {clock(night.sunrise, night.timezone)} local; write a time before that"
        else:
            whole_site = any(box.value for box in self.query(Tick))
            closed = self._telescopes if whole_site else self._telescopes[:1]
            self.dismiss({telescope.telescope: closure for telescope in closed})
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
