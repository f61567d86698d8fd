"""Archives of alert packets: what is read, what goes to quarantine, and what ends the run with one clear line."""

from __future__ import annotations

import gzip
import io
import json
import random
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest

from ampel_followup.alerts.archive import read_alerts
from ampel_followup.alerts.packet import Packet
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import ReadReport, light_curves
from ampel_followup.alerts.ztf import ztf_stock
from ampel_followup.errors import AlertError
from ampel_followup.lightcurve import LightCurve

_POINT_FIELDS = [
    {"name": "jd", "type": "double"},
    {"name": "fid", "type": "int"},
    {"name": "candid", "type": ["null", "long"], "default": None},
    {"name": "isdiffpos", "type": ["null", "string"], "default": None},
    *(
        {"name": name, "type": ["null", "double"], "default": None}
        for name in ("magpsf", "sigmapsf", "diffmaglim", "ra", "dec", "rb", "sgscore1")
    ),
]
_SCHEMA = fastavro.parse_schema(
    {
        "type": "record",
        "name": "alert",
        "namespace": "ztf",
        "fields": [
            {"name": "objectId", "type": "string"},
            {"name": "candid", "type": "long"},
            {"name": "candidate", "type": {"type": "record", "name": "candidate", "fields": _POINT_FIELDS}},
            {
                "name": "prv_candidates",
                "type": ["null", {"type": "array", "items": "ztf.candidate"}],
            },
            {"name": "cutoutScience", "type": ["null", "bytes"], "default": None},
        ],
    }
)
_OTHER_SCHEMA = fastavro.parse_schema(
    {"type": "record", "name": "weather", "fields": [{"name": "candid", "type": "long"}]}
)


def point(day: float, candid: int | None, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"jd": 2458349.75 + day, "fid": 1, "candid": candid, "diffmaglim": 20.5}
    if candid is not None:
        values |= {"magpsf": 19.0, "sigmapsf": 0.1, "isdiffpos": "t", "ra": 10.0, "dec": 20.0, "rb": 0.7}
    return values | changes


def packet(number: int, nights: int = 3, cutout: int = 500, **changes: Any) -> dict[str, Any]:
    """Return the alert of the last of `nights` detections of one object, after one limit."""
    name = f"ZTF18aaaa{chr(97 + number // 676 % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number % 26)}"
    history = [point(-1.0, None), *(point(night, 1000 * number + night + 1) for night in range(nights))]
    alert = {"objectId": name, "candid": history[-1]["candid"], "candidate": history[-1] | changes}
    return alert | {"prv_candidates": history[:-1] or None, "cutoutScience": b"\x07" * cutout}


def avro(records: Sequence[dict[str, Any]], **options: Any) -> bytes:
    buffer = io.BytesIO()
    fastavro.writer(buffer, _SCHEMA, records, **options)
    return buffer.getvalue()


