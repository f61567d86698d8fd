"""Where a target is: its coordinates, and what the site sees of it tonight."""

from __future__ import annotations

import math
from datetime import datetime
from textwrap import wrap

from rich.text import Text

from ampel_followup.exports.coordinates import declination, right_ascension
from ampel_followup.plan import NightSummary, RankedTarget
from ampel_followup.untrusted import clean
from ampel_followup_tui.block_columns import exposure, magnitude, number
from ampel_followup_tui.coordinates import galactic
from ampel_followup_tui.course import Step
from ampel_followup_tui.glyphs import GREY, SKY_BLUE, VERMILION, airmass_bar
from ampel_followup_tui.instants import clock
from ampel_followup_tui.panes.flow import flow
from ampel_followup_tui.panes.night_scale import dark_scale
from ampel_followup_tui.panes.timeline import sign_of, telescope_name

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


def visibility(
    target: RankedTarget,
    night: NightSummary,
    now: datetime,
    width: int,
    *,
    scheduled: Step | None = None,
    bar: bool = True,
) -> Text:
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
    scheduled : Step, optional
        Its block in the schedule.
    bar : bool
        Draw the airmass as a bar; not where a picture shows it.

    Returns
    -------
    Text
        When it is scheduled, when and how well it is seen, the airmass through the night with its hours, the Moon and
        the dark time.
    """
    seen = target.visibility
    text = Text() if scheduled is None else _scheduled(scheduled, width)
    text.append_text(_window(target, night, width))
    length = min(width - len(_LABEL), _LONGEST_BAR)
    levels = airmass_bar(seen.airmass, max(0, length))
    if bar and length > _SHORTEST_BAR and not levels.isspace():
        indent, scale = " " * len(_LABEL), dark_scale(night, length)
        text.append(f"{indent}{scale.hours()}\n", GREY)
        text.append(_LABEL, GREY)
        text.append(f"{levels}\n", SKY_BLUE)
        text.append(f"{indent}{scale.now_mark(now)}\n", VERMILION)
    text.append_text(_moon_and_sun(target, night, width))
    return text


def _scheduled(step: Step, width: int) -> Text:
    """When, where and how long the schedule has it, and how bright it is then."""
    block, timezone = step.block, step.telescope.night.timezone
    sign, word, style = sign_of(step)
    pieces = [
        Text.assemble(
            (f"{sign} {word} ", style), (f"{clock(block.start, timezone)} – {clock(block.end, timezone)}", "bold")
        ),
        Text(telescope_name(step.telescope, 24)),
        Text(exposure(block)),
        Text(f"{magnitude(block)} mag tonight" if magnitude(block) else ""),
        Text(f"airmass {number(block.airmass, 2)}" if number(block.airmass, 2) else ""),
    ]
    return flow(filter(None, pieces), width)


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
