"""What the dialogues have in common: a box in the middle, closed by escape."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.events import Key
from textual.getters import app
from textual.screen import ModalScreen

from ampel_followup_tui.actions.screens import Screens

Answer = TypeVar("Answer")


class Dialogue(ModalScreen[Answer]):
    """A box in front of the screen; its content is one container of the class ``box``."""

    app = app(Screens)
    #: Name of the command that opens it, if its keys shall close it, too.
    OPENED_BY: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Cancel")]

    DEFAULT_CSS = """
    Dialogue {
        align: center middle;
        .box {
            width: 76;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            padding: 1 2;
            background: $surface;
            border: round $primary;
            scrollbar-size-vertical: 1;
            scrollbar-color: $surface-lighten-3;
            scrollbar-background: $surface;
        }
        Input {
            margin: 1 0;
        }
        RadioSet {
            layout: grid;
            grid-size: 5;
            grid-rows: 1;
            width: 100%;
            height: auto;
            border: none;
            padding: 0;
            margin: 1 0 0 0;
        }
        RadioButton {
            width: 1fr;
        }
    }
    """

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Close, once: the key that did may have been struck twice."""
        return super().dismiss(result) if self.is_current else AwaitComplete()

    def on_key(self, event: Key) -> None:
        """Close with the keys that opened it."""
        if self.OPENED_BY and event.key in self.app.command(self.OPENED_BY).key_names:
            event.stop()
            self.dismiss()
