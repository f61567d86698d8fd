"""The screen about learning: what it says, what its keys do, and that models change only as people and policy say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_learning import challenger_in, drifting, teach
from sample_night import NOW, at_rest, make_plan, screen_text, until
from textual.pilot import Pilot
from textual.widgets import Input

from ampel_followup.decision import Decision, Verdict
from ampel_followup.errors import StoreError
from ampel_followup.labels import Label
from ampel_followup.promoting import bundle_in_use, promote
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.instants import stamp
from ampel_followup_tui.learning import Learned
from ampel_followup_tui.screens.learning import LabelTable, LearningScreen
from ampel_followup_tui.screens.plan import PlanScreen
from ampel_followup_tui.screens.promotion import PromotionScreen
from ampel_followup_tui.screens.target import TargetScreen
from ampel_followup_tui.screens.tonight import TonightScreen

MakeApp = Callable[..., FollowupApp]
NARROW, WIDE = (80, 24), (140, 45)


@pytest.fixture
def taught(store: Store) -> Store:
    """The night with labels that came back, challengers, and features that moved."""
    plan, _ = make_plan(34, 12)
    store.save_plan(
        replace(plan, bundle="early-2"), created="2026-11-20T06:00:00Z", report=drifting(["peak_mag", "rb_pix"])
    )
    teach(store)
    return store


async def learning_of(app: FollowupApp, pilot: Pilot[None]) -> LearningScreen:
    """Open the screen, and wait until the store is read."""
    await pilot.press("g")
    await until(lambda: isinstance(app.screen, LearningScreen) and app.screen.learned is not None)
    await at_rest(app)
    assert isinstance(app.screen, LearningScreen)
    return app.screen


def notices(app: FollowupApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


async def test_without_labels_and_challengers_the_screen_says_what_to_do_next(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await learning_of(app, pilot)
        text = screen_text(app)
        await pilot.press("P", "Z", "o")
        assert isinstance(app.screen, LearningScreen)
    assert "ampel-followup label import" in text
    assert "`ampel-followup learn` trains one" in text
    assert "in use simulated 1" in text
    assert "Nothing was promoted yet" in text
    assert "no challenger yet" in notices(app)
    assert "No promotion stands" in notices(app)


async def test_labels_that_came_back_say_what_was_thought_and_who_says_what_it_is(
    make_app: MakeApp, taught: Store
) -> None:
    app = make_app()
    first, *_ = taught.load_plan().plan.targets
    async with app.run_test(size=WIDE) as pilot:
        screen = await learning_of(app, pilot)
        text = screen_text(app)
        table = screen.query_one(LabelTable)
        assert len(table.order) == 12
        row = next(line for line in text.splitlines() if first.id[:12] in line)
        assert row.strip().startswith("✗")
        assert first.scores.class_now in row
        assert first.scores.class_after in row
        assert "TNS ZTF" in row
        assert "9 of 11 labels since are as predicted" in text
        assert "? 1 of no class of the models" in text
        assert "1 of objects never ranked" in text
        assert "≠ 1 in conflict" in text
        await pilot.press(*["n"] * 7)
        await at_rest(pilot.app)
        assert "others say AGN" in screen_text(app)


async def test_a_challenger_is_compared_before_and_after_with_signs_for_better_and_worse(
    make_app: MakeApp, taught: Store
) -> None:
    app = make_app()
    newest, middle, oldest = taught.learning.challengers()
    async with app.run_test(size=WIDE) as pilot:
        screen = await learning_of(app, pilot)
        text = screen_text(app)
        assert f"{newest.name} 1 {newest.bundle_digest[:8]}" in text
        assert "▲ log-loss     0.910 → 0.800" in text
        comparison = newest.comparison
        for place, (before, after) in enumerate(
            zip(comparison.confusion_before, comparison.confusion_after, strict=True)
        ):
            [was, now] = [
                line for line in text.splitlines() if f"│ {'abcdef'[place]} {comparison.classes[place]}" in line
            ]
            assert f"{before[place] / sum(before):.2f}" in was
            assert f"{after[place] / sum(after):.2f}" in now
            assert ("▲" in now.rsplit(".", 1)[1]) == (after[place] > before[place])
        await pilot.press("2", "n")
        await at_rest(pilot.app)
        assert screen.challenger == middle
        assert "≈ log-loss     0.910 → 0.890" in screen_text(app)
        await pilot.press("j")
        await at_rest(pilot.app)
        assert screen.challenger == oldest
        assert "▼ log-loss     0.910 → 0.970" in screen_text(app)
        await pilot.press("k")
        assert screen.challenger == middle


async def test_what_the_next_spectra_would_teach_follows_the_verdicts(make_app: MakeApp, taught: Store) -> None:
    app = make_app()
    stored = taught.load_plan()
    async with app.run_test(size=WIDE) as pilot:
        await learning_of(app, pilot)
        assert "open targets worth a spectrum" in screen_text(app)
        for target in stored.plan.targets[:2]:
            taught.record(Decision(target.id, stored.info.night, stored.info.site, Verdict.APPROVE, "bob", stamp(NOW)))
        await app.poll()
        await until(lambda: "2 approved targets" in screen_text(app))
        assert "120 labels  0.910 → 0.800 ▲" in screen_text(app)


async def test_panes_take_turns_in_a_narrow_terminal(make_app: MakeApp, taught: Store) -> None:
    app = make_app()
    telling = ("P it", "challenger  ", "what the next spectra would teach", "PSI 0.31", "Nothing was promoted")
    async with app.run_test(size=NARROW) as pilot:
        await learning_of(app, pilot)
        for key in ("1", "2", "3", "4", "5"):
            await pilot.press(key)
            alone = [str(n) == key for n in range(1, 6)]
            await until(lambda alone=alone: [words in screen_text(app) for words in telling] == alone)
        await pilot.press("tab", "tab", "n", "p")
        await at_rest(pilot.app)
        assert telling[1] in screen_text(app)
        assert "0.910 → 0.800" in screen_text(app)
        await pilot.press("pagedown")
        await at_rest(pilot.app)
        assert "confusion after" in screen_text(app)
        await pilot.press("pageup")
        await at_rest(pilot.app)
        assert "trained from simulated 1" in screen_text(app)


async def test_a_promotion_is_asked_for_and_says_what_changes(make_app: MakeApp, taught: Store) -> None:
    app = make_app()
    newest = taught.learning.challengers()[0]
    before = bundle_in_use(taught)
    async with app.run_test(size=NARROW) as pilot:
        screen = await learning_of(app, pilot)
        await pilot.press("P")
        await until(lambda: isinstance(app.screen, PromotionScreen) and app.screen.is_mounted)
        await at_rest(pilot.app)
        text = screen_text(app)
        for words in ("Promote after-3?", f"simulated 1 {before.bundle_digest[:12]}", newest.bundle_digest[:12]):
            assert words in text
        assert "policy careful 1 allows it" in text
        await pilot.press("escape")
        assert bundle_in_use(taught) == before
        await pilot.press("P")
        await until(lambda: isinstance(app.screen, PromotionScreen) and bool(app.screen.query(Input)))
        await pilot.press("b", "e", "t", "t", "e", "r", "enter")
        await until(lambda: app.screen is screen and "in use after-3 1" in screen_text(app))
        await pilot.press("P")
        await until(lambda: "in use already" in notices(app))
        # Those from before it no longer count as come back since.
        assert "ampel-followup label import" in screen_text(app)
    [promotion] = taught.learning.promotions()
    assert (promotion.bundle, promotion.observer, promotion.comment) == ("after-3 1", "ada", "better")
    assert (promotion.policy, promotion.challenger) == ("careful 1", newest.id)
    assert "120 labelled objects, 50 needed" in promotion.reason
    assert "neither was trained on" in promotion.reason


async def test_what_the_policy_does_not_allow_is_refused_with_its_reason(make_app: MakeApp, taught: Store) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await learning_of(app, pilot)
        await pilot.press("2", "n", "n", "P")
        await until(lambda: "does not allow after-1" in notices(app))
        assert isinstance(app.screen, LearningScreen)
    assert "not met: 40 labelled objects, 50 needed" in notices(app)
    assert "learn promote after-1" in notices(app)
    assert taught.learning.promotions() == []


async def test_a_roll_back_says_which_bundle_comes_back_and_brings_it_back(make_app: MakeApp, taught: Store) -> None:
    for name in ("after-2", "after-3"):
        promote(taught, name, observer="bob", time=stamp(NOW))
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await learning_of(app, pilot)
        for comes_back in ("after-2 1", "simulated 1"):
            await pilot.press("Z")
            await until(lambda: isinstance(app.screen, PromotionScreen) and bool(app.screen.query(Input)))
            await at_rest(pilot.app)
            assert "Roll back" in screen_text(app)
            assert "promoted by bob" in screen_text(app)
            await pilot.press("enter")
            await until(lambda back=comes_back: app.screen is screen and f"in use {back}" in screen_text(app))
        assert "1 labels" in screen_text(app)
        await pilot.press("5")
        await until(lambda: "ada rolled back to after-2 1" in screen_text(app))
    assert bundle_in_use(taught).promotion == 0


async def test_a_store_that_refuses_says_so_in_the_dialogue_and_nothing_changes(
    make_app: MakeApp, taught: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreError("the store is read-only; name another one")

    monkeypatch.setattr("ampel_followup.promoting.promote", refuse)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await learning_of(app, pilot)
        await pilot.press("P")
        await until(lambda: isinstance(app.screen, PromotionScreen) and bool(app.screen.query(Input)))
        await pilot.press("enter")
        await until(lambda: "the store is read-only" in screen_text(app))
        assert isinstance(app.screen, PromotionScreen)
        await pilot.press("escape")
    assert taught.learning.promotions() == []


async def test_a_read_only_app_shows_and_does_not_promote(taught: Store) -> None:
    promote(taught, "after-2", observer="bob", time=stamp(NOW))
    with Store.open(taught.url, read_only=True) as looked_at:
        app = FollowupApp(looked_at, looked_at.load_plan(), "ada", now=lambda: NOW, poll_seconds=3600.0)
        async with app.run_test(size=NARROW) as pilot:
            await learning_of(app, pilot)
            for key in ("P", "Z"):
                await pilot.press("2", key)
                await at_rest(app)
                await until(lambda: isinstance(app.screen, PromotionScreen) or "read-only" in notices(app))
                if isinstance(app.screen, PromotionScreen):
                    await until(lambda: bool(app.screen.query(Input)))
                    await pilot.press("enter")
                    await until(lambda: "read-only" in screen_text(app))
                    await pilot.press("escape")
    assert len(taught.learning.promotions()) == 1


async def test_the_report_is_opened_and_its_path_shown(
    make_app: MakeApp, taught: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(FollowupApp, "open_url", lambda self, url, **_: opened.append(url))
    challenger_in(taught, "unreported", gain=0.1, n=60, day=20, report=False)
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await learning_of(app, pilot)
        await pilot.press("o")
        assert opened == []
        assert "unreported has no report" in notices(app)
        await pilot.press("2", "n", "o")
        await at_rest(pilot.app)
    assert opened == [(taught.folder / "challengers/after-3/report/index.html").as_uri()]


async def test_labels_from_elsewhere_appear_while_the_screen_is_open(make_app: MakeApp, taught: Store) -> None:
    app = make_app()
    target = taught.load_plan().plan.targets[20].id
    async with app.run_test(size=NARROW) as pilot:
        screen = await learning_of(app, pilot)
        await pilot.press("n", "n")
        here = screen.query_one(LabelTable).current
        taught.add_labels([Label(target, "SN II", "TNS", "2026-11-20T09:00:00Z")])
        await app.poll()
        await until(lambda: len(screen.query_one(LabelTable).order) == 13)
        assert screen.query_one(LabelTable).current == here


async def test_g_and_escape_return_to_where_one_was(make_app: MakeApp, taught: Store) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await learning_of(app, pilot)
        await pilot.press("escape")
        assert isinstance(app.screen, TonightScreen)
        await pilot.press("enter", "g")
        await pilot.press("g")
        assert isinstance(app.screen, TargetScreen)
        await pilot.press("escape", "t", "g", "escape")
        assert isinstance(app.screen, PlanScreen)
        await pilot.press("g", "t")
        assert isinstance(app.screen, PlanScreen)
        await pilot.press("t", "g", "t")
        assert isinstance(app.screen, PlanScreen)


async def test_keys_of_verdicts_do_nothing_while_learning_is_in_front(make_app: MakeApp, taught: Store) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await learning_of(app, pilot)
        await pilot.press("a", "r", "d", "c", "u", "x", "enter", "f")
        assert isinstance(app.screen, LearningScreen)
    assert taught.decisions() == []


LEARNING = """
import asyncio, sys
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp

