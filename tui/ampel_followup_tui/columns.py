"""The columns of the lists: what stands in them, and how wide they are in a terminal of a given width."""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from ampel_followup.decision import Decision, Verdict
from ampel_followup.plan import NightSummary, RankedTarget
from ampel_followup.untrusted import clean
from ampel_followup_tui.cells import Column
from ampel_followup_tui.glyphs import (
    ANOMALY,
    CLOSING,
    DISAGREE,
    GREY,
    LOWERS,
    OUTSIDE,
    RAISES,
    SELECTED,
    SKY_BLUE,
    STATUS,
    UNDECIDED,
    URGENT,
    airmass_bar,
    band_sign,
    short_band,
    short_name,
    trend_sign,
    two_digits,
)
from ampel_followup_tui.groups import has_anomaly, is_closing, is_urgent
from ampel_followup_tui.instants import clock, day_and_month, mjd
from ampel_followup_tui.journal import Journal

if TYPE_CHECKING:
    from ampel_followup.reranking import OtherOrder

#: From this width on there is room for every column, and for panes side by side [characters].
WIDE = 120

#: Key of the column that marks what is selected.
MARK = "mark"

_SHORT_CLASS = {"variable star": "var", "M-dwarf flare": "flare", "SN Ib/c": "SN Ibc"}
_COMMENT = "”"
_ROOM_FOR_OBSERVER = 5
# Signs of verdict and comment, and these with the start of a block behind them.
_WIDTH_OF_SIGNS, _ROOM_FOR_SCHEDULED = 2, 10

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
        Column("rank", "#", place, partial(_place, other=other), right=True),
        *([Column("move", "", move, partial(_move, other=other))] if other is not None else []),
        Column("name", "name", name, lambda target, width: Text(short_name(target.id, width))),
    ]
    if wide:
        columns += [Column("magnitude", "magnitude", 12, _magnitude), Column("trend", "mag/d", 5, _trend)]
    elif assisted:
        columns.append(Column("magnitude", "mag", 6, _magnitude_with_arrow))
    else:
        columns.append(Column("magnitude", "mag", 5, _short_magnitude))
        if trend:
            columns.append(Column("trend", "mag/d", 5, _trend))
    columns += [
        Column("classes", "now → after" if not wide else "now → likely after", classes, _classes),
        Column("gain", "gain", 4, _gain, right=True),
    ]
    if early:
        columns.append(Column("snia", "Ia", 3, _early, right=True))
    if whole:
        columns.append(Column("ig", "IG", 5, lambda target, _: _number(target.scores.information_gain, 2), right=True))
    if assisted:
        columns += _assistant_columns(probabilities=wide)
    if whole:
        columns.append(
            Column("airmass", "airm", 4, lambda target, _: _number(target.visibility.min_airmass, 2), right=True)
        )
    columns.append(Column("bar", _bar_label(night, bar), bar, _bar))
    if scheduled:
        columns.append(Column("start", " start", 6, lambda target, _: _start(target, journal)))
    if age:
        columns.append(Column("age", "age", 4 if wide else 3, lambda target, _: _age(target, night), right=True))
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
        Column("magnitude", "mag", 5, _short_magnitude),
        Column("classes", "now → after", 28, _classes) if wide else Column("class", "now", 10, _class_now),
        Column("gain", "gain", 4, _gain, right=True),
    ]
    if journal.assisted:
        columns += _assistant_columns(probabilities=wide)
    reason = width - sum(column.width + 1 for column in columns) - status - 1
    columns.append(Column("reason", "why not tonight", reason, _reason))
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
        Column("magnitude", "mag", 5, _short_magnitude),
        *([Column("class", "now", 16, _class_now)] if wide else []),
        *_assistant_columns(probabilities=wide),
        Column("queue", "queue", 13 if wide else 9, _queue),
    ]
    reason = width - sum(column.width + 1 for column in columns) - status - 1
    columns.append(Column("reason", "why set aside", reason, _why_aside))
    return _with_status(columns, width, journal)


def _assistant_columns(*, probabilities: bool) -> list[Column[RankedTarget]]:
    """Return the columns of the virtual assistant's scores: its rank, and before it what the rank rests on."""
    rank = Column("assistant", "rank", 4, _assistant_rank, right=True)
    if not probabilities:
        return [rank]
    return [
        Column("real", "real", 4, lambda target, _: _probability(target, "p_real"), right=True),
        Column("galactic", "gal", 3, lambda target, _: _probability(target, "p_galactic"), right=True),
        Column("fast", "fast", 4, lambda target, _: _probability(target, "p_fast"), right=True),
        rank,
    ]


def _with_status(columns: list[Column[RankedTarget]], width: int, journal: Journal) -> list[Column[RankedTarget]]:
    rest = width - sum(column.width + 1 for column in columns)
    starts = journal.timetable is not None and all(column.key != "start" for column in columns)
    return [
        *columns,
        Column("status", "status", rest, lambda target, width: _status(target, width, journal, starts=starts)),
    ]


def _number(value: float, digits: int) -> Text:
    return Text("–", GREY) if math.isnan(value) else Text(f"{value:.{digits}f}")


def _early(target: RankedTarget, _: int) -> Text:
    p = target.scores.p_snia
    if math.isnan(p):
        return Text("–", GREY)
    return Text(two_digits(p), "bold" if p >= target.scores.snia_threshold else "")


