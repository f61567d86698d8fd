"""The schedule as a picture: a line for each telescope, the night from sunset to sunrise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from rich.text import Text

from ampel_followup.timetable import BlockKind, BlockStatus, TelescopeNight
from ampel_followup.untrusted import clean
from ampel_followup_tui.course import Step
from ampel_followup_tui.glyphs import (
    BLOCK_CHOSEN,
    BLOCK_INK,
    BLOCK_KIND,
    CLOSED,
    GREY,
    MOON_UP,
    STATUS,
    TWILIGHT,
    VERMILION,
)
from ampel_followup_tui.panes.night_scale import NightScale, moon_is_up

_CHOSEN = f"bold underline {BLOCK_INK} on {BLOCK_CHOSEN}"
_FILL = "━"
_NOW_LINE = "│"
_SHORTEST_TAIL = 4
_MOST_NAME_LINES = 2
# Room for the name of a telescope, with a gap, in a wide terminal and in others [characters].
_WIDE, _LONGEST_LABEL, _SHORT_LABEL = 120, 22, 11


def sign_of(step: Step) -> tuple[str, str, str]:
    """Return sign, word and style of a block: what became of it or, until then, why it is there."""
    if step.status != BlockStatus.PLANNED:
        return STATUS[step.status]
    return BLOCK_KIND[BlockKind(step.block.kind)]


def timeline(
    course: Sequence[Step],
    telescopes: Sequence[TelescopeNight],
    now: datetime,
    width: int,
    *,
    lines: int = 0,
    chosen: str | None = None,
) -> Text:
    """
    Draw what each telescope does in the night.

    Parameters
    ----------
    course : sequence of Step
        In order of time.
    telescopes : sequence of TelescopeNight
        Those of one site stand together, below the hours of its clock.
    now : datetime
        The present moment; it is marked if it is night.
    width : int
        Room [characters].
    lines : int
        Room [lines]. What is left is used for names that do not fit into their blocks; the least is one line for each
        telescope, and one for each site.
    chosen : str, optional
        Key of the block to show reversed.

    Returns
    -------
    Text
        Lines of `width` characters at most. Behind the blocks: twilight, the Moon, and what is closed.
    """
    sites = [list(group) for _, group in groupby(telescopes, key=lambda telescope: telescope.night.site)]
    spare = (lines - len(sites) - len(telescopes)) // max(1, len(telescopes))
    names = _labels(telescopes, (_LONGEST_LABEL if width >= _WIDE else _SHORT_LABEL) - 1)
    label = 1 + max(map(len, (*names.values(), *(site[0].night.site for site in sites))), default=0)
    text = Text(no_wrap=True)
    for site in sites:
        keys = {telescope.telescope for telescope in site}
        scale = _scale(site[0], [step for step in course if step.block.telescope in keys], width - label)
        hours = Text(f"{clean(site[0].night.site, label - 1):<{label}}{scale.hours(now)}\n", GREY)
        hours.highlight_regex("▼(now)?", f"bold {VERMILION}")
        text.append_text(hours)
        for telescope in site:
            mine = [step for step in course if step.block.telescope == telescope.telescope]
            text.append(f"{names[telescope.telescope]:<{label}}", "bold")
            text.append_text(_bar(mine, telescope, scale, now, chosen)).append("\n")
            text.append_text(_names(mine, scale, label, max(0, min(spare, _MOST_NAME_LINES))))
    return text


def telescope_name(telescope: TelescopeNight, width: int) -> str:
    """Return the name of a telescope, or its key where that is too long."""
    name = clean(telescope.name)
    return name if name and len(name) <= width else clean(telescope.telescope, width)


def _labels(telescopes: Sequence[TelescopeNight], width: int) -> dict[str, str]:
    """Return the names of telescopes by their keys; the keys themselves for all if one name is too long."""
    names = {telescope.telescope: clean(telescope.name) for telescope in telescopes}
    if all(name and len(name) <= width for name in names.values()):
        return names
    return {key: clean(key, width) for key in names}


def _scale(telescope: TelescopeNight, course: Sequence[Step], width: int) -> NightScale:
    """Return a scale from sunset to sunrise, or further if a block lies outside."""
    night = telescope.night
    first = min([datetime.fromisoformat(night.sunset), *(step.start for step in course)])
    last = max([datetime.fromisoformat(night.sunrise), *(step.end for step in course)])
    return NightScale(first, last, max(1, width), night.timezone)


def _bar(
    course: Sequence[Step], telescope: TelescopeNight, scale: NightScale, now: datetime, chosen: str | None
) -> Text:
    cells = [_sky(telescope, scale.middle(cell)) for cell in range(scale.width)]
    for step in course:
        first, last = _cells(step, scale)
        sign, _, colour = sign_of(step)
        style = _CHOSEN if step.key == chosen else f"{BLOCK_INK} on {colour}"
        caption = sign + _caption(step, last - first - len(sign))
        for cell, character in enumerate(caption.ljust(last - first, _FILL), first):
            cells[cell] = (character, style)
    if scale.holds(now):
        cell = int(scale.position(now))
        character, style = cells[cell]
        if character in (_FILL, " ", *(sign for sign, _, _ in (TWILIGHT, MOON_UP, CLOSED))):
            cells[cell] = (_NOW_LINE, f"bold {VERMILION}" if " on " not in style else style)
    return Text.assemble(*cells)


def _sky(telescope: TelescopeNight, moment: datetime) -> tuple[str, str]:
    """Return sign and style of what is behind the blocks."""
    night = telescope.night
    if any(
        datetime.fromisoformat(closure.start) <= moment < datetime.fromisoformat(closure.end)
        for closure in telescope.closures
    ):
        return CLOSED[0], CLOSED[2]
    if not datetime.fromisoformat(night.dusk) <= moment < datetime.fromisoformat(night.dawn):
        return TWILIGHT[0], TWILIGHT[2]
    return (MOON_UP[0], MOON_UP[2]) if moon_is_up(night, moment) else (" ", "")


def _cells(step: Step, scale: NightScale) -> tuple[int, int]:
    """Return the first cell of a block and the one behind it: one at least."""
    first = min(scale.width - 1, max(0, round(scale.position(step.start))))
    return first, max(first + 1, min(scale.width, round(scale.position(step.end))))


def _caption(step: Step, room: int) -> str:
    """Return the name, or its end, by which people call it, or the number in the list: what fits."""
    name, number = clean(step.block.target), str(step.number)
    if len(name) <= room:
        return name
    if room >= _SHORTEST_TAIL and name.isascii():
        return name[-room:]
    return number if len(number) <= room else ""


def _names(course: Sequence[Step], scale: NightScale, label: int, lines: int) -> Text:
    """Write below the blocks the names that do not fit into them, where there is room."""
    rows = [Text(" " * label, no_wrap=True) for _ in range(lines)]
    for step in course:
        first, last = _cells(step, scale)
        name = clean(step.block.target, 24)
        if _caption(step, last - first - 1) == name:
            continue
        for row in rows:
            gap = label + first - row.cell_len
            if gap >= (row.cell_len > label) and label + first + 1 + len(name) <= label + scale.width:
                row.append(" " * gap).append(f"╰{name}", sign_of(step)[2])
                break
    return Text("\n").join(rows).append("\n") if rows else Text()
