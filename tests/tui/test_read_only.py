"""Looking without deciding: no key writes anything, and the screen says so."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sample_night import NOW, screen_text, until

from ampel_followup.store import Store
from ampel_followup_tui import launch
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.commands import COMMANDS

WRITING = [command for command in COMMANDS if command.writes]


@pytest.fixture
def medium(scheduled_store: Path) -> Iterator[Path]:
    """A folder as on a read-only medium: neither it nor the store in it can be written."""
    # Not in pytest's own folder, which only its owner can enter.
    folder = Path(tempfile.mkdtemp())
    path = Path(shutil.copy(scheduled_store, folder / "night.sqlite"))
    path.chmod(0o444)
    folder.chmod(0o555)
    yield path
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def an_ordinary_user() -> Iterator[None]:
    """Root may write everywhere: be somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("before", [(), ("space",), ("t",), ("enter",)], ids=["list", "selected", "plan", "target"])
async def test_no_key_writes_and_each_that_would_says_so(medium: Path, before: tuple[str, ...]) -> None:
    contents = medium.read_bytes()
    with an_ordinary_user():
        store = Store.open(medium, read_only=True)
    with store:
        app = FollowupApp(store, store.load_plan(), "ada", now=lambda: NOW, poll_seconds=3600.0)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press(*before)
            screen = app.screen
            for command in WRITING:
                if command.place & app.place:
                    app._notifications.clear()
                    await pilot.press(command.keys.split(",")[0])
                    assert app.screen is screen, command.name
                    assert "read-only" in "".join(n.message for n in app._notifications), command.name
            assert app.journal.verdicts == {}
    assert medium.read_bytes() == contents
    assert [path.name for path in medium.parent.iterdir()] == [medium.name]


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_the_top_line_says_read_only_at_every_width(medium: Path, size: tuple[int, int]) -> None:
    with Store.open(medium, read_only=True) as store:
        app = FollowupApp(store, store.load_plan(), "ada", now=lambda: NOW, poll_seconds=3600.0)
        async with app.run_test(size=size):
            await until(lambda: "READ-ONLY" in screen_text(app).splitlines()[0])


def test_a_store_that_cannot_be_written_is_opened_to_look_at(medium: Path) -> None:
    with an_ordinary_user():
        store = launch.open_store(str(medium), read_only=False)
    with store:
        assert store.read_only
        assert len(store.load_plan().plan.targets) == 34
