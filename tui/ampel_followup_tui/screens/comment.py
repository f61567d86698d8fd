"""A dialogue that takes a comment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.screens.dialogue import Dialogue


class CommentScreen(Dialogue[None]):
    """
    Ask for a comment; it is recorded before the dialogue closes, so that a refusal never costs the text.

    Parameters
    ----------
    target_id : str
        What the comment is about.
    record : callable
        Puts the comment into the store; raises FollowupError if that fails.
    """

    def __init__(self, target_id: str, record: Callable[[str], Awaitable[None]]) -> None:
        super().__init__()
        self._target_id = target_id
        self._record = record

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        with Vertical(classes="box"):
            yield Static(Text(f"Comment on {clean(self._target_id, 40)}", "bold"), markup=False)
            yield Input(placeholder="what the next observer should know", max_length=10_000)
            yield Static(Text("⏎ keep   esc cancel", GREY), id="message", markup=False)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Record the comment and close."""
        if not self.is_current:
            # Struck twice: it is recorded.
            return
        if not event.value.strip():
            self.dismiss()
            return
        try:
            await self._record(event.value)
        except FollowupError as error:
            self.query_one("#message", Static).update(Text(clean(str(error)), VERMILION))
        else:
            self.dismiss()
