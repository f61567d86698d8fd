"""The ingredients of the simulation against slow or independent calculations."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from ampel_followup import cosmology
from ampel_followup.errors import FollowupError
from ampel_followup.simulate import distances, dust, survey
from ampel_followup.simulate.explosions import AGES, diffused, magnetar_heating, nickel_heating
from ampel_followup.simulate.night import simulate_objects
from ampel_followup.simulate.photosphere import SPECIES, blanketing, line_profiles, planck
from ampel_followup.simulate.sources import band_flux
from ampel_followup.simulate.variability import Flare, Outbursts, Periodic, damped_random_walk

REAL = "ztf_alerts/ztf_public_20180819_mod1000.tar.gz"


def test_distances_agree_with_astropy():
    from astropy.cosmology import FlatLambdaCDM

    redshift = np.array([0.003, 0.05, 0.3, 1.0, 3.0])
    expected = FlatLambdaCDM(H0=70, Om0=0.3, Tcmb0=0).luminosity_distance(redshift).value

    np.testing.assert_allclose(cosmology.luminosity_distance(redshift), expected, rtol=1e-4)
    np.testing.assert_allclose(distances.redshift_within(cosmology.distance_modulus(redshift)), redshift, rtol=1e-3)


def test_nearby_redshifts_fill_the_volume_evenly():
    redshift = distances.volume_redshifts(np.full(20000, 0.05), np.random.default_rng(0))
    volume = (cosmology.luminosity_distance(redshift) / (1 + redshift)) ** 3
    share = volume / ((cosmology.luminosity_distance(0.05) / 1.05) ** 3)

    # Uniform but for 1 / (1 + z), which favours the near half by some percent.
    assert np.mean(share < 0.5) == pytest.approx(0.5, abs=0.02)
    assert redshift.max() <= 0.05


def test_extinction_agrees_with_sncosmo():
    import sncosmo

    law = sncosmo.CCM89Dust()
    law.set(ebv=0.3)
    wavelength = np.arange(1300.0, 14000.0, 50.0)

    ours = dust.transmitted(wavelength[None, :], np.array([0.3]))[0]

    np.testing.assert_allclose(ours, law.propagate(wavelength, np.ones(len(wavelength))), rtol=3e-3)


def test_galactic_latitude_agrees_with_astropy():
    from astropy.coordinates import SkyCoord

    ra, dec = np.random.default_rng(1).uniform([0, -90], [360, 90], (50, 2)).T
    expected = SkyCoord(ra, dec, unit="deg").galactic.b.deg

    np.testing.assert_allclose(survey.galactic_latitude(ra, dec), expected, atol=1e-3)


@pytest.mark.parametrize("date", [datetime.date(2020, 6, 21), datetime.date(2020, 12, 21), datetime.date(2021, 3, 3)])
def test_night_begins_and_ends_with_the_sun_fifteen_degrees_down(date):
    from astropy import units as u
    from astropy.coordinates import AltAz, EarthLocation, get_sun
    from astropy.time import Time
    from astropy.utils import iers

    darkness = survey.palomar_night(date)
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        time = Time([darkness.start, darkness.end], format="mjd")
        palomar = EarthLocation.from_geodetic(-116.865 * u.deg, 33.3563 * u.deg)
        altitude = get_sun(time).transform_to(AltAz(obstime=time, location=palomar)).alt.deg

    np.testing.assert_allclose(altitude, -15.0, atol=0.1)
    assert datetime.date(1858, 11, 17) + datetime.timedelta(darkness.start - 7.8 / 24) == date


def test_moon_is_new_and_full_when_the_calendar_says():
    # 2024-04-08 solar eclipse, 2025-03-14 lunar eclipse.
    dark, bright = survey.moon_illumination(np.array([60408.76, 60748.29]))

    assert dark < 0.02
    assert bright > 0.98


@pytest.mark.parametrize("tau", [8.0, 40.0])
def test_diffusion_agrees_with_the_integral_of_arnett(tau):
    """The slow twin: L(t) = (2/τ²) ∫ t' exp((t'² − t²)/τ²) Q(t') dt' by quadrature."""

    def heating(t: float) -> float:
        return 1.0 / (1.0 + t / 6.0) ** 2

    fast = diffused(magnetar_heating(np.array([6.0])), np.array([tau]))[0]

    for k in (30, 45, 60):
        t = AGES[k]
        slow = quad(lambda s, t=t: 2 * s / tau**2 * np.exp((s * s - t * t) / tau**2) * heating(s), 0, t)[0]
        assert fast[k] == pytest.approx(slow, rel=0.02)


def test_radioactive_heating_only_declines():
    heating = nickel_heating(np.array([30.0, 100.0]))

    assert np.all(np.diff(heating, axis=1) < 0)


def test_black_body_integrates_to_the_stefan_boltzmann_law():
    wavelength = np.geomspace(200.0, 2e6, 20000)
    for temperature in (4000.0, 15000.0):
        total = np.trapezoid(planck(wavelength[None, :], np.array([temperature]))[0], wavelength)
        assert np.pi * total == pytest.approx(5.670374e-5 * temperature**4, rel=1e-3)


def test_absorption_lies_blueward_by_the_velocity_of_the_photosphere():
    wavelength = np.arange(5800.0, 6800.0, 1.0)[None, :]
    profile = line_profiles(wavelength, np.array([10000.0]), {"Na I": np.array([1.0])}, -1.0, 0.3)[0]
    shift = wavelength[0, np.argmax(profile)] / 5892.0 - 1.0

    assert profile.max() < 1.0  # its centre is blueward of the window
    assert shift == pytest.approx(5800.0 / 5892.0 - 1.0)
    hydrogen = line_profiles(wavelength, np.array([10000.0]), {"H": np.array([1.0])}, -1.0, 0.3)[0]
    assert wavelength[0, np.argmax(hydrogen)] == pytest.approx(6562.8 * (1 - 10000 / 299792.458), abs=1.0)


@settings(max_examples=30, deadline=None)
@given(st.floats(2500.0, 40000.0), st.sampled_from(sorted(SPECIES)))
def test_visibility_of_a_species_is_a_share(temperature, name):
    visible = SPECIES[name].visibility(np.array([temperature]))

    assert 0.0 <= visible[0] <= 1.0


def test_blanketing_leaves_the_red_alone():
    suppressed = blanketing(np.array([[2500.0, 3500.0, 5000.0]]), 3900.0, np.array([2.0]))[0]

    assert suppressed[0] < suppressed[1] < suppressed[2] == 1.0


def test_random_walk_has_the_variance_and_the_memory_asked_for():
    n = 4000
    walk = damped_random_walk(np.full(n, 0.3), np.full(n, 50.0), 0.0, 60.0, np.random.default_rng(0))

    assert np.std(walk.magnitude[:, -1]) == pytest.approx(0.3, rel=0.05)
    lagged = np.mean(walk.magnitude[:, 0] * walk.magnitude[:, 100]) / 0.09  # 50 d later
    assert lagged == pytest.approx(np.exp(-1.0), abs=0.05)


def test_periodic_star_repeats_itself():
    star = Periodic(np.array([0.57]), np.array([[0.4, 0.2]]), np.array([[0.1, 0.3]]), np.ones(1))
    which = np.zeros(50, dtype=np.intp)
    mjd = np.linspace(61000.0, 61001.0, 50)

    np.testing.assert_allclose(star(which, mjd), star(which, mjd + 0.57 * 17), rtol=1e-6)


def test_outburst_and_flare_return_to_quiescence():
    one = np.ones(1)
    outburst = Outbursts(np.array([[100.0]]), one, 5 * one, 1.5 * one, 20 * one, one)
    flare = Flare(np.array([100.0]), np.array([0.01]), 3 * one, one)
    which = np.zeros(3, dtype=np.intp)

    before, during, after = outburst(which, np.array([99.0, 103.0, 160.0]))
    assert before == 1.0
    assert during > 15
    assert after == pytest.approx(1.0, abs=1e-6)
    before, during, after = flare(which, np.array([99.9, 100.0, 101.0]))
    assert before == 1.0
    assert during == pytest.approx(1.0 + 3 * 0.992)
    assert after == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.floats(-2000.0, 2000.0), st.floats(0.0, 20000.0), st.floats(17.0, 21.0), st.floats(-4.0, 4.0))
def test_errors_are_positive_and_detections_are_five_sigma(flux, static, limit, deviate):
    measured = survey.measure(np.array([flux]), np.array([static]), np.array([limit]), np.array([[deviate, 0.0]]))

    assert measured.flux_err[0] > 0
    assert measured.detected[0] == (measured.signal_to_noise[0] >= 5.0)


def test_a_bright_star_beneath_hides_small_changes():
    deviates = np.zeros((2, 2))
    measured = survey.measure(np.full(2, 30.0), np.array([0.0, 5000.0]), np.full(2, 20.5), deviates)

    assert measured.detected.tolist() == [True, False]


def test_fluxes_of_one_object_do_not_depend_on_the_company():
    made = list(simulate_objects(30, datetime.date(2026, 3, 14), np.random.default_rng(1), mix={"SN Ia": 1.0}))
    source = made[0]._source
    together = [s for s in made if s._source is source]
    which = np.array([s._which for s in together])
    mjd = np.full(len(which), made[0].night)
    fid = np.full(len(which), 2)

    batch = band_flux(source, which, mjd, fid)
    alone = [band_flux(source, which[k : k + 1], mjd[:1], fid[:1])[0] for k in range(len(which))]

    np.testing.assert_allclose(batch, alone, rtol=1e-7)


def test_weather_closes_the_dome_now_and_then_but_not_tonight():
    nights = [survey.draw_weather(31, np.random.default_rng(seed)) for seed in range(40)]

    assert all(weather.clear[0] for weather in nights)
    assert 0.6 < np.mean([weather.clear.mean() for weather in nights]) < 0.85


def test_fields_are_visited_every_second_or_third_clear_night():
    weather = survey.Weather(np.ones(31, dtype=bool), np.zeros(31), np.full(31, 2.0))
    darkness = survey.palomar_night(datetime.date(2026, 3, 14))
    visits = survey.draw_visits(200, darkness, weather, np.random.default_rng(0))
    nights = [np.unique(np.floor(visits.mjd[visits.which == k])) for k in range(200)]
    gaps = np.concatenate([np.diff(each) for each in nights])

    assert set(np.unique(gaps)) >= {2.0, 3.0}
    assert 2.0 <= np.median(gaps) <= 3.0
    assert np.all((visits.mjd[visits.tonight] >= darkness.start) & (visits.mjd[visits.tonight] <= darkness.end))


def test_positions_are_above_the_horizon_and_stars_crowd_to_the_plane():
    rng = np.random.default_rng(0)
    mjd = np.full(2000, survey.palomar_night(datetime.date(2026, 7, 14)).start + 0.15)
    stars, galaxies = (survey.positions(mjd, scale, rng) for scale in (10.0, 0.0))

    assert np.median(np.abs(survey.galactic_latitude(*stars))) < 0.6 * np.median(
        np.abs(survey.galactic_latitude(*galaxies))
    )
    for ra, dec in (stars, galaxies):
        hour_angle = np.radians(survey.sidereal_time(mjd) - ra)
        latitude = np.radians(33.3563)
        sine = np.sin(latitude) * np.sin(np.radians(dec)) + np.cos(latitude) * np.cos(np.radians(dec)) * np.cos(
            hour_angle
        )
        assert np.mean(sine > 1 / 2.4 - 1e-9) > 0.99


def real_detections(folder: Path) -> np.ndarray:
    """Magnitude − limit, error, and score of the real detections of the mission's public packets."""
    import io
    import tarfile

    import fastavro

    rows = []
    with tarfile.open(folder / REAL) as archive:
        for member in archive:
            for packet in fastavro.reader(io.BytesIO(archive.extractfile(member).read())):
                rows += [
                    (record["magpsf"] - record["diffmaglim"], record["sigmapsf"], record["diffmaglim"])
                    for record in (*(packet["prv_candidates"] or ()), packet["candidate"])
                    if record["magpsf"] is not None
                ]
    return np.array(rows)


def test_errors_and_limits_resemble_those_of_real_alerts(shared_data: Path):
    real = real_detections(shared_data)
    made = simulate_objects(400, datetime.date(2026, 3, 20), np.random.default_rng(8))
    simulated = np.array(
        [
            (r["magpsf"] - r["diffmaglim"], r["sigmapsf"], r["diffmaglim"])
            for s in made
            for r in s.candidates
            if r["candid"] is not None
        ]
    )

    for faint, bright in ((-0.5, 0.0), (-1.0, -0.5), (-2.0, -1.0), (-3.0, -2.0)):
        sigma = [np.median(x[(x[:, 0] >= faint) & (x[:, 0] < bright), 1]) for x in (real, simulated)]
        assert sigma[1] == pytest.approx(sigma[0], rel=0.3)
    assert np.median(simulated[:, 2]) == pytest.approx(np.median(real[:, 2]), abs=0.4)


def test_no_object_is_invented_when_a_class_is_never_detected(monkeypatch):
    monkeypatch.setattr("ampel_followup.simulate.night._ROUNDS", 0)

    with pytest.raises(FollowupError, match="take another night or leave the class out"):
        list(simulate_objects(1, datetime.date(2026, 3, 14), np.random.default_rng(0)))


def test_records_are_plain_numbers_that_json_can_hold():
    for simulated in simulate_objects(5, datetime.date(2026, 3, 14), np.random.default_rng(0)):
        assert json.loads(json.dumps(simulated.candidates, allow_nan=False)) == simulated.candidates
