"""Input of STARALT, the visibility plots of the Isaac Newton Group: name, position, equinox; nothing else."""

from __future__ import annotations

from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.telescope import Extras, spaced, telescope_targets
from ampel_followup.plan import NightPlan

NAME_LENGTH = 20


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the list."""
    targets = telescope_targets(plan, entries, extras, NAME_LENGTH)
    return "".join(f"{t.name} {_hundredths(spaced(t.entry.ra, t.entry.dec))} J2000\n" for t in targets)


def _hundredths(position: str) -> str:
    """Cut the seconds of time to two decimals: the form takes no more."""
    hours, minutes, seconds, *rest = position.split()
    return " ".join((hours, minutes, seconds[:-1], *rest))
