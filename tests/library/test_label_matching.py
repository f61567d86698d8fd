"""A label finds its object by name, by number and by position, now or when the object appears; none is lost."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from assistant_plans import PLAN, plan_of
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.labels import Label
from ampel_followup.learning.label_matching import match, match_waiting, nearest
from ampel_followup.lightcurve import LightCurve
from ampel_followup.store import Store, StoredObject

ARCSEC = 1.0 / 3600.0
TIME = "2018-08-25"

OBJECTS = (
    StoredObject("ZTF18abc", 1001, 120.0, 30.0),
    StoredObject("ZTF18pole", 1002, 10.0, 90.0 - 0.9 * ARCSEC),
    StoredObject("ZTF18wrap", 1003, 359.9999, -20.0),
)


def label(target: str, ra: float = math.nan, dec: float = math.nan, kind: str = "SN Ia") -> Label:
    return Label(target, kind, "TNS", TIME, ra=ra, dec=dec)


def separation(ra: float, dec: float, ra2: float, dec2: float) -> float:
    """Angle on the sphere [arcsec]; slow and plain, by the haversine."""
    a, d, a2, d2 = map(math.radians, (ra, dec, ra2, dec2))
    h = math.sin((d2 - d) / 2) ** 2 + math.cos(d) * math.cos(d2) * math.sin((a2 - a) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(h)))) * 3600


def object_of(name: str, ra: float, dec: float, stock: int = 1) -> LightCurve:
    return LightCurve(
        id=name, stock=stock, time=np.array([58350.0]), band=np.array(["ztfr"]), flux=np.array([100.0]),
        flux_err=np.array([1.0]), upper_limit=np.array([False]), ra=ra, dec=dec,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "night.sqlite") as opened:
        yield opened


@pytest.mark.parametrize(
    ("given_label", "target", "how"),
    [
        (label("ZTF18abc"), "ZTF18abc", ""),
        (label("1002"), "ZTF18pole", "broker id"),
        (label("2018abc", 120.0, 30.0 + 1.9 * ARCSEC), "ZTF18abc", "position"),
        # At the pole 180° of right ascension are an arcsecond, and at 0 h they begin anew.
        (label("2018pol", 190.0, 90.0 - 0.9 * ARCSEC), "ZTF18pole", "position"),
        (label("2018wrp", 0.0001, -20.0), "ZTF18wrap", "position"),
    ],
)
def test_a_label_comes_under_the_name_of_its_object(given_label: Label, target: str, how: str) -> None:
    [found] = match([given_label], OBJECTS).labels
    assert (found.target, found.matched) == (target, how)
    assert found.name == ("" if not how else given_label.target)


def test_a_label_farther_than_two_arcseconds_is_of_another_object_and_kept() -> None:
    far = label("2018abc", 120.0, 30.0 + 2.1 * ARCSEC)
    matching = match([far, label("2018nowhere")], OBJECTS)
    assert [x.target for x in matching.labels] == ["2018abc", "2018nowhere"]
    assert [x.target for x in matching.unknown] == ["2018abc", "2018nowhere"]


def test_two_names_of_one_row_are_one_label() -> None:
    row = [label("ZTF18abc", 120.0, 30.0), label("ATLAS18xyz", 120.0, 30.0)]
    matching = match(row, OBJECTS)
    assert [x.target for x in matching.labels] == ["ZTF18abc"]
    assert (matching.n_by_name, matching.n_by_position) == (1, 1)


positions = st.tuples(st.floats(0, 360), st.sampled_from([-90.0, -89.9999, -45.0, 0.0, 89.99995, 90.0]))


@given(st.lists(positions, min_size=1, max_size=8), st.lists(positions, min_size=1, max_size=8), st.floats(0.5, 5))
def test_the_nearest_is_found_anywhere_on_the_sphere(
    points: list[tuple[float, float]], others: list[tuple[float, float]], radius: float
) -> None:
    found = nearest(np.array(points), np.array(others), radius)
    for (ra, dec), index in zip(points, found.tolist(), strict=True):
        each = [separation(ra, dec, *other) for other in others]
        if index < 0:
            assert min(each) > radius * (1 - 1e-6) - 1e-4
        else:
            assert each[index] <= min(each) + 1e-4


def test_nothing_is_near_an_unknown_position() -> None:
    assert nearest(np.full((2, 2), np.nan), np.zeros((1, 2)), 2.0).tolist() == [-1, -1]
    assert nearest(np.zeros((1, 2)), np.empty((0, 2)), 2.0).tolist() == [-1]


def test_a_label_for_an_unknown_object_is_kept_and_matched_when_it_appears(store: Store) -> None:
    store.add_labels([label("2018abc", 120.0, 30.0), label("2018other", 200.0, 10.0)])
    assert match_waiting(store) == 0
    store.save_light_curves([object_of("ZTF18abc", 120.0, 30.0 + ARCSEC)])
    assert match_waiting(store) == 1
    assert match_waiting(store) == 0
    [found] = store.labels("ZTF18abc")
    assert (found.name, found.matched, found.type) == ("2018abc", "position", "SN Ia")
    assert [x.target for x in store.labels()] == ["2018abc", "2018other", "ZTF18abc"]


def test_what_the_iau_calls_an_object_of_lsst_is_the_number_of_its_alerts() -> None:
    known = StoredObject("170028485706776685", 170028485706776685, 120.0, 30.0)
    matching = match([label("LSST-AP-DO-170028485706776685"), label("LSST-AP-DO-17")], [known])
    assert [one.target for one in matching.labels] == ["170028485706776685", "LSST-AP-DO-17"]
    assert (matching.n_by_number, len(matching.unknown)) == (1, 1)


def test_the_light_curve_is_kept_as_it_was_when_first_listed(store: Store) -> None:
    first, later = PLAN.targets[0], object_of(PLAN.targets[0].id, 10.0, 10.0)
    longer = replace(later, time=np.array([58360.0]))
    store.save_plan(plan_of("2018-08-19", replace(first, rank=0)), created=TIME, light_curves=[later])
    assert store.light_curve(first.id, when_listed=True) is None
    plan = replace(plan_of("2018-08-20"), targets=(replace(first, rank=1),))
    store.save_plan(plan, created=TIME)
    store.save_plan(replace(plan, strategy="entropy"), created=TIME, light_curves=[longer])
    kept, newest = store.light_curve(first.id, when_listed=True), store.light_curve(first.id)
    assert kept is not None
    assert newest is not None
    assert (kept.time, newest.time) == ((58350.0,), (58360.0,))


def test_the_command_says_which_objects_it_does_not_know(run, tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    with Store.open(path) as store:
        store.save_light_curves([object_of("ZTF18abc", 120.0, 30.0, stock=77)])
    table = tmp_path / "mine.csv"
    # A byte-order mark, semicolons, decimal commas, as spreadsheets of half the world save it.
    table.write_bytes(
        "\ufeffname;type;ra;dec;redshift\r\nX1;SN Ia;8:00:00;+30:00:01;0,05\r\n77;CV;;;\r\nX3;AGN;1;1;\r\n".encode()
    )
    code, out, _ = run("label", "import", table, "--source", "human", "--store", path)
    assert code == 0
    assert "0 by name, 1 by the broker's number, 1 by position" in out
    assert "unknown object (X3): kept; matched when the store sees them" in out
    listed = json.loads(run("label", "list", "--store", path, "--json")[1])["labels"]
    assert [(x["target"], x["name"], x["redshift"]) for x in listed] == [
        ("ZTF18abc", "X1", 0.05), ("ZTF18abc", "77", None), ("X3", "", None),
    ]  # fmt: skip
    assert "X3" in run("label", "list", "--unmatched", "--store", path)[1]
    assert "ZTF18abc" not in run("label", "list", "--unmatched", "--store", path)[1]


def test_a_person_sets_a_label_and_is_told_what_is_unknown(run, tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    code, out, _ = run(
        "label", "set", "ZTF18abc", "SN IIn", "--observer", "ada", "--source", "spectrum", "--comment", "narrow\nlines",
        "--store", path,
    )  # fmt: skip
    assert code == 0
    assert "ZTF18abc is SN II by spectrum, ada" in out
    assert "unknown object (ZTF18abc): kept" in out
    run("label", "set", "ZTF18abc", "squid", "--author", "bob", "--store", path)
    with Store.open(path) as store:
        assert [(x.type, x.author, x.comment, x.source) for x in store.labels()] == [
            ("SN IIn", "ada", "narrow lines", "spectrum"), ("squid", "bob", "", "human"),
        ]  # fmt: skip
    code, out, _ = run("label", "list", "--conflicts", "--store", path)
    assert "SN IIn" in out
    assert "squid" in out
    code, _, err = run("label", "set", "ZTF18abc", "SN Ia", "--store", path)
    assert (code, "--observer" in err, err.count("\n")) == (2, True, 1)


@pytest.mark.parametrize("ending", ["csv", "ecsv", "json"])
def test_what_is_exported_is_imported_to_the_last_bit(run, tmp_path: Path, ending: str) -> None:
    one, two, file = tmp_path / "one.sqlite", tmp_path / "two.sqlite", tmp_path / f"labels.{ending}"
    with Store.open(one) as store:
        store.add_labels(
            [
                Label("ZTF18abc", "SN Ia-91T", "TNS", TIME, "ePESSTO+, ZTF", 0.1 + 0.2, 0.1, "2018x", 1 / 3, -2 / 3,
                      "position", "narrow; \"odd\", '=1+1' é"),
                Label("=HYPERLINK(1)", "SN Ib,c", "human", "2018-08-26T01:02:03.000004Z", comment="=1+1"),
            ]
        )  # fmt: skip
    assert run("label", "export", file, "--store", one)[0] == 0
    code, _, err = run("label", "export", file, "--store", one)
    assert (code, "is there already" in err) == (2, True)
    assert run("label", "import", file, "--store", two)[0] == 0
    with Store.open(one) as left, Store.open(two) as right:
        assert [x.to_dict() for x in left.labels()] == [x.to_dict() for x in right.labels()]


def test_labels_are_not_written_in_formats_that_nobody_knows(run, tmp_path: Path) -> None:
    Store.open(tmp_path / "night.sqlite").close()
    code, _, err = run("label", "export", tmp_path / "labels.xlsx", "--store", tmp_path / "night.sqlite")
    assert (code, ".csv, .ecsv, .json" in err) == (2, True)


def test_tables_and_replies_of_surveys_are_recognised(run, tmp_path: Path) -> None:
    files = {
        "search.csv": '"ID","Name","RA","DEC","Obj. Type","Redshift","Disc. Internal Name","Discovery Date (UT)"\n'
        '"1","SN 2018abc","15:05:07.6","-12:30:00","SN Ia","0.1","ZTF18abc","2018-08-20 10:00:00"\n',
        "reply.json": json.dumps(
            {
                "id_code": 200,
                "data": {
                    "reply": {
                        "objname": "2018abc",
                        "radeg": 226.28166666666666,
                        "decdeg": -12.5,
                        "redshift": 0.1,
                        "object_type": {"name": "SN Ia", "id": 3},
                        "internal_names": "ZTF18abc",
                    }
                },
            }
        ),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        store = tmp_path / f"{name}.sqlite"
        assert run("label", "import", tmp_path / name, "--store", store)[0] == 0
        with Store.open(store) as opened:
            [found] = opened.labels()
        assert (found.target, found.type, found.source, found.redshift) == ("ZTF18abc", "SN Ia", "TNS", 0.1)
        assert (found.ra, found.dec) == (pytest.approx(226.281666667), -12.5)
    (tmp_path / "atlas.csv").write_text("ATLAS_ID,type\n1160457911144448000,good\n")
    run("label", "import", tmp_path / "atlas.csv", "--store", tmp_path / "atlas.sqlite")
    with Store.open(tmp_path / "atlas.sqlite") as opened:
        assert [(x.target, x.class_name, x.source) for x in opened.labels()] == [
            ("1160457911144448000", "transient", "ATLAS")
        ]


def test_a_position_that_is_not_on_the_sky_is_a_bad_row(run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("name,type,ra,dec\nA,CV,400,0\nB,CV,10:xx:00,0\nC,CV,1,-1\n")
    out = run("label", "import", tmp_path / "t.csv", "--source", "x", "--store", tmp_path / "s.sqlite", "--json")[1]
    assert [row["reason"] for row in json.loads(out)["bad"]] == [
        "position '400', '0' is not on the sky", "ra '10:xx:00' is no angle",
    ]  # fmt: skip
