"""Regions for SAOImage DS9: a circle per target, dashed where it cannot be observed; offset stars in yellow."""

from __future__ import annotations

from ampel_followup.decision import Verdict
from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.short_names import ascii_line
from ampel_followup.exports.telescope import Extras, telescope_targets
from ampel_followup.plan import NightPlan

#: No limit of DS9's: names are shown whole.
NAME_LENGTH = 80

#: Of the circles [arcsec].
_RADIUS = 5

_COLOURS = {Verdict.APPROVE.value: "green", Verdict.REJECT.value: "red"}


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the regions: green approved, red rejected, cyan the others."""
    lines = ["# Region file format: DS9 version 4.1", "icrs"]
    for target in telescope_targets(plan, entries, extras, NAME_LENGTH):
        entry = target.entry
        dash = "" if entry.start else " dash=1"
        lines.append(
            _circle(entry.ra, entry.dec, _COLOURS.get(entry.verdict, "cyan"), f"{entry.rank} {entry.id}", dash)
        )
        lines += [_circle(star.star.ra, star.star.dec, "yellow", star.name, "") for star in target.offset_stars]
    return "\n".join(lines) + "\n"


def _circle(ra: float, dec: float, colour: str, text: str, more: str) -> str:
    # Braces end a text.
    label = ascii_line(text).translate({ord(c): "_" for c in "{}"})
    return f'circle({ra:.7f},{dec:.7f},{_RADIUS}") # color={colour}{more} text={{{label}}}'
