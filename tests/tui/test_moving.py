"""Keys that move about: lists, targets, panes, filter, help and palette."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sample_night import at_rest, make_plan, screen_text, until
from textual.command import CommandPalette

from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.screens.help import HelpScreen
from ampel_followup_tui.screens.target import TargetScreen
from ampel_followup_tui.screens.tonight import TonightScreen

MakeApp = Callable[..., FollowupApp]


async def settle(app: FollowupApp) -> None:
    """Wait until what is read aside is on the screen."""
    await at_rest(app)
    await app._animator.wait_for_idle()


@pytest.mark.parametrize(("forward", "backward"), [("n", "p"), ("j", "k"), ("right", "left"), ("down", "up")])
async def test_next_and_previous_move_by_one_and_stop_at_the_ends(
    make_app: MakeApp, store: Store, forward: str, backward: str
) -> None:
    order = [target.id for target in store.load_plan().plan.targets]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(backward)
        assert app.current == order[0]
        await pilot.press(forward, forward, backward)
        assert app.current == order[1]
        await pilot.press("end", forward)
        assert app.current == order[-1]
        await pilot.press("home")
        assert app.current == order[0]


async def test_what_cannot_be_seen_is_listed_apart_with_the_reason(make_app: MakeApp, store: Store) -> None:
    plan = store.load_plan().plan
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        assert plan.not_observable[0].id not in screen_text(app)
        await pilot.press("l")
        text = screen_text(app)
        assert plan.not_observable[0].id in text
        assert "why not tonight" in text
        assert "sets 1 h 12 min" in text
        await pilot.press("l")
        assert app.current == plan.targets[0].id


async def test_enter_opens_the_target_and_escape_returns_to_it_in_the_list(make_app: MakeApp, store: Store) -> None:
    plan = store.load_plan().plan
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n", "enter")
        assert isinstance(app.screen, TargetScreen)
        assert plan.targets[1].id in screen_text(app)
        await pilot.press("n")
        assert plan.targets[2].id in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, TonightScreen)
        assert app.current == plan.targets[2].id


async def test_a_narrow_terminal_shows_one_pane_at_a_time(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app)
        await at_rest(pilot.app)
        await until(lambda: "▽ limits" in screen_text(app))
        for key, shown, hidden in (
            ("2", "value of information 0", "▽ limits"),
            ("3", "Moon", "value of information 0"),
            ("4", "No verdict and no comment yet", "Moon"),
            ("1", "▽ limits", "No verdict and no comment yet"),
            ("tab", "value of information 0", "▽ limits"),
        ):
            await pilot.press(key)
            assert shown in screen_text(app)
            assert hidden not in screen_text(app)


async def test_a_wide_terminal_shows_all_panes_at_once(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(140, 45)):
        await settle(app)
        for shown in ("▽ limits", "value of information 0", "Moon", "No verdict and no comment yet"):
            await until(lambda shown=shown: shown in screen_text(app))


async def test_the_layout_follows_the_size_of_the_terminal(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        assert "airm" not in screen_text(app)
        await pilot.press("n", "n")
        here = app.current
        await pilot.resize_terminal(140, 45)
        await at_rest(pilot.app)
        await until(lambda: "airm" in screen_text(app))
        assert app.current == here


async def test_f_changes_between_magnitude_and_flux(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app)
        await at_rest(pilot.app)
        await until(lambda: "AB mag" in screen_text(app))
        await pilot.press("f")
        await until(lambda: "flux µJy" in screen_text(app))
        await pilot.press("n")
        await settle(app)
        await at_rest(pilot.app)
        await until(lambda: "flux µJy" in screen_text(app))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("TDE", lambda app, target: "TDE" in (target.scores.class_now, target.scores.class_after)),
        ("sn ii", lambda app, target: "SN II" in (target.scores.class_now, target.scores.class_after)),
        ("approved", lambda app, target: target.rank == 1),
        ("undecided ibc", lambda app, target: target.rank > 1 and "SN Ibc" in str(target.scores.class_after)),
    ],
)
async def test_the_filter_keeps_targets_with_all_the_words(
    make_app: MakeApp, store: Store, words: str, expected: Callable[..., bool]
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "slash", *words, "enter")
        wanted = [target.id for target in store.load_plan().plan.targets if expected(app, target)]
        shown = list(app.screen.query_one("TargetTable").order)  # type: ignore[attr-defined]
        if words == "sn ii":  # both words, in any place: SN Ia → SN II passes, and so does SN II → anything
            assert set(wanted) <= set(shown)
        elif words.startswith("undecided"):
            assert set(wanted) <= set(shown)
            assert store.load_plan().plan.targets[0].id not in shown
        else:
            assert shown == wanted
        await until(lambda: f"{len(shown)} of 34 match" in screen_text(app))


async def test_the_filter_does_not_run_commands_while_it_is_typed(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"arduq")
        assert store.decisions() == []
        assert app.is_running
        await until(lambda: "0 of 34 match" in screen_text(app))


async def test_escape_clears_the_filter_and_the_cursor_keeps_its_target(make_app: MakeApp, store: Store) -> None:
    target = store.load_plan().plan.targets[6].id
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *target.lower(), "enter")
        assert app.current == target
        await pilot.press("escape")
        assert app.current == target
        await pilot.press("p")
        assert app.current == store.load_plan().plan.targets[5].id


async def test_an_empty_list_takes_every_key_without_harm(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"no such thing", "enter")
        assert app.current is None
        await pilot.press("a", "r", "d", "c", "n", "p", "enter", "f", "1", "2", "tab")
        await until(lambda: "No target." in screen_text(app))
    assert store.decisions() == []


async def test_undo_shows_a_target_that_the_filter_had_hidden(make_app: MakeApp, store: Store) -> None:
    first, second, *_ = (target.id for target in store.load_plan().plan.targets)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "slash", *second.lower(), "enter", "u")
        assert app.current == first


async def test_help_lists_every_command(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 140)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        for words in ("Approve this target", "Take back your latest", "Write the approved", "▽ limit", "⏎", "^p"):
            assert words in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, TonightScreen)


async def test_the_palette_names_the_target_and_runs_the_command(make_app: MakeApp, store: Store) -> None:
    first = store.load_plan().plan.targets[0].id
    app = make_app()
    async with app.run_test(size=(80, 40)) as pilot:
        await pilot.press("ctrl+p")
        assert isinstance(app.screen, CommandPalette)
        await pilot.press(*"reject")
        await at_rest(app)
        await until(lambda: f"reject {first}" in screen_text(app))
        await pilot.press("down", "enter")
        await at_rest(app)
    assert [(d.target, d.verdict) for d in store.decisions()] == [(first, "reject")]


async def test_q_leaves(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert not app.is_running


async def test_an_empty_list_says_what_that_means(make_app: MakeApp, store: Store) -> None:
    plan, _ = make_plan(3, 0)
    store.save_plan(plan, created="2026-11-20T07:00:00Z")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        await until(lambda: "every target can be observed tonight" in screen_text(app))
    store.save_plan(replace(plan, targets=(), not_observable=plan.targets), created="2026-11-20T08:00:00Z")
    app = make_app()
    async with app.run_test(size=(80, 24)):
        await until(lambda: "nothing can be observed tonight; l says why" in screen_text(app))


async def test_what_the_first_paint_leaves_out_follows_at_once(make_app: MakeApp, store: Store) -> None:
    plan = store.load_plan().plan
    app = make_app(first_look=5)
    assert len(app.journal.plan.targets) == 5
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.journal.complete)
        await at_rest(app)
        tonight = app.screen
        assert isinstance(tonight, TonightScreen)
        assert list(tonight.table.order) == [target.id for target in plan.targets]
        assert app.current == plan.targets[0].id
        await pilot.press("l")
        assert list(tonight.table.order) == [target.id for target in plan.not_observable]
