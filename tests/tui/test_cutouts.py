"""Pictures of a target on the terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_night import DUSK_MJD, at_rest, screen_text, until
from textual.pilot import Pilot

from ampel_followup.cutouts import LEVELS, Cutout, Cutouts
from ampel_followup.errors import FollowupError
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.half_blocks import grey_value, half_block_lines, resampled, shade_lines
from ampel_followup_tui.instants import date_of_mjd
from ampel_followup_tui.pixel_images import picture_of, pixel_image
from ampel_followup_tui.widgets.cutouts import CutoutsView
from ampel_followup_tui.widgets.detail import Detail

MakeApp = Callable[..., FollowupApp]
NARROW, WIDE = (80, 24), (140, 45)


def star(width: int = 63, height: int = 63, column: int = 31) -> Cutout:
    """A point on a dark sky; the corner has no value."""
    levels = np.full((height, width), 8, np.uint8)
    levels[height // 2 - 2 : height // 2 + 3, column - 2 : column + 3] = LEVELS
    levels[:6, :6] = 0
    return Cutout(width, height, levels.tobytes())


async def settled(pilot: Pilot[None], *keys: str) -> str:
    await until(lambda: bool(pilot.app.screen.query(Detail)))
    await pilot.press(*keys)
    await at_rest(pilot.app)
    return screen_text(pilot.app)


@pytest.fixture
def with_cutouts(store: Store) -> Store:
    """The first target has cutouts, but for the reference."""
    first = store.load_plan().plan.targets[0].id
    store.cutouts.save([Cutouts(first, 1, DUSK_MJD - 1.0, "ztfr", 1.01, (star(), None, star()))])
    return store


@pytest.mark.parametrize(
    ("size", "keys"), [(NARROW, ()), (NARROW, ("enter",)), (WIDE, ())], ids=["narrow", "narrow-target", "wide"]
)
async def test_cutouts_take_the_place_of_the_light_curve(
    make_app: MakeApp, with_cutouts: Store, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        before = await settled(pilot, *keys)
        assert "▽ limits" in before
        assert "▀" not in before
        text = await settled(pilot, "7")
        assert "▀▀▀▀" in text
        assert "science" in text
        assert "difference" in text
        assert f"{date_of_mjd(DUSK_MJD - 1.0)} r   64″ wide   no reference" in text
        assert "▽ limits" not in text
        assert "▽ limits" in await settled(pilot, "1")


async def test_on_a_wide_screen_cutouts_stand_below_the_light_curve(make_app: MakeApp, with_cutouts: Store) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        text = await settled(pilot, "enter")
        assert "▀▀▀▀" in text
        assert "▽ limits" in text
        assert "▀▀▀▀" not in await settled(pilot, "n")
        assert "▀▀▀▀" in await settled(pilot, "p")


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_without_cutouts_the_pane_says_how_to_get_some(make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        text = await settled(pilot, "enter", "7")
        assert "No cutouts in the store" in text
        assert "rank … --cutouts" in text


async def test_damaged_cutouts_are_named_and_the_rest_is_there(make_app: MakeApp, with_cutouts: Store) -> None:
    with with_cutouts._database.transaction(write=True) as connection:
        connection.execute_many("UPDATE cutouts SET images = :images", [{"images": b"x"}])
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        text = await settled(pilot, "enter")
        assert "× tonight" in text
        assert "cutouts are damaged" in " ".join((await settled(pilot, "7")).split())


@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 70), st.integers(1, 70))
def test_another_size_keeps_the_mean_of_a_picture(width: int, height: int, wide: int, high: int) -> None:
    levels = np.random.default_rng(width * height).integers(1, LEVELS + 1, (high, wide))
    shown = resampled(Cutout(wide, high, levels.astype(np.uint8).tobytes()), width, height)
    assert shown.shape == (height, width)
    assert shown.mean() == pytest.approx(levels.mean())
    assert shown.min() >= 1 - 1e-9
    assert shown.max() <= LEVELS + 1e-9


def test_the_same_size_keeps_every_pixel_and_what_has_no_value_stays_without() -> None:
    picture = star()
    shown = resampled(picture, 63, 63)
    levels = np.frombuffer(picture.pixels, np.uint8).reshape(63, 63).astype(float)
    np.testing.assert_allclose(shown, np.where(levels == 0, np.nan, levels))
    small = resampled(picture, 21, 21)
    assert np.isnan(small[:2, :2]).all()
    assert not np.isnan(small[2:, 2:]).any()


def test_a_star_is_light_where_it_stands() -> None:
    lines = half_block_lines(star(column=15), 20, 10)
    assert [len(line) for line in lines] == [20] * 10
    middle = [segment.style.color.triplet.red for segment in lines[5]]
    assert int(np.argmax(middle)) == int(15.5 / 63 * 20)


async def test_without_colours_there_are_shades(
    make_app: MakeApp, with_cutouts: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        text = await settled(pilot, "enter", "7")
        assert "▀" not in text
        assert {"▒", "▓"} & set(text)


def test_shades_are_lighter_where_the_picture_is() -> None:
    lines = ["".join(segment.text for segment in line) for line in shade_lines(star(column=15), 21, 10)]
    assert [len(line) for line in lines] == [21] * 10
    assert lines[0].startswith("··")
    assert max(lines[5], key=" ·░▒▓█".index) == lines[5][5]
    assert set(lines[9]) == {" "}


def test_a_date_that_is_none_is_a_dash() -> None:
    assert date_of_mjd(math.nan) == "–"
    assert date_of_mjd(1e12) == "–"
    assert date_of_mjd(58349.22) == "19 Aug 2018"


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_in_pixels_pictures_stand_where_half_blocks_would(
    make_app: MakeApp, with_cutouts: Store, size: tuple[int, int]
) -> None:
    widget = pytest.importorskip("textual_image.widget", reason="needs the extra `images`")
    app = make_app()
    # In characters, too, but drawn by the package that draws in pixels elsewhere.
    app.pixel_image = widget.HalfcellImage
    async with app.run_test(size=size) as pilot:
        text = await settled(pilot, "enter", "7")
        assert "science" in text
        assert "64″ wide   no reference" in text
        view = app.screen.query_one(CutoutsView)
        science, reference, difference = view.query(widget.HalfcellImage)
        assert [science.display, reference.display, difference.display] == [True, False, True]
        assert science.region.y == view.content_region.y + 1
        assert science.region.width == 2 * science.region.height
        assert difference.region.x == science.region.x + 2 * (science.region.width + 1)
        await settled(pilot, "n")
        assert not science.display
        assert "No cutouts in the store" in screen_text(app)


def test_a_picture_in_pixels_has_the_greys_of_half_blocks() -> None:
    pytest.importorskip("PIL", reason="needs the extra `images`")
    image = picture_of(star())
    assert image.size == (63, 63)
    assert image.getpixel((31, 31)) == grey_value(LEVELS)
    assert image.getpixel((0, 0)) == grey_value(0)
    assert image.getpixel((60, 60)) == grey_value(8)


def test_a_terminal_that_cannot_gets_half_blocks_and_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("textual_image", reason="needs the extra `images`")
    # There is no terminal here that could say that it can.
    assert pixel_image() is None
    monkeypatch.setitem(sys.modules, "textual_image", None)
    with pytest.raises(FollowupError, match="pip install 'ampel-followup\\[images\\]'"):
        pixel_image()
