"""The bottom line: the keys of the most used commands."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.getters import app
from textual.widget import Widget

from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.commands import Command, Place, commands_of

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
        """Draw the keys in the order of their importance; the one that explains the others has its room in any case."""
        offered = (command for command in commands_of(self._place, self.app.commands) if command.bar and command.keys)
        items = [(command, _item(command)) for command in sorted(offered, key=lambda command: command.bar)]
        reserved = next((item.cell_len for command, item in items if command.name == "help"), 0)
        bar = Text(" ", no_wrap=True)
        for command, item in items:
            if command.name == "help":
                reserved = 0
            if bar.cell_len + item.cell_len + reserved - len(_GAP) <= self.size.width:
                bar.append_text(item)
        return bar


def _item(command: Command) -> Text:
    """Return key and label of a command, with the gap behind them."""
    click = Style(meta={"@click": f"app.{command.action}"})
    key, label = (command.shown_keys[0], Style(bold=True) + click), (f" {command.label}", Style(dim=True) + click)
    return Text.assemble(key, label, _GAP)
