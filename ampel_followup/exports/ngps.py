"""
Target list of the Next Generation Palomar Spectrograph at the 200-inch telescope: CSV with the columns of its planner.

``OFFSET_RA`` and ``OFFSET_DEC`` [arcsec] are the move from the first offset star to the target; the row then points at
the star. Without one they are empty, and the row points at the target. Slit and binning are defaults for whoever
observes to change; an exposure that is not known is left to the exposure calculator (``SNR 5``).
"""

from __future__ import annotations

import csv
import io
import math

from ampel_followup.exports.coordinates import declination, right_ascension
from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.telescope import Extras, TelescopeTarget, telescope_targets
from ampel_followup.plan import NightPlan

NAME_LENGTH = 20

COLUMNS = (
    "NAME", "RA", "DECL", "OFFSET_RA", "OFFSET_DEC", "COMMENT", "PRIORITY", "BINSPAT", "BINSPECT", "SLITANGLE",
    "SLITWIDTH", "AIRMASS_MAX", "WRANGE_LOW", "WRANGE_HIGH", "CHANNEL", "MAGNITUDE", "MAGFILTER", "EXPTIME", "NEXP",
)  # fmt: skip

#: Binned 2 × 2, slit of 1″ at the parallactic angle, up to airmass 2; signal-to-noise at 600 to 650 nm, R channel.
_BINSPAT, _BINSPECT, _SLITANGLE, _SLITWIDTH, _AIRMASS = 2, 2, "PA", "SET 1", 2
_RANGE, _CHANNEL = (600, 650), "R"


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the list; PRIORITY counts from 1, the first to observe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for place, target in enumerate(telescope_targets(plan, entries, extras, NAME_LENGTH), 1):
        writer.writerow(_row(place, target))
    return out.getvalue()


def _row(place: int, target: TelescopeTarget) -> tuple[object, ...]:
    entry = target.entry
    ra, dec, east, north = entry.ra, entry.dec, "", ""
    if target.offset_stars:
        first = target.offset_stars[0]
        ra, dec, east, north = first.star.ra, first.star.dec, f"{first.east:.2f}", f"{first.north:.2f}"
    return (
        target.name, right_ascension(ra), declination(dec), east, north, target.comment.replace(",", ";"), place,
        _BINSPAT, _BINSPECT, _SLITANGLE, _SLITWIDTH, _AIRMASS, *_RANGE, _CHANNEL,
        f"{entry.last_mag:.2f}" if math.isfinite(entry.last_mag) else "", entry.last_band[-1:].upper(),
        "SNR 5" if target.exposure is None else f"SET {target.exposure:.0f}", target.n_exposures,
    )  # fmt: skip
