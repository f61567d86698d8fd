"""A line of names of which one is chosen: tabs that take a single row."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from ampel_followup_tui.glyphs import GREY


class TabStrip(Widget):
    """
    Tabs in one row.

    Parameters
    ----------
    tabs : mapping of str to str
        Key and caption, in order.
    action : str
        Action of the app that a click on a tab runs; the key of the tab is its argument.
    id : str, optional
        Name of the widget.
    """

    chosen: reactive[str] = reactive("")
    note: reactive[str] = reactive("")

    def __init__(self, tabs: Mapping[str, str], action: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.tabs = dict(tabs)
        self._action = action
        self.set_reactive(TabStrip.chosen, next(iter(self.tabs)))

    def render(self) -> Text:
        """Draw the captions, the chosen one reversed, and the note at the right end."""
        strip = Text(no_wrap=True, end="")
        for key, caption in self.tabs.items():
            click = Style(meta={"@click": f"app.{self._action}({key!r})"})
            strip.append(f" {caption} ", click + Style(bold=True, reverse=True) if key == self.chosen else click)
            strip.append(" ")
        room = self.size.width - strip.cell_len - 1
        if self.note and room > 3:
            note = Text(self.note, GREY)
            note.truncate(room, overflow="ellipsis")
            strip.append(" " * (room - note.cell_len))
            strip.append_text(note)
        return strip
