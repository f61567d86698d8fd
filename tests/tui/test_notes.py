"""Notes on a night, a telescope or a block: in the plan by whom and when, from here and elsewhere, never as markup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sample_night import FLOYDS, NOW, WIFES, make_timetable, screen_text, until
from textual.pilot import Pilot
from textual.widgets import Input

from ampel_followup.errors import StoreError
from ampel_followup.notes import Note
from ampel_followup.store import Store
from ampel_followup.timetable import LeftOut
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.screens.note import NoteScreen
from ampel_followup_tui.screens.plan import PlanScreen

MakeApp = Callable[..., FollowupApp]
NARROW, WIDE = (80, 24), (140, 45)
LATER = "2026-11-20T10:20:00Z"
SALT = LeftOut("rss", "SALT/RSS", "it does not get dark at South African Astronomical Observatory")


@pytest.fixture
def scheduled(store: Store) -> Store:
    """The night with a schedule of two telescopes; a third one has no night."""
    timetable = make_timetable(store.load_plan().plan, (WIFES, FLOYDS))
    store.save_timetable(replace(timetable, left_out=(SALT,)), created="2026-11-20T07:00:00Z")
    return store


async def plan_of(app: FollowupApp, pilot: Pilot[None]) -> PlanScreen:
    await until(lambda: app.journal.timetable is not None)
    await pilot.press("t")
    await until(lambda: isinstance(app.screen, PlanScreen) and app.screen.is_mounted and app.screen.current is not None)
    await app.workers.wait_for_complete()
    await until(lambda: f"value {app.journal.timetable.value:.2f}" in screen_text(app))  # type: ignore[union-attr]
    assert isinstance(app.screen, PlanScreen)
    return app.screen


async def ask(app: FollowupApp, pilot: Pilot[None]) -> None:
    await pilot.press("N")
    await until(lambda: isinstance(app.screen, NoteScreen) and bool(app.screen.query(Input)))
    await until(lambda: isinstance(app.focused, Input))


async def test_a_note_on_the_night_is_in_the_store_and_in_the_plan(make_app: MakeApp, scheduled: Store) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await plan_of(app, pilot)
        await ask(app, pilot)
        await pilot.press(*"seeing", "enter")
        await until(lambda: "21:30 ada on the night: seeing" in screen_text(app))
    [note] = scheduled.notes.find()
    assert (note.night, note.site, note.observer, note.text) == ("2026-11-20", "sso", "ada", "seeing")
    assert (note.telescope, note.target) == ("", "")


@pytest.mark.parametrize(("downs", "about"), [(1, "telescope"), (2, "block")])
async def test_a_note_can_be_about_the_telescope_or_the_block_under_the_cursor(
    make_app: MakeApp, scheduled: Store, downs: int, about: str
) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await plan_of(app, pilot)
        assert screen.step is not None
        block = screen.step.block
        await ask(app, pilot)
        await pilot.press(*"wind", "shift+tab", *["down"] * downs, "space", "tab", "enter")
        await until(lambda: "ada on" in screen_text(app))
        [line] = [line for line in screen_text(app).splitlines() if block.target in line and "mag" not in line][-1:]
        assert ("”" in line) == (about == "block")
    [note] = scheduled.notes.find()
    assert (note.telescope, note.target) == (block.telescope, block.target if about == "block" else "")


async def test_notes_from_elsewhere_appear_and_the_latest_stand_in_sight(make_app: MakeApp, scheduled: Store) -> None:
    app = make_app()
    for number in range(9):
        scheduled.notes.add(Note("2026-11-20", "sso", "bob", LATER, f"[red]cloud {number}[/red]\x1b[2J"))
    async with app.run_test(size=NARROW) as pilot:
        screen = await plan_of(app, pilot)
        here = screen.table.current
        await until(lambda: "[red]cloud 8[/red]" in screen_text(app))
        assert [f"cloud {n}" in screen_text(app) for n in range(9)] == [False] * 6 + [True] * 3
        scheduled.notes.add(Note("2026-11-20", "lapalma", "cyd", LATER, "dome shut", "sprat"))
        await app.poll()
        await until(lambda: "cyd on sprat: dome shut" in screen_text(app))
        assert screen.table.current == here
        await ask(app, pilot)
        await until(lambda: "cloud 0" in screen_text(app))
        await pilot.press("escape")


async def test_a_note_without_words_is_none_and_a_refusal_keeps_the_text(
    make_app: MakeApp, scheduled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await plan_of(app, pilot)
        await ask(app, pilot)
        await pilot.press("space", "enter")
        await until(lambda: app.screen is screen)

        def refuse(*_: object) -> None:
            raise StoreError("the store is busy; try again")

        monkeypatch.setattr(app.journal.notebook, "write", refuse)
        await ask(app, pilot)
        await pilot.press("x", "enter")
        await until(lambda: "the store is busy" in screen_text(app))
        assert app.screen.query_one(Input).value == "x"
    assert scheduled.notes.find() == []


async def test_notes_are_taken_without_a_schedule_and_not_in_a_store_that_is_read_only(
    make_app: MakeApp, store: Store
) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("t")
        await ask(app, pilot)
        await pilot.press("x", "enter")
        await until(lambda: "ada on the night: x" in screen_text(app))
    with Store.open(store.url, read_only=True) as looked_at:
        app = FollowupApp(looked_at, looked_at.load_plan(), "ada", now=lambda: NOW, poll_seconds=3600.0)
        async with app.run_test(size=NARROW) as pilot:
            await pilot.press("t", "N")
            await pilot.pause()
            assert isinstance(app.screen, PlanScreen)
            assert "read-only" in "\n".join(notice.message for notice in app._notifications)
    assert len(store.notes.find()) == 1


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x45"])
async def test_a_telescope_without_a_night_is_named_with_the_reason(
    make_app: MakeApp, scheduled: Store, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await plan_of(app, pilot)
        assert "∅ SALT/RSS left out: it does not get dark" in screen_text(app)


def show(*keys: str) -> Callable[[Pilot[None]], Any]:
    async def act(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, FollowupApp)
        screen = await plan_of(pilot.app, pilot)
        assert screen.step is not None
        block = screen.step.block
        store = pilot.app.journal.store
        store.notes.add(Note("2026-11-20", "sso", "bob", LATER, "seeing 2.3, thin cirrus in the west"))
        store.notes.add(Note("2026-11-20", "sso", "cyd", LATER, "guide star lost", block.telescope, block.target))
        await pilot.app.poll()
        await pilot.app.workers.wait_for_complete()
        await pilot.press(*keys)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert pilot.app._exception is None

    return act


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x45"])
@pytest.mark.parametrize("keys", [(), ("N",)], ids=["plan", "dialogue"])
def test_notes(
    snap_compare: Any, make_app: MakeApp, scheduled: Store, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=show(*keys))
