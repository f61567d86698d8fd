"""What people said about a target, on this and on other nights."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ampel_followup.decision import Decision, Verdict
from ampel_followup.plan import NightSummary
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import DISAGREE, GREY, STATUS, UNDECIDED
from ampel_followup_tui.instants import clock, day_and_month


def history(decisions: Sequence[Decision], night: NightSummary) -> Text:
    """
    List decisions and comments, the latest first.

    Parameters
    ----------
    decisions : sequence of Decision
        On one target, oldest first.
    night : NightSummary
        The night that is shown; times are on its clock, and the date is given for other nights.

    Returns
    -------
    Text
        One paragraph for each; what was taken back is struck through.
    """
    undone = {decision.undoes for decision in decisions}
    text = Text()
    for decision in reversed(decisions):
        if decision.verdict == Verdict.UNDO:
            continue
        sign, word, style = STATUS.get(decision.verdict, UNDECIDED)
        line = Text.assemble(
            (f"{clock(decision.time, night.timezone)} ", GREY),
            (f"{decision.night} " if decision.night != night.date else "", GREY),
            (f"{sign} {word}{_until(decision)}", style),
            f" {clean(decision.observer)}",
        )
        if decision.comment:
            line.append(f" “{clean(decision.comment)}”")
        if decision.id in undone:
            line.stylize("strike dim")
            line.append(" taken back", GREY)
        text.append_text(line).append("\n")
    return text or Text("No verdict and no comment yet.\n", GREY)


def word_of(decision: Decision, night: NightSummary) -> Text:
    """Write who said what, and when."""
    sign, word, style = STATUS.get(decision.verdict, UNDECIDED)
    return Text.assemble(
        (f"{sign} {word}{_until(decision)}", style),
        f" {clean(decision.observer, 16)}",
        (f" {clock(decision.time, night.timezone)}", GREY),
    )


def disagreement(words: Sequence[Decision], night: NightSummary) -> Text:
    """
    Say who disagrees on a target, and who was last.

    Parameters
    ----------
    words : sequence of Decision
        The latest word of everyone, oldest first; none if nobody disagrees.
    night : NightSummary
        The night; times are on its clock.
    """
    text = Text()
    for word in words:
        text.append(f"{DISAGREE[0]} " if word is words[0] else "  ", DISAGREE[2])
        text.append_text(word_of(word, night))
        text.append("\n" if word is not words[-1] else " was last, and holds\n", GREY)
    return text


def _until(decision: Decision) -> str:
    return f" until {day_and_month(decision.until)}" if decision.until else ""
