"""Where a target is: its coordinates, and what the site sees of it tonight."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from textwrap import wrap

from rich.text import Text

from ampel_followup.exports.coordinates import declination, right_ascension
from ampel_followup.plan import NightSummary, RankedTarget
from ampel_followup.untrusted import clean
from ampel_followup_tui.coordinates import galactic
from ampel_followup_tui.glyphs import GREY, SKY_BLUE, VERMILION, airmass_bar
from ampel_followup_tui.instants import clock, zone
from ampel_followup_tui.panes.flow import flow

_LABEL = "airmass "
_SHORTEST_BAR, _LONGEST_BAR = 10, 72


def position(target: RankedTarget, separator: str = "   ") -> Text:
    """Write the position of a target in the three forms that observers use, `separator` after the first."""
    longitude, latitude = galactic(target.ra, target.dec)
    return Text.assemble(
        (f"{right_ascension(target.ra)} {declination(target.dec)}", "bold"),
        f"{separator}{target.ra:.5f} {target.dec:+.5f}",
        "   ",
        ("l ", GREY),
        f"{longitude:.1f}",
        (" b ", GREY),
        f"{latitude:+.1f}",
    )


def visibility(target: RankedTarget, night: NightSummary, now: datetime, width: int) -> Text:
    """
    Tell what the site sees of a target in the night.

    Parameters
    ----------
    target : RankedTarget
        The target.
    night : NightSummary
        The night; times are shown on its clock.
    now : datetime
        The present moment; it is marked on the bar if it is dark.
    width : int
        Room [characters].

    Returns
    -------
    Text
        When and how well, the airmass through the night with its hours, the Moon and the dark time.
    """
    seen = target.visibility
    text = _window(target, night, width)
    length = min(width - len(_LABEL), _LONGEST_BAR)
    bar = airmass_bar(seen.airmass, max(0, length))
    if length > _SHORTEST_BAR and not bar.isspace():
        indent = " " * len(_LABEL)
        text.append(f"{indent}{_hours(night, length)}\n", GREY)
        text.append(_LABEL, GREY)
        text.append(f"{bar}\n", SKY_BLUE)
        text.append(f"{indent}{_now_mark(night, now, length)}\n", VERMILION)
    text.append_text(_moon_and_sun(target, night, width))
    return text


def _window(target: RankedTarget, night: NightSummary, width: int) -> Text:
    """When it can be observed, or why it cannot."""
    seen, timezone = target.visibility, night.timezone
    if not seen.observable:
        reason = clean(seen.reason or "no reason was given")
        return flow([Text("not tonight", VERMILION), *map(Text, wrap(reason, width))], width)
    best = Text(f"best {clock(seen.best, timezone)} at airmass {seen.min_airmass:.2f}")
    window = Text(f"{clock(seen.start, timezone)} – {clock(seen.end, timezone)} local", "bold")
    return flow([Text.assemble(window, f" ({seen.hours:.1f} h)"), best], width)


def _moon_and_sun(target: RankedTarget, night: NightSummary, width: int) -> Text:
    """Write how far and how bright the Moon is, and when it is dark."""
    timezone, separation = night.timezone, target.visibility.moon_separation
    moon = ["Moon" if math.isnan(separation) else f"Moon {separation:.0f}° away"]
    moon.append(f"{100 * night.moon_illumination:.0f}% lit")
    if night.moon_rise:
        moon.append(f"rises {clock(night.moon_rise, timezone)}")
    if night.moon_set:
        moon.append(f"sets {clock(night.moon_set, timezone)}")
    sun = f"Sun sets {clock(night.sunset, timezone)}"
    dark = f"dark {clock(night.dusk, timezone)} – {clock(night.dawn, timezone)}"
    return flow(map(Text, moon), width).append_text(flow([Text(sun, GREY), Text(dark, GREY)], width))


def _hours(night: NightSummary, width: int) -> str:
    """Write full local hours where they fall between dusk and dawn."""
    dusk, dawn = datetime.fromisoformat(night.dusk), datetime.fromisoformat(night.dawn)
    local = dusk.astimezone(zone(night.timezone))
    hour = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    scale = [" "] * width
    last = -3
    while hour < dawn:
        cell = int((hour - dusk) / (dawn - dusk) * width)
        if last + 3 <= cell <= width - 2:
            scale[cell : cell + 2] = f"{hour:%H}"
            last = cell
        hour += timedelta(hours=1)
    return "".join(scale)


def _now_mark(night: NightSummary, now: datetime, width: int) -> str:
    dusk, dawn = datetime.fromisoformat(night.dusk), datetime.fromisoformat(night.dawn)
    if not dusk <= now < dawn:
        return ""
    cell = int((now - dusk) / (dawn - dusk) * width)
    mark = "▲ now"
    return " " * cell + mark if cell + len(mark) <= width else "now ▲".rjust(cell + 1)
