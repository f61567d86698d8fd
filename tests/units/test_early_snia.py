"""The unit of early type Ia supernovae gives the numbers of the library."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")

from ampel.log.AmpelLogger import AmpelLogger
from ampel.view.LightCurve import LightCurve
from ampel.ztf.alert.ZiAlertSupplier import ZiAlertSupplier
from ampel.ztf.ingest.ZiDataPointShaper import ZiDataPointShaperBase

from ampel.followup.t2.T2EarlySNIa import T2EarlySNIa
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.alerts.ztf import light_curve_from_candidates
from ampel_followup.features import FEATURE_SETS
from ampel_followup.further_scores import load_further
from ampel_followup.learning.early_training import to_onnx, train_early
from ampel_followup.models.bundle import load_bundle
from ampel_followup.models.early_bundle import load_early, save_early
from ampel_followup.night_run import run_night
from ampel_followup.observing import get_site, night_at
from ampel_followup.simulate import simulate_objects, write_alerts
from ampel_followup.simulate.packets import packets
from ampel_followup.store import Store


@pytest.fixture(scope="module")
def simulated() -> list[Any]:
    return list(simulate_objects(40, dt.date(2026, 11, 9), np.random.default_rng(7)))


@pytest.fixture(scope="module")
def bundle(simulated: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("early")
    write_alerts(simulated, folder / "night.tar.gz")
    curves = list(light_curves([folder / "night.tar.gz"], quarantine=Quarantine(None)))
    features = FEATURE_SETS["early_ia"]
    labels = ["SN Ia" if i % 2 else "SN II" for i in range(len(curves))]
    trained = train_early(features.compute(curves), labels, np.random.default_rng(1))
    calibration = trained.classifier.calibration
    info = {
        "name": "early", "version": "1", "created": "2026-11-10", "description": "", "features": list(features.names),
        "feature_sets": {features.name: features.version}, "threshold": trained.threshold,
        "calibration": {"offset": calibration.offset, "slope": calibration.slope}, "training": {}, "metrics": {},
    }  # fmt: skip
    save_early(folder / "bundle", info, to_onnx(trained.classifier))
    return folder / "bundle"


def test_unit_gives_the_probability_of_the_library(simulated: list[Any], bundle: Path) -> None:
    unit = T2EarlySNIa(bundle=str(bundle), logger=AmpelLogger.get_logger())
    unit.post_init()
    loaded, scored = load_early(bundle), 0
    for packet in [packets(one)[-1] for one in simulated]:
        alert = ZiAlertSupplier.shape_alert_dict(packet)
        candidates = [dict(point) for point in (packet["candidate"], *(packet["prv_candidates"] or ()))]
        curve = light_curve_from_candidates(packet["objectId"], alert.stock, candidates)
        expected = float(loaded.score([curve])[0])
        points = ZiDataPointShaperBase().process(alert.datapoints, alert.stock)
        body = unit.process(
            LightCurve(0, alert.stock, *([p for p in points if (p["id"] > 0) == sign] for sign in (True, False)))
        )
        assert body["bundle_digest"] == loaded.digest and body["threshold"] == loaded.threshold
        if np.isnan(expected):
            assert body["p_snia"] is None and body["called_snia"] is False
        else:
            assert body["p_snia"] == expected and body["called_snia"] == (expected >= loaded.threshold)
            scored += 1
    assert scored > 20


def test_a_night_in_ampel_is_ranked_by_what_would_teach_the_classifier_most(
    simulated: list[Any], bundle: Path, new_broker: Callable[[], Any], tmp_path: Path
) -> None:
    site, night, strategy = "palomar", "2026-11-09", "learning-boundary"
    archive = tmp_path / "night.tar.gz"
    write_alerts(simulated, archive)
    broker = new_broker()
    broker.run(broker.job(archive, site=site, night=night, triage=False, early=str(bundle), strategy=strategy))
    with Store.open(broker.store, read_only=True) as store:
        stored = store.load_plan(night=night, site=site)
    expected = run_night(
        [archive],
        night=night_at(get_site(site), night),
        bundle=load_bundle(),
        strategy=strategy,
        quarantine=Quarantine(None),
        created="2026-11-09T22:00:00Z",
        further=load_further({"early": str(bundle)}, without=["microlensing"]),
    )
    assert stored.report["early"] == expected.report["early"] == load_early(bundle).describe()
    assert [t.id for t in stored.plan.targets] == [t.id for t in expected.plan.targets]
    ours, theirs = (np.array([t.scores.p_snia for t in plan.targets]) for plan in (stored.plan, expected.plan))
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert np.isfinite(ours).sum() > 5


def test_datapoints_without_a_detection_give_an_error_and_no_score(bundle: Path) -> None:
    unit = T2EarlySNIa(bundle=str(bundle), logger=AmpelLogger.get_logger())
    unit.post_init()
    result = unit.process(LightCurve(0, 1, [], []))
    assert result.code == T2EarlySNIa.BAD_LIGHT_CURVE and result.body["error"]
