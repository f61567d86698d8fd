"""
Requests to the SED Machine at the Palomar 60-inch: a JSON list, each in the form of the GROWTH and Fritz marshals.

``sourceid`` has at most 26 characters. The queue chooses exposures by itself from ``prior_photometry``. ``email``,
``username`` and ``requestid`` are whoever's sends the requests, and empty here.
"""

from __future__ import annotations

import json
import math
from typing import Any

from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.priorities import steps
from ampel_followup.exports.telescope import Extras, TelescopeTarget, telescope_targets
from ampel_followup.plan import NightPlan

NAME_LENGTH = 26

_MJD_OFFSET = 2400000.5


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the requests for spectra with the integral-field unit; priority 1 to 5, 5 is the most urgent."""
    targets = telescope_targets(plan, entries, extras, NAME_LENGTH)
    requests = [
        _request(plan, target, priority, extras.proposal)
        for target, priority in zip(targets, steps(len(targets)), strict=True)
    ]
    return json.dumps(requests, indent=2, allow_nan=False) + "\n"


def _request(plan: NightPlan, target: TelescopeTarget, priority: int, programme: str) -> dict[str, Any]:
    return {
        "Filters": "",
        "Followup": "IFU",
        "email": "",
        "username": "",
        "requestid": "",
        "programname": programme,
        "status": "new",
        "sourceid": target.name,
        "sourcename": target.name,
        "ra": target.entry.ra,
        "dec": target.entry.dec,
        "priority": priority,
        "startdate": plan.night.dusk[:10],
        "enddate": plan.night.dawn[:10],
        "prior_photometry": _photometry(target),
    }


def _photometry(target: TelescopeTarget) -> dict[str, Any]:
    """Return the last magnitude; the queue knows bands by their last letter."""
    entry, last_mjd = target.entry, target.target.photometry.last_mjd
    if not (entry.last_band and math.isfinite(entry.last_mag) and math.isfinite(last_mjd)):
        return {}
    return {entry.last_band[-1]: {"jd": round(last_mjd + _MJD_OFFSET, 5), "mag": entry.last_mag}}
