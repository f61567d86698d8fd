"""LSST inside AMPEL on a database server: long numbers, alerts twice and out of order, decisions that flow back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ampel.lsst.alert.LSSTAlertSupplier", reason="ampel-lsst is not installed (docs/ampel.md)")

sys.path.insert(0, str(Path(__file__).parents[1] / "library"))

from decided_night import decide, decisions_job
from lsst_packets import OBJECT, alert, alerts_of, container, source
from night_plans import assert_same_plan, embedded_run, everything, read_light_curves

from ampel_followup.plan import NightPlan
from ampel_followup.store import Store

SITE, NIGHT = "cerropachon", "2026-03-05"


@pytest.fixture(scope="module")
def alerts() -> list[dict[str, Any]]:
    """Several alerts of each of four made-up objects, and one of a minor planet."""
    found = [one for n in range(4) for one in alerts_of(OBJECT + n, 63.35 + 0.1 * n, 500.0 * (n + 1))]
    return [*found, alert(source(0.0, 5, diaObjectId=0, ssObjectId=9), diaObject=None)]


@pytest.fixture(scope="module")
def archive(alerts: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lsst") / "alerts.avro"
    path.write_bytes(container(alerts))
    return path


def planned(broker: Any) -> NightPlan:
    with Store.open(broker.store, read_only=True) as store:
        return store.load_plan(night=NIGHT, site=SITE).plan


@pytest.fixture(scope="module")
def night(new_broker: Callable[[], Any], archive: Path) -> Any:
    """AMPEL after the example job for LSST has run on those alerts."""
    broker = new_broker()
    broker.run(broker.lsst_job([archive], site=SITE, night=NIGHT))
    return broker


def test_list_equals_the_embedded_one(night: Any, archive: Path) -> None:
    plan = planned(night)
    assert {target.stock for target in everything(plan)} == {OBJECT + n for n in range(4)}
    assert_same_plan(plan, embedded_run(archive, site=SITE, night=NIGHT).plan)
    assert night.documents("trouble") == []


def test_alerts_that_come_twice_change_nothing(
    new_broker: Callable[[], Any], alerts: list[dict[str, Any]], archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "twice.avro").write_bytes(container([*alerts, *alerts]))
    broker = new_broker()
    broker.run(broker.lsst_job([tmp_path / "twice.avro"], site=SITE, night=NIGHT))
    assert_same_plan(planned(broker), embedded_run(archive, site=SITE, night=NIGHT).plan)


def test_latest_photometry_counts_even_if_it_came_first(
    new_broker: Callable[[], Any], alerts: list[dict[str, Any]], archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "backwards.avro").write_bytes(container(alerts[::-1]))
    broker = new_broker()
    broker.run(broker.lsst_job([tmp_path / "backwards.avro"], site=SITE, night=NIGHT))
    curves = read_light_curves(archive)
    assert len(everything(planned(broker))) == len(curves) == 4
    for target in everything(planned(broker)):
        curve = curves[target.id]
        assert target.photometry.last_mjd == curve.time[curve.detected][-1]


def test_decisions_tag_the_stocks_of_dia_objects(night: Any) -> None:
    decide(night.store, str(OBJECT + 1), "approve")
    job = decisions_job(night)
    job["task"][0]["config"]["channel"] = "FOLLOWUP_LSST"
    night.run(job)
    tagged = [stock["stock"] for stock in night.documents("stock") if "FOLLOWUP_APPROVED" in stock["tag"]]
    assert tagged == [OBJECT + 1]
