"""What one telescope could do with each of many candidates, at each moment of one night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.observing import sky
from ampel_followup.observing.airmass import airmass
from ampel_followup.observing.exposure import exposure_time, time_on_target
from ampel_followup.observing.instruments import Instrument
from ampel_followup.observing.moonlight import sky_brightness
from ampel_followup.observing.night import Night
from ampel_followup.observing.scheduling import Telescope

Floats = NDArray[np.float64]

#: Length of a step [s]: limits are kept to it.
STEP = 150.0

DAY = 86400.0


@dataclass(frozen=True, eq=False)
class TelescopeTime:
    """
    A telescope's night in steps, and n candidates in it.

    Parameters
    ----------
    instrument : Instrument
    night : Night
    begin : float
        First edge of the steps [MJD].
    steps : int
        Their number s, at least 1.
    usable : ndarray of bool, shape (n, s)
        Within all limits of the telescope throughout the step, and open.
    closed : tuple of (float, float)
        Stretches that are lost [MJD].
    airmass, separation : ndarray, shape (n, s)
        In the middle of the step; the angle to the Moon in degrees.
    exposure, duration : ndarray, shape (n, s)
        Open shutter, and the time that the telescope is taken but for the slew, if it starts within the step [s];
        infinite where the signal-to-noise ratio is out of reach.
    """

    instrument: Instrument
    night: Night
    begin: float
    steps: int
    usable: NDArray[np.bool_]
    closed: tuple[tuple[float, float], ...]
    airmass: Floats
    separation: Floats
    exposure: Floats
    duration: Floats

    def step_at(self, mjd: float) -> int:
        """Return the step that a moment is in; the first or the last one for moments beyond."""
        return int(np.clip((mjd - self.begin) * DAY // STEP, 0, self.steps - 1))

    def telescope(self, origin: float) -> Telescope:
        """Return the night as a schedule takes it, in seconds from a moment [MJD]."""
        edges = (self.begin - origin) * DAY + STEP * np.arange(self.steps + 1, dtype=np.float64)
        return Telescope(
            self.instrument.key, edges, self.usable, self.duration, slew_rate=self.instrument.aperture.slew_rate
        )


def telescope_time(
    instrument: Instrument,
    night: Night,
    ra: Floats,
    dec: Floats,
    magnitude: Floats,
    *,
    closed: Sequence[tuple[float, float]] = (),
    begin: float | None = None,
    seeing: float | None = None,
    snr: float | None = None,
) -> TelescopeTime:
    """
    Find what a telescope could do with candidates through a night.

    Parameters
    ----------
    instrument : Instrument
        Its limits, exposure times and overheads hold.
    night : Night
        At its site.
    ra, dec : ndarray, shape (n,)
        ICRS [deg].
    magnitude : ndarray, shape (n,)
        To expose for [AB mag]; a candidate whose magnitude is NaN cannot be exposed.
    closed : sequence of (float, float)
        Stretches that are lost [MJD].
    begin : float, optional
        Only from this moment on [MJD]; by default from dusk.
    seeing : float, optional
        At the zenith [arcsec]; by default the usual one.
    snr : float, optional
        Signal-to-noise ratio; by default what the instrument asks for.

    Returns
    -------
    TelescopeTime
    """
    first = night.dusk if begin is None else max(night.dusk, begin)
    steps = max(1, int((night.dawn - first) * DAY / STEP))
    edges = first + STEP / DAY * np.arange(steps + 1, dtype=np.float64)
    middle = 0.5 * (edges[1:] + edges[:-1])
    stars = sky.cirs_directions(ra, dec, night.midnight)
    altitude, hour_angle = _altitude_and_hour_angle(stars, night, edges)
    limits = instrument.limits
    lowest = limits.min_altitude
    high = (altitude >= lowest) & (altitude <= limits.max_altitude)
    high &= np.nan_to_num(airmass(altitude), nan=np.inf) <= limits.max_airmass
    high &= (hour_angle >= limits.min_hour_angle) & (hour_angle <= limits.max_hour_angle)
    high &= ((dec >= limits.min_declination) & (dec <= limits.max_declination))[:, np.newaxis]
    usable = high[:, 1:] & high[:, :-1]

    altitude, _ = _altitude_and_hour_angle(stars, night, middle)
    moon = sky.directions(np.interp(middle, night.times, np.unwrap(night.moon_ra, period=360.0)) % 360.0,
                          np.interp(middle, night.times, night.moon_dec))  # fmt: skip
    separation = np.degrees(np.arccos(np.clip(sky.directions(ra, dec) @ moon.T, -1.0, 1.0)))
    moon_altitude = np.interp(middle, night.times, night.moon_altitude)
    usable &= (separation >= limits.min_moon_separation) | (moon_altitude <= sky.HORIZON)
    for start, end in closed:
        usable &= ~((edges[1:] > start) & (edges[:-1] < end))
    if first >= night.dawn:
        usable[:] = False

    overhead = airmass(altitude)
    brightness = sky_brightness(
        night.moon_illumination,
        moon_altitude,
        altitude,
        separation,
        dark_sky=instrument.conditions.dark_sky,
        extinction=instrument.conditions.extinction,
    )
    exposure = exposure_time(
        instrument, magnitude[:, np.newaxis], airmass=overhead, sky=brightness, seeing=seeing, snr=snr
    )
    tried = (magnitude >= instrument.magnitudes.bright) & (magnitude <= instrument.magnitudes.faint)
    exposure = np.where(tried[:, np.newaxis], exposure, np.inf)
    return TelescopeTime(
        instrument=instrument,
        night=night,
        begin=first,
        steps=steps,
        usable=usable,
        closed=tuple(closed),
        airmass=overhead,
        separation=separation,
        exposure=exposure,
        duration=time_on_target(instrument, exposure),
    )


def _altitude_and_hour_angle(stars: Floats, night: Night, mjd: Floats) -> tuple[Floats, Floats]:
    """Return altitudes [deg] and hour angles [h], −12 to 12, shape (n, t) each, of CIRS directions, shape (n, 3)."""
    zenith = sky.zenith(night.site, mjd, night.delta_ut1)
    altitude = np.degrees(np.arcsin(np.clip(stars @ zenith.T, -1.0, 1.0)))
    meridian = np.degrees(np.arctan2(zenith[:, 1], zenith[:, 0]))
    right_ascension = np.degrees(np.arctan2(stars[:, 1], stars[:, 0]))
    hour_angle = ((meridian - right_ascension[:, np.newaxis] + 180.0) % 360.0 - 180.0) / 15.0
    return altitude, hour_angle
