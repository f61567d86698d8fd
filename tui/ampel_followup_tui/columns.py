"""The columns of the lists: which there are, and how wide they are, in a terminal of a given width."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from ampel_followup.plan import RankedTarget
from ampel_followup_tui import target_cells as cells
from ampel_followup_tui.column import Column
from ampel_followup_tui.glyphs import SELECTED, short_name
from ampel_followup_tui.journal import Journal

if TYPE_CHECKING:
    from ampel_followup.reranking import OtherOrder

#: From this width on there is room for every column, and for panes side by side [characters].
WIDE = 120

#: Key of the column that marks what is selected.
MARK = "mark"

# IG and least airmass, with their gaps; beside the assistant's columns they need so much more than `WIDE`.
_WIDTH_OF_OTHERS = 11
_ROOM_FOR_ALL = 20
# Start of the scheduled block, with its gap.
_WIDTH_OF_START = 7
# P(SN Ia) and the change of brightness, with their gaps.
_WIDTH_OF_EARLY, _WIDTH_OF_TREND = 4, 6
_SHORTEST_BAR = 5


def tonight_columns(
    width: int, journal: Journal, *, other: OtherOrder | None = None, marked: bool = False
) -> list[Column[RankedTarget]]:
    """
    Return the columns of what can be observed, to fill `width` characters with a gap of one between columns.

    Looked at under another strategy, targets have their place in its order, and beside it how far they moved. Where
    some are marked, room is left for `mark_column`.
    """
    night = journal.plan.night
    wide = width >= WIDE - 1
    spare = max(0, width - (WIDE - 1))
    assisted = journal.assisted
    # The assistant's columns take the place of others, unless the terminal is wider still.
    whole = wide and (not assisted or spare >= _ROOM_FOR_ALL)
    if assisted and whole:
        spare -= _WIDTH_OF_OTHERS
    scheduled = journal.timetable is not None and spare >= _WIDTH_OF_START
    if scheduled:
        spare -= _WIDTH_OF_START
    early, moves = journal.has_early, other is not None
    # They take the room of what a wide terminal has to spare, or else of the bar and of the change of brightness.
    move = 1 + min(3, len(str(journal.info.n_targets)))
    extra = _WIDTH_OF_EARLY * early + (move + 1) * moves + marked
    taken = min(extra, max(0, spare))
    spare, lacking = spare - taken, extra - taken
    place = 4 if journal.info.n_targets > (99 if assisted else 999) else 3
    name = 12 + ((1 if assisted else 3) + min(12, spare // 4) if wide else 0)
    classes = 28 + min(10, spare // 2) if wide else 20
    bar = 9 + ((2 if assisted else 6) + min(24, spare // 4) if wide else 3 - place)
    trend = wide or not assisted
    if not wide and trend and lacking > bar - _SHORTEST_BAR:
        trend, lacking = False, lacking - _WIDTH_OF_TREND
    shorter = max(0, min(lacking, bar - _SHORTEST_BAR))
    bar, lacking = bar - shorter, lacking - shorter
    age = lacking <= 0
    columns = [
        Column("rank", "#", place, partial(cells.place, other=other), right=True),
        *([Column("move", "", move, partial(cells.move, other=other))] if other is not None else []),
        Column("name", "name", name, lambda target, width: Text(short_name(target.id, width))),
    ]
    if wide:
        columns += [Column("magnitude", "magnitude", 12, cells.magnitude), Column("trend", "mag/d", 5, cells.trend)]
    elif assisted:
        columns.append(Column("magnitude", "mag", 6, cells.magnitude_with_arrow))
    else:
        columns.append(Column("magnitude", "mag", 5, cells.short_magnitude))
        if trend:
            columns.append(Column("trend", "mag/d", 5, cells.trend))
    columns += [
        Column("classes", "now → after" if not wide else "now → likely after", classes, cells.classes),
        Column("gain", "gain", 4, cells.gain, right=True),
    ]
    if early:
        columns.append(Column("snia", "Ia", 3, cells.early, right=True))
    if whole:
        columns.append(
            Column("ig", "IG", 5, lambda target, _: cells.number(target.scores.information_gain, 2), right=True)
        )
    if assisted:
        columns += _assistant_columns(probabilities=wide)
    if whole:
        columns.append(
            Column("airmass", "airm", 4, lambda target, _: cells.number(target.visibility.min_airmass, 2), right=True)
        )
    columns.append(Column("bar", cells.bar_label(night, bar), bar, cells.bar))
    if scheduled:
        columns.append(Column("start", " start", 6, lambda target, _: cells.start(target, journal)))
    if age:
        columns.append(Column("age", "age", 4 if wide else 3, lambda target, _: cells.age(target, night), right=True))
    return _with_status(columns, width - marked, journal)


def mark_column(selected: Collection[str]) -> Column[RankedTarget]:
    """Return the column before all others that marks what is selected."""

    def mark(target: RankedTarget, _: int) -> Text:
        return Text(SELECTED[0], f"bold {SELECTED[1]}") if target.id in selected else Text(" ")

    return Column(MARK, " ", 1, mark, gap=False)


def hidden_columns(
    width: int, journal: Journal, *, other: OtherOrder | None = None, marked: bool = False
) -> list[Column[RankedTarget]]:
    """Return the columns of what cannot be observed, with the reason, to fill `width` characters."""
    del other  # it orders what can be observed
    wide, width = width >= WIDE - 1, width - marked
    status = 20 if wide else 10
    columns = [
        Column("name", "name", 16 if wide else 12, lambda target, width: Text(short_name(target.id, width))),
        Column("magnitude", "mag", 5, cells.short_magnitude),
        Column("classes", "now → after", 28, cells.classes) if wide else Column("class", "now", 10, cells.class_now),
        Column("gain", "gain", 4, cells.gain, right=True),
    ]
    if journal.assisted:
        columns += _assistant_columns(probabilities=wide)
    reason = width - sum(column.width + 1 for column in columns) - status - 1
    columns.append(Column("reason", "why not tonight", reason, cells.reason))
    return _with_status(columns, width, journal)


def aside_columns(
    width: int, journal: Journal, *, other: OtherOrder | None = None, marked: bool = False
) -> list[Column[RankedTarget]]:
    """Return the columns of what the policy set aside, with the reason, to fill `width` characters."""
    del other  # it orders what can be observed
    wide, width = width >= WIDE - 1, width - marked
    status = 20 if wide else 10
    columns = [
        Column("name", "name", 16 if wide else 12, lambda target, width: Text(short_name(target.id, width))),
        Column("magnitude", "mag", 5, cells.short_magnitude),
        *([Column("class", "now", 16, cells.class_now)] if wide else []),
        *_assistant_columns(probabilities=wide),
        Column("queue", "queue", 13 if wide else 9, cells.queue),
    ]
    reason = width - sum(column.width + 1 for column in columns) - status - 1
    columns.append(Column("reason", "why set aside", reason, cells.why_aside))
    return _with_status(columns, width, journal)


def _assistant_columns(*, probabilities: bool) -> list[Column[RankedTarget]]:
    """Return the columns of the virtual assistant's scores: its rank, and before it what the rank rests on."""
    rank = Column("assistant", "rank", 4, cells.assistant_rank, right=True)
    if not probabilities:
        return [rank]
    return [
        Column("real", "real", 4, lambda target, _: cells.probability(target, "p_real"), right=True),
        Column("galactic", "gal", 3, lambda target, _: cells.probability(target, "p_galactic"), right=True),
        Column("fast", "fast", 4, lambda target, _: cells.probability(target, "p_fast"), right=True),
        rank,
    ]


def _with_status(columns: list[Column[RankedTarget]], width: int, journal: Journal) -> list[Column[RankedTarget]]:
    rest = width - sum(column.width + 1 for column in columns)
    starts = journal.timetable is not None and all(column.key != "start" for column in columns)
    return [
        *columns,
        Column("status", "status", rest, lambda target, width: cells.status(target, width, journal, starts=starts)),
    ]
