from __future__ import annotations

import numpy as np
import pytest
import rainbow_reference
from numpy.typing import NDArray
from scipy.optimize import least_squares

from ampel_followup.bands import BANDS
from ampel_followup.features import FEATURE_SETS, rainbow
from ampel_followup.features.ragged import LETTERS, stack
from ampel_followup.features.rainbow import fit_rainbow, rainbow_flux
from ampel_followup.lightcurve import LightCurve

TRUTH = np.array([np.log(300.0), 5.0, np.log(3.0), np.log(30.0), np.log(11000.0), 0.4])


def explosion(
    n: int, rng: np.random.Generator, *, truth: NDArray[np.float64] = TRUTH, noise: float = 2.0, until: float = 40.0
) -> LightCurve:
    """Return n points of a light curve that is exactly of the model, but for noise [µJy]."""
    time = np.sort(rng.uniform(-10.0, until, n))
    band = rng.choice([f"lsst{letter}" for letter in "griz"], n)
    wavelength = np.array([BANDS[f"lsst{b[-1]}"].effective_wavelength for b in band])
    flux = rainbow_flux(np.tile(truth, (n, 1)), time, wavelength) + rng.normal(0.0, noise, n)
    nothing = np.zeros(n, dtype=bool)
    return LightCurve("x", 0, 58000.0 + time, band, flux, np.full(n, noise), nothing, ra=0.0, dec=0.0)


def reference_cost(lc: LightCurve) -> float:
    """Minimise the same sum of squares one object at a time, with scipy and numerical derivatives."""
    peak = int(np.argmax(lc.flux))
    scale, time = lc.flux[peak], lc.time - lc.time[peak]
    flux, err = lc.flux / scale, np.hypot(lc.flux_err / scale, rainbow.MODEL_ERROR * lc.flux / scale)
    wavelength = np.array([BANDS[f"lsst{b[-1]}"].effective_wavelength for b in lc.band])

    def residuals(θ: NDArray[np.float64]) -> NDArray[np.float64]:
        model = rainbow_flux(np.tile(θ, (len(time), 1)), time, wavelength)
        return np.concatenate([(flux - model) / err, (θ - rainbow._PRIOR_MEAN) / rainbow._PRIOR_SCATTER])

    bounds = rainbow._LOWEST, rainbow._HIGHEST
    starts = [
        rainbow._PRIOR_MEAN,
        rainbow._PRIOR_MEAN + np.array([0, -10, -1, 0, 0, 0]),
        rainbow._PRIOR_MEAN + np.array([0, 3, 0, 0, 0, 0]),
    ]
    best = min((least_squares(residuals, start, bounds=bounds) for start in starts), key=lambda found: found.cost)
    return float(2.0 * best.cost)


def test_the_fit_is_that_of_a_reference_that_takes_one_object_at_a_time() -> None:
    rng = np.random.default_rng(1)
    sizes, ends = rng.integers(4, 40, 40).tolist(), rng.uniform(5.0, 60.0, 40).tolist()
    curves = [explosion(n, rng, until=end) for n, end in zip(sizes, ends, strict=True)]
    curves = [lc for lc in curves if lc.flux.max() > 20.0]
    fit = fit_rainbow(stack(curves))
    close = 0
    for lc, found in zip(curves, fit.parameters, strict=True):
        cost = reference_cost(lc)
        peak = int(np.argmax(lc.flux))
        ours = found - [np.log(lc.flux[peak]), lc.time[peak] - lc.time[0], 0, 0, 0, 0]
        wavelength = np.array([BANDS[f"lsst{b[-1]}"].effective_wavelength for b in lc.band])
        model = rainbow_flux(np.tile(ours, (len(lc), 1)), lc.time - lc.time[peak], wavelength)
        err = np.hypot(lc.flux_err, rainbow.MODEL_ERROR * lc.flux) / lc.flux[peak]
        our_cost = float(
            (((lc.flux / lc.flux[peak] - model) / err) ** 2).sum()
            + (((ours - rainbow._PRIOR_MEAN) / rainbow._PRIOR_SCATTER) ** 2).sum()
        )
        # Fifteen steps are enough but for a few that creep along a valley.
        assert our_cost < cost + 2.0
        close += our_cost < cost + 0.05
    assert close >= 0.9 * len(curves)


def test_every_step_of_the_fit_is_that_of_one_that_takes_one_object_at_a_time() -> None:
    rng = np.random.default_rng(6)
    sizes, ends = rng.integers(1, 40, 60).tolist(), rng.uniform(0.0, 60.0, 60).tolist()
    curves = [explosion(n, rng, until=end) for n, end in zip(sizes, ends, strict=True)]
    curves = [lc for lc in curves if lc.flux.max() > 20.0]
    fit = fit_rainbow(stack(curves))
    for lc, found in zip(curves, fit.parameters, strict=True):
        peak = int(np.argmax(lc.flux))
        wavelength = np.array([BANDS[f"lsst{b[-1]}"].effective_wavelength for b in lc.band])
        *expected, _ = rainbow_reference.fit(lc.time, lc.flux, lc.flux_err, wavelength)
        ours = found - [np.log(lc.flux[peak]), lc.time[peak] - lc.time[0], 0, 0, 0, 0]
        # Whether a step at the minimum is a little better is for rounding to say.
        np.testing.assert_allclose(ours / rainbow._PRIOR_SCATTER, expected / rainbow._PRIOR_SCATTER, rtol=0, atol=1e-6)


