"""Early features against a slow reference in plain Python, and on examples that can be checked by hand."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.features import FEATURE_SETS
from ampel_followup.lightcurve import LightCurve

EARLY = FEATURE_SETS["early"]
NAN = math.nan

pytestmark = pytest.mark.filterwarnings("error")

# Band letter by band name, for the reference.
LETTER = {"ztfg": "g", "ztfr": "r", "ztfi": "i", "atlasc": "g", "atlaso": "r"}


def light_curve(points: list[tuple[float, str, float, float]], **columns: Any) -> LightCurve:
    """Return a light curve of (day, band, flux, flux_err); a flux of 0 is an upper limit."""
    day, band, flux, flux_err = zip(*points, strict=True)
    return LightCurve(
        id="ZTF18aaaaaaa",
        stock=1,
        time=58000.0 + np.array(day),
        band=np.array(band),
        flux=np.array(flux, dtype=np.float64),
        flux_err=np.array(flux_err, dtype=np.float64),
        upper_limit=np.array(flux) == 0,
        ra=10.0,
        dec=20.0,
        **columns,
    )


def early(lc: LightCurve) -> dict[str, float]:
    return dict(zip(EARLY.names, EARLY.compute([lc])[0].tolist(), strict=True))


def test_rising_supernova_with_a_limit_the_night_before() -> None:
    rising = [(0.0, "ztfr", 0.0, 1.0), (1.0, "ztfr", 10.0, 1.0), (1.02, "ztfg", 20.0, 1.0), (3.0, "ztfr", 40.0, 1.0)]
    found = early(light_curve([*rising, (3.5, "ztfg", 40.0, 1.0)]))
    assert found["n_detections"] == 4 and found["n_g"] == 2 and found["n_r"] == 2 and found["n_nights"] == 2
    assert found["days_since_limit"] == pytest.approx(1.0)
    assert found["limit_depth"] == pytest.approx(2.5 * math.log10(10.0 / 5.0))
    assert found["first_mag"] == pytest.approx(21.4)
    assert found["rise_rate_r"] == pytest.approx(2.5 * math.log10(4.0) / 2.0)
    assert found["mag_slope_r"] == pytest.approx(-found["rise_rate_r"])
    assert found["colour_first"] == pytest.approx(-2.5 * math.log10(2.0))
    assert found["colour_last"] == pytest.approx(0.0, abs=1e-12)
    assert found["mag_slope"] < 0 < found["flux_slope"]
    assert math.isnan(found["decline_rate_r"]) and math.isnan(found["decline_rate_g"])


def test_source_below_the_reference_has_no_magnitudes_but_counts() -> None:
    found = early(light_curve([(0.0, "ztfr", -10.0, 1.0), (1.0, "ztfg", -20.0, 1.0)]))
    assert found["negative_fraction"] == 1 and found["n_detections"] == 2 and found["snr_max"] == 20
    for name in ("first_mag", "peak_mag", "mag_slope", "rise_rate_r", "colour_last", "time_since_peak"):
        assert math.isnan(found[name]), name


def test_change_within_a_night_is_no_rate_per_day() -> None:
    found = early(light_curve([(0.0, "ztfr", 100.0, 5.0), (0.04, "ztfr", 50.0, 5.0)]))
    assert math.isnan(found["mag_slope"]) and math.isnan(found["decline_rate_r"])
    assert found["intranight_slope"] == pytest.approx(2.5 * math.log10(2.0) / 0.04)
    assert found["intranight_significance"] > 5


def test_position_of_a_point_source_scatters_as_its_noise_says() -> None:
    rng = np.random.default_rng(4)
    chi2 = []
    for _ in range(400):
        signal = rng.uniform(5.0, 50.0, 6)
        sigma = np.hypot(0.1, 2.0 / 2.355 / signal)
        curve = light_curve(
            [(float(day), "ztfr", 10.0 * s, 10.0) for day, s in enumerate(signal)],
            point_ra=(rng.normal(0.0, sigma / 3600 / math.cos(math.radians(60.0)))) % 360.0,
            point_dec=60.0 + rng.normal(0.0, sigma / 3600),
        )
        chi2.append(early(curve)["position_chi2"])
    assert np.mean(chi2) == pytest.approx(1.0, abs=0.05)


def test_moving_object_stands_out() -> None:
    points = [(0.02 * i, "ztfr", 100.0, 5.0) for i in range(4)]
    moving = light_curve(points, point_ra=10.0 + np.arange(4) / 3600.0, point_dec=np.full(4, 20.0))
    assert early(moving)["position_chi2"] > 20


def reference(lc: LightCurve) -> dict[str, float]:
    """All early features of one object, by their definitions."""
    rows = [
        {
            "t": t,
            "letter": LETTER.get(b, ""),
            "f": f,
            "e": e,
            "mag": 23.9 - 2.5 * math.log10(f) if f > 0 else NAN,
            "mag_err": 2.5 / math.log(10) * e / f if f > 0 else NAN,
            "limit": 23.9 - 2.5 * math.log10(5 * e),
            "detected": not u,
            "ra": ra,
            "dec": dec,
            "rb": rb,
            "drb": drb,
        }
        for t, b, f, e, u, ra, dec, rb, drb in zip(
            (lc.time - lc.time[0]).tolist(),
            lc.band.tolist(),
            lc.flux.tolist(),
            lc.flux_err.tolist(),
            lc.upper_limit.tolist(),
            lc.point_ra.tolist(),
            lc.point_dec.tolist(),
            lc.rb.tolist(),
            lc.drb.tolist(),
            strict=True,
        )
    ]
    points = [row for row in rows if row["detected"]]
    positive = [row for row in points if row["f"] > 0]
    found = dict.fromkeys(EARLY.names, NAN)
    found |= {"n_detections": len(points), "n_nights": 0, "n_limits_before": 0, "n_limits_after": 0}
    found |= {f"n_{letter}": sum(row["letter"] == letter for row in points) for letter in "gri"}
    if points:
        times = [row["t"] for row in points]
        gaps = [b - a for a, b in pairwise(times)]
        before = [row for row in rows if not row["detected"] and row["t"] < times[0]]
        after = [row for row in rows if not row["detected"] and row["t"] > times[0]]
        signal = [abs(row["f"]) / row["e"] for row in points]
        found |= {
            "n_nights": 1 + sum(gap > 0.5 for gap in gaps),
            "duration": times[-1] - times[0],
            "time_since_first": rows[-1]["t"] - times[0],
            "time_since_last": rows[-1]["t"] - times[-1],
            "median_gap": statistics.median(gaps) if gaps else NAN,
            "max_gap": max(gaps) if gaps else NAN,
            "n_limits_before": len(before),
            "n_limits_after": len(after),
            "detected_fraction": len(points) / (len(points) + len(after)),
            "days_since_limit": times[0] - before[-1]["t"] if before else NAN,
            "negative_fraction": 1 - len(positive) / len(points),
            "snr_first": signal[0],
            "snr_last": signal[-1],
            "snr_mean": sum(signal) / len(signal),
            "snr_max": max(signal),
        }
        if before and positive:
            found["limit_depth"] = before[-1]["limit"] - positive[0]["mag"]
            if found["days_since_limit"] >= 0.5:
                found["limit_rise_rate"] = found["limit_depth"] / found["days_since_limit"]
        slope, _ = slope_reference(points, "f", "e", lambda row: row["letter"], 0.5)
        found["flux_slope"] = slope / max(abs(row["f"]) for row in points)
        for score in ("rb", "drb"):
            known = [row[score] for row in points if row[score] == row[score]]
            if known:
                found |= {f"{score}_last": known[-1], f"{score}_max": max(known)}
                found[f"{score}_mean"] = sum(known) / len(known)
        found |= position_reference(points)
    if positive:
        found |= magnitudes_reference(points, positive)
    return found


def magnitudes_reference(points: list[dict[str, Any]], positive: list[dict[str, Any]]) -> dict[str, float]:
    mags = [row["mag"] for row in positive]
    peak = max(positive, key=lambda row: row["f"])
    night = 0
    for i, row in enumerate(positive):
        night += i > 0 and row["t"] - positive[i - 1]["t"] > 0.5
        row["night"] = night
    slope, error = slope_reference(positive, "mag", "mag_err", lambda row: row["letter"], 0.5)
    within, within_err = slope_reference(
        positive, "mag", "mag_err", lambda row: (row["letter"], row["night"]), 5.0 / 1440.0
    )
    found = {
        "time_since_peak": points[-1]["t"] - peak["t"],
        "first_mag": mags[0],
        "last_mag": mags[-1],
        "peak_mag": min(mags),
        "amplitude_mag": max(mags) - min(mags),
        "mag_slope": slope,
        "mag_slope_significance": slope / error,
        "intranight_slope": within,
        "intranight_significance": abs(within) / within_err,
    }
    for letter in "gr":
        band = [row for row in positive if row["letter"] == letter]
        if not band:
            continue
        peak = max(band, key=lambda row: row["f"])
        rise, decline = peak["t"] - band[0]["t"], band[-1]["t"] - peak["t"]
        found[f"rise_rate_{letter}"] = (band[0]["mag"] - peak["mag"]) / rise if rise >= 0.5 else NAN
        found[f"decline_rate_{letter}"] = (band[-1]["mag"] - peak["mag"]) / decline if decline >= 0.5 else NAN
        found[f"mag_slope_{letter}"], _ = slope_reference(band, "mag", "mag_err", lambda row: 0, 0.5)
    pairs = []
    for i, g in enumerate(positive):
        others = [(abs(r["t"] - g["t"]), k > i, r) for k, r in enumerate(positive) if r["letter"] == "r"]
        if g["letter"] == "g" and others:
            # of two equally near ones the earlier; of several at that moment the one next to it
            wait, later, _ = min(others, key=lambda other: other[:2])
            same = [r for w, later_too, r in others if (w, later_too) == (wait, later)]
            r = same[0] if later else same[-1]
            if wait <= 1.0:
                pairs.append((g["mag"] - r["mag"], 0.5 * (g["t"] + r["t"]), math.hypot(g["mag_err"], r["mag_err"])))
    if pairs:
        found |= {"colour_first": pairs[0][0], "colour_last": pairs[-1][0], "colour_last_err": pairs[-1][2]}
        span = pairs[-1][1] - pairs[0][1]
        found["colour_slope"] = (pairs[-1][0] - pairs[0][0]) / span if span >= 0.5 else NAN
    return found


def slope_reference(
    rows: list[dict[str, Any]], value: str, error: str, group: Any, least: float
) -> tuple[float, float]:
    """Slope and error of a weighted fit with one column for time and one for each group's offset."""
    names = sorted({group(row) for row in rows})
    spans = []
    for name in names:
        times = [row["t"] for row in rows if group(row) == name]
        spans.append(max(times) - min(times))
    if max(spans) < least:
        return NAN, NAN
    design = np.array([[row["t"]] + [float(group(row) == name) for name in names] for row in rows])
    sigma = np.array([row[error] for row in rows])
    solution = np.linalg.lstsq(design / sigma[:, None], np.array([row[value] for row in rows]) / sigma, rcond=None)[0]
    # Error of the slope with the offsets projected out.
    weighted = design / sigma[:, None]
    rest = weighted[:, 0] - weighted[:, 1:] @ np.linalg.lstsq(weighted[:, 1:], weighted[:, 0], rcond=None)[0]
    return float(solution[0]), float(1 / np.linalg.norm(rest))


