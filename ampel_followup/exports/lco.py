"""
Requests to Las Cumbres Observatory: a JSON list of request groups, each the body of a POST to ``/api/requestgroups/``.

A spectrum with FLOYDS on the 2 m telescopes (https://developers.lco.global, "RequestGroup"): lamp flat and arc, the
target, arc and lamp flat, within the useful time of tonight at the site of the plan.
"""

from __future__ import annotations

import json
from typing import Any

from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.short_names import ascii_line
from ampel_followup.exports.telescope import Extras, TelescopeTarget, telescope_targets
from ampel_followup.plan import NightPlan

#: The portal refuses longer names.
NAME_LENGTH = 50

#: Seconds, where the exposure is not known: what FLOYDS takes for a supernova of 18 mag.
DEFAULT_EXPOSURE = 1800.0

_INSTRUMENT, _SLIT = "2M0-FLOYDS-SCICAM", "slit_1.6as"
_LAMP_FLAT_S, _ARC_S = 50, 60


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the requests; ``proposal`` is empty unless given, and must be filled in before they are sent."""
    targets = telescope_targets(plan, entries, extras, NAME_LENGTH)
    groups = [request_group(plan, target, extras.proposal) for target in targets]
    return json.dumps(groups, indent=2, allow_nan=False) + "\n"


def request_group(plan: NightPlan, target: TelescopeTarget, proposal: str) -> dict[str, Any]:
    """Return the request of one target."""
    exposure = DEFAULT_EXPOSURE if target.exposure is None else target.exposure
    sequence = (("LAMP_FLAT", _LAMP_FLAT_S), ("ARC", _ARC_S), ("SPECTRUM", exposure),
                ("ARC", _ARC_S), ("LAMP_FLAT", _LAMP_FLAT_S))  # fmt: skip
    return {
        "name": target.name,
        "proposal": proposal,
        "ipp_value": 1.0,
        "operator": "SINGLE",
        "observation_type": "NORMAL",
        "requests": [
            {
                "configurations": [_configuration(target, kind, seconds) for kind, seconds in sequence],
                "windows": [
                    {
                        "start": _time(target.entry.start or plan.night.dusk),
                        "end": _time(target.entry.end or plan.night.dawn),
                    }
                ],
                "location": {"telescope_class": "2m0"},
                "observation_note": ascii_line(target.comment, 255),
            }
        ],
    }


def _configuration(target: TelescopeTarget, kind: str, seconds: float) -> dict[str, Any]:
    on_sky = kind == "SPECTRUM"
    return {
        "type": kind,
        "instrument_type": _INSTRUMENT,
        "constraints": {"max_airmass": 2.0, "min_lunar_distance": 30.0},
        "target": {
            "name": target.name,
            "type": "ICRS",
            "ra": target.entry.ra,
            "dec": target.entry.dec,
            "epoch": 2000.0,
        },
        "acquisition_config": {"mode": "WCS"} if on_sky else {"mode": "OFF"},
        "guiding_config": {"mode": "ON" if on_sky else "OFF", "optional": False},
        "instrument_configs": [
            {
                "exposure_time": seconds,
                "exposure_count": target.n_exposures if on_sky else 1,
                "rotator_mode": "VFLOAT",
                "optical_elements": {"slit": _SLIT},
            }
        ],
    }


def _time(iso: str) -> str:
    """Return UTC as the portal writes it, without the letters."""
    return iso.replace("T", " ").removesuffix("Z")
