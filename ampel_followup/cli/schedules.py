"""`ampel-followup plan make`, `plan replan`: which telescope observes what, and when."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli.night_sheets import check_sheet, write_sheet
from ampel_followup.cli.output import (
    JsonOption,
    NightOption,
    SiteOption,
    StoreOption,
    console,
    print_json,
    print_table,
    progress,
)
from ampel_followup.errors import ScheduleError
from ampel_followup.timetable import Block, BlockKind, BlockStatus, LeftOut, Timetable

if TYPE_CHECKING:
    from ampel_followup.notes import Note
    from ampel_followup.observing.night import Night
    from ampel_followup.plan import NightPlan
    from ampel_followup.store import Store

TelescopeOption = Annotated[
    list[str],
    typer.Option(
        "--telescope", "-t", metavar="NAME", help="Spectrograph of `ampel-followup instruments`; repeat for several."
    ),
]
ClosedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--closed",
        metavar="[TEL=][FROM]/[TO]",
        help="Time that is lost, UTC: `/02:00` until 02:00, `sedm=04:30/` from then on. Repeat for several.",
    ),
]
FixedOption = Annotated[
    list[str] | None,
    typer.Option("--fixed", metavar="TARGET@TEL@TIME", help="A target that a telescope takes at a time, UTC."),
]
InterruptOption = Annotated[
    list[str] | None, typer.Option("--interrupt", metavar="TARGET", help="Observe it as soon as it can be.")
]
StandardsOption = Annotated[
    bool, typer.Option("--standards/--no-standards", help="A standard star at both ends of each night.")
]
EveryOption = Annotated[
    float | None, typer.Option("--standards-every", min=0.5, metavar="H", help="And one every H hours.")
]
ApprovedOption = Annotated[bool, typer.Option("--approved", help="Only targets that were approved.")]
SeeingOption = Annotated[
    float | None,
    typer.Option("--seeing", min=0.2, max=10.0, metavar="ARCSEC", help="At the zenith; by default as usual there."),
]
SnrOption = Annotated[
    float | None,
    typer.Option("--snr", min=1.0, metavar="RATIO", help="Signal-to-noise; by default what the instrument asks for."),
]
SheetOption = Annotated[
    Path | None, typer.Option("--sheet", metavar="FILE", help="Write a night sheet: a page, .html or .pdf.")
]
PlotsOption = Annotated[
    Path | None, typer.Option("--plots", metavar="DIR", help="Draw timeline and airmass there, SVG and PNG.")
]


def make(
    telescope: TelescopeOption,
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    closed: ClosedOption = None,
    fixed: FixedOption = None,
    interrupt: InterruptOption = None,
    standards: StandardsOption = True,
    standards_every: EveryOption = None,
    approved: ApprovedOption = False,
    seeing: SeeingOption = None,
    snr: SnrOption = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Plan from this moment on, UTC; by default from dusk.")
    ] = None,
    plots: PlotsOption = None,
    sheet: SheetOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Schedule tonight's targets, for one telescope or several.

    Takes the latest plan in the store (what was rejected, deferred or observed is left out), estimates how bright each
    target will be, how long its spectrum takes with airmass and Moon, and finds the schedule of most value; the bound
    beside it is what no schedule can exceed. It is kept in the store, for the app and for `plan replan`. A telescope
    where it does not get dark is left out, and named; if it does not at any, there is no schedule.

    Example: `ampel-followup plan make -t sedm -t wifes --closed sedm=/02:00 --sheet tonight.pdf`
    """
    from ampel_followup.night_schedule import schedule_night
    from ampel_followup.observing.instruments import get_instrument
    from ampel_followup.store import Store
    from ampel_followup.timetabling import Wishes, nights_of

    _check_drawing(plots, sheet)
    instruments = [get_instrument(name) for name in telescope]
    with Store.open(store, create=False) as opened:
        stored = opened.load_plan(night=night, site=site)
        nights, left_out = nights_of(instruments, stored.info.night)
        wishes = Wishes(
            closures=_closures(closed or [], nights, left_out),
            fixed=[_fixed(text, nights, left_out) for text in fixed or []],
            interrupts=interrupt or [],
            standards=standards,
            standards_every=standards_every,
            approved_only=approved,
            seeing=seeing,
            snr=snr,
        )
        now = None if begin is None else _moment(begin, next(iter(nights.values())))
        with _reading(quiet=as_json) as report:
            timetable = schedule_night(opened, stored, instruments, wishes, now=now, progress=report)
        revision, notes = _keep(opened, timetable), opened.notes.find(night=timetable.date)
    _finish(timetable, revision, stored.plan, notes, plots, sheet, approved=approved, as_json=as_json)


