"""A night in a real store, and the app on it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ampel_followup.store import Store
from ampel_followup.timetable import Closure
from ampel_followup_tui.app import FollowupApp

# The sample night is a module of its own, for the benchmark of the start uses it too.
sys.path.insert(0, str(Path(__file__).parent))

from sample_night import FLOYDS, NOW, SPRAT, WIFES, assist, make_plan, make_timetable

DRIFT = {
    "moved": ["peak_mag", "rb_pix", "log10_std_ra"],
    "sentence": "3 of 24 features are not as in training: peak_mag: median 19.2 now, 18.9 in training (PSI 0.31).",
}


@pytest.fixture(autouse=True)
def nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests from the keys and views of whoever runs them, and those from the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="session")
def filled_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a plan of 34 targets and 12 that cannot be seen, to be copied."""
    path = tmp_path_factory.mktemp("store") / "night.sqlite"
    plan, light_curves = make_plan(34, 12)
    with Store.open(path) as store:
        store.save_plan(plan, created="2026-11-20T06:00:00Z", light_curves=light_curves)
    return path


@pytest.fixture(scope="session")
def filled_assisted_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same night with a virtual assistant, 41 targets set aside, and a stream that is not as in training."""
    path = tmp_path_factory.mktemp("store") / "assisted.sqlite"
    plan, light_curves = make_plan(34, 12)
    plan, more = assist(plan, 41)
    with Store.open(path) as store:
        store.save_plan(
            plan, created="2026-11-20T06:00:00Z", report={"drift": DRIFT}, light_curves=[*light_curves, *more]
        )
    return path


@pytest.fixture(scope="session")
def scheduled_store(filled_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first night with a schedule: two telescopes at its site, one of them closed for a time, and one elsewhere."""
    path = Path(shutil.copy(filled_store, tmp_path_factory.mktemp("store") / "scheduled.sqlite"))
    clouds = Closure("2026-11-20T16:20:00Z", "2026-11-20T17:22:00Z", "clouds")
    with Store.open(path) as store:
        timetable = make_timetable(store.load_plan().plan, (replace(WIFES, closures=(clouds,)), FLOYDS, SPRAT))
        store.save_timetable(timetable, created="2026-11-20T07:00:00Z")
    return path


@pytest.fixture
def store(filled_store: Path, tmp_path: Path) -> Iterator[Store]:
    """A store with a plan made without an assistant, and no decision yet."""
    with Store.open(shutil.copy(filled_store, tmp_path)) as store:
        yield store


@pytest.fixture
def assisted_store(filled_assisted_store: Path, tmp_path: Path) -> Iterator[Store]:
    """A store with a plan made with an assistant, and no decision yet."""
    with Store.open(shutil.copy(filled_assisted_store, tmp_path)) as store:
        yield store


@pytest.fixture
def make_app(store: Store) -> Callable[..., FollowupApp]:
    """Return a function that makes the app of an observer, with a clock that stands still."""
    return partial(_make_app, store=store)


@pytest.fixture
def make_assisted_app(assisted_store: Store) -> Callable[..., FollowupApp]:
    """Return the same for the plan that was made with an assistant."""
    return partial(_make_app, store=assisted_store)


def _make_app(observer: str = "ada", *, store: Store, first_look: int | None = None) -> FollowupApp:
    stored = store.load_plan(limit=first_look)
    return FollowupApp(store, stored, observer, now=lambda: NOW, poll_seconds=3600.0)
