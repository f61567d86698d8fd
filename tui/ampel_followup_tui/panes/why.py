"""Why a target stands where it stands: reasons in words, classes now and after a spectrum, scores."""

from __future__ import annotations

import math

from rich.text import Text

from ampel_followup.plan import RankedTarget, TargetScores
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, OUTSIDE, SKY_BLUE, share_bar
from ampel_followup_tui.panes.flow import flow, paragraph

_MOST_CLASSES = 5
_LONGEST_BAR = 18
_SHORT_BAR = 10


def why(target: RankedTarget, width: int) -> Text:
    """
    Explain the place of a target in the list.

    Parameters
    ----------
    target : RankedTarget
        The target.
    width : int
        Room [characters].

    Returns
    -------
    Text
        Reasons first, then the scores, then the classes.
    """
    text = Text()
    for reason in target.reasons:
        text.append(paragraph(clean(reason), width, "• "))
    text.append_text(_scores(target.scores, width))
    text.append("\n")
    text.append_text(_classes(target.scores, width))
    return text


def _classes(scores: TargetScores, width: int) -> Text:
    """Draw as bars how probable the likeliest classes are now, and how often a spectrum will name them."""
    named = scores.p_after or scores.p_ts
    names = sorted(scores.p_t, key=lambda name: -max(scores.p_t[name], named.get(name, 0.0)))
    shown, others = names[:_MOST_CLASSES], names[_MOST_CLASSES:]
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


def _scores(scores: TargetScores, width: int) -> Text:
    items = (
        ("value of information ", f"{scores.value_of_information:.3f}"),
        ("information gain ", f"{scores.information_gain:.2f} nat"),
        ("entropy ", f"{scores.entropy:.2f} → {scores.expected_entropy:.2f} nat"),
        ("changes the class ", f"{100 * scores.p_change:.0f}%"),
    )
    texts = [Text.assemble((label, GREY), value) for label, value in items]
    if not math.isnan(scores.spectrum_uncertainty):
        texts.append(Text.assemble(("spectrum uncertainty ", GREY), f"{scores.spectrum_uncertainty:.1f} nat"))
    sign, word, style = OUTSIDE
    scope = (f" {sign} {word}", style) if scores.out_of_scope else ""
    texts.append(Text.assemble(("in scope ", GREY), f"{100 * scores.in_scope:.0f}%", scope))
    return flow(texts, width)
