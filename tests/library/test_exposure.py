"""How long a spectrum takes: physics against published observations, and every closed form against a slow twin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ampel_followup.errors import InstrumentError
from ampel_followup.observing import get_instrument, load_instruments
from ampel_followup.observing.exposure import (
    BETA,
    circle_fraction,
    exposure_time,
    number_of_exposures,
    signal_to_noise,
    slit_fraction,
    time_on_target,
)
from ampel_followup.observing.instruments import Instrument
from ampel_followup.observing.moonlight import magnitudes, moonlight, nanolamberts, sky_brightness

ANCHORS = [(i, anchor) for i in load_instruments() for anchor in i.anchors]

instruments = st.sampled_from(load_instruments())


def by_the_book(i: Instrument, magnitude: float, exposure: float, airmass: float, sky: float, seeing: float) -> float:
    """Signal-to-noise ratio from energy instead of photon fluxes, one number at a time."""
    planck, light = 6.62607015e-34, 299792458.0
    wavelength = i.spectrum.wavelength * 1e-10
    band = light * (i.spectrum.element * 1e-10) / wavelength**2  # Hz
    power = 3631e-26 * band * i.aperture.area  # W of magnitude 0 on the mirror
    electrons = power / (planck * light / wavelength) * i.throughput.efficiency
    fwhm = seeing * airmass**0.6
    if i.spectrum.aperture == "slit":
        across, along = i.spectrum.width, 2.0 * fwhm
        fraction = float(slit_fraction(across, fwhm) * slit_fraction(along, fwhm))
        area, rows = across * along, along / i.detector.pixel_scale
    else:
        diameter = i.spectrum.width or 2.0 * fwhm
        fraction = float(circle_fraction(diameter, fwhm))
        area = math.pi * (diameter / 2.0) ** 2
        rows = (diameter / i.detector.pixel_scale) if i.spectrum.width else area / i.detector.pixel_scale**2
    source = electrons * fraction * 10 ** (-0.4 * (magnitude + i.conditions.extinction * airmass)) * exposure
    background = electrons * area * 10 ** (-0.4 * sky) * exposure
    pixels = rows * i.spectrum.element / i.detector.dispersion
    readouts = max(1, math.ceil(exposure / i.exposures.longest - 1e-9))
    return source / math.sqrt(source + background + readouts * pixels * i.detector.read_noise**2)


@pytest.mark.parametrize(("instrument", "anchor"), ANCHORS, ids=[f"{i.key}-{a.magnitude:g}" for i, a in ANCHORS])
def test_published_observation_is_explained_within_15_percent(instrument, anchor) -> None:
    snr = signal_to_noise(
        instrument, anchor.magnitude, anchor.exposure, airmass=anchor.airmass, sky=anchor.sky, seeing=anchor.seeing
    )
    # All that counts, photons and pixels, is in proportion to the width of the bin.
    snr = float(snr) * math.sqrt((anchor.bin or instrument.spectrum.element) / instrument.spectrum.element)
    assert snr == pytest.approx(anchor.snr, rel=0.15)


def test_throughput_of_sprat_is_the_published_one() -> None:
    # One photon per second and ångström from V = 16.5 at 5500 Å: so many that nothing but photons counts in an hour.
    sprat = get_instrument("sprat")
    snr = float(signal_to_noise(sprat, 16.5, 1000.0, sky=25.0, seeing=0.3))
    assert snr**2 / 1000.0 / sprat.spectrum.element == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(("magnitude", "exposure"), [(15.5, 420), (16.5, 600), (17.5, 900), (18.5, 1800), (19.5, 2700)])
def test_exposures_that_palomar_recommends_for_sedm_suffice_in_good_nights(magnitude: float, exposure: float) -> None:
    assert exposure_time(get_instrument("sedm"), magnitude, seeing=1.5, snr=10.0) < exposure


@pytest.mark.parametrize("instrument", load_instruments(), ids=lambda i: i.key)
def test_faint_limit_is_within_reach_on_a_dark_night_and_not_far_beyond(instrument: Instrument) -> None:
    faint = instrument.magnitudes.faint
    assert np.isfinite(exposure_time(instrument, faint, airmass=1.1))
    assert exposure_time(instrument, faint + 3.0, airmass=1.1) == np.inf


@given(
    instruments,
    st.floats(10, 24),
    st.floats(1, 20000),
    st.floats(1, 3),
    st.floats(17, 22),
    st.floats(0.4, 4),
)
def test_signal_to_noise_is_that_of_the_textbook(i, magnitude, exposure, airmass, sky, seeing) -> None:
    ours = signal_to_noise(i, magnitude, exposure, airmass=airmass, sky=sky, seeing=seeing)
    assert float(ours) == pytest.approx(by_the_book(i, magnitude, exposure, airmass, sky, seeing), rel=1e-9)


@given(instruments, st.floats(8, 24), st.floats(1, 3), st.floats(17, 22), st.floats(0.4, 4), st.floats(1, 100))
def test_exposure_time_reaches_the_ratio_and_no_more(i, magnitude, airmass, sky, seeing, snr) -> None:
    t = float(exposure_time(i, magnitude, airmass=airmass, sky=sky, seeing=seeing, snr=snr))
    reached = float(signal_to_noise(i, magnitude, min(t, i.exposures.total), airmass=airmass, sky=sky, seeing=seeing))
    if t == math.inf:
        assert reached < snr * (1 + 1e-9)
    elif t > i.exposures.shortest:
        assert reached == pytest.approx(snr, rel=1e-6)
    else:
        assert reached >= snr * (1 - 1e-9)


@given(instruments, st.floats(14, 23), st.floats(5, 40))
def test_exposure_is_split_no_more_often_than_it_must_be(i, magnitude, snr) -> None:
    t = float(exposure_time(i, magnitude, snr=snr))
    assume(math.isfinite(t))
    n = int(number_of_exposures(i, t))
    assert t / n <= i.exposures.longest * (1 + 1e-6)
    if n > 1:  # one exposure less, each of the longest, is not enough
        shorter = (n - 1) * i.exposures.longest * (1 - 1e-6)
        assert float(signal_to_noise(i, magnitude, shorter)) < snr


@given(instruments, st.floats(14, 22), st.floats(1, 2.5))
def test_faint_low_bright_sky_and_bad_seeing_all_cost_time(i, magnitude, airmass) -> None:
    t = exposure_time(i, magnitude, airmass=airmass)
    sky = i.conditions.dark_sky
    assert exposure_time(i, magnitude + 0.1, airmass=airmass) >= t
    assert exposure_time(i, magnitude, airmass=airmass + 0.1) >= t
    assert exposure_time(i, magnitude, airmass=airmass, sky=sky - 2.0) >= t
    assert exposure_time(i, magnitude, airmass=airmass, seeing=i.conditions.seeing * 1.2) >= t


@pytest.mark.parametrize("missing", [{"magnitude": np.nan}, {"airmass": np.nan}, {"airmass": np.inf}, {"sky": np.nan}])
def test_what_is_not_known_cannot_be_promised(missing: dict[str, float]) -> None:
    asked = {"magnitude": [18.0, 18.0], "airmass": [1.2, 1.2], "sky": [21.0, 21.0]}
    for name, value in missing.items():
        asked[name][0] = value
    times = exposure_time(get_instrument("sedm"), asked.pop("magnitude"), **asked)
    assert times[0] == np.inf
    assert np.isfinite(times[1])


def test_many_targets_at_many_times_are_one_call() -> None:
    rng = np.random.default_rng(5)
    efosc2, magnitude = get_instrument("efosc2"), rng.uniform(16, 21, 40)
    airmass, sky = rng.uniform(1, 2.4, (40, 7)), rng.uniform(18, 21.7, (40, 7))
    times = exposure_time(efosc2, magnitude[:, np.newaxis], airmass=airmass, sky=sky, seeing=1.2)
    assert times.shape == (40, 7)
    for k, j in [(0, 0), (17, 3), (39, 6)]:
        assert times[k, j] == exposure_time(efosc2, magnitude[k], airmass=airmass[k, j], sky=sky[k, j], seeing=1.2)


@pytest.mark.parametrize("snr", [0.0, -3.0, math.nan, math.inf])
def test_ratio_that_is_no_ratio_is_refused(snr: float) -> None:
    with pytest.raises(InstrumentError, match=r"a signal-to-noise ratio of .* for sedm; give a positive number"):
        exposure_time(get_instrument("sedm"), 18.0, snr=snr)


@pytest.mark.parametrize("seeing", [0.0, -1.0, math.nan])
def test_seeing_that_is_none_is_refused(seeing: float) -> None:
    with pytest.raises(InstrumentError, match=r"a seeing of .* arcsec at palomar; give a positive number"):
        signal_to_noise(get_instrument("sedm"), 18.0, 900.0, seeing=seeing)


def test_time_on_target_counts_acquisition_and_every_read_out() -> None:
    gmos = get_instrument("gmos_n")  # at most 1200 s at a time
    cost = gmos.overheads
    assert cost.extra > 0
    once, thrice, never = time_on_target(gmos, [900.0, 2500.0, np.inf])
    assert once == cost.acquisition + 900.0 + cost.readout
    assert thrice == cost.acquisition + 2500.0 + 3 * cost.readout + 2 * cost.extra
    assert never == np.inf


def moffat_on_a_grid(fwhm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A star, pixel by pixel, of total 1, and the coordinates of the pixels."""
    core = fwhm / (2.0 * math.sqrt(2.0 ** (1.0 / BETA) - 1.0))
    axis = (np.arange(1600) - 799.5) * 0.0125 * fwhm
    x, y = np.meshgrid(axis, axis)
    star = (1.0 + (x**2 + y**2) / core**2) ** -BETA
    return x, y, star / star.sum()


