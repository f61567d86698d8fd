"""Gaussian processes: the batched ones are those of the textbook, and what cannot be fitted is named."""

from __future__ import annotations

from dataclasses import replace

import gaussian_process_reference as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_explosions import BANDS, supernova, true_flux

from ampel_followup.bands import BANDS as KNOWN_BANDS
from ampel_followup.errors import FollowupError
from ampel_followup.gaussian_process.fit import fit_gaussian_processes
from ampel_followup.gaussian_process.kernels import KERNELS, get_kernel
from ampel_followup.gaussian_process.likelihood import linearised, log_posterior
from ampel_followup.gaussian_process.photometry import MOST_POINTS, batches_of, photometry_of
from ampel_followup.gaussian_process.process import GaussianProcess
from ampel_followup.lightcurve import LightCurve

KINDS = sorted(KERNELS)


@pytest.fixture(scope="module")
def curves() -> list[LightCurve]:
    rng = np.random.default_rng(5)
    return [supernova(rng, number, points=int(rng.integers(12, 70))) for number in range(12)]


def flat(**changed: object) -> LightCurve:
    columns: dict[str, object] = {
        "id": "odd",
        "stock": 0,
        "time": 58000.0 + np.arange(6.0),
        "band": np.array(["lsstg", "lsstr"] * 3),
        "flux": np.full(6, 50.0),
        "flux_err": np.full(6, 2.0),
        "upper_limit": np.zeros(6, dtype=bool),
        "ra": 10.0,
        "dec": 10.0,
    }
    return LightCurve(**(columns | changed))


def only(curve: LightCurve, **options: object) -> GaussianProcess:
    (process,) = fit_gaussian_processes([curve], **options).processes
    return process


