"""The points of a light curve as they are drawn, in magnitude or in flux; plain Python, a few hundred points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ampel_followup.store import StoredLightCurve

_ZERO_POINT = 23.9
_MAG_PER_RELATIVE_FLUX = 2.5 / math.log(10.0)
_LIMIT_SIGMA = 5.0

# Limits from long before the first detection say nothing about the rise [d].
_LIMITS_BEFORE = 20.0


@dataclass(frozen=True, slots=True)
class Point:
    """
    One point of the picture.

    Parameters
    ----------
    time : float
        MJD, UTC [d].
    band : str
        Name of the band.
    value, low, high : float
        What is drawn and the ends of its error bar [mag, or µJy]; for a limit all three are the limit.
    limit : bool
        True if nothing was detected.
    """

    time: float
    band: str
    value: float
    low: float
    high: float
    limit: bool


def points(curve: StoredLightCurve, *, in_flux: bool) -> list[Point]:
    """
    Return what can be drawn of a light curve.

    Parameters
    ----------
    curve : StoredLightCurve
        Fluxes in µJy, signed (AB, zero point 23.9).
    in_flux : bool
        True for fluxes [µJy]; False for magnitudes, where negative differences have no place and are left out.

    Returns
    -------
    list of Point
        In time order; limits only from 20 days before the first detection on.
    """
    detected = [time for time, limit in zip(curve.time, curve.upper_limit, strict=True) if not limit]
    earliest = min(detected) - _LIMITS_BEFORE if detected else -math.inf
    drawn = []
    for time, band, flux, flux_err, limit in zip(
        curve.time, curve.band, curve.flux, curve.flux_err, curve.upper_limit, strict=True
    ):
        if time < earliest:
            continue
        value = _LIMIT_SIGMA * flux_err if limit else flux
        if in_flux:
            spread = 0.0 if limit else flux_err
            drawn.append(Point(time, band, value, value - spread, value + spread, bool(limit)))
        elif value > 0:
            magnitude = _ZERO_POINT - 2.5 * math.log10(value)
            spread = 0.0 if limit else _MAG_PER_RELATIVE_FLUX * flux_err / value
            drawn.append(Point(time, band, magnitude, magnitude - spread, magnitude + spread, bool(limit)))
    return drawn


def n_negative(curve: StoredLightCurve) -> int:
    """Count the detections that are fainter than the reference image."""
    return sum(flux <= 0 and not limit for flux, limit in zip(curve.flux, curve.upper_limit, strict=True))


def best_in_flux(curve: StoredLightCurve) -> bool:
    """Return whether magnitudes would hide most of what was detected."""
    n_detected = len(curve.time) - sum(map(bool, curve.upper_limit))
    return 2 * n_negative(curve) > n_detected
