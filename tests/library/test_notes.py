"""Notes that people write down about a night come back as they were written, and stand on the sheet of the night."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from sample_timetables import LA_PALMA, blocks_of, plan_for, sample_timetable, telescope_night, timetable_of
from store_engines import engine_of

from ampel_followup.errors import StoreError
from ampel_followup.night_sheet import render_sheet_html, render_sheet_pdf
from ampel_followup.night_sheet.sheet import N_NOTES, sheets
from ampel_followup.notes import Note
from ampel_followup.store import Store

NIGHT = Note("2026-11-20", "sso", "ada", "2026-11-20T10:30:00Z", "seeing 2.3, thin cirrus")
TELESCOPE = replace(NIGHT, observer="bob", time="2026-11-20T11:00:00Z", text="slit wheel stuck", telescope="wifes")
BLOCK = replace(TELESCOPE, time="2026-11-20T12:10:00Z", text="guide star lost", target="ZTF26abc")


def test_notes_come_back_numbered_and_in_order(store: Store) -> None:
    kept = [store.notes.add(note) for note in (NIGHT, TELESCOPE, BLOCK, replace(NIGHT, site="lapalma"))]
    assert [note.id for note in kept] == [1, 2, 3, 4]
    assert store.notes.find() == kept
    assert store.notes.find(night="2026-11-20", site="sso") == kept[:3]
    assert store.notes.find(night="2026-11-21") == []
    assert store.notes.find(since_id=2) == kept[2:]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": "  "}, "without words"),
        ({"observer": ""}, "nobody is said"),
        ({"text": "x" * 10_001}, "10001 characters"),
        ({"night": "tonight"}, "'tonight'"),
        ({"target": "ZTF26abc"}, "must name its telescope"),
    ],
)
def test_a_note_that_says_nothing_clear_is_refused(store: Store, fields: dict[str, str], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        store.notes.add(replace(NIGHT, **fields))
    assert store.notes.find() == []


def test_no_program_can_change_or_delete_a_note(store: Store, store_url: str) -> None:
    store.notes.add(NIGHT)
    engine = engine_of(store_url)
    replaced = {"sqlite": "INSERT OR REPLACE INTO notes SELECT * FROM notes", "postgresql": "TRUNCATE notes"}
    for change in ("UPDATE notes SET text = ''", "DELETE FROM notes", replaced[engine.dialect.name]):
        with engine.connect() as connection, pytest.raises(sqlalchemy.exc.DBAPIError, match="notes are a record"):
            connection.exec_driver_sql(change)
    assert [note.text for note in store.notes.find()] == [NIGHT.text]


def test_each_sheet_has_the_notes_on_its_night_and_telescope() -> None:
    there = telescope_night(LA_PALMA, key="sprat")
    here = sample_timetable()
    timetable = timetable_of((here.telescopes[0], list(here.blocks)), (there, blocks_of(there, 20, seed=3)))
    wifes, sprat = sheets(timetable, {}, notes=[NIGHT, TELESCOPE, BLOCK])
    assert wifes.notes == (
        "10:30 UTC, ada: seeing 2.3, thin cirrus",
        "11:00 UTC, bob: slit wheel stuck",
        "12:10 UTC, bob on ZTF26abc: guide star lost",
    )
    assert sprat.notes == ()


def test_a_sheet_names_the_latest_notes_by_whom_and_never_as_markup() -> None:
    timetable = sample_timetable()
    notes = [replace(NIGHT, text=f"<b>cloud {number}</b>") for number in range(12)]
    targets = {target.id: target for target in plan_for(timetable).targets}
    page = render_sheet_html(timetable, targets, notes=notes)
    assert [f"cloud {number}&lt;/b&gt;" in page for number in range(12)] == [False] * (12 - N_NOTES) + [True] * N_NOTES
    assert "<b>cloud" not in page
    one_page = render_sheet_pdf(timetable, targets, notes=notes)
    assert one_page.count(b"/Type /Page\n") == render_sheet_pdf(timetable, targets).count(b"/Type /Page\n") == 1


def test_a_note_written_on_the_command_line_is_listed_and_on_the_sheet(run, tmp_path: Path) -> None:
    path, timetable = tmp_path / "night.sqlite", sample_timetable()
    with Store.open(path) as store:
        revision = store.save_plan(plan_for(timetable), created="2026-11-20T06:00:00Z")
        telescopes = tuple(replace(telescope, revision=revision) for telescope in timetable.telescopes)
        store.save_timetable(replace(timetable, telescopes=telescopes), created="2026-11-20T07:00:00Z")
    code, out, _ = run("plan", "note", "seeing 2.3", "--observer", "ada", "-t", "wifes", "--store", path)
    assert (code, out) == (0, "note 1 on wifes, by ada\n")
    assert "seeing 2.3" in run("plan", "notes", "--store", path)[1]
    assert run("plan", "sheet", tmp_path / "night.html", "--store", path)[0] == 0
    assert "ada: seeing 2.3" in (tmp_path / "night.html").read_text()
    code, _, error = run("plan", "sheet", tmp_path / "night.txt", "--store", path)
    assert code == 2
    assert ".html or .pdf" in error
