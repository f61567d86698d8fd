"""The screen of the schedule: what it says, what its keys do, and that planning anew never holds anything up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

import pytest
from sample_night import FLOYDS, NIGHT, NOW, SPRAT, WIFES, at_rest, make_plan, make_timetable, screen_text, until
from textual.command import CommandPalette
from textual.widgets import Input

from ampel_followup.decision import Verdict
from ampel_followup.errors import ScheduleError
from ampel_followup.store import Store
from ampel_followup.timetable import BlockKind, Closure, TelescopeNight, Timetable
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.palette import CommandProvider
from ampel_followup_tui.screens.closing import ClosingScreen, read_closure
from ampel_followup_tui.screens.plan import BlockTable, PlanScreen
from ampel_followup_tui.screens.target import TargetScreen
from ampel_followup_tui.screens.tonight import TonightScreen
from ampel_followup_tui.widgets.detail import Detail

MakeApp = Callable[..., FollowupApp]
CREATED = "2026-11-20T07:00:00Z"
NARROW, WIDE = (80, 24), (140, 45)


def keep(store: Store, *telescopes: TelescopeNight) -> Timetable:
    """Put a schedule of the sample night into the store."""
    timetable = make_timetable(store.load_plan().plan, telescopes or (WIFES,))
    store.save_timetable(timetable, created=CREATED)
    return timetable


async def plan_of(app: FollowupApp) -> PlanScreen:
    """Open the schedule once it is read."""
    await until(lambda: app.journal.timetable is not None)
    await app.run_action("plan")
    await until(lambda: isinstance(app.screen, PlanScreen) and app.screen.is_mounted and app.screen.current is not None)
    # What is read aside is there before the screen is looked at, over and over, which takes the app's time.
    await at_rest(app)
    await until(lambda: "  value " in screen_text(app))
    assert isinstance(app.screen, PlanScreen)
    return app.screen


def notices(app: FollowupApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


def row(app: FollowupApp, number: int) -> str:
    """Return the line of a block in the list."""
    return next((line for line in screen_text(app).splitlines() if line[:3].strip() == str(number)), "")


def targets(timetable: Timetable, telescope: str = "wifes") -> list[str]:
    """Names of the targets of a telescope, in order of time, without standards."""
    return [block.target for block in timetable.of(telescope) if block.kind != BlockKind.STANDARD]


async def test_the_plan_says_what_is_placed_when_and_of_at_most_how_much(make_app: MakeApp, store: Store) -> None:
    timetable = keep(store)
    app = make_app()
    async with app.run_test(size=WIDE):
        await plan_of(app)
        text = screen_text(app)
    assert f"value {timetable.value:.2f} of at most {timetable.bound:.2f}" in text
    rows = [line for line in text.splitlines() if "600 s" in line and "UTC" not in line and ":" in line[:12]]
    order = [block.target for block in timetable.blocks if block.kind != BlockKind.STANDARD]
    assert [name for row in rows for name in order if name in row] == order[: len(rows)]
    block = timetable.blocks[1]
    assert f"20:46 09:46 {block.target}" in text
    assert f"{block.magnitude:.1f} ±{block.magnitude_err:.2f}" in text


async def test_without_a_schedule_the_screen_says_which_command_makes_one_and_shows_it_once_it_is_there(
    make_app: MakeApp, store: Store
) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("t")
        assert "ampel-followup plan make" in screen_text(app)
        await pilot.press("x", "f", "C", "R", "enter", "n")
        assert isinstance(app.screen, PlanScreen)
        timetable = keep(store)
        await app.poll()
        await until(lambda: timetable.blocks[1].target in screen_text(app))
    assert store.decisions() == []


async def test_a_schedule_of_another_site_is_not_shown_for_this_one(make_app: MakeApp, store: Store) -> None:
    keep(store, SPRAT)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("t")
        await app.poll()
        assert "ampel-followup plan make" in screen_text(app)


async def test_escape_returns_to_the_list_where_it_was(make_app: MakeApp, store: Store) -> None:
    keep(store)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("n", "n")
        here = app.current
        await plan_of(app)
        await pilot.press("n", "n", "escape")
        assert isinstance(app.screen, TonightScreen)
        assert app.current == here
        await pilot.press("t", "t")
        assert isinstance(app.screen, TonightScreen)


async def test_the_cursor_begins_at_what_is_on(make_app: MakeApp, store: Store) -> None:
    timetable = keep(store)
    app = make_app()
    async with app.run_test(size=NARROW):
        screen = await plan_of(app)
        on = next(b for b in timetable.blocks if datetime.fromisoformat(b.end) > NOW)
        assert screen.current == on.target


@pytest.mark.parametrize(("key", "verdict"), [("x", "observed"), ("f", "failed")])
async def test_a_mark_is_a_decision_and_the_cursor_goes_on_at_the_same_telescope(
    make_app: MakeApp, store: Store, key: str, verdict: str
) -> None:
    timetable = keep(store, WIFES, FLOYDS)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await plan_of(app)
        marked = screen.step
        assert marked is not None
        mine = targets(timetable, marked.block.telescope)
        await pilot.press(key)
        assert screen.current == mine[mine.index(marked.block.target) + 1]
        await until(lambda: f"{verdict} ada" in row(app, marked.number))
        await pilot.press("u")
        await until(lambda: len(store.decisions()) == 2)
        await until(lambda: screen.current == marked.block.target)
    decision, undo = store.decisions()
    assert (decision.target, decision.verdict, decision.observer) == (marked.block.target, verdict, "ada")
    assert (undo.verdict, undo.undoes) == (Verdict.UNDO, decision.id)


async def test_verdicts_of_the_list_cannot_be_given_by_accident_in_the_plan(make_app: MakeApp, store: Store) -> None:
    keep(store)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await plan_of(app)
        await pilot.press("a", "r", "d", "l", "v", "slash", "1")
        assert isinstance(app.screen, PlanScreen)
    assert store.decisions() == []


async def test_f_fails_a_block_in_the_plan_and_shows_flux_of_its_target(make_app: MakeApp, store: Store) -> None:
    keep(store)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await plan_of(app)
        await pilot.press("enter")
        await at_rest(app)
        await pilot.press("f", "x")
        await until(lambda: "flux µJy" in screen_text(app))
        assert store.decisions() == []
        await pilot.press("escape")
        assert isinstance(app.screen, PlanScreen)
        await pilot.press("f")
        await until(lambda: len(store.decisions()) == 1)


async def test_what_is_not_in_the_list_of_this_site_is_not_marked_and_the_reason_is_said(
    make_app: MakeApp, store: Store
) -> None:
    keep(store, WIFES, SPRAT)
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await plan_of(app)
        await pilot.press("home", "x", "enter")
        assert isinstance(app.screen, PlanScreen)
        assert "EG131 is not in the plan of Siding Spring" in notices(app)
        await pilot.press("end", "x")
        assert "--site lapalma" in notices(app)
        assert screen.step is not None
        assert screen.step.telescope == SPRAT
    assert store.decisions() == []


async def test_a_refused_mark_leaves_cursor_and_screen_as_they_are(
    make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await plan_of(app)
        here = screen.current
        monkeypatch.setattr(store, "record_all", _refuse)
        await pilot.press("x")
        await until(lambda: "read-only" in notices(app))
        assert screen.current == here


def _refuse(*_: object, **__: object) -> None:
    raise ScheduleError("the store is read-only")


async def test_enter_opens_the_target_and_n_goes_to_that_of_the_next_block(make_app: MakeApp, store: Store) -> None:
    timetable = keep(store)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await plan_of(app)
        order = targets(timetable)
        here = order.index(screen.current or "")
        await pilot.press("enter", "n", "3")
        assert isinstance(app.screen, TargetScreen)
        await until(lambda: order[here + 1] in screen_text(app).splitlines()[0])
        block = next(block for block in timetable.blocks if block.target == order[here + 1])
        await until(lambda: f"{block.magnitude:.1f} ±{block.magnitude_err:.2f} mag tonight" in screen_text(app))
        assert f"{WIFES.name}" in screen_text(app)
        await pilot.press("p", "p", "p", "p", "p", "p")
        await until(lambda: order[0] in screen_text(app).splitlines()[0])
        await pilot.press("escape")
        assert screen.current == order[0]


async def test_the_list_says_when_a_target_is_scheduled(make_app: MakeApp, store: Store) -> None:
    timetable = keep(store)
    first = targets(timetable)[0]
    for size in (NARROW, WIDE):
        app = make_app()
        async with app.run_test(size=size) as pilot:
            await until(lambda app=app: app.journal.timetable is not None and bool(app.screen.query(Detail)))
            await pilot.pause()
            await until(lambda app=app: any(first in x and "20:46" in x for x in screen_text(app).splitlines()))


async def test_the_cursor_stays_on_its_target_when_somebody_plans_anew(make_app: MakeApp, store: Store) -> None:
    timetable = keep(store)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await plan_of(app)
        await pilot.press("n", "n")
        here = screen.current
        store.save_timetable(later(timetable, timedelta(minutes=7)), created=CREATED)
        await app.poll()
        await until(lambda: "20:53" in screen_text(app))
        assert screen.current == here


def later(timetable: Timetable, by: timedelta) -> Timetable:
    """The same schedule, shifted."""

    def shift(moment: str) -> str:
        return (datetime.fromisoformat(moment) + by).isoformat(timespec="seconds").replace("+00:00", "Z")

    return replace(
        timetable,
        blocks=tuple(replace(block, start=shift(block.start), end=shift(block.end)) for block in timetable.blocks),
    )


def replanning_app(store: Store, replan: Callable[..., Timetable] | None) -> FollowupApp:
    return FollowupApp(store, store.load_plan(), "ada", now=lambda: NOW, poll_seconds=3600.0, replan=replan)


async def test_planning_anew_keeps_and_shows_the_new_schedule(store: Store) -> None:
    timetable = keep(store)
    asked: list[tuple[Timetable, Mapping[str, tuple[Closure, ...]], datetime]] = []

    def replan(old: Timetable, closures: Mapping[str, tuple[Closure, ...]], now: datetime) -> Timetable:
        asked.append((old, closures, now))
        return replace(later(old, timedelta(minutes=7)), value=9.87)

    app = replanning_app(store, replan)
    async with app.run_test(size=WIDE) as pilot:
        screen = await plan_of(app)
        here = screen.current
        await pilot.press("R")
        await until(lambda: "value 9.87" in screen_text(app))
        assert screen.current == here
        assert f"value 9.87 (was {timetable.value:.2f}), {len(timetable.blocks)} blocks moved" in notices(app)
    [(old, closures, now)] = asked
    assert (old.to_json(), closures, now) == (timetable.to_json(), {"wifes": ()}, NOW)
    assert store.load_timetable(night=timetable.date).timetable.value == 9.87


async def test_a_closure_is_added_to_those_of_the_telescope_under_the_cursor(store: Store) -> None:
    before = Closure("2026-11-20T09:00:00Z", "2026-11-20T09:50:00Z", "dome")
    keep(store, replace(WIFES, closures=(before,)), FLOYDS)
    asked: list[Mapping[str, tuple[Closure, ...]]] = []

    def replan(old: Timetable, closures: Mapping[str, tuple[Closure, ...]], now: datetime) -> Timetable:
        asked.append(closures)
        return old

    app = replanning_app(store, replan)
    async with app.run_test(size=WIDE) as pilot:
        screen = await plan_of(app)
        await pilot.press("n") if screen.step and screen.step.telescope.telescope != "wifes" else None
        await pilot.press("C")
        await until(lambda: isinstance(app.screen, ClosingScreen) and bool(app.screen.query(Input)))
        assert "ANU 2.3m/WiFeS is closed until" in screen_text(app)
        field = app.screen.query_one(Input)
        field.value = "soon"
        await pilot.press("enter")
        assert "write 02:00" in screen_text(app)
        field.value = "11:00"
        await pilot.press("enter")
        assert "the Sun rises" in screen_text(app)
        field.value = "02:00 [b]fog[/b]"
        await pilot.press("enter")
        await until(lambda: bool(asked))
    now, two = "2026-11-20T10:30:00Z", "2026-11-20T15:00:00Z"
    assert asked == [{"wifes": (before, Closure(now, two, "[b]fog[/b]")), "floyds-s": ()}]


async def test_clouds_close_every_telescope_of_the_site_on_demand(store: Store) -> None:
    keep(store, WIFES, FLOYDS, SPRAT)
    asked: list[Mapping[str, tuple[Closure, ...]]] = []

    def replan(old: Timetable, closures: Mapping[str, tuple[Closure, ...]], now: datetime) -> Timetable:
        asked.append(closures)
        return old

    app = replanning_app(store, replan)
    async with app.run_test(size=NARROW) as pilot:
        await plan_of(app)
        await pilot.press("C")
        await until(lambda: isinstance(app.screen, ClosingScreen) and bool(app.screen.query(Input)))
        await pilot.press("tab", "space", "shift+tab", "enter")
        await until(lambda: bool(asked))
    assert {telescope: len(closures) for telescope, closures in asked[0].items()} == {
        "wifes": 1,
        "floyds-s": 1,
        "sprat": 0,
    }


@pytest.mark.parametrize("key", ["R", "C"])
async def test_without_a_planner_the_keys_say_how_it_is_done_on_the_command_line(store: Store, key: str) -> None:
    keep(store)
    app = replanning_app(store, None)
    async with app.run_test(size=NARROW) as pilot:
        await plan_of(app)
        await pilot.press(key)
        assert "ampel-followup plan replan" in notices(app)
        assert isinstance(app.screen, PlanScreen)


async def test_planning_is_seen_can_be_stopped_and_then_leaves_nothing(store: Store) -> None:
    timetable = keep(store)
    begun, may_end = Event(), Event()

    def replan(old: Timetable, closures: Mapping[str, tuple[Closure, ...]], now: datetime) -> Timetable:
        begun.set()
        may_end.wait(30)
        return replace(old, value=9.87)

    app = replanning_app(store, replan)
    try:
        async with app.run_test(size=WIDE) as pilot:
            screen = await plan_of(app)
            await pilot.press("R")
            await until(begun.is_set)
            assert "re-planning" in screen_text(app)
            here = screen.current
            await pilot.press("n", "R")
            assert screen.current != here  # the screen is free meanwhile
            assert "esc stops it" in notices(app)
            await pilot.press("escape")
            await until(lambda: "re-planning" not in screen_text(app))
            assert isinstance(app.screen, PlanScreen)
            may_end.set()
            await at_rest(app)
            assert "9.87" not in screen_text(app)
    finally:
        may_end.set()
    assert store.load_timetable(night=timetable.date).timetable.to_json() == timetable.to_json()


@pytest.mark.parametrize("error", [ScheduleError("the night is over at sso"), ValueError("the night is over at sso")])
async def test_a_plan_that_cannot_be_made_says_why_and_changes_nothing(store: Store, error: Exception) -> None:
    timetable = keep(store)

    def replan(*_: object) -> Timetable:
        raise error

    app = replanning_app(store, replan)
    async with app.run_test(size=WIDE) as pilot:
        await plan_of(app)
        await pilot.press("R")
        await until(lambda: "the night is over at sso" in notices(app))
        await until(lambda: f"value {timetable.value:.2f}" in screen_text(app))
    assert len(store.timetables()) == 1


async def test_the_palette_offers_what_works_on_the_screen_in_front(make_app: MakeApp, store: Store) -> None:
    keep(store)
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        for opened, offered, missing in (("list", "approve", "observed"), ("plan", "observed", "approve")):
            if opened == "plan":
                await plan_of(app)
            provider = CommandProvider(app.screen)
            texts = [str(hit.text or hit.prompt) for hit in [hit async for hit in provider.discover()]]
            assert any(text.startswith(offered) for text in texts)
            assert not any(text.startswith(missing) for text in texts)
        await pilot.press("ctrl+p")
        await until(lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"re-plan", "enter", "enter")
        await until(lambda: "plan replan" in notices(app))


@pytest.mark.parametrize(
    ("answer", "end", "reason"),
    [
        ("02:00", "2026-11-20T15:00:00Z", ""),
        ("2:05 clouds", "2026-11-20T15:05:00Z", "clouds"),
        ("2200", "2026-11-20T11:00:00Z", ""),
        ("21.30", "2026-11-21T10:30:00Z", ""),
        ("23h15  high   wind", "2026-11-20T12:15:00Z", "high wind"),
    ],
)
def test_a_closure_lasts_until_the_clock_next_shows_the_time(answer: str, end: str, reason: str) -> None:
    assert read_closure(answer, NOW, NIGHT.timezone) == Closure("2026-11-20T10:30:00Z", end, reason)


@pytest.mark.parametrize("answer", ["", "soon", "25:00", "12:60", "until 2", "1"])
def test_what_is_no_time_is_no_closure(answer: str) -> None:
    assert read_closure(answer, NOW, NIGHT.timezone) is None


async def test_hostile_names_of_a_schedule_are_shown_as_plain_text(make_app: MakeApp, store: Store) -> None:
    nasty = "[bold red]Z[/]\x1b[2J\u202eevil"
    timetable = make_timetable(store.load_plan().plan)
    blocks = (replace(timetable.blocks[0], target=nasty), *timetable.blocks[1:])
    telescope = replace(WIFES, name=nasty, closures=(Closure("2026-11-20T16:00:00Z", "2026-11-20T17:00:00Z", nasty),))
    store.save_timetable(replace(timetable, blocks=blocks, telescopes=(telescope,), strategy=nasty), created=CREATED)
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await plan_of(app)
        await pilot.press("home")
        text = screen_text(app)
        assert "[bold red]Z[/][2Jevil" in text
        assert "\x1b" not in text
        assert "\u202e" not in text


async def test_a_schedule_without_blocks_is_no_failure(make_app: MakeApp, store: Store) -> None:
    empty = replace(make_timetable(make_plan(1, 0)[0]), blocks=(), value=0.0, bound=0.0)
    store.save_timetable(empty, created=CREATED)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await until(lambda: app.journal.timetable is not None)
        await pilot.press("t", "x", "C", "enter", "n")
        assert "nothing more is scheduled" in screen_text(app)
        assert app.screen.query_one(BlockTable).order == []
