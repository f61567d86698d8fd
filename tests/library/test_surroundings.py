"""Redshift, distance and surroundings of an object, in words."""

from __future__ import annotations

import math

import pytest
from astropy import units as u
from astropy.cosmology import FlatLambdaCDM

from ampel_followup.labels import Label
from ampel_followup.redshifts import Redshift, best_redshift
from ampel_followup.surroundings import surroundings

TIME = "2026-11-20T00:00:00.000000Z"
GALAXY = {"distpsnr1": 3.1, "sgscore1": 0.02, "srmag1": 17.6, "neargaia": 41.0, "maggaia": 15.0}


def label(source: str, redshift: float, time: str = TIME) -> Label:
    return Label("x", "SN Ia", source, time, redshift=redshift)


def test_the_redshift_of_a_spectrum_is_believed_before_all_others() -> None:
    meta = {"z": 0.04, "photoz": 0.06, "photoz_err": 0.01}
    labels = [label("human", 0.3), label("TNS", 0.05), label("spectrum", 0.051)]
    assert best_redshift(labels, meta) == Redshift(0.051, pytest.approx(math.nan, nan_ok=True), "spectrum")
    assert best_redshift(labels[:2], meta).source == "TNS"
    assert best_redshift([], meta).value == 0.04
    photometric = best_redshift([], {"photoz": 0.06, "photoz_err": 0.01})
    assert (photometric.value, photometric.error, photometric.source) == (0.06, 0.01, "photometric, of the host")


@pytest.mark.parametrize("value", [math.nan, 0.0, -0.001, 4.0])
def test_a_redshift_that_gives_no_distance_is_none(value: float) -> None:
    assert best_redshift([label("TNS", value)], {"z": value}) is None


def test_a_later_label_of_the_same_source_supersedes_the_redshift() -> None:
    later = label("TNS", 0.07, "2026-11-21T00:00:00.000000Z")
    assert best_redshift([later, label("TNS", 0.05)], {}).value == 0.07


@pytest.mark.parametrize("z", [0.001, 0.03, 0.5, 2.0])
def test_distances_are_those_of_astropy(z: float) -> None:
    cosmology, redshift = FlatLambdaCDM(70, 0.3), Redshift(z, math.nan, "TNS")
    assert redshift.distance_modulus == pytest.approx(cosmology.distmod(z).value, abs=1e-3)
    per_arcsec = cosmology.kpc_proper_per_arcmin(z).to_value(u.kpc / u.arcsec)
    assert redshift.kpc_per_arcsec == pytest.approx(per_arcsec, rel=1e-4)


def test_the_sentence_names_host_distance_luminosity_stars_and_latitude() -> None:
    text = surroundings(GALAXY, -43.2, Redshift(0.041, math.nan, "TNS"), 18.7)
    assert text == (
        "3.1″ from a catalogued galaxy of 17.6 mag in r, 2.5 kpc from its core; at z = 0.041 (TNS), "
        "M = −17.6 now without K correction; no star of Gaia within 30″; 43° below the plane of the Galaxy."
    )


def test_a_star_is_no_host_and_what_is_not_known_is_not_mentioned() -> None:
    star = {"distpsnr1": 0.2, "sgscore1": 0.99, "neargaia": 0.2, "maggaia": 16.1}
    text = surroundings(star, 12.0, Redshift(0.041, math.nan, "TNS"))
    assert text.startswith("On a catalogued star; at z = 0.041 (TNS); the nearest star of Gaia 0.2″ away (16.1 mag)")
    assert "kpc" not in text
    assert surroundings({}, 0.2) == "0° above the plane of the Galaxy."
    assert surroundings({"distpsnr1": math.nan}, 50.0) == "50° above the plane of the Galaxy."
