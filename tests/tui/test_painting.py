"""What is painted after a key: all of it about the target under the cursor, and not more of it than has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from rich.text import Text
from sample_night import at_rest, screen_text, until
from textual.app import App, ComposeResult
from textual.screen import Screen

from ampel_followup.decision import Decision
from ampel_followup.lightcurve import LightCurve
from ampel_followup.store import Store, StoredLightCurve
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.widgets.detail import Detail
from ampel_followup_tui.widgets.light_curve import LightCurveView
from ampel_followup_tui.widgets.plain import Words
from ampel_followup_tui.widgets.steady_table import SteadyTable

MakeApp = Callable[..., FollowupApp]


async def test_while_a_slow_store_is_read_nothing_of_the_target_before_is_shown(
    make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (target.id for target in store.load_plan().plan.targets[:2])
    store.record(Decision(first, "2026-11-20", "sso", "comment", "bob", "2026-11-20T10:00:00.000000Z", "cirrus"))
    answer, read = threading.Event(), store.light_curve

    def slowly(target_id: str) -> StoredLightCurve | None:
        assert target_id == first or answer.wait(60)
        return read(target_id)

    monkeypatch.setattr(store, "light_curve", slowly)

    def drawn() -> LightCurve | None:
        return app.screen.query_one(LightCurveView)._curve

    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await until(lambda: "cirrus" in screen_text(app))
        try:
            await pilot.press("j")
            await until(lambda: "Reading …" in screen_text(app))
            assert app.screen.query_one(Detail).target == app.journal.target(second)
            assert drawn() is None
            assert "cirrus" not in screen_text(app)
        finally:
            answer.set()
        await at_rest(app)
        await until(lambda: "Reading …" not in screen_text(app))
        curve = drawn()
        assert curve is not None
        assert curve.id == second


async def test_a_verdict_of_somebody_else_draws_its_row_anew_and_no_other(
    make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = store.load_plan().plan.targets[2].id
    app = make_app()
    async with app.run_test(size=(140, 45)):
        await at_rest(app)
        drawn: list[str] = []
        cells = SteadyTable._draw
        monkeypatch.setattr(
            SteadyTable, "_draw", lambda self, row, column: drawn.append(row.id) or cells(self, row, column)
        )
        store.record(Decision(third, "2026-11-20", "sso", "reject", "bob", "2026-11-20T10:00:00.000000Z"))
        await app.poll()
        await until(lambda: "✗ rejected" in screen_text(app))
    assert set(drawn) == {third}


class Note(App[None]):
    """A text, and nothing else."""

    CSS = "Words { height: auto; }"

    def compose(self) -> ComposeResult:
        yield Words(id="note")


async def test_the_screen_is_laid_out_anew_only_for_a_text_of_another_height(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Note()
    async with app.run_test(size=(20, 10)) as pilot:
        note = app.query_one(Words)
        note.write(Text("one line"))
        await pilot.pause()
        layouts: list[int] = []
        lay_out = Screen._refresh_layout
        monkeypatch.setattr(
            Screen, "_refresh_layout", lambda self, *a, **k: layouts.append(1) or lay_out(self, *a, **k)
        )
        note.write(Text("another line"))
        await pilot.pause()
        assert "another line" in screen_text(app)
        assert layouts == []
        note.write(Text("a line that is longer than the screen is wide"))
        await pilot.pause()
        assert note.size.height == 3
        assert layouts
        assert "is wide" in screen_text(app)
        # Whatever is written in between, the last word is seen.
        for text in ("short", "a line that is longer than the screen is wide, and more", "the end"):
            note.write(Text(text))
        await pilot.pause()
        assert screen_text(app).strip() == "the end"
        assert note.size.height == 1
