"""Labels: what types mean, which label holds, and what comes out of the tables that others export."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.errors import TrainingError
from ampel_followup.labels import Kind, Label, class_of, effective_labels, utc_time
from ampel_followup.learning.label_files import read_labels
from ampel_followup.store import Store

NOW = "2026-11-20T20:00:00+00:00"

TNS_TABLE = """"2018-08-01 00:00:00 - 23:59:59"
"objid","name_prefix","name","redshift","typeid","type","internal_names","discoverydate","lastmodified"
"1","SN","2018abc","0.05","3","SN Ia-91T-like","ZTF18abc, ATLAS18xyz","2018-08-01 10:00:00","2018-08-20 10:00:00"
"2","AT","2018abd","","","","ZTF18abd","2018-08-01 10:00:00","2018-08-20 10:00:00"
"3","SN","2018abe","0.1?","10","SN II","ZTF18abe","2018-08-01 10:00:00","2018-08-20 10:00:00"
"4","AT","2018abf","","","Weird, really","","2018-08-01 10:00:00","2018-08-21 10:00:00"
"5","SN","2018abg"
"6","SN","2018abh","","10","SN II","ZTF18abh","2018-08-01 10:00:00","yesterday"
"""


@pytest.mark.parametrize(
    ("label_type", "class_name", "kind"),
    [
        ("SN Ia", "SN Ia", Kind.EXTRAGALACTIC),
        ("SN Ia-91T-like", "SN Ia", Kind.EXTRAGALACTIC),
        ("SN Iax[02cx-like]", "SN Ia", Kind.EXTRAGALACTIC),
        ("SN IIn", "SN II", Kind.EXTRAGALACTIC),
        ("SN IIb", "SN II", Kind.EXTRAGALACTIC),
        ("SN Ic-BL", "SN Ib/c", Kind.EXTRAGALACTIC),
        ("SN Ibn", "SN Ib/c", Kind.EXTRAGALACTIC),
        ("SN I", "SN", Kind.EXTRAGALACTIC),
        ("SN", "SN", Kind.EXTRAGALACTIC),
        ("SLSN-I", "SLSN", Kind.EXTRAGALACTIC),
        ("TDE-H-He", "TDE", Kind.EXTRAGALACTIC),
        ("good", "transient", Kind.EXTRAGALACTIC),
        ("cv", "CV", Kind.GALACTIC),
        ("Nova", "nova", Kind.GALACTIC),
        ("Varstar", "variable star", Kind.GALACTIC),
        ("M  dwarf", "M-dwarf flare", Kind.GALACTIC),
        ("QSO", "AGN", Kind.NUCLEUS),
        ("garbage", "bogus", Kind.NO_TRANSIENT),
        ("Other", "Other", Kind.UNKNOWN),
        ("snow", "snow", Kind.UNKNOWN),
        ("", "", Kind.UNKNOWN),
    ],
)
def test_a_type_stands_for_a_class(label_type: str, class_name: str, kind: Kind) -> None:
    assert class_of(label_type) == (class_name, kind)
    label = Label("ZTF18abc", label_type, "TNS", NOW)
    assert (label.class_name, label.kind) == (class_name, kind)


def test_the_classes_of_the_packaged_bundle_stand_for_themselves() -> None:
    bundle = json.loads((Path(__file__).parents[2] / "ampel_followup/bundles/simulated/bundle.json").read_text("utf-8"))
    for name in bundle["classes"]:
        assert class_of(name)[0] == name
        assert class_of(name)[1] is not Kind.UNKNOWN


def test_a_label_survives_json() -> None:
    label = Label("ZTF18abc", "SN Ia-91T", "TNS", utc_time(NOW), redshift=0.1)
    data = json.loads(json.dumps(label.to_dict()))
    assert data["class_name"] == "SN Ia"
    back = Label.from_dict(data)
    assert back.statement == label.statement
    assert math.isnan(back.confidence)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2018-08-20", "2018-08-20T00:00:00.000000Z"),
        ("2018-08-20 10:00:00", "2018-08-20T10:00:00.000000Z"),
        ("2018-08-20T10:00:00.5+02:00", "2018-08-20T08:00:00.500000Z"),
    ],
)
def test_times_sort_as_texts(text: str, time: str) -> None:
    assert utc_time(text) == time


def said(label_type: str, source: str, day: int, number: int = 0, target: str = "ZTF18abc") -> Label:
    return Label(target, label_type, source, utc_time(f"2018-08-{day:02d}"), id=number)


def test_a_later_label_of_the_same_source_supersedes_even_if_it_came_first() -> None:
    later, earlier = said("SN II", "TNS", 3, 1), said("SN Ia", "TNS", 2, 2)
    assert effective_labels([later, earlier]) == {"ZTF18abc": (later,)}
    same_day = said("SN Ib", "TNS", 3, 3)
    assert effective_labels([later, earlier, same_day]) == {"ZTF18abc": (same_day,)}


def test_of_several_sources_a_spectrum_is_trusted_most_and_a_guess_least() -> None:
    labels = [
        said("garbage", "human", 9),
        said("SN II", "TNS", 8),
        said("SN Ic", "ePESSTO", 2),
        said("SN Ib", "BTS", 7),
        said("SN Ia", "spectrum", 1),
    ]
    held = effective_labels([*labels, said("CV", "human", 1, target="ZTF18other")])
    assert [label.source for label in held["ZTF18abc"]] == ["spectrum", "TNS", "BTS", "ePESSTO", "human"]
    assert [label.type for label in held["ZTF18other"]] == ["CV"]


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["TNS", "x", "human"]), st.integers(1, 4))))
def test_what_holds_does_not_depend_on_the_order(rows: list[tuple[str, str, int]]) -> None:
    labels = [said("SN", source, day, number, target) for number, (target, source, day) in enumerate(rows, 1)]
    held = effective_labels(labels)
    # Slow and plain: of each target and source the one that no other follows.
    expected = {
        (x.target, x.source, max((o.time, o.id) for o in labels if (o.target, o.source) == (x.target, x.source)))
        for x in labels
    }
    assert {(x.target, x.source, (x.time, x.id)) for found in held.values() for x in found} == expected
    shuffled = random.Random(0).sample(labels, len(labels))
    assert effective_labels(shuffled) == held


def test_the_table_of_tns_gives_a_label_to_each_name_of_a_survey(tmp_path: Path) -> None:
    path = tmp_path / "tns.csv"
    path.write_text(TNS_TABLE)
    table = read_labels(path, now=NOW)
    assert [(x.target, x.class_name, x.source) for x in table.labels] == [
        ("ZTF18abc", "SN Ia", "TNS"), ("ATLAS18xyz", "SN Ia", "TNS"), ("2018abf", "Weird, really", "TNS"),
    ]  # fmt: skip
    assert table.labels[0].redshift == 0.05
    assert table.labels[0].time == "2018-08-20T10:00:00.000000Z"
    assert (table.n_rows, table.n_unclassified) == (6, 1)
    assert [(bad.row, bad.name) for bad in table.bad] == [(3, "ZTF18abe"), (5, ""), (6, "ZTF18abh")]
    assert [bad.reason for bad in table.bad] == [
        "redshift '0.1?' is not a number", "more or fewer fields than columns", "time 'yesterday' is not ISO 8601",
    ]  # fmt: skip


def test_real_exports_of_surveys_are_read(shared_data: Path) -> None:
    bts = read_labels(shared_data / "ztf_bts_snia" / "bts_labels.parquet", now=NOW)
    assert {label.source for label in bts.labels} == {"BTS"}
    assert (bts.n_rows, bts.n_unclassified, bts.bad) == (3496, 1230, ())
    assert len(bts.labels) == 3496 - 1230
    first = bts.labels[0]
    assert (first.target, first.class_name, first.redshift) == ("ZTF17aaazdba", "TDE", 0.022)
    assert {label.type for label in bts.labels if label.kind is Kind.UNKNOWN} == {"other", "Other"}
    superphot = read_labels(shared_data / "ztf_bts_snia" / "superphotplus_labels.parquet", now=NOW, source="TNS")
    assert len(superphot.labels) == 5177
    assert {label.type for label in superphot.labels if label.kind is Kind.UNKNOWN} == {"Other", "Galaxy"}


def test_a_table_of_ones_own_is_read_with_the_columns_that_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("star;what;p;when\nA;SN Ia;0.9;2018-08-20\nB;CV;90;2018-08-20\n;CV;0.5;2018-08-20\nD;-;;\n")
    columns = {"name": "star", "type": "what", "confidence": "p"}
    table = read_labels(path, now=NOW, source="human", author="Vera", columns=columns)
    [label] = table.labels
    assert (label.target, label.author, label.confidence, label.time[:10]) == ("A", "Vera", 0.9, "2018-08-20")
    assert [bad.reason for bad in table.bad] == ["confidence '90' is not between 0 and 1", "no name"]
    assert table.n_unclassified == 1
    with pytest.raises(TrainingError, match=r"has no column 'nothing', only star, what, p, when; name one of them"):
        read_labels(path, now=NOW, columns={"name": "nothing"})
    with pytest.raises(TrainingError, match=r"no column that is a name by its name.*--name-column"):
        read_labels(path, now=NOW)
    with pytest.raises(TrainingError, match=r"does not say where its labels come from; say it, as --source"):
        read_labels(path, now=NOW, columns=columns)


def test_labels_without_a_time_are_of_now(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps([{"target": "A", "type": "SN Ia", "source": "human"}, 7, {"target": "B", "type": "CV"}]))
    table = read_labels(path, now=NOW)
    assert [label.time for label in table.labels] == ["2026-11-20T20:00:00.000000Z"]
    assert [(bad.row, bad.reason) for bad in table.bad] == [(2, "more or fewer fields than columns"), (3, "no source")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no columns; is it the right file"),
        ("no table at all\n", "has no columns"),
        ("name,type\n", "the table has no rows"),
        ("[1, 2]", "holds no list of objects with a name and a type"),
        ("{broken", "is not valid JSON"),
    ],
)
def test_a_file_that_is_no_table_is_one_line(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(content)
    with pytest.raises(TrainingError, match=message) as error:
        read_labels(path, now=NOW, source="human")
    assert "\n" not in str(error.value)


def test_one_huge_field_does_not_stop_the_rows_after_it(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"name,type\nA,SN Ia\nB,{'x' * 200_000}\nC,CV\n")
    table = read_labels(path, now=NOW, source="human")
    assert [label.target for label in table.labels] == ["A", "C"]
    assert [bad.row for bad in table.bad] == [2]


def test_the_command_adds_a_table_once_and_lists_it(run, tmp_path: Path) -> None:
    table, store = tmp_path / "tns.csv", tmp_path / "night.sqlite"
    table.write_text(TNS_TABLE)
    code, out, _ = run("label", "import", table, "--store", store)
    assert code == 0
    assert "6 rows with 3 labels: 3 added, 0 known already; 1 rows without a class, 3 bad ones" in out
    assert "Bad row 3 (ZTF18abe): redshift '0.1?' is not a number" in out
    assert "Weird, really (1)" in out
    again = json.loads(run("label", "import", table, "--store", store, "--json")[1])
    assert (again["added"], again["known"], len(again["bad"])) == (0, 3, 3)
    listed = json.loads(run("label", "list", "--store", store, "--target", "ZTF18abc", "--json")[1])["labels"]
    assert [(x["target"], x["type"], x["class_name"], x["source"]) for x in listed] == [
        ("ZTF18abc", "SN Ia-91T-like", "SN Ia", "TNS")
    ]
    assert "ATLAS18xyz" in run("label", "list", "--store", store)[1]


def test_what_the_command_lists_can_be_imported_elsewhere(run, tmp_path: Path) -> None:
    table, listing = tmp_path / "tns.csv", tmp_path / "labels.json"
    table.write_text(TNS_TABLE)
    run("label", "import", table, "--store", tmp_path / "one.sqlite")
    listing.write_text(run("label", "list", "--store", tmp_path / "one.sqlite", "--json")[1])
    assert run("label", "import", listing, "--store", tmp_path / "two.sqlite")[0] == 0
    with Store.open(tmp_path / "one.sqlite") as one, Store.open(tmp_path / "two.sqlite") as two:
        assert [(x.time, x.statement) for x in one.labels()] == [(x.time, x.statement) for x in two.labels()]


def test_only_labels_that_hold_are_listed_on_demand(run, tmp_path: Path) -> None:
    with Store.open(tmp_path / "night.sqlite") as store:
        store.add_labels([said("SN Ia", "TNS", 2), said("SN II", "TNS", 3), said("garbage", "human", 4)])
    out = json.loads(run("label", "list", "--store", tmp_path / "night.sqlite", "--effective", "--json")[1])
    assert [label["type"] for label in out["labels"]] == ["SN II", "garbage"]


def test_a_wrong_import_is_one_line(run, tmp_path: Path) -> None:
    code, _, err = run("label", "import", tmp_path / "nothing.csv", "--store", tmp_path / "night.sqlite")
    assert code == 2
    assert err.startswith("ampel-followup: cannot read ")
    assert err.count("\n") == 1
    assert not (tmp_path / "night.sqlite").exists()
