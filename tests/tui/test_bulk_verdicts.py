"""Many targets, one key: selecting, bulk verdicts, undo and redo of any depth, and days to come back on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sample_night import NOW, screen_text, until

from ampel_followup.decision import Decision
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.instants import stamp
from ampel_followup_tui.screens.defer import DeferScreen
from ampel_followup_tui.screens.tonight import TonightScreen

MakeApp = Callable[..., FollowupApp]
NIGHT, SITE = "2026-11-20", "sso"


def names(store: Store) -> list[str]:
    return [target.id for target in store.load_plan().plan.targets]


def held(store: Store) -> dict[str, str]:
    return {target: decision.verdict for target, decision in store.verdicts(NIGHT, SITE).items()}


def notices(app: FollowupApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


def tonight(app: FollowupApp) -> TonightScreen:
    assert isinstance(app.screen, TonightScreen)
    return app.screen


async def test_space_selects_and_goes_on_and_a_verdict_acts_on_all_that_is_selected(
    make_app: MakeApp, store: Store
) -> None:
    order = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "n", "space")
        assert list(tonight(app).selected) == [order[0], order[2]]
        assert app.current == order[3]
        await until(lambda: "+ 2 selected" in screen_text(app))
        await pilot.press("r")
        assert held(store) == {order[0]: "reject", order[2]: "reject"}
        assert not tonight(app).selected
        assert app.current == order[3]
        await until(lambda: "selected" not in screen_text(app).splitlines()[0])
        await pilot.press("u")
        assert held(store) == {}
        assert "Took back: reject" in notices(app)


async def test_space_again_selects_no_longer_and_escape_selects_nothing(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "p", "space")
        assert not tonight(app).selected
        await pilot.press("space", "space", "slash", *"tde", "enter", "escape")
        assert not tonight(app).selected
        await until(lambda: "match “tde”" in screen_text(app))
        await pilot.press("escape", "a")
    assert held(store) == {names(store)[2]: "approve"} or len(held(store)) == 1


@pytest.mark.parametrize(("down", "up"), [("shift+down", "shift+up"), ("J", "K")])
async def test_shift_selects_what_the_cursor_passes_and_gives_it_up_on_the_way_back(
    make_app: MakeApp, store: Store, down: str, up: str
) -> None:
    order = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n", "n", down, down, down)
        assert list(tonight(app).selected) == order[2:6]
        assert app.current == order[5]
        await pilot.press(up)
        assert list(tonight(app).selected) == order[2:5]
        # Beyond where it began, it goes to the other side.
        await pilot.press(up, up, up)
        assert list(tonight(app).selected) == order[1:3]
        # Another stretch leaves the first one.
        await pilot.press(*["n"] * 5, down, "r")
    assert held(store) == dict.fromkeys([*order[1:3], *order[6:8]], "reject")


async def test_a_range_reaches_to_wherever_the_cursor_goes_until_it_is_stopped(make_app: MakeApp, store: Store) -> None:
    order = names(store)
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.press("n", "V", "n", "n", "colon", "9", "enter")
        assert list(tonight(app).selected) == order[1:9]
        await until(lambda: "+ 8 selected, to the cursor" in screen_text(app))
        await pilot.press("p", "V", "G")
        assert list(tonight(app).selected) == order[1:8]
        await until(lambda: "+ 7 selected  " in screen_text(app))
        await pilot.press("d")
        assert held(store) == dict.fromkeys(order[1:8], "defer")
        await pilot.press("u")
    assert held(store) == {}


async def test_a_verdict_or_escape_ends_a_range(make_app: MakeApp, store: Store) -> None:
    order = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("V", "n", "a", "n", "n")
        assert held(store) == dict.fromkeys(order[:2], "approve")
        assert not tonight(app).selected
        await pilot.press("V", "n", "escape", "n")
        assert not tonight(app).selected


async def test_a_range_does_not_go_on_in_a_list_of_another_order(make_app: MakeApp, store: Store) -> None:
    order = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("V", "n", "slash", *"ibc", "enter", "n", "n")
        assert list(tonight(app).selected) == order[:2]


async def test_star_selects_what_the_filter_shows_and_then_nothing(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"ibc", "enter", "asterisk")
        shown = list(tonight(app).order)
        assert list(tonight(app).selected) == shown and 0 < len(shown) < 34
        await pilot.press("escape", "escape", "asterisk", "asterisk")
        assert not tonight(app).selected


async def test_what_the_filter_hides_stays_selected_and_the_count_says_so(make_app: MakeApp, store: Store) -> None:
    second = names(store)[1]
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.press("space", "space", "slash", *second.lower(), "enter")
        await until(lambda: "+ 2 selected, 1 not shown" in screen_text(app))
        await pilot.press("d")
    assert held(store) == dict.fromkeys(names(store)[:2], "defer")


async def test_a_bulk_approval_leaves_what_cannot_be_seen_and_says_so(make_app: MakeApp, store: Store) -> None:
    plan = store.load_plan().plan
    first, hidden = plan.targets[0].id, plan.not_observable[0].id
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.press("space", "l", "space", "a")
        assert held(store) == {first: "approve"}
        assert list(tonight(app).selected) == [hidden]
        assert f"1 of 2 cannot be observed tonight and are left, still selected: {hidden}" in notices(app)


async def test_the_selection_is_no_matter_on_the_screen_of_a_target(make_app: MakeApp, store: Store) -> None:
    order = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "space", "enter", "a", "escape")
        assert held(store) == {order[2]: "approve"}
        assert list(tonight(app).selected) == order[:2]


async def test_a_comment_goes_to_all_that_is_selected(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "space", "c", *"clouds", "enter")
    assert [(d.target, d.comment) for d in store.decisions()] == [(name, "clouds") for name in names(store)[:2]]


async def test_undo_and_redo_go_through_the_session_step_by_step(make_app: MakeApp, store: Store) -> None:
    order = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "space", "space", "r", "d")
        done = held(store)
        assert done == {order[0]: "approve", order[1]: "reject", order[2]: "reject", order[3]: "defer"}
        await pilot.press("u", "u", "u")
        assert held(store) == {}
        await pilot.press("ctrl+r")
        assert held(store) == {order[0]: "approve"}
        assert app.current == order[0]
        await pilot.press("ctrl+r", "ctrl+r")
        assert held(store) == done
        await pilot.press("ctrl+r")
        assert "Nothing that was taken back" in notices(app)
        await pilot.press("u", "u")
        assert held(store) == {order[0]: "approve"}
    # Nothing was ever erased: 4 decisions, 4 undone, 4 again, 3 undone.
    assert len(store.decisions()) == 15


async def test_undo_under_a_filter_keeps_the_filter_where_the_target_passes_again(
    make_app: MakeApp, store: Store
) -> None:
    first = names(store)[0]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"!done", "enter", "space", "a")
        assert first not in tonight(app).order
        await pilot.press("u")
        assert app.current == first
        assert tonight(app).view.filter == "!done"


async def test_what_was_taken_back_cannot_be_done_again_after_a_new_verdict(make_app: MakeApp, store: Store) -> None:
    order = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "u", "r", "ctrl+r")
        assert "Nothing that was taken back" in notices(app)
    assert held(store) == {order[0]: "reject"}


async def test_undo_never_takes_back_what_others_decided_in_between(make_app: MakeApp, store: Store) -> None:
    first, second, *_ = names(store)
    app = make_app("ada")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "a")
        for name in (first, second):
            store.record(Decision(name, NIGHT, SITE, "reject", "bob", stamp(NOW)))
        await pilot.press("u", "u", "u")
    assert {(d.target, d.observer, d.verdict) for d in store.verdicts(NIGHT, SITE).values()} == {
        (first, "bob", "reject"),
        (second, "bob", "reject"),
    }


async def test_a_bulk_verdict_is_one_step_even_after_a_restart(make_app: MakeApp, store: Store) -> None:
    async with make_app().run_test() as pilot:
        await pilot.press("space", "space", "space", "r")
    assert len(held(store)) == 3
    async with make_app().run_test() as pilot:
        await pilot.press("u")
    assert held(store) == {}


async def test_undo_takes_back_what_is_left_of_a_step(make_app: MakeApp, store: Store) -> None:
    first, second, *_ = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "space", "r")
        store.undo(store.verdicts(NIGHT, SITE)[first].id, observer="ada", time=stamp(NOW))
        await pilot.press("u")
        assert held(store) == {}
        await pilot.press("ctrl+r")
        assert held(store) == {second: "reject"}


async def test_a_target_is_deferred_until_a_day_that_was_typed(make_app: MakeApp, store: Store) -> None:
    first, second, *_ = names(store)
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.press("D", *"+11d")
        await until(lambda: "Tuesday 2026-12-01: left out of the plans of 10 nights" in screen_text(app))
        await pilot.press("enter")
        assert app.current == second
        await until(lambda: "◐ until 1 Dec" in screen_text(app))
    [decision] = store.decisions()
    assert (decision.target, decision.verdict, decision.until) == (first, "defer", "2026-12-01")


async def test_a_day_that_is_none_is_said_and_the_dialogue_stays(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "space", "D", *"soon", "enter")
        assert isinstance(app.screen, DeferScreen)
        await until(lambda: "says no day to come back on" in screen_text(app))
        await pilot.press("escape", "escape")
        assert store.decisions() == []
        await pilot.press("asterisk", "D", "2", "enter")
    assert {d.until for d in store.decisions()} == {"2026-11-22"}
    assert len(store.decisions()) == 34


async def test_a_redone_deferral_keeps_its_day(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("D", "5", "enter", "u", "ctrl+r")
    assert [d.until for d in store.verdicts(NIGHT, SITE).values()] == ["2026-11-25"]


async def test_next_undecided_is_sought_in_the_list_that_is_shown(make_app: MakeApp, store: Store) -> None:
    plan = store.load_plan().plan
    store.save_plan(replace(plan, targets=plan.targets[:3]), created="2026-11-20T07:00:00Z")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("asterisk", "r")
        assert "Every target of this list is decided" in notices(app)
