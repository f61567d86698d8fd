"""Where a classifier looked, under the light curve: column by column, closer, further on, and without colours."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_night import CLASSES, DUSK_MJD, at_rest, screen_text, until
from test_screens import NARROW, WIDE, press
from textual.pilot import Pilot

from ampel_followup.attention_scores import AttentionScores
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.attention import attention_strip
from ampel_followup_tui.axes import Axis
from ampel_followup_tui.widgets.detail import Detail
from ampel_followup_tui.widgets.light_curve_picture import LEFT

MakeApp = Callable[..., FollowupApp]
HEIGHTS = "▁▂▃▄▅▆▇█"
SIGNS = "●■▽"


@pytest.fixture
def attended(store: Store) -> Store:
    """The same night, with a classifier that looks at the rise."""
    plan = store.load_plan().plan
    targets = []
    for number, target in enumerate(plan.targets):
        stored = store.light_curve(target.id)
        assert stored is not None
        curve = stored.to_light_curve()
        rise = target.photometry.first_mjd + 3.0
        weights = [0.02 + math.exp(-((time - rise) ** 2) / 8.0) for time in curve.time.tolist()]
        chances = (0.62, 0.2, 0.1, 0.05, 0.02, 0.01)
        names = CLASSES[number % 4 : number % 4 + 6]
        attention = AttentionScores.of(names, chances, curve.time.tolist(), weights)
        # Nothing is said of the fourth.
        targets.append(replace(target, attention=AttentionScores(names) if number == 3 else attention))
    store.save_plan(replace(plan, targets=tuple(targets)), created="2026-11-20T07:00:00Z")
    return store


async def settled(pilot: Pilot[None], *keys: str) -> list[str]:
    await until(lambda: bool(pilot.app.screen.query(Detail)))
    await pilot.press(*keys)
    await at_rest(pilot.app)
    return screen_text(pilot.app).splitlines()


def strip_of(lines: list[str]) -> dict[int, str]:
    """Signs of the strip by their column."""
    (line,) = [line for line in lines if line.lstrip().startswith("attn.")]
    return {column: sign for column, sign in enumerate(line) if sign in HEIGHTS}


def columns_of_points(lines: list[str]) -> set[int]:
    """Columns of the picture in which something stands for a point."""
    end = next(i for i, line in enumerate(lines) if line.lstrip().startswith("attn."))
    begin = max(i for i, line in enumerate(lines[:end]) if "light curve" in line) + 1
    return {c for line in lines[begin:end] for c, sign in enumerate(line) if sign in SIGNS}


@given(
    st.lists(st.tuples(st.floats(-60, 60), st.floats(0.0, 1.0)), min_size=1, max_size=40),
    st.floats(-70, 69),
    st.floats(0.5, 140),
    st.integers(10, 120),
)
def test_every_column_with_a_point_has_a_sign_as_high_as_its_points_count(
    points: list[tuple[float, float]], first: float, length: float, cells: int
) -> None:
    points.sort()
    points[0] = (points[0][0], 0.5)
    scores = AttentionScores.of(("a", "b"), (0.5, 0.5), [60000.0 + day for day, _ in points], [w for _, w in points])
    horizontal = Axis(first, first + length, cells)
    drawn = attention_strip(scores, horizontal, 60000.0)
    assert len(drawn) == cells
    day = length / cells
    sums: dict[int, float] = {}
    for time, weight in zip(scores.times, scores.attention, strict=True):
        column = math.floor((time - 60000.0 - first) / day + 1e-12)
        sums[column] = sums.get(column, 0.0) + weight
    if any(abs((t - 60000.0 - first) / day - round((t - 60000.0 - first) / day)) < 1e-6 for t in scores.times):
        return  # on the border of two columns either will do
    assert {c for c, sign in enumerate(drawn) if sign != " "} == {c for c in sums if 0 <= c < cells}
    by_sum = sorted((sums[c], HEIGHTS.index(drawn[c])) for c in sums if 0 <= c < cells)
    assert [height for _, height in by_sum] == sorted(height for _, height in by_sum)
    top = max(sums, key=sums.__getitem__)
    if 0 <= top < cells:
        assert drawn[top] == "█"


@pytest.mark.parametrize(("size", "keys"), [(NARROW, ()), (NARROW, ("enter",))], ids=["list", "target"])
async def test_strip_stands_under_the_points_it_is_about(
    make_app: MakeApp, attended: Store, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        lines = await settled(pilot, *keys)
        strip = strip_of(lines)
        assert set(strip) == columns_of_points(lines)
        assert "█" in strip.values() and "▁" in strip.values()


async def test_strip_goes_along_when_one_looks_closer_and_to_the_side(make_app: MakeApp, attended: Store) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        whole = strip_of(await settled(pilot, "enter"))
        lines = await settled(pilot, "plus", "plus")
        closer = strip_of(lines)
        assert closer != whole
        assert set(closer) == columns_of_points(lines)
        lines = await settled(pilot, "less_than_sign")
        assert strip_of(lines) != closer
        assert set(strip_of(lines)) == columns_of_points(lines)
        assert strip_of(await settled(pilot, "0")) == whole


async def test_what_counts_little_looks_little_from_close_by_as_well(make_app: MakeApp, attended: Store) -> None:
    target = attended.load_plan().plan.targets[0]
    assert target.attention is not None
    early = [t for t in target.attention.times if t < target.photometry.first_mjd - 4.0]
    horizontal = Axis(early[0] - DUSK_MJD - 0.1, early[-1] - DUSK_MJD + 0.1, 60)
    assert set(attention_strip(target.attention, horizontal, DUSK_MJD)) == {" ", "▁"}


async def test_nothing_is_drawn_where_nothing_was_said_or_no_line_is_free(make_app: MakeApp, attended: Store) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        assert strip_of(await settled(pilot))
        assert not any("attn." in line for line in await settled(pilot, "n", "n", "n"))
        await settled(pilot, "home")
        await pilot.resize_terminal(50, 24)
        assert not any("attn." in line for line in await settled(pilot))


async def test_classes_of_the_classifier_with_attention_are_named_beside_the_others(
    make_app: MakeApp, attended: Store
) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        lines = await settled(pilot, "enter", "6")
        assert any("by attention: SN Ia 62%, SN II 20%, SN Ibc 10%, SLSN 5%" in line for line in lines)


async def test_strip_says_the_same_without_colours(
    make_app: MakeApp, attended: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        coloured = strip_of(await settled(pilot, "enter"))
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        assert strip_of(await settled(pilot, "enter")) == coloured


def test_labels_of_the_axis_leave_room_for_the_word() -> None:
    assert len("attn.") <= LEFT - 2


@pytest.mark.parametrize(("size", "keys"), [(NARROW, ()), (WIDE, ("enter",))], ids=["list-narrow", "target-wide"])
def test_attention_on_the_screen(
    snap_compare: Any, make_app: MakeApp, attended: Store, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=press(*keys))
