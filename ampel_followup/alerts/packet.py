"""One alert packet of any survey that is read: what makes it one, and where it has its points and cutouts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ampel_followup.alerts.surveys import LSST, SURVEYS, ZTF, Survey
from ampel_followup.alerts.values import integer, is_rounded

#: What a candidate of ZTF must have, if only as a null, to be photometry.
CANDIDATE_FIELDS = ("jd", "fid", "magpsf", "sigmapsf", "isdiffpos", "ra", "dec")

#: Where packets of LSST have their points besides ``diaSource``.
LSST_LISTS = ("prvDiaSources", "prvDiaForcedSources", "prvDiaNondetectionLimits")

#: Where a packet has its cutouts: the bytes of a file (LSST), or a record with them (ZTF).
CUTOUT_FIELDS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")


@dataclass(frozen=True, slots=True)
class Packet:
    """
    One alert packet.

    Parameters
    ----------
    survey : Survey
        Whose it is.
    object_id : str
        Survey name of the object.
    candid : int
        Number of the alert.
    candidates : tuple of mapping
        Its points, as in the packet, the triggering one first: ``candidate`` and then ``prv_candidates`` of ZTF; of
        LSST ``diaSource``, ``prvDiaSources``, ``prvDiaForcedSources``, ``prvDiaNondetectionLimits`` and ``diaObject``.
    source, member : str
        The file, and the place in it; member is empty if the file is the packet.
    data : bytes or None
        The packet (or the block of packets) as it was read; None for the row of a table.
    cutouts : tuple of (bytes or None)
        Files in FITS, gzipped or not, in the order of `ampel_followup.cutouts.NAMES`; None for what is missing.
    record : mapping
        The packet as it was decoded.
    """

    survey: Survey
    object_id: str
    candid: int
    candidates: tuple[Mapping[str, Any], ...]
    source: str
    member: str
    data: bytes | None
    cutouts: tuple[bytes | None, ...]
    record: Mapping[str, Any]


class NotUsableError(Exception):
    """A record that is no alert, or one of what is not ranked; with the reason for the quarantine."""

    def __init__(self, reason: str, detail: str, *, sound: bool = False) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail
        #: True: nothing is wrong with it, and no copy is kept.
        self.sound = sound


def survey_of(fields: Iterable[str]) -> Survey | None:
    """Return the survey whose packets have such fields; None if it is no survey's that is read."""
    known = set(fields)
    return next((survey for survey in SURVEYS if known.issuperset(survey.packet_fields)), None)


def lacking(fields: Iterable[str]) -> str:
    """Say in words which fields are missing for a packet of each survey."""
    known = set(fields)
    return " or ".join(
        f"{', '.join(name for name in survey.packet_fields if name not in known)} ({survey.name})" for survey in SURVEYS
    )


def packet_of(record: Mapping[str, Any], source: str, member: str, data: bytes | None) -> Packet:
    """
    Take a decoded record for the packet that it is.

    Parameters
    ----------
    record : mapping
        As decoded.
    source, member : str
        As for `Packet`.
    data : bytes or None
        As for `Packet`.

    Returns
    -------
    Packet

    Raises
    ------
    NotUsableError
        If it lacks what makes an alert, or is one of what is not ranked.
    """
    survey = survey_of(record)
    if survey is None:
        raise NotUsableError("not an alert", f"it lacks {lacking(record)}")
    object_id, candid, candidates = (_of_ztf if survey is ZTF else _of_lsst)(record)
    stamps = tuple(_stamp(record.get(field)) for field in CUTOUT_FIELDS)
    return Packet(survey, object_id, candid, candidates, source, member, data, stamps, record)


def _of_ztf(record: Mapping[str, Any]) -> tuple[str, int, tuple[Mapping[str, Any], ...]]:
    object_id, candid, candidate = (record.get(field) for field in ZTF.packet_fields)
    if not (isinstance(object_id, str) and object_id and isinstance(candid, int) and isinstance(candidate, Mapping)):
        missing = [field for field in ZTF.packet_fields if not record.get(field)]
        if missing:
            raise NotUsableError("not an alert", f"it lacks {', '.join(missing)}")
        raise NotUsableError("not an alert", "objectId, candid or candidate is of the wrong type")
    if missing := [field for field in CANDIDATE_FIELDS if field not in candidate]:
        raise NotUsableError("not an alert", f"its candidate lacks {', '.join(missing)}")
    return object_id, candid, (candidate, *_list(record, "prv_candidates"))


def _of_lsst(record: Mapping[str, Any]) -> tuple[str, int, tuple[Mapping[str, Any], ...]]:
    source, dia_object = record.get("diaSource"), record.get("diaObject")
    if not isinstance(source, Mapping):
        raise NotUsableError("not an alert", "its diaSource is no record")
    if not (dia_object is None or isinstance(dia_object, Mapping)):
        raise NotUsableError("not an alert", "its diaObject is no record")
    previous = [_list(record, field) for field in LSST_LISTS]
    context = () if dia_object is None else (dia_object,)
    try:
        number = _dia_object_id((source, *context, record, *previous[0], *previous[1]))
        if number == 0:
            moving = integer(source.get("ssObjectId"), "ssObjectId")
            if dia_object is None or moving:
                which = f"ssObjectId {moving}" if moving else "without a diaObject"
                detail = f"{which}: a detection of what moves, which is not ranked"
                raise NotUsableError("solar-system detection", detail, sound=True)
            raise NotUsableError("not an alert", "it lacks diaObjectId")
        candid = integer(source.get("diaSourceId"), "diaSourceId") or integer(record.get("alertId"), "alertId")
    except TypeError as error:
        raise NotUsableError("unusable value", f"{error}; the packet is damaged") from None
    return str(number), candid, (source, *(point for points in previous for point in points), *context)


def _dia_object_id(places: Iterable[Mapping[str, Any]]) -> int:
    """
    Return the number of the object from the first of the places that has it, 0 without one.

    Raises
    ------
    NotUsableError
        If it is only there as a float that has lost its last digits: of which object it is cannot be told.
    """
    rounded: float | None = None
    for place in places:
        value = place.get("diaObjectId")
        if isinstance(value, float) and is_rounded(value):
            rounded = value
        elif number := integer(value, "diaObjectId"):
            if not LSST.stock(str(number)):
                raise TypeError(f"diaObjectId = {number} is not the number of an object")
            return number
    if rounded is not None:
        detail = f"diaObjectId = {rounded!r} was kept as a float, and its last digits are lost; keep it as an integer"
        raise NotUsableError("unusable value", detail)
    return 0


def _list(record: Mapping[str, Any], field: str) -> Sequence[Mapping[str, Any]]:
    """Return a list of points, empty where there is none."""
    points = record.get(field) or ()
    if not (isinstance(points, Sequence) and all(isinstance(point, Mapping) for point in points)):
        raise NotUsableError("not an alert", f"its {field} are no list of points")
    return points


def _stamp(cutout: object) -> bytes | None:
    """Return the file of a cutout; None without one."""
    stamp = cutout.get("stampData") if isinstance(cutout, Mapping) else cutout
    return stamp if isinstance(stamp, bytes) and stamp else None
