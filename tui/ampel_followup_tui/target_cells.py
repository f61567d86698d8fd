"""What stands in the cells of the lists of targets: of each target a few words or signs, in the width of a column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.text import Text

from ampel_followup.decision import Decision, Verdict
from ampel_followup.plan import NightSummary, RankedTarget
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import (
    ANOMALY,
    CLOSING,
    DISAGREE,
    GREY,
    LOWERS,
    OUTSIDE,
    RAISES,
    SKY_BLUE,
    STATUS,
    UNDECIDED,
    URGENT,
    airmass_bar,
    band_sign,
    short_band,
    trend_sign,
    two_digits,
)
from ampel_followup_tui.groups import has_anomaly, is_closing, is_urgent
from ampel_followup_tui.instants import clock, day_and_month, mjd
from ampel_followup_tui.journal import Journal

if TYPE_CHECKING:
    from ampel_followup.reranking import OtherOrder

_SHORT_CLASS = {"variable star": "var", "M-dwarf flare": "flare", "SN Ib/c": "SN Ibc"}
_COMMENT = "”"
_ROOM_FOR_OBSERVER = 5
# Signs of verdict and comment, and these with the start of a block behind them.
_WIDTH_OF_SIGNS, _ROOM_FOR_SCHEDULED = 2, 10


def number(value: float, digits: int) -> Text:
    """Write a number; a dash where it is not known."""
    return Text("–", GREY) if math.isnan(value) else Text(f"{value:.{digits}f}")


def early(target: RankedTarget, _: int) -> Text:
    """Write P(SN Ia) of an early classifier in two digits, bold from its threshold on."""
    p = target.scores.p_snia
    if math.isnan(p):
        return Text("–", GREY)
    return Text(two_digits(p), "bold" if p >= target.scores.snia_threshold else "")


def move(target: RankedTarget, _: int, *, other: OtherOrder) -> Text:
    """Write how many places another order raises or lowers a target."""
    places = other.move.get(target.id, 0)
    if not places:
        return Text("=", GREY)
    sign, style = RAISES if places > 0 else LOWERS
    return Text(f"{sign}{min(abs(places), 999)}", style)


def place(target: RankedTarget, _: int, *, other: OtherOrder | None = None) -> Text:
    """Write the place in the list, behind a sign where the target is urgent."""
    text = Text(str(target.rank if other is None else other.place.get(target.id, target.rank)), GREY)
    return Text.assemble((URGENT[0], f"bold {URGENT[2]}"), text) if is_urgent(target) else text


def probability(target: RankedTarget, name: str) -> Text:
    """Write one of the assistant's probabilities in two digits."""
    p = math.nan if target.assistant is None else getattr(target.assistant, name)
    return Text("–", GREY) if math.isnan(p) else Text(two_digits(p))


def assistant_rank(target: RankedTarget, _: int) -> Text:
    """Write the rank that the assistant gives, 0 to 10."""
    return number(math.nan if target.assistant is None else target.assistant.rank, 1)


def queue(target: RankedTarget, width: int) -> Text:
    """Write the queue that the policy put a target into."""
    return Text("–", GREY) if target.placement is None else Text(clean(target.placement.queue, width))


def why_aside(target: RankedTarget, width: int) -> Text:
    """Say why the policy set a target aside, and when it comes back."""
    placement = target.placement
    if placement is None:
        return Text("–", GREY)
    back = f"back {day_and_month(placement.snoozed_until)}: " if placement.snoozed_until else ""
    return Text(clean(f"{back}{placement.because}" or "–", max(1, width)), GREY)


def gain(target: RankedTarget, _: int) -> Text:
    """Write the value of a spectrum."""
    return Text(f"{target.scores.value_of_information:.2f}", "bold")


def short_magnitude(target: RankedTarget, _: int) -> Text:
    """Write the last magnitude and its band."""
    photometry = target.photometry
    if math.isnan(photometry.last_mag):
        return Text("–", GREY)
    return Text.assemble(f"{photometry.last_mag:.1f}", (short_band(photometry.last_band), _band_style(target)))


def magnitude_with_arrow(target: RankedTarget, width: int) -> Text:
    """Write the last magnitude, its band, and an arrow that says whether it rises."""
    text = short_magnitude(target, width)
    return text if math.isnan(target.photometry.trend) else text.append(trend_sign(target.photometry.trend), "default")


def magnitude(target: RankedTarget, _: int) -> Text:
    """Write the last magnitude, its uncertainty and its band."""
    photometry = target.photometry
    if math.isnan(photometry.last_mag):
        return Text("–", GREY)
    return Text.assemble(
        f"{photometry.last_mag:.1f} ",
        (f"±{photometry.last_mag_err:.2f} ", GREY),
        (short_band(photometry.last_band), _band_style(target)),
    )


def _band_style(target: RankedTarget) -> str:
    """Return the style of the band that a target was last seen in."""
    return band_sign(target.photometry.last_band)[1]


def trend(target: RankedTarget, _: int) -> Text:
    """Write the change of brightness [mag/d], behind an arrow."""
    change = target.photometry.trend
    if math.isnan(change):
        return Text("–", GREY)
    return Text(f"{trend_sign(change)}{min(abs(change), 9.99):.2f}")


def classes(target: RankedTarget, width: int) -> Text:
    """Write the class now and the most likely one after a spectrum, with their probabilities [%]."""
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


def class_now(target: RankedTarget, width: int) -> Text:
    """Write the class now, with its probability [%]."""
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


def bar_label(night: NightSummary, width: int) -> str:
    """Write the heading of `bar`: the hours of dusk and dawn at its ends."""
    dusk, dawn = (clock(moment, night.timezone)[:2] + "h" for moment in (night.dusk, night.dawn))
    if width < len(dusk) + len(dawn):
        return f"{dusk[:2]}–{dawn[:2]}"
    return dusk + "┄" * (width - len(dusk) - len(dawn)) + dawn


def bar(target: RankedTarget, width: int) -> Text:
    """Draw how high a target stands from dusk to dawn."""
    return Text(airmass_bar(target.visibility.airmass, width), SKY_BLUE)


def start(target: RankedTarget, journal: Journal) -> Text:
    """Write when the schedule has a target, on the clock of its telescope, behind the sign of its block."""
    step = journal.scheduled(target.id)
    if step is None:
        return Text(" –", GREY)
    from ampel_followup_tui.panes.timeline import sign_of

    sign, _, style = sign_of(step)
    return Text(f"{sign}{clock(step.block.start, step.telescope.night.timezone)}", style)


def age(target: RankedTarget, night: NightSummary) -> Text:
    """Write the time from the first detection to dusk, in days, months or years."""
    days = mjd(night.dusk) - target.photometry.first_mjd
    if math.isnan(days):
        return Text("–", GREY)
    if days < 99.5:
        return Text(f"{max(0.0, days):.0f}d")
    return Text(f"{days / 365.25:.0f}y" if days >= 365.25 else f"{days / 30.44:.0f}m")


def reason(target: RankedTarget, width: int) -> Text:
    """Say why a target cannot be observed tonight."""
    return Text(clean(target.visibility.reason or "–", max(1, width)), GREY)


def status(target: RankedTarget, width: int, journal: Journal, *, starts: bool) -> Text:
    """
    Write what was decided on a target and by whom; where nothing was, what asks for a look at it.

    With `starts`, and room for it, also when the schedule has it.
    """
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
