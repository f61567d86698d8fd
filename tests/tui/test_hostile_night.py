"""Every command on a night in which every text means harm: what is on the screen is text, and stays in its place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_night import MARK, Hostility, cells, save_hostile_night
from sample_night import NOW, at_rest, strike
from textual import events
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input, TextArea

from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.commands import COMMANDS
from ampel_followup_tui.screens.tonight import TonightScreen

#: What a terminal could obey or hide, see `ampel_followup.untrusted`.
STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def lines(app: FollowupApp) -> list[Strip]:
    return app.screen._compositor.render_strips()


def wrong(app: FollowupApp) -> Iterator[str]:
    """Say what on the screen is not inert, or out of its place."""
    width, height = app.size
    strips = lines(app)
    if len(strips) != height:
        yield f"{len(strips)} lines on a screen of {height}"
    for number, strip in enumerate(strips):
        if cells(strip.text) != width or strip.cell_length != width:
            yield f"line {number} takes {cells(strip.text)} or {strip.cell_length} of {width} cells: {strip.text!r}"
        if steering := {c for c in strip.text if unicodedata.category(c) in STEERING}:
            yield f"line {number} has {steering}: {strip.text!r}"
        # Markup that was obeyed is not there any more.
        for before, found, _ in _around(strip.text, MARK):
            if before not in ("]", "["):
                yield f"line {number} obeyed markup: {found!r} in {strip.text!r}"
        for segment in strip:
            if segment.control:
                yield f"line {number} has control codes: {segment!r}"
            if segment.style is not None and "evil" in f"{segment.style.link}":
                yield f"line {number} links to {segment.style.link}"
            if segment.style is not None and "bell" in f"{segment.style.meta}":
                yield f"line {number} runs {segment.style.meta}"


def _around(text: str, word: str) -> Iterator[tuple[str, str, int]]:
    start = text.find(word)
    while start >= 0:
        # A text that was wrapped or cut begins where its line or its column does.
        if start > 0 and text[start - 1] not in " │▌":
            yield text[start - 1], text[max(0, start - 20) : start + 20], start
        start = text.find(word, start + 1)


async def look(pilot: Pilot[None], doing: str) -> None:
    app = pilot.app
    assert isinstance(app, FollowupApp)
    await at_rest(app)
    assert app._exception is None, doing
    assert not list(wrong(app)), doing


async def go_home(pilot: Pilot[None]) -> None:
    """Close what is open, and clear the filter."""
    for _ in range(6):
        await strike(pilot.app, "escape")
        if isinstance(pilot.app.screen, TonightScreen):
            return
    raise AssertionError(f"escape does not close {pilot.app.screen}")


async def type_harm(pilot: Pilot[None], hostility: Hostility, doing: str) -> None:
    """Paste harm into the field that has the focus, if there is one, and confirm."""
    if isinstance(pilot.app.focused, Input | TextArea):
        for _ in range(2):
            pilot.app.post_message(events.Paste(hostility.text()))
            await look(pilot, f"{doing}, paste")
        await strike(pilot.app, "enter")
        await look(pilot, f"{doing}, enter")


NARROW, WIDE = (80, 24), (140, 45)

#: Where commands are tried, and the keys that lead there.
PLACES = {
    "tonight": (),
    "not tonight": ("l",),
    "target": ("enter",),
    "plan": ("t",),
    "target of the plan": ("t", "enter"),
    "learning": ("g",),
}
LEAVING = frozenset({"quit"})


@pytest.mark.parametrize(
    ("place", "size"),
    [
        ("tonight", NARROW),
        ("not tonight", WIDE),
        ("target", WIDE),
        ("plan", NARROW),
        ("target of the plan", NARROW),
        ("learning", WIDE),
    ],
    ids=lambda value: value if isinstance(value, str) else "x".join(map(str, value)),
)
async def test_every_command_shows_hostile_text_as_text(
    place: str, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seed = list(PLACES).index(place)
    hostility = Hostility(seed)
    with Store.open(tmp_path / "night.sqlite") as store:
        save_hostile_night(store, seed)
        app = FollowupApp(store, store.load_plan(), hostility.text()[:200] + "x", now=lambda: NOW, poll_seconds=3600.0)
        async with app.run_test(size=size) as pilot:
            await look(pilot, "start")
            here = None
            for command in COMMANDS:
                if command.name in LEAVING:
                    continue
                if app.screen is not here or isinstance(app.focused, Input | TextArea):
                    await go_home(pilot)
                    await strike(app, *PLACES[place])
                    here = app.screen
                await strike(app, command.keys.split(",")[0])
                doing = f"{command.name} in {place}"
                await look(pilot, doing)
                await type_harm(pilot, hostility, doing)