@pytest.mark.parametrize("fwhm", [0.6, 1.0, 2.3])
def test_loss_of_light_agrees_with_a_star_summed_pixel_by_pixel(fwhm: float) -> None:
    x, y, star = moffat_on_a_grid(fwhm)
    for width in (0.5 * fwhm, fwhm, 1.5 * fwhm):
        inside = np.abs(x) < width / 2.0
        assert float(slit_fraction(width, fwhm)) == pytest.approx(star[inside].sum(), abs=1e-3)
        assert float(circle_fraction(width, fwhm)) == pytest.approx(star[np.hypot(x, y) < width / 2.0].sum(), abs=2e-3)
        # Along the slit the profile is cut too: the product of the two is right to 1 %.
        window = inside & (np.abs(y) < fwhm)
        product = float(slit_fraction(width, fwhm) * slit_fraction(2.0 * fwhm, fwhm))
        assert product == pytest.approx(star[window].sum(), abs=0.01)


def krisciunas_schaefer(k: float, phase: float, rho: float, moon_zenith: float, zenith: float, dark: float) -> float:
    """The sky in nanolamberts, equation by equation, as in the paper."""
    x = (1.0 - 0.96 * math.sin(math.radians(zenith)) ** 2) ** -0.5
    x_moon = (1.0 - 0.96 * math.sin(math.radians(moon_zenith)) ** 2) ** -0.5
    moon = 10.0 ** (-0.4 * (3.84 + 0.026 * abs(phase) + 4e-9 * phase**4))
    scattered = 10.0**5.36 * (1.06 + math.cos(math.radians(rho)) ** 2)
    scattered += 6.2e7 * rho**-2 if rho < 10.0 else 10.0 ** (6.15 - rho / 40.0)
    b_moon = scattered * moon * 10.0 ** (-0.4 * k * x_moon) * (1.0 - 10.0 ** (-0.4 * k * x))
    b_dark = 34.08 * math.exp(20.7233 - 0.92104 * dark) * 10.0 ** (-0.4 * k * (x - 1.0)) * x
    return b_moon + b_dark


