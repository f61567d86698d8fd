"""Why a target cannot be observed tonight, in words and with the numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.observing import sky
from ampel_followup.observing.airmass import airmass
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.margins import (
    altitude_margin,
    hour_angle_margin,
    moon_cosines,
    useful_time,
    zenith_margin,
)
from ampel_followup.observing.night import Night
from ampel_followup.observing.season import nights_until_observable


def explain(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    stars: NDArray[np.float64],
    peak: NDArray[np.float64],
    hours: NDArray[np.float64],
    night: Night,
    limits: ObservingLimits,
) -> list[str]:
    """
    Say why targets are not observable.

    Named is the first limit, in the order altitude, hour angle, zenith and Moon, that leaves too little time.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        ICRS [deg].
    stars : ndarray, shape (n, 3)
        Directions in the CIRS.
    peak : ndarray, shape (n,)
        Sine of the highest altitude of all times of the night.
    hours : ndarray, shape (n,)
        Time within all limits [h].
    night : Night
    limits : ObservingLimits

    Returns
    -------
    list of str, length n
    """
    x, y, z = stars.T
    cirs_ra, cirs_dec = np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    culmination = 90.0 - np.abs(cirs_dec - night.site.latitude)
    highest = np.degrees(np.arcsin(np.clip(peak, -1.0, 1.0)))
    seasonal = culmination > limits.lowest_altitude
    # Most are not high enough at any time: the course of the night matters for few.
    high = np.flatnonzero(seasonal & (highest >= limits.lowest_altitude))
    turned, words = _why_too_short(sky.directions(ra[high], dec[high]), stars[high], hours[high], night, limits)

    out_of_season = seasonal.copy()
    out_of_season[high] = turned < limits.min_hours
    wait = np.zeros(len(stars), dtype=np.int64)
    wait[out_of_season] = nights_until_observable(
        cirs_ra[out_of_season],
        cirs_dec[out_of_season],
        night,
        limits.lowest_altitude,
        limits.min_hours,
        limits.max_hour_angle,
    )
    reasons = _why_too_low(culmination, highest, night, limits)
    for i, reason in zip(high.tolist(), words, strict=True):
        reasons[i] = reason
    returning = np.flatnonzero(wait)
    dates = np.datetime_as_string(np.datetime64(night.date) + wait[returning])
    for i, date in zip(returning.tolist(), dates.tolist(), strict=True):
        reasons[i] += f"; observable again from {date}"
    return reasons


def _why_too_low(
    culmination: NDArray[np.float64], highest: NDArray[np.float64], night: Night, limits: ObservingLimits
) -> list[str]:
    """Say it by the altitudes that targets have at best in any night, and in this one, shape (n,) each [deg]."""
    lowest, where = limits.lowest_altitude, night.site.name
    nearest = np.where(culmination <= lowest, culmination, highest)
    by_altitude = limits.min_altitude >= lowest
    if by_altitude:
        limit, never, tonight = f"{limits.min_altitude:g}° altitude", "never above", "below"
        words, number, digits = "highest {}°", limits.min_altitude, 0
    else:
        limit, never, tonight = f"airmass {limits.max_airmass:g}", "never below", "above"
        words, number, digits = "least {}", limits.max_airmass, 2
        nearest = airmass(nearest)
    reasons = []
    for best, here, value in zip(culmination.tolist(), highest.tolist(), nearest.tolist(), strict=True):
        if best < 0.0:
            reason = f"never rises at {where} (highest altitude {_degrees(best)})"
        elif best <= lowest:
            reason = f"{never} {limit} at {where} ({words.format(_distinct(value, number, digits))})"
        elif here < 0.0:
            reason = f"below the horizon all night (highest altitude {_degrees(here)})"
        else:
            reason = f"{tonight} {limit} all night ({words.format(_distinct(value, number, digits))})"
        reasons.append(reason)
    return reasons


def _why_too_short(
    icrs: NDArray[np.float64],
    stars: NDArray[np.float64],
    hours: NDArray[np.float64],
    night: Night,
    limits: ObservingLimits,
) -> tuple[NDArray[np.float64], list[str]]:
    """Return for how long targets are high enough and near enough to the meridian [h]; and what leaves too little."""
    sine = stars @ sky.zenith(night.site, night.times, night.delta_ut1).T
    moon_cosine = moon_cosines(icrs, night)
    margin = altitude_margin(sine, limits)
    high = margin >= 0.0
    hours_high = hours_turned = useful_time(margin, night.times)[0]
    turn = hour_angle_margin(stars, night, limits)
    hour_angle = np.full(len(stars), np.nan)
    if turn is not None:
        margin = np.minimum(margin, turn)
        hours_turned = useful_time(margin, night.times)[0]
        hour_angle = _least_hour_angle(stars, high, night)
    hole = zenith_margin(sine, limits)
    hours_below = hours_turned
    if hole is not None:
        margin = np.minimum(margin, hole)
        hours_below = useful_time(margin, night.times)[0]
    # The largest cosine is the least angle.
    near_moon = np.where((margin >= 0.0) & (night.moon_altitude > sky.HORIZON), moon_cosine, -1.0).max(axis=1)
    moon_separation = np.degrees(np.arccos(np.clip(near_moon, -1.0, 1.0)))
    reasons = []
    for i in range(len(stars)):
        if hours_high[i] < limits.min_hours:
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
        reasons.append(reason)
    return hours_turned, reasons


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
