"""A night of LSST from alerts to target lists, by the command; and what features can know of it."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest
from astropy.io import fits
from lsst_packets import MJD, OBJECT, alert, container, forced, source

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.features import FEATURE_SETS
from ampel_followup.simulate import simulate_objects, write_alerts
from ampel_followup.store import Store

NIGHT = "2026-03-05"


def stamp(value: float) -> bytes:
    """Return a cutout as LSST makes them: not compressed, with the noise and the PSF behind the image."""
    image = np.random.default_rng(1).normal(value, 5.0, (30, 30)).astype(np.float32)
    hdus = fits.HDUList([fits.PrimaryHDU(image), fits.ImageHDU(image, name="UNCERT"), fits.ImageHDU(image, name="PSF")])
    buffer = io.BytesIO()
    hdus.writeto(buffer)
    return buffer.getvalue()


def night_alerts(n: int) -> list[dict[str, Any]]:
    """Return one alert each of n objects that rise in all bands."""
    alerts = []
    for number in range(n):
        object_id, ra = OBJECT + number, 120.0 + number
        about = {"diaObjectId": object_id, "ra": ra, "dec": -30.0, "nDiaSources": 12}
        points = [
            source(0.9 * place - 9.9, 50 * object_id % 10**17 + place, flux=20_000.0 + 1500.0 * place * (1 + number),
                   band="ugrizy"[place % 6], diaObjectId=object_id, ra=ra, dec=-30.0)
            for place in range(12)
        ]  # fmt: skip
        limits = [forced(day - 20.0, 300.0, band="ugrizy"[day], diaObjectId=object_id) for day in range(6)]
        cutouts = {"cutoutScience": stamp(100.0), "cutoutTemplate": stamp(100.0), "cutoutDifference": stamp(0.0)}
        alerts.append(alert(points[-1], points[:-1], limits, diaObject=about, **cutouts))
    return alerts


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alerts of 6 objects of LSST, of a minor planet, and of 6 of ZTF, in one folder."""
    folder = tmp_path_factory.mktemp("alerts")
    moving = alert(source(0.0, 5, diaObjectId=0, ssObjectId=9), diaObject=None)
    (folder / "lsst.avro").write_bytes(container([*night_alerts(6), moving]))
    write_alerts(simulate_objects(6, dt.date.fromisoformat(NIGHT), np.random.default_rng(4)), folder / "ztf.tar.gz")
    return folder


def test_objects_of_both_surveys_share_a_list_a_schedule_and_target_lists(run, archive: Path, tmp_path: Path) -> None:
    store = tmp_path / "night.sqlite"
    options = ["--site", "rubin", "--night", NIGHT, "--store", store, "--no-assistant", "--anomaly", "anomaly"]
    code, out, err = run("rank", archive, *options, "--cutouts", "--json")
    assert code == 0, err
    ranked = json.loads(out)
    assert ranked["run"]["bad_reasons"] == {"solar-system detection": 1}
    listed = {target["id"]: target for target in [*ranked["targets"], *ranked["not_observable"]]}
    of_lsst = {name: target for name, target in listed.items() if name.isdigit()}
    assert set(of_lsst) == {str(OBJECT + n) for n in range(6)} and len(listed) == 12
    for name, target in of_lsst.items():
        assert target["stock"] == int(name)
        assert target["photometry"]["bands"] == {f"lsst{letter}": 2 for letter in "ugrizy"}
        assert target["photometry"]["n_limits"] == 6
        assert sum(target["scores"]["p_t"].values()) == pytest.approx(1.0)
        assert "catalogued" not in " ".join(target["reasons"])
    with Store.open(store, read_only=True) as opened:
        cutouts = opened.cutouts.load(str(OBJECT))
    assert cutouts is not None
    assert (cutouts.band, cutouts.scale) == ("lssty", 0.2)
    assert cutouts.mjd == pytest.approx(MJD - 37.0 / 86400.0)
    assert [(image.width, image.height) for image in cutouts.images if image] == [(30, 30)] * 3

    code, out, err = run("plan", "make", "--store", store, "-t", "gmos_s", "--json")
    assert code == 0, err
    assert {str(OBJECT + n) for n in range(6)} & {block["target"] for block in json.loads(out)["timetable"]["blocks"]}
    code, _, err = run("export", tmp_path / "x.keck", "--format", "keck", "--select", "all", "--store", store)
    assert code == 0, err
    names = [line[:15].strip() for line in (tmp_path / "x.keck").read_text().splitlines() if line[0] != "#"]
    assert len(set(names)) == len(names) == len(ranked["targets"])
    assert run("decide", OBJECT, "approve", "--observer", "ada", "--store", store)[0] == 0


def test_night_with_the_assistant_places_every_object(run, archive: Path, tmp_path: Path) -> None:
    options = ["--site", "rubin", "--night", NIGHT, "--no-store", "--json"]
    code, out, err = run("rank", archive / "lsst.avro", *options)
    assert code == 0, err
    ranked = json.loads(out)
    everything = [*ranked["targets"], *ranked["not_observable"], *ranked["set_aside"]]
    assert len(everything) == 6
    for target in everything:
        assert target["placement"]["queue"]
        assert 0.0 <= target["assistant"]["rank"] <= 10.0


def test_schema_option_decodes_what_no_known_schema_fits(run, tmp_path: Path) -> None:
    fields = [
        {"name": "note", "type": "string"},
        {"name": "band", "type": "string"},
        *({"name": name, "type": "double"} for name in ("midpointMjdTai", "psfFlux", "psfFluxErr", "ra", "dec")),
        *({"name": name, "type": "long"} for name in ("diaSourceId", "diaObjectId")),
    ]
    point = {"type": "record", "name": "lsst.v99_0.diaSource", "fields": fields}
    schema = {"type": "record", "name": "lsst.v99_0.alert", "fields": [{"name": "diaSource", "type": point}]}
    buffer = io.BytesIO()
    record = {"diaSource": source(0.0, 7) | {"note": "new"}}
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), record)
    (tmp_path / "message.avro").write_bytes(b"\0\0\0\0\1" + buffer.getvalue())
    (tmp_path / "alert.avsc").write_text(json.dumps(schema))
    options = ["--site", "rubin", "--night", NIGHT, "--no-store", "--json"]
    code, _, err = run("rank", tmp_path / "message.avro", *options)
    assert code == 2 and "--schema" in err and err.count("\n") == 1
    code, out, err = run("rank", tmp_path / "message.avro", *options, "--schema", tmp_path / "alert.avsc")
    assert code == 0, err
    assert json.loads(out)["run"]["objects"] == 1
    code, _, err = run("rank", tmp_path / "message.avro", *options, "--schema", tmp_path / "no.avsc")
    assert code == 2 and "no.avsc" in err


def test_features_of_catalogues_that_only_ztf_has_are_not_measurable(archive: Path) -> None:
    curves = list(light_curves([archive / "lsst.avro"], quarantine=Quarantine()))
    missing: set[str] = set()
    for feature_set in FEATURE_SETS.values():
        values = feature_set.compute(curves)
        assert values.shape[0] == len(curves) and not np.isinf(values).any()
        names = [feature.name for feature in feature_set.features]
        missing |= {name for name, column in zip(names, values.T, strict=True) if np.isnan(column).all()}
    assert {"sgscore1", "distpsnr1", "srmag1", "magnr", "distnr", "neargaia", "ssdistnr", "drb_last"} <= missing
    assert not {"ndethist", "rb_pix", "galactic_latitude", "n_g", "peak_mag"} & missing
