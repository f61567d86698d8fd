"""Dialogues about views: choose one, delete one, keep one under a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from ampel_followup.errors import ViewsError
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, ORANGE, VERMILION
from ampel_followup_tui.kept_views import LONGEST_NAME, drop_view, keep_view, read_views
from ampel_followup_tui.screens.choice import Choice, ChoiceScreen
from ampel_followup_tui.screens.dialogue import Dialogue
from ampel_followup_tui.views import View


class ViewsScreen(ChoiceScreen):
    """
    Let a saved view be chosen, or deleted; dismissed with its name, or with None.

    Parameters
    ----------
    path : Path
        File of the views.
    views : dict of str to View
        What is in it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("delete,x", "delete", "Delete")]

    def __init__(self, path: Path, views: dict[str, View]) -> None:
        super().__init__(
            "Saved views", [Choice(name, name, str(view)) for name, view in views.items()], "", "x delete   "
        )
        self._path = path
        self._doomed = ""

    def action_delete(self) -> None:
        """Delete the view under the cursor, when asked for it twice."""
        choice, message = self.highlighted, self.query_one("#message", Static)
        if choice is None:
            return
        if self._doomed != choice.key:
            self._doomed = choice.key
            message.update(
                Text(f"x again deletes the view “{choice.caption}” for good; any other key keeps it", ORANGE)
            )
            return
        try:
            drop_view(self._path, choice.key)
        except ViewsError as error:
            message.update(Text(str(error), VERMILION))
            return
        self.app.notify(f"Deleted the view “{choice.caption}”.", markup=False)
        self.dismiss(None)

    def on_option_list_option_highlighted(self) -> None:
        """Forget what was to be deleted, once the cursor goes elsewhere."""
        self._doomed = ""


class SaveViewScreen(Dialogue[None]):
    """
    Ask for the name to keep a view under; one that is there already is overwritten only when asked for twice.

    Parameters
    ----------
    path : Path
        File of the views.
    view : View
        What is kept.
    kept : callable
        Is told the name.
    """

    def __init__(self, path: Path, view: View, kept: Callable[[str], None]) -> None:
        super().__init__()
        self._path = path
        self._view = view
        self._kept = kept
        self._warned_of = ""

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        with Vertical(classes="box"):
            yield Static(Text("Save this view", "bold"), markup=False)
            yield Static(Text(clean(str(self._view)), GREY), markup=False)
            yield Input(placeholder="name", max_length=LONGEST_NAME)
            yield Static(Text(f"⏎ save in {self._path}   esc cancel", GREY), id="message", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the view and close."""
        name, message = clean(event.value, LONGEST_NAME), self.query_one("#message", Static)
        if not name:
            message.update(Text("A view needs a name.", VERMILION))
            return
        try:
            there = read_views(self._path).get(name)
            if there not in (None, self._view) and self._warned_of != name:
                self._warned_of = name
                message.update(
                    Text(f"“{name}” is there already ({there}): ⏎ again overwrites it, esc keeps it", ORANGE)
                )
                return
            keep_view(self._path, name, self._view)
        except ViewsError as error:
            message.update(Text(str(error), VERMILION))
            return
        self._kept(name)
        self.dismiss(None)
