"""What has a place of the list for being anomalous is marked there, told why, and found by the filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sample_night import at_rest, screen_text, until
from test_screens import WIDE
from textual.pilot import Pilot

from ampel_followup.anomaly_scores import AnomalyScores
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp

MakeApp = Callable[..., FollowupApp]


@pytest.fixture
def odd(store: Store) -> str:
    """The same night with one target that has a kept place; its name."""
    plan = store.load_plan().plan
    reason = (
        "Anomaly 1 of 3 tonight. Like nothing trained on: 0.998; the trees of the classifier disagree. Interest by "
        "verdicts and by what tonight has more of: 0.41."
    )
    chosen = plan.targets[4]
    targets = tuple(
        replace(
            target,
            anomaly=AnomalyScores(
                0.998 if target is chosen else 0.2, interest=0.41, turn=number, place=5 if target is chosen else 0
            ),
            reasons=(reason, *target.reasons) if target is chosen else target.reasons,
        )
        for number, target in enumerate(plan.targets, 1)
    )
    store.save_plan(replace(plan, targets=targets), created="2026-11-20T07:00:00Z")
    return chosen.id


async def test_an_anomaly_is_found_by_its_word_and_says_why(make_app: MakeApp, odd: str) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(lambda: odd in screen_text(app))
        (line,) = (line for line in screen_text(app).splitlines() if odd in line)
        assert "anomaly" in line
        await pilot.press("slash", *"anomaly", "enter")
        await until(lambda: "1 of 34 match" in screen_text(app))
        await pilot.press("enter", "1")
        await at_rest(app)
        assert "• Anomaly 1 of 3 tonight." in screen_text(app)


async def open_the_odd_one(pilot: Pilot[None]) -> None:
    await until(lambda: bool(pilot.app.screen.query("DataTable")))
    await pilot.press("slash", *"anomaly", "enter")
    await until(lambda: "1 of 34 match" in screen_text(pilot.app))
    await pilot.press("enter", "1")
    await at_rest(pilot.app)
    text = " ".join(screen_text(pilot.app).split())
    assert "Anomaly 1 of 3 tonight" in text and "0.998" in text


def test_score_sentence_and_quota_of_an_anomaly_are_on_the_screen(
    snap_compare: Any, make_app: MakeApp, odd: str
) -> None:
    assert snap_compare(make_app(), terminal_size=WIDE, run_before=open_the_odd_one)
