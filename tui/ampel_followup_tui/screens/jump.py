"""A line that asks where to go."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from ampel_followup_tui.screens.dialogue import Dialogue


class JumpScreen(Dialogue[str | None]):
    """
    Ask for a number or a part of a name, on the bottom line, and return what was typed; None if that was nothing.

    Parameters
    ----------
    again : str
        What was wanted the last time: taken if nothing is typed.
    """

    DEFAULT_CSS = """
    JumpScreen {
        align: left bottom;
        background: transparent;
        .box {
            width: 100%;
            height: 1;
            border: none;
            padding: 0 1;
            background: $panel;
        }
        Static {
            width: 2;
            text-style: bold;
        }
        Input {
            width: 1fr;
            margin: 0;
            background: $panel;
        }
    }
    """

    def __init__(self, again: str = "") -> None:
        super().__init__()
        self._again = again

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        again = f"⏎ next “{self._again}”" if self._again else "⏎ goes there"
        with Horizontal(classes="box"):
            yield Static(":", markup=False)
            yield Input(placeholder=f"number, or part of a name   {again}   esc cancel", compact=True, max_length=200)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return what was typed, or what was wanted before."""
        self.dismiss(event.value.strip() or self._again or None)
