"""Why a target cannot be observed tonight, in words and with the numbers."""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from ampel_followup.observing.airmass import airmass
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.night import Night
from ampel_followup.observing.season import nights_until_observable


def explain(
    *,
    known: NDArray[np.bool_],
    observable: NDArray[np.bool_],
    stars: NDArray[np.float64],
    sine: NDArray[np.float64],
    hours: NDArray[np.float64],
    hours_high: NDArray[np.float64],
    moon_separation: NDArray[np.float64],
    night: Night,
    limits: ObservingLimits,
) -> list[str | None]:
    """
    Give the reason of each target that is not observable.

    Parameters
    ----------
    known, observable : ndarray of bool, shape (n,)
        Whether the position is known; whether the target can be observed.
    stars : ndarray, shape (n, 3)
        Directions in the CIRS.
    sine : ndarray, shape (n, t)
        Sine of the altitude at the night's times.
    hours, hours_high : ndarray, shape (n,)
        Time within all limits, and within those of altitude and airmass alone [h].
    moon_separation : ndarray, shape (n,)
        Least angle to the risen Moon while the target is high enough [deg].
    night : Night
    limits : ObservingLimits

    Returns
    -------
    list of (str or None), length n
        None for what is observable.
    """
    reasons: list[str | None] = [None] * len(known)
    for i in np.flatnonzero(~known):
        reasons[i] = "no position"

    failed = np.flatnonzero(known & ~observable)
    stars, sine = stars[failed], sine[failed]
    ra = np.degrees(np.arctan2(stars[:, 1], stars[:, 0]))
    dec = np.degrees(np.arctan2(stars[:, 2], np.hypot(stars[:, 0], stars[:, 1])))
    culmination = 90.0 - np.abs(dec - night.site.latitude)
    highest = np.degrees(np.arcsin(np.clip(sine.max(axis=1), -1.0, 1.0)))
    lowest_altitude = limits.lowest_altitude
    high_long_enough = hours_high[failed] >= limits.min_hours
    out_of_season = (culmination > lowest_altitude) & ~((highest >= lowest_altitude) & high_long_enough)
    wait = np.zeros(len(failed), dtype=np.int64)
    wait[out_of_season] = nights_until_observable(
        ra[out_of_season], dec[out_of_season], night, lowest_altitude, limits.min_hours
    )

    for k, i in enumerate(failed):
        if culmination[k] < 0.0:
            reason = f"never rises at {night.site.name} (highest altitude {_degrees(culmination[k])})"
        elif culmination[k] <= lowest_altitude:
            reason = f"never {_too_low(culmination[k], limits, 'above', 'below', f' at {night.site.name}')}"
        elif highest[k] < 0.0:
            reason = f"below the horizon all night (highest altitude {_degrees(highest[k])})"
        elif highest[k] < lowest_altitude:
            reason = _too_low(highest[k], limits, "below", "above", " all night")
        elif high_long_enough[k]:
            separation = _distinct(float(moon_separation[i]), limits.min_moon_separation, 0)
            reason = f"{separation}° from the Moon (limit {limits.min_moon_separation:g}°)"
        else:
            reason = f"within the limits for {60.0 * hours[i]:.0f} min only ({60.0 * limits.min_hours:.0f} min wanted)"
        if wait[k]:
            reason += f"; observable again from {night.date + dt.timedelta(days=int(wait[k]))}"
        reasons[i] = reason
    return reasons


def _too_low(highest: float, limits: ObservingLimits, altitude_side: str, airmass_side: str, where: str) -> str:
    """Name the stricter of the two limits, on which side of it the target is, and how near it comes."""
    if limits.min_altitude >= limits.lowest_altitude:
        nearest = _distinct(highest, limits.min_altitude, 0)
        return f"{altitude_side} {limits.min_altitude:g}° altitude{where} (highest {nearest}°)"
    nearest = _distinct(float(airmass(highest)), limits.max_airmass, 2)
    return f"{airmass_side} airmass {limits.max_airmass:g}{where} (least {nearest})"


def _distinct(value: float, limit: float, digits: int) -> str:
    """Round to `digits`, or as many more as it takes not to look like the limit itself."""
    for more in range(4):
        text = f"{value:.{digits + more}f}"
        if float(text) != limit:
            break
    return text


def _degrees(angle: float) -> str:
    return f"{angle:.0f}°".replace("-", "−")
