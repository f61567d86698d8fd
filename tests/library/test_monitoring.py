"""What a follower of an object is told when it stops doing what was to be expected."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import pytest

from ampel_followup.alerts.ztf import light_curve_from_candidates
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude
from ampel_followup.monitoring import LEAST_CHANGE, anomalies
from ampel_followup.simulate import simulate_objects

NIGHT = datetime.date(2026, 3, 14)
SUPERNOVAE = {"SN Ia": 1.0, "SN II": 1.0, "SN Ib/c": 0.5, "TDE": 0.3, "SLSN": 0.3}


def declining(last_change=0.0, *, rate=0.05, rng=None, limit_at_the_end=False, bands=("ztfg", "ztfr")):
    """Two bands every second night for 24 days, 0.03 mag errors; the last night off by `last_change` [mag]."""
    nights = np.arange(0.0, 25.0, 2.0)
    time = np.concatenate([nights + 0.03 * k for k in range(len(bands))])
    noise = 0.0 if rng is None else 0.03 * rng.standard_normal(len(time))
    mag = 17.0 + rate * time + noise
    mag[time >= 24.0] += last_change
    flux, flux_err = flux_from_magnitude(mag, 0.03)
    gone = (time >= 24.0) & limit_at_the_end
    return LightCurve(
        id="ZTF26aaaaaaa",
        stock=1,
        time=61340.0 + time,
        band=np.repeat(bands, len(nights)),
        flux=np.where(gone, 0.0, flux),
        flux_err=np.where(gone, 4.0, flux_err),
        upper_limit=gone,
        ra=1.0,
        dec=1.0,
    )


def test_rebrightening_is_said_with_size_band_date_and_significance():
    (words,) = anomalies([declining(-0.8, bands=("ztfr",))])

    assert words.startswith("brighter by 0.8 mag in r than its decline until 2026-11-")
    assert words.endswith("σ)")


def test_sudden_fading_is_said():
    (words,) = anomalies([declining(2.0)])

    assert words.startswith("fainter by 2.0 mag")


def test_disappearance_below_the_limit_is_a_fading():
    (words,) = anomalies([declining(limit_at_the_end=True)])

    assert words.startswith("fainter by ")


def test_what_goes_on_as_before_is_not_worth_a_word():
    rng = np.random.default_rng(0)

    assert anomalies([declining(rng=rng) for _ in range(300)]) == [""] * 300
    assert anomalies([]) == []


def test_small_changes_are_left_out_however_significant():
    assert anomalies([declining(-0.8 * LEAST_CHANGE)]) == [""]


def test_bands_that_disagree_raise_no_alarm():
    curve = declining()
    flux = curve.flux.copy()
    flux[(curve.time > 61363.9) & (curve.band == "ztfr")] *= 3.0

    assert anomalies([dataclasses.replace(curve, flux=flux)]) == [""]


def test_one_outlier_among_the_earlier_points_does_not_bend_the_trend():
    curve = declining()
    flux = curve.flux.copy()
    flux[10] *= 2.5

    assert anomalies([dataclasses.replace(curve, flux=flux)]) == [""]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_young_objects_have_no_trend_to_depart_from(n):
    curve = declining(-2.0)
    names = ("time", "band", "flux", "flux_err", "upper_limit", "source_id", "point_ra", "point_dec", "rb", "drb")

    assert anomalies([dataclasses.replace(curve, **{m: getattr(curve, m)[-n:] for m in names})]) == [""]


def test_the_future_of_others_changes_no_word():
    rng = np.random.default_rng(2)
    curves = [declining(c, rng=rng) for c in rng.uniform(-2.0, 2.0, 40)]

    assert [anomalies([c])[0] for c in curves] == anomalies(curves)


def test_alarms_on_ordinary_simulated_supernovae_are_rare():
    made = simulate_objects(1200, NIGHT, np.random.default_rng(8), mix=SUPERNOVAE, history=120)
    words = anomalies([light_curve_from_candidates(s.id, 1, s.candidates) for s in made])

    assert sum(map(bool, words)) < 0.01 * len(words)


def test_real_type_ia_supernovae_raise_no_alarm_but_do_when_they_rebrighten(shared_data):
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(shared_data / "ztf_bts_snia" / "lightcurves.parquet").to_pydict()
    points = {name: np.array(values) for name, values in table.items()}
    band_names = {"g": "ztfg", "R": "ztfr", "i": "ztfi"}
    curves, brighter = [], []
    for name in np.unique(points["name"])[:500]:
        own = {k: v[points["name"] == name] for k, v in points.items()}
        flux, flux_err = flux_from_magnitude(own["mag"], own["magerr"])
        curve = LightCurve(
            id=str(name), stock=1, time=own["mjd"], band=[band_names[b] for b in own["band"]], flux=flux,
            flux_err=flux_err, upper_limit=np.zeros(len(flux), bool), ra=1.0, dec=1.0,
        )  # fmt: skip
        curves.append(curve)
        last = curve.time > curve.time[-1] - 0.5
        brighter.append(dataclasses.replace(curve, flux=np.where(last, 4.0 * curve.flux, curve.flux)))

    assert sum(map(bool, anomalies(curves))) <= 2
    assert sum(words.startswith("brighter") for words in anomalies(brighter)) > 150
