"""What cells and panes say, and how wide they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Galactic, SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text
from sample_night import DUSK_MJD, NIGHT, NOW, make_light_curve, make_plan

from ampel_followup.lightcurve import LightCurve
from ampel_followup.plan import RankedTarget
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.axes import axis, round_values
from ampel_followup_tui.columns import hidden_columns, tonight_columns
from ampel_followup_tui.commands import COMMANDS, Place, commands_of
from ampel_followup_tui.coordinates import galactic
from ampel_followup_tui.glyphs import BAND, STATUS, UNDECIDED, airmass_bar, short_name, trend_sign
from ampel_followup_tui.instants import clock, mjd
from ampel_followup_tui.panes.flow import flow
from ampel_followup_tui.panes.visibility import visibility
from ampel_followup_tui.panes.why import why
from ampel_followup_tui.photometry import best_in_flux, points

MakeApp = Callable[..., FollowupApp]


@pytest.fixture
def target() -> RankedTarget:
    return make_plan(1, 0)[0].targets[0]


@pytest.mark.parametrize("width", [79, 100, 119, 139, 250])
@pytest.mark.parametrize("make_columns", [tonight_columns, hidden_columns])
def test_columns_fill_the_width_and_no_cell_is_wider_than_its_column(
    make_app: MakeApp, width: int, make_columns: Callable[..., list]
) -> None:
    journal = make_app().journal
    columns = make_columns(width, journal)
    assert sum(column.width + 1 for column in columns) - 1 <= width
    assert columns[-1].key == "status"
    for column in columns:
        assert column.width >= 3
        assert Text(column.label).cell_len <= column.width
        for row in (*journal.plan.targets, *journal.plan.not_observable):
            if column.key != "status":
                assert column.content(row, column.width).cell_len <= column.width


def test_numbers_that_are_not_known_are_shown_as_a_dash(make_app: MakeApp, target: RankedTarget) -> None:
    unknown = replace(
        target,
        photometry=replace(target.photometry, last_mag=math.nan, trend=math.nan, first_mjd=math.nan, last_band=""),
        visibility=replace(target.visibility, min_airmass=math.nan, airmass=()),
    )
    shown = {
        column.key: column.content(unknown, column.width).plain.strip()
        for column in tonight_columns(139, make_app().journal)
    }
    assert [shown[key] for key in ("magnitude", "trend", "age", "airmass", "bar")] == ["–", "–", "–", "–", ""]


@pytest.mark.parametrize("width", [79, 119, 139])
@pytest.mark.parametrize("make_columns", [tonight_columns, hidden_columns])
def test_what_is_outside_the_training_set_is_marked_by_a_sign_and_a_word(
    make_app: MakeApp, target: RankedTarget, width: int, make_columns: Callable[..., list]
) -> None:
    for in_scope, sign, word in ((0.01, "?", "outside"), (0.5, "", "")):
        row = replace(target, scores=replace(target.scores, in_scope=in_scope))
        shown = {c.key: c.content(row, c.width).plain for c in make_columns(width, make_app().journal)}
        assert shown.get("classes", shown.get("class")).endswith(sign or "%" if width > 79 else sign)
        assert shown["status"].endswith(word)
        assert ("? outside" in why(row, 60).plain) == bool(word)


def test_classes_after_a_spectrum_are_those_that_spectra_name(target: RankedTarget) -> None:
    scores = target.scores
    shares = dict.fromkeys(scores.p_t, 0.0) | {scores.class_now: 0.25, scores.class_after: 0.75}
    assert "75%" in why(replace(target, scores=replace(scores, class_after="TDE", p_after=shares)), 60).plain
    # Plans from before this was kept know only the mean probabilities.
    old = why(replace(target, scores=replace(scores, p_after={}, spectrum_uncertainty=math.nan)), 60).plain
    assert f"{100 * max(scores.p_ts.values()):.0f}%" in old
    assert "uncertainty" not in old


def test_signs_tell_apart_what_colours_tell_apart() -> None:
    assert len({sign for sign, _ in BAND.values()}) == len(BAND)
    assert len({sign for sign, _, _ in (*STATUS.values(), UNDECIDED)}) == len(STATUS) + 1


def test_the_arrow_points_up_when_the_target_brightens() -> None:
    assert [trend_sign(trend) for trend in (-0.3, 0.0, 0.3, math.nan)] == ["↗", "→", "↘", " "]


@given(st.lists(st.one_of(st.floats(1.0, 30.0), st.just(math.nan)), max_size=40), st.integers(1, 60))
def test_the_airmass_bar_is_as_long_as_asked(airmass: list[float], width: int) -> None:
    assert len(airmass_bar(airmass, width)) == width


def test_the_airmass_bar_is_highest_where_the_airmass_is_least() -> None:
    assert airmass_bar([math.nan, 2.9, 1.6, 1.0, 1.6, 2.9, math.nan], 7) == " ▁▄▇▄▁ "


@settings(deadline=None, max_examples=50)
@given(st.floats(0.0, 360.0, exclude_max=True), st.floats(-90.0, 90.0))
def test_galactic_coordinates_agree_with_astropy(ra: float, dec: float) -> None:
    longitude, latitude = galactic(ra, dec)
    expected = SkyCoord(ra, dec, unit=u.deg).galactic
    ours = SkyCoord(longitude, latitude, unit=u.deg, frame=Galactic)
    assert ours.separation(expected).arcsec < 0.2
    assert 0.0 <= longitude <= 360.0


@given(st.floats(-1e4, 1e4), st.floats(0.1, 1e6), st.integers(2, 12))
def test_ticks_are_round_few_and_within_the_range(low: float, span: float, most: int) -> None:
    high = low + span
    ticks = round_values(low, high, most)
    assert 0 < len(ticks) <= most
    assert all(low - 1e-6 * span <= tick <= high + 1e-6 * span for tick in ticks)
    steps = np.diff(ticks)
    if len(steps):
        mantissa = steps[0] / 10.0 ** math.floor(math.log10(steps[0]) + 1e-9)
        assert min(abs(mantissa - factor) for factor in (1, 2, 5, 10)) < 1e-6
        np.testing.assert_allclose(steps, steps[0], rtol=1e-6)


@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=30), st.integers(1, 100), st.booleans())
def test_every_value_falls_on_the_picture(values: list[float], cells: int, inverted: bool) -> None:
    picture = axis(values, cells, inverted=inverted)
    rows = [picture.cell(value) for value in values]
    assert all(0 <= row < cells for row in rows)
    brightest = rows[int(np.argmax(values))]
    assert brightest == (min(rows) if inverted else max(rows))


def test_magnitudes_leave_negative_differences_to_the_flux_picture() -> None:
    light_curve = _with_flux([100.0, -50.0, 80.0, 0.0], [5.0, 5.0, 5.0, 4.0], [False, False, False, True])
    drawn = points(light_curve, in_flux=False)
    assert [round(point.value, 2) for point in drawn] == [18.9, 19.14, 20.65]
    assert [point.limit for point in drawn] == [False, False, True]
    in_flux = points(light_curve, in_flux=True)
    assert [point.value for point in in_flux] == [100.0, -50.0, 80.0, 20.0]
    assert not best_in_flux(light_curve)


def test_a_source_that_fades_below_its_reference_is_first_shown_in_flux() -> None:
    assert best_in_flux(_with_flux([-100.0, -50.0, 80.0], [5.0] * 3, [False] * 3))


def test_limits_from_long_before_are_left_out_of_the_picture() -> None:
    light_curve = make_light_curve("x", np.random.default_rng(3))
    first = light_curve.time[light_curve.detected].min()
    shown = [point.time for point in points(light_curve, in_flux=False) if point.limit]
    limits = light_curve.time[light_curve.upper_limit]
    assert shown == limits[limits >= first - 20.0].tolist()


def test_a_limit_through_clouds_does_not_flatten_the_picture() -> None:
    light_curve = _with_flux([100.0, 0.0, -80.0, 0.0], [5.0, 4e4, 5.0, 10.0], [False, True, False, True])
    assert [point.value for point in points(light_curve, in_flux=True)] == [100.0, -80.0, 50.0]


def _with_flux(flux: list[float], flux_err: list[float], upper_limit: list[bool]) -> LightCurve:
    n = len(flux)
    time = 60000.0 + np.arange(n)
    return LightCurve("x", 1, time, ["ztfr"] * n, flux, flux_err, upper_limit, 10.0, -5.0)


def test_times_are_shown_on_the_clock_of_the_site() -> None:
    assert clock("2026-11-20T10:30:00Z", "Australia/Sydney") == "21:30"
    assert clock("2026-11-20T10:30:00Z", "No/Such_Zone") == "10:30"
    assert clock(None, "UTC") == "–"


def test_julian_dates_are_right() -> None:
    assert mjd("2000-01-01T12:00:00Z") == 51544.5
    assert mjd(NIGHT.dusk) == pytest.approx(DUSK_MJD, abs=1e-3)


def test_now_is_marked_on_the_night_only_while_it_is_dark(target: RankedTarget) -> None:
    assert "▲ now" in visibility(target, NIGHT, NOW, 70).plain
    late = visibility(target, NIGHT, datetime(2026, 11, 20, 17, 12, tzinfo=UTC), 70).plain
    assert "now ▲" in late
    assert "▲" not in visibility(target, NIGHT, datetime(2026, 11, 21, 3, tzinfo=UTC), 70).plain


@pytest.mark.parametrize("width", [30, 36, 50, 76, 120])
def test_texts_of_the_panes_keep_to_their_width(target: RankedTarget, width: int) -> None:
    for text in (why(target, width), visibility(target, NIGHT, NOW, width)):
        assert max(len(line) for line in text.plain.splitlines()) <= width


@given(st.lists(st.text("ab ", min_size=1, max_size=12), max_size=12), st.integers(12, 40))
def test_flowing_text_breaks_only_between_pieces(pieces: list[str], width: int) -> None:
    lines = flow(map(Text, pieces), width).plain.split("\n")
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join("".join(pieces).split())


@pytest.mark.parametrize("place", [Place.TARGETS, Place.PLAN, Place.LEARNING])
def test_no_two_commands_of_a_screen_share_a_key(place: Place) -> None:
    keys = [key for command in commands_of(place) for key in command.keys.split(",")]
    assert len(keys) == len(set(keys))


def test_every_command_is_an_action_of_the_app() -> None:
    for command in COMMANDS:
        assert hasattr(FollowupApp, "action_" + command.action.partition("(")[0]), command


@pytest.mark.parametrize(
    ("name", "width", "shown"),
    [
        ("ZTF18abmjhtn", 12, "ZTF18abmjhtn"),
        ("170028485706776685", 18, "170028485706776685"),
        # Objects of one night begin alike: 169813007065940116, 169813007065939979.
        ("169813007065940116", 12, "…07065940116"),
        ("LSST-AP-DO-169813007065939979", 12, "…07065939979"),
        ("a name that a person made up", 12, "a name that…"),
        ("[red]\x1b169813007065940116", 12, "[red]169813…"),
    ],
)
def test_name_of_an_object_is_cut_where_names_differ_least(name: str, width: int, shown: str) -> None:
    assert short_name(name, width) == shown
