"""What is on, and what comes next, with a countdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.text import Text

from ampel_followup.untrusted import clean
from ampel_followup_tui.block_columns import degrees, exposure, magnitude, number, span
from ampel_followup_tui.course import Step, coming, running
from ampel_followup_tui.glyphs import GREY, SKY_BLUE
from ampel_followup_tui.instants import clock
from ampel_followup_tui.panes.timeline import telescope_name

_COMING = 3
_COUNTDOWN = 14


def next_up(course: Sequence[Step], now: datetime, width: int, *, telescopes: bool) -> Text:
    """
    Tell what is being observed and what the next three targets are.

    Parameters
    ----------
    course : sequence of Step
        In order of time.
    now : datetime
        The present moment.
    width : int
        Room [characters].
    telescopes : bool
        There is more than one: say which.

    Returns
    -------
    Text
        A line for each: how long until it begins (or ends), when, what, brightness, exposure, and what pointing and
        read-out take.
    """
    text = Text(no_wrap=True)
    for step in running(course, now):
        text.append_text(_line(f"{span(step.end - now)} left", "bold", step, width, telescopes=telescopes))
    following = coming(course, now)[:_COMING]
    for step in following:
        text.append_text(_line(f"in {span(step.start - now)}", SKY_BLUE, step, width, telescopes=telescopes))
    if not following:
        text.append(" nothing more is scheduled\n", GREY)
    return text


def _line(countdown: str, style: str, step: Step, width: int, *, telescopes: bool) -> Text:
    block = step.block
    overhead = step.end - step.start - timedelta(seconds=block.exposure)
    pieces = [
        clock(block.start, step.telescope.night.timezone),
        clean(block.target, 28),
        f"{magnitude(block)} mag" if magnitude(block) else "",
        f"{exposure(block)} + {span(overhead)}",
        f"airmass {number(block.airmass, 2)}" if number(block.airmass, 2) else "",
        telescope_name(step.telescope, 24) if telescopes else "",
        f"Moon {degrees(block.moon_separation)}" if degrees(block.moon_separation) else "",
    ]
    line = Text.assemble((f" {countdown:<{_COUNTDOWN}} ", style), no_wrap=True)
    for piece in filter(None, pieces):
        if line.cell_len + len(piece) > width:
            break
        line.append(f"{piece}  ")
    line.rstrip()
    return line.append("\n")
