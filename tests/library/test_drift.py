"""Drift: a survey that changes is noticed, chance and seasons are not."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.drift import LARGE_PSI, MARGIN, DriftReport, add_usual_psi, bundle_drift, drift
from ampel_followup.errors import BundleError, FollowupError
from ampel_followup.models.bundle import load_bundle
from ampel_followup.plan import NightPlan
from ampel_followup.store import Store

GOLDEN = Path(__file__).parent / "golden"
M = 20_000


def reference(**columns: np.ndarray) -> dict[str, dict[str, Any]]:
    """What a bundle keeps of its training set, made as the training makes it."""
    kept = {}
    for name, column in columns.items():
        values = column[np.isfinite(column)]
        deciles = np.quantile(values, np.linspace(0, 1, 11)) if len(values) else []
        kept[name] = {
            "measured": round(len(values) / len(column), 4),
            "deciles": [float(f"{d:.5g}") for d in deciles],
        }
    return kept


def magnitudes(n: int, rng: np.random.Generator, shift: float = 0.0) -> np.ndarray:
    """Of transients in a survey with a limit near 20.5: ever more towards it, and a sixth of them negative."""
    mag = np.minimum(20.5 - rng.gamma(1.5, 0.8, n), rng.normal(20.5, 0.1, n)) + shift
    return np.where(rng.random(n) < 1 / 6, np.nan, mag)


def stream(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Magnitude, a count, a flag that is never set, a share of few values, and something never measured."""
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [
            magnitudes(n, rng, shift),
            rng.poisson(1.5, n),
            np.zeros(n),
            rng.integers(0, 4, n) / 3,
            np.full(n, np.nan),
        ]
    )


NAMES = ("peak_mag", "n_detections", "flag", "beyond_1_std", "intranight_slope")
TRAINING = reference(**dict(zip(NAMES, stream(M, 1).T, strict=True)))


@pytest.mark.parametrize("n", [10, 30, 300, 1000])
def test_unchanged_objects_raise_no_alarm(n: int) -> None:
    alarms = [seed for seed in range(100) if drift(NAMES, stream(n, 100 + seed), TRAINING, n_reference=M).moved]
    assert alarms == []


@pytest.mark.parametrize("shift", [-0.3, 0.3])
def test_a_night_of_1000_objects_sees_a_shift_of_three_tenths_of_a_magnitude(shift: float) -> None:
    for seed in range(20):
        report = drift(NAMES, stream(1000, 500 + seed, shift), TRAINING | _usual("peak_mag", 0.05), n_reference=M)
        assert report.moved == ("peak_mag",)
    feature = report.features[0]
    assert feature.median_now - feature.median_then == pytest.approx(shift, abs=0.1)
    then, now = f"{feature.median_then:.3g}", f"{feature.median_now:.3g}"
    assert feature.text == f"peak_mag: median {now} now, {then} in training (PSI {feature.psi:.2f}, usual up to 0.05)"
    assert report.sentence.startswith("1 of 5 features are not as in training: peak_mag: median")


def _usual(name: str, psi: float) -> dict[str, dict[str, Any]]:
    return {name: {**TRAINING[name], "usual_psi": psi}}


def test_the_index_of_continuous_values_is_the_textbook_one() -> None:
    rng = np.random.default_rng(2)
    training, night = rng.normal(size=M), rng.normal(0.5, 1.2, 700)
    kept = reference(x=training)
    [feature] = drift(["x"], night[:, None], kept, n_reference=M).features
    index, distance = 0.0, 0.0
    for i in range(10):
        low = -np.inf if i == 0 else kept["x"]["deciles"][i]
        high = np.inf if i == 9 else kept["x"]["deciles"][i + 1]
        share = (sum(low < value <= high for value in night) + 0.5) / (700 + 5.5)
        index += (share - 0.1) * math.log(share / 0.1)
    for i in range(11):
        distance = max(distance, abs(np.mean(night <= kept["x"]["deciles"][i]) - i / 10))
    # Less the mean of unchanged data; the empty bin of what is not measured adds next to nothing.
    assert feature.psi == pytest.approx(index - 10 * (1 / 700 + 1 / M), abs=0.01)
    assert feature.ks == pytest.approx(distance, abs=1e-4)
    assert feature.p_value < 1e-10


