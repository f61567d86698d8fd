"""The line that says when to stop, and the filter for what the models do not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sample_night import screen_text, until

from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.screens.tonight import TonightScreen

MakeApp = Callable[..., FollowupApp]


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_list_says_from_where_on_spectra_are_not_worth_taking(
    make_app: MakeApp, store: Store, size: tuple[int, int]
) -> None:
    stop = store.load_plan().plan.stop
    assert stop is not None
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await until(lambda: f"┄ {stop.sentence} ┄" in screen_text(app))
        await pilot.press("l")
        assert stop.sentence not in screen_text(app)
        await pilot.press("l")
        assert stop.sentence in screen_text(app)


async def test_plan_from_before_the_advice_takes_no_line_for_it(make_app: MakeApp, store: Store) -> None:
    store.save_plan(replace(store.load_plan().plan, stop=None), created="2026-11-20T07:00:00Z")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        assert "a spectrum changes" not in screen_text(app)
        await pilot.press("l", "l")
        assert "┄ " not in screen_text(app)


async def test_filter_finds_what_is_outside_the_training_set(make_app: MakeApp, store: Store) -> None:
    outside = [t.id for t in store.load_plan().plan.targets if t.scores.out_of_scope]
    assert outside
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"outside", "enter")
        tonight = app.screen
        assert isinstance(tonight, TonightScreen)
        assert list(tonight.table.order) == outside
