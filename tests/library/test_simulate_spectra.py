"""Simulated spectra show what a class is known by."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from ampel_followup.bands import BANDS
from ampel_followup.errors import FollowupError
from ampel_followup.simulate import simulate_objects
from ampel_followup.simulate.night import SimulatedObject
from ampel_followup.simulate.sncosmo_sources import explosion_source, object_source

NIGHT = datetime.date(2026, 3, 14)


def objects(label: str, n: int = 12, seed: int = 4) -> list[SimulatedObject]:
    return list(simulate_objects(n, NIGHT, np.random.default_rng(seed), mix={label: 1.0}))


def mean_flux(wavelength: np.ndarray, flux: np.ndarray, start: float, end: float) -> float:
    return float(np.mean(flux[(wavelength >= start) & (wavelength <= end)]))


def at_maximum(subtype: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    source = explosion_source(subtype, np.random.default_rng(seed))
    wavelength = np.arange(3500.0, 9000.0, 10.0)
    return wavelength, source.flux(0.0, wavelength)


def test_spectrum_covers_the_optical_with_errors_in_every_pixel():
    wavelength, flux, flux_err = objects("SN Ia", 1)[0].spectrum(np.random.default_rng(0))

    assert wavelength[0] == 3800.0
    assert wavelength[-1] == 9200.0
    assert flux.shape == flux_err.shape == wavelength.shape == (1081,)
    assert np.all(flux_err > 0)


def test_noise_is_as_large_as_the_errors_say():
    simulated = objects("AGN", 1)[0]
    rng = np.random.default_rng(1)
    spectra = np.array([simulated.spectrum(rng, snr=5.0)[1:] for _ in range(300)])

    # Blue of 5,000 Å the sky lines are weak; the calibration adds some 4 % to the noise of 20 %.
    scatter = np.std(spectra[:, 0], axis=0) / np.mean(spectra[:, 1], axis=0)

    assert np.median(scatter) == pytest.approx(1.02, abs=0.05)


def test_signal_to_noise_is_what_was_asked_for():
    _, flux, flux_err = objects("SN Ia", 1)[0].spectrum(np.random.default_rng(0), snr=40.0)

    assert np.median(flux / flux_err) == pytest.approx(40.0, rel=0.1)


def test_brighter_objects_get_better_spectra():
    rng = np.random.default_rng(2)
    brightness, quality = [], []
    for simulated in objects("CV", 20):
        _, flux, flux_err = simulated.spectrum(rng)
        brightness.append(np.median(flux))
        quality.append(np.median(flux / flux_err))

    assert np.corrcoef(np.log(np.abs(brightness)), quality)[0, 1] > 0.6


def test_type_ia_shows_silicon_at_maximum():
    wavelength, flux = at_maximum("Ia")

    assert mean_flux(wavelength, flux, 6080, 6180) < 0.75 * mean_flux(wavelength, flux, 6380, 6480)


def test_type_iip_shows_hydrogen_with_a_p_cygni_profile():
    source = explosion_source("IIP", np.random.default_rng(0))
    wavelength = np.arange(3500.0, 9000.0, 10.0)
    flux = source.flux(35.0, wavelength)

    assert mean_flux(wavelength, flux, 6520, 6600) > 1.25 * mean_flux(wavelength, flux, 6800, 6900)
    assert mean_flux(wavelength, flux, 6390, 6450) < mean_flux(wavelength, flux, 6520, 6600) / 1.5


def test_type_iin_lines_are_narrower_than_those_of_iip():
    wavelength, flux = at_maximum("IIn")
    line = mean_flux(wavelength, flux, 6555, 6570)

    assert line > 1.5 * mean_flux(wavelength, flux, 6650, 6700)


def test_type_ic_has_no_helium_and_ib_has():
    depth = {}
    for subtype in ("Ib", "Ic"):
        wavelength = np.arange(3500.0, 9000.0, 10.0)
        flux = explosion_source(subtype, np.random.default_rng(3)).flux(10.0, wavelength)
        depth[subtype] = mean_flux(wavelength, flux, 6820, 6900) / mean_flux(wavelength, flux, 7040, 7120)

    assert depth["Ib"] < depth["Ic"]


def test_tidal_disruption_is_blue_and_stays_so():
    source = explosion_source("TDE-H+He", np.random.default_rng(0))
    wavelength = np.array([4200.0, 6100.0])

    for phase in (0.0, 60.0):
        blue, red = source.flux(phase, wavelength)
        assert blue > 2.0 * red


def test_supernova_reddens_as_it_ages():
    source = explosion_source("Ia", np.random.default_rng(0))
    ratio = [np.divide(*source.flux(phase, np.array([4400.0, 6600.0]))) for phase in (-5.0, 25.0)]

    assert ratio[1] < 0.5 * ratio[0]


def test_explosion_is_dark_before_it_starts():
    source = explosion_source("IIP", np.random.default_rng(0))

    assert np.all(source.flux(-60.0, np.array([5000.0, 6000.0])) == 0)


def test_unknown_subtype_is_refused_with_the_known_ones_named():
    with pytest.raises(FollowupError, match="there are Ia, Ia-91T"):
        explosion_source("Ix", np.random.default_rng(0))


def test_flare_star_shows_titanium_oxide_and_balmer_emission_the_day_after():
    simulated = objects("M-dwarf flare", 1)[0]
    wavelength, flux, _ = simulated.spectrum(np.random.default_rng(0), snr=100.0)

    assert mean_flux(wavelength, flux, 7080, 7160) < 0.75 * mean_flux(wavelength, flux, 7400, 7500)
    assert mean_flux(wavelength, flux, 6555, 6570) > 1.3 * mean_flux(wavelength, flux, 6500, 6530)


def test_bogus_without_a_neighbour_gives_nothing_but_noise():
    rng = np.random.default_rng(0)
    empty = [s for s in objects("bogus", 30) if s.subtype == "noise" and s.candidates[-1]["distpsnr1"] > 2]

    assert empty
    for simulated in empty:
        _, flux, flux_err = simulated.spectrum(rng)
        assert abs(np.mean(flux / flux_err)) < 0.2


def test_host_light_is_in_the_spectrum_long_after_the_supernova_has_gone():
    simulated = objects("SN Ia", 12)[0]
    last = simulated.candidates[-1]["jd"] - 2400000.5
    late = simulated.spectrum(np.random.default_rng(0), mjd=last + 2000.0, snr=50.0)[1]

    assert np.median(late) > 0


@pytest.mark.parametrize("label", ["SN Ia", "SN II", "SLSN", "TDE", "AGN", "CV"])
def test_band_fluxes_agree_with_sncosmo(label):
    """Photometry of the simulation = sncosmo's integral over the simulated spectrum."""
    from ampel_followup.bands import sncosmo_bandpass
    from ampel_followup.simulate.sources import band_flux

    simulated = objects(label, 2)[1]
    mjd = np.array([record["jd"] - 2400000.5 for record in simulated.candidates[-1:]]) + np.array([0.0, 3.0, 8.0])
    source = object_source(simulated, mjd)

    for fid, name in ((1, "ztfg"), (2, "ztfr"), (3, "ztfi")):
        expected = [source.bandflux(sncosmo_bandpass(name), t, 23.9, "ab") for t in mjd]
        which = np.full(3, simulated._which)
        actual = band_flux(simulated._source, which, mjd, np.full(3, fid))
        np.testing.assert_allclose(actual, expected, rtol=0.004)


