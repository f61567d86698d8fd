"""What the loop has learned, as text: bundle in use, comparison of a challenger, what comes next, drift, history."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.text import Text

from ampel_followup.champions import Action, Challenger, Comparison, Metric, Promotion
from ampel_followup.learning_state import DriftWarning, Returned
from ampel_followup.teaching import Teaching
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import BETTER, GREY, ORANGE, SAME, SKY_BLUE, VERMILION, WORSE, share_bar, two_digits
from ampel_followup_tui.instants import day_and_month
from ampel_followup_tui.learning import Learned
from ampel_followup_tui.learning_columns import CONFLICT, NO_CLASS, is_judged, verdict_sign
from ampel_followup_tui.panes.flow import flow, paragraph

_LONGEST_NAME = 40
_METRICS: dict[str, str] = {
    Metric.LOG_LOSS: "log-loss",
    Metric.ACCURACY: "accuracy",
    Metric.MACRO_RECALL: "mean recall",
}
# A count and a sign; wider where there is room [characters].
_CELL, _WIDE_CELL, _CLASS = 4, 6, 15
_RECALL = 13
_GAIN_BAR = 10
_LEGEND = f"{BETTER[0]} better  {WORSE[0]} worse  {SAME[0]} neither for certain"

NO_LABELS = (
    "No label came back since this bundle came into use.\n\n"
    "`ampel-followup label import FILE` brings what TNS, or your own spectra, say;\n"
    "`ampel-followup label set` a single one. They appear here at once."
)
NO_CHALLENGER = (
    "No challenger yet.\n\n"
    "`ampel-followup learn` trains one from the labels beside the bundle in use, compares both on objects that neither "
    "was trained on, and writes a report. It is listed here when it is done."
)


def in_use(learned: Learned, width: int) -> Text:
    """Return which bundle is in use, since when, by whom, with what it says of itself, and how it did since."""
    state, used = learned.state, learned.state.in_use
    since = f"since {used.since[:10]} by {clean(used.observer, 16)}" if used.since else "as it comes along"
    pieces = [
        Text.assemble("in use ", (clean(used.bundle, _LONGEST_NAME), "bold"), (f" {used.bundle_digest[:8]}", GREY)),
        Text(since),
    ]
    if state.returned:
        judged = [returned for returned in state.returned if is_judged(returned)]
        right, other = sum(returned.was_right for returned in judged), len(state.returned) - len(judged)
        pieces.append(Text(f"{right} of {len(judged)} labels since are as predicted", "bold"))
        if other:
            pieces.append(Text(f"{NO_CLASS[0]} {other} {NO_CLASS[1]}", NO_CLASS[2]))
    if state.n_unmatched:
        pieces.append(Text(f"{state.n_unmatched} of objects never ranked", GREY))
    conflicts = sum(bool(returned.others) for returned in state.returned)
    if conflicts:
        pieces.append(Text(f"{CONFLICT[0]} {conflicts} {CONFLICT[1]}", CONFLICT[2]))
    pieces += [Text(piece, GREY) for piece in _quality(learned.metrics)]
    text = flow(pieces, width)
    if learned.trouble:
        text.append(paragraph(clean(learned.trouble), width, "! "), VERMILION)
    return text


def _quality(metrics: Mapping[str, float]) -> list[str]:
    """Return what a bundle says of itself, of what it was tested on when it was trained."""
    pieces = []
    for name, key in (("accuracy", "accuracy"), ("log-loss", "log_loss")):
        before, after = metrics.get(f"p_t_{key}", math.nan), metrics.get(f"p_ts_{key}", math.nan)
        if not math.isnan(before):
            pieces.append(f"{name} {before:.3f}" + ("" if math.isnan(after) else f", with a spectrum {after:.3f}"))
    if pieces and "test_objects" in metrics:
        pieces.append(f"on {metrics['test_objects']:.0f} objects when it was trained")
    return pieces


def label(returned: Returned, width: int) -> Text:
    """Return a label in sentences: who said what, what others say, and what was expected of its spectrum."""
    author = f" ({clean(returned.author, 40)})" if returned.author else ""
    sure = "" if math.isnan(returned.confidence) else f", {100 * returned.confidence:.0f} % sure"
    said = f"{clean(returned.source, 20)}{author} on {returned.time[:10]}: {clean(returned.type, 40)}{sure}."
    then = (
        f"Ranked {returned.rank or 'outside the list'} on {returned.night} at {clean(returned.site, 16)} by "
        f"{clean(returned.bundle, 40)}: {clean(returned.class_then, 20)} {two_digits(returned.p_then)}, what it is "
        f"{two_digits(returned.p_label)}; a spectrum was worth {returned.value_of_information:.2f}."
    )
    text = Text(paragraph(f"{said} {then}", width))
    if returned.others:
        others = ", ".join(clean(name, 20) for name in returned.others)
        text.append(paragraph(f"others say {others}", width, f"{CONFLICT[0]} "), CONFLICT[2])
    return text


def comparison(challenger: Challenger, report: Path, width: int, *, in_use: bool) -> Text:
    """
    Return how a challenger compares with the champion: metrics with intervals, and both confusion matrices.

    Parameters
    ----------
    challenger : Challenger
    report : Path
        Where its report is.
    width : int
        Room [characters].
    in_use : bool
        It is the bundle in use.
    """
    compared = challenger.comparison
    text = Text.assemble((clean(challenger.name, _LONGEST_NAME), "bold"), (" is in use\n" if in_use else "\n", "bold"))
    text.append(
        paragraph(
            f"{clean(challenger.bundle, _LONGEST_NAME)} {challenger.bundle_digest[:8]}, trained from "
            f"{clean(challenger.champion, _LONGEST_NAME)} {challenger.champion_digest[:8]} and {challenger.n_learned} "
            f"labels on {challenger.created[:10]}; compared on {compared.n_objects} labelled objects that neither was "
            "trained on.",
            width,
        )
    )
    for difference in compared.differences:
        sign, style = verdict_sign(difference)
        name = _METRICS.get(difference.metric, difference.metric)
        text.append(f"{sign} ", style)
        text.append(f"{name:<13}")
        text.append(f"{difference.before:.3f} → {difference.after:.3f}", "bold")
        interval = f"{difference.gain:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
        text.append(f"  {interval}\n", GREY)
    if challenger.new_classes:
        text.append(paragraph(f"new: {', '.join(clean(c, 20) for c in challenger.new_classes)}", width, "+ "), SKY_BLUE)
    if challenger.left_out:
        left_out = ", ".join(f"{n} {clean(why, 60)}" for why, n in sorted(challenger.left_out.items()))
        text.append(paragraph(f"left out: {left_out}", width), GREY)
    text.append(f"{_LEGEND}\n", GREY)
    old, new = compared.confusion_before, compared.confusion_after
    for title, matrix, reference in (("before", old, None), ("after", new, old)):
        text.append(f"\nconfusion {title}", "bold").append(", is ↓ named →\n", GREY)
        text.append_text(_confusion(compared, matrix, reference, width))
    there = str(report) if report.exists() else "none was written"
    text.append("\nreport ", "bold")
    return text.append(f"{clean(there)}\n", GREY)


def _confusion(
    compared: Comparison, matrix: Sequence[Sequence[int]], before: Sequence[Sequence[int]] | None, width: int
) -> Text:
    """Draw a matrix; with another one to compare it with, each count has a sign where it differs."""
    n = len(compared.classes)
    cell = _WIDE_CELL if _CLASS + n * _WIDE_CELL + _RECALL <= width else _CELL
    letters = [chr(ord("a") + place) if place < 26 else "+" for place in range(n)]
    text = Text(" " * _CLASS, no_wrap=True).append("".join(f"{letter:>{cell - 1}} " for letter in letters), GREY)
    text.append("  recall\n", GREY)
    for place, (name, row) in enumerate(zip(compared.classes, matrix, strict=True)):
        if not sum(row):
            continue
        text.append(f"{letters[place]} ", GREY).append(f"{clean(name, _CLASS - 3):<{_CLASS - 2}}")
        for named, count in enumerate(row):
            text.append(f"{count or '·':>{cell - 1}}", "bold" if named == place else GREY if not count else "")
            sign, style = _sign(count - before[place][named], right=named == place) if before is not None else (" ", "")
            text.append(sign, style)
        recall = row[place] / sum(row)
        text.append(f"  {recall:.2f}")
        if before is not None:
            was = before[place][place] / sum(before[place])
            text.append(" ").append(*_sign(round(1e6 * (recall - was)), right=True))
        text.append("\n")
    return text


def _sign(rise: int, *, right: bool) -> tuple[str, str]:
    """More that are named rightly are better, more that are not are worse."""
    if rise == 0:
        return " ", ""
    return BETTER if (rise > 0) == right else WORSE


def next_spectra(teaching: Teaching, challengers: Sequence[Challenger], width: int) -> Text:
    """Return what the next spectra would teach, class by class, and what each round of labels brought so far."""
    of = "approved targets" if teaching.approved else "open targets worth a spectrum"
    text = Text.assemble(("what the next spectra would teach", "bold"), (f"  {teaching.n} {of}\n", GREY))
    if not teaching.n:
        text.append("Nothing is approved, and nothing open is worth a spectrum.\n", GREY)
    else:
        text.append(f"{'class':<{_CLASS}}{'now':>4}{'labels':>8}{'change':>8}{'gain':>6}\n", GREY)
    most = max((lesson.gain for lesson in teaching.lessons), default=0.0)
    for lesson in teaching.lessons:
        numbers = f"{lesson.n:>4}{lesson.expected:>8.1f}{lesson.changes:>8.1f}{lesson.gain:>6.2f} "
        text.append(f"{clean(lesson.name, _CLASS - 1):<{_CLASS}}{numbers}")
        bar = share_bar(lesson.gain / most if most > 0 else 0.0, min(_GAIN_BAR, max(0, width - _CLASS - len(numbers))))
        text.append(f"{bar}\n", SKY_BLUE)
    if teaching.n:
        text.append(
            paragraph(
                "now: named so; labels: expected to be it; change: of those named so, expected to be renamed; gain: "
                "how many more of them would be right.",
                width,
            ),
            GREY,
        )
    return text.append_text(_curve(challengers, width))


def _curve(challengers: Sequence[Challenger], width: int) -> Text:
    """Return what each round of labels brought: every challenger with what it learned from and its log-loss."""
    rounds = []
    for challenger in challengers:
        loss = next((d for d in challenger.comparison.differences if d.metric == Metric.LOG_LOSS), None)
        if loss is not None:
            rounds.append((challenger, loss))
    if len(rounds) < 2:
        return Text()
    text = Text.assemble(("\nwhat labels brought so far", "bold"), ("  log-loss on objects not trained on\n", GREY))
    for challenger, loss in reversed(rounds):
        sign, style = verdict_sign(loss)
        head = f"{challenger.n_learned:>5} labels  {loss.before:.3f} → {loss.after:.3f} "
        text.append(head).append(sign, style)
        text.append(f"  {clean(challenger.name, max(4, width - len(head) - 4))}\n", GREY)
    return text


def drift(warnings: Sequence[DriftWarning], width: int) -> Text:
    """Return what of the newest nights is not as in training, feature by feature."""
    text = Text.assemble(("drift\n", "bold"))
    if not warnings:
        return text.append("The newest plan of each site is as in training.\n", GREY)
    for warning in warnings:
        where = f"{warning.model}, {warning.night} at {clean(warning.site, 16)}"
        text.append(f"! {where}\n", VERMILION)
        for name, what, psi in zip(warning.features, warning.texts, warning.psi, strict=True):
            # Most runs say both in the words themselves.
            head = "" if what.startswith(name) else f"{clean(name, 32)}  PSI {psi:.2f}  "
            text.append(paragraph(f"{head}{clean(what)}", width, "  "))
        if not warning.features:
            text.append(paragraph(clean(warning.sentence), width, "  "))
    return text


def history(promotions: Sequence[Promotion], width: int) -> Text:
    """Return which bundle came into use when, by whom and why; the newest first."""
    text = Text.assemble(("promotions\n", "bold"))
    if not promotions:
        return text.append("Nothing was promoted yet: the bundle that comes along is in use.\n", GREY)
    for promotion in promotions:
        done = "promoted" if promotion.action == Action.PROMOTE else "rolled back to"
        text.append(f"{day_and_month(promotion.time[:10])} {promotion.time[11:16]} ", GREY)
        text.append(f"{clean(promotion.observer, 16)} {done} ").append(clean(promotion.bundle, _LONGEST_NAME), "bold")
        text.append(f" by policy {clean(promotion.policy, 40)}\n" if promotion.policy else "\n", ORANGE)
        for words in filter(None, (promotion.comment, promotion.reason)):
            text.append(paragraph(clean(words), width, "  "), GREY)
    return text
