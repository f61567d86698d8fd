"""The help: every command and every sign."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from ampel_followup_tui.commands import Command
from ampel_followup_tui.glyphs import (
    AIRMASS_LEGEND,
    ANOMALY,
    ATTENTION,
    BAND,
    BLOCK_KIND,
    CLOSED,
    CLOSING,
    GREY,
    LIMIT,
    MOON_UP,
    OUTSIDE,
    STATUS,
    TWILIGHT,
    UNDECIDED,
    URGENT,
)
from ampel_followup_tui.panes.flow import paragraph
from ampel_followup_tui.screens.dialogue import Dialogue

_ROOM_FOR_KEYS = 12
# Of a line in the box [characters].
_WIDTH_OF_FILTERS = 68


class HelpScreen(Dialogue[None]):
    """One page of help."""

    OPENED_BY = "help"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,enter", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        with VerticalScroll(classes="box"):
            yield Static(_page(self.app.commands), markup=False)


def _page(commands: Sequence[Command]) -> Text:
    page = Text()
    width = max(len(_keys(command)) for command in commands) + 1
    for group, members in groupby(commands, key=lambda command: command.group):
        page.append(f"{group}\n", "bold")
        for command in members:
            page.append(f"  {_keys(command):<{width}}", "bold")
            page.append(f"{command.help}\n")
        page.append("\n")
    _append_filters(page)
    page.append("Signs\n", "bold")
    page.append("  status  ")
    for sign, word, style in (UNDECIDED, *STATUS.values()):
        page.append(f"{sign} {word}  ", style)
    page.append("\n  blocks  ")
    for sign, word, style in BLOCK_KIND.values():
        page.append(f"{sign} {word}  ", style)
    page.append("\n  night   ")
    for sign, word, style in (TWILIGHT, MOON_UP, CLOSED):
        page.append(f"{sign} {word}  ", style)
    page.append("\n  bands   ")
    for band, (sign, style) in BAND.items():
        page.append(f"{sign} {band}  ", style)
    page.append(f"{LIMIT} limit", GREY)
    page.append(f"\n  airmass {AIRMASS_LEGEND}\n")
    page.append(f"  {ATTENTION}   ▁ … █ how much a classifier made of the points above, the highest █\n")
    page.append("  mag/d   ↗ brightens  → constant  ↘ fades\n")
    page.append(f"  scope   {OUTSIDE[0]} {OUTSIDE[1]} what the models were trained on\n", OUTSIDE[2])
    page.append("  gain    expected gain in the probability that the named class is right\n")
    page.append(f"  policy  {URGENT[0]} {URGENT[1]}  ", URGENT[2])
    page.append(f"{ANOMALY[0]} {ANOMALY[1]}  ", ANOMALY[2])
    page.append(f"{CLOSING[0]}: soon out of sight\n", CLOSING[1])
    page.append("  rank    0 to 10, by the virtual assistant: real and not in the Galaxy\n")
    page.append("\nesc closes this page", GREY)
    return page


def _append_filters(page: Text) -> None:
    """Say what a filter can be made of."""
    from ampel_followup_tui.filtering.expression import Kind
    from ampel_followup_tui.filtering.fields import FIELDS, WORDS

    page.append("Filters\n", "bold")
    page.append('  class:Ia,II mag<19 age<5 !done status:approved|deferred "sn ii"\n')
    page.append('  all terms hold; | or , alternatives; ! turns a term round; "…" as it is\n', GREY)
    for label, names in (
        ("words", [name for name, field in FIELDS.items() if field.kind == Kind.WORDS]),
        ("numbers", [name for name, field in FIELDS.items() if field.kind == Kind.NUMBER]),
        ("is", list(WORDS)),
    ):
        page.append(paragraph(" ".join(names), _WIDTH_OF_FILTERS, f"  {label:<8}"))
    page.append("\n")


def _keys(command: Command) -> str:
    """Return the keys of a command, as many as have room; the first always."""
    keys = command.shown_keys[:1]
    for key in command.shown_keys[1:]:
        if len(" ".join((*keys, key))) <= _ROOM_FOR_KEYS:
            keys = (*keys, key)
    return " ".join(keys) or "–"
