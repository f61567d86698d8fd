"""Simulated alert packets are read by whatever reads ZTF's."""

from __future__ import annotations

import csv
import datetime
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest

from ampel_followup.alerts.cutouts import CutoutReport, read_cutouts
from ampel_followup.alerts.ztf import light_curve_from_candidates
from ampel_followup.errors import FollowupError
from ampel_followup.simulate import SimulatedObject, simulate_objects, write_alerts
from ampel_followup.simulate.packets import packets
from ampel_followup.simulate.stamps import STAMPS, scene

NIGHT = datetime.date(2026, 3, 14)


@pytest.fixture(scope="module")
def night() -> list[SimulatedObject]:
    return list(simulate_objects(60, NIGHT, np.random.default_rng(7)))


def read(path: Path) -> Iterator[dict[str, Any]]:
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            (packet,) = fastavro.reader(io.BytesIO(content.read()))
            assert member.name == f"{packet['candid']}.avro"
            yield packet


def test_there_is_one_packet_per_detection_of_the_night(night, tmp_path):
    count = write_alerts(night, tmp_path / "night.tar.gz")

    written = list(read(tmp_path / "night.tar.gz"))
    expected = [r["candid"] for s in night for r in s.candidates if r["candid"] and r["jd"] - 2400000.5 >= s.night]
    assert [packet["candid"] for packet in written] == expected
    assert (count.objects, count.alerts) == (60, len(expected))
    assert count.alerts > 60


def test_packets_carry_thirty_days_of_history_with_limits(tmp_path):
    (simulated,) = simulate_objects(1, NIGHT, np.random.default_rng(2), mix={"AGN": 1.0}, history=90)

    newest = packets(simulated)[-1]

    assert len(simulated.candidates) > len(newest["prv_candidates"]) + 1
    assert all(0 < newest["candidate"]["jd"] - r["jd"] < 30.0 for r in newest["prv_candidates"])


def test_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("first.tar.gz", "second.tar.gz"):
        write_alerts(simulate_objects(20, NIGHT, np.random.default_rng(1)), tmp_path / name)

    assert (tmp_path / "first.tar.gz").read_bytes() == (tmp_path / "second.tar.gz").read_bytes()


def test_light_curve_from_packets_is_that_of_the_candidates(night, tmp_path):
    write_alerts(night, tmp_path / "night.tar")
    last = {packet["objectId"]: packet for packet in read(tmp_path / "night.tar")}

    for simulated in night:
        packet = last[simulated.id]
        records = [*(packet["prv_candidates"] or []), packet["candidate"]]
        read_back = light_curve_from_candidates(simulated.id, 0, records)
        direct = light_curve_from_candidates(simulated.id, 0, simulated.candidates)
        for name in ("time", "flux", "flux_err", "upper_limit", "band", "source_id", "rb"):
            np.testing.assert_array_equal(getattr(read_back, name), getattr(direct, name))
        assert dict(read_back.meta) == dict(direct.meta)


def test_truth_names_the_class_of_every_object(night, tmp_path):
    count = write_alerts(night, tmp_path / "night.tar.gz")

    with count.truth.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["id"], row["label"], row["subtype"]) for row in rows] == [(s.id, s.label, s.subtype) for s in night]
    assert {row["redshift"] == "" for row in rows if row["label"] == "bogus"} == {True}


def test_folder_gets_one_file_per_packet(night, tmp_path):
    count = write_alerts(night[:5], tmp_path / "night")

    assert len(list((tmp_path / "night").glob("*.avro"))) == count.alerts
    assert count.truth == tmp_path / "night" / "truth.csv"


def test_ampel_reads_the_archive(night, tmp_path):
    pytest.importorskip("ampel.ztf.alert.ZiAlertSupplier")
    from ampel.alert.load.TarAlertLoader import TarAlertLoader
    from ampel.ztf.alert.ZiAlertSupplier import ZiAlertSupplier
    from ampel.ztf.util.ZTFIdMapper import to_ztf_id

    count = write_alerts(night, tmp_path / "night.tar.gz")
    loader = TarAlertLoader(file_path=str(tmp_path / "night.tar.gz"), file_obj=None)
    alerts = [
        ZiAlertSupplier.shape_alert_dict(next(fastavro.reader(content)))  # type: ignore[arg-type]
        for content in loader
    ]

    assert len(alerts) == count.alerts
    assert {to_ztf_id(alert.stock) for alert in alerts} == {s.id for s in night}
    assert all(alert.datapoints[0]["candid"] == alert.id for alert in alerts)


def test_names_and_types_are_those_of_real_packets(night, tmp_path, shared_data):
    def types(schema: dict[str, Any]) -> dict[str, str]:
        found = {}
        for field in schema["fields"]:
            kind = field["type"]
            found[field["name"]] = next(k for k in kind if k != "null") if isinstance(kind, list) else kind
        return found

    with (shared_data / "ztf_alerts" / "single" / "schema_3.3.avro").open("rb") as stream:
        real = types(fastavro.reader(stream).writer_schema)
    write_alerts(night[:1], tmp_path / "night")
    with next((tmp_path / "night").glob("*.avro")).open("rb") as stream:
        ours = types(fastavro.reader(stream).writer_schema)

    assert set(ours) <= set(real)
    for name, kind in types(ours["candidate"]).items():
        assert types(real["candidate"])[name] == kind
    for name, kind in types(ours["prv_candidates"]["items"]).items():
        assert types(real["prv_candidates"]["items"])[name] == kind


