"""Going to a target by its number or its name, and moving by pages and to the ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_night import at_rest, make_timetable, screen_text, until
from textual.pilot import Pilot

from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.jumping import Row, find
from ampel_followup_tui.screens.jump import JumpScreen
from ampel_followup_tui.screens.plan import PlanScreen
from ampel_followup_tui.screens.target import TargetScreen
from ampel_followup_tui.screens.tonight import TonightScreen

MakeApp = Callable[..., FollowupApp]


async def jump(pilot: Pilot[None], wanted: str) -> None:
    await pilot.press("colon", *wanted, "enter")
    await at_rest(pilot.app)


def notices(app: FollowupApp) -> list[str]:
    return [notice.message for notice in app._notifications]


async def test_a_number_is_that_of_the_list(make_app: MakeApp, store: Store) -> None:
    order = [target.id for target in store.load_plan().plan.targets]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for number in (17, 1, 34):
            await jump(pilot, str(number))
            assert app.current == order[number - 1]
        await jump(pilot, "35")
        assert app.current == order[33]
    assert notices(app) == ["No target has the number 35: the last one is 34."]


async def test_a_name_is_found_by_its_beginning_its_end_or_all_of_it(make_app: MakeApp, store: Store) -> None:
    order = [target.id for target in store.load_plan().plan.targets]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for place in (9, 3, 20):
            name = order[place]
            for wanted in (name, name.lower(), name[-5:]):
                await pilot.press("home")
                await jump(pilot, wanted)
                fitting = [other for other in order[1:] if wanted.casefold() in other.casefold()]
                assert app.current == (name if wanted.casefold() == name.casefold() else fitting[0])


async def test_of_several_that_fit_the_next_is_taken_and_nothing_typed_goes_on(make_app: MakeApp, store: Store) -> None:
    order = [target.id for target in store.load_plan().plan.targets]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await jump(pilot, "ztf26")
        assert app.current == order[1]
        assert notices(app)[-1].startswith("2 of 34 names with “ztf26”")
        await pilot.press("colon")
        await until(lambda: "next “ztf26”" in screen_text(app))
        await pilot.press("enter")
        await at_rest(pilot.app)
        assert app.current == order[2]
        await pilot.press("G", "colon", "enter")
        await at_rest(pilot.app)
        assert app.current == order[0]


async def test_what_no_name_has_is_said_and_the_cursor_stays(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n", "n")
        here = app.current
        await jump(pilot, "[b]zzz")
        assert app.current == here
    assert notices(app) == ["No name of the 46 targets has “[b]zzz” in it. / finds them by class, magnitude and more."]


@pytest.mark.parametrize("keys", [("escape",), ("enter",), ("space", "enter")])
async def test_a_jump_can_be_called_off(make_app: MakeApp, keys: tuple[str, ...]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n", "colon")
        here = app.current
        assert isinstance(app.screen, JumpScreen)
        await pilot.press(*keys)
        assert isinstance(app.screen, TonightScreen)
        assert app.current == here


async def test_letters_of_a_name_run_no_commands(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("colon", *"aardq")
        assert app.is_running
    assert store.decisions() == []


async def test_every_target_of_a_long_list_can_be_jumped_to(
    make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ampel_followup_tui.screens.tonight.MOST_LISTED", 10)
    order = [target.id for target in store.load_plan().plan.targets]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for wanted, place in (("25", 24), ("2", 1), (order[30], 30)):
            await jump(pilot, wanted)
            assert app.current == order[place]
        await pilot.press("G")
        assert app.current == order[-1]
        await pilot.press("home")
        assert app.current == order[0]
    assert notices(app) == []


async def test_a_target_of_another_list_is_shown_there(make_app: MakeApp, store: Store) -> None:
    hidden = store.load_plan().plan.not_observable[4].id
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await jump(pilot, hidden)
        assert app.current == hidden
        assert "why not tonight" in screen_text(app)
        await jump(pilot, "3")
        assert app.current == store.load_plan().plan.targets[2].id
        assert "why not tonight" not in screen_text(app)
    assert "“not tonight”" in notices(app)[0]
    assert "“tonight”" in notices(app)[1]


async def test_a_target_that_the_filter_leaves_out_is_shown_all_the_same(make_app: MakeApp, store: Store) -> None:
    order = [target.id for target in store.load_plan().plan.targets]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *order[0].lower(), "enter")
        await jump(pilot, "12")
        assert app.current == order[11]
        assert list(app._tonight.table.order) == order
    assert notices(app) == [f"{order[11]} was not in what was listed; it is here, in “tonight”, of which all is shown."]


async def test_on_the_whole_screen_another_target_is_opened(make_app: MakeApp, store: Store) -> None:
    plan = store.load_plan().plan
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        for wanted, name in (("8", plan.targets[7].id), (plan.not_observable[2].id, plan.not_observable[2].id)):
            await jump(pilot, wanted)
            assert isinstance(app.screen, TargetScreen)
            await until(lambda name=name: name in screen_text(app).splitlines()[0])
            assert app.current == name
        await pilot.press("escape")
        assert app.current == plan.not_observable[2].id


async def test_in_the_schedule_a_number_is_that_of_the_block_and_others_are_in_the_list(
    make_app: MakeApp, store: Store
) -> None:
    plan = store.load_plan().plan
    timetable = make_timetable(plan)
    store.save_timetable(timetable, created="2026-11-20T07:00:00Z")
    unplaced = next(target.id for target in plan.targets if target.id not in {b.target for b in timetable.blocks})
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.journal.timetable is not None)
        await pilot.press("t")
        await jump(pilot, "3")
        assert app.current == timetable.blocks[2].target
        await jump(pilot, timetable.blocks[5].target)
        assert app.current == timetable.blocks[5].target
        assert isinstance(app.screen, PlanScreen)
        await jump(pilot, unplaced)
        assert isinstance(app.screen, TonightScreen)
        assert app.current == unplaced
    assert notices(app) == [f"{unplaced} is not in the schedule; it is here, in “tonight”."]


@pytest.mark.parametrize("keys", [("t",), ()], ids=["schedule", "list"])
async def test_pages_and_ends(make_app: MakeApp, store: Store, keys: tuple[str, ...]) -> None:
    store.save_timetable(make_timetable(store.load_plan().plan), created="2026-11-20T07:00:00Z")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.journal.timetable is not None)
        await pilot.press(*keys)
        await at_rest(pilot.app)
        table = app._lister.table
        last, page = len(table.order) - 1, table.rows_in_sight
        assert 4 < page < last
        for key, row in (
            ("home", 0),
            ("pageup", 0),
            ("pagedown", min(last, page)),
            ("pageup", 0),
            ("ctrl+d", round(page / 2)),
            ("ctrl+u", 0),
            ("G", last),
            ("pagedown", last),
            ("home", 0),
            ("end", last),
            ("pageup", last - page),
        ):
            await pilot.press(key)
            assert table.cursor_row == row, key
            lowest = table.scroll_offset.y + page
            assert table.scroll_offset.y <= row < max(lowest, page), key


async def test_an_empty_list_takes_these_keys_without_harm(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"no such thing", "enter")
        await pilot.press("G", "home", "pagedown", "pageup", "ctrl+d", "ctrl+u", "end")
        assert app.current is None


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)


@given(st.lists(names, min_size=1, max_size=8, unique=True), names, st.integers(-1, 7))
def test_what_is_found_fits_as_well_as_any_and_is_the_next_such(listed: list[str], wanted: str, here: int) -> None:
    rows = [Row(name, number, name) for number, name in enumerate(listed, 1)]
    current = listed[here] if 0 <= here < len(listed) else None
    found = find(wanted, rows, current)
    words = wanted.strip().casefold()
    if words.isdecimal():
        assert (found and found.row) == (rows[int(words) - 1] if 0 < int(words) <= len(rows) else None)
        return
    grades = [3 * (n == words) or 2 * n.startswith(words) or int(words in n) for n in map(str.casefold, listed)]
    if not words or not any(grades):
        assert found is None
        return
    best = [place for place, grade in enumerate(grades) if grade == max(grades)]
    after = [place for place in best if current is None or place > here]
    expected = (after or best)[0]
    assert found is not None
    assert (found.row, found.n, found.place) == (rows[expected], len(best), best.index(expected) + 1)
