"""A dialogue that says what a promotion, or a roll back, would change, and asks why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.screens.dialogue import Dialogue


class PromotionScreen(Dialogue[None]):
    """
    Ask for a reason and for ⏎; what is to be done is done before the dialogue closes, so that a refusal is read here.

    Parameters
    ----------
    question : str
        What is to be done.
    changes : Text
        What would be as it is not now.
    act : callable
        Does it, with the reason that was given; raises FollowupError if it cannot be done.
    """

    def __init__(self, question: str, changes: Text, act: Callable[[str], Awaitable[None]]) -> None:
        super().__init__()
        self._question = question
        self._changes = changes
        self._act = act
        self._acting = False

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        with VerticalScroll(classes="box", can_focus=False):
            yield Static(Text(clean(self._question), "bold"), markup=False)
            yield Static(self._changes, markup=False)
            yield Input(placeholder="why (may stay empty)", max_length=10_000)
            yield Static(Text("⏎ do it   esc cancel", GREY), id="message", markup=False)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do it, then close."""
        if self._acting:
            return
        self._acting = True
        try:
            await self._act(event.value.strip())
        except FollowupError as error:
            self.query_one("#message", Static).update(Text(clean(str(error)), VERMILION))
        else:
            self.dismiss()
        finally:
            self._acting = False