def test_points_long_before_and_after_the_maximum_neither_overflow_nor_count() -> None:
    lc = explosion(20, np.random.default_rng(7))
    far = LightCurve(
        "x", 0, np.append(lc.time, [20000.0, 90000.0]), np.append(lc.band, ["lsstr"] * 2),
        np.append(lc.flux, [0.0] * 2), np.append(lc.flux_err, [2.0] * 2),
        np.append(lc.upper_limit, [True] * 2), ra=0.0, dec=0.0,
    )  # fmt: skip
    found, expected = fit_rainbow(stack([far])), fit_rainbow(stack([lc]))
    assert found.model[0] == 0.0 and found.model[-1] == pytest.approx(0.0, abs=1e-6)
    moved = [0.0, lc.time[0] - 20000.0, 0.0, 0.0, 0.0, 0.0]
    np.testing.assert_allclose(found.parameters[0] - moved, expected.parameters[0], atol=1e-6)


def test_parameters_come_back_from_many_good_points() -> None:
    lc = explosion(200, np.random.default_rng(2), noise=1.0)
    fit = fit_rainbow(stack([lc]))
    found, errors = fit.parameters[0].copy(), fit.errors[0]
    found[1] += lc.time[0] - 58000.0  # points begin at 0
    assert np.all(np.abs(found - TRUTH) < 4.0 * errors + [0.1, 0.5, 0.1, 0.1, 0.05, 0.1])


def test_an_object_with_one_point_has_a_fit_that_is_mostly_the_prior() -> None:
    lc = LightCurve("x", 0, [58000.0], ["lsstr"], [50.0], [5.0], [False], ra=0.0, dec=0.0)  # type: ignore[arg-type]
    fit = fit_rainbow(stack([lc]))
    assert np.isfinite(fit.parameters).all() and np.isfinite(fit.errors).all()
    np.testing.assert_allclose(fit.parameters[0, 3:], rainbow._PRIOR_MEAN[3:], atol=0.1)
    assert fit.errors[0, 2] > 0.9 * rainbow._PRIOR_SCATTER[2]
    assert fit.model[0] == pytest.approx(50.0, rel=0.2)


def test_limits_before_the_first_detection_make_a_rise_fast() -> None:
    def rise(limit_at: float) -> float:
        lc = LightCurve(
            "x",
            0,
            np.array([limit_at, 58010.0, 58013.0]),
            np.array(["ztfr"] * 3),
            np.array([0.0, 90.0, 100.0]),
            np.array([2.0, 3.0, 3.0]),
            np.array([True, False, False]),
            ra=0.0,
            dec=0.0,
        )
        return float(
            FEATURE_SETS["early_ia"].compute([lc])[0, FEATURE_SETS["early_ia"].names.index("rainbow_ln_rise_time")]
        )

    assert rise(58009.0) < rise(57990.0) - 0.3


def test_what_the_host_tells_is_photometric_and_used_only_where_given() -> None:
    rng = np.random.default_rng(3)
    lc = explosion(20, rng)
    names = FEATURE_SETS["early_ia"].names
    columns = [names.index(n) for n in ("host_photoz", "host_photoz_err", "rainbow_absolute_mag")]
    assert np.isnan(FEATURE_SETS["early_ia"].compute([lc])[0, columns]).all()
    known = LightCurve(
        "x", 0, lc.time, lc.band, lc.flux, lc.flux_err, lc.upper_limit, ra=0.0, dec=0.0,
        meta={"photoz": 0.1, "photoz_err": 0.02, "z": 0.3},
    )  # fmt: skip
    values = FEATURE_SETS["early_ia"].compute([known])[0]
    assert values[columns[0]] == 0.1 and values[columns[1]] == 0.02
    assert values[columns[2]] == pytest.approx(values[names.index("rainbow_peak_mag")] - 38.32, abs=0.02)


def test_points_long_before_the_first_significant_detection_do_not_count() -> None:
    lc = explosion(20, np.random.default_rng(4))
    early = LightCurve(
        "x", 0, np.append(lc.time, 57900.0), np.append(lc.band, "lsstr"), np.append(lc.flux, -50.0),
        np.append(lc.flux_err, 2.0), np.append(lc.upper_limit, False), ra=0.0, dec=0.0,
    )  # fmt: skip
    compute = FEATURE_SETS["early_ia"].compute
    np.testing.assert_allclose(compute([early]), compute([lc]), rtol=1e-6, atol=1e-6)


def test_a_band_that_no_black_body_explains_is_told() -> None:
    lc = explosion(60, np.random.default_rng(5), noise=1.0)
    fainter = np.where(lc.band == "lsstg", 0.5, 1.0)
    reddened = LightCurve("x", 0, lc.time, lc.band, lc.flux * fainter, lc.flux_err, lc.upper_limit, ra=0.0, dec=0.0)
    column = FEATURE_SETS["early_ia"].names.index("departure_g")
    before, after = FEATURE_SETS["early_ia"].compute([lc, reddened])[:, column]
    assert abs(before) < 0.05 and after > before + 0.05
    assert LETTERS[1] == "g"
