"""Why a target cannot be observed tonight, in words and with the numbers."""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from ampel_followup.observing import sky
from ampel_followup.observing.airmass import airmass
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.margins import altitude_margin, hour_angle_margin, useful_hours, zenith_margin
from ampel_followup.observing.night import Night
from ampel_followup.observing.season import nights_until_observable


def explain(
    *,
    stars: NDArray[np.float64],
    sine: NDArray[np.float64],
    moon_cosine: NDArray[np.float64],
    hours: NDArray[np.float64],
    night: Night,
    limits: ObservingLimits,
) -> list[str]:
    """
    Say why targets are not observable.

    Named is the first limit, in the order altitude, hour angle, zenith and Moon, that leaves too little time.

    Parameters
    ----------
    stars : ndarray, shape (n, 3)
        Directions in the CIRS.
    sine : ndarray, shape (n, t)
        Sine of the altitude at the times of the night.
    moon_cosine : ndarray, shape (n, t)
        Cosine of the angle to the Moon then.
    hours : ndarray, shape (n,)
        Time within all limits [h].
    night : Night
    limits : ObservingLimits

    Returns
    -------
    list of str, length n
    """
    ra = np.degrees(np.arctan2(stars[:, 1], stars[:, 0]))
    dec = np.degrees(np.arctan2(stars[:, 2], np.hypot(stars[:, 0], stars[:, 1])))
    highest = np.degrees(np.arcsin(np.clip(sine.max(axis=1), -1.0, 1.0)))
    margin = altitude_margin(sine, limits)
    high = margin >= 0.0
    hours_high = useful_hours(margin, night.times)
    turn = hour_angle_margin(stars, night, limits)
    hours_turned = hours_high
    if turn is not None:
        margin = np.minimum(margin, turn)
        hours_turned = useful_hours(margin, night.times)
    hole = zenith_margin(sine, limits)
    hours_below = hours_turned
    if hole is not None:
        margin = np.minimum(margin, hole)
        hours_below = useful_hours(margin, night.times)
    # The largest cosine is the least angle.
    near_moon = np.where((margin >= 0.0) & (night.moon_altitude > sky.HORIZON), moon_cosine, -1.0).max(axis=1)
    moon_separation = np.degrees(np.arccos(np.clip(near_moon, -1.0, 1.0)))
    hour_angle = _least_hour_angle(stars, high, night) if turn is not None else np.full(len(stars), np.nan)

    culmination = 90.0 - np.abs(dec - night.site.latitude)
    lowest_altitude = limits.lowest_altitude
    in_season = (highest >= lowest_altitude) & (hours_turned >= limits.min_hours)
    out_of_season = (culmination > lowest_altitude) & ~in_season
    wait = np.zeros(len(stars), dtype=np.int64)
    wait[out_of_season] = nights_until_observable(
        ra[out_of_season], dec[out_of_season], night, lowest_altitude, limits.min_hours, limits.max_hour_angle
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
        elif hours_high[i] < limits.min_hours:
            reason = f"within the limits {_how_short(hours[i], limits)}"
        elif hours_turned[i] < limits.min_hours and hour_angle[i] > limits.max_hour_angle:
            least = _distinct(float(hour_angle[i]), limits.max_hour_angle, 1)
            reason = f"{least} h or more from the meridian while high enough (limit {limits.max_hour_angle:g} h)"
        elif hours_turned[i] < limits.min_hours:
            reason = f"within {limits.max_hour_angle:g} h of the meridian {_how_short(hours_turned[i], limits)}"
        elif hours_below[i] < limits.min_hours:
            reason = f"clear of the zenith (limit {limits.max_altitude:g}°) {_how_short(hours_below[i], limits)}"
        else:
            separation = _distinct(float(moon_separation[i]), limits.min_moon_separation, 0)
            reason = f"{separation}° from the Moon (limit {limits.min_moon_separation:g}°)"
        if wait[i]:
            reason += f"; observable again from {night.date + dt.timedelta(days=int(wait[i]))}"
        reasons.append(reason)
    return reasons


def _least_hour_angle(stars: NDArray[np.float64], high: NDArray[np.bool_], night: Night) -> NDArray[np.float64]:
    """Least hour angle, either side of the meridian, while targets are high enough, shape (n,) [h]; NaN if never."""
    overhead = sky.zenith(night.site, night.times, night.delta_ut1)
    meridian = np.degrees(np.arctan2(overhead[:, 1], overhead[:, 0]))
    ra = np.degrees(np.arctan2(stars[:, 1], stars[:, 0]))
    hour_angle = np.abs((meridian - ra[:, np.newaxis] + 180.0) % 360.0 - 180.0) / 15.0
    least = np.where(high, hour_angle, np.inf).min(axis=1)
    return np.where(np.isfinite(least), least, np.nan)


def _how_short(hours: float, limits: ObservingLimits) -> str:
    return f"for {int(60.0 * hours)} min only ({60.0 * limits.min_hours:.0f} min wanted)"


def _distinct(value: float, limit: float, digits: int) -> str:
    """Round to `digits`, or as many more as it takes not to look like the limit itself."""
    for more in range(4):
        text = f"{value:.{digits + more}f}"
        if float(text) != limit:
            break
    return text


def _degrees(angle: float) -> str:
    return f"{_distinct(angle, 0.0, 0)}°".replace("-", "−")
