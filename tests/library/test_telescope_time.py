"""What a telescope could do with each target at each moment, against one target and one moment at a time."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.observing import get_site, night_at
from ampel_followup.observing.airmass import airmass
from ampel_followup.observing.exposure import exposure_time, time_on_target
from ampel_followup.observing.instruments import get_instrument
from ampel_followup.observing.moonlight import sky_brightness
from ampel_followup.observing.telescope_time import DAY, STEP, TelescopeTime, telescope_time
from ampel_followup.observing.visibility import altitudes

DATE = dt.date(2026, 11, 20)
SEDM = get_instrument("sedm")
NIGHT = night_at(get_site("palomar"), DATE)
HOUR = 1.0 / 24.0
RNG = np.random.default_rng(7)
RA, DEC = RNG.uniform(0.0, 360.0, 60), np.degrees(np.arcsin(RNG.uniform(-1.0, 1.0, 60)))
MAG = RNG.uniform(15.0, 20.0, 60)


def made(key: str = "sedm", magnitude=MAG, **options) -> TelescopeTime:
    instrument = get_instrument(key)
    return telescope_time(instrument, night_at(get_site(instrument.site), DATE), RA, DEC, magnitude, **options)


@pytest.mark.parametrize("key", ["sedm", "efosc2", "wifes", "gmos_n", "kast"])
def test_usable_steps_are_those_within_the_limits_at_both_ends(key):
    time = made(key)
    limits, night = time.instrument.limits, time.night
    edges = time.begin + STEP / DAY * np.arange(time.steps + 1)
    assert edges[0] == night.dusk and night.dawn - STEP / DAY < edges[-1] <= night.dawn + 1e-9
    altitude = altitudes(RA, DEC, night, edges)
    lowest = max(limits.min_altitude, 0.0)
    high = (altitude >= lowest) & (altitude <= limits.max_altitude) & (airmass(altitude) <= limits.max_airmass)
    high &= ((limits.min_declination <= DEC) & (limits.max_declination >= DEC))[:, np.newaxis]
    within = high[:, 1:] & high[:, :-1]
    assert time.usable.any()
    assert not (time.usable & ~within).any()
    # What is left out besides is near the Moon, or far from the meridian.
    moon = (time.separation < limits.min_moon_separation) & (
        np.interp(edges[:-1], night.times, night.moon_altitude) > -1.5
    )
    if limits.max_hour_angle == 12.0 and limits.min_hour_angle == -12.0:
        assert (moon | ~(within & ~time.usable)).all()


def test_exposures_are_those_of_each_moment():
    time = made()
    rng = np.random.default_rng(1)
    up = np.argwhere(time.usable)
    for i, step in up[rng.choice(len(up), 40, replace=False)]:
        moment = NIGHT.dusk + (step + 0.5) * STEP / DAY
        [[altitude]] = altitudes([RA[i]], [DEC[i]], NIGHT, [moment])
        moon_ra, moon_dec = (np.interp(moment, NIGHT.times, x) for x in (NIGHT.moon_ra, NIGHT.moon_dec))
        a, b, c, d = np.radians([RA[i], DEC[i], moon_ra, moon_dec])
        separation = math.degrees(
            math.acos(math.sin(b) * math.sin(d) + math.cos(b) * math.cos(d) * math.cos(a - c))
        )  # fmt: skip
        sky = sky_brightness(
            NIGHT.moon_illumination, np.interp(moment, NIGHT.times, NIGHT.moon_altitude), altitude, separation,
            dark_sky=SEDM.conditions.dark_sky, extinction=SEDM.conditions.extinction,
        )  # fmt: skip
        overhead = float(airmass(np.array(altitude)))
        expected = float(exposure_time(SEDM, MAG[i], airmass=overhead, sky=sky))
        if MAG[i] > SEDM.magnitudes.faint:
            expected = math.inf
        assert time.airmass[i, step] == pytest.approx(overhead, rel=1e-6)
        assert time.separation[i, step] == pytest.approx(separation, abs=1e-6)
        assert time.exposure[i, step] == pytest.approx(expected, rel=1e-6)
        assert time.duration[i, step] == pytest.approx(float(time_on_target(SEDM, expected)), rel=1e-6)


def test_faint_bright_and_unknown_cannot_be_exposed():
    magnitude = np.full(60, 17.0)
    magnitude[:3] = [math.nan, SEDM.magnitudes.faint + 0.01, SEDM.magnitudes.bright - 0.01]
    time = made(magnitude=magnitude)
    assert np.isinf(time.exposure[:3]).all()
    assert np.isfinite(time.exposure[3:][time.usable[3:]]).any()


def test_better_seeing_and_less_signal_take_less_time():
    usual, sharp, rough = made(), made(seeing=0.7), made(snr=5.0)
    both = time_finite(usual) & usual.usable
    assert (sharp.exposure[both] <= usual.exposure[both]).all() and (rough.exposure[both] <= usual.exposure[both]).all()
    assert sharp.exposure[both].sum() < usual.exposure[both].sum()


def time_finite(time: TelescopeTime) -> np.ndarray:
    return np.isfinite(time.exposure)


@settings(max_examples=30)
@given(st.floats(-3.0, 14.0), st.floats(0.0, 6.0))
def test_no_step_that_touches_a_closure_is_usable(start, length):
    closed = (NIGHT.dusk + start * HOUR, NIGHT.dusk + (start + length) * HOUR)
    time, free = made(closed=[closed]), made()
    edges = time.begin + STEP / DAY * np.arange(time.steps + 1)
    touched = (edges[1:] > closed[0]) & (edges[:-1] < closed[1])
    assert not time.usable[:, touched].any()
    assert (time.usable[:, ~touched] == free.usable[:, ~touched]).all()
    assert time.closed == (closed,)


@settings(max_examples=20)
@given(st.floats(-5.0, 20.0))
def test_nothing_is_usable_before_now_nor_outside_the_night(hours):
    now = NIGHT.dusk + hours * HOUR
    time = made(begin=now)
    assert time.begin == max(NIGHT.dusk, now)
    assert time.steps >= 1 and time.usable.shape == (60, time.steps) == time.exposure.shape
    if now >= NIGHT.dawn:
        assert not time.usable.any()
    else:
        assert time.begin + (time.steps - 1) * STEP / DAY < NIGHT.dawn


def test_moment_is_found_in_its_step():
    time = made()
    edges = time.begin + STEP / DAY * np.arange(time.steps)
    assert [time.step_at(edge + 1e-9) for edge in edges] == list(range(time.steps))
    assert (time.step_at(time.begin - 1.0), time.step_at(time.begin + 2.0)) == (0, time.steps - 1)


def test_schedule_gets_the_same_night_in_seconds():
    time = made(begin=NIGHT.dusk + 2 * HOUR)
    telescope = time.telescope(NIGHT.dusk)
    assert telescope.edges[0] == pytest.approx(7200.0, abs=1e-3)
    assert telescope.step == pytest.approx(STEP)
    assert (telescope.usable == time.usable).all()
    assert telescope.slew_rate == SEDM.aperture.slew_rate
