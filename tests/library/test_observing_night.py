"""The night: checked against Astropy, against the sky (eclipses), and at the places where there is none."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
from collections.abc import Iterator

import erfa
import numpy as np
import pytest
from astropy.coordinates import AltAz, EarthLocation, get_body
from astropy.time import Time
from astropy.utils import iers
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ampel_followup.errors import NightError
from ampel_followup.observing import Night, Site, get_site, night_at, sky
from ampel_followup.observing.night import utc_isoformat

NIGHTS = [
    ("palomar", "2018-08-20"),
    ("sso", "2026-11-20"),
    ("lapalma", "1999-12-31"),
    ("mtjohn", "2031-06-21"),
    ("maunakea", "1985-03-01"),
    ("tartu", "2026-03-20"),
    ("65.0,179.9,100", "2026-02-10"),
    ("-77.8,166.7,0", "2026-04-12"),
    ("paranal", "2050-01-01"),
]


# Astropy warns of dates beyond its bundled Earth orientation data.
pytestmark = pytest.mark.filterwarnings("ignore:ERFA function", "ignore:Tried to get polar motions")


@pytest.fixture(autouse=True, scope="module")
def offline_astropy() -> Iterator[None]:
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        yield


def astropy_altaz(body: str, site: Site, mjd: NDArray[np.float64]) -> NDArray[np.float64]:
    place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.height)
    time = Time(mjd, format="mjd", scale="utc")
    return np.asarray(get_body(body, time, place).transform_to(AltAz(obstime=time, location=place, pressure=0)).alt.deg)


@pytest.mark.parametrize(("place", "date"), NIGHTS)
def test_sun_is_at_the_horizon_at_sunset_and_at_twilight_at_dusk(place: str, date: str) -> None:
    night = night_at(get_site(place), date)
    moments = np.array([night.sunset, night.dusk, night.dawn, night.sunrise])
    assert np.all(np.diff(moments) > 0)
    # 0.01° is 3 s at the equator, and what leaving out UT1 − UTC and aberration may cost.
    assert astropy_altaz("sun", night.site, moments) == pytest.approx([-0.833, -12, -12, -0.833], abs=0.012)


@pytest.mark.parametrize(("place", "date"), NIGHTS)
def test_moon_agrees_with_astropy(place: str, date: str) -> None:
    night = night_at(get_site(place), date)
    location = EarthLocation.from_geodetic(night.site.longitude, night.site.latitude, night.site.height)
    moon = get_body("moon", Time(night.times, format="mjd", scale="utc"), location)
    # Two unit vectors 0.02° apart differ by 3.5e-4.
    apart = sky.directions(night.moon_ra, night.moon_dec) - sky.directions(moon.ra.deg, moon.dec.deg)
    assert np.linalg.norm(apart, axis=1).max() < math.radians(0.02)
    assert night.moon_altitude == pytest.approx(astropy_altaz("moon", night.site, night.times), abs=0.02)


@pytest.mark.parametrize(("place", "date"), NIGHTS)
def test_moon_is_at_the_horizon_when_it_rises_and_sets(place: str, date: str) -> None:
    night = night_at(get_site(place), date)
    for moment, sign in ((night.moon_rise, 1), (night.moon_set, -1)):
        if not math.isnan(moment):
            assert night.sunset <= moment <= night.sunrise
            before, after = sky.moon(night.site, np.array([moment - 1e-3, moment + 1e-3]))[2]
            assert (before + after) / 2 == pytest.approx(sky.HORIZON, abs=1e-3)
            assert (after - before) * sign > 0


@pytest.mark.parametrize(
    ("place", "moment"),
    [("36.967,-87.667,200", "2017-08-21T18:25:32"), ("25.29,-104.14,1200", "2024-04-08T18:17:16")],
    ids=["2017", "2024"],
)
def test_moon_covers_the_sun_where_a_total_eclipse_was_greatest(place: str, moment: str) -> None:
    # Espenak, NASA eclipse circulars: an observer's parallax, 0.9°, would spoil this if it were wrong.
    site, mjd = get_site(place), np.array([Time(moment).mjd])
    ra, dec, altitude = sky.moon(site, mjd)
    assert altitude == pytest.approx(sky.sun_altitude(site, mjd), abs=0.02)
    place_of_sun = get_body("sun", Time(moment))
    apart = sky.directions(ra, dec)[0] - sky.directions(place_of_sun.ra.deg, place_of_sun.dec.deg)
    assert np.linalg.norm(apart) < math.radians(0.03)


def test_moon_is_full_at_a_lunar_eclipse_and_new_at_a_solar_one() -> None:
    assert sky.moon_illumination(Time("2018-07-27T20:22:00").mjd) > 0.9995
    assert sky.moon_illumination(Time("2024-04-08T18:17:16").mjd) < 0.0005
    # First quarter, 2018-08-18 07:49 UTC.
    assert sky.moon_illumination(Time("2018-08-18T07:49:00").mjd) == pytest.approx(0.5, abs=0.005)


def test_grid_runs_from_dusk_to_dawn_through_midnight_in_five_minute_steps() -> None:
    night = night_at(get_site("palomar"), "2018-08-20")
    assert (night.times[0], night.times[-1]) == (night.dusk, night.dawn)
    assert night.times[len(night.times) // 2] == night.midnight == pytest.approx((night.dusk + night.dawn) / 2)
    steps = np.diff(night.times) * 1440
    assert 4.8 < steps.min() <= steps.max() <= 5.0


@pytest.mark.parametrize(("place", "date"), NIGHTS)
def test_twilights_end_when_the_sun_is_at_their_depression(place: str, date: str) -> None:
    night = night_at(get_site(place), date)
    moments = np.array([*night.civil, *night.nautical, *night.astronomical])
    known = np.isfinite(moments)
    expected = np.repeat([-6.0, -12.0, -18.0], 2)[known]
    assert astropy_altaz("sun", night.site, moments[known]) == pytest.approx(expected, abs=0.012)
    assert known[:4].all()
    assert (night.dusk, night.dawn) == night.nautical


def test_twilight_that_is_not_reached_has_no_ends() -> None:
    night = night_at(get_site("tartu"), "2026-06-21", twilight=6)
    assert all(math.isfinite(moment) for moment in night.civil)
    assert all(math.isnan(moment) for moment in (*night.nautical, *night.astronomical))


def test_sun_on_a_parabola_is_the_sun() -> None:
    times = np.linspace(61000.0, 61001.0, 97)
    one_by_one = [sky.sun_altitude(get_site("sso"), np.array([moment]))[0] for moment in times]
    # 0.1″, and precession within half a day.
    assert sky.sun_altitude(get_site("sso"), times) == pytest.approx(np.array(one_by_one), abs=1e-4)


@pytest.mark.parametrize("year", [1905, 1994, 2026, 2061, 2095])
def test_sun_of_a_year_of_nights_agrees_with_astropy(year: int) -> None:
    times = Time(f"{year}-03-01T06:00:00").mjd + np.arange(0.0, 366.0, 5.0)
    ra, dec = sky.sun_positions(times)
    sun = get_body("sun", Time(times, format="mjd", scale="utc"))
    # Directions seen at other times, turned to the one equator.
    expected = sky.directions(sun.ra.deg, sun.dec.deg) @ erfa.c2i06a(2400000.5, times.mean()).T
    apart = np.degrees(np.linalg.norm(sky.directions(ra, dec) - expected, axis=1))
    assert apart.max() < 0.02


@pytest.mark.parametrize("place", ["sso", "palomar", "maunakea", "-13.8,-172", "10,180", "10,-179.9", "0,0"])
def test_night_begins_on_the_evening_of_the_date_at_the_site(place: str) -> None:
    site = get_site(place)
    night = night_at(site, "2026-05-05")
    evening = dt.datetime.fromisoformat(utc_isoformat(night.sunset)) + dt.timedelta(hours=site.longitude / 15)
    assert evening.date() == dt.date(2026, 5, 5)
    assert 16 < evening.hour < 20


def test_date_is_the_civil_one_where_the_date_line_bends() -> None:
    samoa = Site("samoa", "Apia", -13.85, -171.75, 0.0, "Pacific/Apia")
    sunset = dt.datetime.fromisoformat(utc_isoformat(night_at(samoa, "2026-05-05").sunset))
    assert (sunset + dt.timedelta(hours=13)).date() == dt.date(2026, 5, 5)


@pytest.mark.parametrize(
    ("place", "date", "words"),
    [
        ("78,15", "2026-06-21", "polar day at 78° N 15° E on 2026-06-21: the Sun does not set"),
        ("-90,0", "2026-12-21", "polar day at 90° S 0° E on 2026-12-21"),
        ("78,15", "2026-12-21", "polar night at 78° N 15° E on 2026-12-21: the Sun does not rise"),
        ("90,0", "2026-12-21", "polar night at 90° N"),
        ("90,0", "2026-09-23", "at 90° N"),
        (
            "tartu",
            "2026-06-21",
            "no dark time at Tartu Observatory on 2026-06-21: the Sun is never more than 8.3° below",
        ),
        ("palomar", "2026-02-30", "night '2026-02-30' is not a date"),
        ("palomar", "yesterday", "night 'yesterday' is not a date"),
        ("palomar", "", "night '' is not a date"),
        ("palomar", "0001-01-01", "night 0001-01-01 is too far away; choose a date from 1901 to 2097"),
        ("palomar", "9999-12-31", "night 9999-12-31 is too far away"),
    ],
)
def test_date_without_a_usable_night_is_refused_in_one_line(place: str, date: str, words: str) -> None:
    with pytest.raises(NightError) as error:
        night_at(get_site(place), date)
    assert words in str(error.value)
    assert "choose" in str(error.value) or "give" in str(error.value)
    assert "\n" not in str(error.value)


def test_impossible_twilight_is_refused() -> None:
    with pytest.raises(NightError, match="twilight 30°"):
        night_at(get_site("palomar"), "2026-01-01", twilight=30)


@settings(max_examples=60, deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180), st.dates(dt.date(1901, 1, 1), dt.date(2097, 12, 31)))
def test_anywhere_and_at_any_date_there_is_a_night_or_a_reason(lat: float, lon: float, date: dt.date) -> None:
    try:
        night: Night = night_at(get_site(f"{lat:.8f},{lon:.8f}"), date)
    except NightError as error:
        assert abs(lat) > 48  # nearer to the equator the Sun is 12° down every night
        assert "\n" not in str(error)
        return
    moments = [night.sunset, night.dusk, night.midnight, night.dawn, night.sunrise]
    assert moments == sorted(moments)
    assert night.sunrise - night.sunset < 1
    assert np.all(sky.sun_altitude(night.site, night.times) <= -night.twilight + 0.01)
    assert np.isfinite(night.moon_altitude).all()


def test_nights_need_no_network_and_leave_astropy_alone() -> None:
    code = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("network")
socket.socket = socket.create_connection = socket.getaddrinfo = refuse
from ampel_followup.observing import get_site, night_at
from ampel_followup.observing.visibility import visibility
for date in ("1901-01-01", "2026-05-01", "2097-12-31"):
    visibility([10.0, 200.0], [5.0, -80.0], night_at(get_site("palomar"), date))
sys.exit(any(name.startswith("astropy") for name in sys.modules))
"""
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
