"""The unit with attention gives the scores of the library and of `rank`, without TensorFlow."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")

from ampel.log.AmpelLogger import AmpelLogger
from ampel.struct.UnitResult import UnitResult
from ampel.view.LightCurve import LightCurve
from ampel.ztf.alert.ZiAlertSupplier import ZiAlertSupplier
from ampel.ztf.ingest.ZiDataPointShaper import ZiDataPointShaperBase

from ampel.followup.t2.T2AttentionClassifier import T2AttentionClassifier
from ampel_followup.alerts.ztf import light_curve_from_candidates
from ampel_followup.attention_scores import AttentionScores
from ampel_followup.models.attention_bundle import AttentionModel, load_attention_bundle
from ampel_followup.models.attention_options import NetworkOptions
from ampel_followup.simulate import simulate_objects
from ampel_followup.simulate.packets import packets

sys.path.insert(0, str(Path(__file__).parents[1] / "library"))

# Points of a g and an r detection.
POINTS = [
    {"id": 1, "body": {"jd": 2461364.7, "fid": 1, "magpsf": 19.2, "sigmapsf": 0.1, "isdiffpos": "t", "rb": 0.9,
                       "ra": 10.0, "dec": 20.0, "diffmaglim": 20.5}},
    {"id": 2, "body": {"jd": 2461364.8, "fid": 2, "magpsf": 19.0, "sigmapsf": 0.1, "isdiffpos": "t", "rb": 0.9,
                       "ra": 10.0, "dec": 20.0, "diffmaglim": 20.5}},
]  # fmt: skip


@pytest.fixture(scope="module")
def unit() -> T2AttentionClassifier:
    made = T2AttentionClassifier(logger=AmpelLogger.get_logger())
    made.post_init()
    return made


@pytest.fixture
def pooled_bundle(tmp_path: Path) -> Path:
    """Return a network with features and trees besides; what it says means nothing."""
    pytest.importorskip("onnx", reason="networks are written with onnx")
    from random_networks import saved

    options = NetworkOptions("pooled-attention", units=8, attention_units=6, rows=2, heads=2, blocks=1)
    saved(tmp_path / "pooled", options, np.random.default_rng(3))
    return tmp_path / "pooled"


def test_unit_gives_the_scores_of_rank_for_documents_of_any_length(unit: T2AttentionClassifier) -> None:
    check_against_rank(unit, load_attention_bundle())


def test_unit_gives_the_scores_of_rank_with_trees_beside_the_network(pooled_bundle: Path) -> None:
    unit = T2AttentionClassifier(logger=AmpelLogger.get_logger(), bundle=str(pooled_bundle))
    unit.post_init()
    check_against_rank(unit, load_attention_bundle(pooled_bundle))


def check_against_rank(unit: T2AttentionClassifier, loaded: AttentionModel) -> None:
    curves, views = [], []
    for one in simulate_objects(25, dt.date(2026, 11, 9), np.random.default_rng(7)):
        packet = packets(one)[-1]
        alert = ZiAlertSupplier.shape_alert_dict(packet)
        candidates = [dict(point) for point in (packet["candidate"], *(packet["prv_candidates"] or ()))]
        curves.append(light_curve_from_candidates(packet["objectId"], alert.stock, candidates))
        points = ZiDataPointShaperBase().process(alert.datapoints, alert.stock)
        parts = ([p for p in points if (p["id"] > 0) == sign] for sign in (True, False))
        views.append(LightCurve(0, alert.stock, *parts))
    # All at once, as `rank` does, and one document after the other.
    for expected, view in zip(loaded.score(curves), views, strict=True):
        body = unit.process(view)
        assert isinstance(body, dict)
        assert AttentionScores.from_dict(body) == expected
        assert body["class_now"] == expected.class_now and body["bundle_digest"] == loaded.digest
        assert sum(body["attention"]) == pytest.approx(1.0, abs=1e-3)
        assert len(body["times"]) == len(body["attention"]) > 0


def test_one_epoch_is_enough_for_probabilities(unit: T2AttentionClassifier) -> None:
    body = unit.process(LightCurve(0, 1, POINTS, []))
    assert isinstance(body, dict) and sum(body["probabilities"]) == pytest.approx(1.0, abs=1e-3)


def test_a_state_that_the_network_cannot_see_has_a_body_and_a_positive_code(
    unit: T2AttentionClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = load_attention_bundle().class_names

    class Blind:
        label, digest = "blind 1", "0" * 64

        def score(self, light_curves: list[Any]) -> list[AttentionScores]:
            return [AttentionScores(names) for _ in light_curves]

    monkeypatch.setattr(unit, "_bundle", Blind())
    result = unit.process(LightCurve(0, 1, POINTS, []))
    assert isinstance(result, UnitResult) and result.code == T2AttentionClassifier.TOO_FEW_POINTS
    assert result.body["probabilities"] == [] and result.body["class_now"] == ""


def test_datapoints_without_a_detection_give_an_error_and_no_score(unit: T2AttentionClassifier) -> None:
    result = unit.process(LightCurve(0, 1, [], []))
    assert result.code == T2AttentionClassifier.BAD_LIGHT_CURVE and result.body["error"]


def test_neither_building_the_configuration_nor_scoring_loads_tensorflow() -> None:
    code = (
        "import sys\n"
        "from ampel.log.AmpelLogger import AmpelLogger\n"
        "from ampel.view.LightCurve import LightCurve\n"
        "from ampel.followup.t2.T2AttentionClassifier import T2AttentionClassifier\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "unit = T2AttentionClassifier(logger=AmpelLogger.get_logger())\n"
        "unit.post_init()\n"
        f"unit.process(LightCurve(0, 1, {POINTS!r}, []))\n"
        "print(*sys.modules, sep='\\n')"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "onnxruntime" in loaded
    assert not {"tensorflow", "keras", "sklearn"} & set(loaded)
