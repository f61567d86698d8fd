"""The fit on a picture of a light curve: what is drawn is what the plan counts on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from ampel_followup.brightness import LONGEST_GAP, LOOK_BACK, brightness_at, brightness_course
from ampel_followup.errors import FollowupError
from ampel_followup.light_curve_fit import fit_light_curve
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude
from ampel_followup.trend import one_sigma

NOW = 61000.0


def light_curve(time: object, mag: object, band: object = "ztfr", sign: float = 1.0) -> LightCurve:
    time, mag = np.asarray(time, dtype=float), np.asarray(mag, dtype=float)
    flux, flux_err = flux_from_magnitude(mag, np.full(len(mag), 0.05))
    bands = np.broadcast_to(np.asarray(band), time.shape)
    return LightCurve("ZTF26aaaaaaa", 1, time, bands, sign * flux, flux_err, np.zeros(len(time), bool), 10.0, 20.0)


def rising(n: int = 8, seed: int = 1) -> LightCurve:
    rng = np.random.default_rng(seed)
    time = NOW - np.linspace(12.0, 1.0, n)
    return light_curve(
        time, 19.0 + 0.1 * (NOW - time) + rng.normal(0, 0.05, n), np.where(np.arange(n) % 2, "ztfg", "ztfr")
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 20), st.integers(0, 1000), st.floats(0.0, LONGEST_GAP))
def test_the_end_of_the_fit_is_the_brightness_that_the_plan_counts_on(n: int, seed: int, gap: float) -> None:
    curve = rising(n, seed)
    until = float(curve.time[-1]) + gap
    fit = fit_light_curve(curve, until)
    assert {band.band for band in fit.bands} == set(curve.band)
    for band in fit.bands:
        expected = brightness_at([curve], until, band=band.band)
        assert band.tonight == (expected.mag[0], expected.mag_err[0])
        assert band.time[-1] == until


def test_the_fit_goes_through_the_points_and_is_surest_there() -> None:
    curve = rising(12)
    for fit in fit_light_curve(curve, NOW + 5.0).bands:
        mine = curve.band == fit.band
        at_points = np.interp(curve.time[mine], fit.time, fit.mag)
        assert np.abs(at_points - curve.magnitude[0][mine]).max() < 0.15
        errors = np.array(fit.mag_err)
        assert errors[-1] > 2 * np.interp(curve.time[-2], fit.time, errors)


def test_the_fit_begins_with_the_first_point_that_it_rests_on() -> None:
    curve = light_curve(NOW - np.array([40.0, 30.0, 8.0, 5.0, 1.0]), [19.0, 19.0, 18.5, 18.4, 18.3])
    [fit] = fit_light_curve(curve, NOW).bands
    assert fit.time[0] == NOW - 8.0
    assert fit.last == NOW - 1.0
    assert fit.last - LOOK_BACK < NOW - 8.0


@pytest.mark.parametrize(
    ("curve", "until", "reason"),
    [
        (light_curve([NOW - 40.0], [19.0]), NOW, "too long ago|not within"),
        (light_curve([NOW - 2.0], [19.0], sign=-1.0), NOW, "no detection above the reference image"),
        (light_curve([], []), NOW, "no detection"),
        (light_curve([NOW + 1.0], [19.0]), NOW, "no detection"),
        (light_curve([NOW - 2.0], [19.0], band="odd"), NOW, "no band"),
    ],
)
def test_where_there_is_no_fit_there_is_a_reason(curve: LightCurve, until: float, reason: str) -> None:
    fit = fit_light_curve(curve, until)
    assert not fit.bands
    assert any(part in fit.reason for part in reason.split("|"))


def test_a_band_that_nobody_knows_is_refused() -> None:
    with pytest.raises(FollowupError, match="odd"):
        brightness_course(rising(), [NOW], band="odd")


def test_one_sigma_of_students_t_is_right_without_scipy() -> None:
    freedom = np.linspace(3.0, 200.0, 500)
    np.testing.assert_allclose(one_sigma(freedom), stdtrit(freedom, 0.8413447460685429), rtol=2e-4)
