"""The analytic bands stand in for the surveys' own curves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ampel_followup.bands import BANDS, SPEED_OF_LIGHT, by_wavelength, sncosmo_bandpass


@pytest.fixture
def survey_bandpass(shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SNCOSMO_DATA_DIR", str(shared_data / "sncosmo"))
    import sncosmo

    return sncosmo.get_bandpass


def black_body(wavelength: np.ndarray, temperature: float) -> np.ndarray:
    """f_λ in arbitrary units."""
    return wavelength**-5 / np.expm1(1.43877688e8 / (wavelength * temperature))


def ab_magnitude(wavelength: np.ndarray, transmission: np.ndarray, flux: np.ndarray) -> float:
    numerator = np.trapezoid(flux * wavelength * transmission, wavelength)
    return float(-2.5 * np.log10(numerator / np.trapezoid(transmission / wavelength, wavelength)))


@pytest.mark.parametrize("name", BANDS)
def test_effective_wavelength_agrees_with_the_survey_to_one_angstrom(name, survey_bandpass):
    real = survey_bandpass(name).wave_eff

    assert BANDS[name].effective_wavelength == pytest.approx(real, abs=1.0)
    assert sncosmo_bandpass(name).wave_eff == pytest.approx(real, abs=1.0)


@pytest.mark.parametrize("name", BANDS)
@pytest.mark.parametrize("temperature", [3500.0, 6000.0, 10000.0, 20000.0])
def test_black_body_has_the_survey_magnitude_to_five_millimagnitudes(name, temperature, survey_bandpass):
    real = survey_bandpass(name)
    wavelength = np.arange(3000.0, 11500.0, 2.0)
    flux = black_body(wavelength, temperature)

    expected = ab_magnitude(wavelength, real(wavelength), flux)
    actual = ab_magnitude(wavelength, BANDS[name].transmission(wavelength), flux)

    assert actual == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("name", BANDS)
def test_transmission_follows_the_survey_curve(name, survey_bandpass):
    real = survey_bandpass(name)
    wavelength = np.arange(real.minwave(), real.maxwave(), 5.0)

    # The i, z and y curves of the surveys have atmospheric absorption bands that the approximation smooths over.
    assert np.std(BANDS[name].transmission(wavelength) - real(wavelength)) < 0.04


@pytest.mark.parametrize("name", BANDS)
def test_quadrature_of_a_flat_spectrum_gives_its_flux(name):
    nodes, weights = BANDS[name].quadrature()
    flat = 1e-29 * SPEED_OF_LIGHT / nodes**2  # 1 µJy at every frequency

    assert weights @ flat == pytest.approx(1.0, rel=1e-9)


def test_unknown_band_is_refused_with_the_known_ones_named():
    with pytest.raises(KeyError, match="no band 'ztfx'; there are ztfg, ztfr"):
        sncosmo_bandpass("ztfx")


def test_names_and_letters_load_no_science_stack():
    code = (
        "import sys; from ampel_followup.bands import BANDS; assert BANDS['lssty'].letter == 'y';"
        "print([m for m in ('numpy', 'sncosmo', 'astropy', 'scipy') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_bands_are_listed_from_blue_to_red_whatever_the_survey():
    mixed = ["lssty", "ztfr", "ztfg", "atlaso", "lsstu", "unheard", "atlasc", "lsstz", "ztfi", "another"]
    blue_to_red = ["lsstu", "ztfg", "atlasc", "ztfr", "atlaso", "ztfi", "lsstz", "lssty", "another", "unheard"]
    assert by_wavelength(mixed) == by_wavelength(mixed[::-1]) == blue_to_red
