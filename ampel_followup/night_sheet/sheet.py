"""What stands on the sheet of a night, whatever it is printed with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ampel_followup.errors import ScheduleError
from ampel_followup.exports.coordinates import declination, right_ascension
from ampel_followup.night_sheet.clock import local, utc
from ampel_followup.night_sheet.moon import moon_in_words
from ampel_followup.notes import Note, notes_of
from ampel_followup.plan import NightSummary, RankedTarget
from ampel_followup.timetable import Block, BlockKind, BlockStatus, TelescopeNight, Timetable

#: Candidates without a place that are named: an observer who finds time takes the best.
N_UNPLACED = 5

#: The latest notes that find place on a page; the store has all of them.
N_NOTES = 8

#: What the columns of the table show, and their headings; the last is space to write in.
COLUMNS: Mapping[str, str] = {
    "number": "#",
    "time": "UTC",
    "local": "local",
    "target": "target",
    "ra": "RA (ICRS)",
    "dec": "Dec",
    "magnitude": "mag",
    "exposure": "exposure",
    "airmass": "airm.",
    "moon": "☾",
    "why": "why",
    "comment": "comment",
}

#: Columns of numbers, which end at the same place.
RIGHT = frozenset({"number", "magnitude", "exposure", "airmass", "moon"})

_MARKS: Mapping[str, str] = {BlockStatus.OBSERVED: "✓", BlockStatus.FAILED: "×"}
_KINDS: Mapping[str, str] = {
    BlockKind.STANDARD: "standard star",
    BlockKind.FIXED: "fixed",
    BlockKind.INTERRUPT: "interrupt",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One block as a line of the table; fields are those of `COLUMNS`, texts as people and alerts wrote them."""

    number: str
    time: str
    local: str
    target: str
    ra: str
    dec: str
    magnitude: str
    exposure: str
    airmass: str
    moon: str
    why: str
    comment: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """
    The sheet of one telescope.

    Parameters
    ----------
    part : TelescopeNight
    title : str
    facts : tuple of str
        Place, twilights, Moon, value, closures, telescopes that have no night: a sentence each.
    lines : tuple of Line
        In order of time.
    unplaced : tuple of (str, str)
        The best candidates that found no place, and why.
    notes : tuple of str
        What people wrote down about the night or this telescope, by whom and when; the oldest first.
    """

    part: TelescopeNight
    title: str
    facts: tuple[str, ...]
    lines: tuple[Line, ...]
    unplaced: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


def sheets(
    timetable: Timetable,
    targets: Mapping[str, RankedTarget],
    comments: Mapping[str, str] | None = None,
    notes: Sequence[Note] = (),
) -> list[Sheet]:
    """
    Put a timetable in words, one sheet per telescope.

    Parameters
    ----------
    timetable : Timetable
    targets : mapping of str to RankedTarget
        Survey name → the target with its reasons; those that are not in it have none.
    comments : mapping of str to str, optional
        Survey name → what people wrote.
    notes : sequence of Note
        What people wrote down about the night, oldest first; of those that a telescope should know the latest eight.

    Raises
    ------
    ScheduleError
        If the timetable has no telescope.
    """
    if not timetable.telescopes:
        raise ScheduleError(f"the timetable of {timetable.date} has no telescope; make it for at least one instrument")
    return [_sheet(timetable, part, targets, comments or {}, notes) for part in timetable.telescopes]


def value_in_words(timetable: Timetable) -> str:
    """Return the summed value beside what no schedule can exceed."""
    if not timetable.bound > 0:
        return f"{timetable.value:.3g}"
    share = 100 * timetable.value / timetable.bound
    return f"{timetable.value:.3g} of at most {timetable.bound:.3g} ({share:.0f} %)"


