"""
Output of Lasair's filters for LSST: records with a light curve inside become packets of LSST, with Sherlock's context.

A record has flat fields as its filter selects them, of which ``diaObjectId`` is always there, and the light curve under
``alert`` where the filter was asked for it (https://lasair.readthedocs.io). Sherlock is Lasair's catalogue match (Young
2023, https://github.com/thespacedoctor/sherlock).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ampel_followup.alerts.packet import NotUsableError
from ampel_followup.alerts.values import integer, number
from ampel_followup.surroundings import AROUND_A_HOST, SHERLOCK
from ampel_followup.survey_names import tns_number

#: Field that every record has.
OBJECT = "diaObjectId"

#: Where a record has its points, beside where packets of LSST have them.
_LISTS = {
    "prvDiaSources": "diaSourcesList",
    "prvDiaForcedSources": "diaForcedSourcesList",
    "prvDiaNondetectionLimits": "diaNondetectionLimitsList",
}

#: What is known of the host, as `ampel_followup.alerts.lsst.CONTEXT_FIELDS` reads it, and the fields of a record.
_OF_THE_HOST = {
    "hostgal_zspec": "z",
    "hostgal_zphot": "photoZ",
    "hostgal_zphot_err": "photoZErr",
    "hostgal_snsep": "separationArcsec",
    "physical_separation_kpc": "physical_separation_kpc",
}


def as_packet(record: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a record of Lasair in the shape of a packet of LSST.

    Parameters
    ----------
    record : mapping
        As decoded from JSON.

    Returns
    -------
    dict
        With ``diaSource`` (the latest), ``prvDiaSources``, ``prvDiaForcedSources``, ``prvDiaNondetectionLimits`` and
        ``diaObject``, to which Sherlock's context is added.

    Raises
    ------
    NotUsableError
        If it is no such record, or has no light curve.
    """
    if record.get(OBJECT) is None:
        raise NotUsableError("not an alert", f"it lacks {OBJECT}, which every record of a Lasair filter has")
    alert = record.get("alert")
    if alert is None:
        detail = f"{record[OBJECT]}: its filter was not asked for light curves"
        raise NotUsableError("Lasair record without a light curve", detail, sound=True)
    if not isinstance(alert, Mapping):
        raise NotUsableError("not an alert", f"its alert is no record but {type(alert).__name__}")
    try:
        lists = {field: _points(alert, name) for field, name in _LISTS.items()}
        sources = sorted(lists.pop("prvDiaSources"), key=_source_order)
        about = alert.get("diaObject")
        if not (about is None or isinstance(about, Mapping)):
            raise TypeError("its diaObject is no record")
        if not sources:
            detail = f"{record[OBJECT]}: its alert has no diaSourcesList"
            raise NotUsableError("Lasair record without a light curve", detail, sound=True)
        return {
            OBJECT: record[OBJECT],
            "diaSource": {**sources[-1], OBJECT: record[OBJECT]},
            "prvDiaSources": sources[:-1],
            # Their numbers, by which they are known for what they are, are not always kept.
            "prvDiaForcedSources": [{"diaForcedSourceId": 0, **point} for point in lists["prvDiaForcedSources"]],
            "prvDiaNondetectionLimits": lists["prvDiaNondetectionLimits"],
            "diaObject": {**(about or {}), **_context(record)},
        }
    except TypeError as error:
        raise NotUsableError("unusable value", f"{record[OBJECT]}: {error}; the record is damaged") from None


def _points(alert: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    points = alert.get(name) or ()
    if not (isinstance(points, list | tuple) and all(isinstance(point, Mapping) for point in points)):
        raise TypeError(f"its {name} is no list of points")
    return points


def _source_order(point: Mapping[str, Any]) -> tuple[float, int]:
    time = number(point.get("midpointMjdTai"), "midpointMjdTai")
    return time if time == time else -math.inf, integer(point.get("diaSourceId"), "diaSourceId")


def _context(record: Mapping[str, Any]) -> dict[str, float]:
    """Return what Lasair and Sherlock say of the place; what is not known is left out, and stays as in the alert."""
    near = _sherlock(record.get("sherlock_classifications"))
    names = {"nDiaSources": "nDiaSources", "firstDiaSourceMjdTai": "firstDiaSourceMjdTai", "mwebv": "ebv"}
    names |= {"distance": "distance", "absMag": "absMag"}
    # Distances from stars are no distances from a host.
    names |= _OF_THE_HOST if near is None or SHERLOCK[near] in AROUND_A_HOST else {}
    found = {field: number(record.get(name), name) for field, name in names.items()}
    direct = number(record.get("direct_distance"), "direct_distance")
    if direct > 0.0:
        found["distance"] = direct
    found["sherlock"] = math.nan if near is None else float(near)
    name = record.get("tns_name")
    if not (name is None or isinstance(name, str)):
        raise TypeError(f"tns_name = {name!r} is no name")
    found["tns"] = tns_number(name or "")
    return {field: value for field, value in found.items() if math.isfinite(value)}


def _sherlock(text: object) -> int | None:
    """Return the number of Sherlock's class; None where there is none that is known."""
    if not (text is None or isinstance(text, str)):
        raise TypeError(f"sherlock_classifications = {text!r} is no class")
    words = (text or "").replace("/", " ").replace(",", " ").upper().split()
    return next((SHERLOCK.index(word) for word in words if word in SHERLOCK), None)
