"""Light curves: of each object the newest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ampel_followup.errors import StoreError
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection
from ampel_followup.store.records import StoredLightCurve, pack_meta, pack_points, unpack_meta, unpack_points

if TYPE_CHECKING:
    from ampel_followup.lightcurve import LightCurve


def light_curve_rows(light_curves: Iterable[LightCurve]) -> list[dict[str, Any]]:
    """Return the rows of light curves."""
    return [_row(light_curve) for light_curve in light_curves]


def save(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Keep each light curve unless a newer one is there."""
    connection.execute_many(sql.PUT_LIGHT_CURVE, rows)


def load(connection: Connection, target: str, place: str, *, when_listed: bool = False) -> StoredLightCurve | None:
    """Return the light curve of an object, see `Store.light_curve`; `place` names the store in the message."""
    rows = connection.execute(sql.SELECT_LISTED_LIGHT_CURVE if when_listed else sql.SELECT_LIGHT_CURVE, {"id": target})
    if not rows:
        return None
    name, stock, ra, dec, meta, points = rows[0]
    try:
        columns = unpack_points(points)
    except ValueError as error:
        raise StoreError(
            f"the light curve of {name} in {place} cannot be read: {error}; `ampel-followup rank` replaces it"
        ) from error
    return StoredLightCurve(id=name, stock=stock, ra=ra, dec=dec, meta=unpack_meta(meta), **columns)


def _row(light_curve: LightCurve) -> dict[str, Any]:
    n_points = len(light_curve)
    return {
        "id": light_curve.id,
        "stock": light_curve.stock,
        "ra": light_curve.ra,
        "dec": light_curve.dec,
        "n_points": n_points,
        "last_mjd": float(light_curve.time[-1]) if n_points else 0.0,
        "meta": pack_meta(light_curve.meta),
        "points": pack_points(light_curve),
    }
