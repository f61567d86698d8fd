"""Putting a target off until a day, from the command line to the next night's plan."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from assistant_plans import PLAN

from ampel_followup.store import Store

NIGHT = date.fromisoformat(PLAN.night.date)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "night.sqlite") as store:
        store.save_plan(PLAN, created="2018-08-20T20:00:00Z")
    return tmp_path / "night.sqlite"


@pytest.mark.parametrize(("text", "days"), [("+3d", 3), ("2w", 14), ((NIGHT + timedelta(days=5)).isoformat(), 5)])
def test_a_target_is_deferred_until_a_day(run, path: Path, text: str, days: int) -> None:
    name = PLAN.targets[0].id
    assert run("decide", name, "defer", "--until", text, "--observer", "ada", "--store", path)[0] == 0
    _, out, _ = run("decisions", "--store", path, "--json")
    [decision] = json.loads(out)["decisions"]
    assert (decision["verdict"], decision["until"]) == ("defer", (NIGHT + timedelta(days=days)).isoformat())
    assert decision["until"] in run("decisions", "--store", path)[1]


@pytest.mark.parametrize(
    ("verdict", "until", "message"),
    [
        ("defer", "soon", "says no day to come back on; write 3, +3d, 2w, tomorrow"),
        ("defer", NIGHT.isoformat(), "does not come after the night of"),
        ("approve", "3", "only what is deferred comes back on a day"),
    ],
)
def test_a_day_that_makes_no_sense_is_one_line(run, path: Path, verdict: str, until: str, message: str) -> None:
    code, out, err = run("decide", PLAN.targets[0].id, verdict, "--until", until, "--observer", "ada", "--store", path)
    assert code == 2 and not out
    assert message in " ".join(err.replace("│", " ").split())
    with Store.open(path) as store:
        assert store.decisions() == []
