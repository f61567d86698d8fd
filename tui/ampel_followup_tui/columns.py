"""The columns of the two lists: what stands in them, and how wide they are in a terminal of a given width."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from ampel_followup.plan import NightSummary, RankedTarget
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import (
    GREY,
    OUTSIDE,
    SKY_BLUE,
    STATUS,
    UNDECIDED,
    airmass_bar,
    band_sign,
    short_band,
    trend_sign,
)
from ampel_followup_tui.instants import clock, mjd
from ampel_followup_tui.journal import Journal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

#: From this width on there is room for every column, and for panes side by side [characters].
WIDE = 120

_SHORT_CLASS = {"variable star": "var", "M-dwarf flare": "flare", "SN Ib/c": "SN Ibc"}
_COMMENT = "”"
_ROOM_FOR_OBSERVER = 5


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its width without the gap to the next [characters], and what a target shows in it."""

    key: str
    label: str
    width: int
    content: Callable[[RankedTarget, int], Text]
    right: bool = False


class Cell:
    """A cell that is drawn when it comes into sight: a list of 500 targets opens as fast as one of 20."""

    __slots__ = ("_column", "_target")

    def __init__(self, target: RankedTarget, column: Column) -> None:
        self._target = target
        self._column = column

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        column = self._column
        text = column.content(self._target, column.width)
        text.truncate(column.width, overflow="ellipsis")
        if column.right:
            text.pad_left(column.width - text.cell_len)
        # A single line, which need not be wrapped; `render` sees the style of a part only, not that of the whole.
        text.stylize_before(text.style)
        return text.render(console)


