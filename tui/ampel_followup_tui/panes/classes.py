"""Class probabilities now and after a spectrum, what a spectrum would say, and what each answer would teach."""

from __future__ import annotations

import math

from rich.text import Text

from ampel_followup.attention_scores import AttentionScores
from ampel_followup.outcomes import gain_sentence, lesson, outcomes
from ampel_followup.plan import RankedTarget, TargetScores
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREEN, GREY, SKY_BLUE, YELLOW, share_bar
from ampel_followup_tui.panes.flow import paragraph

_LONGEST_BAR = 18
_SHORT_BAR = 10
# So many classes of the classifier with attention are named.
_BY_ATTENTION = 4
# Answers that are rarer than this are left out.
_RARE = 0.005
# Signs of an answer that confirms the present class, and of one that corrects it.
_CONFIRMS, _CORRECTS = ("=", GREEN), ("≠", YELLOW)


def classes(target: RankedTarget, width: int) -> Text:
    """
    Explain what a spectrum would do to the class of a target.

    Parameters
    ----------
    target : RankedTarget
        The target.
    width : int
        Room [characters].

    Returns
    -------
    Text
        The gain in a sentence; bars of every class, now and after; the likely answers, and what each would teach.
    """
    scores = target.scores
    text = Text(paragraph(clean(gain_sentence(scores)), width))
    text.append("\n")
    text.append_text(class_bars(scores, width, len(scores.p_t)))
    if not math.isnan(scores.p_snia):
        text.append("early classifier: ", GREY).append(f"P(SN Ia) {scores.p_snia:.2f}")
        text.append(
            f", Ia from {scores.snia_threshold:.2f} on\n" if not math.isnan(scores.snia_threshold) else "\n", GREY
        )
    if target.attention is not None and target.attention.known:
        text.append_text(_by_attention(target.attention, width))
    return text.append("\n").append_text(_answers(scores, width))


def class_bars(scores: TargetScores, width: int, most: int) -> Text:
    """
    Draw as bars how probable classes are now, and how often a spectrum will name them.

    Parameters
    ----------
    scores : TargetScores
    width : int
        Room [characters].
    most : int
        Classes that are drawn by themselves; all others are one row.
    """
    named = scores.p_after or scores.p_ts
    names = sorted(scores.p_t, key=lambda name: -max(scores.p_t[name], named.get(name, 0.0)))
    shown, others = names[:most], names[most:]
    longest = max(6, min(16, width - 22))
    label = max(map(len, [*(clean(name, longest) for name in shown), "others"]))
    bar = max(2, min(_LONGEST_BAR, (width - label - 2 * 8) // 2))
    heading = "after a spectrum" if bar > _SHORT_BAR else "after"
    text = Text()
    text.append(f"{'':{label}}  {'now':<{bar + 6}}  {heading}\n", GREY)
    rows = [(clean(name, longest), scores.p_t[name], named.get(name, 0.0)) for name in shown]
    if others:
        rows.append(("others", sum(scores.p_t[name] for name in others), sum(named.get(name, 0.0) for name in others)))
    for name, now, after in rows:
        text.append(f"{name:<{label}}  ")
        text.append(f"{100 * now:>3.0f}% ")
        text.append(f"{share_bar(now, bar):<{bar}}   ", GREY)
        text.append(f"{100 * after:>3.0f}% ")
        text.append(f"{share_bar(after, bar)}\n", SKY_BLUE)
    return text


def _by_attention(attention: AttentionScores, width: int) -> Text:
    """Write what a classifier makes of the light curve that also says where it looked."""
    likely = sorted(zip(attention.probabilities, attention.class_names, strict=True), key=lambda one: -one[0])
    shown = ", ".join(f"{clean(name, 16)} {100 * p:.0f}%" for p, name in likely[:_BY_ATTENTION] if p >= _RARE)
    text = Text(paragraph(f"by attention: {shown}", width))
    text.stylize(GREY, 0, len("by attention:"))
    return text


def _answers(scores: TargetScores, width: int) -> Text:
    found = outcomes(scores)
    if not found:
        return Text(paragraph("This plan does not tell what spectra would say; ranking anew does.", width), GREY)
    text = Text.assemble(("a spectrum would say\n", GREY))
    for outcome in (outcome for outcome in found if outcome.share >= _RARE):
        sign, style = _CONFIRMS if outcome.confirms else _CORRECTS
        lead = f"{sign} {100 * outcome.share:>3.0f}% "
        line = Text(paragraph(f"{clean(outcome.name, 24)}: {clean(lesson(outcome, scores))}", width, lead))
        line.stylize(style, 0, 1)
        text.append_text(line)
    return text
