"""Lists and requests for single telescopes: what their software takes, with nothing lost on the way."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from astropy.coordinates import SkyCoord
from hypothesis import example, given
from hypothesis import strategies as st

from ampel_followup.decision import Decision
from ampel_followup.exports import FORMATS, Extras, OffsetStar, export, exported, shortened
from ampel_followup.exports.short_names import ascii_line, short_names
from ampel_followup.exports.telescope import offset
from ampel_followup.labels import Label
from ampel_followup.plan import NightPlan
from ampel_followup.store import Store

GOLDEN = Path(__file__).parent / "golden"
ZTF = NightPlan.from_dict(json.loads((GOLDEN / "plan.json").read_text("utf-8")))

# The last two end alike: in fifteen characters their names would be the same.
NAMES = ("ZTF18abmjhtn", "LSST-AP-DO-313853499830501440", "LSST-AP-DO-170053499830501440")
UNSEEN = "LSST-P-DO-42"
PLAN = replace(
    ZTF,
    targets=tuple(replace(target, id=name) for target, name in zip(ZTF.targets, NAMES, strict=True)),
    not_observable=(replace(ZTF.not_observable[0], id=UNSEEN),),
)
TELESCOPES = [name for name, fmt in FORMATS.items() if fmt.tonight]
SEXAGESIMAL = ["keck", "p200", "lick", "staralt", "jskycalc"]


def decided(target: str, verdict: str, comment: str = "") -> Decision:
    night = PLAN.night
    return Decision(target, night.date, night.site, verdict, "Vera", "2018-08-21T04:48:00.000000Z", comment)


VERDICTS = {
    NAMES[0]: decided(NAMES[0], "approve", "blind offset!\nsecond line, vmag=3 # rotmode=pa"),
    NAMES[1]: decided(NAMES[1], "approve"),
    NAMES[2]: decided(NAMES[2], "observed"),
    UNSEEN: decided(UNSEEN, "approve"),
}
EXTRAS = Extras(
    exposures={NAMES[0]: 900.0},
    offset_stars={NAMES[1]: (OffsetStar(0.01, -0.3025, 15.24), OffsetStar(359.99, -0.3))},
    proposal="2018B-042",
)


def written(fmt: str, select: str = "all", plan: NightPlan = PLAN) -> str:
    return export(plan, VERDICTS, fmt, None, select=select, extras=EXTRAS)


def rows(fmt: str, text: str) -> list[list[str]]:
    """Split a list into names and what follows, as the telescope does."""
    found = []
    for line in text.splitlines():
        if line.startswith(("#", "!Data")):
            continue
        if fmt == "keck":
            assert line[15] == " " and line[16].isdigit(), "the right ascension begins in column 17"
            found.append([line[:15].rstrip(), *line[16:].split()])
        else:
            found.append(line.split())
    return found


@pytest.mark.parametrize("fmt", sorted(set(FORMATS) - {"csv", "ecsv", "json"}))
def test_a_list_with_long_names_offset_stars_and_exposures_is_the_golden_one(fmt: str) -> None:
    # After a wanted change run once with AMPEL_FOLLOWUP_WRITE_GOLDEN=1, and read the difference.
    golden = GOLDEN / f"extras.{fmt}"
    if os.environ.get("AMPEL_FOLLOWUP_WRITE_GOLDEN"):
        golden.write_bytes(written(fmt).encode())
    assert written(fmt).encode() == golden.read_bytes()


@pytest.mark.parametrize("fmt", SEXAGESIMAL)
def test_positions_come_back_from_a_list_for_a_telescope(fmt: str) -> None:
    stars = {"_o1": (0.01, -0.3025), "_o2": (359.99, -0.3)}
    plain = {row[0]: row for row in rows(fmt, written(fmt))}
    targets = [row for name, row in plain.items() if not name.endswith(tuple(stars))]
    assert len(targets) == 3
    expected = [(target.ra, target.dec) for target in PLAN.targets]
    if fmt not in ("staralt", "jskycalc"):
        targets += [row for name, row in plain.items() if name.endswith(tuple(stars))]
        expected += list(stars.values())
        assert len(targets) == 5
    for row, (ra, dec) in zip(targets, expected, strict=True):
        position = SkyCoord(" ".join(row[1:4]), " ".join(row[4:7]), unit=("hourangle", "deg"))
        assert position.separation(SkyCoord(ra, dec, unit="deg")).arcsec < 0.16
        assert row[7].removeprefix("J") in ("2000", "2000.0")


@pytest.mark.parametrize("fmt", SEXAGESIMAL)
def test_the_sign_of_a_declination_just_south_of_the_equator_is_kept(fmt: str) -> None:
    assert " -00 18 45.00 " in written(fmt) + " "


@pytest.mark.parametrize("fmt", TELESCOPES)
def test_names_fit_and_differ_and_the_long_ones_are_said(fmt: str) -> None:
    length = FORMATS[fmt].name_length
    assert length is not None
    entries = exported(PLAN, VERDICTS, fmt, select="all")
    names = [shortened(entries, fmt).get(entry.id, entry.id) for entry in entries]
    assert len(set(names)) == 3
    assert max(map(len, names)) <= length
    assert names[0] == NAMES[0]
    assert set(shortened(entries, fmt)) == (set(NAMES[1:]) if length < len(NAMES[1]) else set())
    bare = export(PLAN, VERDICTS, fmt, None, select="all")
    assert all(name in bare for name in names)
    assert all(name in written(fmt) for name in shortened(entries, fmt, EXTRAS).values())


@pytest.mark.parametrize("fmt", ["keck", "p200", "lick"])
def test_the_whole_name_is_in_the_comment_of_a_shortened_one(fmt: str) -> None:
    assert all(name in written(fmt) for name in NAMES)


@pytest.mark.parametrize("fmt", TELESCOPES)
def test_a_telescope_is_not_sent_to_what_it_cannot_see(fmt: str) -> None:
    assert UNSEEN not in written(fmt)
    assert UNSEEN in written("csv")
    assert UNSEEN in written("ds9")


@given(st.text(max_size=60))
@example("x vmag=3 rotmode=pa")
@example("x vmag＝3 ＃ ！")
@example("} # color=red")
@example("</Table>&amp;\x00\x0b\ud800")
def test_no_comment_adds_a_line_a_keyword_or_a_mark(comment: str) -> None:
    plan = replace(PLAN, targets=PLAN.targets[:1], not_observable=())
    verdicts = {NAMES[0]: decided(NAMES[0], "approve", comment)}
    keck, p200, lick, ds9, voevent = (
        export(plan, verdicts, f, None) for f in ("keck", "p200", "lick", "ds9", "voevent")
    )
    assert keck.count("\n") == lick.count("\n") == 2
    assert "=" not in keck.split("\n")[1]
    assert p200.count("\n") == 1 and p200.count("!") == 1
    assert all(text.isascii() for text in (keck, p200, lick, ds9))
    assert ds9.count("}") == 1
    ElementTree.fromstring(voevent)


@given(st.lists(st.text(max_size=40), max_size=12, unique=True), st.integers(8, 26))
@example(["LSST-AP-DO-313853499830501440", "LSST-AP-DO-170053499830501440"], 15)
@example(["a b", "ab", "AB", "a_b"], 8)
@example(["", "ß", "\x1b"], 8)
def test_short_names_fit_differ_and_do_not_depend_on_the_order(names: list[str], length: int) -> None:
    short = short_names(names, length)
    assert len({name.upper() for name in short}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9+\-._]+", name) and len(name) <= length for name in short)
    # Numbers, which only equal fingerprints get, are as good as never needed.
    assert dict(zip(names[::-1], short_names(names[::-1], length), strict=True)) == dict(zip(names, short, strict=True))


def test_ordinary_names_stay_as_they_are() -> None:
    assert short_names(["ZTF18abmjhtn", "AT2018cow", "SN 2018cow"], 15) == ["ZTF18abmjhtn", "AT2018cow", "SN2018cow"]
    assert short_names(["LSST-AP-DO-313853499830501440"], 15) == ["L53499830501440"]
    # A number that was cut must not look like the number of another object.
    assert short_names(["313853499830501440", "11290844"], 15) == ["L53499830501440", "11290844"]
    assert ascii_line("Étoile −30° α\n") == "Etoile ?30? ?"


@given(st.floats(0, 359.99), st.floats(-89, 89), st.floats(0, 0.05), st.floats(0, 360))
def test_an_offset_is_the_move_from_the_star_to_the_target(
    ra: float, dec: float, distance: float, angle: float
) -> None:
    star = SkyCoord(ra, dec, unit="deg")
    target = star.directional_offset_by(angle * star.ra.unit, distance * star.ra.unit)
    east, north = star.spherical_offsets_to(target)
    found = offset(OffsetStar(ra, dec), target.ra.deg, target.dec.deg)
    # A plane against a sphere, over three arcminutes.
    assert found == pytest.approx((east.arcsec, north.arcsec), abs=1e-3)


def test_keck_and_ngps_have_the_offset_in_their_own_columns() -> None:
    star = next(line for line in written("keck").splitlines() if "_o1" in line)
    east, north = offset(OffsetStar(0.01, -0.3025), 359.99999999, -0.3125)
    assert f"raoffset={east:.2f} decoffset={north:.2f} " in star
    first, second, third = csv.DictReader(io.StringIO(written("ngps")))
    assert (second["OFFSET_RA"], second["OFFSET_DEC"]) == (f"{east:.2f}", f"{north:.2f}")
    assert (second["RA"], second["DECL"]) == ("00:00:02.400", "-00:18:09.00")
    assert (first["OFFSET_RA"], first["OFFSET_DEC"], third["OFFSET_RA"]) == ("", "", "")
    assert (first["EXPTIME"], second["EXPTIME"]) == ("SET 900", "SNR 5")
    assert (first["MAGNITUDE"], first["MAGFILTER"], third["MAGNITUDE"], third["MAGFILTER"]) == ("18.65", "R", "", "")


def test_exposures_that_a_schedule_split_are_split_in_the_lists(tmp_path: Path) -> None:
    extras = Extras(exposures={NAMES[0]: 3000.0}, n_exposures={NAMES[0]: 2})

    def text(fmt: str) -> str:
        export(PLAN, VERDICTS, fmt, tmp_path / fmt, select="all", extras=extras)
        return (tmp_path / fmt).read_text("utf-8")

    assert "2 x 1500 s" in text("keck")
    first = next(csv.DictReader(io.StringIO(text("ngps"))))
    assert (first["EXPTIME"], first["NEXP"]) == ("SET 1500", "2")
    spectrum = json.loads(text("lco"))[0]["requests"][0]["configurations"][2]["instrument_configs"][0]
    assert (spectrum["exposure_time"], spectrum["exposure_count"]) == (1500.0, 2)


def test_a_request_to_lco_has_every_field_that_the_portal_demands() -> None:
    groups = json.loads(written("lco", "approved"))
    assert [group["name"] for group in groups] == list(NAMES[:2])
    for group in groups:
        assert set(group) == {"name", "proposal", "ipp_value", "operator", "observation_type", "requests"}
        assert (group["proposal"], group["operator"], group["observation_type"]) == ("2018B-042", "SINGLE", "NORMAL")
        [request] = group["requests"]
        assert {"configurations", "windows", "location"} <= set(request)
        [window] = request["windows"]
        assert window == {"start": "2018-08-21 03:12:00", "end": "2018-08-21 09:30:00"}
        kinds = [configuration["type"] for configuration in request["configurations"]]
        assert kinds == ["LAMP_FLAT", "ARC", "SPECTRUM", "ARC", "LAMP_FLAT"]
        for configuration in request["configurations"]:
            assert {"type", "instrument_type", "target", "constraints", "acquisition_config", "guiding_config",
                    "instrument_configs"} == set(configuration)  # fmt: skip
            assert {"name", "type", "ra", "dec", "epoch"} == set(configuration["target"])
            [instrument] = configuration["instrument_configs"]
            assert instrument["exposure_time"] > 0 and instrument["exposure_count"] == 1
    spectra = [group["requests"][0]["configurations"][2]["instrument_configs"][0] for group in groups]
    assert [spectrum["exposure_time"] for spectrum in spectra] == [900.0, 1800.0]


def test_a_request_to_the_sedm_has_every_field_of_the_marshals() -> None:
    requests = json.loads(written("sedm"))
    fields = {"Filters", "Followup", "email", "enddate", "startdate", "prior_photometry", "priority", "programname",
              "requestid", "sourceid", "sourcename", "status", "username", "ra", "dec"}  # fmt: skip
    assert all(set(request) == fields for request in requests)
    assert all(len(request["sourceid"]) <= 26 and request["Followup"] == "IFU" for request in requests)
    assert [request["priority"] for request in requests] == [5, 4, 2]
    assert requests[0]["prior_photometry"] == {"r": {"jd": 2458351.0, "mag": 18.654}}
    assert requests[2]["prior_photometry"] == {}


def test_the_desc_tom_hears_what_is_asked_planned_given_up_and_done() -> None:
    told = json.loads(written("desc-tom"))
    numbers = [313853499830501440, 170053499830501440, 42]
    # The one that cannot be seen tonight is asked for, yet not planned.
    assert told["ask"] == {"requester": "ampel-followup", "objectids": [numbers[0], 42], "priorities": [5, 3]}
    [planned] = told["plan"]
    assert planned == {
        "objectid": numbers[0],
        "facility": "Palomar Observatory",
        "plantime": "2018-08-21 03:12:00",
        "comment": "",
    }
    [report] = told["report"]
    assert report == {
        "objectid": numbers[1],
        "facility": "Palomar Observatory",
        "mjd": 58351.2,
        "z": "",
        "classid": 300,
    }
    assert told["unplan"] == []
    assert told["without_number"] == ["ZTF18abmjhtn"]
    rejected = {NAMES[1]: decided(NAMES[1], "reject"), NAMES[2]: decided(NAMES[2], "failed")}
    told = json.loads(export(PLAN, rejected, "desc-tom", None, select="all"))
    assert [plan["objectid"] for plan in told["unplan"]] == numbers[:2]


def test_the_desc_tom_hears_what_labels_say_of_a_spectrum() -> None:
    def label(target: str, type_: str, **said: float) -> dict[str, tuple[Label, ...]]:
        return {target: (Label(target, type_, "spectrum", "2018-08-21T06:00:00.000000Z", **said),)}

    def told(labels: dict[str, tuple[Label, ...]]) -> Any:
        return json.loads(export(PLAN, VERDICTS, "desc-tom", None, select="all", extras=Extras(labels=labels)))

    [report] = told(label(NAMES[2], "SN Ia-91T", redshift=0.07))["report"]
    assert (report["objectid"], report["classid"], report["z"]) == (170053499830501440, 2222, 0.07)
    without = told(label(NAMES[2], "Galaxy"))
    assert [(report["classid"], report["z"]) for report in without["report"]] == [(300, "")]
    assert without["without_class"] == {NAMES[2]: "Galaxy"}
    # What was not observed is not reported, whatever labels say of it.
    assert told(label(NAMES[1], "SN Ia")) == told({})


def test_an_exported_file_has_the_classes_that_labels_of_the_store_say(tmp_path: Path, run: Any) -> None:
    out, path = tmp_path / "desc.json", tmp_path / "night.sqlite"
    with Store.open(path) as store:
        store.save_plan(PLAN, created="2018-08-20T22:00:00Z", report={})
        store.record(VERDICTS[NAMES[2]])
        store.add_labels([Label(NAMES[2], "SN IIn", "TNS", "2018-08-22T00:00:00.000000Z", redshift=0.1)])
    assert run("export", out, "--format", "desc-tom", "--select", "all", "--store", path)[0] == 0
    [report] = json.loads(out.read_text("utf-8"))["report"]
    assert (report["classid"], report["z"]) == (2224, 0.1)


def test_ds9_shows_every_target_at_its_place() -> None:
    header, frame, *circles = written("ds9").splitlines()
    assert (header, frame) == ("# Region file format: DS9 version 4.1", "icrs")
    pattern = re.compile(r'circle\(([\d.]+),(-?[\d.]+),5"\) # color=(\w+)( dash=1)? text=\{([^{}]*)\}')
    parsed = [match.groups() for match in map(pattern.fullmatch, circles) if match]
    assert len(parsed) == len(circles) == 6
    shown = {text.split()[-1]: (float(ra), float(dec), colour, bool(dash)) for ra, dec, colour, dash, text in parsed}
    assert shown[NAMES[0]] == (292.1234567, 46.7654321, "green", False)
    assert shown[UNSEEN][2:] == ("green", True)
    assert shown[NAMES[2]][2] == "cyan"


#: Elements of the VOEvent 2.0 schema that may be in each, those that must, and attributes that must.
VOEVENT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "VOEvent": ({"Who", "What", "WhereWhen", "How", "Why", "Citations", "Description", "Reference"}, set(),
                {"version", "ivorn", "role"}),
    "Who": ({"AuthorIVORN", "Date", "Description", "Reference", "Author"}, set(), set()),
    "Author": ({"title", "shortName", "logoURL", "contactName", "contactEmail", "contactPhone", "contributor"}, set(),
               set()),
    "What": ({"Param", "Group", "Table", "Description", "Reference"}, set(), set()),
    "Param": ({"Description", "Reference", "Value"}, set(), {"name"}),
    "Table": ({"Description", "Reference", "Param", "Field", "Data"}, {"Data"}, {"name"}),
    "Field": ({"Description", "Reference"}, set(), {"name", "dataType"}),
    "Data": ({"TR"}, {"TR"}, set()),
    "TR": ({"TD"}, {"TD"}, set()),
    "WhereWhen": ({"ObsDataLocation", "Description", "Reference"}, {"ObsDataLocation"}, set()),
    "ObsDataLocation": ({"ObservatoryLocation", "ObservationLocation"},
                        {"ObservatoryLocation", "ObservationLocation"}, set()),
    "ObservatoryLocation": ({"AstroCoordSystem", "AstroCoords"}, set(), {"id"}),
    "ObservationLocation": ({"AstroCoordSystem", "AstroCoords"}, {"AstroCoordSystem", "AstroCoords"}, set()),
    "AstroCoordSystem": (set(), set(), {"id"}),
    "AstroCoords": ({"Time", "Position2D", "Position3D"}, set(), {"coord_system_id"}),
    "Time": ({"TimeInstant", "Error"}, {"TimeInstant"}, set()),
    "TimeInstant": ({"ISOTime", "TimeOffset", "TimeScale"}, set(), set()),
    "Position2D": ({"Name1", "Name2", "Value2", "Error2Radius"}, {"Value2", "Error2Radius"}, {"unit"}),
    "Value2": ({"C1", "C2"}, {"C1", "C2"}, set()),
}  # fmt: skip


def check_voevent(element: ElementTree.Element) -> None:
    """Check an element against the schema of the recommendation, as far as packets of targets use it."""
    tag = element.tag.rpartition("}")[2]
    may, must, attributes = VOEVENT.get(tag, (set(), set(), set()))
    children = [child.tag for child in element]
    assert set(children) <= may, tag
    assert must <= set(children), tag
    assert attributes <= set(element.attrib), tag
    if tag in ("VOEvent", "Who", "Position2D", "Value2"):
        assert len(children) == len(set(children)), tag
    assert element.get("dataType", "string") in ("string", "float", "int")
    for child in element:
        check_voevent(child)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_voevent_packet_keeps_to_the_schema(n: int) -> None:
    plan = replace(PLAN, targets=PLAN.targets[:n], not_observable=())
    created = replace(EXTRAS, created="2018-08-20T20:00:00Z")
    root = ElementTree.fromstring(export(plan, VERDICTS, "voevent", None, select="all", extras=created))
    check_voevent(root)
    assert root.tag == "{http://www.ivoa.net/xml/VOEvent/v2.0}VOEvent"
    assert (root.get("version"), root.get("role")) == ("2.0", "utility")
    assert re.fullmatch(r"ivo://ampel-followup/plan#palomar/2018-08-20/[0-9a-f]{12}", root.get("ivorn") or "")
    assert root.findtext("Who/Date") == "2018-08-20T20:00:00"
    fields = [field.get("name") for field in root.iterfind("What/Table/Field")]
    table = [dict(zip(fields, (cell.text for cell in row), strict=True)) for row in root.iterfind(".//TR")]
    assert [row["id"] for row in table] == list(NAMES[:n])
    assert [(float(row["ra"] or "nan"), float(row["dec"] or "nan")) for row in table] == [
        (entry.ra, entry.dec) for entry in exported(plan, VERDICTS, "voevent", select="all")
    ]
    assert (root.find("WhereWhen") is not None) == (n == 1)
    if n == 1:
        assert [float(c.text or "nan") for c in root.iterfind(".//Value2/*")] == [292.1234567, 46.7654321]
        assert root.findtext(".//ISOTime") == "2018-08-21T03:12:00"


@pytest.mark.parametrize("fmt", sorted(FORMATS))
def test_what_the_policy_set_aside_is_in_the_list_if_it_is_approved(fmt: str) -> None:
    aside = replace(PLAN.targets[1], rank=0)
    plan = replace(PLAN, targets=PLAN.targets[:1], not_observable=(), set_aside=(aside,))
    assert [entry.id for entry in exported(plan, {}, fmt, select="all")] == [NAMES[0]]
    approved = {aside.id: decided(aside.id, "approve")}
    assert [entry.id for entry in exported(plan, approved, fmt)] == [aside.id]
    assert export(plan, approved, fmt, None)


def test_the_command_says_what_it_left_out_and_how_it_shortened_names(run: Any, tmp_path: Path) -> None:
    store, out = tmp_path / "night.sqlite", tmp_path / "list.txt"
    with Store.open(store) as opened:
        opened.save_plan(PLAN, created="2018-08-20T20:00:00Z")
        for decision in VERDICTS.values():
            opened.record(decision)
    code, text, _ = run("export", out, "--format", "keck", "--store", store)
    assert code == 0
    assert "2 targets of 2018-08-20 at palomar" in text
    assert f"left out: {UNSEEN}, never rises at Palomar" in text
    assert f"{NAMES[1]} is L53499830501440 in this list" in text
    code, text, _ = run(
        "export", out, "--format", "lco", "--store", store, "--json", "--exposure", 600, "--proposal", "P-1"
    )
    told = json.loads(text)
    assert (told["targets"], told["left_out"], told["shortened"]) == (2, [UNSEEN], {})
    [*_, group] = json.loads(out.read_text())
    assert group["proposal"] == "P-1"
    assert group["requests"][0]["configurations"][2]["instrument_configs"][0]["exposure_time"] == 600


def test_formats_are_listed_and_a_wrong_one_is_one_line(run: Any, tmp_path: Path) -> None:
    code, text, _ = run("export", "--help")
    assert code == 0
    for name, fmt in FORMATS.items():
        assert any(f"{name}: {fmt.description}" in line for line in text.splitlines())
    code, _, err = run("export", tmp_path / "x", "--format", "fits")
    assert (code, err.count("\n")) == (2, 1)
    assert f"no target list format 'fits'; choose one of {', '.join(FORMATS)}" in err
    code, _, err = run("export", tmp_path / "x", "--exposure", "-5")
    assert (code, err.count("\n")) == (2, 1)
    assert "an exposure of -5 s makes no sense" in err
