"""The columns of the schedule's blocks, and what a line can say of one."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from rich.text import Text

from ampel_followup.timetable import Block, BlockKind
from ampel_followup.untrusted import clean
from ampel_followup_tui.column import Column
from ampel_followup_tui.course import Step
from ampel_followup_tui.glyphs import GREY, NOTE, SKY_BLUE, VERMILION, short_name
from ampel_followup_tui.instants import clock
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.panes.timeline import sign_of, telescope_name

_WIDE = 119


def block_columns(width: int, journal: Journal, *, telescopes: bool) -> list[Column[Step]]:
    """
    Return the columns of blocks, to fill `width` characters with a gap of one between columns.

    Parameters
    ----------
    width : int
        Room [characters].
    journal : Journal
        The night; its clock says what is going on.
    telescopes : bool
        There is more than one: say which.
    """
    wide = width >= _WIDE
    columns: list[Column[Step]] = [
        Column("number", "#", 3, lambda step, _: Text(str(step.number), GREY), right=True),
        Column("local", "local", 5, lambda step, _: Text(_local(step), "bold")),
        Column("utc", "UTC", 5, lambda step, _: Text(f"{step.start:%H:%M}", GREY)),
    ]
    if telescopes:
        columns.append(
            Column(
                "telescope",
                "telescope",
                20 if wide else 9,
                lambda step, width: Text(telescope_name(step.telescope, width)),
            )
        )
    columns += [
        Column("name", "name", 28 if wide else 12, lambda step, width: Text(short_name(step.block.target, width))),
        _magnitude(with_error=wide or not telescopes),
        Column("exposure", "exposure", 8, lambda step, _: Text(exposure(step.block)), right=True),
        Column("airmass", "airm", 4, lambda step, _: _dashed(number(step.block.airmass, 2)), right=True),
    ]
    if wide:
        columns.append(
            Column("moon", "Moon", 5, lambda step, _: _dashed(degrees(step.block.moon_separation)), right=True)
        )
    columns.append(Column("value", "value", 5, lambda step, _: _value(step.block), right=True))
    rest = width - sum(column.width + 1 for column in columns)
    return [*columns, Column("status", "status", rest, lambda step, width: _status(step, width, journal))]


def magnitude(block: Block) -> str:
    """Write what brightness is expected, with its uncertainty; nothing where it is not known."""
    if math.isnan(block.magnitude):
        return ""
    error = "" if math.isnan(block.magnitude_err) else f" ±{block.magnitude_err:.2f}"
    return f"{block.magnitude:.1f}{error}"


def exposure(block: Block) -> str:
    """Write the exposure [s] in its equal parts."""
    part = f"{block.exposure / max(1, block.n_exposures):.0f} s"
    return part if block.n_exposures <= 1 else f"{block.n_exposures}×{part}"


def number(value: float, digits: int) -> str:
    """Write a number; nothing where it is not known."""
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def degrees(value: float) -> str:
    """Write an angle [deg]; nothing where it is not known."""
    return "" if math.isnan(value) else f"{value:.0f}°"


def span(duration: timedelta) -> str:
    """Write a duration in whole minutes: ``12 min``, ``2 h 05 min``."""
    hours, minutes = divmod(round(abs(duration) / timedelta(minutes=1)), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _magnitude(*, with_error: bool) -> Column[Step]:
    if not with_error:
        return Column("magnitude", "mag", 4, lambda step, _: _dashed(number(step.block.magnitude, 1)))
    return Column("magnitude", "mag tonight", 11, lambda step, _: _dashed(magnitude(step.block)))


def _local(step: Step) -> str:
    return clock(step.block.start, step.telescope.night.timezone)


def _dashed(text: str) -> Text:
    return Text(text) if text else Text("–", GREY)


def _value(block: Block) -> Text:
    return _dashed(number(block.value, 2) if block.kind != BlockKind.STANDARD else "")


def _status(step: Step, width: int, journal: Journal) -> Text:
    sign, word, style = sign_of(step)
    text = Text(f"{sign} {word}", style)
    if journal.notebook.on(step.block):
        text.append(NOTE[0], NOTE[2])
    decision = journal.verdict(step.block.target) if journal.knows(step.block.target) else None
    if not step.is_open:
        if decision is not None and decision.verdict == step.status and width >= len(text) + 5:
            text.append(f" {clean(decision.observer)}", GREY)
        return text
    now: datetime = journal.now()
    if step.start <= now < step.end:
        text.append(" now", f"bold {SKY_BLUE}")
    elif step.end <= now:
        # Nobody marks a standard.
        text.append(" past", GREY if step.block.kind == BlockKind.STANDARD else VERMILION)
    return text