def _move(target: RankedTarget, _: int, *, other: OtherOrder) -> Text:
    move = other.move.get(target.id, 0)
    if not move:
        return Text("=", GREY)
    sign, style = RAISES if move > 0 else LOWERS
    return Text(f"{sign}{min(abs(move), 999)}", style)


def _place(target: RankedTarget, _: int, *, other: OtherOrder | None = None) -> Text:
    place = Text(str(target.rank if other is None else other.place.get(target.id, target.rank)), GREY)
    return Text.assemble((URGENT[0], f"bold {URGENT[2]}"), place) if is_urgent(target) else place


def _probability(target: RankedTarget, name: str) -> Text:
    p = math.nan if target.assistant is None else getattr(target.assistant, name)
    return Text("–", GREY) if math.isnan(p) else Text(two_digits(p))


def _assistant_rank(target: RankedTarget, _: int) -> Text:
    return _number(math.nan if target.assistant is None else target.assistant.rank, 1)


def _queue(target: RankedTarget, width: int) -> Text:
    return Text("–", GREY) if target.placement is None else Text(clean(target.placement.queue, width))


def _why_aside(target: RankedTarget, width: int) -> Text:
    placement = target.placement
    if placement is None:
        return Text("–", GREY)
    back = f"back {day_and_month(placement.snoozed_until)}: " if placement.snoozed_until else ""
    return Text(clean(f"{back}{placement.because}" or "–", max(1, width)), GREY)


def _gain(target: RankedTarget, _: int) -> Text:
    return Text(f"{target.scores.value_of_information:.2f}", "bold")


def _short_magnitude(target: RankedTarget, _: int) -> Text:
    photometry = target.photometry
    if math.isnan(photometry.last_mag):
        return Text("–", GREY)
    return Text.assemble(f"{photometry.last_mag:.1f}", (short_band(photometry.last_band), band_style(target)))


def _magnitude_with_arrow(target: RankedTarget, width: int) -> Text:
    text = _short_magnitude(target, width)
    return text if math.isnan(target.photometry.trend) else text.append(trend_sign(target.photometry.trend), "default")


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
    if width < len(dusk) + len(dawn):
        return f"{dusk[:2]}–{dawn[:2]}"
    return dusk + "┄" * (width - len(dusk) - len(dawn)) + dawn


def _bar(target: RankedTarget, width: int) -> Text:
    return Text(airmass_bar(target.visibility.airmass, width), SKY_BLUE)


def _start(target: RankedTarget, journal: Journal) -> Text:
    """Write when the schedule has a target, on the clock of its telescope, behind the sign of its block."""
    step = journal.scheduled(target.id)
    if step is None:
        return Text(" –", GREY)
    from ampel_followup_tui.panes.timeline import sign_of

    sign, _, style = sign_of(step)
    return Text(f"{sign}{clock(step.block.start, step.telescope.night.timezone)}", style)


def _age(target: RankedTarget, night: NightSummary) -> Text:
    age = mjd(night.dusk) - target.photometry.first_mjd
    if math.isnan(age):
        return Text("–", GREY)
    if age < 99.5:
        return Text(f"{max(0.0, age):.0f}d")
    return Text(f"{age / 365.25:.0f}y" if age >= 365.25 else f"{age / 30.44:.0f}m")


def _reason(target: RankedTarget, width: int) -> Text:
    return Text(clean(target.visibility.reason or "–", max(1, width)), GREY)


def _status(target: RankedTarget, width: int, journal: Journal, *, starts: bool) -> Text:
    decision = journal.verdict(target.id)
    sign, word, style = STATUS.get(decision.verdict, UNDECIDED) if decision else UNDECIDED
    text = Text(sign, style)
    if journal.disagreement(target.id):
        text.append(DISAGREE[0], DISAGREE[2])
    else:
        text.append(_COMMENT if journal.n_comments(target.id) else " ", SKY_BLUE)
    if decision is not None:
        text.append(_word(word, decision, target, width - _WIDTH_OF_SIGNS), style)
        if width >= len(text) + _ROOM_FOR_OBSERVER:
            text.append(f" {clean(decision.observer)}", GREY)
    else:
        text.append(*_remark(target))
        if starts and text.cell_len == _WIDTH_OF_SIGNS and width >= _ROOM_FOR_SCHEDULED:
            step = journal.scheduled(target.id)
            text.append(f"at {clock(step.block.start, step.telescope.night.timezone)}" if step else "", GREY)
    return text


def _word(word: str, decision: Decision, target: RankedTarget, width: int) -> str:
    """Return a verdict in a word; of one that defers, until when, in the longest form that fits."""
    if decision.until is not None:
        day = day_and_month(decision.until)
        forms = [f"{word} until {day}", f"until {day}", f"to {day}"]
    elif decision.verdict == Verdict.DEFER and target.placement is not None and target.placement.snoozed_until:
        forms = [f"{word} until {day_and_month(target.placement.snoozed_until)}"]
    else:
        return word
    return next((form for form in forms if len(form) <= width), word)


def _remark(target: RankedTarget) -> tuple[str, str]:
    """Return the word, with its style, that most asks for a look at a target; nothing for most."""
    if is_urgent(target):
        return URGENT[1:]
    if has_anomaly(target):
        return ANOMALY[1:]
    if is_closing(target):
        return CLOSING
    return OUTSIDE[1:] if target.scores.out_of_scope else ("", "")
