"""The commands that schedule a night."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest

from ampel_followup.cli import main
from ampel_followup.observing.night import mjd_of
from ampel_followup.store import Store

NIGHT = "2026-11-20"


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A store with the plan of a simulated night at Palomar."""
    folder = tmp_path_factory.mktemp("night")
    alerts, store = str(folder / "alerts.tar.gz"), folder / "night.sqlite"
    assert main(["simulate", alerts, "--objects", "60", "--night", NIGHT, "--seed", "4"]) == 0
    assert main(["rank", alerts, "--site", "palomar", "--night", NIGHT, "--store", str(store)]) == 0
    return store


def made(run, store, *options):
    code, out, err = run("plan", "make", "--store", store, "--json", *options)
    assert code == 0, err
    return json.loads(out)["timetable"]


def test_schedule_for_two_sites_is_made_kept_and_shown(run, night):
    timetable = made(run, night, "-t", "sedm", "-t", "ANU 2.3m/WiFeS")
    assert [t["telescope"] for t in timetable["telescopes"]] == ["sedm", "wifes"]
    assert {b["telescope"] for b in timetable["blocks"]} == {"sedm", "wifes"}
    assert 0 < timetable["value"] <= timetable["bound"]
    targets = [b["target"] for b in timetable["blocks"] if b["kind"] == "target"]
    assert len(targets) == len(set(targets)) > 3
    assert json.loads(run("plan", "show", "--schedule", "--store", night, "--json")[1])["timetable"] == timetable
    text = run("plan", "show", "--schedule", "--store", night)[1]
    assert "SED Machine" in text and "WiFeS" in text and "of at most" in text
    assert "nan" not in text


def test_telescope_without_a_night_is_named_and_the_other_scheduled(run, night, monkeypatch, tmp_path):
    sites, instruments = tmp_path / "sites.yml", tmp_path / "instruments.yml"
    sites.write_text(
        "svalbard: {name: Kjell Henriksen Observatory, latitude: 78.148, longitude: 16.043, height: 520, "
        "timezone: Arctic/Longyearbyen}\n"
    )
    packaged = resources.files("ampel_followup.observing") / "instruments.yml"
    [entry] = re.findall(r"^wifes:\n(?:  .*\n)+", packaged.read_text(encoding="utf-8"), re.MULTILINE)
    changes = {"wifes:": "ice:", "site: sso": "site: svalbard", "ANU 2.3m": "Ice 2.3m"}
    for old, new in changes.items():
        entry = entry.replace(old, new)
    instruments.write_text(re.sub(r"  aliases: .*\n", "", entry))
    monkeypatch.setenv("AMPEL_FOLLOWUP_SITES", str(sites))
    monkeypatch.setenv("AMPEL_FOLLOWUP_INSTRUMENTS", str(instruments))
    options = ("-t", "ice", "-t", "sedm", "--closed", "ice=/20:00", "--closed", "/06:00")
    timetable = made(run, night, *options)
    assert [t["telescope"] for t in timetable["telescopes"]] == ["sedm"]
    assert timetable["blocks"]
    [left_out] = timetable["left_out"]
    assert left_out["telescope"] == "ice"
    assert left_out["reason"].startswith("polar night at Kjell Henriksen Observatory on 2026-11-20")
    code, out, _ = run("plan", "make", "--store", night, *options)
    assert code == 0
    assert "(ice) is left out: polar night at" in " ".join(out.split())
    shown = run("plan", "show", "--schedule", "--store", night)[1]
    assert "(ice) is left out: polar night at" in " ".join(shown.split())
    again = json.loads(run("plan", "replan", "--store", night, "--from", "07:00", "--json")[1])["timetable"]
    assert again["left_out"] == [left_out]
    code, _, err = run("plan", "make", "--store", night, "-t", "sedm", "-t", "ice", "--fixed", "a@ice@20:00")
    assert code == 2
    assert "polar night" in err
    code, _, err = run("plan", "make", "--store", night, "-t", "ice")
    assert code == 2
    assert "polar night" in err


def test_closed_until_keeps_the_telescope_closed(run, night):
    timetable = made(run, night, "-t", "sedm", "--closed", "sedm=/06:00", "--no-standards")
    [telescope] = timetable["telescopes"]
    assert telescope["closures"][0]["end"] == "2026-11-21T06:00:00Z"
    assert min(b["start"] for b in timetable["blocks"]) >= "2026-11-21T06:00:00Z"


