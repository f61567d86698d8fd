"""
Target list of the 200-inch telescope at Palomar (DBSP and other classical instruments).

Name without blanks, position, equinox; what follows ``!`` is a comment. Offset stars follow their target; the format
has no columns for offsets, so that they are in the comment.
"""

from __future__ import annotations

from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.telescope import Extras, spaced, telescope_targets
from ampel_followup.plan import NightPlan

NAME_LENGTH = 20


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the list."""
    lines = []
    for target in telescope_targets(plan, entries, extras, NAME_LENGTH):
        lines.append(f"{target.name:<20} {spaced(target.entry.ra, target.entry.dec)} 2000.0 ! {target.comment}")
        lines += [
            f"{star.name:<20} {spaced(star.star.ra, star.star.dec)} 2000.0 ! {star.comment}; "
            f"to the target {_towards(star.east, 'E', 'W')} {_towards(star.north, 'N', 'S')}"
            for star in target.offset_stars
        ]
    return "".join(f"{line}\n" for line in lines)


def _towards(arcsec: float, positive: str, negative: str) -> str:
    return f'{abs(arcsec):.2f}" {positive if arcsec >= 0 else negative}'
