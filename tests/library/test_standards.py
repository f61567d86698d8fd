"""Standard stars: the table, and when they are observed."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.observing import get_site, night_at
from ampel_followup.observing.instruments import get_instrument, load_instruments
from ampel_followup.observing.standards import EXPOSURE, load_standards, standard_visits
from ampel_followup.observing.telescope_time import STEP, TelescopeTime, telescope_time
from ampel_followup.observing.visibility import altitudes

DATE = dt.date(2026, 11, 20)
HOUR = 1.0 / 24.0
SEDM = get_instrument("sedm")
NIGHT = night_at(get_site("palomar"), DATE)


def empty(key: str = "sedm", **options) -> TelescopeTime:
    """A telescope's night without candidates."""
    instrument = get_instrument(key)
    nothing = np.empty(0)
    return telescope_time(
        instrument, night_at(get_site(instrument.site), DATE), nothing, nothing, nothing, **options
    )  # fmt: skip


def test_table_has_stars_in_both_hemispheres_at_every_hour():
    stars = load_standards()
    assert len({star.name for star in stars}) == len(stars) >= 25
    assert [star.ra for star in stars] == sorted(star.ra for star in stars)
    assert all(0.0 <= star.ra < 360.0 and -90.0 < star.dec < 90.0 and 8.0 < star.magnitude < 15.0 for star in stars)
    for sign in (1.0, -1.0):
        ra = np.array([star.ra for star in stars if sign * star.dec > -12.0])
        assert np.diff([*ra, ra[0] + 360.0]).max() < 90.0


def test_positions_are_read_with_the_sign_of_the_whole_degree():
    stars = {star.name: star for star in load_standards()}
    # CALSPEC (Bohlin, Gordon & Tremblay 2014, PASP 126, 711): to 1 s and 10 arcsec.
    assert (stars["G191-B2B"].ra, stars["G191-B2B"].dec) == pytest.approx((76.3776, 52.8311), abs=0.005)
    assert (stars["Feige 110"].ra, stars["Feige 110"].dec) == pytest.approx((349.9933, -5.1656), abs=0.005)
    assert stars["EG 131"].dec == pytest.approx(-7.667, abs=0.005)


@pytest.mark.parametrize("instrument", load_instruments(), ids=lambda instrument: instrument.key)
def test_every_telescope_finds_a_standard_at_both_ends_of_its_night(instrument):
    time = empty(instrument.key)
    first, last = standard_visits(time)
    night = time.night
    assert (first.start - night.dusk) < 0.5 * HOUR
    assert (night.dawn - last.end) < 0.5 * HOUR
    for visit in (first, last):
        for moment in (visit.start, visit.end):
            [[altitude]] = altitudes([visit.star.ra], [visit.star.dec], night, [moment])
            assert altitude >= instrument.limits.min_altitude - 0.05
        overheads = instrument.overheads.acquisition + instrument.overheads.readout
        assert (visit.end - visit.start) * 86400.0 == pytest.approx(EXPOSURE + overheads, abs=0.01)


def test_star_is_the_highest_of_all():
    [first, *_] = standard_visits(empty())
    stars = load_standards()
    [ra, dec] = np.transpose([(star.ra, star.dec) for star in stars])
    altitude = altitudes(ra, dec, NIGHT, [first.start + 0.5 * STEP / 86400.0])[:, 0]
    allowed = (altitude <= SEDM.limits.max_altitude) & (dec >= SEDM.limits.min_declination)
    assert first.star == stars[int(np.where(allowed, altitude, -90.0).argmax())]
    assert first.airmass == pytest.approx(1.0 / np.sin(np.radians(altitude[allowed].max())), rel=0.02)


def test_star_seen_before_makes_the_one_at_the_beginning_needless():
    time = empty(begin=NIGHT.dusk + 3 * HOUR)
    assert len(standard_visits(time)) == 2
    [evening] = standard_visits(time, last=NIGHT.dusk)
    assert NIGHT.dawn - evening.end < 0.1 * HOUR
    [first, *_] = standard_visits(time, last=NIGHT.dusk, every=4.0)
    assert first.start - NIGHT.dusk == pytest.approx(4 * HOUR, abs=STEP / 86400.0)


@pytest.mark.parametrize("closed", [[(NIGHT.dusk - 1.0, NIGHT.dawn + 1.0)], [(NIGHT.dusk, NIGHT.dawn)]])
def test_closed_night_has_none(closed):
    assert standard_visits(empty(closed=closed)) == []
    assert standard_visits(empty(begin=NIGHT.dawn)) == []
    assert standard_visits(empty(begin=NIGHT.dawn - 60.0 / 86400.0)) == []


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1.0, 12.0), st.floats(0.05, 4.0)), max_size=4),
    st.lists(st.tuples(st.floats(-1.0, 12.0), st.floats(0.05, 4.0)), max_size=3),
    st.sampled_from([None, 1.0, 2.5]),
)
def test_standards_never_meet_each_other_nor_what_is_busy_or_closed(busy, closed, every):
    def stretches(hours):
        return [(NIGHT.dusk + a * HOUR, NIGHT.dusk + (a + length) * HOUR) for a, length in hours]

    visits = standard_visits(empty(closed=stretches(closed)), stretches(busy), every=every)
    tiny = 1e-3 / 86400.0
    for one, other in pairwise(visits):
        assert other.start >= one.end - tiny
    for visit in visits:
        assert NIGHT.dusk - tiny <= visit.start and visit.end <= NIGHT.dawn + tiny
        for begin, end in (*stretches(busy), *stretches(closed)):
            assert visit.end <= begin + tiny or visit.start >= end - tiny
