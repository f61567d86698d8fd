"""Tomorrow's brightness: what is promised, how surely, and when nothing is."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.bands import BANDS
from ampel_followup.brightness import LONGEST_GAP, LOOK_BACK, MOST_POINTS, brightness_at
from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.forecasts import (
    ask,
    bts_light_curves,
    hidden_questions,
    paired_light_curves,
    simulated_questions,
)
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude
from ampel_followup.trend import MODEL, STEEPEST

NOW = 61000.0
STEADY = ("SN Ia", "SN II", "SN Ib/c", "SLSN", "TDE", "AGN")


def light_curve(
    time: object, mag: object, *, err: float = 0.05, band: object = "ztfr", limit: object = False, sign: float = 1.0
) -> LightCurve:
    """A light curve from magnitudes; where `limit` is True the magnitude is the five-sigma limit."""
    time, mag = np.atleast_1d(np.asarray(time, dtype=float)), np.atleast_1d(np.asarray(mag, dtype=float))
    flux, flux_err = flux_from_magnitude(mag, np.full(len(mag), err))
    limit = np.broadcast_to(np.asarray(limit), time.shape)
    return LightCurve(
        "ZTF26aaaaaaa",
        1,
        time,
        np.broadcast_to(np.asarray(band), time.shape),
        np.where(limit, 0.0, sign * flux),
        np.where(limit, flux / 5.0, flux_err),
        limit,
        10.0,
        20.0,
    )


def random_light_curves(n: int, seed: int) -> list[LightCurve]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        count = int(rng.integers(1, 25))
        time = NOW - np.sort(rng.uniform(0, 40, count))[::-1]
        mag = 19 + rng.normal(0, 0.05) * (time - NOW) + rng.normal(0, 0.1, count)
        band = rng.choice(["ztfg", "ztfr", "ztfi"], count)
        made.append(light_curve(time, mag, band=band, limit=rng.random(count) < 0.15))
    return made


def test_steady_source_stays_as_it_is_and_is_less_sure_by_the_night() -> None:
    curve = light_curve(NOW - np.arange(10.0), np.full(10, 18.0))
    forecast = brightness_at([curve] * 5, NOW + np.array([0.0, 1.0, 3.0, 10.0, 25.0]))
    assert forecast.reason == [None] * 5
    assert forecast.mag[:2] == pytest.approx(18.0, abs=0.05)
    assert np.all(np.diff(forecast.mag_err) > 0)
    assert forecast.mag_err[0] < 0.12
    assert forecast.mag_err[-1] > 0.5


def test_fading_object_is_expected_fainter_and_not_promised() -> None:
    fading = light_curve(NOW - np.arange(10.0), 18.0 - 0.15 * np.arange(10.0))
    forecast = brightness_at([fading], NOW + 4.0)
    assert 18.25 < forecast.mag[0] < 18.65
    assert forecast.quantile(0.975)[0] > 18.6
    assert forecast.quantile(0.5)[0] == pytest.approx(forecast.mag[0])
    assert forecast.quantile(0.8413447)[0] == pytest.approx(forecast.mag[0] + forecast.mag_err[0], abs=1e-5)


def test_rise_is_followed_but_does_not_go_on_for_ever() -> None:
    rising = light_curve(NOW - np.arange(8.0), 18.0 + 0.2 * np.arange(8.0))
    forecast = brightness_at([rising] * 2, NOW + np.array([2.0, 28.0]))
    assert 17.6 < forecast.mag[0] < 17.9
    assert forecast.mag[1] > 18.0 - 0.2 * 7


def test_object_seen_in_another_band_only_is_less_sure() -> None:
    green = light_curve(NOW - np.arange(8.0), np.full(8, 18.0), band="ztfg")
    both = light_curve(NOW - np.repeat(np.arange(8.0), 2), np.tile([18.0, 18.6], 8), band=np.tile(["ztfg", "ztfr"], 8))
    unknown, known, same = (
        brightness_at([curve], NOW + 1.0, band=band) for curve, band in ((green, "r"), (both, "r"), (green, "g"))
    )
    assert known.mag[0] == pytest.approx(18.6, abs=0.06)
    assert unknown.mag[0] == pytest.approx(18.0, abs=0.2)
    assert unknown.mag_err[0] > 2.5 * same.mag_err[0]


def test_single_detection_is_a_weak_promise() -> None:
    one, many = light_curve(NOW, 18.0), light_curve(NOW - np.arange(10.0), np.full(10, 18.0))
    forecast = brightness_at([one, many], NOW + 3.0)
    assert forecast.mag_err[0] > 1.3 * forecast.mag_err[1]
    assert forecast.mag[0] == pytest.approx(18.0 + 3 * MODEL.decline)


def test_band_may_be_a_name_of_any_survey() -> None:
    curve = [light_curve(NOW, 18.0)]
    assert brightness_at(curve, NOW, band="lsstr").mag == brightness_at(curve, NOW, band="atlaso").mag
    with pytest.raises(FollowupError, match="brightness in band 'V' is not known; give one of u, g, r"):
        brightness_at(curve, NOW, band="V")
    with pytest.raises(FollowupError, match="band '' is not known"):
        brightness_at(curve, NOW, band="")


def test_what_cannot_be_said_has_its_reason_and_keeps_its_place() -> None:
    curves = [
        light_curve(NOW - 45.0, 18.0),
        light_curve(NOW + 2.0, 18.0),
        light_curve(NOW, 18.0, sign=-1.0),
        light_curve(NOW, 20.0, limit=True),
        light_curve([], []),
        light_curve(NOW, 18.0),
        light_curve(NOW, 18.0),
    ]
    forecast = brightness_at(curves, [NOW + 1.0] * 6 + [math.nan])
    assert len(forecast) == 7
    assert np.flatnonzero(np.isfinite(forecast.mag)).tolist() == [5]
    assert np.isfinite(forecast.mag_err).tolist() == np.isfinite(forecast.mag).tolist()
    assert forecast.reason[0] == "last detected on 2025-10-07, 46 d before: too long ago to say"
    assert forecast.reason[1:5] == ["no detection above the reference image before 2025-11-22"] * 4
    assert forecast.reason[5:] == [None, "no time given"]
    assert len(brightness_at([], NOW)) == 0


def test_source_that_went_below_its_reference_image_is_promised_nothing() -> None:
    time, mag = NOW - np.arange(4.0), np.full(4, 18.0)
    up = light_curve(time, mag)
    down = LightCurve(
        "v", 1, up.time, up.band, np.array([1, 1, 1, -1]) * up.flux, up.flux_err, up.upper_limit, 1.0, 2.0
    )
    forecast = brightness_at([down, down], [NOW + 1.0, NOW - 1.5])
    assert forecast.reason == ["fainter than its reference image on 2025-11-21", None]
    assert math.isnan(forecast.mag[0])


def test_what_comes_later_is_not_used() -> None:
    known = light_curve(NOW - np.arange(5.0), np.full(5, 18.0))
    later = light_curve(NOW + 3.0 - np.arange(8.0), [15.0, 15.0, 15.0, *[18.0] * 5])
    assert brightness_at([later], NOW + 0.5).mag == brightness_at([known], NOW + 0.5).mag


def test_object_has_the_same_forecast_alone_and_among_many() -> None:
    curves = random_light_curves(150, seed=1)
    together = brightness_at(curves, NOW + 2.0)
    for i, curve in enumerate(curves):
        alone = brightness_at([curve], NOW + 2.0)
        np.testing.assert_array_equal(
            [alone.mag[0], alone.mag_err[0], alone.freedom[0]],
            [together.mag[i], together.mag_err[i], together.freedom[i]],
        )
        assert alone.reason[0] == together.reason[i]


def test_bad_old_point_counts_for_little_and_last_night_is_believed() -> None:
    time, mag = NOW - np.arange(9.0), np.full(9, 18.0)
    clean = brightness_at([light_curve(time, mag)], NOW + 1.0)
    mag[4] = 15.5
    spoilt = brightness_at([light_curve(time, mag)], NOW + 1.0)
    assert spoilt.mag[0] == pytest.approx(clean.mag[0], abs=0.1)
    mag[4], mag[0] = 18.0, 16.5
    outburst = brightness_at([light_curve(time, mag)], NOW + 1.0)
    assert outburst.mag[0] < 16.9
    assert outburst.mag_err[0] > 3 * clean.mag_err[0]


def test_limit_since_the_last_detection_tells_that_it_faded() -> None:
    time, mag = NOW - np.arange(6.0), np.full(6, 18.0)
    without = light_curve(time, mag)
    deep, shallow = (
        light_curve([*time, NOW + 3.0], [*mag, depth], limit=[False] * 6 + [True]) for depth in (20.5, 17.0)
    )
    forecast = brightness_at([without, deep, shallow], NOW + 4.0)
    assert forecast.mag[1] > forecast.mag[0] + 1.0
    assert forecast.mag_err[1] > forecast.mag_err[0]
    assert (forecast.mag[2], forecast.mag_err[2]) == (forecast.mag[0], forecast.mag_err[0])


def test_no_trend_is_steeper_than_a_magnitude_a_day() -> None:
    flare = light_curve([NOW - 0.05, NOW], [15.0, 19.0], err=0.01)
    forecast = brightness_at([flare], NOW + 2.0)
    assert 19.0 <= forecast.mag[0] <= 19.2 + 2.0 * STEEPEST


def plain_forecast(curve: LightCurve, mjd: float, band: str) -> tuple[float, float]:
    """One object, point by point, by the equations of the module; no limits, no outliers."""
    wavelength = {letter: BANDS[f"lsst{letter}"].effective_wavelength for letter in "ugrizy"}
    points = [
        (t, math.log(wavelength[BANDS[b].letter] / wavelength[band]), BANDS[b].letter, m, e)
        for t, b, m, e in zip(curve.time, curve.band, *curve.magnitude, strict=True)
        if t <= mjd and math.isfinite(m)
    ]
    last, last_mag = points[-1][0], points[-1][3]
    points = [point for point in points if point[0] >= last - LOOK_BACK][-MOST_POINTS:]

    def g(x: float) -> float:
        return MODEL.memory * abs(x) - MODEL.memory**2 * (1 - math.exp(-abs(x) / MODEL.memory))

    def covariance(t: float, x: float, letter: str, u: float, y: float, other: str) -> float:
        drift = MODEL.slope_scatter**2 * (g(t - last) + g(u - last) - g(t - u))
        return 25 + drift + MODEL.colour_scatter**2 * x * y + MODEL.band_scatter**2 * (letter == other)

    matrix = np.array([[covariance(*p[:3], *q[:3]) for q in points] for p in points])
    matrix += np.diag([p[4] ** 2 + MODEL.jitter**2 for p in points])
    residual = np.array([p[3] - last_mag - MODEL.decline * (p[0] - last) - MODEL.colour * p[1] for p in points])
    then = np.array([covariance(mjd, 0.0, band, *p[:3]) for p in points])
    mean = last_mag + MODEL.decline * (mjd - last) + then @ np.linalg.solve(matrix, residual)
    variance = covariance(mjd, 0.0, band, mjd, 0.0, band) - then @ np.linalg.solve(matrix, then) + MODEL.jitter**2
    freedom = MODEL.freedom + len(points)
    scale = (MODEL.freedom + residual @ np.linalg.solve(matrix, residual)) / freedom
    from scipy.stats import t as student

    return float(mean), math.sqrt(scale * variance) * float(student.ppf(0.8413447460685429, freedom))


@pytest.mark.parametrize("band", ["g", "r", "z"])
def test_forecast_is_that_of_the_equations_read_one_object_at_a_time(band: str) -> None:
    checked = 0
    for curve in random_light_curves(120, seed=2):
        bright = np.flatnonzero(curve.detected)
        if len(bright) == 0 or curve.upper_limit[bright[-1] :].any():
            continue
        gap = float(curve.time[bright[-1]]) + 5.0
        forecast = brightness_at([curve], gap, band=band)
        mag, mag_err = plain_forecast(curve, gap, band)
        assert forecast.mag[0] == pytest.approx(mag, rel=1e-7)
        # The width of Student's t is a series, right to 2e-4.
        assert forecast.mag_err[0] == pytest.approx(mag_err, rel=2e-4)
        checked += 1
    assert checked > 70


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-40, 5), st.floats(10, 25), st.sampled_from(sorted(BANDS)), st.booleans()), max_size=20
    ),
    st.floats(0.001, 1.0),
    st.floats(-5, 40),
    st.sampled_from("ugrizy"),
)
def test_any_light_curve_has_a_forecast_or_a_reason(
    points: list[tuple[float, float, str, bool]], err: float, gap: float, band: str
) -> None:
    time, mag, bands, limit = zip(*points, strict=True) if points else ((), (), (), ())
    curve = light_curve(NOW + np.array(time), mag, err=err, band=np.array(bands, dtype="U8"), limit=limit or False)
    forecast = brightness_at([curve], NOW + gap, band=band)
    if forecast.reason[0] is None:
        assert np.isfinite(forecast.mag[0])
        assert forecast.mag_err[0] > 0
        seen = curve.time[curve.detected & (curve.time <= NOW + gap)]
        assert NOW + gap - seen[-1] <= LONGEST_GAP
    else:
        assert np.isnan([forecast.mag[0], forecast.mag_err[0]]).all()


def test_intervals_hold_what_they_say_for_simulated_transients() -> None:
    questions = simulated_questions(1500, dt.date(2026, 9, 14), np.random.default_rng(303))
    steady = questions.select(np.isin(questions.label, STEADY))
    answers = ask(steady)
    # 700 objects: three standard deviations are 0.05 and 0.025.
    assert answers.coverage(0.6827) == pytest.approx(0.683, abs=0.065)
    assert answers.coverage(0.95) == pytest.approx(0.945, abs=0.03)
    near, far = steady.gap <= 2.0, steady.gap >= 10.0
    for mask in (near, far):
        assert ask(steady.select(mask)).coverage(0.6827) == pytest.approx(0.70, abs=0.10)
    assert np.nanmedian(answers.mag_err[near]) < 0.5 * np.nanmedian(answers.mag_err[far])


def test_intervals_hold_at_least_what_they_say_for_real_supernovae(shared_data: Path) -> None:
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(303)
    # The other half of the objects went into the fit.
    curves = sorted(bts_light_curves(shared_data / "ztf_bts_snia"), key=lambda curve: curve.id)[1::2]
    answers = ask(hidden_questions(curves, ["SN Ia"] * len(curves), rng))
    assert len(answers.error) > 700
    assert 0.66 < answers.coverage(0.6827) < 0.82
    assert 0.94 < answers.coverage(0.95) < 0.995
    assert abs(np.median(answers.error)) < 0.15
    paired = ask(hidden_questions(*paired_light_curves(shared_data / "paired_sn"), rng))
    assert len(paired.error) > 200
    assert 0.68 < paired.coverage(0.6827) < 0.90
    assert paired.coverage(0.95) > 0.94


def test_forecast_of_a_trend_beats_the_last_magnitude(shared_data: Path) -> None:
    pytest.importorskip("pyarrow")
    curves = sorted(bts_light_curves(shared_data / "ztf_bts_snia"), key=lambda curve: curve.id)[1::2]
    questions = hidden_questions(curves, ["SN Ia"] * len(curves), np.random.default_rng(304))
    last = []
    for curve, letter in zip(questions.light_curves, questions.letter, strict=True):
        same = np.array([BANDS[str(band)].letter == letter for band in curve.band])
        last.append(curve.magnitude[0][same][-1] if same.any() else np.nan)
    persistence = np.abs(questions.mag - np.array(last))
    known = np.isfinite(persistence)
    assert np.median(np.abs(ask(questions).error[known])) < 0.8 * np.median(persistence[known])