def test_fixed_and_interrupting_targets_are_in_the_schedule(run, night):
    names = [b["target"] for b in made(run, night, "-t", "sedm", "--no-standards")["blocks"]]
    first, second = names[-1], names[-2]
    options = ["--fixed", f"{first}@sedm@07:30", "--interrupt", second, "--no-standards"]
    blocks = {b["target"]: b for b in made(run, night, "-t", "sedm", *options)["blocks"]}
    assert (blocks[first]["kind"], blocks[first]["start"]) == ("fixed", "2026-11-21T07:30:00Z")
    assert blocks[second]["kind"] == "interrupt"


def test_rejected_target_is_not_scheduled(run, night, tmp_path):
    store = tmp_path / "copy.sqlite"
    store.write_bytes(night.read_bytes())
    name = next(b["target"] for b in made(run, store, "-t", "sedm")["blocks"] if b["kind"] == "target")
    assert run("decide", name, "reject", "--observer", "ada", "--store", store)[0] == 0
    timetable = made(run, store, "-t", "sedm")
    assert name not in {b["target"] for b in timetable["blocks"]} | {u["target"] for u in timetable["unplaced"]}


def test_replan_keeps_what_has_begun_and_plans_the_rest(run, night, tmp_path):
    store = tmp_path / "copy.sqlite"
    store.write_bytes(night.read_bytes())
    before = made(run, store, "-t", "sedm")
    begun = [b for b in before["blocks"] if b["start"] < "2026-11-21T10:00:00Z"]
    done = next(b["target"] for b in begun if b["kind"] == "target")
    assert run("decide", done, "observed", "--observer", "ada", "--store", store)[0] == 0
    code, out, err = run("plan", "replan", "--from", "10:00", "--closed", "/10:30", "--store", store, "--json")
    assert code == 0, err
    timetable = json.loads(out)["timetable"]
    # What was observed until then was observed at a telescope that was open.
    assert [(c["start"], c["end"]) for c in timetable["telescopes"][0]["closures"]] == [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:30:00Z")
    ]
    after = timetable["blocks"]
    assert [b["target"] for b in after if b["start"] < "2026-11-21T10:00:00Z"] == [b["target"] for b in begun]
    assert next(b["status"] for b in after if b["target"] == done) == "observed"
    later = [b for b in after if b["start"] >= "2026-11-21T10:00:00Z"]
    assert later and min(b["start"] for b in later) >= "2026-11-21T10:30:00Z"


def test_replan_holds_on_to_approved_targets_seeing_and_signal_to_noise(run, night, tmp_path):
    store = tmp_path / "copy.sqlite"
    store.write_bytes(night.read_bytes())
    name = next(b["target"] for b in made(run, store, "-t", "sedm")["blocks"] if b["kind"] == "target")
    assert run("decide", name, "approve", "--observer", "ada", "--store", store)[0] == 0
    made(run, store, "-t", "sedm", "--approved", "--seeing", "2.1", "--snr", "6")
    code, out, err = run("plan", "replan", "--from", "02:00", "--store", store, "--json", "--snr", "7")
    assert code == 0, err
    after = json.loads(out)["timetable"]
    assert (after["approved_only"], after["seeing"], after["snr"]) == (True, 2.1, 7.0)
    assert {b["target"] for b in after["blocks"] if b["kind"] == "target"} <= {name}


def test_approved_target_that_was_set_aside_counts_with_its_own_value(run, night, tmp_path):
    store = tmp_path / "copy.sqlite"
    store.write_bytes(night.read_bytes())
    aside = json.loads(run("plan", "show", "--store", store, "--json")[1])["set_aside"]
    gains = {target["id"]: target["scores"]["value_of_information"] for target in aside}
    for name in gains:
        assert run("decide", name, "approve", "--observer", "ada", "--store", store)[0] in (0, 2)
    timetable = made(run, store, "-t", "efosc2", "-t", "sedm")
    seen = {b["target"]: b["value"] for b in (*timetable["blocks"], *timetable["unplaced"]) if b["target"] in gains}
    assert seen
    assert all(value == pytest.approx(max(gains[name], 0.0)) for name, value in seen.items())


def test_list_of_one_telescope_is_in_order_of_time_with_its_exposures(run, night, tmp_path):
    timetable = made(run, night, "-t", "sedm", "-t", "floyds-south")
    out = tmp_path / "list.json"
    key = timetable["telescopes"][1]["telescope"]
    options = ["--format", "lco", "--telescope", "floyds-south", "--store", night, "--json"]
    code, text, err = run("export", out, *options)
    assert code == 0, err
    blocks = [b for b in timetable["blocks"] if b["telescope"] == key and b["kind"] == "target"]
    assert json.loads(text)["targets"] == len(blocks)
    requests = json.loads(out.read_text())
    assert [request["name"] for request in requests] == [b["target"] for b in blocks]
    assert blocks == sorted(blocks, key=lambda block: mjd_of(block["start"]))


