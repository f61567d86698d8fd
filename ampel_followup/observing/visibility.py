"""What a site can see of many targets in one night, all at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.observing import sky
from ampel_followup.observing.airmass import airmass
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.margins import CHUNK, least_margin, moon_cosines, useful_time
from ampel_followup.observing.night import Night, utc_isoformat
from ampel_followup.observing.reasons import explain
from ampel_followup.plan import TargetVisibility

#: Equal steps from dusk to dawn at which the airmass is given for a visibility bar.
BAR_STEPS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Visibility:
    """
    What can be seen of n targets in one night. Times are MJD, UTC.

    Parameters
    ----------
    observable : ndarray of bool, shape (n,)
        True if the target is within all limits for long enough.
    start, end : ndarray, shape (n,)
        First and last moment within the limits, interpolated to a few seconds; NaN if not observable. There may be a
        gap between them (`hours` leaves it out).
    best : ndarray, shape (n,)
        Step of the night's grid with the least airmass of those within the limits; NaN if not observable.
    hours : ndarray, shape (n,)
        Time within the limits [h]; may be positive but too short for observable.
    min_airmass : ndarray, shape (n,)
        Least airmass within the limits or, if there is none, in the dark; NaN if below the horizon.
    moon_separation : ndarray, shape (n,)
        Angle to the Moon at mid-night [deg].
    transit : ndarray, shape (n,)
        Upper culmination nearest to mid-night, perhaps in daylight.
    airmass : ndarray, shape (n, 16)
        At equal steps from dusk to dawn, both included; NaN below the horizon.
    reason : list of (str or None), length n
        In words, why a target is not observable; None if it is.
    """

    observable: NDArray[np.bool_]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    best: NDArray[np.float64]
    hours: NDArray[np.float64]
    min_airmass: NDArray[np.float64]
    moon_separation: NDArray[np.float64]
    transit: NDArray[np.float64]
    airmass: NDArray[np.float64]
    reason: list[str | None]

    def __len__(self) -> int:
        return len(self.observable)

    def target(self, i: int) -> TargetVisibility:
        """Return the record of target `i` in plain Python, for a plan."""
        return TargetVisibility(
            observable=bool(self.observable[i]),
            start=_isoformat(self.start[i]),
            end=_isoformat(self.end[i]),
            best=_isoformat(self.best[i]),
            hours=float(self.hours[i]),
            min_airmass=float(self.min_airmass[i]),
            moon_separation=float(self.moon_separation[i]),
            airmass=tuple(self.airmass[i].tolist()),
            reason=self.reason[i],
        )


def altitudes(ra: ArrayLike, dec: ArrayLike, night: Night, mjd: ArrayLike) -> NDArray[np.float64]:
    """
    Give the altitudes of targets at times in a night, without refraction.

    Positions are brought to the CIRS once, for mid-night; then only the Earth turns. The error is below 1″ (polar
    motion 0.6″, diurnal aberration 0.3″, change of annual aberration 0.2″), for the night's UT1 − UTC.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        ICRS [deg].
    night : Night
    mjd : array_like, shape (t,)
        UTC, within half a day of mid-night.

    Returns
    -------
    ndarray, shape (n, t)
        [deg]
    """
    stars = sky.cirs_directions(np.atleast_1d(ra), np.atleast_1d(dec), night.midnight)
    return _degrees_from_sine(_sines(stars, night, np.atleast_1d(mjd)))


def moon_separations(ra: ArrayLike, dec: ArrayLike, night: Night) -> NDArray[np.float64]:
    """
    Give the angles between targets and the Moon, as the site sees it, through a night.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        ICRS [deg].
    night : Night
        Of t times; `Night.moon_altitude` says when the Moon is up.

    Returns
    -------
    ndarray, shape (n, t)
        At `Night.times` [deg].
    """
    ra, dec = (np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (ra, dec))
    return _degrees_from_cosine(moon_cosines(sky.directions(ra, dec), night))


def visibility(ra: ArrayLike, dec: ArrayLike, night: Night, limits: ObservingLimits | None = None) -> Visibility:
    """
    Find what can be seen of targets in a night.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        ICRS [deg]. A position that is NaN, infinite or off the sky makes the target not observable ("no position").
    night : Night
    limits : ObservingLimits, optional

    Returns
    -------
    Visibility
    """
    limits = limits or ObservingLimits()
    ra, dec = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (ra, dec)))
    known = np.isfinite(ra) & (np.abs(dec) <= 90.0)
    ra, dec = np.where(known, ra, 0.0), np.where(known, dec, 0.0)

    stars = sky.cirs_directions(ra, dec, night.midnight)
    course = _through_the_night(stars, sky.directions(ra, dec), night, limits)
    observable = known & course.within & (course.hours >= limits.min_hours)
    reason: list[str | None] = [None if found else "no position" for found in known]
    failed = np.flatnonzero(known & ~observable)
    words = explain(ra[failed], dec[failed], stars[failed], course.peak[failed], course.hours[failed], night, limits)
    for i, why in zip(failed.tolist(), words, strict=True):
        reason[i] = why
    bar = _sines(stars, night, np.linspace(night.dusk, night.dawn, BAR_STEPS))

    def where(mask: NDArray[np.bool_], value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mask, value, np.nan)

    return Visibility(
        observable=observable,
        start=where(observable, course.start),
        end=where(observable, course.end),
        best=where(observable, night.times[course.best]),
        hours=np.where(known, course.hours, 0.0),
        min_airmass=where(known, airmass(_degrees_from_sine(course.highest))),
        moon_separation=where(known, _degrees_from_cosine(course.moon_cosine)),
        transit=where(known, _transit(stars, night)),
        airmass=where(known[:, np.newaxis], airmass(_degrees_from_sine(bar))),
        reason=reason,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """
    What the night of n targets comes to, shape (n,) each.

    `within`: at one time at least within all limits; `hours`, `start` and `end` of that; `best`: index of the time, and
    `highest`: sine of the altitude, when it is highest within the limits or, if it never is, at all; `peak`: sine of
    the highest altitude, limits or not; `moon_cosine`: of the angle to the Moon at mid-night.
    """

    within: NDArray[np.bool_]
    hours: NDArray[np.float64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    best: NDArray[np.intp]
    highest: NDArray[np.float64]
    peak: NDArray[np.float64]
    moon_cosine: NDArray[np.float64]


def _through_the_night(
    stars: NDArray[np.float64], icrs: NDArray[np.float64], night: Night, limits: ObservingLimits
) -> _Course:
    """Follow targets, given by their directions in the CIRS and in the ICRS, shape (n, 3), through a night."""
    n = len(stars)
    within, best = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.intp)
    hours, start, end, highest, peak, moon_cosine = np.zeros((6, n))
    for first in range(0, n, CHUNK):
        part = slice(first, first + CHUNK)
        sine = _sines(stars[part], night, night.times)
        to_moon = moon_cosines(icrs[part], night)
        margin = least_margin(stars[part], sine, to_moon, night, limits)
        useful = margin >= 0.0
        best[part] = where = np.where(useful, sine, -np.inf).argmax(axis=1)
        rows = np.arange(len(where))
        within[part] = useful[rows, where]
        peak[part] = sine.max(axis=1)
        highest[part] = np.where(within[part], sine[rows, where], peak[part])
        hours[part], start[part], end[part] = useful_time(margin, night.times)
        moon_cosine[part] = to_moon[:, len(night.times) // 2]
    return _Course(within, hours, start, end, best, highest, peak, moon_cosine)


def _sines(stars: NDArray[np.float64], night: Night, mjd: ArrayLike) -> NDArray[np.float64]:
    """Sine of the altitude, shape (n, t), of CIRS directions, shape (n, 3)."""
    return stars @ sky.zenith(night.site, mjd, night.delta_ut1).T


def _transit(stars: NDArray[np.float64], night: Night) -> NDArray[np.float64]:
    overhead = sky.zenith(night.site, night.midnight, night.delta_ut1)
    # Right ascension minus that of the meridian: how far the Earth has still to turn.
    ahead = np.arctan2(stars[:, 1], stars[:, 0]) - math.atan2(overhead[1], overhead[0])
    turns = (ahead / (2.0 * np.pi) + 0.5) % 1.0 - 0.5
    return np.asarray(night.midnight + turns * sky.ROTATION_PERIOD)


def _degrees_from_sine(sine: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def _degrees_from_cosine(cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _isoformat(mjd: np.float64) -> str | None:
    return None if np.isnan(mjd) else utc_isoformat(float(mjd))
