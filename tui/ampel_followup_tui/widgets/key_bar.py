"""The bottom line: the keys of the most used commands."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.getters import app
from textual.widget import Widget

from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.commands import Place, commands_of

_GAP = "  "


class KeyBar(Widget):
    """
    One line of keys, as many as fit; each can be clicked.

    Parameters
    ----------
    place : Place
        Where it stands: the keys that work there.
    """

    app = app(Screens)

    def __init__(self, place: Place = Place.TARGETS) -> None:
        super().__init__()
        self._place = place

    def render(self) -> Text:
        """Draw the keys in the order of their importance."""
        bar = Text(" ", no_wrap=True)
        offered = (command for command in commands_of(self._place, self.app.commands) if command.bar and command.keys)
        for command in sorted(offered, key=lambda command: command.bar):
            key = command.shown_keys[0]
            click = Style(meta={"@click": f"app.{command.action}"})
            item = Text.assemble((key, Style(bold=True) + click), (f" {command.label}", Style(dim=True) + click), _GAP)
            if bar.cell_len + item.cell_len - len(_GAP) <= self.size.width:
                bar.append_text(item)
        return bar
