"""LSST alerts inside AMPEL: the light curves, scores and plan of the embedded way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")
pytest.importorskip("ampel.lsst.alert.LSSTAlertSupplier", reason="ampel-lsst is not installed (docs/ampel.md)")

sys.path.insert(0, str(Path(__file__).parents[1] / "library"))

from ampel.log.AmpelLogger import AmpelLogger
from ampel.lsst.alert.LSSTAlertSupplier import LSSTAlertSupplier
from ampel.lsst.ingest.LSSTDataPointShaper import LSSTDataPointShaper
from ampel.view.LightCurve import LightCurve as AmpelLightCurve
from lsst_packets import MJD, OBJECT, alert, alerts_of, container, old_names, source
from night_plans import assert_same_plan, embedded_run, everything

from ampel.followup.t0.FollowupAlertLoader import FollowupAlertLoader
from ampel.followup.t2.T2AttentionClassifier import T2AttentionClassifier
from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.attention_scores import AttentionScores
from ampel_followup.errors import AlertError
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.attention_options import NetworkOptions
from ampel_followup.plan import NightPlan
from ampel_followup.store import Store

SITE, NIGHT = "cerropachon", "2026-03-05"


def loaded(paths: Sequence[Path], **options: Any) -> list[dict[str, Any]]:
    return list(FollowupAlertLoader(paths=[str(path) for path in paths], survey="LSST", **options))


def datapoints(packet: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    """Return the stock and the datapoints that ampel-lsst makes of a packet."""
    one = LSSTAlertSupplier._shape(packet, one_datapoint_per_visit=False)
    shaper = LSSTDataPointShaper(logger=AmpelLogger.get_logger(), fields={})  # type: ignore[arg-type]
    return one.stock, [dict(point) for point in shaper.process(one.datapoints, one.stock)]  # type: ignore[arg-type]


def read(paths: Sequence[Path]) -> dict[str, LightCurve]:
    return {curve.id: curve for curve in light_curves(paths, quarantine=Quarantine())}


def assert_same_curve(one: LightCurve, other: LightCurve) -> None:
    for name in LightCurve.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=f"{one.id}: {name}")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several alerts of each of two made-up objects, and one of a minor planet."""
    path = tmp_path_factory.mktemp("lsst") / "alerts.avro"
    alerts = [one for n in range(2) for one in alerts_of(OBJECT + n, 63.35 + 0.1 * n, 500.0 * (n + 1))]
    moving = alert(source(0.0, 5, diaObjectId=0, ssObjectId=9), diaObject=None)
    path.write_bytes(container([*alerts, moving]))
    return path


@pytest.mark.parametrize("renamed", [False, True])
def test_datapoints_of_ampel_lsst_make_the_light_curve_of_the_packet(tmp_path: Path, renamed: bool) -> None:
    one = alerts_of(OBJECT, 63.35, 500.0)[-1]
    schema = "lsst.v10_0"
    if renamed:
        about = {"diaObjectId": OBJECT, "ra": 63.35, "decl": -47.18, "hostgal_zphot": 0.25, "mwebv": 0.0625}
        one = {"alertId": 7, "diaSource": old_names(one["diaSource"]), "diaObject": about}
        one["prvDiaSources"] = [old_names(source(-1.0, 4, band="y"))]
        one["prvDiaNondetectionLimits"] = [{"ccdVisitId": 9, "midPointTai": MJD, "filterName": "u", "diaNoise": 250.0}]
        schema = "elasticc.v0_9"
    path = tmp_path / "a.avro"
    path.write_bytes(container([one], schema))
    stock, points = datapoints(loaded([path])[0])
    assert all("LSST" in point["tag"] for point in points)
    [expected] = read([path]).values()
    assert expected.upper_limit.any() and expected.detected.any()
    assert_same_curve(light_curve_from_datapoints(stock, reversed(points)), expected)
    # A channel may have tags of its own.
    untagged = [{name: value for name, value in point.items() if name != "tag"} for point in points]
    assert_same_curve(light_curve_from_datapoints(stock, untagged), expected)


