"""
Star list of the W. M. Keck Observatory.

Name in columns 1 to 15, right ascension from column 17, sexagesimal without colons, ``-00`` for −1° < δ < 0°, equinox,
then ``keyword=value`` without blanks (https://www2.keck.hawaii.edu/observing/starlist.html). Offset stars follow their
target, with the move from the star to the target in ``raoffset`` and ``decoffset`` [arcsec].
"""

from __future__ import annotations

from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.telescope import Extras, spaced, telescope_targets
from ampel_followup.plan import NightPlan

NAME_LENGTH = 15


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the list; what follows ``#`` is for people."""
    lines = [f"# {plan.night.date}, {len(entries)} targets"]
    for target in telescope_targets(plan, entries, extras, NAME_LENGTH):
        times = f"{target.n_exposures} x " if target.n_exposures > 1 else ""
        exposure = "" if target.exposure is None else f"; {times}{target.exposure:.0f} s"
        lines.append(
            f"{target.name:<15} {spaced(target.entry.ra, target.entry.dec)} 2000.0 # {target.comment}{exposure}"
        )
        lines += [
            f"{star.name:<15} {spaced(star.star.ra, star.star.dec)} 2000.0 "
            f"raoffset={star.east:.2f} decoffset={star.north:.2f} # {star.comment}"
            for star in target.offset_stars
        ]
    return "\n".join(lines) + "\n"