def _sheet(
    timetable: Timetable,
    part: TelescopeNight,
    targets: Mapping[str, RankedTarget],
    comments: Mapping[str, str],
    notes: Sequence[Note],
) -> Sheet:
    blocks = timetable.of(part.telescope)
    unplaced = [found for found in timetable.unplaced if found.telescope in ("", part.telescope)]
    return Sheet(
        part=part,
        title=f"{part.name} · night of {part.night.date}",
        facts=_facts(timetable, part, blocks),
        lines=tuple(
            _line(number, block, part.night, targets.get(block.target), comments.get(block.target, ""))
            for number, block in enumerate(blocks, 1)
        ),
        unplaced=tuple((found.target, found.reason) for found in unplaced[:N_UNPLACED]),
        notes=tuple(_note(note) for note in notes_of(notes, part.telescope, part.night.site)[-N_NOTES:]),
    )


def _note(note: Note) -> str:
    about = f" on {note.target}" if note.target else ""
    return f"{utc(note.time)} UTC, {note.observer}{about}: {note.text}"


def _facts(timetable: Timetable, part: TelescopeNight, blocks: tuple[Block, ...]) -> tuple[str, ...]:
    night = part.night
    events = (("sunset", night.sunset), ("dusk", night.dusk), ("dawn", night.dawn), ("sunrise", night.sunrise))
    latitude, longitude = (f"{angle:+.2f}°".replace("-", "−") for angle in (night.latitude, night.longitude))
    value = value_in_words(timetable)
    if len(timetable.telescopes) > 1:
        worth = sum(block.value for block in blocks if block.status != BlockStatus.FAILED)
        value = f"{worth:.3g} here; of all telescopes {value}"
    origin = [f"Value {value}", timetable.strategy]
    if timetable.planned_from > night.dusk:
        origin.append(f"planned from {utc(timetable.planned_from)} UTC on")
    if part.revision:
        origin.append(f"plan {part.revision}")
    closures = [
        f"{utc(closure.start)}–{utc(closure.end)} UTC" + (f" ({closure.reason})" if closure.reason else "")
        for closure in part.closures
    ]
    return (
        f"{night.site_name} (latitude {latitude}, longitude {longitude}), local time {night.timezone}",
        "UTC (local): " + ", ".join(f"{name} {utc(time)} ({local(time, night)})" for name, time in events),
        f"☾ {moon_in_words(night)}",
        " · ".join(origin),
        *([f"Closed: {', '.join(closures)}"] if closures else []),
        # What could be done about it is no matter for who holds the sheet: it follows after a semicolon.
        *(f"Left out: {one.name} ({one.telescope}), {one.reason.partition(';')[0]}" for one in timetable.left_out),
    )


def _line(number: int, block: Block, night: NightSummary, target: RankedTarget | None, comment: str) -> Line:
    reason = target.reasons[0] if target is not None and target.reasons else ""
    kind = _KINDS.get(block.kind, "")
    mark = _MARKS.get(block.status, "")
    return Line(
        number=f"{mark} {number}" if mark else str(number),
        time=f"{utc(block.start)}–{utc(block.end)}",
        local=local(block.start, night),
        target=block.target,
        ra=right_ascension(block.ra),
        dec=declination(block.dec).replace("-", "−"),
        magnitude=_magnitude(block),
        exposure=f"{block.n_exposures} × {block.exposure / max(block.n_exposures, 1):.0f} s",
        airmass=_number(block.airmass, ".2f"),
        moon=_number(block.moon_separation, ".0f", "°"),
        why=": ".join(filter(None, (kind, reason))),
        comment=comment,
    )


def _magnitude(block: Block) -> str:
    """With the error, unless there is none to speak of, as of standard stars."""
    magnitude = _number(block.magnitude, ".2f")
    return f"{magnitude} ± {block.magnitude_err:.2f}" if magnitude and block.magnitude_err >= 0.005 else magnitude


def _number(value: float, form: str, unit: str = "") -> str:
    """Nothing where it is not known."""
    return f"{value:{form}}{unit}" if math.isfinite(value) else ""
