"""A line of names of which one is chosen: tabs that take a single row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.getters import app
from textual.reactive import reactive
from textual.widget import Widget

from ampel_followup.untrusted import clean
from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.glyphs import GREY


@dataclass(frozen=True, slots=True)
class Tab:
    """
    A name to choose.

    Parameters
    ----------
    key : str
        Its identity.
    captions : tuple of str
        What it is called, from the longest form to the shortest: all tabs of a strip are shown in the same form.
    part : bool
        It is a part of the tab before: left out, unless chosen, where there is no room for all.
    command : str
        Name of the command that chooses it: its key stands before the caption.
    """

    key: str
    captions: tuple[str, ...]
    part: bool = False
    command: str = ""


class TabStrip(Widget):
    """
    Tabs in one row.

    Parameters
    ----------
    tabs : sequence of Tab
        What there is to choose from.
    action : str
        Action of the app that a click on a tab runs; the key of the tab is its argument.
    id : str, optional
        Name of the widget.
    """

    app = app(Screens)
    chosen: reactive[str] = reactive("")
    #: Stands at the right end; tabs get shorter to make room for it.
    note: reactive[str] = reactive("")
    #: Stands at the right end if there is neither a note nor anything else.
    signature: reactive[str] = reactive("")

    def __init__(self, tabs: Sequence[Tab], action: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.tabs = tuple(tabs)
        self._action = action
        self.set_reactive(TabStrip.chosen, self.tabs[0].key)

    def show_tabs(self, tabs: Sequence[Tab]) -> None:
        """Offer other tabs."""
        self.tabs = tuple(tabs)
        self.refresh()

    def render(self) -> Text:
        """Draw the captions in the longest form that fits, the chosen one reversed, and what stands at the right."""
        width = self.size.width
        note = Text(clean(self.note), GREY)
        wanted = width - (note.cell_len + 2 if note else 0)
        strip = Text()
        for tabs, form, tight in self._forms():
            strip = self._strip(tabs, form, tight=tight)
            if strip.cell_len <= wanted:
                break
        strip.truncate(width, overflow="ellipsis")
        aside, room = note or Text(clean(self.signature), GREY), width - strip.cell_len - 2
        if aside and room > 2:
            aside.truncate(room, overflow="ellipsis")
            strip.append(" " * (room + 1 - aside.cell_len))
            strip.append_text(aside)
        return strip

    def _forms(self) -> Iterator[tuple[Sequence[Tab], int, bool]]:
        """Go through what can be drawn, from the longest to the shortest: tabs, form of the caption, close together."""
        last = max(len(tab.captions) for tab in self.tabs) - 1
        yield from ((self.tabs, form, False) for form in range(last + 1))
        yield from ((self.tabs, form, True) for form in range(1, last + 1))
        without_parts = [tab for tab in self.tabs if not tab.part or tab.key == self.chosen]
        yield from ((without_parts, 0, False), (without_parts, last, True))

    def _strip(self, tabs: Sequence[Tab], form: int, *, tight: bool) -> Text:
        strip = Text(no_wrap=True, end="")
        for tab in tabs:
            if strip:
                strip.append("│" if tight else "─" if tab.part else " ", GREY)
            caption = clean(tab.captions[min(form, len(tab.captions) - 1)])
            if tab.command:
                caption = f"{self.app.key(tab.command)} {caption}"
            click = Style(meta={"@click": f"app.{self._action}({tab.key!r})"})
            strip.append(
                caption if tight else f" {caption} ",
                click + Style(bold=True, reverse=True) if tab.key == self.chosen else click,
            )
        return strip
