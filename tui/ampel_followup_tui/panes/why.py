"""Why a target stands where it stands: reasons in words, classes now and after a spectrum, scores."""

from __future__ import annotations

import math

from rich.text import Text

from ampel_followup.plan import RankedTarget, TargetScores
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, OUTSIDE
from ampel_followup_tui.panes.classes import class_bars
from ampel_followup_tui.panes.flow import flow, paragraph

_MOST_CLASSES = 5


def why(target: RankedTarget, width: int, *, with_classes: bool = True) -> Text:
    """
    Explain the place of a target in the list.

    Parameters
    ----------
    target : RankedTarget
        The target.
    width : int
        Room [characters].
    with_classes : bool
        Draw the likeliest classes; not where a pane beside it has them all.

    Returns
    -------
    Text
        Reasons first, then the scores, then the classes.
    """
    text = Text()
    for reason in target.reasons:
        text.append(paragraph(clean(reason), width, "• "))
    text.append_text(_scores(target.scores, width))
    if with_classes:
        text.append("\n").append_text(class_bars(target.scores, width, _MOST_CLASSES))
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
