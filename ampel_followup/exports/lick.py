"""
Star list of Lick Observatory (Shane 3 m, Nickel 1 m), as its program ``coords`` reads it.

The first line says what the columns are (https://mthamilton.ucolick.org/techdocs/telescopes/starlistFormat.html).
"""

from __future__ import annotations

from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.telescope import Extras, spaced, telescope_targets
from ampel_followup.plan import NightPlan

NAME_LENGTH = 20

HEADER = "!Data {name %20} ra_h ra_m ra_s dec_d dec_m dec_s equinox {comment *}"


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the list; offset stars follow their target, with the move to it in the comment [arcsec]."""
    lines = [HEADER]
    for target in telescope_targets(plan, entries, extras, NAME_LENGTH):
        lines.append(f"{target.name:<20} {spaced(target.entry.ra, target.entry.dec)} 2000 {target.comment}")
        lines += [
            f"{star.name:<20} {spaced(star.star.ra, star.star.dec)} 2000 {star.comment}; "
            f"to the target {star.east:+.2f} E {star.north:+.2f} N"
            for star in target.offset_stars
        ]
    return "\n".join(lines) + "\n"
