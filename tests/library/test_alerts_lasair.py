"""Output of Lasair's filters becomes light curves with the context that Lasair knows; what is no JSON is named."""

from __future__ import annotations

import gzip
import io
import json
import math
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst_packets import MJD, OBJECT, alert, container, forced, source

from ampel_followup.alerts.json_records import COMMA_REMARK, without_trailing_commas
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import ReadReport, light_curves
from ampel_followup.errors import AlertError
from ampel_followup.lightcurve import LightCurve
from ampel_followup.redshifts import best_redshift
from ampel_followup.store import Store
from ampel_followup.surroundings import near_a_host, sherlock_class, surroundings
from ampel_followup.survey_names import lsst_number, tns_name, tns_number

NO_CURVE = "Lasair record without a light curve"


def record(number: int = OBJECT, **changes: Any) -> dict[str, Any]:
    """A record as a filter puts it out, with a light curve of two detections and what goes with them."""
    flat = {
        "diaObjectId": number, "ra": 63.35, "decl": -47.18, "latestR": 0.9, "nDiaSources": 2, "ebv": 0.02,
        "firstDiaSourceMjdTai": MJD, "lastDiaSourceMjdTai": MJD + 1.0, "tns_name": "AT2026abc", "absMag": -19.8,
        "absMagMJD": MJD, "sherlock_classifications": "SN", "separationArcsec": 0.885, "direct_distance": None,
        "distance": None, "z": 0.08, "photoZ": None, "photoZErr": None, "physical_separation_kpc": 1.3,
        "UTC": "2026-02-05 06:44:19",
    }  # fmt: skip
    numbers = (7, 8) if number == OBJECT else (17, 18)
    curve = {
        "diaObject": {
            "diaObjectId": number,
            "ra": 63.35,
            "decl": -47.18,
            "nDiaSources": 2,
            "firstDiaSourceMjdTai": math.nan,
        },
        "diaSourcesList": [source(1.0, numbers[1], 6000.0, "i"), source(0.0, numbers[0])],
        "diaForcedSourcesList": [],
        "diaNondetectionLimitsList": [],
        "annotations": {"sherlock": [{"classification": "SN"}]},
        "ebv": None,
    }
    return {**flat, "alert": curve, **changes}


