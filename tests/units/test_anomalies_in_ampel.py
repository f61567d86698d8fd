"""`T3FollowupPlan` with `anomaly`, taught by verdicts, against `rank --anomaly` on the same real alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from night_plans import NIGHT, SITE, assert_same_plan, everything
from typer.testing import CliRunner

from ampel_followup.cli import app
from ampel_followup.decision import Decision
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.store import Store

NEXT = "2018-08-21"


def plan_of(path: Path, night: str) -> NightPlan:
    with Store.open(path, read_only=True) as store:
        return store.load_plan(night=night, site=SITE).plan


def rank(archive: Path, path: Path, night: str) -> NightPlan:
    options = ["--site", SITE, "--night", night, "--store", str(path), "--anomaly", "anomaly", "--json"]
    done = CliRunner().invoke(app, ["rank", str(archive), *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return plan_of(path, night)


def placed(plan: NightPlan) -> dict[int, RankedTarget]:
    return {t.anomaly.place: t for t in plan.targets if t.anomaly is not None and t.anomaly.place}


def judge(path: Path, verdicts: Iterable[tuple[str, str]]) -> None:
    with Store.open(path) as store:
        store.record_all(
            Decision(name, NIGHT, SITE, verdict, "ada", f"{NIGHT}T12:00:00.000000Z", plan_revision=1)
            for name, verdict in verdicts
        )


def test_anomalies_in_ampel_are_those_of_the_command_line_and_so_is_what_verdicts_teach(
    new_broker: Callable[[], Any], shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two called interesting already suffice to grow trees from verdicts.
    monkeypatch.setattr("ampel_followup.anomaly.feedback.LEAST_ALIKE", 2)
    archive = shared_data / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz"
    alone = tmp_path / "alone.sqlite"
    broker = new_broker()
    broker.run(broker.job(archive, site=SITE, night=NIGHT, anomaly="anomaly"))
    first = rank(archive, alone, NIGHT)
    assert_same_plan(plan_of(broker.store, NIGHT), first)
    assert sorted(placed(first)) == [5, 10, 15]

    yes, no, other = (target.id for _, target in sorted(placed(first).items()))
    for path in (broker.store, alone):
        judge(path, [(yes, "approve"), (no, "reject"), (other, "observed")])
    # The third task alone: the same scores in AMPEL's database, on the next night.
    broker.run(broker.job(archive, site=SITE, night=NEXT, anomaly="anomaly"), 2)
    second, taught = rank(archive, alone, NEXT), plan_of(broker.store, NEXT)
    assert_same_plan(taught, second)
    [*_, document] = broker.documents("t3")
    assert document["body"]["anomaly"]["verdicts"] == {"interesting": 2, "not_interesting": 1}
    assert not {yes, no, other} & {target.id for target in placed(taught).values()}
    interest = [{t.id: t.anomaly.interest for t in everything(plan) if t.anomaly} for plan in (first, taught)]
    assert interest[1][yes] > interest[0][yes] and interest[1][no] < interest[0][no]
