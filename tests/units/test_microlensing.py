"""The unit of microlensing gives the scores of the library."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")

from ampel.log.AmpelLogger import AmpelLogger
from ampel.view.LightCurve import LightCurve
from ampel.ztf.alert.ZiAlertSupplier import ZiAlertSupplier
from ampel.ztf.ingest.ZiDataPointShaper import ZiDataPointShaperBase

from ampel.followup.t2.T2Microlensing import T2Microlensing
from ampel_followup.alerts.ztf import light_curve_from_candidates
from ampel_followup.microlensing_scores import MicrolensingScores
from ampel_followup.models.microlensing_bundle import load_microlensing
from ampel_followup.simulate import simulate_objects
from ampel_followup.simulate.packets import packets


@pytest.fixture(scope="module")
def unit() -> T2Microlensing:
    made = T2Microlensing(logger=AmpelLogger.get_logger())
    made.post_init()
    return made


def test_unit_gives_the_scores_of_the_library(unit: T2Microlensing) -> None:
    loaded, told = load_microlensing(), 0
    for one in simulate_objects(25, dt.date(2026, 11, 9), np.random.default_rng(7)):
        packet = packets(one)[-1]
        alert = ZiAlertSupplier.shape_alert_dict(packet)
        candidates = [dict(point) for point in (packet["candidate"], *(packet["prv_candidates"] or ()))]
        (expected,) = loaded.score([light_curve_from_candidates(packet["objectId"], alert.stock, candidates)])
        points = ZiDataPointShaperBase().process(alert.datapoints, alert.stock)
        parts = ([p for p in points if (p["id"] > 0) == sign] for sign in (True, False))
        body = unit.process(LightCurve(0, alert.stock, *parts))
        assert body["bundle_digest"] == loaded.digest and body["called"] == expected.called
        assert MicrolensingScores.from_dict(body).to_dict() == expected.to_dict()
        told += body["p_microlensing"] is not None
    assert told > 5


def test_datapoints_without_a_detection_give_an_error_and_no_score(unit: T2Microlensing) -> None:
    result = unit.process(LightCurve(0, 1, [], []))
    assert result.code == T2Microlensing.BAD_LIGHT_CURVE and result.body["error"]