def read(*paths: Path) -> tuple[dict[str, LightCurve], ReadReport, Quarantine]:
    quarantine, report = Quarantine(None), ReadReport()
    found = {curve.id: curve for curve in light_curves(paths, quarantine=quarantine, report=report)}
    return found, report, quarantine


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes text, or a list of records, to a file."""

    def write(content: str | bytes | list[Any], name: str = "filter.json") -> Path:
        path = tmp_path / name
        text = content if isinstance(content, str | bytes) else json.dumps(content, indent=2)
        data = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def test_a_record_becomes_a_light_curve_with_what_lasair_knows(write: Callable[..., Path]) -> None:
    found, report, _ = read(write([record()]))
    [curve] = found.values()
    assert (curve.id, curve.stock) == (str(OBJECT), OBJECT)
    assert (report.alerts_read, report.alerts_bad, report.objects) == (1, 0, 1)
    assert curve.flux.tolist() == [5.0, 6.0]  # µJy
    assert curve.band.tolist() == ["lsstr", "lssti"]
    assert curve.time.tolist() == pytest.approx([MJD - 37.0 / 86400.0, MJD + 1.0 - 37.0 / 86400.0], abs=1e-9)
    assert curve.rb.tolist() == [0.875, 0.875]
    meta = dict(curve.meta)
    assert meta.pop("jdstarthist") == pytest.approx(2400000.5 + MJD - 37.0 / 86400.0, abs=1e-8)
    assert tns_name(meta.pop("tns")) == "2026abc"
    assert sherlock_class(meta) == "SN"
    del meta["sherlock"]
    assert meta == {"ndethist": 2.0, "z": 0.08, "sep_arcsec": 0.885, "sep_kpc": 1.3, "abs_mag": -19.8, "ebv_sfd": 0.02}


def test_the_context_is_said_in_the_surroundings_and_the_reasons(write: Callable[..., Path]) -> None:
    [curve] = read(write([record()]))[0].values()
    redshift = best_redshift([], curve.meta)
    assert redshift is not None
    assert (redshift.value, redshift.source) == (0.08, "spectroscopic, of the host")
    assert surroundings(curve.meta, -45.0, redshift, 19.5) == (
        "0.9″ from its host, 1.3 kpc from its core; at z = 0.080 (spectroscopic, of the host), M = −18.3 now without K "
        "correction; M = −19.8 at its brightest (Lasair); beside a galaxy, as supernovae are (Sherlock); known to TNS "
        "as 2026abc; 45° below the plane of the Galaxy."
    )
    assert near_a_host(curve.meta) == (
        "Beside a galaxy, as supernovae are, 0.9″ from its centre, at z = 0.080 (Sherlock); known to TNS as 2026abc."
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"sherlock_classifications": "ORPHAN", "z": None, "separationArcsec": None},
            "Nothing catalogued near (Sherlock).",
        ),
        (
            {"sherlock_classifications": "NT/SN", "z": None, "photoZ": 0.31},
            "At the core of a galaxy, 0.9″ from its centre, at z = 0.310 (Sherlock).",
        ),
        # The distance is that from the star.
        ({"sherlock_classifications": "VS"}, "On a catalogued star (Sherlock)."),
        ({"sherlock_classifications": "BS"}, "Beside a bright star, perhaps its artefact (Sherlock)."),
        ({"sherlock_classifications": "UNCLEAR"}, ""),
        ({"sherlock_classifications": None}, ""),
    ],
)  # fmt: skip
def test_what_sherlock_calls_the_place(fields: dict[str, Any], sentence: str, write: Callable[..., Path]) -> None:
    [curve] = read(write([record(tns_name=None, **fields)]))[0].values()
    assert near_a_host(curve.meta) == sentence


def test_a_distance_without_a_redshift_is_said(write: Callable[..., Path]) -> None:
    near = record(z=None, distance=50.0, direct_distance=16.5, absMag=None, tns_name=None, separationArcsec=5.0)
    [curve] = read(write([near]))[0].values()
    assert surroundings(curve.meta, 70.0, None, 14.0) == (
        "5.0″ from its host, 1.3 kpc from its core; at 16.5 Mpc, M = −17.1 now; beside a galaxy, as supernovae are "
        "(Sherlock); 70° above the plane of the Galaxy."
    )


def test_records_without_a_light_curve_are_counted(write: Callable[..., Path]) -> None:
    bare = {name: value for name, value in record(OBJECT + 1).items() if name != "alert"}
    empty = record(OBJECT + 2, alert={"diaSourcesList": [], "diaObject": None})
    found, report, quarantine = read(write([bare, record(), empty]))
    assert [*found] == [str(OBJECT)]
    assert (report.alerts_read, report.alerts_bad) == (1, 2)
    assert report.reasons == {NO_CURVE: 2}
    assert quarantine.examples[NO_CURVE] == f"{OBJECT + 1}: its filter was not asked for light curves"


def test_forced_photometry_and_limits_are_what_they_are_in_packets(write: Callable[..., Path]) -> None:
    weak = forced(-3.0, 900.0)
    del weak["diaForcedSourceId"]  # not always kept
    limit = {"midpointMjdTai": MJD - 2.0, "band": "g", "diaNoise": 400.0}
    changed = record()
    changed["alert"] |= {"diaForcedSourcesList": [weak], "diaNondetectionLimitsList": [limit]}
    [curve] = read(write([changed]))[0].values()
    packet = alert(source(1.0, 8, 6000.0, "i"), [source(0.0, 7)], [forced(-3.0, 900.0)])
    packet["prvDiaNondetectionLimits"] = [limit]
    [same] = read(write([packet], "packet.json"))[0].values()
    for name in ("time", "band", "flux", "flux_err", "upper_limit", "source_id", "rb"):
        np.testing.assert_array_equal(getattr(curve, name), getattr(same, name))
    assert curve.upper_limit.tolist() == [True, True, False, False]


def test_commas_before_closing_braces_are_let_through_and_counted(write: Callable[..., Path]) -> None:
    text = json.dumps([record(), record(OBJECT + 1)], indent=2)
    odd = text.replace("\n  }", ",\n  }").replace("AT2026abc", 'a,} \\" ,}')
    found, report, quarantine = read(write(odd, "odd.json.gz"))
    assert [*found] == [str(OBJECT), str(OBJECT + 1)]
    assert (report.alerts_read, report.alerts_bad) == (2, 0)
    [(remark, n)] = quarantine.remarks.items()
    assert remark.startswith(COMMA_REMARK)
    assert n == 2


VALUES = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from([",}", '",}', "\\,}"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.sampled_from([None, 1]))
def test_nothing_but_those_commas_changes(value: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert without_trailing_commas(text) == (text, 0)
    odd = f"{text[:-1]},\n}}" if value else text
    mended, n = without_trailing_commas(odd)
    assert n == bool(value)
    assert len(mended) == len(odd)
    assert json.loads(mended) == value


@given(st.text())
def test_whatever_is_given_only_commas_become_blanks(text: str) -> None:
    mended, n = without_trailing_commas(text)
    assert len(mended) == len(text)
    assert sum(a != b for a, b in zip(text, mended, strict=True)) == n
    assert {(a, b) for a, b in zip(text, mended, strict=True) if a != b} <= {(",", " ")}


@pytest.mark.parametrize(
    ("end", "detail"),
    [
        (',\n{"diaObjectId": 7, "ra"', "line 3, column 24: the file ends within a record"),
        (',\n{"diaObjectId": 7, "tns_name": "AT20', "line 3, column 33: the file ends within a record"),
        ("", "line 2, column 1: the file ends before the list does"),
        (",\n]", "line 3, column 1: a record in braces is expected"),
        ("\n{}]", "line 3, column 1: a comma or the end of the list is expected"),
        (',\n{"a": 1,, "b": 2}]', "line 3, column 9: "),
        (",\n{'a': 1}]", "line 3, column 2: "),
        (",\n{a: 1}]", "line 3, column 2: "),
        (',\n{"a": [1,]}]', "line 3, column 10: "),
        (',\n{"a": 1} // done\n]', "line 3, column 10: a comma or the end of the list is expected"),
        ("]\n[]", "line 3, column 1: something follows the end of the list"),
        (f',\n{{"a": {"[" * 200_000}', "line 3, column "),
    ],
    ids=lambda text: text[:30],
)
def test_what_is_no_json_is_named_by_line_and_column_and_the_rest_is_used(
    end: str, detail: str, write: Callable[..., Path]
) -> None:
    good = write([record(OBJECT + 1)], "good.json")
    first = json.dumps(record())
    bad = write(f"[{first}\n{end}", "bad.json")
    found, report, quarantine = read(bad, good)
    assert [*found] == [str(OBJECT), str(OBJECT + 1)]
    assert report.alerts_read == 2
    example = quarantine.examples["malformed JSON"]
    # Where exactly a comma offends depends on the version of Python, by one column.
    line, column = detail.split(": ")[0].split(", column ")
    assert example.startswith(line)
    if column.strip():
        assert abs(int(example.split("column ")[1].split(":")[0]) - int(column)) <= 1
    assert detail.partition(": ")[2] in example
    assert example.endswith(f"; records before it: {1 + ('//' in end)}")


@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_a_gzip_file_that_ends_early_is_used_as_far_as_it_goes(keep: float, tmp_path: Path) -> None:
    data = gzip.compress("".join(json.dumps(record(OBJECT + i)) + "\n" for i in range(300)).encode())
    path = tmp_path / "cut.json.gz"
    path.write_bytes(data[: int(keep * len(data))])
    found, report, quarantine = read(path)
    assert 10 < len(found) < 300
    assert report.reasons["malformed JSON"] == 1
    assert "the gzip file ends early" in quarantine.examples["malformed JSON"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "no alert packet in it"),
        ("[1, 2]", "line 1, column 2: a record in braces is expected"),
        ("[", "line 1, column 2: the file ends before the list does"),
        ("{", "the file ends within a record"),
        (b'[{"diaObjectId": "\xff"}]', "byte 18 is no UTF-8"),
        ('[{"objectId": 3}]', "it lacks diaObjectId, which every record of a Lasair filter has"),
        ('[{"diaObjectId": 3}]', "3: its filter was not asked for light curves"),
        ('[{"diaObjectId": 3, "alert": 5}]', "its alert is no record but int"),
        ('[{"diaObjectId": 3, "alert": {"diaSourcesList": 5}}]', "its diaSourcesList is no list of points"),
        ('[{"diaObjectId": -3, "alert": {"diaSourcesList": [{}]}}]', "is not the number of an object"),
    ],
)
def test_a_file_without_a_usable_record_says_why(
    content: str | bytes, message: str, write: Callable[..., Path]
) -> None:
    with pytest.raises(AlertError, match=message):
        read(write(content))


@pytest.mark.parametrize(
    "change",
    [
        {"z": "0.1"}, {"separationArcsec": [1]}, {"tns_name": 5}, {"sherlock_classifications": {}}, {"ebv": "low"},
        {"diaObjectId": "x"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_value_that_is_not_of_its_kind_costs_one_record(change: dict[str, Any], write: Callable[..., Path]) -> None:
    found, report, _ = read(write([record(OBJECT + 1, **change), record()]))
    assert [*found] == [str(OBJECT)]
    assert report.alerts_bad == 1


def test_archives_of_all_kinds_mix_and_other_json_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([record()]))
    (tmp_path / "report.json").write_text('{"alerts_read": 5}')
    (tmp_path / "b.avro").write_bytes(container([alert(source(3.0, 30))]))
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as tar:
        for name, value in (("x.json", [record(OBJECT + 1)]), ("settings.json", {"a": 1})):
            data = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    found, report, _ = read(tmp_path)
    assert [*found] == [str(OBJECT), str(OBJECT + 1)]
    assert len(found[str(OBJECT)]) == 3
    assert (report.alerts_read, report.alerts_bad) == (3, 0)


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    text = json.dumps(record())
    for name, data in (
        ("poll", f"\ufeff \n{text}\n{text}".encode()),
        ("poll.dat", gzip.compress(f"[{text}]".encode())),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        assert [*read(path)[0]] == [str(OBJECT)]


def test_the_real_files(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "lasair"
    if not folder.is_dir():
        pytest.skip(f"no output of Lasair in {shared_data}")
    found, report, quarantine = read(folder / "lasair_lsst_20260205.json.gz")
    assert (len(found), report.alerts_read, report.reasons) == (32, 32, {NO_CURVE: 32})
    assert quarantine.remarks == {}
    with gzip.open(folder / "lasair_lsst_20260205.json.gz") as file:
        records = {r["diaObjectId"]: r for r in json.load(file) if "alert" in r}
    for name, curve in found.items():
        given = records[int(name)]
        sources = sorted(given["alert"]["diaSourcesList"], key=lambda s: (s["midpointMjdTai"], s["band"]))
        np.testing.assert_allclose(curve.flux * 1000.0, [s["psfFlux"] for s in sources], rtol=1e-12)
        tai = [s["midpointMjdTai"] - 37.0 / 86400.0 for s in sources]
        np.testing.assert_allclose(curve.time, tai, rtol=0, atol=1e-9)
        assert sherlock_class(curve.meta) == given["sherlock_classifications"]
        assert curve.meta.get("z") == given["z"]
    nuclear = [curve for curve in found.values() if sherlock_class(curve.meta) == "NT"]
    assert [near_a_host(curve.meta) for curve in nuclear] == [
        "At the core of a galaxy, 0.2″ from its centre, at z = 1.208 (Sherlock)."
    ]
    found, report, quarantine = read(folder / "lasair_lsst_20260202_trailing_commas.json.gz")
    assert (len(found), report.reasons) == (43, {NO_CURVE: 1})
    assert [*quarantine.remarks.values()] == [1]


def test_rank_says_what_it_read_and_the_app_finds_the_context(
    write: Callable[..., Path], tmp_path: Path, run: Callable[..., Any]
) -> None:
    text = json.dumps([record(), {"diaObjectId": 5}], indent=2).replace(
        '\n    "ebv": null\n  }', '\n    "ebv": null,\n  }'
    )
    text = text.replace('"latestR": 0.9', '"latestR": 0.9').replace("\n  },", ",\n  },")
    store = tmp_path / "night.sqlite"
    code, out, err = run(
        "rank", write(text), "--site", "rubin", "--night", "2026-03-01", "--store", store, "--no-assistant",
        "--no-attention", "--no-microlensing", "--quarantine", tmp_path / "q",
    )  # fmt: skip
    assert code == 0, err
    assert f"1 alerts could not be used: {NO_CURVE} (1)" in out
    assert f"read all the same: {COMMA_REMARK}" in out
    with Store.open(store, read_only=True) as opened:
        plan = opened.load_plan().plan
        [target] = (*plan.targets, *plan.not_observable)
        assert any("(Sherlock)" in reason for reason in target.reasons)
        curve = opened.light_curve(str(OBJECT))
        assert curve is not None
        assert tns_name(curve.meta["tns"]) == "2026abc"


@given(st.integers(1800, 9999), st.from_regex(r"[A-Z]|[a-z]{2,6}", fullmatch=True))
def test_names_of_tns_come_back(year: int, letters: str) -> None:
    for prefix in ("", "AT", "SN ", "TDE "):
        assert tns_name(tns_number(f"{prefix}{year}{letters}")) == f"{year}{letters}"


@pytest.mark.parametrize("text", ["", "2026", "abc", "AT26abc", "2026aBc", "2026abcdefg", "ATLAS26abc", "2026 abc"])
def test_other_names_have_no_number(text: str) -> None:
    assert math.isnan(tns_number(text))
    assert tns_name(math.nan) == ""


@given(st.integers(1, 2**63 - 1))
def test_numbers_of_lsst_are_found_in_names(number: int) -> None:
    assert lsst_number(str(number)) == lsst_number(f"LSST-P-DO-{number}") == lsst_number(f"lsst{number}") == number


@pytest.mark.parametrize("name", ["", "0", "ZTF18abmjhtn", "LSST", "-5", "9223372036854775808", "1" * 30, "12a", "²"])
def test_other_names_have_no_number_of_lsst(name: str) -> None:
    assert lsst_number(name) is None
