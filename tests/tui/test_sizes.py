"""Every screen in every size: nothing overflows, nothing is cut that matters, and nothing breaks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_night import FLOYDS, NOW, SPRAT, WIFES, at_rest, make_timetable, strike, until
from textual.screen import Screen
from textual.widgets import DataTable

from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.commands import COMMANDS
from ampel_followup_tui.widgets.key_bar import KeyBar

SIZES = ((80, 24), (100, 30), (140, 45), (200, 60), (250, 70))

#: From one screen of the walk to the next it is a dozen; a scroll bar that comes and goes makes 60 of them per second.
MOST_LAYOUTS = 40

#: Keys to each screen from the one before, and what must stand there.
WALK = (
    ((), ("2026-11-20", "tonight 34", "UT", "a approve", "? help", "{target}", "gain", "after 25 targets")),
    (("2",), ("value of information", "{target}")),
    (("3",), ("local", "airmass", "Moon", "{target}")),
    (("4",), ("{target}",)),
    (("5",), ("at day", "{target}")),
    (("v",), ("{target}",)),
    (("l",), ("why not tonight", "{target}")),
    (("l",), ("why set aside", "{target}")),
    (("l", "enter"), ("{target}", "34", "a approve", "? help")),
    (("5",), ("{target}",)),
    (("escape", "t"), ("value", "now", "{target}", "x observed", "? help")),
    (("enter",), ("{target}", "a approve")),
    (("escape", "t", "g"), ("learning", "2026-11-20")),
    (("g", "question_mark"), ("Verdicts", "Approve this target")),
    (("escape", "colon"), ("number, or part of a name",)),
    (("escape", "c"), ("Comment on {target}", "⏎ keep", "esc cancel")),
    (("escape", "slash"), ("{target}",)),
    (("escape", "a", "e"), ("Export 1 approved target", "⏎ write", "esc cancel")),
    (("escape", "w"), ("training",)),
)


@pytest.fixture
def store(filled_assisted_store: Path, tmp_path: Path) -> Iterator[Store]:
    """A night with an assistant, and three telescopes at two sites."""
    with Store.open(shutil.copy(filled_assisted_store, tmp_path)) as store:
        timetable = make_timetable(store.load_plan().plan, (WIFES, FLOYDS, SPRAT))
        store.save_timetable(timetable, created="2026-11-20T07:00:00Z")
        yield store


def make(store: Store) -> FollowupApp:
    return FollowupApp(store, store.load_plan(), "ada", now=lambda: NOW, poll_seconds=3600.0)


async def walk(app: FollowupApp) -> Iterator[tuple[str, ...]]:  # type: ignore[misc]
    """Go from screen to screen, and yield what must stand on each."""
    await until(lambda: app.journal.timetable is not None)
    await at_rest(app)
    for keys, wanted in WALK:
        await strike(app, *keys)
        yield tuple(words.format(target=app.current) for words in wanted)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "×".join(map(str, size)))
async def test_every_screen_fits_and_has_what_matters(store: Store, size: tuple[int, int]) -> None:
    width, _ = size
    whole = {f"{command.shown_keys[0]} {command.label}" for command in COMMANDS if command.bar}
    app = make(store)
    async with app.run_test(size=size):
        async for wanted in walk(app):
            # Drawn once for both: in the largest sizes that is most of the work.
            strips = app.screen._compositor.render_strips()
            text = "\n".join(strip.text.rstrip() for strip in strips)
            assert not [words for words in wanted if words not in text], text
            assert {strip.cell_length for strip in strips} == {width}
            for widget in app.screen.walk_children():
                if widget.display and widget.region:
                    assert widget.region.right <= width, widget
                    assert widget.max_scroll_x == 0 or isinstance(widget, DataTable) is False, widget
                    if isinstance(widget, DataTable):
                        assert widget.virtual_size.width <= widget.size.width, (widget, widget.virtual_size)
            for bar in app.screen.query(KeyBar):
                shown = bar.render().plain
                assert len(shown) <= width + 2
                items = [item for item in shown.strip().split("  ") if item]
                assert len(items) >= 5
                assert set(items) <= whole
                assert shown.rstrip() in text
        assert app._exception is None
        assert not app._notifications or all("terminal has" not in note.message for note in app._notifications)


@pytest.mark.parametrize("size", [(79, 24), (60, 18), (20, 6), (5, 3)])
async def test_a_smaller_terminal_works_and_is_told_what_it_lacks(
    store: Store, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out = 0
    lay_out = Screen._refresh_layout

    def counted(screen: Screen[object], *arguments: object, **options: object) -> None:
        nonlocal laid_out
        laid_out += 1
        lay_out(screen, *arguments, **options)

    monkeypatch.setattr(Screen, "_refresh_layout", counted)
    app = make(store)
    async with app.run_test(size=size) as pilot:
        said = [note.message for note in app._notifications if "terminal has" in note.message]
        async for _ in walk(app):
            assert app.is_running
            await pilot.pause()  # until there is nothing to do, or for a second
            assert laid_out < MOST_LAYOUTS, "the layout does not come to rest"
            laid_out = 0
        assert app._exception is None
    assert said == [f"This terminal has {size[0]} × {size[1]} characters; 80 × 24 show everything."]


async def test_resizing_in_the_midst_of_all_breaks_nothing(store: Store) -> None:
    app = make(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.journal.timetable is not None)
        for keys in ((), ("enter",), ("escape", "t"), ("t", "question_mark")):
            await pilot.press(*keys)
            for size in ((250, 70), (30, 8), (120, 24), (80, 24)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                assert {strip.cell_length for strip in app.screen._compositor.render_strips()} == {size[0]}
    assert app._exception is None
