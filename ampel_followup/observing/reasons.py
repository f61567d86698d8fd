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
    stars: NDArray[np.float64],
    highest: NDArray[np.float64],
    hours: NDArray[np.float64],
    hours_high: NDArray[np.float64],
    moon_separation: NDArray[np.float64],
    night: Night,
    limits: ObservingLimits,
) -> list[str]:
    """
    Say why targets are not observable.

    Parameters
    ----------
    stars : ndarray, shape (n, 3)
        Directions in the CIRS.
    highest : ndarray, shape (n,)
        Highest altitude in the dark [deg].
    hours, hours_high : ndarray, shape (n,)
        Time within all limits, and within those of altitude and airmass alone [h].
    moon_separation : ndarray, shape (n,)
        Least angle to the risen Moon while the target is high enough [deg].
    night : Night
    limits : ObservingLimits

    Returns
    -------
    list of str, length n
    """
    ra = np.degrees(np.arctan2(stars[:, 1], stars[:, 0]))
    dec = np.degrees(np.arctan2(stars[:, 2], np.hypot(stars[:, 0], stars[:, 1])))
    culmination = 90.0 - np.abs(dec - night.site.latitude)
    lowest_altitude = limits.lowest_altitude
    high_enough = (highest >= lowest_altitude) & (hours_high >= limits.min_hours)
    out_of_season = (culmination > lowest_altitude) & ~high_enough
    wait = np.zeros(len(stars), dtype=np.int64)
    wait[out_of_season] = nights_until_observable(
        ra[out_of_season], dec[out_of_season], night, lowest_altitude, limits.min_hours
    )
    by_altitude = limits.min_altitude >= lowest_altitude
    limit = f"{limits.min_altitude:g}° altitude" if by_altitude else f"airmass {limits.max_airmass:g}"
    never, tonight = ("never above", "below") if by_altitude else ("never below", "above")

    def nearest(altitude: NDArray[np.float64]) -> list[str]:
        """How near to the stricter of the two limits each altitude comes."""
        if by_altitude:
            return [f"highest {_distinct(value, limits.min_altitude, 0)}°" for value in altitude.tolist()]
        return [f"least {_distinct(value, limits.max_airmass, 2)}" for value in airmass(altitude).tolist()]

    nearest_ever, nearest_tonight = nearest(culmination), nearest(highest)
    reasons = []
    for i in range(len(stars)):
        if culmination[i] < 0.0:
            reason = f"never rises at {night.site.name} (highest altitude {_degrees(culmination[i])})"
        elif culmination[i] <= lowest_altitude:
            reason = f"{never} {limit} at {night.site.name} ({nearest_ever[i]})"
        elif highest[i] < 0.0:
            reason = f"below the horizon all night (highest altitude {_degrees(highest[i])})"
        elif highest[i] < lowest_altitude:
            reason = f"{tonight} {limit} all night ({nearest_tonight[i]})"
        elif high_enough[i]:
            separation = _distinct(float(moon_separation[i]), limits.min_moon_separation, 0)
            reason = f"{separation}° from the Moon (limit {limits.min_moon_separation:g}°)"
        else:
            reason = f"within the limits for {int(60.0 * hours[i])} min only ({60.0 * limits.min_hours:.0f} min wanted)"
        if wait[i]:
            reason += f"; observable again from {night.date + dt.timedelta(days=int(wait[i]))}"
        reasons.append(reason)
    return reasons


def _distinct(value: float, limit: float, digits: int) -> str:
    """Round to `digits`, or as many more as it takes not to look like the limit itself."""
    for more in range(4):
        text = f"{value:.{digits + more}f}"
        if float(text) != limit:
            break
    return text


def _degrees(angle: float) -> str:
    return f"{_distinct(angle, 0.0, 0)}°".replace("-", "−")
