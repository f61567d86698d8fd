"""What can be seen of targets in a night: the fast way against Astropy and against a slow, plain search."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, angular_separation, get_body
from astropy.time import Time
from astropy.utils import iers
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError, NightError
from ampel_followup.observing import Night, ObservingLimits, get_site, night_at
from ampel_followup.observing.airmass import airmass, altitude_of_airmass
from ampel_followup.observing.closing import last_useful_dates
from ampel_followup.observing.margins import useful_time
from ampel_followup.observing.visibility import altitudes, moon_separations, visibility
from ampel_followup.observing.windows import windows

SITES = [
    "palomar",
    "sso",
    "lapalma",
    "mtjohn",
    "haleakala",
    "paranal",
    "tartu",
    "10,180,0",
    "-16.5,-179.99,10",
    "-88,-44,2800",
]


# Astropy warns of dates beyond its bundled Earth orientation data.
pytestmark = pytest.mark.filterwarnings("ignore:ERFA function", "ignore:Tried to get polar motions")


@pytest.fixture(autouse=True, scope="module")
def offline_astropy() -> Iterator[None]:
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        yield


def delta_ut1(date: str) -> float:
    """UT1 − UTC that Astropy uses for a date: 0 beyond its table."""
    try:
        return float(Time(f"{date}T00:00:00").delta_ut1_utc)
    except iers.IERSRangeError:
        return 0.0


def random_sky(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def astropy_altitude(
    ra: NDArray[np.float64], dec: NDArray[np.float64], night: Night, mjd: NDArray[np.float64]
) -> NDArray[np.float64]:
    place = EarthLocation.from_geodetic(night.site.longitude, night.site.latitude, night.site.height)
    frame = AltAz(obstime=Time(mjd, format="mjd", scale="utc"), location=place, pressure=0)
    return np.asarray(SkyCoord(ra * u.deg, dec * u.deg)[:, np.newaxis].transform_to(frame).alt.deg)


@pytest.fixture(scope="module")
def palomar() -> Night:
    return night_at(get_site("palomar"), "2018-08-20")


@pytest.mark.parametrize("date", ["1994-03-21", "2018-03-21", "2061-03-21"])
@pytest.mark.parametrize("place", SITES)
def test_altitude_agrees_with_astropy_to_an_arcsecond(place: str, date: str) -> None:
    night = night_at(get_site(place), date, twilight=1, delta_ut1=delta_ut1(date))
    ra, dec = random_sky(200, seed=3)
    # The poles, and both sides of the seam of right ascension.
    ra[:5], dec[:5] = [0.0, 123.4, 0.0, 359.999999, 360.0], [90.0, -90.0, -89.9999, 12.0, 12.0]
    ours = altitudes(ra, dec, night, night.times[::12])
    reference = astropy_altitude(ra, dec, night, night.times[::12])
    high = reference > 0
    assert high.sum() > 200
    assert np.abs(ours - reference)[high].max() * 3600 < 1.0


def test_astropy_of_the_host_process_keeps_its_settings() -> None:
    before = {name: getattr(iers.conf, name) for name in iers.conf}
    table = iers.earth_orientation_table.get()
    seen = visibility([10.0], [20.0], night_at(get_site("sso"), "2061-03-21"))
    assert seen.observable.shape == (1,)
    assert {name: getattr(iers.conf, name) for name in iers.conf} == before
    assert iers.earth_orientation_table.get() is table


def test_moon_separation_through_the_night_agrees_with_astropy(palomar: Night) -> None:
    ra, dec = random_sky(50, seed=19)
    place = EarthLocation.from_geodetic(palomar.site.longitude, palomar.site.latitude, palomar.site.height)
    moon = get_body("moon", Time(palomar.times, format="mjd", scale="utc"), place)
    expected = np.degrees(
        angular_separation(*np.radians([ra, dec])[:, :, np.newaxis], moon.ra.rad[np.newaxis], moon.dec.rad[np.newaxis])
    )
    separations = moon_separations(ra, dec, palomar)
    assert separations == pytest.approx(expected, abs=0.02)
    assert separations[:, len(palomar.times) // 2] == pytest.approx(visibility(ra, dec, palomar).moon_separation)


def search_minute_by_minute(
    ra: NDArray[np.float64], dec: NDArray[np.float64], night: Night, limits: ObservingLimits
) -> Iterator[tuple[list[float], float]]:
    """Yield the useful minutes [MJD] of each target and its least airmass then, by Astropy and a plain loop."""
    place = EarthLocation.from_geodetic(night.site.longitude, night.site.latitude, night.site.height)
    minutes = np.arange(night.dusk, night.dawn, 1 / 1440)
    time = Time(minutes, format="mjd", scale="utc")
    moon = get_body("moon", time, place)
    sidereal = time.sidereal_time("apparent", place.lon).hour
    moon_altitude = moon.transform_to(AltAz(obstime=time, location=place, pressure=0)).alt.deg
    for target_ra, target_dec, altitude in zip(ra, dec, astropy_altitude(ra, dec, night, minutes), strict=True):
        separation = angular_separation(math.radians(target_ra), math.radians(target_dec), moon.ra.rad, moon.dec.rad)
        hour_angle = (sidereal - target_ra / 15 + 12) % 24 - 12
        useful, least = [], math.inf
        for k, minute in enumerate(minutes):
            if altitude[k] < limits.min_altitude:
                continue
            if altitude[k] > limits.max_altitude or abs(hour_angle[k]) > limits.max_hour_angle:
                continue
            if moon_altitude[k] > -0.833 and math.degrees(separation[k]) < limits.min_moon_separation:
                continue
            value = 1 / math.sin(math.radians(altitude[k] + 244 / (165 + 47 * altitude[k] ** 1.1)))
            if value <= limits.max_airmass:
                useful.append(float(minute))
                least = min(least, value)
        yield useful, least


@pytest.mark.parametrize(
    ("place", "date", "limits"),
    [
        ("palomar", "2018-08-20", ObservingLimits()),
        ("sso", "2026-11-20", ObservingLimits(max_airmass=1.5, min_moon_separation=40)),
        ("tartu", "2026-12-24", ObservingLimits(max_airmass=3, min_altitude=40, min_moon_separation=60)),
        ("mtjohn", "2026-03-10", ObservingLimits(max_airmass=2.5, max_hour_angle=2.5, max_altitude=75)),
    ],
)
def test_start_end_and_hours_agree_with_a_search_minute_by_minute(
    place: str, date: str, limits: ObservingLimits
) -> None:
    night = night_at(get_site(place), date)
    ra, dec = random_sky(40, seed=5)
    seen = visibility(ra, dec, night, limits)
    assert 5 < seen.observable.sum() < 35
    for i, (useful, least) in enumerate(search_minute_by_minute(ra, dec, night, limits)):
        assert seen.hours[i] == pytest.approx(len(useful) / 60, abs=0.1)
        if abs(len(useful) / 60 - limits.min_hours) > 0.1:
            assert seen.observable[i] == (len(useful) / 60 > limits.min_hours)
        if seen.observable[i]:
            # Where the Moon rises or sets, the limit jumps within a step of five minutes.
            assert seen.start[i] == pytest.approx(useful[0], abs=5.5 / 1440)
            assert seen.end[i] == pytest.approx(useful[-1], abs=5.5 / 1440)
            assert seen.min_airmass[i] == pytest.approx(least, abs=0.02)
            assert seen.reason[i] is None


def test_start_is_interpolated_between_the_steps(palomar: Night) -> None:
    ra, dec = random_sky(300, seed=7)
    seen = visibility(ra, dec, palomar, ObservingLimits(min_moon_separation=0))
    rising = np.flatnonzero(seen.observable & (seen.start > palomar.dusk))
    assert len(rising) > 30
    there = np.array([altitudes(ra[i], dec[i], palomar, seen.start[i])[0, 0] for i in rising])
    assert there == pytest.approx(altitude_of_airmass(2.0), abs=0.01)


def test_time_between_two_visits_is_not_counted() -> None:
    # Seen from 65° north, a star of declination +30° is within airmass 2.9 both in the evening and in the morning.
    night = night_at(get_site("65,25,0"), "2026-12-10")
    seen = visibility(np.arange(0.0, 360.0, 5.0), np.full(72, 14.0), night, ObservingLimits(max_airmass=2.9))
    gap = seen.observable & ((seen.end - seen.start) * 24 - seen.hours > 0.5)
    assert gap.any()
    assert not gap.all()


def test_target_record_is_plain_python_and_says_when(palomar: Night) -> None:
    record = visibility([311.0], [30.0], palomar).target(0)
    assert record.observable is True
    assert record.start == "2018-08-21T03:24:06Z" == palomar.summary().dusk
    assert record.best is not None
    assert record.end is not None
    assert record.start < record.best < record.end
    assert record.reason is None
    assert len(record.airmass) == 16
    assert 1.0 <= record.min_airmass < 1.01
    assert type(record).from_dict(record.to_dict()) == record


def test_airmass_bar_runs_from_dusk_to_dawn(palomar: Night) -> None:
    ra, dec = random_sky(50, seed=9)
    moments = np.linspace(palomar.dusk, palomar.dawn, 16)
    expected = airmass(astropy_altitude(ra, dec, palomar, moments))
    bar = visibility(ra, dec, palomar).airmass
    assert np.isnan(bar).any()
    # 13″ of Earth rotation (UT1 = UTC) matter only at the horizon itself.
    fit = expected < 10
    assert bar[fit] == pytest.approx(expected[fit], rel=2e-3)
    assert np.isnan(bar[astropy_altitude(ra, dec, palomar, moments) < -0.01]).all()


def test_transit_is_the_highest_point_of_the_day(palomar: Night) -> None:
    ra, dec = random_sky(40, seed=11)
    seen = visibility(ra, dec, palomar)
    for i in range(40):
        around = seen.transit[i] + np.array([-0.01, 0.0, 0.01])
        before, there, after = altitudes(ra[i], dec[i], palomar, around)[0]
        assert there > max(before, after)
        assert before == pytest.approx(after, abs=1e-3)
    assert np.abs(seen.transit - palomar.midnight).max() <= 0.5


def reason_for(ra: float, dec: float, night: Night, limits: ObservingLimits | None = None) -> str:
    seen = visibility(ra, dec, night, limits)
    assert not seen.observable[0]
    assert seen.target(0).start is None
    assert seen.reason[0] is not None
    return seen.reason[0]


def test_target_that_never_rises_says_so_and_how_far_below_it_stays(palomar: Night) -> None:
    assert reason_for(300, -68.8, palomar) == "never rises at Palomar Observatory (highest altitude −12°)"
    assert math.isnan(visibility(300, -68.8, palomar).min_airmass[0])
    assert reason_for(300, -56.8, palomar) == "never rises at Palomar Observatory (highest altitude −0.1°)"


def test_target_that_is_always_low_says_its_least_airmass(palomar: Night) -> None:
    assert reason_for(300, -32, palomar) == "never below airmass 2 at Palomar Observatory (least 2.38)"


def test_target_that_is_low_tonight_says_when_it_returns(palomar: Night) -> None:
    assert reason_for(160, 20, palomar) == ("above airmass 2 all night (least 33.54); observable again from 2018-10-11")
    assert reason_for(150, -5, palomar).startswith("below the horizon all night (highest altitude −")


def test_altitude_limit_is_named_where_it_is_the_stricter(palomar: Night) -> None:
    limits = ObservingLimits(min_altitude=60)
    assert reason_for(300, -5, palomar, limits) == ("never above 60° altitude at Palomar Observatory (highest 52°)")
    assert reason_for(120, 40, palomar, limits).startswith("below 60° altitude all night (highest ")


def test_target_near_the_moon_says_how_near(palomar: Night) -> None:
    middle = len(palomar.times) // 2
    reason = reason_for(palomar.moon_ra[middle], palomar.moon_dec[middle] + 12.0, palomar)
    assert reason == "12° from the Moon (limit 20°)"


def test_moon_below_the_horizon_does_no_harm() -> None:
    night = night_at(get_site("palomar"), "2018-08-20")
    after_moonset = night.times > night.moon_set + 0.01
    assert after_moonset.any()
    # A circumpolar target within the limit of the Moon, all of it after moonset.
    seen = visibility(30.0, 80.0, night, ObservingLimits(max_airmass=3, min_moon_separation=150))
    assert seen.observable[0]
    assert seen.start[0] == pytest.approx(night.moon_set, abs=6 / 1440)


def test_equatorial_mount_that_cannot_turn_far_enough_says_so(palomar: Night) -> None:
    limits = ObservingLimits(max_hour_angle=3, min_moon_separation=0)
    # Circumpolar enough to be high in the evening, long before it reaches the meridian.
    reason = reason_for(90.0, 75.0, palomar, ObservingLimits(max_airmass=3, max_hour_angle=3))
    assert reason.startswith(
        "3.6 h or more from the meridian while high enough (limit 3 h); observable again from 2018-08-31"
    )
    seen = visibility(np.arange(0.0, 360.0, 0.5), np.full(720, 30.0), palomar, limits)
    assert any(r and r.startswith("within 3 h of the meridian for ") for r in seen.reason)
    hours = visibility(311.0, 30.0, palomar, limits).hours[0]
    assert 5.5 < hours <= 6.0
    assert hours < visibility(311.0, 30.0, palomar).hours[0]


def test_target_that_passes_the_zenith_leaves_the_hole_out(palomar: Night) -> None:
    hole = ObservingLimits(max_altitude=85, min_moon_separation=0)
    whole = ObservingLimits(min_moon_separation=0)
    there, without = visibility(311.0, palomar.site.latitude, palomar, hole), visibility(311.0, 33.36, palomar, whole)
    # Through the zenith along a circle of declination, 10° of altitude take 10° / cos 33.4° / 15° per hour.
    assert without.hours[0] - there.hours[0] == pytest.approx(10 / math.cos(math.radians(33.36)) / 15.04, abs=0.05)
    assert there.min_airmass[0] == pytest.approx(airmass(85.0), abs=2e-3)
    only = ObservingLimits(min_altitude=82, max_altitude=83, min_moon_separation=0)
    expected = "clear of the zenith (limit 83°) for 7 min only (15 min wanted)"
    assert reason_for(311.0, 33.36, palomar, only) == expected


def test_target_that_is_seen_too_shortly_says_for_how_long(palomar: Night) -> None:
    ra, dec = np.arange(0.0, 360.0, 0.5), np.full(720, 10.0)
    seen = visibility(ra, dec, palomar, ObservingLimits(min_moon_separation=0))
    short = [reason for reason in seen.reason if reason and "min only (15 min wanted)" in reason]
    assert short
    minutes = [int(reason.removeprefix("within the limits for ").split()[0]) for reason in short]
    assert all(0 <= value < 15 for value in minutes)


@pytest.mark.parametrize("place", ["palomar", "sso", "tartu", "-69,39,0"])
def test_target_returns_on_the_night_that_its_reason_names(place: str) -> None:
    site = get_site(place)
    night = night_at(site, "2026-03-25")
    ra, dec = random_sky(150, seed=13)
    limits = ObservingLimits(min_moon_separation=0)
    seen = visibility(ra, dec, night, limits)
    promised = {}
    for i, reason in enumerate(seen.reason):
        if reason and "again from" in reason:
            promised[i] = dt.date.fromisoformat(reason[-10:])
    assert len(promised) > 10

    def observable(i: int, day: dt.date) -> bool:
        try:
            return bool(visibility(ra[i], dec[i], night_at(site, day), limits).observable[0])
        except NightError:
            return False

    for i, date in list(promised.items())[:12]:
        assert any(observable(i, date + dt.timedelta(days=days)) for days in (-1, 0, 1))
        assert not observable(i, max(night.date, date - dt.timedelta(days=2)))


def test_target_without_a_position_is_kept_with_its_reason(palomar: Night) -> None:
    seen = visibility([math.nan, 10.0, math.inf, 20.0, 311.0], [1.0, math.nan, 1.0, 95.0, 30.0], palomar)
    assert seen.reason == ["no position"] * 4 + [None]
    assert seen.observable.tolist() == [False] * 4 + [True]
    assert len(seen) == 5
    assert np.isnan(seen.airmass[:4]).all()
    assert seen.target(0).min_airmass is not None


def test_no_targets_give_no_visibilities(palomar: Night) -> None:
    seen = visibility([], [], palomar)
    assert len(seen) == 0
    assert seen.airmass.shape == (0, 16)
    assert seen.reason == []
    assert windows([], [], palomar, nights=2).hours.shape == (0, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_airmass": 0.5},
        {"min_altitude": 91},
        {"min_moon_separation": -1},
        {"min_hours": math.nan},
        {"max_altitude": 95},
        {"max_altitude": 20},
        {"max_hour_angle": 13},
    ],
)
def test_impossible_limit_is_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(FollowupError, match=f"observing limit {next(iter(wrong))} = "):
        ObservingLimits(**wrong)


@given(st.floats(1.0, 38.0))
def test_airmass_and_altitude_are_inverse(value: float) -> None:
    # Pickering's formula is 1 + 2e-7 at the zenith.
    assert airmass(altitude_of_airmass(value)) == pytest.approx(max(value, 1.0), rel=1e-6)


def test_airmass_has_the_published_values() -> None:
    # Pickering (2002): 38 on the horizon, as sec z high up.
    assert airmass(0.0) == pytest.approx(38.75, abs=0.05)
    assert airmass(60.0) == pytest.approx(1 / math.sin(math.radians(60)), abs=1e-3)
    assert airmass(90.0) == 1.0
    assert np.isnan(airmass(-0.1))


ANGLES = st.one_of(st.floats(-720, 720), st.sampled_from([0.0, 360.0, -0.0, 180.0]))
DECLINATIONS = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0, 0.0]))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(ANGLES, DECLINATIONS), min_size=1, max_size=20),
    st.sampled_from(["palomar", "tartu", "-65,-179.9", "0,0", "66,180"]),
    st.sampled_from(["2026-03-21", "2026-09-22", "2051-02-28"]),
    st.floats(1.0, 40.0),
    st.floats(0.0, 180.0),
    st.floats(0.0, 5.0),
)
def test_any_position_on_the_sky_is_seen_or_has_a_reason(
    positions: list[tuple[float, float]], place: str, date: str, max_airmass: float, moon: float, hours: float
) -> None:
    night = night_at(get_site(place), date)
    limits = ObservingLimits(max_airmass=max_airmass, min_moon_separation=moon, min_hours=hours)
    ra, dec = (np.array(column) for column in zip(*positions, strict=True))
    seen = visibility(ra, dec, night, limits)
    for i in range(len(seen)):
        assert seen.observable[i] == (seen.reason[i] is None)
        record = seen.target(i)
        assert record.observable == (record.start is not None)
    up = seen.observable
    assert np.all(night.dusk <= seen.start[up])
    assert np.all(seen.start[up] <= seen.best[up])
    assert np.all(seen.best[up] <= seen.end[up])
    assert np.all(seen.end[up] <= night.dawn)
    assert np.all(seen.hours[up] <= (seen.end[up] - seen.start[up]) * 24 + 1e-6)
    assert np.all(seen.hours >= 0)
    assert np.all(seen.min_airmass[up] <= max_airmass + 1e-6)
    assert np.all((seen.moon_separation >= 0) & (seen.moon_separation <= 180))
    assert np.all(~(seen.airmass < 1))


@given(st.floats(-90, 90))
def test_right_ascension_0_and_360_are_the_same_place(dec: float) -> None:
    night = night_at(get_site("sso"), "2026-11-20")
    at_0, at_360 = visibility([0.0], [dec], night), visibility([360.0], [dec], night)
    assert at_0.target(0).to_dict() == at_360.target(0).to_dict()


def test_one_target_alone_is_seen_as_among_many(palomar: Night) -> None:
    ra, dec = random_sky(1100, seed=17)
    together = visibility(ra, dec, palomar)
    for i in range(0, 1100, 50):
        alone = visibility(ra[i], dec[i], palomar)
        assert alone.reason[0] == together.reason[i]
        assert alone.hours[0] == pytest.approx(together.hours[i], abs=1e-9)
        assert alone.min_airmass[0] == pytest.approx(together.min_airmass[i], abs=1e-9, nan_ok=True)
        assert alone.moon_separation[0] == pytest.approx(together.moon_separation[i], abs=1e-9)


@settings(max_examples=100, deadline=None)
# Heights below the smallest normal number are left out: halves of them, which the count needs, are none.
@given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=2, max_size=12))
def test_useful_time_is_that_of_a_broken_line(heights: list[float]) -> None:
    times = np.linspace(0.0, 0.1, len(heights))
    fine = np.linspace(0.0, 0.1, 200 * (len(heights) - 1) + 1)
    counted = (np.interp((fine[1:] + fine[:-1]) / 2, times, heights) >= 0).mean() * 2.4
    # Each step may hold one crossing, which the count places within one part in 200.
    assert useful_time(np.array([heights]), times)[0][0] == pytest.approx(counted, abs=2.4 / 200 + 1e-9)


@pytest.mark.parametrize("place", ["palomar", "tartu", "-16.5,-179.99,10"])
def test_window_of_each_night_is_that_of_its_visibility(place: str) -> None:
    site = get_site(place)
    ra, dec = random_sky(80, seed=23)
    limits = ObservingLimits(max_airmass=2.2, max_hour_angle=5, max_altitude=85, min_moon_separation=40)
    found = windows(ra, dec, night_at(site, "2026-04-20"), limits, nights=20)
    assert found.hours.shape == found.start.shape == found.min_airmass.shape == (len(found), 20) == (80, 20)
    for k in range(0, 20, 6):
        seen = visibility(ra, dec, night_at(site, found.dates[k]), limits)
        up = seen.observable
        assert 5 < up.sum() < 75
        assert found.observable[:, k].tolist() == up.tolist()
        assert found.hours[:, k] == pytest.approx(seen.hours, abs=1e-9)
        assert found.start[up, k] == pytest.approx(seen.start[up], abs=1e-9)
        assert found.end[up, k] == pytest.approx(seen.end[up], abs=1e-9)
        assert found.min_airmass[up, k] == pytest.approx(seen.min_airmass[up], rel=1e-12)
        assert np.isnan(found.start[~up, k]).all()


def test_month_without_darkness_has_no_windows_but_its_reason() -> None:
    night = night_at(get_site("tartu"), "2026-04-20", twilight=18)
    found = windows([200.0, math.nan], [60.0, 10.0], night, nights=20)
    assert found.observable[0, 0]
    assert not found.observable[1].any()
    dark = np.array([why is None for why in found.refused])
    assert dark[0]
    assert not dark[-1]
    assert not found.observable[:, ~dark].any()
    assert "no dark time at Tartu Observatory on 2026-05-09" in str(found.refused[-1])


def test_windows_close_on_the_night_that_the_closing_date_names() -> None:
    night = night_at(get_site("sso"), "2026-11-20")
    ra, dec = random_sky(300, seed=29)
    limits = ObservingLimits(min_moon_separation=0, max_hour_angle=4)
    found = windows(ra, dec, night, limits, nights=45)
    promised = last_useful_dates(ra, dec, night, limits)
    checked = 0
    for i, date in enumerate(promised):
        if date is None or date > found.dates[-3].isoformat():
            continue
        last = found.dates[int(np.flatnonzero(found.observable[i]).max())]
        # Good to a day; more where a target comes back in the same month.
        if found.observable[i].argmin() == found.observable[i].sum():
            assert abs((last - dt.date.fromisoformat(date)).days) <= 1
            checked += 1
    assert checked > 20
