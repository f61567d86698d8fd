"""Target lists: the same bytes for the same plan, readable by the programs they are for."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from hypothesis import example, given
from hypothesis import strategies as st

from ampel_followup.decision import Decision
from ampel_followup.errors import ExportError
from ampel_followup.exports import FORMATS, export
from ampel_followup.exports.coordinates import declination, right_ascension
from ampel_followup.exports.entries import COLUMNS, ListEntry
from ampel_followup.plan import NightPlan

GOLDEN = Path(__file__).parent / "golden"
PLAN = NightPlan.from_dict(json.loads((GOLDEN / "plan.json").read_text("utf-8")))
FIRST, SECOND, THIRD = (target.id for target in PLAN.targets)
[UNSEEN] = (target.id for target in PLAN.not_observable)


def decided(target: str, verdict: str, comment: str = "", observer: str = "Vera") -> Decision:
    return Decision(target, PLAN.night.date, PLAN.night.site, verdict, observer, "2018-08-20T20:00:00.000000Z", comment)


VERDICTS = {
    FIRST: decided(FIRST, "approve", '=HYPERLINK("http://example.org")\nsecond line\x1b[2J'),
    SECOND: decided(SECOND, "reject", "too faint, too \N{RIGHT-TO-LEFT OVERRIDE}late", observer="@Annie"),
    UNSEEN: decided(UNSEEN, "approve", 'ask "another" site; −30° limit'),
}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("fmt", list(FORMATS))
@pytest.mark.parametrize("select", ["approved", "all"])
def test_a_list_is_the_golden_one(fmt: str, select: str, tmp_path: Path) -> None:
    # After a wanted change run once with AMPEL_FOLLOWUP_WRITE_GOLDEN=1, and read the difference.
    golden = GOLDEN / f"{select}.{fmt}"
    out = tmp_path / golden.name
    text = export(PLAN, VERDICTS, fmt, out, select=select)
    assert out.read_bytes() == text.encode()
    if os.environ.get("AMPEL_FOLLOWUP_WRITE_GOLDEN"):
        golden.write_bytes(out.read_bytes())
    assert out.read_bytes() == golden.read_bytes()


def test_only_approved_targets_are_in_the_list_unless_all_are_asked_for() -> None:
    assert [row["id"] for row in rows_of(export(PLAN, VERDICTS, "csv", None))] == [FIRST, UNSEEN]
    everything = rows_of(export(PLAN, VERDICTS, "csv", None, select="all"))
    assert [row["id"] for row in everything] == [FIRST, SECOND, THIRD, UNSEEN]
    assert [row["rank"] for row in everything] == ["1", "2", "3", "0"]
    assert [row["verdict"] for row in everything] == ["approve", "reject", "", "approve"]
    assert everything[-1]["reasons"].startswith("never rises at Palomar; ")


def test_an_empty_list_has_its_header() -> None:
    assert export(PLAN, {}, "csv", None) == ",".join(COLUMNS) + "\r\n"
    assert json.loads(export(PLAN, {}, "json", None))["targets"] == []
    assert len(Table.read(export(PLAN, {}, "ecsv", None), format="ascii.ecsv")) == 0


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "\t=", "\r\n@", " -"])
def test_a_comment_is_no_formula_in_a_spreadsheet(sign: str) -> None:
    plan = replace(PLAN, targets=(replace(PLAN.targets[0], reasons=(f"{sign}1",)),))
    text = export(plan, {FIRST: decided(FIRST, "approve", f"{sign}cmd|' /C calc'!A0", f"{sign}Vera")}, "csv", None)
    [row] = rows_of(text)
    for name in ("comment", "observer", "reasons"):
        assert row[name].startswith("'" + sign.strip())


def test_coordinates_keep_their_sign_in_a_spreadsheet() -> None:
    row = rows_of(export(PLAN, VERDICTS, "csv", None, select="all"))[1]
    assert (row["dec"], row["dec_sexagesimal"]) == ("-0.3125", "-00:18:45.00")


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_leaves_one_row_with_every_column(comment: str, reason: str) -> None:
    plan = replace(PLAN, targets=(replace(PLAN.targets[0], reasons=(reason,)),), not_observable=())
    verdicts = {FIRST: decided(FIRST, "approve", comment)}
    text = export(plan, verdicts, "csv", None)
    assert text.count("\r\n") == text.count("\n") == 2
    [row] = rows_of(text)
    assert set(row) == set(COLUMNS)
    [target] = json.loads(export(plan, verdicts, "json", None))["targets"]
    assert row["comment"].removeprefix("'") == target["comment"].removeprefix("'")


@pytest.mark.parametrize("select", ["approved", "all"])
def test_astropy_reads_the_ecsv_with_units_and_circumstances(select: str) -> None:
    table = Table.read(export(PLAN, VERDICTS, "ecsv", None, select=select), format="ascii.ecsv")
    document = json.loads(export(PLAN, VERDICTS, "json", None, select=select))
    assert table.colnames == list(COLUMNS)
    assert {name: str(table[name].unit or "") for name in COLUMNS} == {
        name: unit for name, (unit, _) in COLUMNS.items()
    }
    assert table.meta["night"] == PLAN.night.date
    assert table.meta["site"] == PLAN.night.site
    assert table.meta["bundle_digest"] == PLAN.bundle_digest
    for row, target in zip(table.filled(""), document["targets"], strict=True):
        for name, value in target.items():
            if name == "reasons":
                assert row[name] == "; ".join(value)
            elif value is None:
                assert math.isnan(row[name]), name
            else:
                assert row[name] == value, name


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text(st.sampled_from("#%'\",;: \\-{}[]|>&*!~nan0"), max_size=12),
)
@example("", "")
@example('"', "#")
def test_astropy_reads_any_comment_from_the_ecsv(comment: str, observer: str) -> None:
    verdicts = {FIRST: decided(FIRST, "approve", comment, observer), UNSEEN: decided(UNSEEN, "approve")}
    table = Table.read(export(PLAN, verdicts, "ecsv", None), format="ascii.ecsv").filled("")
    targets = json.loads(export(PLAN, verdicts, "json", None))["targets"]
    assert [str(text) for text in table["comment"]] == [target["comment"] for target in targets]
    assert [str(text) for text in table["observer"]] == [target["observer"] for target in targets]


def test_columns_are_the_fields_of_an_entry() -> None:
    assert tuple(COLUMNS) == ListEntry.__match_args__


@pytest.mark.parametrize(
    ("degrees", "text"),
    [
        (0.0, "00:00:00.000"),
        (292.1234567, "19:28:29.630"),
        (359.99999999, "00:00:00.000"),
        (14.99999999, "01:00:00.000"),
        (-15.0, "23:00:00.000"),
    ],
)
def test_right_ascension_carries_when_it_rounds_up(degrees: float, text: str) -> None:
    assert right_ascension(degrees) == text


@pytest.mark.parametrize(
    ("degrees", "text"),
    [
        (-0.3125, "-00:18:45.00"),
        (-1e-5, "-00:00:00.04"),
        (-1e-9, "+00:00:00.00"),
        (-0.0, "+00:00:00.00"),
        (-7.99999999, "-08:00:00.00"),
        (90.0, "+90:00:00.00"),
        (-90.0, "-90:00:00.00"),
    ],
)
def test_declination_keeps_its_sign_and_carries(degrees: float, text: str) -> None:
    assert declination(degrees) == text


@given(st.floats(0.0, 360.0, exclude_max=True), st.floats(-90.0, 90.0))
def test_sexagesimal_positions_are_read_back_by_astropy(ra: float, dec: float) -> None:
    back = SkyCoord(right_ascension(ra), declination(dec), unit=("hourangle", "deg"))
    turn = (back.ra.deg - ra + 180.0) % 360.0 - 180.0
    assert abs(turn) <= 0.0005 * 15 / 3600 * 1.001
    assert abs(back.dec.deg - dec) <= 0.005 / 3600 * 1.001


def test_a_list_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    out.write_text("old" * 10_000)
    link = tmp_path / "link.csv"
    link.symlink_to(out)
    text = export(PLAN, VERDICTS, "csv", link)
    assert out.read_bytes() == text.encode()
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "list.csv"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~mask


def test_a_failed_export_leaves_the_old_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "list.csv"
    out.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match="No space left on device"):
        export(PLAN, VERDICTS, "csv", out)
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]
    assert out.read_text() == "old"


def test_what_cannot_be_exported_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no target list format 'fits'; choose one of csv, ecsv, json"):
        export(PLAN, VERDICTS, "fits", tmp_path / "list.fits")
    with pytest.raises(ExportError, match="no selection 'best'; choose one of approved, all"):
        export(PLAN, VERDICTS, "csv", None, select="best")
    with pytest.raises(ExportError, match="No such file or directory; name a file in a folder"):
        export(PLAN, VERDICTS, "csv", tmp_path / "missing" / "list.csv")
    with pytest.raises(ExportError, match="it is not a file; name a file"):
        export(PLAN, VERDICTS, "csv", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_a_list_are_those_of_the_plan() -> None:
    table = Table.read(export(PLAN, {}, "ecsv", None, select="all"), format="ascii.ecsv")
    targets = (*PLAN.targets, *PLAN.not_observable)
    np.testing.assert_allclose(table["dec"], [t.dec for t in targets], atol=5e-8)
    np.testing.assert_allclose(table["priority"], [t.priority for t in targets], atol=5e-7)
    np.testing.assert_allclose(table["last_mag"], [t.photometry.last_mag for t in targets], atol=5e-4)
    np.testing.assert_allclose(table["min_airmass"], [t.visibility.min_airmass for t in targets], atol=5e-4)
