"""Small LSST packets, made as the survey writes them: for tests that need no data."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import fastavro

from ampel_followup.alerts.writer_schemas import packaged_schemas

OBJECT = 170028485706776685
MJD = 61100.1
SECOND = 1.0 / 86400.0


def source(day: float, number: int, flux: float = 5000.0, band: str = "r", **changes: Any) -> dict[str, Any]:
    """Return a DIA source of schema 7 and later, 10 sigma by default."""
    values: dict[str, Any] = {
        "diaSourceId": number,
        "visit": 2026030500000 + number % 1000,
        "detector": 42,
        "diaObjectId": OBJECT,
        "midpointMjdTai": MJD + day,
        "band": band,
        "ra": 63.35,
        "dec": -47.18,
        "psfFlux": flux,
        "psfFluxErr": 500.0,
        "snr": abs(flux) / 500.0,
        "reliability": 0.875,
    }
    return values | changes


def forced(day: float, flux: float, band: str = "r", **changes: Any) -> dict[str, Any]:
    """Return a forced source, at the place of the object."""
    number = int(1000 * (day + 500)) + 1
    values: dict[str, Any] = {
        "diaForcedSourceId": number,
        "diaObjectId": OBJECT,
        "visit": 2026030500000 + number % 1000,
        "detector": 42,
        "midpointMjdTai": MJD + day,
        "band": band,
        "ra": 63.35001,
        "dec": -47.18001,
        "psfFlux": flux,
        "psfFluxErr": 500.0,
    }
    return values | changes


def alert(
    trigger: dict[str, Any],
    previous: Sequence[dict[str, Any]] | None = None,
    forced_sources: Sequence[dict[str, Any]] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Return a packet with a DIA object."""
    dia_object = {"diaObjectId": trigger["diaObjectId"], "ra": 63.35, "dec": -47.18, "nDiaSources": 3}
    values: dict[str, Any] = {
        "diaSourceId": trigger["diaSourceId"],
        "diaSource": trigger,
        "prvDiaSources": None if previous is None else list(previous),
        "prvDiaForcedSources": None if forced_sources is None else list(forced_sources),
        "diaObject": dia_object,
    }
    return values | changes


def alerts_of(object_id: int, ra: float, rise: float) -> list[dict[str, Any]]:
    """Return the alerts of one object that brightens in g, r and i, with limits before."""
    sources = [
        source(day, object_id + 1000 * (place + 1), flux=2600.0 + rise * day, band="gri"[place % 3], ra=ra,
               diaObjectId=object_id)
        for place, day in enumerate([0.7 * step for step in range(9)])
    ]  # fmt: skip
    limits = [forced(day - 9.0, 400.0, band="gri"[day % 3], diaObjectId=object_id) for day in range(9)]
    about = {"diaObjectId": object_id, "ra": ra, "dec": -47.18, "firstDiaSourceMjdTai": MJD}
    return [
        alert(one, sources[:place], limits, diaObject=about | {"nDiaSources": place + 1})
        for place, one in enumerate(sources)
        if place >= 5
    ]


def old_names(point: dict[str, Any]) -> dict[str, Any]:
    """Return a point under the names of ELAsTiCC's schema."""
    names = {
        "midpointMjdTai": "midPointTai",
        "psfFlux": "psFlux",
        "psfFluxErr": "psFluxErr",
        "band": "filterName",
        "dec": "decl",
        "visit": "ccdVisitId",
    }
    return {names.get(key, key): "Y" if value == "y" else value for key, value in point.items()}


def complete(record: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Fill in what a schema demands and a short record lacks, so that it can be written."""
    return _filled(record, schema, {})


def _filled(value: Any, schema: Any, named: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return None if value is None else _filled(value, next(kind for kind in schema if kind != "null"), named)
    if isinstance(schema, str) and schema not in named:
        zero = {"string": "", "bytes": b"", "boolean": False, "long": 0, "int": 0}.get(schema, 0.0)
        return zero if value is None else value
    definition = named[schema] if isinstance(schema, str) else schema
    if definition["type"] == "record":
        named[definition["name"]] = definition
        given = value or {}
        return {
            field["name"]: _filled(given.get(field["name"]), field["type"], named) for field in definition["fields"]
        }
    if definition["type"] == "array":
        return [_filled(item, definition["items"], named) for item in value or ()]
    return 0 if value is None else value


def bare(record: dict[str, Any], schema: str) -> bytes:
    """Return a packet without its schema, as one of the packaged ones writes it."""
    parsed = packaged_schemas()[schema]
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, parsed, complete(record, parsed))
    return buffer.getvalue()


def wire(record: dict[str, Any], schema: str, number: int = 0) -> bytes:
    """Return a packet as Kafka has it."""
    return b"\0" + number.to_bytes(4) + bare(record, schema)


def container(records: Sequence[dict[str, Any]], schema: str = "lsst.v10_0", **options: Any) -> bytes:
    """Return an Avro container with packets."""
    parsed = packaged_schemas()[schema]
    buffer = io.BytesIO()
    fastavro.writer(buffer, parsed, [complete(record, parsed) for record in records], **options)
    return buffer.getvalue()
