"""Labels people trust: what they say of light curves whose truth is known, and of real supernovae."""

from __future__ import annotations

import dataclasses
import datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from ampel_followup.alerts.ztf import light_curve_from_candidates
from ampel_followup.cosmology import distance_modulus
from ampel_followup.durations import FAST, SLOW
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude
from ampel_followup.simulate import DEFAULT_MIX, simulate_objects
from ampel_followup.traits import BRIGHT, FAINT, traits

EXPLOSIONS = {"SN Ia", "SN II", "SN Ib/c", "SLSN", "TDE", "rapid transient"}


def light_curve(time, flux, flux_err=3.0, band="ztfr", limits=(), **meta):
    """Detections, and 20 µJy limits (five sigma) at `limits`."""
    time, n = np.concatenate([time, limits]), len(time)
    return LightCurve(
        id="ZTF26aaaaaaa",
        stock=1,
        time=60000.0 + time,
        band=np.resize(np.asarray(band), len(time)),
        flux=np.concatenate([flux, np.zeros(len(limits))]),
        flux_err=np.concatenate([np.broadcast_to(flux_err, n), np.full(len(limits), 4.0)]),
        upper_limit=np.arange(len(time)) >= n,
        ra=150.0,
        dec=20.0,
        meta=meta,
    )


def one(light_curve):
    return {t.name: t for t in traits([light_curve])[0]}


@pytest.fixture(scope="module")
def simulated():
    mix = {**DEFAULT_MIX, "rapid transient": 0.08}
    objects = list(simulate_objects(1500, datetime.date(2026, 3, 14), np.random.default_rng(40), mix=mix, history=45))
    curves = [light_curve_from_candidates(s.id, 1, s.candidates) for s in objects]
    redshift = [{"z": s.redshift} if s.label in EXPLOSIONS else {} for s in objects]
    return objects, [
        dataclasses.replace(c, meta={**c.meta, **z, "ebv_sfd": 0.04}) for c, z in zip(curves, redshift, strict=True)
    ]


def test_every_object_has_speed_luminosity_and_structure(simulated):
    for labels in traits(simulated[1][:50]):
        assert [t.name for t in labels] == ["speed", "luminosity", "structure"]
        assert all(np.isnan(t.sure) == (t.label == "unknown") for t in labels)
    assert traits([]) == []


def test_nothing_is_said_of_an_object_without_a_detection():
    assert {t.label for t in one(light_curve(np.empty(0), np.empty(0), limits=[0.0, 3.0])).values()} == {"unknown"}


def test_hours_between_two_limits_are_fast_and_two_months_at_the_peak_are_slow():
    flare = light_curve(np.array([0.0, 0.03]), np.array([200.0, 120.0]), limits=[-4.0, -2.0, 1.0, 3.0])
    time = np.arange(-40.0, 60.0, 3.0)
    plateau = light_curve(time, 100.0 * np.exp2(-((time / 45.0) ** 2)))

    assert one(flare)["speed"].label == "fast"
    assert one(plateau)["speed"].label == "slow"


def test_a_single_detection_without_limits_has_no_sure_speed():
    assert one(light_curve(np.zeros(1), np.full(1, 100.0)))["speed"].label == "unknown"


def test_sure_speeds_are_right_as_often_as_they_say(simulated):
    objects, curves = simulated
    names = ("fast", "normal", "slow")
    said = [
        (t[0].sure, t[0].label == names[np.digitize(s.time_above_half(), [FAST, SLOW])])
        for s, t in zip(objects, traits(curves), strict=True)
        if s.label in EXPLOSIONS | {"CV", "M-dwarf flare"} and t[0].label != "unknown"
    ]
    sure, right = np.array(said, dtype=float).T

    assert len(sure) > 200
    assert right.mean() > sure.mean() - 0.07
    assert right[sure > 0.8].mean() > 0.85


def test_sure_luminosities_are_right_nearly_always(simulated):
    objects, curves = simulated
    said = []
    for s, labels in zip(objects, traits(curves), strict=True):
        true = s.peak_absolute_magnitude()
        if np.isfinite(true) and labels[1].sure > 0.8:
            said.append(labels[1].label == ("faint" if true > FAINT else "bright" if true < BRIGHT else "normal"))

    assert len(said) > 300
    assert np.mean(said) > 0.95


def test_no_redshift_means_that_the_luminosity_is_unknown(simulated):
    bare = [dataclasses.replace(c, meta={}) for c in simulated[1][:30]]

    assert {t[1].label for t in traits(bare)} == {"unknown"}


@pytest.mark.parametrize(("absolute", "label"), [(-14.0, "faint"), (-18.0, "normal"), (-21.5, "bright")])
def test_luminosity_follows_from_redshift_and_dust(absolute, label):
    time = np.arange(-10.0, 15.0, 2.0)
    redshift, ebv = 0.02, 0.3
    peak = absolute + distance_modulus(redshift) - 2.5 * np.log10(1 + redshift) + 2.285 * ebv
    flux, flux_err = flux_from_magnitude(peak + 0.01 * time**2, 0.03)
    given_z = one(light_curve(time, flux, flux_err, z=redshift, ebv_sfd=ebv))["luminosity"]
    vague = one(light_curve(time, flux, flux_err, photoz=redshift, photoz_err=0.02, ebv_sfd=ebv))["luminosity"]

    assert given_z.label == label
    assert given_z.sure > 0.95
    assert np.isnan(vague.sure) or vague.sure < given_z.sure