def test_values_that_tie_with_deciles_are_seen_when_they_leave_them() -> None:
    night = stream(300, 3)
    night[:, 1] = np.random.default_rng(4).poisson(4.0, 300)
    night[:150, 2] = 1.0
    night[:, 3] = 1.0
    report = drift(NAMES, night, TRAINING, n_reference=M)
    assert set(report.moved) == {"n_detections", "flag", "beyond_1_std"}


def test_a_feature_that_is_measured_less_often_is_said_so() -> None:
    night = stream(300, 5)
    night[:200, 0] = np.nan
    night[:, 1] = np.inf
    night[:60, 4] = 7.0
    report = drift(NAMES, night, TRAINING, n_reference=M)
    texts = {f.name: f.text for f in report.features if f.moved}
    assert set(texts) == {"peak_mag", "n_detections", "intranight_slope"}
    assert texts["peak_mag"].startswith("peak_mag: measured for 2")
    assert "in training (PSI" in texts["peak_mag"]
    assert texts["n_detections"].startswith("n_detections: measured for 0 % now, 100 % in training")
    assert texts["intranight_slope"].startswith("intranight_slope: measured for 20 % now, 0 % in training")


def test_what_nights_do_anyway_is_no_alarm_and_more_is() -> None:
    rng = np.random.default_rng(6)
    nights = [stream(500, 600 + k, shift) for k, shift in enumerate(rng.uniform(-0.3, 0.3, 20))]
    told = add_usual_psi(NAMES, nights, TRAINING, n_reference=M)
    usual = told["peak_mag"]["usual_psi"]
    assert usual == max(drift(NAMES, night, TRAINING, n_reference=M).features[0].psi for night in nights)
    assert "usual_psi" not in TRAINING["peak_mag"]
    assert drift(NAMES, stream(1000, 7, 0.25), told, n_reference=M).moved == ()
    changed = drift(NAMES, stream(1000, 7, 0.9), told, n_reference=M)
    assert changed.moved == ("peak_mag",)
    assert changed.features[0].psi > MARGIN * usual


def test_where_it_is_not_known_how_much_nights_differ_the_report_says_so() -> None:
    report = drift(NAMES, stream(1000, 8, 0.8), TRAINING, n_reference=M)
    assert report.moved == ("peak_mag",)
    assert report.features[0].psi > LARGE_PSI
    assert report.sentence.endswith("; how much nights differ is not known to the bundle")
    quiet = drift(NAMES, stream(1000, 8), TRAINING, n_reference=M)
    assert quiet.sentence == "the 5 features are distributed as in training"


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=10, max_size=60), st.randoms())
def test_any_values_in_any_order_make_a_report_that_survives_json(values: list[float], random: Any) -> None:
    kept = reference(x=np.arange(100.0), y=np.repeat([0.0, 1.0], 50))
    columns = np.array([values, values[::-1]]).T
    report = drift(["x", "y"], columns, kept)
    assert (
        DriftReport.from_dict(json.loads(json.dumps(report.to_dict(), allow_nan=False))).to_dict() == report.to_dict()
    )
    for feature in report.features:
        assert feature.psi >= 0
        assert 0 <= feature.ks <= 1
        assert 0 <= feature.p_value <= 1
        assert list(feature.levels) == sorted(feature.levels)
    order = random.sample(range(len(values)), len(values))
    assert drift(["x", "y"], columns[order], kept).to_dict() == report.to_dict()


