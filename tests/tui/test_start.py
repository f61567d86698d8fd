"""Starting: fast, light, and clear about what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ampel_followup.errors import StoreError
from ampel_followup.store import Store
from ampel_followup_tui.command import tui

FIRST_SCREEN = """
import sys
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp

class Watched(FollowupApp):
    def post_display_hook(self):
        painted = "".join(strip.text for strip in self.screen._compositor.render_strips())
        if self.current and self.current in painted:
            heavy = {"ampel", "astropy", "matplotlib", "numpy", "pydantic", "scipy", "sklearn", "sqlalchemy", "yaml"}
            print("loaded:", *sorted(heavy & set(sys.modules)), file=sys.stderr)
            self.exit()

with Store.open(sys.argv[1]) as store:
    Watched(store, store.load_plan(), "ada").run(headless=True, size=(80, 24))
"""


@pytest.mark.parametrize("plan", ["filled_store", "filled_assisted_store", "scheduled_store"])
def test_the_first_screen_loads_none_of_the_science_stack(plan: str, request: pytest.FixtureRequest) -> None:
    store: Path = request.getfixturevalue(plan)
    result = subprocess.run(
        [sys.executable, "-c", FIRST_SCREEN, store], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stderr.strip() == "loaded:"


WHOLE_APP = """
import asyncio, sys
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp

async def use():
    with Store.open(sys.argv[1]) as store:
        app = FollowupApp(store, store.load_plan(), "ada")
        async with app.run_test(size=(140, 45)) as pilot:
            await pilot.press("n", "f", "m", "6", "7", "enter", "L", "escape", "y", "a", "escape")
            await pilot.press("question_mark", "escape", "e", "escape", "t")
            while any(not worker.is_finished for worker in app.workers):
                await asyncio.sleep(0)

asyncio.run(use())
print("loaded:", *sorted({"ampel", "astropy", "scipy", "sklearn", "sqlalchemy", "tensorflow"} & set(sys.modules)))
"""


def test_the_app_never_loads_ampel_astropy_or_a_classifier(scheduled_store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "night.sqlite"
    copy.write_bytes(scheduled_store.read_bytes())
    result = subprocess.run(
        [sys.executable, "-c", WHOLE_APP, copy], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip() == "loaded:"


def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(tui)
    return app


def test_without_a_terminal_the_command_says_so_and_exits_with_2(store: Store) -> None:
    result = CliRunner().invoke(command(), ["--store", store.url])
    assert result.exit_code == 2
    assert "needs a terminal" in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_store_without_a_plan_says_how_to_make_one(tmp_path: Path) -> None:
    Store.open(tmp_path / "empty.sqlite").close()
    result = CliRunner().invoke(command(), ["--store", str(tmp_path / "empty.sqlite")])
    assert isinstance(result.exception, StoreError)
    assert "no plan" in str(result.exception)
    assert "ampel-followup rank" in str(result.exception)


@pytest.mark.parametrize(("option", "value"), [("--night", "2026-11-21"), ("--site", "palomar")])
def test_a_night_or_site_without_a_plan_is_named(store: Store, option: str, value: str) -> None:
    result = CliRunner().invoke(command(), ["--store", store.url, option, value])
    assert isinstance(result.exception, StoreError)
    assert value in str(result.exception)


@pytest.mark.parametrize("site", ["sso", "SSO", "Siding Spring"])
def test_a_site_is_known_by_every_name_that_it_has(store: Store, site: str) -> None:
    result = CliRunner().invoke(command(), ["--store", store.url, "--site", site])
    assert "needs a terminal" in f"{result.exception}{result.output}"


def test_a_missing_store_is_not_created(tmp_path: Path) -> None:
    result = CliRunner().invoke(command(), ["--store", str(tmp_path / "missing.sqlite")])
    assert isinstance(result.exception, StoreError)
    assert not (tmp_path / "missing.sqlite").exists()
