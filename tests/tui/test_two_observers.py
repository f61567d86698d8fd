"""Two apps on one store: each sees what the other decides, and nobody overrules the other unawares."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from sample_night import NOW, at_rest, screen_text, until
from textual.pilot import Pilot

from ampel_followup.decision import Decision
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.instants import stamp
from ampel_followup_tui.screens.conflict import ConflictScreen
from ampel_followup_tui.screens.tonight import TonightScreen

MakeApp = Callable[..., FollowupApp]
Two = tuple[Pilot[None], Pilot[None]]
NIGHT, SITE = "2026-11-20", "sso"


@pytest.fixture
def other_store(store: Store) -> Iterator[Store]:
    """The same file, opened by another program."""
    with Store.open(store.url) as other:
        yield other


@asynccontextmanager
async def two_apps(make_app: MakeApp, other_store: Store) -> AsyncIterator[Two]:
    ada, bob = make_app("ada"), make_app("bob", store=other_store)
    async with ada.run_test(size=(140, 45)) as of_ada, bob.run_test(size=(140, 45)) as of_bob:
        yield of_ada, of_bob


def names(store: Store) -> list[str]:
    return [target.id for target in store.load_plan().plan.targets]


def app_of(pilot: Pilot[None]) -> FollowupApp:
    assert isinstance(pilot.app, FollowupApp)
    return pilot.app


async def catch_up(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    await app.poll()
    await at_rest(app)


async def test_each_sees_what_the_other_decides(make_app: MakeApp, other_store: Store) -> None:
    async with two_apps(make_app, other_store) as (ada, bob):
        await ada.press("a")
        await bob.press("n", "r")
        for pilot in (ada, bob):
            await catch_up(pilot)
            await until(lambda app=pilot.app: "2/34 decided" in screen_text(app))  # type: ignore[misc]
            await until(lambda app=pilot.app: "● approved" in screen_text(app))  # type: ignore[misc]
            await until(lambda app=pilot.app: "✗ rejected" in screen_text(app))  # type: ignore[misc]


async def test_the_app_looks_for_others_at_least_every_two_seconds(make_app: MakeApp, store: Store) -> None:
    app = FollowupApp(store, store.load_plan(), "ada")
    assert app._poll_seconds <= 1.0


async def test_looking_again_reads_nothing_while_nothing_was_written(
    make_app: MakeApp, store: Store, other_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app("ada")
    async with app.run_test() as pilot:
        await catch_up(pilot)
        reads = []
        for name in ("decisions", "timetables"):
            read = getattr(store, name)
            monkeypatch.setattr(store, name, lambda read=read, **options: reads.append(1) or read(**options))
        await app.poll()
        assert reads == []
        other_store.record(Decision(names(store)[3], NIGHT, SITE, "reject", "bob", stamp(NOW)))
        await app.poll()
        assert reads


async def test_a_verdict_on_what_the_other_has_decided_meanwhile_asks_first(
    make_app: MakeApp, store: Store, other_store: Store
) -> None:
    first = names(store)[0]
    async with two_apps(make_app, other_store) as (ada, bob):
        await bob.press("r")
        await ada.press("a")
        app = app_of(ada)
        assert isinstance(app.screen, ConflictScreen)
        await until(lambda: "Decided by others meanwhile" in screen_text(app))
        assert f"{first}  ✗ rejected bob" in screen_text(app)
        # The first answer changes nothing.
        await ada.press("enter")
        assert [(d.observer, d.verdict) for d in store.decisions()] == [("bob", "reject")]
        assert app.current == first


async def test_overruling_keeps_both_and_says_who_was_last(make_app: MakeApp, store: Store, other_store: Store) -> None:
    first = names(store)[0]
    async with two_apps(make_app, other_store) as (ada, bob):
        await bob.press("r")
        await ada.press("a", "down", "enter")
        assert [(d.observer, d.verdict) for d in store.decisions()] == [("bob", "reject"), ("ada", "approve")]
        for pilot in (ada, bob):
            await catch_up(pilot)
            await pilot.press("home")
            await until(lambda app=pilot.app: "●‼approved" in screen_text(app))  # type: ignore[misc]
            await until(lambda app=pilot.app: "● approved ada 21:30 was last, and holds" in screen_text(app))  # type: ignore[misc]
            assert "‼ ✗ rejected bob 21:30" in screen_text(app_of(pilot))
        await ada.press("enter")
        await until(lambda: "● approved ada  ‼ ✗ rejected bob 21:30" in screen_text(app_of(ada)))
        await ada.press("escape")
        await ada.resize_terminal(80, 24)
        await ada.press("4")
        await until(lambda: "‼ ✗ rejected bob 21:30" in screen_text(app_of(ada)))
        # Bob sees it, so he may overrule in turn without being asked again.
        await bob.press("home")
        assert app_of(bob).current == first
        await bob.press("n", "p", "d")
        assert not isinstance(app_of(bob).screen, ConflictScreen)
    assert store.verdicts(NIGHT, SITE)[first].observer == "bob"


async def test_a_change_that_came_while_the_cursor_was_on_the_target_counts_as_unseen(
    make_app: MakeApp, store: Store, other_store: Store
) -> None:
    async with two_apps(make_app, other_store) as (ada, bob):
        await bob.press("r")
        await catch_up(ada)
        await ada.press("a")
        assert isinstance(app_of(ada).screen, ConflictScreen)
        await ada.press("escape", "n", "p", "a")
        assert not isinstance(app_of(ada).screen, ConflictScreen)
    assert store.verdicts(NIGHT, SITE)[names(store)[0]].observer == "ada"


async def test_the_same_verdict_twice_is_no_conflict(make_app: MakeApp, store: Store, other_store: Store) -> None:
    async with two_apps(make_app, other_store) as (ada, bob):
        await bob.press("r")
        await ada.press("r")
        assert isinstance(app_of(ada).screen, TonightScreen)
        await catch_up(ada)
        assert "‼" not in screen_text(app_of(ada))
    assert len(store.decisions()) == 2


async def test_a_bulk_verdict_can_leave_to_others_what_they_decided(
    make_app: MakeApp, store: Store, other_store: Store
) -> None:
    order = names(store)
    async with two_apps(make_app, other_store) as (ada, bob):
        await ada.press("space", "space", "space")
        await bob.press("n", "r")
        await ada.press("a")
        app = app_of(ada)
        assert isinstance(app.screen, ConflictScreen)
        await until(lambda: "leave these, and approve the other 2" in screen_text(app))
        await ada.press("down", "enter")
        held = {target: (d.observer, d.verdict) for target, d in store.verdicts(NIGHT, SITE).items()}
        assert held == {order[0]: ("ada", "approve"), order[1]: ("bob", "reject"), order[2]: ("ada", "approve")}
        assert list(app_of(ada)._tonight.selected) == [order[1]]


async def test_redo_over_what_the_other_decided_asks_first(make_app: MakeApp, store: Store, other_store: Store) -> None:
    first = names(store)[0]
    async with two_apps(make_app, other_store) as (ada, bob):
        await ada.press("a", "u")
        await catch_up(bob)
        await bob.press("n", "p", "r")
        await ada.press("n", "ctrl+r")
        assert isinstance(app_of(ada).screen, ConflictScreen)
        await ada.press("escape")
        assert store.verdicts(NIGHT, SITE)[first].observer == "bob"
        await ada.press("n", "ctrl+r")
        assert isinstance(app_of(ada).screen, ConflictScreen)
        await ada.press("end", "enter")
        assert store.verdicts(NIGHT, SITE)[first].observer == "ada"