@given(
    st.floats(0.05, 0.5), st.floats(0, 180), st.floats(1, 180), st.floats(0, 89.9), st.floats(0, 90), st.floats(19, 22)
)
def test_moonlit_sky_is_that_of_the_paper(k, phase, rho, moon_zenith, zenith, dark) -> None:
    illumination = (1.0 + math.cos(math.radians(phase))) / 2.0
    ours = sky_brightness(illumination, 90.0 - moon_zenith, 90.0 - zenith, rho, dark_sky=dark, extinction=k)
    expected = krisciunas_schaefer(k, phase, rho, moon_zenith, zenith, dark)
    assert float(nanolamberts(ours)) == pytest.approx(expected, rel=1e-4)


def test_moonlight_agrees_with_another_program() -> None:
    # The example in the documentation of DESI's specsim: zenith angles of 20° and 70°, 50° apart, phase angle 45°.
    illumination = (1.0 + math.cos(math.radians(45.0))) / 2.0
    assert float(magnitudes(moonlight(illumination, 20.0, 70.0, 50.0, extinction=0.15))) == pytest.approx(
        19.855, abs=5e-4
    )


def test_moon_below_the_horizon_leaves_the_sky_dark() -> None:
    night = sky_brightness(1.0, [-30.0, -0.1, 0.5, 60.0], 90.0, 60.0, dark_sky=21.7)
    np.testing.assert_allclose(night[:2], 21.7, atol=1e-3)
    assert night[3] < night[2] < 21.7


def test_sky_is_brighter_near_the_moon_and_near_full_moon() -> None:
    assert (np.diff(sky_brightness(1.0, 45.0, 60.0, np.linspace(1.0, 90.0, 60))) > 0).all()
    assert (np.diff(sky_brightness(np.linspace(0.0, 1.0, 40), 45.0, 60.0, 60.0)) < 0).all()


def test_figures_of_the_manual_for_moonlight() -> None:
    new, half, full = sky_brightness([0.0, 0.5, 1.0], 45.0, 60.0, 90.0, dark_sky=21.6)
    assert new - full == pytest.approx(2.6, abs=0.05)
    assert new - half == pytest.approx(0.7, abs=0.05)


def test_sky_of_all_targets_at_all_times_is_one_call() -> None:
    rng = np.random.default_rng(8)
    moon_altitude, altitude = rng.uniform(-20, 70, 9), rng.uniform(-10, 90, (30, 9))
    sky = sky_brightness(0.7, moon_altitude, altitude, rng.uniform(2, 170, (30, 9)))
    assert sky.shape == (30, 9)
    np.testing.assert_array_equal(np.isnan(sky), altitude < 0.0)