def replan(
    store: StoreOption = None,
    night: NightOption = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From this moment on, UTC; by default from now on.")
    ] = None,
    closed: ClosedOption = None,
    interrupt: InterruptOption = None,
    standards: StandardsOption = True,
    approved: ApprovedOption = False,
    seeing: SeeingOption = None,
    snr: SnrOption = None,
    plots: PlotsOption = None,
    sheet: SheetOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Schedule the rest of the night anew.

    What has begun stays as it is, with what observers said of it (observed, failed: `ampel-followup decide`, or the
    app); what failed may come again. Closures that were known stay known.

    Example: `ampel-followup plan replan --from 03:20 --closed sedm=/05:00`
    """
    from ampel_followup.night_schedule import replan_night
    from ampel_followup.observing.instruments import get_instrument
    from ampel_followup.observing.night import mjd_of
    from ampel_followup.store import Store
    from ampel_followup.timetabling import Wishes, nights_of

    _check_drawing(plots, sheet)
    with Store.open(store, create=False) as opened:
        previous = opened.load_timetable(night=night).timetable
        instruments = [get_instrument(t.telescope) for t in previous.telescopes]
        nights, left_out = nights_of(instruments, previous.date)
        if begin is None:
            now = mjd_of(dt.datetime.now(dt.UTC).isoformat())
        else:
            now = _moment(begin, nights[instruments[0].key])
        wishes = Wishes(
            closures=_closures(closed or [], nights, left_out, now),
            interrupts=interrupt or [],
            standards=standards,
            approved_only=approved,
            seeing=seeing,
            snr=snr,
        )
        with _reading(quiet=as_json) as report:
            stored, timetable = replan_night(opened, previous, wishes, now, progress=report)
        revision, notes = _keep(opened, timetable), opened.notes.find(night=timetable.date)
    _finish(timetable, revision, stored.plan, notes, plots, sheet, approved=approved, as_json=as_json)


@contextmanager
def _reading(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show how many light curves are read, then that the schedule is being made."""
    with progress(quiet=quiet) as bars:
        task = bars.add_task("reading light curves", total=None)

        def report(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)
            if done == total:
                bars.add_task("scheduling the night", total=None)

        yield report


def _keep(store: Store, timetable: Timetable) -> int:
    created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return store.save_timetable(timetable, created=created)


def _closures(
    texts: Sequence[str], nights: Mapping[str, Night], left_out: Sequence[LeftOut], now: float | None = None
) -> dict[str, list[Any]]:
    """Read `[TEL=][FROM]/[TO]`; a telescope without a night has none to lose, and what was before now was not lost."""
    from ampel_followup.observing.night import utc_isoformat
    from ampel_followup.timetable import Closure

    found: dict[str, list[Any]] = {}
    for text in texts:
        name, _, times = text.rpartition("=")
        begin, slash, end = times.partition("/")
        if not slash:
            raise ScheduleError(f"--closed {text!r} has no '/'; write [TEL=][FROM]/[TO], such as sedm=/02:00")
        for key in [_telescope(name, [*nights, *(one.telescope for one in left_out)], text)] if name else nights:
            if key not in nights:
                continue
            night = nights[key]
            until = _moment(end, night) if end else night.sunrise
            start = night.sunset if now is None or until <= now else max(now, night.sunset)
            if begin:
                start = _moment(begin, night)
            found.setdefault(key, []).append(Closure(utc_isoformat(start), utc_isoformat(until)))
    return found


def _fixed(text: str, nights: Mapping[str, Night], left_out: Sequence[LeftOut]) -> Any:
    from ampel_followup.observing.night import utc_isoformat
    from ampel_followup.timetabling import Fixed

    parts = text.split("@")
    if len(parts) != 3:
        raise ScheduleError(f"--fixed {text!r} is not TARGET@TEL@TIME, such as ZTF18abmjhtn@sedm@03:15")
    key = _telescope(parts[1], [*nights, *(one.telescope for one in left_out)], text)
    for one in left_out:
        if one.telescope == key:
            raise ScheduleError(f"--fixed {text!r}: {one.reason}")
    return Fixed(parts[0], key, utc_isoformat(_moment(parts[2], nights[key])))


def _telescope(name: str, telescopes: Sequence[str], text: str) -> str:
    from ampel_followup.observing.instruments import get_instrument

    key = get_instrument(name).key
    if key not in telescopes:
        raise ScheduleError(f"{text!r} names {key}, which is not among the telescopes: {', '.join(telescopes)}")
    return key


def _moment(text: str, night: Night) -> float:
    """Read HH:MM (UTC, of this night) or an ISO 8601 time [MJD]."""
    from ampel_followup.observing.night import mjd_of

    if match := re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?Z?", text.strip()):
        hour, minute, second = (int(part or 0) for part in match.groups())
        if hour < 24 and minute < 60 and second < 60:
            of_day = (hour + minute / 60 + second / 3600) / 24
            return float(of_day + round(night.midnight - of_day))
    try:
        return mjd_of(text)
    except ValueError:
        raise ScheduleError(f"{text!r} is no time; write HH:MM in UTC, or 2026-11-20T23:30") from None