def test_a_handful_of_objects_says_nothing() -> None:
    report = drift(NAMES, stream(9, 9, 5.0), TRAINING)
    assert (report.moved, report.features) == ((), ())
    assert report.sentence == "9 objects are too few to compare with training (10 are needed)"


def test_what_does_not_fit_is_one_line_with_the_remedy() -> None:
    with pytest.raises(FollowupError, match=r"features of shape \(20, 4\) do not fit 5 names"):
        drift(NAMES, np.zeros((20, 4)), TRAINING)
    with pytest.raises(BundleError, match="no distribution of new_feature; train it again"):
        drift([*NAMES, "new_feature"], np.zeros((20, 6)), TRAINING)
    with pytest.raises(BundleError, match="deciles of x are not 11 rising numbers"):
        drift(["x"], np.zeros((20, 1)), {"x": {"measured": 1.0, "deciles": [1.0, 0.0]}})


def test_the_packaged_bundle_can_be_compared_with() -> None:
    bundle = load_bundle()
    report = bundle_drift(np.full((50, len(bundle.features)), np.nan), bundle)
    assert "n_detections" in report.moved
    assert len(report.features) == len(bundle.features)


def test_alerts_are_compared_with_the_bundle_and_drawn(run: Any, tmp_path: Path, shared_data: Path) -> None:
    pytest.importorskip("matplotlib")
    alerts = shared_data / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz"
    code, out, _ = run("drift", alerts, "--plots", tmp_path / "plots", "--json")
    assert code == 0
    told = json.loads(out)
    # Thirty real objects beside a simulation: no deep-learning score in 2018, and Gaia's stars are other ones.
    assert told["drift"]["n_objects"] == 30
    assert "drb_last" not in [f["name"] for f in told["drift"]["features"] if f["measured_now"] > 0]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["drift.png", "drift.svg"]
    code, out, _ = run("drift", alerts)
    assert code == 0
    assert "30 objects beside the training set of bundle" in out


def test_the_nights_of_a_store_are_listed_with_what_moved(run: Any, tmp_path: Path) -> None:
    plan = NightPlan.from_dict(json.loads((GOLDEN / "plan.json").read_text("utf-8")))
    found = drift(NAMES, stream(1000, 10, 0.8), TRAINING, n_reference=M)
    store = tmp_path / "night.sqlite"
    with Store.open(store) as opened:
        opened.save_plan(plan, created="2018-08-20T20:00:00Z", report={"drift": found.to_dict()})
    code, out, _ = run("drift", "--store", store)
    assert code == 0
    assert found.sentence in out
    code, out, _ = run("drift", "--store", store, "--night", plan.night.date, "--json")
    assert DriftReport.from_dict(json.loads(out)["nights"][0]["drift"]).to_dict() == found.to_dict()
    code, out, _ = run("drift", "--store", store, "--night", plan.night.date)
    assert "peak_mag" in out
    code, _, err = run("drift", "--store", store, "--night", "2001-01-01")
    assert (code, err.count("\n")) == (2, 1)
    assert "holds no plan of 2001-01-01" in err
    code, _, err = run("drift", "--store", store, "--plots", tmp_path)
    assert code == 2
    assert "name some ALERTS" in err


def test_a_simulated_survey_whose_zero_point_is_wrong_is_noticed_the_first_night(run: Any, tmp_path: Path) -> None:
    moved = {}
    for shift in ("0", "0.3"):
        archive = tmp_path / f"shifted{shift}.tar.gz"
        options = ("--objects", "1000", "--night", "2026-11-10", "--seed", "1", "--templates", "analytic", "--json")
        code, out, _ = run("simulate", archive, *options, "--magnitude-shift", shift)
        assert code == 0
        assert json.loads(out)["magnitude_shift"] == float(shift)
        moved[shift] = json.loads(run("drift", archive, "--json")[1])["drift"]["moved"]
    assert moved["0"] == []
    assert "first_mag" in str(moved["0.3"])
