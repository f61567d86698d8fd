"""Pictures of the list as it is arranged, selected from, and decided on; `--snapshot-update` makes them anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_night import NOW, at_rest, until
from textual.pilot import Pilot
from textual.widgets import Input

from ampel_followup.decision import Decision
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.instants import stamp
from ampel_followup_tui.kept_views import VARIABLE, keep_view
from ampel_followup_tui.screens.choice import ChoiceScreen
from ampel_followup_tui.views import View
from ampel_followup_tui.widgets.detail import Detail

MakeApp = Callable[..., FollowupApp]

SIZES = pytest.mark.parametrize("size", [(80, 24), (140, 45)], ids=["80x24", "140x45"])


@pytest.fixture
def early_night(assisted_store: Store) -> Store:
    """A night with an assistant and an early classifier, on which two observers disagree, and one is put off."""
    plan = assisted_store.load_plan().plan
    targets = tuple(
        replace(t, scores=replace(t.scores, p_snia=t.scores.p_t["SN Ia"], snia_threshold=0.4)) for t in plan.targets
    )
    revision = assisted_store.save_plan(replace(plan, targets=targets), created="2026-11-20T07:00:00Z")
    for place, verdict, observer, until_day in (
        (0, "reject", "bob", None),
        (0, "approve", "ada", None),
        (2, "defer", "bob", "2026-12-01"),
    ):
        name = targets[place].id
        assisted_store.record(
            Decision(name, "2026-11-20", "sso", verdict, observer, stamp(NOW), "", revision, until=until_day)
        )
    return assisted_store


@pytest.fixture(autouse=True)
def views_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with two views, whose name does not differ from run to run."""
    monkeypatch.chdir(tmp_path)
    path = Path("views.yml")
    monkeypatch.setenv(VARIABLE, str(path))
    keep_view(path, "bright and young", View(filter="mag<18.8 age<10", sort="age"))
    keep_view(path, "by entropy", View(strategy="entropy"))
    yield path


async def settle(pilot: Pilot[None]) -> None:
    await at_rest(pilot.app)
    # A picture can be taken of an app that has just failed.
    assert pilot.app._exception is None


def press(*keys: str, strategy: str = "", then: tuple[str, ...] = ()) -> Callable[[Pilot[None]], Any]:
    """Return what presses keys, looks at the plan under another strategy, presses more, and waits."""

    async def act(pilot: Pilot[None]) -> None:
        await until(lambda: bool(pilot.app.screen.query(Detail)))
        await pilot.press(*keys)
        if strategy:
            await pilot.press("s")
            await until(lambda: isinstance(pilot.app.screen, ChoiceScreen))
            dialogue = pilot.app.screen
            assert isinstance(dialogue, ChoiceScreen)
            dialogue.dismiss(strategy)
            await until(lambda: not isinstance(pilot.app.screen, ChoiceScreen))
            await settle(pilot)
        await pilot.press(*then)
        for line in pilot.app.screen.query(Input):
            line.cursor_blink = False
        await settle(pilot)

    return act


@SIZES
def test_sorted_under_another_strategy_with_some_selected(
    snap_compare: Any, make_assisted_app: MakeApp, early_night: Store, size: tuple[int, int]
) -> None:
    keys = press(strategy="entropy", then=("O", "home", "space", "space", "n", "space", "p", "p"))
    assert snap_compare(make_assisted_app(), terminal_size=size, run_before=keys)


@SIZES
def test_a_filter_with_a_fault(
    snap_compare: Any, make_assisted_app: MakeApp, early_night: Store, size: tuple[int, int]
) -> None:
    keys = press("slash", *"now:Ia mga<19 !done")
    assert snap_compare(make_assisted_app(), terminal_size=size, run_before=keys)


@SIZES
def test_observers_disagree(
    snap_compare: Any, make_assisted_app: MakeApp, early_night: Store, size: tuple[int, int]
) -> None:
    assert snap_compare(make_assisted_app(), terminal_size=size, run_before=press("4"))


@pytest.mark.parametrize(
    "keys",
    [("o",), ("b",), ("B", "n"), ("D", "+", "3", "d"), ("s",)],
    ids=["sort", "views", "save", "defer", "strategy"],
)
def test_dialogue(snap_compare: Any, make_assisted_app: MakeApp, early_night: Store, keys: tuple[str, ...]) -> None:
    assert snap_compare(make_assisted_app(), terminal_size=(80, 24), run_before=press(*keys))


def test_what_another_has_decided_meanwhile(snap_compare: Any, make_app: MakeApp, store: Store) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await press("space", "space", "space")(pilot)
        name = store.load_plan().plan.targets[1].id
        store.record(Decision(name, "2026-11-20", "sso", "reject", "bob", stamp(NOW)))
        await press("a")(pilot)

    assert snap_compare(make_app(), terminal_size=(80, 24), run_before=act)


def test_read_only(snap_compare: Any, make_app: MakeApp, store: Store) -> None:
    with Store.open(store.url, read_only=True) as read_only:
        assert snap_compare(make_app(store=read_only), terminal_size=(80, 24), run_before=press("a"))
