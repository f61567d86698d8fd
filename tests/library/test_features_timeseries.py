"""Time-series features against the textbook formulas, and rise and decline on curves known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ampel_followup.features import FEATURE_SETS
from ampel_followup.lightcurve import LightCurve

TIMESERIES = FEATURE_SETS["timeseries"]
Floats = NDArray[np.float64]

pytestmark = pytest.mark.filterwarnings("error")


def timeseries(time: Floats, flux: Floats, flux_err: Floats, band: str = "ztfr") -> dict[str, float]:
    """Return the features of one band; a flux of 0 is an upper limit."""
    lc = LightCurve(
        id="x",
        stock=0,
        time=58000.0 + time,
        band=np.full(len(time), band),
        flux=flux,
        flux_err=flux_err,
        upper_limit=flux == 0,
        ra=0.0,
        dec=0.0,
    )
    return dict(zip(TIMESERIES.names, TIMESERIES.compute([lc])[0].tolist(), strict=True))


def quantile(values: Floats, q: float) -> float:
    """light-curve's definition: linear between the points (i + 1/2) / n."""
    ordered = np.sort(values)
    position = min(max(len(values) * q - 0.5, 0.0), len(values) - 1.0)
    below = math.floor(position)
    above = min(below + 1, len(values) - 1)
    return float(ordered[below] + (position - below) * (ordered[above] - ordered[below]))


def reference(t: Floats, f: Floats, e: Floats) -> dict[str, float]:
    n, w = len(f), 1 / e**2
    mean, std = f.mean(), f.std(ddof=1)
    weighted = (w * f).sum() / w.sum()
    residual = (f - weighted) / e
    centred = t - (w * t).sum() / w.sum()
    slope = (w * centred * (f - weighted)).sum() / (w * centred**2).sum()
    m2, m3 = ((f - mean) ** 2).mean(), ((f - mean) ** 3).mean()
    return {
        "amplitude": (f.max() - f.min()) / 2,
        "weighted_mean": weighted,
        "std": std,
        "skew": math.sqrt(n * (n - 1)) / (n - 2) * m3 / m2**1.5,
        "mad": float(np.median(np.abs(f - np.median(f)))),
        "eta": (np.diff(f) ** 2).sum() / ((n - 1) * std**2),
        "stetson_k": np.abs(residual).sum() / math.sqrt(n * (residual**2).sum()),
        "beyond_1_std": float((np.abs(f - mean) > std).mean()),
        "percentile_range_50": quantile(f, 0.75) - quantile(f, 0.25),
        "percentile_ratio": (quantile(f, 0.6) - quantile(f, 0.4)) / (quantile(f, 0.95) - quantile(f, 0.05)),
        "excess_variance": (std**2 - (e**2).mean()) / mean**2,
        "chi2": (residual**2).sum() / (n - 1),
        "linear_slope": slope,
        "linear_slope_err": 1 / math.sqrt((w * centred**2).sum()),
        "linear_chi2": (((f - weighted - slope * centred) / e) ** 2).sum() / (n - 2),
        "peak_time": float(t[np.argmax(f)] - t[0]),
        "peak_over_mean": f.max() / abs(mean),
    }


@given(st.integers(5, 40), st.integers(0, 2**32), st.sampled_from([("ztfg", "g"), ("atlaso", "r")]))
def test_statistics_follow_the_textbook(n: int, seed: int, band: tuple[str, str]) -> None:
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0.0, 50.0, n))
    flux, flux_err = rng.normal(50.0, 40.0, n), rng.uniform(3.0, 10.0, n)
    found = timeseries(time, flux, flux_err, band[0])
    for name, expected in reference(time, flux, flux_err).items():
        assert found[f"{name}_{band[1]}"] == pytest.approx(expected, rel=1e-4, abs=1e-6), name
        assert math.isnan(found[f"{name}_{'g' if band[1] == 'r' else 'r'}"])


def crossings(t: Floats, f: Floats) -> tuple[float, float]:
    """Rise and decline time between peak and half of it, point by point."""
    peak = int(np.argmax(f))
    half = f[peak] / 2
    rise = decline = math.nan
    for i in range(peak - 1, -1, -1):
        if f[i] < half:
            rise = t[peak] - (t[i] + (half - f[i]) / (f[i + 1] - f[i]) * (t[i + 1] - t[i]))
            break
    for i in range(peak + 1, len(f)):
        if f[i] < half:
            decline = t[i - 1] + (f[i - 1] - half) / (f[i - 1] - f[i]) * (t[i] - t[i - 1]) - t[peak]
            break
    return rise, decline


@given(st.integers(5, 25), st.integers(0, 2**32))
def test_rise_and_decline_agree_with_a_walk_from_the_peak(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0.0, 50.0, n))
    flux = rng.normal(50.0, 40.0, n)
    flux[rng.integers(n)] = 400.0
    found = timeseries(time, flux, np.full(n, 3.0))
    rise, decline = crossings(time, flux)
    assert found["rise_time_r"] == pytest.approx(rise, nan_ok=True)
    assert found["decline_time_r"] == pytest.approx(decline, nan_ok=True)


def test_triangle_rises_in_half_its_rise() -> None:
    time = np.arange(0.0, 31.0, 2.0)
    flux = np.interp(time, [0.0, 10.0, 30.0], [1.0, 101.0, 1.0])
    found = timeseries(time, flux, np.ones(len(time)))
    assert found["peak_time_r"] == 10.0
    assert found["rise_time_r"] == pytest.approx(5.05)
    assert found["decline_time_r"] == pytest.approx(10.1)


def test_deep_limit_bounds_the_rise_and_a_shallow_one_does_not() -> None:
    time = np.array([0.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    flux = np.array([0.0, 100.0, 99.0, 98.0, 97.0, 96.0])
    deep, shallow = np.full(6, 5.0), np.array([30.0, *[5.0] * 5])
    assert timeseries(time, flux, deep)["rise_time_r"] == pytest.approx(1.0)
    assert math.isnan(timeseries(time, flux, shallow)["rise_time_r"])


def test_constant_flux_has_no_shape() -> None:
    found = timeseries(np.arange(6.0), np.full(6, 10.0), np.ones(6))
    assert found["amplitude_r"] == 0 and found["chi2_r"] == 0
    assert math.isnan(found["skew_r"]) and math.isnan(found["eta_r"]) and math.isnan(found["rise_time_r"])


def test_source_that_only_fades_below_the_reference_has_no_half_peak() -> None:
    found = timeseries(np.arange(6.0), -np.arange(10.0, 16.0), np.ones(6))
    assert found["linear_slope_r"] == pytest.approx(-1.0)
    assert math.isnan(found["rise_time_r"]) and math.isnan(found["decline_time_r"])