def test_night_sheet_and_plots_are_written(run, night, tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("sheet.pdf", "sheet.html"):
        code, out, err = run(
            "plan", "make", "-t", "sedm", "--store", night, "--sheet", tmp_path / name, "--plots", tmp_path / "plots"
        )
        assert code == 0, err
        assert str(tmp_path / name) in out.replace("\n", "")
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")
    assert "</html>" in (tmp_path / "sheet.html").read_text()
    assert {p.name for p in (tmp_path / "plots").iterdir()} == {
        "airmass.png", "airmass.svg", "timeline.png", "timeline.svg",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-t", "sedmm"], "unknown instrument 'sedmm'"),
        (["-t", "sedm", "--closed", "02:00"], "has no '/'"),
        (["-t", "sedm", "--closed", "wifes=/02:00"], "not among the telescopes"),
        (["-t", "sedm", "--closed", "/25:99"], "is no time"),
        (["-t", "sedm", "--closed", "06:00/05:00"], "which is earlier"),
        (["-t", "sedm", "--fixed", "ZTF18abcdefg"], "is not TARGET@TEL@TIME"),
        (["-t", "sedm", "--interrupt", "ZTF18abcdefg"], "not among the"),
        (["-t", "sedm", "-t", "SEDM"], "two telescopes are called 'sedm'"),
        (["-t", "sedm", "--sheet", "tonight.docx"], ".html or .pdf"),
    ],
)
def test_what_cannot_be_done_is_said_on_one_line(run, night, options, message):
    code, _, err = run("plan", "make", "--store", night, *options)
    assert code == 2
    assert message in err and len(err.splitlines()) == 1


def test_replan_without_a_schedule_says_how_to_make_one(run, night, tmp_path):
    store = tmp_path / "new.sqlite"
    with Store.open(store):
        pass
    code, _, err = run("plan", "replan", "--store", store)
    assert code == 2 and "plan make" in err


def test_plan_is_found_by_any_name_of_its_site(run, night):
    for name in ("palomar", "Palomar Observatory", "P200"):
        assert made(run, night, "-t", "sedm", "--site", name)["blocks"]
    code, _, err = run("plan", "make", "-t", "sedm", "--site", "FLOYDS", "--store", night)
    assert code == 2 and "ambiguous" in err and len(err.splitlines()) == 1


def test_nothing_approved_and_a_night_that_is_over_are_said(run, night):
    assert "Nothing is approved yet" in run("plan", "make", "-t", "sedm", "--approved", "--store", night)[1]
    assert "The night was over" in run("plan", "make", "-t", "sedm", "--from", "17:00", "--store", night)[1]
    assert "The night was over" not in run("plan", "make", "-t", "sedm", "--store", night)[1]


def test_sheet_that_cannot_be_written_leaves_no_schedule_behind(run, night, tmp_path):
    store = tmp_path / "copy.sqlite"
    store.write_bytes(night.read_bytes())
    with Store.open(store) as opened:
        before = len(opened.timetables())
    assert run("plan", "make", "-t", "sedm", "--seeing", "3", "--sheet", "tonight.docx", "--store", store)[0] == 2
    with Store.open(store) as opened:
        assert len(opened.timetables()) == before


def test_mistyped_store_is_not_made(run, tmp_path):
    for command in (["make", "-t", "sedm"], ["replan"]):
        code, _, err = run("plan", *command, "--store", tmp_path / "typo.sqlite")
        assert code == 2 and "there is no store" in err and not list(tmp_path.iterdir())


def test_nobody_is_sent_to_what_was_rejected_after_the_schedule_was_made(run, night, tmp_path):
    store, out = tmp_path / "copy.sqlite", tmp_path / "list.txt"
    store.write_bytes(night.read_bytes())
    rejected, observed, *others = (
        b["target"] for b in made(run, store, "-t", "sedm")["blocks"] if b["kind"] == "target"
    )
    for name, verdict in ((rejected, "reject"), (observed, "observed")):
        assert run("decide", name, verdict, "--observer", "ada", "--store", store)[0] == 0
    code, text, _ = run("export", out, "--format", "p200", "--telescope", "sedm", "--store", store)
    assert code == 0 and f"left out: {rejected}, rejected by ada" in text
    assert [line.split()[0] for line in out.read_text().splitlines()] == others
    assert run("export", out, "--telescope", "sedm", "--select", "approved", "--store", store)[0] == 0
    assert len(out.read_text().splitlines()) == 1  # the header: nothing is approved
