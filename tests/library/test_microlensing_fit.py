"""Point-lens fits: the batched ones find what a slow fit of each object by itself finds, and what was put in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from microlensing_reference import fit_one
from sample_microlensing import lens_light_curve

from ampel_followup.features.ragged import stack
from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.fit import PaczynskiFit, fit_paczynski
from ampel_followup.microlensing.flux_points import FluxPoints
from ampel_followup.microlensing.magnification import planetary_lens, point_lens
from ampel_followup.microlensing.projection import Problem, shape


def fit(curves: list[LightCurve], **options: object) -> PaczynskiFit:
    return fit_paczynski(FluxPoints.of(stack(curves)), **options)


@pytest.fixture(scope="module")
def curves() -> list[LightCurve]:
    rng = np.random.default_rng(11)
    return [lens_light_curve(rng, number) for number in range(40)]


@given(st.floats(1e-3, 30.0))
def test_magnification_has_the_slope_that_is_given(u: float) -> None:
    step = 1e-6 * u
    slope = (point_lens(u + step)[0] - point_lens(u - step)[0]) / (2.0 * step)
    assert point_lens(u)[1] == pytest.approx(float(slope), rel=1e-4, abs=1e-7)


def test_magnification_is_that_of_the_textbook() -> None:
    assert point_lens(1.0)[0] == pytest.approx(3.0 / np.sqrt(5.0))
    assert point_lens(1e-4)[0] == pytest.approx(1e4, rel=1e-6)


def test_a_planet_of_no_mass_leaves_one_lens() -> None:
    x, y = np.random.default_rng(1).uniform(-2.0, 2.0, (2, 300))
    ours, one = planetary_lens(x, y, 1.2, 1e-6), point_lens(np.hypot(x, y))[0]
    np.testing.assert_allclose(ours, one, rtol=1e-3)


@pytest.mark.parametrize("place", [(0.3, 0.2), (1.0, 0.5), (-0.5, 0.4), (0.05, 0.02)])
def test_planetary_magnification_is_what_shooting_rays_backwards_gives(place: tuple[float, float]) -> None:
    separation, ratio, radius, cell = 1.0, 0.1, 0.05, 0.003
    grid = np.arange(-3.0, 3.0, cell)
    z = grid[None, :] + 1j * grid[:, None]
    star, planet = -separation * ratio / (1.0 + ratio), separation / (1.0 + ratio)
    source = z - (1.0 / np.conj(z - star) + ratio / np.conj(z - planet)) / (1.0 + ratio)
    hit = np.count_nonzero(np.abs(source - complex(*place)) < radius)
    rng = np.random.default_rng(2)
    r, angle = radius * np.sqrt(rng.uniform(size=4000)), rng.uniform(0.0, 2.0 * np.pi, 4000)
    ours = planetary_lens(place[0] + r * np.cos(angle), place[1] + r * np.sin(angle), separation, ratio).mean()
    assert ours == pytest.approx(hit * cell**2 / (np.pi * radius**2), rel=0.03)


def test_derivatives_are_those_of_the_model() -> None:
    time = np.linspace(-60.0, 70.0, 50)
    parameters = np.tile([5.0, np.log(20.0), np.log(0.3), 0.2], (50, 1))
    _, derivatives = shape(parameters, time)
    for k in range(4):
        step = np.zeros(4)
        step[k] = 1e-6
        slope = (shape(parameters + step, time)[0] - shape(parameters - step, time)[0]) / 2e-6
        np.testing.assert_allclose(derivatives[k], slope, atol=1e-7)


def test_batched_fits_are_as_good_as_slow_ones_of_each_object(curves: list[LightCurve]) -> None:
    points = FluxPoints.of(stack(curves))
    fitted = fit_paczynski(points)
    problem = Problem.of(points, skewed=False)
    ours = problem.cost(fitted.parameters, problem.project(fitted.parameters)[0])
    for i in range(0, len(curves), 4):
        slow = fit_one(curves[i])
        assert ours[i] <= slow.cost + 0.01  # the slow fit may be caught in a lesser minimum; ours may not
        if ours[i] > slow.cost - 0.01:
            error = np.sqrt(np.diagonal(fitted.covariance[i])[:3])
            assert np.all(np.abs(fitted.parameters[i, :3] - slow.parameters) < 0.05 * error + 1e-3)
            for band, (source, baseline) in slow.bands.items():
                assert fitted.source[i, band] == pytest.approx(source, rel=0.02)
                assert fitted.baseline[i, band] == pytest.approx(baseline, rel=0.02, abs=0.5)


def test_fit_finds_the_event_that_was_put_in() -> None:
    rng = np.random.default_rng(5)
    curves = [lens_light_curve(rng, i, peak=100.0, time=25.0, impact=0.2, points=80) for i in range(60)]
    fitted = fit(curves)
    first = np.array([curve.time[0] for curve in curves])
    pulls = (fitted.peak_time + first - 58100.0) / np.sqrt(fitted.covariance[:, 0, 0])
    assert abs(pulls.mean()) < 0.5 and 0.7 < pulls.std() < 1.4
    assert np.median(fitted.einstein_time) == pytest.approx(25.0, rel=0.1)
    assert np.median(fitted.impact) == pytest.approx(0.2, rel=0.2)


def test_an_object_has_the_same_fit_alone_and_among_others(curves: list[LightCurve]) -> None:
    together = fit(curves).parameters
    for i in (0, 7, 39):
        np.testing.assert_array_equal(fit(curves[i : i + 1]).parameters[0], together[i])


def test_total_and_difference_photometry_give_the_same_lens(curves: list[LightCurve]) -> None:
    def above(curve: LightCurve) -> LightCurve:
        # The error of the model is a share of the flux: kept out by large errors.
        level = np.where(curve.band == "ztfg", 40.0, 90.0)
        return LightCurve(
            "x", 0, curve.time, curve.band, curve.flux + level, curve.flux_err, curve.upper_limit, 1.0, 1.0
        )

    wide = [LightCurve("x", 0, c.time, c.band, c.flux, 5.0 * c.flux_err, c.upper_limit, 1.0, 1.0) for c in curves]
    one, other = fit(wide), fit([above(curve) for curve in wide])
    np.testing.assert_allclose(one.peak_time, other.peak_time, atol=2.0 * np.sqrt(one.covariance[:, 0, 0]).max())
    np.testing.assert_allclose(other.baseline[:, 1] - one.baseline[:, 1], 40.0, atol=8.0)


def test_a_lens_only_brightens(curves: list[LightCurve]) -> None:
    upside_down = [LightCurve("x", 0, c.time, c.band, -c.flux, c.flux_err, c.upper_limit, 1.0, 1.0) for c in curves]
    fitted = fit(upside_down)
    assert np.nanmin(fitted.source) >= 0.0 and np.isfinite(fitted.chi2).all()


def test_empty_and_tiny_light_curves_do_not_disturb_others(curves: list[LightCurve]) -> None:
    none = LightCurve("none", 0, [], np.array([], dtype=str), [], [], [], 1.0, 1.0)
    one = LightCurve("one", 0, [58000.0], ["ztfr"], [50.0], [3.0], [False], 1.0, 1.0)
    strange = LightCurve("strange", 0, [58000.0], ["kitt"], [50.0], [3.0], [False], 1.0, 1.0)
    fitted = fit([none, curves[3], one, strange])
    assert np.isnan(fitted.parameters[[0, 3]]).all() and np.isfinite(fitted.parameters[2]).all()
    np.testing.assert_array_equal(fitted.parameters[1], fit([curves[3]]).parameters[0])


def test_predicted_errors_cover_what_comes_next() -> None:
    rng = np.random.default_rng(8)
    curves = [lens_light_curve(rng, i, peak=100.0, time=25.0, impact=0.3, points=90) for i in range(200)]
    points = FluxPoints.of(stack(curves))
    last = points.time > 105.0
    fitted = fit_paczynski(points.select(~last))
    held = points.select(last & (points.time < 112.0))
    flux, variance = fitted.predict(held)
    pulls = (held.flux - flux) / np.sqrt(1.0 / held.weight + variance)
    assert 0.6 < np.percentile(np.abs(pulls), 68.3) < 1.3


def test_a_supernova_is_skewed_and_a_lens_is_not() -> None:
    rng = np.random.default_rng(4)
    lens = lens_light_curve(rng, 0, peak=60.0, time=20.0, impact=0.3, points=80)
    t = lens.time - lens.time[0] - 60.0
    flux = 400.0 * np.exp(-t / 30.0) / (1.0 + np.exp(-t / 3.0))
    supernova = LightCurve("sn", 0, lens.time, lens.band, flux, lens.flux_err, lens.upper_limit, 1.0, 1.0)
    points = FluxPoints.of(stack([lens, supernova]))
    plain = fit_paczynski(points)
    skewed = fit_paczynski(points, skewed=True, start=plain.parameters)
    assert (skewed.chi2 <= plain.chi2 + 0.5).all()
    assert abs(skewed.parameters[0, 3]) < 0.15 and skewed.parameters[1, 3] > 0.4