def _check_drawing(plots: Path | None, sheet: Path | None) -> None:
    """Refuse what cannot be drawn before a night is scheduled and kept for nothing."""
    if plots is None and sheet is None:
        return
    from ampel_followup.learning.plots import check_plotting

    check_plotting()
    if sheet is not None:
        check_sheet(sheet)


def _finish(
    timetable: Timetable,
    revision: int,
    plan: NightPlan,
    notes: Sequence[Note],
    plots: Path | None,
    sheet: Path | None,
    *,
    approved: bool,
    as_json: bool,
) -> None:
    written = _write(timetable, plan, notes, plots, sheet)
    if as_json:
        print_json({"revision": revision, "timetable": timetable.to_dict(), "written": written})
        return
    print_timetable(timetable)
    if (remark := _remark(timetable, approved=approved)) is not None:
        console().print(remark, markup=False)
    for path in written:
        console().print(f"written: {path}", markup=False)


def _remark(timetable: Timetable, *, approved: bool) -> str | None:
    """Say why a schedule has nothing, where no target can say it."""
    over = max(telescope.night.dawn for telescope in timetable.telescopes)
    if timetable.planned_from >= over:
        return f"The night was over at {over}: nothing more is scheduled. `--from` names an earlier moment."
    if timetable.unplaced or any(block.kind != BlockKind.STANDARD for block in timetable.blocks):
        return None
    if approved:
        return "Nothing is approved yet: approve targets in `ampel-followup tui`, or leave out `--approved`."
    return "No target of the plan is left: all are rejected, deferred or observed."


def _write(
    timetable: Timetable, plan: NightPlan, notes: Sequence[Note], plots: Path | None, sheet: Path | None
) -> list[str]:
    """Draw and write what was asked for; return the files."""
    written: list[Path] = []
    if plots is not None:
        from ampel_followup.night_sheet import draw_airmass, draw_timeline
        from ampel_followup.observing.instruments import get_instrument

        highest = {t.telescope: get_instrument(t.telescope).limits.max_airmass for t in timetable.telescopes}
        for suffix in ("svg", "png"):
            written.append(draw_timeline(timetable, plots / f"timeline.{suffix}"))
            written.append(draw_airmass(timetable, plan, plots / f"airmass.{suffix}", max_airmass=highest))
    if sheet is not None:
        written.append(write_sheet(timetable, plan, notes, sheet))
    return [str(path) for path in written]


def _magnitude(block: Block) -> str | None:
    if math.isnan(block.magnitude):
        return None
    return f"{block.magnitude:.1f}" + ("" if math.isnan(block.magnitude_err) else f" ± {block.magnitude_err:.1f}")


def print_timetable(timetable: Timetable) -> None:
    """Print a schedule, a table per telescope."""
    from ampel_followup.night_sheet.clock import utc

    out = console()
    share = f" ({100 * timetable.value / timetable.bound:.0f} %)" if timetable.bound > 0 else ""
    out.print(
        f"Night {timetable.date}, {timetable.strategy}: value {timetable.value:.2f} of at most "
        f"{timetable.bound:.2f}{share}, planned from {timetable.planned_from[:10]} {utc(timetable.planned_from)} UTC",
        markup=False,
    )
    for one in timetable.left_out:
        out.print(f"{one.name} ({one.telescope}) is left out: {one.reason}", markup=False)
    for telescope in timetable.telescopes:
        blocks = timetable.of(telescope.telescope)
        print_table(
            (
                "UTC", "what", "target", ("mag", "right"), ("exposure", "right"), ("airmass", "right"),
                ("Moon", "right"), ("value", "right"), "status",
            ),
            [
                (
                    f"{utc(b.start)}–{utc(b.end)}", str(b.kind), b.target,
                    _magnitude(b),
                    f"{b.n_exposures} × {b.exposure / b.n_exposures:.0f} s", f"{b.airmass:.2f}",
                    f"{b.moon_separation:.0f}°", f"{b.value:.3f}",
                    "" if b.status == BlockStatus.PLANNED else str(b.status),
                )
                for b in blocks
            ],
            title=f"{telescope.name} ({telescope.telescope}): {len(blocks)} blocks, dark from "
            f"{utc(telescope.night.dusk)} to {utc(telescope.night.dawn)} UTC"
            + "".join(f", closed {utc(c.start)}–{utc(c.end)}" for c in telescope.closures),
        )  # fmt: skip
    if timetable.unplaced:
        print_table(
            ("not placed", ("value", "right"), "why not"),
            [(u.target, f"{u.value:.3f}", u.reason) for u in timetable.unplaced[:10]],
            title=f"Without a place: {len(timetable.unplaced)}, the most valuable first",
        )
