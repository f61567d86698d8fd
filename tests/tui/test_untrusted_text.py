"""Names, reasons and comments come from outside: shown as they are, never parsed, never steering the terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sample_night import NOW, at_rest, make_plan, screen_text, until

from ampel_followup.decision import Decision, Verdict
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.instants import stamp

MakeApp = Callable[..., FollowupApp]
NASTY = "[bold red]Z[/] \x1b[2J\x1b]0;owned\x07\u202eevil"
SHOWN = "[bold red]Z[/] [2J]0;ownedevil"


@pytest.fixture
def nasty_store(store: Store) -> Store:
    """A store whose newest plan is about a hostile target."""
    plan, _ = make_plan(3, 1, seed=2)
    first, *others = plan.targets
    hidden = plan.not_observable[0]
    first = replace(
        first,
        id=NASTY,
        reasons=(NASTY,),
        scores=replace(first.scores, class_now=NASTY, p_t={NASTY: 0.6, "[link=x]": 0.4}, p_ts={NASTY: 1.0}),
    )
    hidden = replace(hidden, visibility=replace(hidden.visibility, reason=NASTY))
    store.save_plan(replace(plan, targets=(first, *others), not_observable=(hidden,)), created="2026-11-20T07:00:00Z")
    store.record(Decision(NASTY, "2026-11-20", "sso", Verdict.COMMENT, "[i]eve[/i]", stamp(NOW), comment=NASTY))
    return store


@pytest.mark.parametrize("size", [(80, 24), (320, 50)])
async def test_hostile_text_is_shown_as_plain_text(
    make_app: MakeApp, nasty_store: Store, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        panes = ("1", "2", "3", "4", "6", "7", "m", "L", "escape")
        for key in (*panes, "enter", *panes, "escape", "l", "ctrl+p", "escape", "l", "c"):
            await pilot.press(key)
            await at_rest(app)
            text = screen_text(app)
            assert not {"\x1b", "\x07", "\u202e"} & set(text)
            if key == "4":
                assert f"[i]eve[/i] “{SHOWN}”" in " ".join(text.split())
            if key == "2":
                assert SHOWN in " ".join(text.split())


async def test_a_message_about_a_hostile_target_is_not_parsed(make_app: MakeApp, nasty_store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l", "a")
        await pilot.pause()
        assert "\x1b" not in screen_text(app)
        await until(lambda: "[bold red]Z[/]" in screen_text(app))
