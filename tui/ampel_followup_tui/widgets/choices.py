"""Buttons that are on or off, and say so with a sign: Textual's own say it with a colour."""

from __future__ import annotations

from textual.widgets import Checkbox, RadioButton


class Choice(RadioButton):
    """One of several: ● chosen, ○ not."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 - Textual's name
        """The sign in the button."""
        return "●" if self.value else "○"


class Tick(Checkbox):
    """Yes or no: X yes, empty no."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 - Textual's name
        """The sign in the button."""
        return "X" if self.value else " "
