"""Active anomaly discovery beside ours: asked the same, on the same objects."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ampel_followup.evaluation import active_discovery, anomaly
from ampel_followup.evaluation.active_discovery import active_order
from ampel_followup.evaluation.anomaly_data import ClassTable

FEATURES = ("rise", "fall", "colour")


def table() -> ClassTable:
    rng = np.random.default_rng(3)
    y = np.repeat(["Ia", "II", "new"], [150, 100, 60])
    centre = {"Ia": (0.0, 0.0, 0.0), "II": (3.0, 0.0, 1.0), "new": (4.0, 4.0, -3.0)}
    x = np.array([centre[name] for name in y]) + rng.normal(size=(len(y), 3))
    x[rng.random(x.shape) < 0.03] = np.nan
    return ClassTable("made up", x, FEATURES, y, rng.random(len(y)) < 0.5)


def test_it_is_asked_as_often_as_we_are_and_finds_what_is_far_away() -> None:
    pytest.importorskip("coniferest", reason="active anomaly discovery is the extra 'anomaly'")
    data = table()
    training, pool = data.training & (data.y != "new"), ~data.training
    wanted = data.y[pool] == "new"
    asked, order = active_order(data.x[training], data.x[pool], wanted, 1, verdicts=20, batch=5)
    assert len(asked) == len(set(asked.tolist())) == 20
    assert sorted(order.tolist()) == list(range(len(wanted)))
    assert wanted[order[:20]].mean() > 2 * wanted.mean()


def test_finished_runs_get_the_comparison_later_and_keep_what_they_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, file = table(), tmp_path / "runs.jsonl"
    monkeypatch.setattr(anomaly, "has_active_discovery", lambda: False)
    before = anomaly.evaluate_anomaly([data], [1], runs_file=file)
    assert "aad_with_judged" not in before["classes"][0]
    monkeypatch.setattr(anomaly, "has_active_discovery", lambda: True)
    monkeypatch.setattr(anomaly, "one_run", lambda *_: pytest.fail("repeated"))
    everything = np.arange(int(0.8 * np.count_nonzero(~data.training)))
    monkeypatch.setattr(anomaly, "active_order", lambda *_, **__: (everything[:30], everything))
    after = anomaly.evaluate_anomaly([data], [1], runs_file=file)
    for old, new in zip(before["classes"], after["classes"], strict=True):
        assert 0.0 <= new.pop("aad_with_judged")["mean"] <= 1.0
        assert new.pop("aad_not_judged")["sd"] is None
        assert new == old
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 6 and all("aad_not_judged" in line for line in lines[3:])


def test_without_coniferest_the_comparison_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active_discovery.importlib.util, "find_spec", lambda _: None)
    assert not active_discovery.has_active_discovery()