def position_reference(points: list[dict[str, Any]]) -> dict[str, float]:
    known = [row for row in points if row["ra"] == row["ra"]]
    if len(known) < 2:
        return {}
    weights = [1 / (0.1**2 + (2.0 / 2.355 * row["e"] / abs(row["f"])) ** 2) for row in known]
    east = [(row["ra"] - known[0]["ra"]) * 3600 * math.cos(math.radians(known[0]["dec"])) for row in known]
    north = [row["dec"] * 3600 for row in known]
    square = 0.0
    for offsets in (east, north):
        mean = sum(w * o for w, o in zip(weights, offsets, strict=True)) / sum(weights)
        square += sum(w * (o - mean) ** 2 for w, o in zip(weights, offsets, strict=True))
    return {"position_scatter": math.sqrt(square / sum(weights)), "position_chi2": square / (2 * (len(known) - 1))}


# Times on a grid of 1/64 d: differences are exact, so that no comparison with a threshold is a matter of rounding.
POINTS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 20 * 64), st.integers(0, 40)).map(lambda k: k / 64),
        st.sampled_from([*LETTER, "unknown"]),
        st.one_of(st.just(0.0), st.floats(-100.0, 500.0).map(lambda f: f + math.copysign(5.0, f))),
        st.floats(1.0, 20.0),
    ),
    min_size=1,
    max_size=15,
)


@given(POINTS, st.integers(0, 2**32))
def test_early_features_follow_their_definitions(points: list[tuple[float, str, float, float]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = len(points)
    lc = light_curve(
        points,
        point_ra=np.where(rng.random(n) < 0.8, 10.0 + rng.normal(0.0, 1e-4, n), np.nan),
        point_dec=20.0 + rng.normal(0.0, 1e-4, n),
        rb=rng.random(n),
        drb=np.where(rng.random(n) < 0.5, rng.random(n), np.nan),
    )
    found, expected = early(lc), reference(lc)
    for name in EARLY.names:
        assert found[name] == pytest.approx(expected[name], rel=1e-6, abs=1e-6, nan_ok=True), name
