"""What the virtual assistant says of a target, and what the policy makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.text import Text

from ampel_followup.assistant_scores import SCORES, AssistantScores, Cause, Placement, Trait, Visit
from ampel_followup.plan import RankedTarget
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import (
    ANOMALY,
    CLOSING,
    GREY,
    LOWERS,
    RAISES,
    SKY_BLUE,
    URGENT,
    YELLOW,
    share_bar,
    sparkline,
    two_digits,
)
from ampel_followup_tui.groups import is_urgent
from ampel_followup_tui.panes.flow import flow, paragraph

_STAGE = {"first": "first alerts", "updating": "updating", "long-term": "long term"}
_HIGHEST_RANK = 10.0
_LABEL = 10
_NUMBER = 5
_LONGEST_BAR = 30
_WIDEST_VISIT = 4


def assistant(target: RankedTarget, width: int) -> Text:
    """
    Say what the virtual assistant thinks of a target.

    Parameters
    ----------
    target : RankedTarget
        The target.
    width : int
        Room [characters].

    Returns
    -------
    Text
        Where it waits and why, what a person should know, the rank at each visit, the probabilities, the labels, and
        what moved each score.
    """
    text = Text()
    scores, placement = target.assistant, target.placement
    if placement is not None:
        text.append_text(_place(target, placement, width))
    if scores is None:
        return text.append(paragraph("The assistant did not score this target.", width), GREY)
    text.append_text(_warnings(scores, placement, width))
    text.append_text(_rank(scores, width))
    text.append_text(_probabilities(scores, width))
    text.append_text(_traits(scores.traits, width))
    text.append_text(_causes(scores.causes, width))
    return text


def _place(target: RankedTarget, placement: Placement, width: int) -> Text:
    """Write stage and queue, and why."""
    queue = Text(clean(placement.queue), "bold")
    if is_urgent(target):
        sign, word, style = URGENT
        queue = Text(f"{sign} {word}", f"bold {style}")
    stage = Text(_STAGE.get(placement.stage, clean(placement.stage)), GREY)
    listed = [] if placement.listed else [Text("set aside", GREY)]
    text = flow([queue, stage, *listed], width)
    return text.append(paragraph(clean(placement.because), width, "• ")) if placement.because else text


def _warnings(scores: AssistantScores, placement: Placement | None, width: int) -> Text:
    """Write what a person should know besides."""
    text = Text()
    notes = [clean(note) for note in placement.notes] if placement is not None else []
    anomaly = clean(scores.anomaly)
    if anomaly:
        sign, word, style = ANOMALY
        text.append(paragraph(f"{word}: {anomaly}", width, f"{sign} "), style)
    for note in notes:
        if not anomaly or anomaly not in note:
            text.append(paragraph(note, width, "• "), YELLOW)
    if placement is not None and placement.last_useful:
        text.append(paragraph(f"last useful evening {clean(placement.last_useful)}", width, "• "), CLOSING[1])
    if placement is not None and placement.snoozed_until:
        text.append(paragraph(f"comes back by itself on {clean(placement.snoozed_until)}", width, "• "), YELLOW)
    if scores.named:
        text.append(paragraph(f"named by a catalogue: {clean(scores.named)}", width, "• "))
    return text


def _rank(scores: AssistantScores, width: int) -> Text:
    """Draw the rank at each visit, with the days since the first detection below."""
    now = "–" if math.isnan(scores.rank) else f"{scores.rank:.1f}"
    text = Text.assemble((f"{'rank':<{_LABEL}}", GREY), (f"{now:<{_NUMBER}}", "bold"))
    room = width - _LABEL - _NUMBER
    if not scores.history or room < 1:
        return text.append("\n")
    visits = _spread(scores.history, room)
    each = min(_WIDEST_VISIT, room // len(visits))
    heights = sparkline([visit.rank for visit in visits], _HIGHEST_RANK)
    # Where there is room, a visit is a block with a gap behind it.
    blocks = "".join(height * max(1, each - 1) + " " * (each > 1) for height in heights)
    text.append(f"{blocks}\n", SKY_BLUE)
    return text.append(f"{'at day':<{_LABEL + _NUMBER}}{_days(visits, each)}\n", GREY)


def _spread(history: tuple[Visit, ...], most: int) -> list[Visit]:
    """Return at most so many visits, evenly chosen, the first and the last included."""
    n = len(history)
    if n <= most:
        return list(history)
    return [history[round(i * (n - 1) / max(1, most - 1))] for i in range(most)]


def _days(visits: list[Visit], each: int) -> str:
    """Write days below their visits as far as there is room, those of the first and the last visit before all."""
    line = [" "] * (len(visits) * each)
    last = f"{visits[-1].day:.0f}"
    begin_of_last = max(0, min((len(visits) - 1) * each, len(line) - len(last)))
    free = 0
    for place, visit in enumerate(visits[:-1]):
        day, cell = f"{visit.day:.0f}", place * each
        if cell >= free and cell + len(day) < begin_of_last:
            line[cell : cell + len(day)] = day
            free = cell + len(day) + 1
    line[begin_of_last:] = last
    return "".join(line).rstrip()


def _probabilities(scores: AssistantScores, width: int) -> Text:
    text = Text()
    for name in SCORES:
        p = getattr(scores, f"p_{name}")
        text.append(f"{name:<{_LABEL}}", GREY)
        number = f"{two_digits(p):<{_NUMBER}}"
        if math.isnan(p):
            text.append(f"{number}not scored\n", GREY)
        else:
            bar = share_bar(p, max(1, min(_LONGEST_BAR, width - _LABEL - _NUMBER)))
            text.append(number).append(f"{bar}\n", SKY_BLUE)
    return text


def _traits(traits: Sequence[Trait], width: int) -> Text:
    """Write the labels side by side, or each in lines of its own where one is longer than a line."""
    pieces = [_trait(trait) for trait in traits]
    if all(piece.cell_len <= width for piece in pieces):
        return flow(pieces, width) if pieces else Text()
    text = Text()
    for trait, piece in zip(traits, pieces, strict=True):
        lines = Text(paragraph(piece.plain, width))
        lines.stylize(GREY, 0, len(clean(trait.name)))
        text.append_text(lines)
    return text


def _trait(trait: Trait) -> Text:
    label, known = clean(trait.label), not math.isnan(trait.sure) and trait.label != "unknown"
    text = Text.assemble((f"{clean(trait.name)} ", GREY), label if known else "unknown")
    return text.append(f", {100 * trait.sure:.0f} % sure") if known else text


def _causes(causes: Iterable[Cause], width: int) -> Text:
    """List what moved each score, up or down."""
    text, before = Text(), ""
    for cause in causes:
        sign, style = RAISES if cause.effect > 0 else LOWERS
        label = "" if cause.score == before else clean(cause.score, _LABEL - 1)
        line = Text(paragraph(clean(cause.text), width, f"{label:<{_LABEL}}{sign} "))
        line.stylize(GREY, 0, _LABEL)
        line.stylize(style, _LABEL, _LABEL + 1)
        text.append_text(line)
        before = cause.score
    return Text.assemble(("what moved the scores\n", GREY), text) if text else text