async def rest(app):
    while any(not worker.is_finished for worker in app.workers):
        await asyncio.sleep(0)

async def use():
    with Store.open(sys.argv[1]) as store:
        app = FollowupApp(store, store.load_plan(), "ada")
        async with app.run_test(size=(140, 45)) as pilot:
            await pilot.press("g")
            await app.workers.wait_for_complete()
            await pilot.press("2", "P")
            while any(not worker.is_finished for worker in app.workers):
                await asyncio.sleep(0)

asyncio.run(use())
print("loaded:", *sorted({"ampel", "astropy", "scipy", "sklearn", "sqlalchemy", "onnxruntime"} & set(sys.modules)))
"""


def test_learning_loads_no_models(taught: Store) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEARNING, taught.url], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "loaded:"


def show(*keys: str) -> Callable[[Pilot[None]], Any]:
    """Return what opens the screen and presses keys."""

    async def act(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, FollowupApp)
        await learning_of(pilot.app, pilot)
        await pilot.press(*keys)
        await at_rest(pilot.app)
        assert pilot.app._exception is None

    return act


@pytest.fixture
def at_home(taught: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The same, with a folder that is the same in every run: its path stands in the pictures."""
    monkeypatch.chdir(taught.folder)
    monkeypatch.setattr(Learned, "report_of", lambda _, challenger: Path(challenger.folder, "report/index.html"))
    return taught


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x45"])
@pytest.mark.parametrize("keys", [(), ("2",), ("3",)], ids=["labels", "challengers", "next"])
def test_learning(
    snap_compare: Any, make_app: MakeApp, at_home: Store, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=show(*keys))


@pytest.mark.parametrize("keys", [("4",), ("5",), ("P",)], ids=["drift", "history", "promote"])
def test_narrow_learning(snap_compare: Any, make_app: MakeApp, at_home: Store, keys: tuple[str, ...]) -> None:
    if keys == ("5",):
        promote(at_home, "after-2", observer="bob", time=stamp(NOW), comment="finds more Ib/c")
    assert snap_compare(make_app(), terminal_size=NARROW, run_before=show(*keys))


def test_learning_of_nothing(snap_compare: Any, make_app: MakeApp) -> None:
    assert snap_compare(make_app(), terminal_size=WIDE, run_before=show())


def test_learning_without_colours(
    snap_compare: Any, make_app: MakeApp, at_home: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(), terminal_size=NARROW, run_before=show("2"))
