"""What is typed faster than the screen follows: text goes into the field that was asked for, and is never a command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from sample_night import at_rest, until
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.widgets.detail import Detail

MakeApp = Callable[..., FollowupApp]


async def type_at_once(pilot: Pilot[None], text: str) -> None:
    """Type without waiting for anything, as a paste into the terminal does, or somebody in a hurry."""
    for character in text:
        key = {"\r": "enter"}.get(character) or _character_to_key(character)
        pilot.app.post_message(events.Key(key, character))
    await at_rest(pilot.app)


@pytest.mark.parametrize("opening", ["/", ":", "c"])
async def test_text_behind_the_key_that_opens_a_field_is_all_in_the_field(
    make_app: MakeApp, store: Store, opening: str
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        # All of these are commands elsewhere.
        await type_at_once(pilot, f"{opening}rad lqt")
        await until(lambda: isinstance(app.focused, Input) and app.focused.value == "rad lqt")
    assert store.decisions() == []


async def test_commands_before_the_field_are_done_in_their_order(make_app: MakeApp, store: Store) -> None:
    targets = [target.id for target in store.load_plan().plan.targets]
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await type_at_once(pilot, "jjccirrus at dusk\r")
        await until(lambda: app.screen is app._tonight and len(store.decisions()) == 1)
        await type_at_once(pilot, "jjr:1\r")
        await until(lambda: app.current == targets[0])
        assert [(d.target, d.verdict, d.comment) for d in store.decisions()] == [
            (targets[2], "comment", "cirrus at dusk"),
            (targets[4], "reject", ""),
        ]


async def test_enter_struck_twice_keeps_a_comment_once(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_at_once(pilot, "cclouds\r\r\r")
        await until(lambda: app.screen is app._tonight and bool(store.decisions()))
        await at_rest(app)
        assert [d.comment for d in store.decisions()] == ["clouds"]
        assert app._exception is None


async def test_a_key_struck_before_the_screen_that_it_is_for_is_there_breaks_nothing(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_at_once(pilot, "tjx")
        await type_at_once(pilot, "ttgj")
        assert app._exception is None


@pytest.mark.parametrize("opening", [(), ("enter",)], ids=["tonight", "target"])
async def test_a_key_for_the_panes_struck_before_they_are_there_is_done_when_they_are(
    make_app: MakeApp, opening: tuple[str, ...]
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)):
        if opening:
            await at_rest(app)
        for key in (*opening, "2", "3", "f"):
            app.post_message(events.Key(key, None))
        await until(lambda: len(app.screen_stack) == 1 + len(opening))
        await until(lambda: any(detail.is_ready for detail in app.screen.query(Detail)))
        await at_rest(app)
        detail = app.screen.query_one(Detail)
        assert detail.pane == "visibility"
        assert detail.light_curve._shows_flux
    assert app._exception is None


@pytest.mark.parametrize("size", [(80, 24), (140, 45)], ids=["narrow", "wide"])
async def test_targets_opened_and_left_before_they_are_read_break_nothing(
    make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size):
        for pause in (0.0, 0.02, 0.05, 0.1):
            for key in ("enter", "6", "escape", "2", "enter", "f", "3", "escape", "enter", "escape"):
                app.post_message(events.Key(key, None))
            await asyncio.sleep(pause)
        await at_rest(app)
        assert len(app.screen_stack) == 1
    assert app._exception is None