def test_unknown_ending_is_refused(night, tmp_path):
    with pytest.raises(FollowupError, match=r"night\.zip: name it \.tar\.gz or \.tar"):
        write_alerts(night, tmp_path / "night.zip")


def test_place_that_cannot_be_written_is_named(night, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(FollowupError, match="cannot write alerts to"):
        write_alerts(night, tmp_path / "file" / "night.tar.gz")


def test_interrupted_writing_leaves_the_older_archive_and_its_truth_alone(night, tmp_path):
    out = tmp_path / "night.tar.gz"
    write_alerts(night[:2], out)
    before = out.read_bytes(), (tmp_path / "truth.csv").read_bytes()

    def interrupted() -> Iterator[SimulatedObject]:
        yield night[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_alerts(interrupted(), out)

    assert (out.read_bytes(), (tmp_path / "truth.csv").read_bytes()) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["night.tar.gz", "truth.csv"]


def test_progress_counts_objects(night, tmp_path):
    seen: list[int] = []
    write_alerts(night[:4], tmp_path / "night.tar", progress=seen.append)

    assert seen == [1, 2, 3, 4]


def test_a_shifted_zero_point_moves_detections_and_limits_and_nothing_else(night, tmp_path):
    write_alerts(night, tmp_path / "right" / "night.tar.gz")
    write_alerts(night, tmp_path / "wrong" / "night.tar.gz", magnitude_shift=0.3)

    moved = {"magpsf", "magap", "diffmaglim"}
    pairs = zip(read(tmp_path / "right" / "night.tar.gz"), read(tmp_path / "wrong" / "night.tar.gz"), strict=True)
    for right, wrong in pairs:
        assert (right["objectId"], right["candid"]) == (wrong["objectId"], wrong["candid"])
        records = zip(
            [right["candidate"], *(right["prv_candidates"] or [])],
            [wrong["candidate"], *(wrong["prv_candidates"] or [])],
            strict=True,
        )
        for before, after in records:
            assert {name: value for name, value in after.items() if name not in moved} == {
                name: value for name, value in before.items() if name not in moved
            }
            for name in moved & before.keys():
                if before[name] is None:
                    assert after[name] is None
                else:
                    assert after[name] - before[name] == pytest.approx(0.3, abs=1e-5)
    assert (tmp_path / "wrong" / "truth.csv").read_bytes() == (tmp_path / "right" / "truth.csv").read_bytes()


def test_cutouts_are_read_as_those_of_real_packets_and_change_no_alert(night, tmp_path):
    write_alerts(night[:8], tmp_path / "plain.tar.gz")
    write_alerts(night[:8], tmp_path / "pictures.tar.gz", cutouts=True)
    write_alerts(night[:8], tmp_path / "again.tar.gz", cutouts=True)

    assert (tmp_path / "pictures.tar.gz").read_bytes() == (tmp_path / "again.tar.gz").read_bytes()
    for plain, pictured in zip(read(tmp_path / "plain.tar.gz"), read(tmp_path / "pictures.tar.gz"), strict=True):
        assert all(plain[field] is None for field in STAMPS)
        assert plain == {**pictured, **dict.fromkeys(STAMPS)}
    report = CutoutReport()
    found = read_cutouts([tmp_path / "pictures.tar.gz"], {s.id for s in night}, report=report)
    newest = {packet["objectId"]: packet["candid"] for packet in read(tmp_path / "plain.tar.gz")}
    assert {one.id: one.candid for one in found} == newest
    assert not report.reasons
    assert {(image.width, image.height) for one in found for image in one.images if image} == {(63, 63)}


def test_difference_shows_what_changed_and_as_bright_as_the_record_says(night):
    seen = 0
    for simulated in night:
        record = packets(simulated)[-1]["candidate"]
        if simulated.label == "bogus" or record["scorr"] < 20:
            continue
        science, reference = scene(simulated, record)
        difference = science - reference
        middle = difference[21:42, 21:42]
        # A star of that brightness, in units of a star at the limit (5 σ), all its light within the aperture.
        width = record["fwhm"] / 2.3548
        limit = 5.0 * 2.0 * np.sqrt(np.pi) * width * 3.0
        expected = limit * 10.0 ** (0.4 * (record["diffmaglim"] - record["magpsf"]))
        sign = 1.0 if record["isdiffpos"] == "t" else -1.0
        noise = 3.0 * np.hypot(1.0, 0.5) * 21
        assert abs(sign * middle.sum() - expected) < 5.0 * noise + 0.02 * expected
        row, column = np.unravel_index(np.argmax(sign * difference), difference.shape)
        assert abs(row - 31) <= 2 and abs(column - 31) <= 2
        seen += 1
    assert seen > 10
