"""Pictures of a target with all that can be known of it; `--snapshot-update` makes them anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sample_night import DUSK_MJD, SPRAT, WIFES, make_timetable
from test_screens import NARROW, WIDE, press

from ampel_followup.cutouts import LEVELS, Cutout, Cutouts
from ampel_followup.labels import Label
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp

MakeApp = Callable[..., FollowupApp]


def sky(seed: int, source: float, galaxy: float, middle: float) -> Cutout:
    """Noise, a galaxy beside the middle, and a point in it, as an alert may bring them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:63, :63]
    image = middle + 3.0 * rng.normal(size=(63, 63))
    image += source * np.exp(-((x - 31) ** 2 + (y - 31) ** 2) / 5.0)
    image += galaxy * np.exp(-np.hypot((x - 36) / 2.0, y - 28) / 3.0)
    return Cutout(63, 63, np.clip(np.round(image), 1, LEVELS).astype(np.uint8).tobytes())


@pytest.fixture
def known(store: Store) -> Store:
    """The first target was ranked on nights before, has labels, cutouts and telescopes."""
    plan = store.load_plan().plan
    first = plan.targets[0]
    for day, place in enumerate((9, 9, 4, 2), 16):
        others = [replace(o, rank=i + (i >= place)) for i, o in enumerate(plan.targets[1:20], 1)]
        targets = sorted([*others, replace(first, rank=place)], key=lambda target: target.rank)
        night = replace(plan.night, date=f"2026-11-{day}")
        store.save_plan(
            replace(plan, night=night, targets=tuple(targets), stop=None), created=f"2026-11-{day}T06:00:00Z"
        )
    store.save_plan(replace(plan, sampling="again"), created="2026-11-20T07:00:00Z")
    store.add_labels(
        [Label(first.id, "SN Ia", "TNS", "2026-11-19T00:00:00Z", "SCAT", redshift=0.041, comment="broad silicon")]
    )
    images = (sky(1, 30.0, 40.0, 14.0), sky(2, 0.0, 40.0, 14.0), sky(3, 25.0, 0.0, 32.0))
    store.cutouts.save([Cutouts(first.id, 1, DUSK_MJD - 0.9, "ztfr", 1.01, images)])
    store.save_timetable(make_timetable(plan, (WIFES, SPRAT)), created="2026-11-20T07:00:00Z")
    return store


@pytest.mark.parametrize(
    "keys",
    [("1", "m"), ("1", "plus"), ("1", "f"), ("2",), ("3",), ("4",), ("6",), ("7",), ("L",)],
    ids=["absolute", "closer", "flux", "why", "visibility", "history", "classes", "cutouts", "links"],
)
def test_target_on_a_narrow_screen(snap_compare: Any, make_app: MakeApp, known: Store, keys: tuple[str, ...]) -> None:
    assert snap_compare(make_app(), terminal_size=NARROW, run_before=press("enter", *keys))


@pytest.mark.parametrize("keys", [("m",), ("6",), ("L",)], ids=["absolute", "classes", "links"])
def test_target_on_a_wide_screen(snap_compare: Any, make_app: MakeApp, known: Store, keys: tuple[str, ...]) -> None:
    assert snap_compare(make_app(), terminal_size=WIDE, run_before=press("enter", *keys))


@pytest.mark.parametrize("keys", [("6",), ("7",)], ids=["classes", "cutouts"])
def test_tonight_on_a_wide_screen(snap_compare: Any, make_app: MakeApp, known: Store, keys: tuple[str, ...]) -> None:
    assert snap_compare(make_app(), terminal_size=WIDE, run_before=press(*keys))


def test_cutouts_without_colours(
    snap_compare: Any, make_app: MakeApp, known: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(), terminal_size=NARROW, run_before=press("enter", "7"))
