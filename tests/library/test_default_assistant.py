"""The assistant that comes with the package, trained on a simulation: what it makes of simulated and of real alerts."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.alerts.ztf import light_curve_from_candidates
from ampel_followup.assistant import assess
from ampel_followup.assistant_scores import SCORES
from ampel_followup.models.assistant_bundle import load_assistant
from ampel_followup.simulate import DEFAULT_MIX, simulate_objects


@pytest.fixture(scope="module")
def assistant():
    return load_assistant()


def test_packaged_assistant_has_all_scores_of_both_days_and_is_small(assistant):
    assert assistant.days == ("1", "N")
    assert all(assistant.scores(day) == SCORES for day in assistant.days)
    assert sum(map(len, assistant.files.values())) < 2e6


def test_metrics_were_measured_on_objects_kept_apart(assistant):
    for day in assistant.days:
        assert assistant.info["metrics"][day]["test_objects"] > 1000
        assert assistant.info["training"][day]["data"] == "simulation"


def test_simulated_transients_rank_above_what_people_do_not_look_for(assistant):
    mix = {**DEFAULT_MIX, "rapid transient": 0.06}
    objects = list(simulate_objects(500, datetime.date(2025, 1, 20), np.random.default_rng(77), mix=mix))
    curves = [light_curve_from_candidates(s.id, 1, s.candidates) for s in objects]
    rank = np.array([said.rank for said in assess(curves, assistant, explain=False)])
    label = np.array([s.label for s in objects])

    supernova = np.char.startswith(label, "SN ")
    assert np.mean(rank[supernova] > 7.0) > 0.85
    assert np.mean(rank[supernova] < 1.5) == 0.0
    assert np.mean(rank[label == "bogus"] > 7.0) < 0.15
    assert np.mean(rank[label == "variable star"] > 7.0) < 0.15


def test_fast_explosions_score_faster_than_slow_ones_once_they_are_seen_twice(assistant):
    mix = {"rapid transient": 1.0, "TDE": 1.0, "SN II": 1.0}
    objects = list(simulate_objects(400, datetime.date(2025, 1, 20), np.random.default_rng(78), mix=mix))
    curves = [light_curve_from_candidates(s.id, 1, s.candidates) for s in objects]
    said = assess(curves, assistant, explain=False)
    seen = [(s.label, a.p_fast) for s, a in zip(objects, said, strict=True) if len(a.history) > 2]

    fast = np.median([p for label, p in seen if label == "rapid transient"])
    assert fast > 2.0 * np.median([p for label, p in seen if label != "rapid transient"])


def test_real_supernovae_are_not_thrown_away(assistant, shared_data):
    pq = pytest.importorskip("pyarrow.parquet")
    file = shared_data / "ztf_alerts" / "fink_ztf_alerts_nocutouts.parquet"
    rows = pq.read_table(file, columns=["objectId", "tnsclass"]).to_pylist()
    named = {row["objectId"] for row in rows if (row["tnsclass"] or "").startswith("(TNS)")}
    curves = [curve for curve in light_curves([file], quarantine=Quarantine()) if curve.id in named]
    history = [[visit.rank for visit in said.history] for said in assess(curves, assistant, explain=False)]

    assert len(history) == 15
    assert min(ranks[0] for ranks in history) > 1.5
    assert min(max(ranks[:2]) for ranks in history) > 2.0
    assert min(ranks[-1] for ranks in history) > 7.0
