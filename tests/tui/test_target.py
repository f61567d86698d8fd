"""The keys of a target: its light curve closer and absolute, its fit, where it stood before, what others said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_night import (
    FLOYDS,
    LA_PALMA,
    NIGHT,
    SPRAT,
    WIFES,
    at_rest,
    make_light_curve,
    make_plan,
    make_timetable,
    screen_text,
    until,
)
from textual.pilot import Pilot

from ampel_followup.brightness import brightness_at
from ampel_followup.labels import Label
from ampel_followup.observing.tracks import sky_track
from ampel_followup.plan import NightPlan
from ampel_followup.store import PastRank, Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.instants import mjd
from ampel_followup_tui.panes.classes import classes
from ampel_followup_tui.panes.past import labels_text, nights_text
from ampel_followup_tui.panes.places import places, places_text
from ampel_followup_tui.widgets.detail import Detail
from ampel_followup_tui.widgets.light_curve import LightCurveView
from ampel_followup_tui.zoom import shifted, zoomed

MakeApp = Callable[..., FollowupApp]
NARROW, WIDE = (80, 24), (140, 45)
TIME = "2026-11-19T00:00:00.000000Z"
HOSTILE = "[bold]Z[/] \x1b[2J\x07\u202e"


def label(target: str, redshift: float = 0.041, **fields: object) -> Label:
    return Label(target, "SN Ia", "TNS", TIME, redshift=redshift, **fields)  # type: ignore[arg-type]


async def settled(pilot: Pilot[None]) -> str:
    """Wait until all that is read aside is drawn; return what stands on the screen."""
    await until(lambda: bool(pilot.app.screen.query(Detail)))
    await at_rest(pilot.app)
    return screen_text(pilot.app)


async def pressed(pilot: Pilot[None], *keys: str) -> str:
    await pilot.press(*keys)
    return await settled(pilot)


def seen(app: FollowupApp) -> tuple[float, float]:
    """The days that the picture of the light curve shows."""
    scene = app.screen.query_one(LightCurveView)._scene
    assert scene is not None
    return scene.seen


@pytest.mark.parametrize("keys", [(), ("enter",)], ids=["tonight", "target"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_the_light_curve_is_seen_closer_further_away_and_to_either_side(
    make_app: MakeApp, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pressed(pilot, *keys)
        first, last = seen(app)
        await pressed(pilot, "plus")
        assert seen(app) == pytest.approx(((first + last) / 2, last))
        await pressed(pilot, "less_than_sign")
        assert seen(app)[1] == pytest.approx(last - (last - first) / 8)
        await pressed(pilot, "plus", "plus", "minus")
        assert seen(app)[1] - seen(app)[0] == pytest.approx((last - first) / 4)
        await pressed(pilot, *["greater_than_sign"] * 20)
        assert seen(app)[1] == pytest.approx(last)
        await pressed(pilot, *["plus"] * 20)
        assert seen(app)[1] - seen(app)[0] == pytest.approx(0.5)
        await pressed(pilot, "0")
        assert seen(app) == (first, last)
        await pressed(pilot, "minus", "greater_than_sign", "less_than_sign")
        assert seen(app) == pytest.approx((first, last))


async def test_another_target_is_seen_whole_and_the_same_one_keeps_its_zoom(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pressed(pilot, "enter", "plus")
        closer = seen(app)
        await pressed(pilot, "c", "h", "i", "enter")
        assert seen(app) == closer
        assert "0 all" not in await pressed(pilot, "n")


@given(st.floats(-50, 0), st.floats(1, 60), st.lists(st.sampled_from([0.5, 2.0, -0.25, 0.25]), max_size=30))
def test_what_is_seen_stays_within_what_there_is(first: float, length: float, steps: list[float]) -> None:
    whole = window = (first, first + length)
    for step in steps:
        moved = abs(step) == 0.25
        window = shifted(window, whole, step) if moved else zoomed(window, whole, step, 0.5)
        assert whole[0] - 1e-9 <= window[0] < window[1] <= whole[1] + 1e-9
        assert window[1] - window[0] >= min(0.5, length) - 1e-9


async def test_absolute_magnitudes_need_a_redshift_and_say_what_they_leave_out(make_app: MakeApp, store: Store) -> None:
    first, second, *_ = store.load_plan().plan.targets
    store.add_labels([label(first.id)])
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert "M, no K corr., z 0.041 (TNS)" in await pressed(pilot, "enter", "m")
        shift = app.screen.query_one(LightCurveView)._shift
        assert shift == pytest.approx(36.28, abs=0.02)
        # In flux there is no such thing, and from there the key asks for it whatever was chosen before.
        assert "flux µJy" in _legend(await _and(pilot, app, "f"))
        assert "M, no K corr." in _legend(await _and(pilot, app, "m"))
        await pressed(pilot, "n")
        assert "no redshift" in _legend(app)
        await pressed(pilot, "m", "m")
        assert any(f"No redshift is known of {second.id}" in said.message for said in app._notifications)


async def _and(pilot: Pilot[None], app: FollowupApp, key: str) -> FollowupApp:
    await pressed(pilot, key)
    return app


def _legend(app: FollowupApp) -> str:
    return app.screen.query_one(LightCurveView)._legend().plain


async def test_the_fit_ends_at_the_brightness_of_the_best_moment_of_the_night(make_app: MakeApp, store: Store) -> None:
    [target, *_] = store.load_plan().plan.targets
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pressed(pilot, "enter")
        curve = store.light_curve(target.id).to_light_curve()
        expected = brightness_at([curve], mjd(target.visibility.best), band=target.photometry.last_band)
        shown = f"× tonight {target.photometry.last_band[-1]} {expected.mag[0]:.1f} ±{expected.mag_err[0]:.1f}"
        assert shown in screen_text(app)


async def test_a_light_curve_without_a_fit_says_why(make_app: MakeApp, store: Store) -> None:
    [target, *_] = store.load_plan().plan.targets
    old = make_light_curve(target.id, np.random.default_rng(1))
    newest = replace(old, time=old.time + 1e-3, flux=-np.abs(old.flux), flux_err=old.flux_err)
    store.save_light_curves([newest])
    app = make_app()
    async with app.run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        assert "no fit: no detection above the reference image" in await pressed(pilot, "enter")


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_history_has_the_ranks_of_the_nights_before_and_the_labels_that_came_back(
    make_app: MakeApp, store: Store, size: tuple[int, int]
) -> None:
    plan = store.load_plan().plan
    [target, *_] = plan.targets
    for number, date in enumerate(("2026-11-17", "2026-11-18", "2026-11-19")):
        others = plan.targets[1 : 3 + number]
        ranked = (*(replace(o, rank=i) for i, o in enumerate(others, 1)), replace(target, rank=len(others) + 1))
        store.save_plan(_on(plan, date, ranked), created=TIME)
    store.save_plan(replace(plan, sampling="again"), created=TIME)
    store.add_labels([label(target.id, author="ada", comment="broad silicon")])
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        text = await pressed(pilot, "enter", "4")
        assert "4 nights" in text
        assert "SN Ia by TNS (ada)" in " ".join(text.split())
        rows = [line.split() for line in text.splitlines() if "Nov" in line and "/" in line]
        places = [word for row in rows for word in row if "/" in word and word[0].isdigit()]
        assert places[-4:] == ["1/34", "5/5", "4/4", "3/3"]


def _on(plan: NightPlan, date: str, targets: tuple[object, ...]) -> NightPlan:
    return replace(plan, night=replace(plan.night, date=date), targets=targets, not_observable=(), stop=None)


async def test_twilight_the_moon_and_the_other_telescopes_stand_with_the_airmass(
    make_app: MakeApp, store: Store
) -> None:
    plan = store.load_plan().plan
    store.save_timetable(make_timetable(plan, (WIFES, FLOYDS, SPRAT)), created=TIME)
    app = make_app()
    async with app.run_test(size=(80, 40)) as pilot:
        await settled(pilot)
        up = next(n for n, t in enumerate(plan.targets) if sky_track(t.ra, t.dec, NIGHT).best is not None)
        text = await pressed(pilot, *["n"] * up, "enter", "3")
        track = sky_track(plan.targets[up].ra, plan.targets[up].dec, LA_PALMA)
        assert "░░░" in text
        assert "when best: Moon" in text
        assert "LT/SPRAT" in text
        # Those of the plan's own site see what it sees.
        assert "FTS/FLOYDS " not in text.split("when best")[1]
        if track.best is None:
            assert "below the horizon all night" in text
        else:
            assert f"airmass {track.airmass[track.best]:.2f}" in text.split("LT/SPRAT")[1]
            assert f"Moon {track.moon_separation[track.best]:.0f}° away" in text.split("LT/SPRAT")[1]


@pytest.mark.parametrize("width", [30, 36, 76])
def test_places_keep_to_their_width_and_hostile_names_are_inert(width: int) -> None:
    elsewhere = replace(SPRAT, name=HOSTILE * 9)
    timetable = make_timetable(make_plan(3, 0)[0], (WIFES, elsewhere))
    where = places(NIGHT, timetable)
    assert [place.night.site for place in where] == ["sso", "lapalma"]
    for ra, dec in ((60.0, -20.0), (60.0, -80.0)):
        text = places_text([(place, sky_track(ra, dec, place.night)) for place in where], width).plain
        assert max(len(line) for line in text.splitlines()) <= width
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        assert ("below the horizon all night" in text) == (dec == -80.0)


@pytest.mark.parametrize(("size", "keys"), [(NARROW, ()), (NARROW, ("enter",)), (WIDE, ())])
async def test_classes_have_a_pane_of_their_own(
    make_app: MakeApp, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        assert "expected to be right" not in await pressed(pilot, *keys)
        text = await pressed(pilot, "6")
        assert "expected to be right" in " ".join(text.split()) or "would leave the class" in text
        assert "spectrum uncertainty" not in text
        assert "expected to be right" not in await pressed(pilot, "2")


async def test_on_a_wide_screen_classes_are_always_there(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(140, 60)) as pilot:
        await settled(pilot)
        text = await pressed(pilot, "enter")
        assert "a spectrum would say" in text
        assert "value of information" in text


def test_every_class_and_every_answer_is_named_with_its_number() -> None:
    [target] = make_plan(1, 0)[0].targets
    scores = replace(
        target.scores,
        class_now="SN II",
        p_t={"SN II": 0.51, "SN Ia": 0.29, "TDE": 0.2},
        p_ts={"SN II": 0.4, "SN Ia": 0.4, "TDE": 0.2},
        p_after={"SN II": 0.53, "SN Ia": 0.47, "TDE": 0.0},
        p_named={"SN II": 0.65, "SN Ia": 0.82},
        entropy_named={"SN II": 1.08, "SN Ia": 1.52},
        entropy=1.28,
        information_gain=0.38,
        value_of_information=0.3,
        p_change=0.47,
        p_snia=0.63,
        snia_threshold=0.5,
    )
    text = " ".join(classes(replace(target, scores=scores), 76).plain.replace("\u00a0", " ").split())
    assert "expected to be right in 70 % of cases, against 40 % if it stays SN II" in text
    assert "of 1.28 nat of doubt it takes 0.38." in text
    assert "= 53% SN II: confirms it: 51 % → 65 %, 0.20 nat less doubt" in text
    assert "≠ 47% SN Ia: corrects SN II: 29 % → 82 %, 0.24 nat more doubt" in text
    assert "TDE 20%" in text
    assert "P(SN Ia) 0.63, Ia from 0.50 on" in text
    # Plans from before this was kept.
    old = classes(replace(target, scores=replace(scores, p_after={}, p_named={}, entropy_named={}, p_change=0.0)), 76)
    assert "ranking anew does" in old.plain
    assert "would leave the class at SN II" in old.plain


@pytest.mark.parametrize("width", [30, 36, 76, 120])
def test_classes_keep_to_their_width_and_hostile_names_are_inert(width: int) -> None:
    [target] = make_plan(1, 0)[0].targets
    names = {HOSTILE: 0.6, "x" * 200: 0.4}
    scores = replace(target.scores, p_t=names, p_ts=names, p_after=names, p_named=names, class_now=HOSTILE)
    text = classes(replace(target, scores=scores), width).plain
    assert max(len(line) for line in text.splitlines()) <= width
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


def past(night: str, rank: int, **fields: object) -> PastRank:
    values = {
        "site": "sso", "strategy": "x", "revision": 1, "n_targets": 40, "observable": rank > 0, "set_aside": False,
        "class_now": "SN Ia", "p_class": 0.48, "value_of_information": 0.31, "mag": 19.2, "band": "ztfr",
    }  # fmt: skip
    return PastRank(night=night, rank=rank, **(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [30, 36, 76, 120])
def test_ranks_and_labels_keep_to_their_width_and_hostile_names_are_inert(width: int) -> None:
    nights = [past(f"2026-10-{day:02d}", day, class_now=HOSTILE, site=HOSTILE, band=HOSTILE) for day in range(1, 31)]
    held = [label(HOSTILE, author=HOSTILE, comment=HOSTILE * 30, confidence=0.7)]
    for text in (nights_text(nights, NIGHT, width), labels_text(held, width)):
        assert max(len(line) for line in text.plain.splitlines()) <= width
        assert not {"\x1b", "\x07", "\u202e"} & set(text.plain)


def test_a_night_without_a_place_says_why_and_the_sparkline_is_highest_at_the_top_of_the_list() -> None:
    nights = [
        past("2026-11-17", 40),
        past("2026-11-18", 0),
        past("2026-11-19", 0, set_aside=True),
        past("2026-11-20", 1),
    ]
    text = nights_text(nights, NIGHT, 76).plain
    assert "ranks ▁··█  4 nights" in text
    rows = text.splitlines()[1:]
    assert ["20 Nov▸" in rows[0], "aside" in rows[1], "unseen" in rows[2], "40/40" in rows[3]] == [True] * 4
    assert nights_text([], NIGHT, 76).plain == ""