def write_tar(path: Path, members: Sequence[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def read(*paths: Path, folder: Path | None = None) -> tuple[list[Packet], Quarantine]:
    quarantine = Quarantine(folder)
    return list(read_alerts(paths, quarantine=quarantine)), quarantine


def assert_same(one: Sequence[LightCurve], other: Sequence[LightCurve]) -> None:
    assert [lc.id for lc in one] == [lc.id for lc in other]
    for a, b in zip(one, other, strict=True):
        for name in LightCurve.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=f"{a.id}: {name}")


def test_all_real_alerts_are_read_and_the_two_corrupt_ones_kept_with_their_reason(
    shared_data: Path, tmp_path: Path
) -> None:
    report, quarantine = ReadReport(), Quarantine(tmp_path / "quarantine")
    found = list(light_curves([shared_data / "ztf_alerts"], quarantine=quarantine, report=report))
    # 59 packets in tars, 8 sound single files, 314 rows of the table
    assert (report.alerts_read, report.alerts_bad, report.objects_bad) == (381, 2, 0)
    assert report.objects == len(found) == 348
    assert [lc.id for lc in found] == sorted(lc.id for lc in found)
    assert all(lc.stock == ztf_stock(lc.id) for lc in found)
    lines = [json.loads(line) for line in (tmp_path / "quarantine" / "quarantine.jsonl").read_text().splitlines()]
    assert {Path(line["source"]).stem for line in lines} == {"516401801315010009", "516434762915010006"}
    for line in lines:
        assert line["reason"] and line["detail"]
        assert (tmp_path / "quarantine" / line["file"]).read_bytes() == Path(line["source"]).read_bytes()


def test_three_real_packets_of_one_moment_make_one_point_with_the_largest_candid(shared_data: Path) -> None:
    (found,) = light_curves([shared_data / "ztf_alerts" / "ZTF18acruwxq.tar.gz"], quarantine=Quarantine())
    assert len(set(zip(found.time.tolist(), found.band.tolist(), strict=True))) == len(found)
    assert found.source_id[-1] == 1391345455815015019
    assert (found.flux < 0).sum() == 2


def test_records_agree_with_those_of_fastavro(shared_data: Path) -> None:
    path = shared_data / "ztf_alerts" / "single" / "ZTF20abyfpze.avro"
    with path.open("rb") as file:
        (expected,) = fastavro.reader(file)
    ((found,), _) = read(path)
    assert found.object_id == expected["objectId"]
    assert list(found.candidates) == [expected["candidate"], *expected["prv_candidates"]]
    assert found.data == path.read_bytes()


def test_folder_file_tar_and_table_of_the_same_packets_give_the_same_light_curves(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    records = [packet(n, nights) for n in range(4) for nights in (1, 3)]
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    for number, record in enumerate(records):
        (tmp_path / "folder" / ("deep" if number % 2 else ".") / f"{number}.avro").write_bytes(avro([record]))
    (tmp_path / "folder" / "README.md").write_text("not an alert")
    members = [(f"{number}.avro", avro([record])) for number, record in enumerate(records)]
    rows = [{key: value for key, value in record.items() if key != "cutoutScience"} for record in records]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "table.parquet")
    (tmp_path / "many.avro").write_bytes(avro(records, codec="deflate", sync_interval=1000))
    archives = [
        tmp_path / "folder",
        tmp_path / "many.avro",
        tmp_path / "table.parquet",
        write_tar(tmp_path / "plain.tar", members),
        write_tar(tmp_path / "packed.tar.gz", members),
    ]
    (tmp_path / "nameless").write_bytes((tmp_path / "packed.tar.gz").read_bytes())
    expected = list(light_curves(archives[:1], quarantine=Quarantine()))
    assert [len(lc) for lc in expected] == [4] * 4
    for archive in [*archives[1:], tmp_path / "nameless"]:
        assert_same(list(light_curves([archive], quarantine=Quarantine())), expected)
    assert_same(list(light_curves(archives, quarantine=Quarantine())), expected)


def test_order_of_packets_does_not_matter(tmp_path: Path) -> None:
    records = [packet(n, nights) for n in range(5) for nights in (1, 2, 3, 4)]
    (tmp_path / "ordered.avro").write_bytes(avro(records))
    expected = list(light_curves([tmp_path / "ordered.avro"], quarantine=Quarantine()))
    for seed in range(3):
        random.Random(seed).shuffle(records)
        (tmp_path / "shuffled.avro").write_bytes(avro(records))
        assert_same(list(light_curves([tmp_path / "shuffled.avro"], quarantine=Quarantine())), expected)


def test_members_that_are_no_alerts_are_passed_over_and_nothing_is_extracted(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "night.tar"
    with tarfile.open(path, "w") as tar:
        directory = tarfile.TarInfo("alerts.avro")
        directory.type = tarfile.DIRTYPE
        tar.addfile(directory)
        link = tarfile.TarInfo("link.avro")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, data in {
            "README": b"hello",
            "._1.avro": b"resource fork",
            "../../escaped.avro": avro([packet(1)]),
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    packets, quarantine = read(path)
    assert [p.member for p in packets] == ["../../escaped.avro"]
    assert not quarantine.reasons
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "night.tar"]


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    paths = [write_tar(tmp_path / f"{i}.tar", [(f"{n}.avro", avro([packet(n)])) for n in range(120)]) for i in range(2)]
    calls: list[tuple[int, int]] = []
    assert len(list(read_alerts(paths, quarantine=Quarantine(), progress=lambda *call: calls.append(call)))) == 240
    total = sum(path.stat().st_size for path in paths)
    assert calls == sorted(calls) and len(calls) > 4
    assert calls[-1] == (total, total)


def test_damaged_block_costs_only_its_own_records(tmp_path: Path) -> None:
    data = bytearray(avro([packet(n) for n in range(30)], sync_interval=1000))
    marker = data[-16:]
    second = data.find(marker, data.find(marker, data.find(marker) + 16) + 16)
    data[second - 3000 : second - 2600] = b"\xff" * 400
    (tmp_path / "damaged.avro").write_bytes(data)
    packets, quarantine = read(tmp_path / "damaged.avro", folder=tmp_path / "quarantine")
    assert 20 <= len(packets) < 30
    assert quarantine.counts["alert"] == 1
    (copy,) = (tmp_path / "quarantine").glob("*.avro")
    assert copy.stat().st_size < len(data)


@pytest.mark.parametrize("kept", [0, 3, 100, -1, -20])
def test_truncated_packet_is_kept_with_its_reason_and_the_run_goes_on(tmp_path: Path, kept: int) -> None:
    whole = avro([packet(0)])
    members = [("0.avro", whole), ("1.avro", avro([packet(1)])[:kept]), ("2.avro", avro([packet(2)]))]
    packets, quarantine = read(write_tar(tmp_path / "night.tar", members), folder=tmp_path / "quarantine")
    assert [p.member for p in packets] == ["0.avro", "2.avro"]
    assert quarantine.counts == {"alert": 1}
    line = json.loads((tmp_path / "quarantine" / "quarantine.jsonl").read_text())
    assert (line["member"], line["kind"]) == ("1.avro", "alert")


def test_any_flipped_byte_ends_in_a_packet_or_in_quarantine(tmp_path: Path) -> None:
    whole = avro([packet(0, cutout=20)])
    rng = np.random.default_rng(1)
    members = [("good.avro", whole)]
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= int(rng.integers(1, 256))
        members.append((f"{position}.avro", bytes(damaged)))
    quarantine, report = Quarantine(), ReadReport()
    archive = write_tar(tmp_path / "night.tar", members)
    list(light_curves([archive], quarantine=quarantine, report=report))
    # A damaged record count gives both: the good record, and the notice that others are missing.
    assert len(members) <= report.alerts_read + report.alerts_bad <= len(members) + 3
    assert report.alerts_bad > len(members) / 4


def test_another_schema_is_named_with_the_fields_it_lacks(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    fastavro.writer(buffer, _OTHER_SCHEMA, [{"candid": 1}])
    (tmp_path / "a.avro").write_bytes(avro([packet(0)]))
    (tmp_path / "b.avro").write_bytes(buffer.getvalue())
    packets, quarantine = read(tmp_path)
    assert len(packets) == 1
    assert quarantine.reasons == {"not an alert": 1}
    assert quarantine.examples["not an alert"] == "schema 'weather' lacks objectId, candidate (ZTF) or diaSource (LSST)"


def test_truncated_gzip_keeps_what_was_read_and_names_the_rest(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    members = [(f"{n}.avro", avro([packet(n) | {"cutoutScience": rng.bytes(5000)}])) for n in range(20)]
    path = write_tar(tmp_path / "night.tar.gz", members)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    packets, quarantine = read(path, folder=tmp_path / "quarantine")
    assert 5 < len(packets) < 15
    assert quarantine.counts == {"archive": 1}
    line = json.loads((tmp_path / "quarantine" / "quarantine.jsonl").read_text())
    assert line["source"] == str(path) and line["reason"] == "damaged archive" and "members" in line["detail"]


def test_damage_in_the_middle_of_a_gzip_is_reported(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    members = [(f"{n}.avro", avro([packet(n) | {"cutoutScience": rng.bytes(5000)}])) for n in range(20)]
    path = write_tar(tmp_path / "night.tar.gz", members)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    packets, quarantine = read(path)
    assert packets
    assert quarantine.counts["archive"] == 1


def test_damaged_header_within_a_tar_is_not_taken_for_its_end(tmp_path: Path) -> None:
    members = [(f"{n}.avro", avro([packet(n)])) for n in range(3)]
    path = write_tar(tmp_path / "night.tar", members)
    data = bytearray(path.read_bytes())
    header = data.find(b"1.avro")
    data[header : header + 512] = b"\x55" * 512
    path.write_bytes(data)
    packets, quarantine = read(path)
    assert [p.member for p in packets] == ["0.avro"]
    assert quarantine.counts == {"archive": 1}


def test_packet_with_an_unusable_value_is_kept_and_counted(tmp_path: Path) -> None:
    bad = packet(1, fid=9)
    (tmp_path / "a.avro").write_bytes(avro([packet(0)]))
    (tmp_path / "b.avro").write_bytes(avro([bad]))
    report, quarantine = ReadReport(), Quarantine(tmp_path / "quarantine")
    found = list(light_curves([tmp_path / "a.avro", tmp_path / "b.avro"], quarantine=quarantine, report=report))
    assert [lc.id for lc in found] == [packet(0)["objectId"]]
    assert (report.alerts_read, report.alerts_bad, dict(report.reasons)) == (1, 1, {"unusable value": 1})
    line = json.loads((tmp_path / "quarantine" / "quarantine.jsonl").read_text())
    assert line["object"] == bad["objectId"] and "fid = 9" in line["detail"]
    with (tmp_path / "quarantine" / line["file"]).open("rb") as file:
        assert next(fastavro.reader(file))["candid"] == bad["candid"]  # type: ignore[call-overload, index]


def test_object_without_detections_is_counted_and_the_others_are_ranked(tmp_path: Path) -> None:
    lost = packet(1, nights=1, magpsf=None)
    (tmp_path / "two.avro").write_bytes(avro([packet(0), lost]))
    report = ReadReport()
    found = list(light_curves([tmp_path / "two.avro"], quarantine=Quarantine(), report=report))
    assert [lc.id for lc in found] == [packet(0)["objectId"]]
    assert (report.alerts_read, report.objects, report.objects_bad) == (2, 1, 1)
    assert report.reasons == {"no light curve": 1}


def unreadable(tmp_path: Path, case: str) -> Path:
    path = tmp_path / {"unknown kind": "alerts.doc", "table": "alerts.parquet"}.get(case, "alerts.tar.gz")
    match case:
        case "missing":
            pass
        case "empty":
            path.touch()
        case "unknown kind":
            path.write_text("Dear all, ...")
        case "not gzip":
            path.write_bytes(b"this is no gzip file" * 100)
        case "corrupt gzip":
            path.write_bytes(gzip.compress(bytes(4096))[:12] + b"\xff" * 500)
        case "no alerts":
            write_tar(path, [("README", b"hello")])
        case "empty folder":
            path.mkdir()
        case "only bad packets":
            write_tar(path, [(f"{n}.avro", b"Obj\x01 nonsense") for n in range(3)])
        case "no detections":
            write_tar(path, [("0.avro", avro([packet(0, nights=1, magpsf=None)]))])
        case "only unusable values":
            write_tar(path, [("0.avro", avro([packet(0, fid=9)]))])
        case "table":
            path.write_bytes(b"PAR1 and then nothing PAR1")
    return path


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("missing", "there is no such file"),
        ("empty", "the file is empty"),
        ("unknown kind", "not an alert archive; expected .avro"),
        ("not gzip", "damaged archive"),
        ("corrupt gzip", "damaged archive"),
        ("no alerts", "no alert packet in it"),
        ("empty folder", "no alert packet in it"),
        ("only bad packets", "truncated packet (3 of 3)"),
        ("no detections", "no usable detection"),
        ("only unusable values", "fid = 9"),
        ("table", "damaged archive"),
    ],
)
def test_what_cannot_be_used_at_all_is_told_in_one_line_that_names_it(tmp_path: Path, case: str, told: str) -> None:
    path = unreadable(tmp_path, case)
    with pytest.raises(AlertError) as caught:
        list(light_curves([path], quarantine=Quarantine()))
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and told in message and "\n" not in message


def test_wrong_path_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.avro").write_bytes(avro([packet(0)]))
    with pytest.raises(AlertError, match=r"missing\.avro"):
        read_alerts([tmp_path / "a.avro", tmp_path / "missing.avro"], quarantine=Quarantine())
    with pytest.raises(AlertError, match="no alerts given"):
        read_alerts([], quarantine=Quarantine())


def test_table_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "alerts.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AlertError, match=r"pip install 'ampel-followup\[parquet\]'"):
        read(tmp_path / "alerts.parquet")


def test_table_of_something_else_is_named_with_the_columns_it_lacks(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(pa.table({"candid": [1]}), tmp_path / "t.parquet")
    with pytest.raises(AlertError, match="the table lacks objectId, candidate"):
        read(tmp_path / "t.parquet")


def test_quarantine_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    archive = write_tar(tmp_path / "night.tar", [("0.avro", b"nonsense"), ("1.avro", avro([packet(1)]))])
    with pytest.raises(AlertError, match="taken"):
        read(archive, folder=tmp_path / "taken")


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "from ampel_followup.alerts.spool import Quarantine, light_curves\n"
        "n = sum(1 for _ in light_curves(sys.argv[1:], quarantine=Quarantine()))\n"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for count in (500, 5000):
        path = tmp_path / f"{count}.tar"
        with tarfile.open(path, "w") as tar:
            for number in range(count):
                data = avro([packet(number, cutout=20_000)])
                info = tarfile.TarInfo(f"{number}.avro")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        run = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
        objects, peak = map(int, run.stdout.split())
        assert objects == count
        peaks.append(peak / 1024)
        path.unlink()
    assert peaks[1] - peaks[0] < 20, f"{peaks} MB for archives of 11 and 110 MB"
