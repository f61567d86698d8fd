"""An object and the Moon through a night, compared with astropy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body
from astropy.time import Time
from astropy.utils import iers

from ampel_followup.observing.airmass import airmass
from ampel_followup.observing.night import mjd_of, night_at
from ampel_followup.observing.sites import get_site
from ampel_followup.observing.tracks import sky_track
from ampel_followup.observing.visibility import visibility


@pytest.mark.parametrize(("site", "ra", "dec"), [("palomar", 281.06, 3.4), ("lasilla", 40.0, -30.0)])
def test_airmass_and_moon_are_those_of_astropy(site: str, ra: float, dec: float) -> None:
    night = night_at(get_site(site), "2026-11-09").summary()
    track = sky_track(ra, dec, night)
    place = EarthLocation.from_geodetic(night.longitude * u.deg, night.latitude * u.deg, 0 * u.m)
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        time = Time(track.time, format="mjd")
        frame, star = AltAz(obstime=time, location=place), SkyCoord(ra, dec, unit=u.deg)
        altitude = star.transform_to(frame).alt.deg
        moon = get_body("moon", time, place).transform_to(frame)
        separation = moon.separation(star.transform_to(frame)).deg
    high = altitude > 5.0
    np.testing.assert_allclose(np.array(track.airmass)[high], airmass(altitude[high]), rtol=2e-3)
    np.testing.assert_allclose(track.moon_altitude, moon.alt.deg, atol=0.05)
    np.testing.assert_allclose(track.moon_separation, separation, atol=0.05)


def test_the_best_moment_is_that_of_the_plan_where_the_limits_allow_it() -> None:
    night = night_at(get_site("palomar"), "2026-11-09")
    for ra in (340.0, 20.0, 60.0):
        seen = visibility(np.array([ra]), np.array([20.0]), night).target(0)
        track = sky_track(ra, 20.0, night.summary())
        assert track.airmass[track.best] == pytest.approx(seen.min_airmass, rel=0.01)
        assert track.time[track.best] == pytest.approx(mjd_of(seen.best), abs=0.01)


def test_what_never_rises_has_no_best_moment() -> None:
    track = sky_track(10.0, -80.0, night_at(get_site("palomar"), "2026-11-09").summary())
    assert track.best is None
    assert all(math.isnan(value) for value in track.airmass)
