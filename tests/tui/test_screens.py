"""Pictures of the screens; `--snapshot-update` makes them anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_night import FLOYDS, NOW, SPRAT, WIFES, at_rest, make_timetable, until
from textual.pilot import Pilot

from ampel_followup.decision import Decision
from ampel_followup.store import Store
from ampel_followup.timetable import Closure, TelescopeNight
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.instants import stamp
from ampel_followup_tui.widgets.detail import Detail

MakeApp = Callable[..., FollowupApp]
PICTURE = Path(__file__).parents[2] / "docs" / "tonight.svg"

NARROW, WIDE = (80, 24), (140, 45)


@pytest.fixture
def busy_night(store: Store) -> Store:
    """Two observers at work."""
    return _decide(store)


@pytest.fixture
def busy_assisted_night(assisted_store: Store) -> Store:
    """The same with a virtual assistant."""
    return _decide(assisted_store)


def _decide(store: Store) -> Store:
    stored = store.load_plan()
    for rank, verdict, observer, comment in (
        (1, "approve", "ada", ""),
        (2, "approve", "bob", ""),
        (3, "reject", "bob", "a star in Gaia"),
        (5, "defer", "ada", ""),
        (4, "comment", "bob", "host redshift is photometric"),
    ):
        target = stored.plan.targets[rank - 1].id
        store.record(Decision(target, stored.info.night, stored.info.site, verdict, observer, stamp(NOW), comment))
    return store


def press(*keys: str) -> Callable[[Pilot[None]], Any]:
    """Return what presses keys and then waits until all that is read aside is drawn."""

    async def act(pilot: Pilot[None]) -> None:
        # The panes come when the list is painted.
        await until(lambda: bool(pilot.app.screen.query(Detail)))
        assert isinstance(pilot.app, FollowupApp)
        await pilot.app.poll()
        await pilot.press(*keys)
        await at_rest(pilot.app)
        # A picture can be taken of an app that has just failed.
        assert pilot.app._exception is None

    return act


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x45"])
@pytest.mark.parametrize(
    "keys",
    [("n", "n", "n"), ("n", "n", "n", "enter"), ("l",), ("slash", "t", "d", "e", "enter")],
    ids=["tonight", "target", "not-tonight", "filter"],
)
def test_screen(
    snap_compare: Any, make_app: MakeApp, busy_night: Store, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=press(*keys))


@pytest.mark.parametrize(
    "keys", [("question_mark",), ("c", "h", "i"), ("e",), ("f",), ("2",), ("3",), ("4",)],
    ids=["help", "comment", "export", "flux", "why", "visibility", "history"],
)  # fmt: skip
def test_narrow_screen(snap_compare: Any, make_app: MakeApp, busy_night: Store, keys: tuple[str, ...]) -> None:
    assert snap_compare(make_app(), terminal_size=NARROW, run_before=press("n", "n", "n", *keys))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x45"])
@pytest.mark.parametrize(
    "keys",
    [("n", "n", "n", "n"), ("n", "5"), ("v",), ("l",), ("l", "l", "v"), ("n", "enter", "5")],
    ids=["tonight", "assistant", "new", "not-tonight", "set-aside", "target"],
)
def test_screen_with_an_assistant(
    snap_compare: Any,
    make_assisted_app: MakeApp,
    busy_assisted_night: Store,
    size: tuple[int, int],
    keys: tuple[str, ...],
) -> None:
    assert snap_compare(make_assisted_app(), terminal_size=size, run_before=press(*keys))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x45"])
@pytest.mark.parametrize("telescopes", [(WIFES,), (WIFES, FLOYDS, SPRAT)], ids=["one", "three"])
def test_plan(
    snap_compare: Any, make_app: MakeApp, store: Store, size: tuple[int, int], telescopes: tuple[TelescopeNight, ...]
) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=press(*_schedule(store, telescopes)))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x45"])
def test_scheduled_target(snap_compare: Any, make_app: MakeApp, store: Store, size: tuple[int, int]) -> None:
    _schedule(store, (WIFES,))
    assert snap_compare(make_app(), terminal_size=size, run_before=press("n", "n", "n", "enter", "3"))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x45"])
def test_tonight_with_a_schedule(snap_compare: Any, make_app: MakeApp, store: Store, size: tuple[int, int]) -> None:
    _schedule(store, (WIFES,))
    assert snap_compare(make_app(), terminal_size=size, run_before=press("n"))


def test_plan_without_colours(
    snap_compare: Any, make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(), terminal_size=NARROW, run_before=press(*_schedule(store, (WIFES,))))


def test_plan_that_is_not_there(snap_compare: Any, make_app: MakeApp) -> None:
    assert snap_compare(make_app(), terminal_size=NARROW, run_before=press("t"))


def test_closing(snap_compare: Any, store: Store) -> None:
    _schedule(store, (WIFES,))
    app = FollowupApp(
        store, store.load_plan(), "ada", now=lambda: NOW, poll_seconds=3600.0, replan=lambda timetable, *_: timetable
    )
    assert snap_compare(app, terminal_size=NARROW, run_before=press("t", "C"))


def _schedule(store: Store, telescopes: tuple[TelescopeNight, ...]) -> list[str]:
    """Put a schedule into the store, with two outcomes; return the keys that show it."""
    clouds = Closure("2026-11-20T16:20:00Z", "2026-11-20T17:22:00Z", "clouds")
    first, *others = telescopes
    plan = store.load_plan().plan
    timetable = make_timetable(plan, (replace(first, closures=(clouds,)), *others))
    # Nothing is scheduled behind the clouds.
    kept = tuple(block for block in timetable.blocks if block.telescope != "wifes" or block.end < clouds.start)
    store.save_timetable(replace(timetable, blocks=kept), created="2026-11-20T07:00:00Z")
    return ["t", "p", "p", "x", "f"]


def test_drift(snap_compare: Any, make_assisted_app: MakeApp) -> None:
    assert snap_compare(make_assisted_app(), terminal_size=NARROW, run_before=press("w"))


def test_assistant_without_colours(
    snap_compare: Any, make_assisted_app: MakeApp, busy_assisted_night: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_assisted_app(), terminal_size=NARROW, run_before=press("n", "5"))


def test_screen_without_colours(
    snap_compare: Any, make_app: MakeApp, busy_night: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(), terminal_size=NARROW, run_before=press("n", "n", "n"))


async def test_the_picture_in_the_manual_is_of_this_app(
    make_assisted_app: MakeApp, busy_assisted_night: Store, request: pytest.FixtureRequest
) -> None:
    app = make_assisted_app()
    async with app.run_test(size=(130, 36)) as pilot:
        await press("n", "5")(pilot)
        picture = app.export_screenshot(title="ampel-followup tui")
    if request.config.getoption("--snapshot-update"):
        PICTURE.write_text(picture, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == picture
