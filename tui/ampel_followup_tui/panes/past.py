"""What others said a target is, and where it stood on the nights before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ampel_followup.plan import NightSummary
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, SKY_BLUE, short_band, sparkline
from ampel_followup_tui.instants import day_and_month
from ampel_followup_tui.panes.flow import paragraph

if TYPE_CHECKING:
    from ampel_followup.labels import Label
    from ampel_followup.store import PastRank

# Nights that are listed; the sparkline has more.
_LISTED, _DRAWN = 12, 40
# The longest name of a class, and a day with its mark [characters].
_CLASS, _DAY = 16, 7
# The value of information stands in the table from this width on [characters].
_WITH_VALUE = 44


def labels_text(labels: Sequence[Label], width: int) -> Text:
    """
    List what sources say that the target is.

    Parameters
    ----------
    labels : sequence of Label
        Those that hold.
    width : int
        Room [characters].

    Returns
    -------
    Text
        One paragraph for each; nothing without labels.
    """
    text = Text()
    for label in labels:
        words = f"{clean(label.type, 40)} by {clean(label.source, 30)}"
        if label.author:
            words += f" ({clean(label.author, 40)})"
        words += f", {day_and_month(label.time[:10])} {label.time[:4]}"
        if not math.isnan(label.redshift):
            words += f", z = {label.redshift:.4g}"
        if not math.isnan(label.confidence):
            words += f", {100 * label.confidence:.0f} % sure"
        if label.comment:
            words += f" “{clean(label.comment)}”"
        lines = Text(paragraph(words, width, "✦ "))
        lines.stylize("bold", 0, 2 + len(clean(label.type, 40)))
        text.append_text(lines)
    return text


def nights_text(nights: Sequence[PastRank], night: NightSummary, width: int) -> Text:
    """
    List where the target stood on each night, the latest first.

    Parameters
    ----------
    nights : sequence of PastRank
        The oldest first.
    night : NightSummary
        The night that is shown: its row is marked, and other sites than its own are named.
    width : int
        Room [characters].

    Returns
    -------
    Text
        A sparkline of the ranks, higher where the rank is nearer to the first, where there is more than one night; then
        night, rank, value of information (where there is room), class and
        magnitude.
    """
    if not nights:
        return Text()
    text = Text.assemble(("ranks ", GREY))
    if len(nights) > 1:
        text.append(sparkline([_height(past) for past in nights[-min(_DRAWN, max(1, width - 20)) :]], 1.0), SKY_BLUE)
        text.append(f"  {len(nights)} nights", GREY)
    text.append("\n")
    for past in reversed(nights[-_LISTED:]):
        text.append_text(_row(past, night, width)).append("\n")
    if len(nights) > _LISTED:
        text.append(f"and {len(nights) - _LISTED} nights before\n", GREY)
    return text


def _height(past: PastRank) -> float:
    return 1.0 - (past.rank - 1) / past.n_targets if past.rank else math.nan


def _row(past: PastRank, night: NightSummary, width: int) -> Text:
    now = (past.night, past.site) == (night.date, night.site)
    place = f"{past.rank}/{past.n_targets}" if past.rank else "aside" if past.set_aside else "unseen"
    bright = f"{past.mag:.1f} {clean(short_band(past.band), 4)}" if past.band else "–"
    value = "" if math.isnan(past.value_of_information) else f"{past.value_of_information:.2f}"
    begin = f"{place:>7} " + (f"{value:>4}  " if width >= _WITH_VALUE else " ")
    longest = max(4, min(_CLASS, width - _DAY - len(begin) - len(bright) - 7))
    named = f"{clean(past.class_now, longest)} {100 * past.p_class:.0f}%"
    row = Text.assemble(
        (f"{day_and_month(past.night):>{_DAY - 1}}{'▸' if now else ' '}", "bold" if now else GREY),
        f"{begin}{named:<{longest + 5}}  {bright}",
        (f"  {clean(past.site, 12)}" if past.site != night.site else "", GREY),
        no_wrap=True,
    )
    row.truncate(width, overflow="ellipsis")
    return row
