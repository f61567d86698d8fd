"""The export dialogue writes the approved targets, or says why not."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sample_night import at_rest, screen_text, until
from textual.widgets import Input

from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.screens.tonight import TonightScreen

MakeApp = Callable[..., FollowupApp]


async def test_approved_targets_are_written_as_csv(
    make_app: MakeApp, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, _, third, *_ = (target.id for target in store.load_plan().plan.targets)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "r", "a", "e")
        await until(lambda: "Export 2 approved targets" in screen_text(app))
        await pilot.press("enter")
        assert isinstance(app.screen, TonightScreen)
        await until(lambda: "Wrote followup-sso-2026-11-20.csv" in [notice.message for notice in app._notifications])
    with (tmp_path / "followup-sso-2026-11-20.csv").open(newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [first, third]


async def test_what_was_set_aside_is_written_if_it_is_approved_and_only_then(
    make_assisted_app: MakeApp, assisted_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = assisted_store.load_plan().plan
    app = make_assisted_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "l", "l", "a", "r", "e")
        await until(lambda: "Export 2 approved targets" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: "Wrote followup-sso-2026-11-20.csv" in [notice.message for notice in app._notifications])
    with (tmp_path / "followup-sso-2026-11-20.csv").open(newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [plan.targets[0].id, plan.set_aside[0].id]


async def test_another_format_changes_the_suffix_and_what_is_written(
    make_app: MakeApp, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "e", "shift+tab", "right", "right", "space", "tab", "enter")
        await at_rest(pilot.app)
    assert json.loads((tmp_path / "followup-sso-2026-11-20.json").read_text())


async def test_a_file_that_cannot_be_written_keeps_the_dialogue_open_with_the_reason(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "e")
        app.screen.query_one(Input).value = str(tmp_path / "no" / "such" / "folder.csv")
        await pilot.press("enter")
        await until(lambda: "cannot write the target list" in screen_text(app))
        await pilot.press("escape")
        assert isinstance(app.screen, TonightScreen)


async def test_with_nothing_approved_nothing_is_written(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("e")
        await until(lambda: "No target is approved" in "\n".join(notice.message for notice in app._notifications))
    assert list(tmp_path.glob("followup-*")) == []
