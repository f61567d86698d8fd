"""`ampel-followup plan note`, `plan notes`, `plan sheet`: a night in words and on paper."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ampel_followup.cli.output import JsonOption, NightOption, SiteOption, StoreOption, console, print_json, print_table
from ampel_followup.errors import ScheduleError

if TYPE_CHECKING:
    from ampel_followup.notes import Note
    from ampel_followup.plan import NightPlan
    from ampel_followup.timetable import Timetable


def note(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the next observer should know.")],
    observer: Annotated[str, typer.Option("--observer", metavar="NAME", help="Who writes it.")],
    telescope: Annotated[
        str, typer.Option("--telescope", "-t", metavar="NAME", help="Only about this telescope.")
    ] = "",
    target: Annotated[
        str, typer.Option("--target", metavar="ID", help="Only about the block of this target; with --telescope.")
    ] = "",
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Write a note on the night, a telescope, or a block.

    It stands in the plan of the app and on the night sheet, with your name and the time. Notes are only ever added.

    Example: `ampel-followup plan note 'seeing 2.3, thin cirrus' --observer ada`
    """
    from ampel_followup.notes import Note
    from ampel_followup.store import Store

    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    with Store.open(store, create=False) as opened:
        info = opened.load_plan(night=night, site=site, limit=0).info
        kept = opened.notes.add(Note(info.night, info.site, observer, now, text, telescope, target))
    if as_json:
        print_json(kept.to_dict())
        return
    console().print(f"note {kept.id} on {kept.subject}, by {kept.observer}", markup=False)


def notes(
    store: StoreOption = None,
    night: Annotated[str | None, typer.Option("--night", metavar="DATE", help="Only those of this night.")] = None,
    site: Annotated[str | None, typer.Option("--site", metavar="SITE", help="Only those at this site.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the notes, oldest first."""
    from ampel_followup.store import Store

    with Store.open(store, read_only=True) as opened:
        found = opened.notes.find(night=night, site=site)
    if as_json:
        print_json({"notes": [note.to_dict() for note in found]})
        return
    print_table(
        ("id", "time", "night", "site", "about", "observer", "note"),
        ((n.id, n.time[:19] + "Z", n.night, n.site, n.subject, n.observer, n.text) for n in found),
    )


def sheet(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: a page, .html or .pdf.")],
    store: StoreOption = None,
    night: NightOption = None,
) -> None:
    """
    Write the night sheet of the newest schedule, with the notes so far.

    Example: `ampel-followup plan sheet tonight.pdf`
    """
    from ampel_followup.learning.plots import check_plotting
    from ampel_followup.store import Store

    check_sheet(out)
    check_plotting()
    with Store.open(store, read_only=True) as opened:
        timetable = opened.load_timetable(night=night).timetable
        # The reasons are those of the plan that the first telescope was scheduled from.
        plan = opened.load_plan(timetable.telescopes[0].revision or None, night=timetable.date).plan
        notes = opened.notes.find(night=timetable.date)
    console().print(f"written: {write_sheet(timetable, plan, notes, out)}", markup=False)


def check_sheet(out: Path) -> None:
    """Refuse a kind of file that a night sheet cannot be."""
    if out.suffix not in (".pdf", ".html", ".htm"):
        raise ScheduleError(f"--sheet {out}: a night sheet is .html or .pdf; name the file so")


def write_sheet(timetable: Timetable, plan: NightPlan, notes: Sequence[Note], out: Path) -> Path:
    """Write the night sheet; return where."""
    from ampel_followup.night_sheet import render_sheet_html, render_sheet_pdf

    targets = {t.id: t for t in (*plan.targets, *plan.not_observable, *plan.set_aside)}
    try:
        if out.suffix == ".pdf":
            out.write_bytes(render_sheet_pdf(timetable, targets, notes=notes))
        else:
            out.write_text(render_sheet_html(timetable, targets, notes=notes), encoding="utf-8")
    except OSError as error:
        raise ScheduleError(f"cannot write the night sheet to {out} ({error.strerror}); name another file") from error
    return out