def tonight_columns(width: int, journal: Journal) -> list[Column]:
    """Return the columns of what can be observed, to fill `width` characters with a gap of one between columns."""
    night = journal.plan.night
    wide = width >= WIDE - 1
    spare = max(0, width - (WIDE - 1))
    name = 12 + (3 + min(12, spare // 4) if wide else 0)
    classes = 28 + min(10, spare // 2) if wide else 20
    bar = 9 + (6 + min(24, spare // 4) if wide else 0)
    columns = [
        Column("rank", "#", 3, lambda target, _: Text(str(target.rank), GREY), right=True),
        Column("name", "name", name, lambda target, width: Text(clean(target.id, width))),
        Column(
            "magnitude", "magnitude" if wide else "mag", 12 if wide else 5, _magnitude if wide else _short_magnitude
        ),
        Column("trend", "mag/d", 5, _trend),
        Column("classes", "now → after" if not wide else "now → likely after", classes, _classes),
        Column("gain", "gain", 4, _gain, right=True),
    ]
    if wide:
        columns += [
            Column("ig", "IG", 5, lambda target, _: _number(target.scores.information_gain, 2), right=True),
            Column("airmass", "airm", 4, lambda target, _: _number(target.visibility.min_airmass, 2), right=True),
        ]
    columns += [
        Column("bar", _bar_label(night, bar), bar, _bar),
        Column("age", "age", 4 if wide else 3, lambda target, _: _age(target, night), right=True),
    ]
    return _with_status(columns, width, journal)


def hidden_columns(width: int, journal: Journal) -> list[Column]:
    """Return the columns of what cannot be observed, with the reason, to fill `width` characters."""
    wide = width >= WIDE - 1
    status = 20 if wide else 10
    columns = [
        Column("name", "name", 16 if wide else 12, lambda target, width: Text(clean(target.id, width))),
        Column("magnitude", "mag", 5, _short_magnitude),
        Column("classes", "now → after", 28, _classes) if wide else Column("class", "now", 10, _class_now),
        Column("gain", "gain", 4, _gain, right=True),
    ]
    reason = width - sum(column.width + 1 for column in columns) - status - 1
    columns.append(Column("reason", "why not tonight", reason, _reason))
    return _with_status(columns, width, journal)


def _with_status(columns: list[Column], width: int, journal: Journal) -> list[Column]:
    rest = width - sum(column.width + 1 for column in columns)
    return [*columns, Column("status", "status", rest, lambda target, width: _status(target, width, journal))]


def _number(value: float, digits: int) -> Text:
    return Text("–", GREY) if math.isnan(value) else Text(f"{value:.{digits}f}")


def _gain(target: RankedTarget, _: int) -> Text:
    return Text(f"{target.scores.value_of_information:.2f}", "bold")


def _short_magnitude(target: RankedTarget, _: int) -> Text:
    photometry = target.photometry
    if math.isnan(photometry.last_mag):
        return Text("–", GREY)
    return Text.assemble(f"{photometry.last_mag:.1f}", (short_band(photometry.last_band), band_style(target)))


def _magnitude(target: RankedTarget, _: int) -> Text:
    photometry = target.photometry
    if math.isnan(photometry.last_mag):
        return Text("–", GREY)
    return Text.assemble(
        f"{photometry.last_mag:.1f} ",
        (f"±{photometry.last_mag_err:.2f} ", GREY),
        (short_band(photometry.last_band), band_style(target)),
    )


def band_style(target: RankedTarget) -> str:
    """Return the style of the band that a target was last seen in."""
    return band_sign(target.photometry.last_band)[1]


def _trend(target: RankedTarget, _: int) -> Text:
    trend = target.photometry.trend
    if math.isnan(trend):
        return Text("–", GREY)
    return Text(f"{trend_sign(trend)}{min(abs(trend), 9.99):.2f}")


def _classes(target: RankedTarget, width: int) -> Text:
    scores = target.scores
    width -= len(OUTSIDE[0])
    spaced = width >= 24
    percent, arrow = ("%", " → ") if spaced else ("", "→")
    name = (width - len(arrow)) // 2 - 3 - len(percent)
    now, after = _class_name(scores.class_now, name), _class_name(scores.class_after, name)
    changes = scores.class_now != scores.class_after
    return Text.assemble(
        f"{now:<{name}} {_percent(scores.p_t.get(scores.class_now)):>2}{percent}",
        (arrow, SKY_BLUE if changes else GREY),
        (
            f"{after:<{name}} {_percent((scores.p_after or scores.p_ts).get(scores.class_after)):>2}{percent}",
            SKY_BLUE if changes else GREY,
        ),
        _outside(target),
    )


def _class_now(target: RankedTarget, width: int) -> Text:
    scores = target.scores
    width -= len(OUTSIDE[0]) + 3
    name = _class_name(scores.class_now, width)
    return Text.assemble(f"{name:<{width}} {_percent(scores.p_t.get(scores.class_now)):>2}", _outside(target))


def _outside(target: RankedTarget) -> tuple[str, str]:
    """Return sign and style for what is outside the training set; nothing for all else."""
    sign, _, style = OUTSIDE
    return (sign if target.scores.out_of_scope else "", style)


def _class_name(name: str, width: int) -> str:
    """Return the name of a class, the short one where the whole does not fit."""
    return clean(name if len(name) <= width else _SHORT_CLASS.get(name, name), width)


def _percent(p: float | None) -> str:
    """Return two characters at most: what rounds to certainty is shown as 99."""
    return "–" if p is None or math.isnan(p) else str(min(99, round(100 * p)))


def _bar_label(night: NightSummary, width: int) -> str:
    dusk, dawn = (clock(moment, night.timezone)[:2] + "h" for moment in (night.dusk, night.dawn))
    return dusk + "┄" * (width - len(dusk) - len(dawn)) + dawn


def _bar(target: RankedTarget, width: int) -> Text:
    return Text(airmass_bar(target.visibility.airmass, width), SKY_BLUE)


def _age(target: RankedTarget, night: NightSummary) -> Text:
    age = mjd(night.dusk) - target.photometry.first_mjd
    if math.isnan(age):
        return Text("–", GREY)
    if age < 99.5:
        return Text(f"{max(0.0, age):.0f}d")
    return Text(f"{age / 365.25:.0f}y" if age >= 365.25 else f"{age / 30.44:.0f}m")


def _reason(target: RankedTarget, width: int) -> Text:
    return Text(clean(target.visibility.reason or "–", max(1, width)), GREY)


def _status(target: RankedTarget, width: int, journal: Journal) -> Text:
    decision = journal.verdict(target.id)
    sign, word, style = STATUS.get(decision.verdict, UNDECIDED) if decision else UNDECIDED
    text = Text(sign, style)
    text.append(_COMMENT if journal.n_comments(target.id) else " ", SKY_BLUE)
    if decision is not None:
        text.append(word, style)
        if width >= len(text) + _ROOM_FOR_OBSERVER:
            text.append(f" {clean(decision.observer)}", GREY)
    elif target.scores.out_of_scope:
        text.append(OUTSIDE[1], OUTSIDE[2])
    return text