def test_network_that_is_told_of_hosts_hears_of_them_from_datapoints(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="networks are written with onnx")
    from random_networks import saved

    options = NetworkOptions("pooled-attention-host", units=8, heads=2, blocks=1)
    bundle = saved(tmp_path / "hosted", options, np.random.default_rng(14))
    about = {"diaObjectId": OBJECT, "ra": 63.35, "decl": -47.18}
    sources = [old_names(source(day, day + 1, 3000.0 + 400.0 * day, "gri"[day % 3])) for day in range(9)]
    unit = T2AttentionClassifier(logger=AmpelLogger.get_logger(), bundle=str(tmp_path / "hosted"))
    unit.post_init()
    found = []
    for k, host in enumerate(({"hostgal_zphot": 0.25, "hostgal_zphot_err": 0.0625}, {"hostgal_zphot": -9.0})):
        packet = {"alertId": 7, "diaSource": sources[-1], "prvDiaSources": sources[:-1], "diaObject": about | host}
        path = tmp_path / f"{k}.avro"
        path.write_bytes(container([packet], "elasticc.v0_9"))
        stock, points = datapoints(loaded([path])[0])
        body = unit.process(AmpelLightCurve(0, stock, points, []))
        assert isinstance(body, dict)
        found.append(AttentionScores.from_dict(body))
        assert found[-1:] == bundle.score([*read([path]).values()])
    assert found[0].probabilities != found[1].probabilities and found[0].times == found[1].times


def test_stock_that_is_no_dia_object_is_refused() -> None:
    with pytest.raises(AlertError, match="stock 'x' is not that of an LSST object"):
        light_curve_from_datapoints("x", [{"id": 1, "tag": ["LSST"], "body": {}}])
    with pytest.raises(AlertError, match=f"{OBJECT}: datapoint None has no integer id or no body"):
        light_curve_from_datapoints(OBJECT, [{"id": None, "tag": ["LSST"], "body": {}}])


def test_loader_passes_over_what_is_not_of_its_survey_and_keeps_what_it_cannot_use(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.avro").write_bytes(container(alerts_of(OBJECT, 63.35, 500.0)))
    (tmp_path / "in" / "b.avro").write_bytes(b"\0\0\0\0\0nonsense")
    assert len(loaded([tmp_path / "in"], quarantine=str(tmp_path / "quarantine"))) == 4
    assert len(list((tmp_path / "quarantine").glob("*.avro"))) == 1
    assert list(FollowupAlertLoader(paths=[str(tmp_path / "in")], survey="ZTF")) == []
    with pytest.raises(AlertError, match="survey 'DES' is not read; choose one of ZTF, LSST"):
        FollowupAlertLoader(paths=[str(tmp_path)], survey="DES")


def planned(broker: Any) -> NightPlan:
    with Store.open(broker.store, read_only=True) as store:
        return store.load_plan(night=NIGHT, site=SITE).plan


def test_plan_equals_the_embedded_one(new_broker: Callable[[], Any], archive: Path) -> None:
    broker = new_broker()
    broker.run(broker.lsst_job([archive], site=SITE, night=NIGHT))
    assert broker.documents("trouble") == []
    assert {document["code"] for document in broker.documents("t2")} == {0}
    plan = planned(broker)
    assert {target.id for target in everything(plan)} == {str(OBJECT + n) for n in range(2)}
    assert_same_plan(plan, embedded_run(archive, site=SITE, night=NIGHT).plan)
    expected = read([archive])
    with Store.open(broker.store, read_only=True) as store:
        for name, curve in expected.items():
            kept = store.light_curve(name)
            assert kept is not None and list(kept.flux) == curve.flux.tolist()
    tagged = {stock["stock"] for stock in broker.documents("stock") if "FOLLOWUP_PLANNED" in stock["tag"]}
    assert tagged == {target.stock for target in plan.targets}


def test_plan_of_real_alerts_equals_the_embedded_one(
    new_broker: Callable[[], Any], shared_data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "alerts"
    folder.mkdir()
    names = ["rubin_sample_schema10_0.parquet", "boom_confluent_wire_7912941781254298.avro", "ampel_11290844.avro",
             "ampel_schema_701.avro", "lsst_fakeAlert_v11_0.avro"]  # fmt: skip
    if not (shared_data / "lsst_alerts").is_dir():
        pytest.skip("no LSST alerts in the test data")
    for name in names:
        (folder / name).write_bytes((shared_data / "lsst_alerts" / name).read_bytes())
    broker = new_broker()
    broker.run(broker.lsst_job([folder], site=SITE, night=NIGHT, triage=False))
    assert broker.documents("trouble") == []
    plan = planned(broker)
    assert len(everything(plan)) == 35
    assert_same_plan(plan, embedded_run(folder, site=SITE, night=NIGHT, triaged=False).plan)