def _two_peaks(depth, noise, rng):
    time = np.arange(-18.0, 30.0, 1.5)
    main = np.exp2(-((time / 10.0) ** 2))
    early = depth * np.exp(-np.abs(time + 16.0) / 2.0)
    return light_curve(time, 200.0 * (main + early + noise * rng.standard_normal(len(time))), 200.0 * noise)


def test_early_peak_is_seen_where_the_photometry_is_good_enough():
    rng = np.random.default_rng(0)

    assert one(_two_peaks(1.5, 0.02, rng))["structure"].label == "early peak + main peak"
    assert one(_two_peaks(0.0, 0.02, rng))["structure"].label == "single peak"
    assert one(_two_peaks(0.8, 0.5, rng))["structure"].label != "early peak + main peak"


def test_noise_makes_no_early_peaks():
    rng = np.random.default_rng(1)
    curves = [_two_peaks(0.0, 0.08, rng) for _ in range(400)]

    assert np.mean([t[2].label == "early peak + main peak" for t in traits(curves)]) < 0.01


def test_variables_have_neither_one_peak_nor_two():
    time = np.arange(0.0, 60.0, 1.5)
    assert one(light_curve(time, 100.0 + 60.0 * np.sin(time / 3.0)))["structure"].label == "unknown"
    assert one(light_curve(time, 100.0 * np.cos(time / 15.0)))["structure"].label == "unknown"


def _dip_by_definition(light_curve):
    """Largest significance of a minimum, point by point, as the docstring of the fast path states it."""
    best = 0.0
    for band in np.unique(light_curve.band):
        rows = np.flatnonzero((light_curve.band == band) & light_curve.detected & (light_curve.flux > 0))
        f, e = light_curve.flux[rows], np.hypot(light_curve.flux_err[rows], 0.03 * light_curve.flux[rows])
        for j in range(1, len(f) - 1):
            i, k = np.argmax(f[:j]), j + 1 + np.argmax(f[j + 1 :])
            if f[j] < 0.85 * min(f[i], f[k]):
                best = max(best, min((f[m] - f[j]) / np.hypot(e[m], e[j]) for m in (i, k)))
    return best


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(1.0, 300.0), st.booleans()), min_size=5, max_size=12))
def test_two_peaks_are_found_where_the_definition_finds_them(points):
    flux = np.array([f for f, _ in points])
    curve = light_curve(np.arange(len(flux)) * 2.0, flux, 5.0, [["ztfg", "ztfr"][b] for _, b in points])
    label = one(curve)["structure"].label

    if label == "early peak + main peak":
        counts = max(np.sum(curve.band == b) for b in np.unique(curve.band))
        chance = min(1.0, norm.sf(_dip_by_definition(curve)) * counts**2)
        assert chance < 0.05
    if _dip_by_definition(curve) == 0.0:
        assert label != "early peak + main peak"


def test_a_row_does_not_depend_on_the_batch(simulated):
    curves = simulated[1][:40]
    together = traits(curves)

    assert [repr(traits([c])[0]) for c in curves] == [repr(t) for t in together]
    assert repr(traits(curves[::-1])[::-1]) == repr(together)


def test_more_points_make_the_speed_surer_on_average(simulated):
    _, curves = simulated
    long = [c for c in curves if c.detected.sum() >= 12 and not (c.flux[c.detected] < 0).any()][:60]
    share_known = []
    for n in (2, 12):
        cut = [c.time[np.flatnonzero(c.detected)[n - 1]] for c in long]
        part = [_until(c, end) for c, end in zip(long, cut, strict=True)]
        share_known.append(np.mean([t[0].label != "unknown" for t in traits(part)]))

    assert all(a < b for a, b in pairwise(share_known))


def _until(c, end):
    names = ("time", "band", "flux", "flux_err", "upper_limit", "source_id", "point_ra", "point_dec", "rb", "drb")
    return dataclasses.replace(c, **{name: getattr(c, name)[c.time <= end] for name in names})


def test_real_type_ia_supernovae_are_normal_in_speed_and_luminosity(shared_data):
    pq = pytest.importorskip("pyarrow.parquet")
    folder = shared_data / "ztf_bts_snia"
    points = {k: np.array(v) for k, v in pq.read_table(folder / "lightcurves.parquet").to_pydict().items()}
    labels = {row["ZTFID"]: row for row in pq.read_table(folder / "bts_snia_labels.parquet").to_pylist()}
    band_names = {"g": "ztfg", "R": "ztfr", "i": "ztfi"}
    curves = []
    for name in np.unique(points["name"])[:400]:
        own = {k: v[points["name"] == name] for k, v in points.items()}
        if name not in labels or len(own["mjd"]) < 12:
            continue
        flux, flux_err = flux_from_magnitude(own["mag"], own["magerr"])
        band = [band_names[b] for b in own["band"]]
        truth = labels[name]
        curves.append(
            LightCurve(
                id=str(name), stock=1, time=own["mjd"], band=band, flux=flux, flux_err=flux_err,
                upper_limit=np.zeros(len(flux), bool), ra=1.0, dec=1.0,
                meta={"z": float(truth["redshift"]), "ebv_sfd": float(truth["A_V"]) / 3.1},
            )
        )  # fmt: skip
    found = traits(curves)

    assert len(found) > 150
    speed = [t[0].label for t in found if t[0].label != "unknown"]
    luminosity = [t[1].label for t in found if t[1].label != "unknown"]
    structure = [t[2].label for t in found]
    assert speed.count("normal") > 0.9 * len(speed)
    assert luminosity.count("normal") > 0.95 * len(luminosity)
    assert structure.count("early peak + main peak") < 0.1 * len(structure)
