"""The way of an object over the sky of a site, from sunset to sunrise, and of the Moon: for pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ampel_followup.observing import sky
from ampel_followup.observing.airmass import airmass
from ampel_followup.observing.night import mjd_of
from ampel_followup.observing.sites import Site
from ampel_followup.plan import NightSummary

#: Steps from sunset to sunrise: some 7 minutes each.
STEPS = 97


@dataclass(frozen=True, slots=True)
class SkyTrack:
    """
    Where an object and the Moon are, t times from sunset to sunrise.

    Parameters
    ----------
    night : NightSummary
        When and where.
    time : tuple of float, length t
        MJD, UTC.
    airmass : tuple of float, length t
        NaN below the horizon.
    moon_altitude, moon_separation : tuple of float, length t
        Of the Moon above the horizon, without refraction; and of the object from the Moon [deg].
    """

    night: NightSummary
    time: tuple[float, ...]
    airmass: tuple[float, ...]
    moon_altitude: tuple[float, ...]
    moon_separation: tuple[float, ...]

    @property
    def best(self) -> int | None:
        """Place of the least airmass in the dark; None if the object is below the horizon all the time."""
        dusk, dawn = mjd_of(self.night.dusk), mjd_of(self.night.dawn)
        up = [i for i, t in enumerate(self.time) if dusk <= t <= dawn and not math.isnan(self.airmass[i])]
        return min(up, key=lambda i: self.airmass[i], default=None)


def sky_track(ra: float, dec: float, night: NightSummary) -> SkyTrack:
    """
    Follow an object through a night.

    Parameters
    ----------
    ra, dec : float
        ICRS [deg].
    night : NightSummary
        Its height is not known and taken as 0: the Moon is then off by 0.01° at most.

    Returns
    -------
    SkyTrack
    """
    site = Site(night.site, night.site_name, night.latitude, night.longitude, 0.0, night.timezone)
    time = np.linspace(mjd_of(night.sunset), mjd_of(night.sunrise), STEPS)
    star = sky.cirs_directions([ra], [dec], float(time[STEPS // 2]))[0]
    altitude = np.degrees(np.arcsin(np.clip(sky.zenith(site, time) @ star, -1.0, 1.0)))
    moon_ra, moon_dec, moon_altitude = sky.moon(site, time)
    cosine = sky.directions(moon_ra, moon_dec) @ sky.directions([ra], [dec])[0]
    separation = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    columns = (time, airmass(altitude), moon_altitude, separation)
    values = [tuple(column.tolist()) for column in columns]
    return SkyTrack(night, values[0], values[1], values[2], values[3])
