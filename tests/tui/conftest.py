"""A night in a real store, and the app on it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp

# The sample night is a module of its own, for the benchmark of the start uses it too.
sys.path.insert(0, str(Path(__file__).parent))

from sample_night import NOW, make_plan


@pytest.fixture(scope="session")
def filled_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a plan of 34 targets and 12 that cannot be seen, to be copied."""
    path = tmp_path_factory.mktemp("store") / "night.sqlite"
    plan, light_curves = make_plan(34, 12)
    with Store.open(path) as store:
        store.save_plan(plan, created="2026-11-20T06:00:00Z", light_curves=light_curves)
    return path


@pytest.fixture
def store(filled_store: Path, tmp_path: Path) -> Iterator[Store]:
    """A store with a plan, and no decision yet."""
    with Store.open(shutil.copy(filled_store, tmp_path)) as store:
        yield store


@pytest.fixture
def make_app(store: Store) -> Callable[..., FollowupApp]:
    """Return a function that makes the app of an observer, with a clock that stands still."""

    def make(observer: str = "ada", store: Store = store, first_look: int | None = None) -> FollowupApp:
        stored = store.load_plan(limit=first_look)
        return FollowupApp(store, stored, observer, now=lambda: NOW, poll_seconds=3600.0)

    return make
