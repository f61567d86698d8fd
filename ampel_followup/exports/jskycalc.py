"""Object list of JSkyCalc (Thorstensen): name without blanks, position, equinox."""

from __future__ import annotations

from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.telescope import Extras, spaced, telescope_targets
from ampel_followup.plan import NightPlan

NAME_LENGTH = 20


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the list."""
    targets = telescope_targets(plan, entries, extras, NAME_LENGTH)
    return "".join(f"{t.name:<20} {spaced(t.entry.ra, t.entry.dec)} 2000\n" for t in targets)
