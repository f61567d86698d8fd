"""LSST alerts: points to light curves, packets of every schema, and what is not ranked."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from lsst_packets import MJD, OBJECT, SECOND, alert, bare, container, forced, old_names, source, wire

from ampel_followup.alerts.lsst import light_curve_from_sources, tai_to_utc
from ampel_followup.alerts.packet import NotUsableError, packet_of
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import ReadReport, light_curves
from ampel_followup.alerts.surveys import LSST
from ampel_followup.alerts.writer_schemas import WriterSchemas, packaged_schemas
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.lightcurve import LightCurve

NAME = str(OBJECT)


def curve_of(*points: dict[str, Any]) -> LightCurve:
    return light_curve_from_sources(NAME, OBJECT, points)


def read(*paths: Path, folder: Path | None = None, **options: Any) -> tuple[list[LightCurve], ReadReport, Quarantine]:
    report, quarantine = ReadReport(), Quarantine(folder)
    found = list(light_curves(paths, quarantine=quarantine, report=report, **options))
    return found, report, quarantine


def assert_same(one: LightCurve, other: LightCurve) -> None:
    for name in LightCurve.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


# --- points -----------------------------------------------------------------------------------------------------------


def test_a_source_is_a_detection_in_microjansky_at_utc() -> None:
    curve = curve_of(source(0.0, 7, flux=-5000.0, band="y"))
    assert (curve.id, curve.stock, curve.band.tolist()) == (NAME, OBJECT, ["lssty"])
    assert curve.flux.tolist() == [-5.0] and curve.flux_err.tolist() == [0.5]
    assert curve.time[0] == pytest.approx(MJD - 37.0 / 86400.0, abs=1e-9)
    assert curve.source_id.tolist() == [7] and curve.rb.tolist() == [0.875] and np.isnan(curve.drb).all()
    assert (curve.ra, curve.dec) == pytest.approx((63.35, -47.18), abs=1e-12)
    assert not curve.upper_limit.any()


@given(st.lists(st.floats(41320.0, 61700.0), min_size=1, max_size=20))
def test_utc_is_that_of_astropy(days: list[float]) -> None:
    mjd = np.array(days)
    expected = Time(mjd, format="mjd", scale="tai").utc.mjd
    # ERFA stretches the days that end with a leap second; the last of them was before MJD 57754.
    tolerance = np.where(mjd > 57755.0, 5e-11, 1.01 * SECOND)
    assert (np.abs(tai_to_utc(mjd) - expected) <= tolerance).all()


def test_a_visit_counts_once_and_its_detection_wins_over_its_forced_source() -> None:
    curve = curve_of(forced(0.0, 4000.0), source(0.0, 7), forced(-3.0, 4000.0))
    assert curve.flux.tolist() == [4.0, 5.0]
    assert curve.source_id.tolist() == [0, 7]


def test_times_that_differ_by_rounding_are_of_one_visit_and_half_a_minute_is_not() -> None:
    assert len(curve_of(source(0.0, 7), forced(2.0 * SECOND, 4000.0))) == 1
    assert len(curve_of(source(0.0, 7), forced(30.0 * SECOND, 4000.0))) == 2
    assert len(curve_of(source(0.0, 7), forced(0.0, 4000.0, band="i"))) == 2


@pytest.mark.parametrize(("flux", "detected"), [(2499.0, False), (-2499.0, False), (2500.0, True), (-2500.0, True)])
def test_a_forced_source_is_a_detection_from_five_sigma_on(flux: float, detected: bool) -> None:
    curve = curve_of(source(0.0, 7), forced(-3.0, flux))
    assert curve.detected.tolist() == [detected, True]
    assert curve.flux[0] == (flux / 1000.0 if detected else 0.0)
    assert curve.flux_err[0] == 0.5
    assert np.isnan(curve.point_ra[0]) and curve.source_id[0] == 0


def test_weak_source_that_the_survey_detected_stays_a_detection() -> None:
    assert curve_of(source(0.0, 7, flux=1000.0)).detected.tolist() == [True]


def test_noise_limits_of_older_schemas_are_limits_and_of_several_the_least_deep_counts() -> None:
    noise = {"ccdVisitId": 1, "midPointTai": MJD - 2.0, "filterName": "Y", "diaNoise": 300.0}
    curve = curve_of(source(0.0, 7), noise, noise | {"diaNoise": 400.0})
    assert curve.upper_limit.tolist() == [True, False]
    assert curve.flux_err[0] == 0.4 and curve.band[0] == "lssty"


def test_names_of_elasticc_make_the_same_light_curve() -> None:
    points = [source(0.0, 7, band="y"), forced(-3.0, 900.0, band="u"), forced(-1.0, 9000.0, band="i")]
    one, other = curve_of(*points), curve_of(*map(old_names, points))
    assert_same(one, other)


def test_host_of_elasticc_is_context_and_its_marks_for_unknown_are_not() -> None:
    host = {"diaObjectId": 5, "ra": 63.35, "decl": -47.18, "mwebv": 0.05, "hostgal_zspec": -9.0}
    known = {"hostgal_zphot": 0.3, "hostgal_zphot_err": 0.05, "hostgal_snsep": 0.7}
    meta = dict(curve_of(source(0.0, 7), host | known).meta)
    assert meta == {"ebv_sfd": 0.05, "photoz": 0.3, "photoz_err": 0.05, "sep_arcsec": 0.7}
    unknown = {"hostgal_zphot": -9.0, "hostgal_zphot_err": -9.0, "hostgal_snsep": -9.0}
    assert dict(curve_of(source(0.0, 7), host | unknown).meta) == {"ebv_sfd": 0.05}


def test_context_is_that_of_the_dia_object_with_the_most_sources() -> None:
    first = {"diaObjectId": 5, "ra": 1.0, "dec": 2.0, "nDiaSources": 9, "firstDiaSourceMjdTai": MJD - 3.0}
    meta = curve_of(source(0.0, 7), first | {"nDiaSources": 11}, first).meta
    assert meta["ndethist"] == 11
    assert meta["jdstarthist"] == pytest.approx(2400000.5 + MJD - 3.0 - 37.0 / 86400.0, abs=1e-8)


def test_object_whose_sources_have_no_position_is_where_its_dia_object_is() -> None:
    curve = curve_of(source(0.0, 7, ra=None, dec=None), {"diaObjectId": 5, "ra": 12.0, "dec": -3.0})
    assert (curve.ra, curve.dec) == pytest.approx((12.0, -3.0), abs=1e-9)
    with pytest.raises(LightCurveError, match="neither its sources nor its DIA object have a position"):
        curve_of(source(0.0, 7, ra=None, dec=None))


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_forced_photometry_stands_in_for_a_source_without_flux(value: float | None) -> None:
    curve = curve_of(source(0.0, 7, psfFlux=value), forced(0.0, 4000.0), source(-3.0, 8))
    assert curve.flux.tolist() == [5.0, 4.0]


@pytest.mark.parametrize("change", [{"psfFlux": None}, {"psfFluxErr": float("nan")}, {"psfFluxErr": 0.0},
                                    {"midpointMjdTai": None}, {"band": "w"}, {"band": None}])  # fmt: skip
def test_point_that_cannot_be_used_is_dropped_and_counted(change: dict[str, Any]) -> None:
    curve = curve_of(source(0.0, 7), source(-3.0, 8) | change)
    assert (len(curve), curve.dropped) == (1, 1)


def test_band_that_is_not_lssts_is_named_where_there_is_nothing_else() -> None:
    with pytest.raises(LightCurveError, match=f"{NAME}: no usable detection among 1 points, 1 of them in a band that"):
        curve_of(source(0.0, 7, band="w"))


def test_withdrawn_source_is_left_out() -> None:
    curve = curve_of(source(0.0, 7), source(-1.0, 8, timeWithdrawnMjdTai=MJD))
    assert curve.source_id.tolist() == [7]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"psfFlux": "bright"}, "psfFlux = 'bright' is not a number"),
        ({"midpointMjdTai": 1480360995.0}, "midpointMjdTai = 1480360995.0 is not a Modified Julian Date"),
        ({"dec": 99.0}, r"\(ra, dec\) = \(63.35, 99.0\) is not on the sky"),
        ({"band": 3}, "band = 3 is not the name of a filter"),
        ({"diaSourceId": 2**70}, "a point cannot be read"),
    ],
)
def test_value_that_is_not_of_its_kind_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(AlertError, match=f"{NAME}: a point cannot be read: .*{told}|{NAME}: {told}"):
        curve_of(source(0.0, 7) | change)


_POINTS = st.lists(
    st.builds(
        lambda form, day, flux, error, band, number: (
            source(day, number, flux=flux, band=band, psfFluxErr=error)
            if form == "source"
            else forced(day, flux, band=band, psfFluxErr=error)
            if form == "forced"
            else {"midPointTai": MJD + day, "filterName": band, "diaNoise": error}
        ),
        st.sampled_from(["source", "forced", "limit"]),
        st.sampled_from([-5.0, -1.0, -1.0 + SECOND, 0.0]),
        st.floats(allow_nan=True, allow_infinity=True),
        st.floats(allow_nan=True),
        st.sampled_from(["u", "g", "Y", "x"]),
        st.integers(1, 4),
    ),
    max_size=12,
)


@given(_POINTS, st.randoms(use_true_random=False))
def test_order_of_points_does_not_matter_and_every_visit_counts_once(
    points: list[dict[str, Any]], shuffler: random.Random
) -> None:
    points = [source(1.0, 99), *points]
    expected = curve_of(*points)
    shuffled = points[:]
    shuffler.shuffle(shuffled)
    assert_same(curve_of(*shuffled), expected)
    assert_same(curve_of(*points, *points), expected)
    assert set(expected.band) <= {"lsstu", "lsstg", "lsstr", "lssty"}
    for band in set(expected.band):
        assert (np.diff(expected.time[expected.band == band]) > 5 * SECOND).all()


@pytest.mark.parametrize(
    ("name", "stock"),
    [
        (NAME, OBJECT),
        (f"LSST-AP-DO-{OBJECT}", OBJECT),
        ("1", 1),
        ("", 0),
        ("0", 0),
        ("01", 0),
        ("ZTF18abmjhtn", 0),
        (str(2**63), 0),
        ("-5", 0),
    ],
)
def test_name_is_the_number_of_the_object(name: str, stock: int) -> None:
    assert LSST.stock(name) == stock


# --- packets ----------------------------------------------------------------------------------------------------------


def three_alerts() -> list[dict[str, Any]]:
    """Return the alerts of one object, each with what came before."""
    sources = [source(float(day), 100 + day, flux=4000.0 + 500.0 * day, band="gri"[day]) for day in range(3)]
    limits = [forced(day - 5.0, 700.0) for day in range(3)]
    return [
        alert(one, sources[:place], limits[: place + 1], diaObject={"diaObjectId": OBJECT, "ra": 63.35, "dec": -47.18,
              "nDiaSources": place + 1})
        for place, one in enumerate(sources)
    ]  # fmt: skip


def test_container_tar_gzip_wire_and_table_of_the_same_packets_give_the_same_light_curve(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    alerts = three_alerts()
    (tmp_path / "a.avro").write_bytes(container(alerts))
    expected, report, _ = read(tmp_path / "a.avro")
    assert (report.alerts_read, report.objects) == (3, 1)
    assert expected[0].upper_limit.tolist() == [True] * 3 + [False] * 3
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        for number, one in enumerate(alerts):
            data = wire(one, "lsst.v10_0") if number else gzip.compress(bare(one, "lsst.v10_0"))
            info = tarfile.TarInfo(f"{number}.avro" + ("" if number else ".gz"))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    parquet.write_table(pa.Table.from_pylist(alerts), tmp_path / "c.parquet")
    (tmp_path / "d.avro.gz").write_bytes(gzip.compress(container(alerts[::-1], codec="deflate")))
    (tmp_path / "message").write_bytes(wire(alerts[2], "lsst.v10_0"))
    for name in ("b.tar.gz", "c.parquet", "d.avro.gz"):
        [found], report, quarantine = read(tmp_path / name)
        assert report.alerts_read == 3 and not quarantine.reasons
        assert_same(found, expected[0])
    for paths in ([tmp_path / "message"], [tmp_path, tmp_path / "message"]):
        [found], _, quarantine = read(*paths)
        assert not quarantine.reasons
        np.testing.assert_array_equal(found.flux, expected[0].flux)


@pytest.mark.parametrize("schema", [*packaged_schemas()])
def test_message_of_kafka_is_decoded_with_a_schema_that_comes_along(tmp_path: Path, schema: str) -> None:
    one = alert(source(0.0, 7), [source(-2.0, 6)], [forced(-4.0, 100.0)], alertId=7)
    if schema.startswith("elasticc"):
        one = alert(
            old_names(source(0.0, 7)), [old_names(source(-2.0, 6))], [old_names(forced(-4.0, 100.0))], alertId=7
        )
        one["diaObject"]["decl"] = one["diaObject"].pop("dec")
    for name, data in (("w.avro", wire(one, schema, 900)), ("b.avro", bare(one, schema))):
        (tmp_path / name).write_bytes(data)
        [found], _, _ = read(tmp_path / name)
        assert (found.id, found.source_id.tolist()) == (NAME, [0, 6, 7])
        np.testing.assert_allclose(found.flux, [0.0, 5.0, 5.0], rtol=1e-7)


def newer_schema() -> dict[str, Any]:
    """Return a schema that no version has had: fields of another order and kind."""
    fields = [
        {"name": "band", "type": "string"},
        {"name": "note", "type": "string"},
        *({"name": name, "type": "double"} for name in ("midpointMjdTai", "psfFlux", "psfFluxErr", "ra", "dec")),
        *({"name": name, "type": "long"} for name in ("diaSourceId", "diaObjectId")),
    ]
    point = {"type": "record", "name": "diaSource", "fields": fields}
    return {
        "type": "record",
        "name": "alert",
        "namespace": "lsst.v99_0",
        "fields": [{"name": "diaSource", "type": point}],
    }


def test_message_of_an_unknown_schema_needs_it_beside_it_or_given(tmp_path: Path) -> None:
    schema = fastavro.parse_schema(newer_schema())
    record = {"diaSource": source(0.0, 7) | {"note": "hello"}}
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, record)
    (tmp_path / "in").mkdir()
    message = tmp_path / "in" / "message.avro"
    message.write_bytes(b"\0\0\0\x26\xac" + buffer.getvalue())
    with pytest.raises(AlertError, match=r"unknown writer schema \(1 of 1\).* with schema 9900: none .* --schema"):
        read(message)
    (tmp_path / "alert.avsc").write_text(json.dumps(newer_schema()))
    [found], _, _ = read(message, schemas=WriterSchemas([tmp_path / "alert.avsc"]))
    assert found.id == NAME
    with (tmp_path / "in" / "z.avro").open("wb") as file:
        fastavro.writer(file, schema, [])
    [found], _, _ = read(message)
    assert found.id == NAME
    [found], _, _ = read(message, schemas=WriterSchemas([tmp_path / "in" / "z.avro"]))
    assert found.id == NAME


def test_schema_that_is_none_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "bad.avsc").write_text("{}")
    with pytest.raises(AlertError, match=r"bad\.avsc: no Avro schema"):
        WriterSchemas([tmp_path / "bad.avsc"])
    with pytest.raises(AlertError, match=r"missing\.avsc: the schema cannot be read"):
        WriterSchemas([tmp_path / "missing.avsc"])


@pytest.mark.parametrize("kept", [6, 40, -1])
def test_cut_message_goes_to_quarantine_and_the_others_are_read(tmp_path: Path, kept: int) -> None:
    whole = wire(alert(source(0.0, 7)), "lsst.v9_0")
    (tmp_path / "a.avro").write_bytes(whole)
    (tmp_path / "b.avro").write_bytes(whole[:kept])
    [found], report, _ = read(tmp_path, folder=tmp_path / "quarantine")
    assert found.id == NAME
    assert (report.alerts_read, report.alerts_bad, dict(report.reasons)) == (1, 1, {"unknown writer schema": 1})
    [copy] = (tmp_path / "quarantine").glob("*.avro")
    assert copy.read_bytes() == whole[:kept]


def test_any_flipped_byte_of_a_message_ends_in_a_packet_or_in_quarantine(tmp_path: Path) -> None:
    whole = wire(alert(source(0.0, 7)), "lsst.v9_0")
    rng = np.random.default_rng(1)
    with tarfile.open(tmp_path / "night.tar", "w") as tar:
        for position in range(0, len(whole), 7):
            damaged = bytearray(whole)
            damaged[position] ^= int(rng.integers(1, 256))
            info = tarfile.TarInfo(f"{position}.avro")
            info.size = len(damaged)
            tar.addfile(info, io.BytesIO(damaged))
        info = tarfile.TarInfo("whole.avro")
        info.size = len(whole)
        tar.addfile(info, io.BytesIO(whole))
    found, report, quarantine = read(tmp_path / "night.tar")
    assert report.alerts_read + quarantine.counts["alert"] == len(range(0, len(whole), 7)) + 1
    assert quarantine.counts["alert"] > 5
    assert NAME in {curve.id for curve in found}


def test_detection_of_the_solar_system_is_counted_with_its_reason_and_not_copied(tmp_path: Path) -> None:
    moving = alert(source(0.0, 8, diaObjectId=0, ssObjectId=21163624394469969), diaObject=None)
    (tmp_path / "a.avro").write_bytes(container([alert(source(0.0, 7)), moving, moving | {"diaSource": source(0.0, 9,
                                      diaObjectId=None)}]))  # fmt: skip
    [found], report, quarantine = read(tmp_path / "a.avro", folder=tmp_path / "quarantine")
    assert found.id == NAME
    assert (report.alerts_read, report.alerts_bad, dict(report.reasons)) == (1, 2, {"solar-system detection": 2})
    assert "ssObjectId 21163624394469969" in quarantine.examples["solar-system detection"]
    assert not list((tmp_path / "quarantine").glob("*.avro"))
    assert len((tmp_path / "quarantine" / "quarantine.jsonl").read_text().splitlines()) == 2


def test_object_is_known_from_the_dia_object_or_from_earlier_points(tmp_path: Path) -> None:
    nameless = source(0.0, 7, diaObjectId=None)
    (tmp_path / "a.avro").write_bytes(
        container([alert(nameless, diaObject={"diaObjectId": 77, "ra": 1.0, "dec": 2.0})])
    )
    assert [curve.id for curve in read(tmp_path / "a.avro")[0]] == ["77"]


def test_number_that_a_table_has_rounded_is_taken_from_where_it_is_exact(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rounded = {"diaObjectId": float(OBJECT), "ra": 63.35, "dec": -47.18}
    parquet.write_table(pa.Table.from_pylist([alert(source(0.0, 7), diaObject=rounded)]), tmp_path / "a.parquet")
    assert [curve.id for curve in read(tmp_path / "a.parquet")[0]] == [NAME]
    lost = alert(source(0.0, 7, diaObjectId=None), diaObject=rounded)
    parquet.write_table(pa.Table.from_pylist([lost]), tmp_path / "b.parquet")
    with pytest.raises(AlertError, match="was kept as a float, and its last digits are lost"):
        read(tmp_path / "b.parquet")


_ODD = [None, float("nan"), float("inf"), -1e300, 2**63, 2**70, 1e19, "", "text", b"x", True, [], {}, [None], [{}]]


@pytest.mark.parametrize("odd", _ODD, ids=repr)
@pytest.mark.parametrize("place", ["alert", "diaSource", "prvDiaSources", "prvDiaForcedSources", "diaObject"])
def test_whatever_stands_in_a_field_makes_a_light_curve_or_a_reason(place: str, odd: Any) -> None:
    whole = alert(source(0.0, 7), [source(-2.0, 6)], [forced(-4.0, 100.0)], alertId=7)
    fields = whole if place == "alert" else whole[place][0] if isinstance(whole[place], list) else whole[place]
    for name, kept in list(fields.items()):
        fields[name] = odd
        try:
            packet = packet_of(whole, "", "", None)
            points, context = packet.survey.encode(packet.object_id, packet.candidates)
            packet.survey.build(packet.object_id, packet.survey.stock(packet.object_id), points, context)
        except (NotUsableError, AlertError, LightCurveError) as error:
            assert str(error)
        fields[name] = kept


def test_archives_of_two_surveys_are_read_together(tmp_path: Path) -> None:
    from ampel_followup.simulate import simulate_objects, write_alerts

    write_alerts(simulate_objects(3, dt.date(2026, 3, 5), np.random.default_rng(1)), tmp_path / "ztf.tar.gz")
    (tmp_path / "lsst.avro").write_bytes(container(three_alerts()))
    found, report, _ = read(tmp_path)
    assert report.objects == len(found) == 4
    assert {curve.id[:3] for curve in found} == {"ZTF", NAME[:3]}
    assert all(set(curve.band) <= {"ztfg", "ztfr", "ztfi"} or curve.id == NAME for curve in found)


def test_no_memory_is_asked_for_by_damaged_lengths(tmp_path: Path) -> None:
    # As a container this is one whose header claims 10^18 bytes; fastavro's own reader asks for them.
    (tmp_path / "a.avro").write_bytes(b"\0\0\0\0\0" + b"\xfe" * 9 + b"\x01" + bytes(200))
    with pytest.raises(AlertError, match="unknown writer schema"):
        read(tmp_path / "a.avro")


# --- real alerts ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lsst_data(shared_data: Path) -> Path:
    """Alerts of LSST in the schemas 7.1 to 11, and of ELAsTiCC."""
    folder = shared_data / "lsst_alerts"
    if not folder.is_dir():
        pytest.skip(f"no LSST alerts at {folder}")
    return folder


def test_all_real_alerts_are_read_but_those_that_are_not_ranked(lsst_data: Path) -> None:
    found, report, quarantine = read(lsst_data)
    assert (report.alerts_read, report.objects, report.objects_bad) == (325, 300, 0)
    # 5 of minor planets, and a made-up packet with a Unix time for an MJD.
    assert quarantine.reasons == {"solar-system detection": 5, "unusable value": 1}
    assert all(curve.detected.any() and curve.dropped == 0 for curve in found)
    assert {str(band) for curve in found for band in curve.band} == {f"lsst{letter}" for letter in "ugrizy"}
    assert all(curve.stock == int(curve.id) for curve in found)


def test_real_visits_count_once(lsst_data: Path) -> None:
    path = lsst_data / "fink_client_rubin_2026-03-18_nocutouts.avro"
    with path.open("rb") as file:
        packets: list[Any] = [record for record in fastavro.reader(file) if record["diaSource"]["diaObjectId"]]  # type: ignore[call-overload, index]
    found = {curve.id: curve for curve in read(path)[0]}
    assert len(found) == 5
    for packet in packets:
        lists = [[packet["diaSource"]], packet["prvDiaSources"] or [], packet["prvDiaForcedSources"] or []]
        visits = {point["visit"] for points in lists for point in points}
        curve = found[str(packet["diaSource"]["diaObjectId"])]
        assert len(curve) == len(visits)
        # One of the five objects was found twice in one visit.
        assert np.count_nonzero(curve.source_id) == len({point["visit"] for points in lists[:2] for point in points})
        by_id = {point["diaSourceId"]: point for points in lists[:2] for point in points}
        for number, flux in zip(curve.source_id.tolist(), curve.flux.tolist(), strict=True):
            if number:
                assert flux == pytest.approx(by_id[number]["psfFlux"] / 1000.0, rel=1e-12)


def test_real_message_of_kafka_and_bare_record_are_read_alone(lsst_data: Path, tmp_path: Path) -> None:
    for name, object_id in (
        ("boom_confluent_wire_7912941781254298.avro", "7912941781254298"),
        ("ampel_alert_mjd60563.1120_obj104044681_src208089362038.avro.gz", "104044681"),
    ):
        # Without the containers beside it: the schemas that come along do.
        copy = tmp_path / name
        copy.write_bytes((lsst_data / name).read_bytes())
        assert [curve.id for curve in read(copy)[0]] == [object_id]
