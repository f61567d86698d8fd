"""The unit of anomalies gives the scores of the library."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")

from ampel.log.AmpelLogger import AmpelLogger
from ampel.view.LightCurve import LightCurve
from ampel.ztf.alert.ZiAlertSupplier import ZiAlertSupplier
from ampel.ztf.ingest.ZiDataPointShaper import ZiDataPointShaperBase

from ampel.followup.t2.T2AnomalyScore import T2AnomalyScore
from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.models.anomaly_bundle import load_anomaly
from ampel_followup.simulate import simulate_objects
from ampel_followup.simulate.packets import packets


@pytest.fixture(scope="module")
def unit() -> T2AnomalyScore:
    made = T2AnomalyScore(logger=AmpelLogger.get_logger())
    made.post_init()
    return made


def test_unit_gives_the_scores_of_the_library(unit: T2AnomalyScore) -> None:
    loaded = load_anomaly()
    for one in simulate_objects(6, dt.date(2026, 11, 9), np.random.default_rng(7)):
        alert = ZiAlertSupplier.shape_alert_dict(packets(one)[-1])
        points = ZiDataPointShaperBase().process(alert.datapoints, alert.stock)
        (expected,) = loaded.score([light_curve_from_datapoints(alert.stock, points)])
        body = unit.process(
            LightCurve(0, alert.stock, *([p for p in points if (p["id"] > 0) == s] for s in (True, False)))
        )
        assert body["score"] == expected.score and body["sentence"] == expected.sentence
        assert body["bundle_digest"] == loaded.digest


def test_datapoints_without_a_detection_give_an_error_and_no_score(unit: T2AnomalyScore) -> None:
    result = unit.process(LightCurve(0, 1, [], []))
    assert result.code == T2AnomalyScore.BAD_LIGHT_CURVE and result.body["error"]