def test_distance_dust_and_redshift_agree_with_sncosmo():
    """The whole chain from a rest-frame sequence to the observed flux, against sncosmo.Model."""
    import sncosmo

    from ampel_followup.cosmology import luminosity_distance
    from ampel_followup.simulate.explosions import scale_to_magnitude
    from ampel_followup.simulate.shapes import galaxies
    from ampel_followup.simulate.sources import Transient
    from ampel_followup.simulate.supernovae import type_ia

    magnitude, redshift, start = np.array([-19.3]), np.array([0.08]), 61000.0
    explosion = type_ia(magnitude, np.random.default_rng(9))
    host = galaxies(np.array([True]), redshift, np.zeros(1), np.random.default_rng(0))
    transient = Transient(
        explosion,
        scale_to_magnitude(explosion, magnitude, "ztfg"),
        redshift,
        np.array([start]),
        np.array([0.2]),
        np.array([0.1]),
        host,
        np.zeros(1),
    )
    source = explosion_source("Ia", np.random.default_rng(9), magnitude=-19.3)
    dust = sncosmo.CCM89Dust
    model = sncosmo.Model(source, effects=[dust(), dust()], effect_names=["host", "mw"], effect_frames=["rest", "obs"])
    amplitude = (1e-5 / luminosity_distance(redshift)[0]) ** 2
    model.set(z=0.08, t0=start + 1.08 * explosion.reference_age[0], amplitude=amplitude, hostebv=0.2, mwebv=0.1)

    wavelength = np.arange(4000.0, 8500.0, 25.0)
    # At the ages of the table, where no interpolation comes in; sncosmo leaves one factor 1 + z to its amplitude.
    from ampel_followup.simulate.explosions import AGES

    for age in AGES[[20, 25, 35]]:
        mjd = start + 1.08 * age
        ours = transient.difference(np.array([0]), np.array([mjd]), wavelength)[0]
        np.testing.assert_allclose(ours, model.flux(mjd, wavelength), rtol=0.01)


def test_shapes_are_normalised_to_one_microjansky():
    from ampel_followup.simulate.shapes import galaxies, stars

    nodes, weights = BANDS["ztfr"].quadrature()
    rng = np.random.default_rng(0)
    for shape in (
        galaxies(np.array([True, False]), np.array([0.01, 0.2]), np.array([0.0, 0.3]), rng),
        stars(np.array([3000.0, 9000.0]), np.array([2.0, 0.0]), np.array([0.1, 0.4])),
    ):
        np.testing.assert_allclose(shape.flux_density(np.arange(2), nodes) @ weights, 1.0, rtol=1e-9)