@pytest.mark.parametrize("kind", KINDS)
def test_likelihood_is_that_of_the_textbook(kind: str, curves: list[LightCurve]) -> None:
    kernel, points = KERNELS[kind], [photometry_of(curve) for curve in curves]
    rng = np.random.default_rng(1)
    for batch in batches_of(points):
        parameters = kernel.clip(
            kernel.prior_mean + 0.3 * rng.standard_normal((len(batch.rows), len(kernel.prior_mean)))
        )
        ours = log_posterior(kernel, parameters, batch)
        slow = [reference.log_posterior(kernel, one, points[i]) for one, i in zip(parameters, batch.rows, strict=True)]
        np.testing.assert_allclose(ours, slow, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_that_of_the_likelihood(kind: str, curves: list[LightCurve]) -> None:
    kernel = KERNELS[kind]
    batch = batches_of([photometry_of(curves[0])])[0]
    parameters = kernel.prior_mean[None] + 0.1
    value, gradient, curvature = linearised(kernel, parameters, batch)
    assert value == pytest.approx(log_posterior(kernel, parameters, batch))
    for k in range(parameters.shape[1]):
        step = np.zeros_like(parameters)
        step[0, k] = 1e-5
        up, down = (log_posterior(kernel, parameters + sign * step, batch)[0] for sign in (1, -1))
        assert gradient[0, k] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-4)
    assert (np.linalg.eigvalsh(curvature[0]) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_prediction_is_that_of_the_textbook(kind: str, curves: list[LightCurve]) -> None:
    process = only(curves[1], kernel=KERNELS[kind])
    time = np.linspace(57960.0, 58150.0, 25)
    wavelength = np.resize([4800.0, 7000.0], 25)
    mean, deviation = process.posterior(time, wavelength)
    points = process.photometry
    slow = reference.posterior(
        process.kernel, process.parameters, points, time - points.reference_time, np.log(wavelength)
    )
    np.testing.assert_allclose(mean, points.scale * slow[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(deviation, points.scale * slow[1], rtol=1e-4, atol=1e-4)


def test_a_stationary_kernel_predicts_as_scikit_learn_does(curves: list[LightCurve]) -> None:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    process = only(curves[2], kernel=replace(KERNELS["stationary"], prior_scatter=np.full(4, 1e3)))
    points, p = process.photometry, process.parameters
    # scikit-learn has no product of kernels of one coordinate each: one band will do.
    one_band = points.log_wavelength == points.log_wavelength[0]
    few = photometry_of(flat(time=58000.0 + points.time[one_band], band=np.full(one_band.sum(), "lsstr"),
                             flux=points.flux[one_band], flux_err=points.flux_err[one_band],
                             upper_limit=np.zeros(one_band.sum(), dtype=bool)))  # fmt: skip
    ours = GaussianProcess("one", process.kernel, p, few, 0.0)
    kernel = ConstantKernel(np.exp(2 * p[0])) * Matern(np.exp(p[3]), nu=1.5)
    theirs = GaussianProcessRegressor(kernel, alpha=few.flux_err**2 + np.exp(2 * p[1]), optimizer=None)
    theirs.fit(few.time[:, None], few.flux)
    time = np.linspace(-20.0, 60.0, 15)
    mean, deviation = theirs.predict(time[:, None], return_std=True)
    got = ours.posterior(few.reference_time + time, np.exp(few.log_wavelength[0]))
    np.testing.assert_allclose(got[0], few.scale * mean, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(got[1], few.scale * deviation, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_fits_are_at_a_maximum(kind: str, curves: list[LightCurve]) -> None:
    from scipy.optimize import minimize

    kernel = KERNELS[kind]
    for process in fit_gaussian_processes(curves[:3], kernel).processes:
        batch = batches_of([process.photometry])[0]
        bounds = list(zip(kernel.lowest, kernel.highest, strict=True))
        better = minimize(
            lambda p, batch=batch: -float(log_posterior(kernel, p[None], batch)[0]),
            process.parameters,
            method="L-BFGS-B",
            bounds=bounds,
        )
        assert process.log_posterior >= -better.fun - 0.02


def test_a_fit_does_not_depend_on_company_or_threads(curves: list[LightCurve]) -> None:
    together = fit_gaussian_processes(curves, threads=1).processes
    again = fit_gaussian_processes(curves[::-1], threads=3).processes[::-1]
    for process, other in zip(together, again, strict=True):
        np.testing.assert_array_equal(process.parameters, other.parameters)
    np.testing.assert_array_equal(only(curves[4]).parameters, together[4].parameters)


def test_nothing_shines_before_the_explosion(curves: list[LightCurve]) -> None:
    process = only(curves[0])
    assert process.explosion_time == pytest.approx(58000.0, abs=8.0)
    mean, deviation = process.posterior(process.explosion_time - np.array([0.01, 5.0, 50.0]), 6200.0)
    assert (mean == 0.0).all()
    assert (deviation == 0.0).all()


def test_the_warped_kernel_follows_the_truth_where_the_stationary_one_wiggles() -> None:
    rng = np.random.default_rng(8)
    curves = [supernova(rng, number, points=50, error=6.0) for number in range(8)]
    time = np.arange(58002.0, 58110.0)
    errors, bends = {}, {}
    for kind in ("warped", "stationary"):
        means = [
            process.posterior(time, KNOWN_BANDS[band].effective_wavelength)[0] - true_flux(time, band)
            for process in fit_gaussian_processes(curves, KERNELS[kind]).processes
            for band in BANDS
        ]
        errors[kind] = np.sqrt(np.mean(np.square(means)))
        late = np.array(means)[:, 40:]
        bends[kind] = np.mean(np.diff(late, 2, axis=1) ** 2)
    assert errors["warped"] < errors["stationary"]
    assert bends["warped"] < 0.5 * bends["stationary"]


def test_samples_scatter_as_the_posterior_says(curves: list[LightCurve]) -> None:
    process, rng = only(curves[3]), np.random.default_rng(3)
    time = np.array([57990.0, 58005.0, 58020.0, 58060.0, 58200.0])
    mean, deviation = process.posterior(time, 6200.0)
    drawn = np.array([process.sample(time, 6200.0, rng) for _ in range(600)])
    assert (np.abs(drawn.mean(axis=0) - mean) <= 0.2 * deviation + 1e-3).all()
    np.testing.assert_allclose(drawn.std(axis=0), deviation, rtol=0.15, atol=1e-2)


def test_samples_of_the_same_seed_are_the_same(curves: list[LightCurve]) -> None:
    process, time = only(curves[3]), np.linspace(58000.0, 58100.0, 30)
    one, same = (process.sample(time, 6200.0, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize(
    "curve",
    [
        flat(time=[58000.0], band=["lsstr"], flux=[50.0], flux_err=[2.0], upper_limit=[False]),
        flat(band=np.full(6, "lsstr")),
        flat(),
        flat(flux=np.full(6, -50.0)),
        flat(flux_err=[np.nan, 2.0, 2.0, 2.0, np.inf, 0.0]),
        flat(flux=np.full(6, 1e12), flux_err=np.full(6, 1e-9)),
        flat(flux=np.full(6, 1e-300), flux_err=np.full(6, 1e-301)),
        flat(upper_limit=[True, True, True, True, True, False]),
        flat(time=np.full(6, 58000.0)),
        flat(flux=np.full(6, 0.01)),
    ],
    ids=[
        "one_point",
        "one_band",
        "constant",
        "negative",
        "bad_errors",
        "bright",
        "faint",
        "limits",
        "one_time",
        "no_signal",
    ],
)
@pytest.mark.parametrize("kind", ["warped", "stationary-smooth"])
def test_odd_light_curves_have_finite_fits(curve: LightCurve, kind: str) -> None:
    process = only(curve, kernel=KERNELS[kind])
    mean, deviation = process.posterior(58000.0 + np.array([-500.0, 0.0, 3.0, 900.0]), 6200.0)
    assert np.isfinite(mean).all()
    assert np.isfinite(deviation).all()
    assert np.isfinite(process.log_posterior)


@given(
    st.lists(
        st.tuples(st.floats(0.0, 1e3), st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.sampled_from(BANDS)),
        min_size=1,
        max_size=8,
    )
)
def test_any_light_curve_is_fitted_or_named(points: list[tuple[float, float, float, str]]) -> None:
    time, flux, flux_err, band = (np.array(column) for column in zip(*points, strict=True))
    none = np.zeros(len(time), dtype=bool)
    curve = flat(time=time, flux=flux, flux_err=flux_err, band=band, upper_limit=none)
    fits = fit_gaussian_processes([curve], threads=1)
    assert len(fits.processes) + len(fits.omitted) == 1
    for process in fits.processes:
        mean, deviation = process.posterior(np.linspace(-100.0, 1100.0, 7), 6200.0)
        assert np.isfinite(mean).all()
        assert np.isfinite(deviation).all()


def test_what_cannot_be_fitted_is_named(curves: list[LightCurve]) -> None:
    limits = flat(id="limits", flux=np.zeros(6), upper_limit=np.ones(6, dtype=bool))
    unknown = flat(id="unknown", band=np.array(["lsstg", "2massj"] * 3))
    empty = flat(id="empty", flux_err=np.full(6, np.nan))
    fits = fit_gaussian_processes([limits, curves[0], unknown, empty])
    assert [process.id for process in fits.processes] == [curves[0].id]
    assert [(o.id, o.reason, o.detail) for o in fits.omitted] == [
        ("limits", "no detection", ""),
        ("unknown", "band of unknown wavelength", "2massj"),
        ("empty", "no detection", ""),
    ]
    given = fit_gaussian_processes([unknown], wavelengths={"lsstg": 4826.0, "2massj": 12350.0})
    assert len(given.processes) == 1


def test_no_light_curves_give_no_fits() -> None:
    assert fit_gaussian_processes([]).processes == ()


def test_thousands_of_points_are_averaged() -> None:
    points = photometry_of(supernova(np.random.default_rng(2), points=5000))
    assert 100 < len(points) <= MOST_POINTS
    # Errors of 3 at a scale near 100; a bin of days holds a dozen points.
    assert np.median(points.flux_err) < 0.6 * 3.0 / points.scale
    assert (np.diff(points.time) >= 0).all()


@given(st.floats(-200.0, 200.0), st.floats(3000.0, 12000.0), st.sampled_from(KINDS))
def test_variance_is_the_covariance_of_a_point_with_itself(time: float, wavelength: float, kind: str) -> None:
    kernel = KERNELS[kind]
    at = np.array([time]), np.log([wavelength])
    own = kernel.covariance(kernel.prior_mean, *at, *at)[0, 0]
    assert kernel.variance(kernel.prior_mean, at[0])[0] == pytest.approx(own, abs=1e-12)
    assert own >= -1e-12


def test_an_unknown_kernel_is_refused_with_those_there_are() -> None:
    with pytest.raises(FollowupError, match="no kernel 'rbf'; there are warped, "):
        get_kernel("rbf")
