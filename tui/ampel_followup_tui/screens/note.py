"""A dialogue that takes a note, and shows those that are there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Input, RadioSet, Static

from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.screens.dialogue import Dialogue
from ampel_followup_tui.widgets.choices import Choice


class NoteScreen(Dialogue[None]):
    """
    Ask for a note and what it is about; it is recorded before the dialogue closes, so that a refusal never costs it.

    Parameters
    ----------
    subjects : sequence of (str, str, str)
        What it can be about: how people call it, telescope and target, both empty for the night, which is the first.
    written : Text
        The notes so far, in full.
    record : callable
        Puts the text into the store, on telescope and target; raises FollowupError if that fails.
    """

    DEFAULT_CSS = """
    NoteScreen #subjects {
        grid-size: 1;
    }
    """

    def __init__(
        self,
        subjects: Sequence[tuple[str, str, str]],
        written: Text,
        record: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        super().__init__()
        self._subjects = tuple(subjects)
        self._written = written
        self._record = record

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        keys = "⏎ keep   esc cancel"
        with VerticalScroll(classes="box", can_focus=False):
            yield Static(Text("A note on", "bold"), markup=False)
            if len(self._subjects) > 1:
                keys = "⏎ keep   tab change field   space choose   esc cancel"
                with RadioSet(id="subjects"):
                    for number, (name, _, _) in enumerate(self._subjects):
                        yield Choice(Text(clean(name, 60)), value=number == 0)
            else:
                yield Static(Text(clean(self._subjects[0][0])), markup=False)
            yield Input(placeholder="what the next observer should know", max_length=10_000)
            yield Static(Text(keys, GREY), id="message", markup=False)
            yield Static(self._written, id="written", markup=False)

    def on_mount(self) -> None:
        """Begin at the text."""
        self.query_one(Input).focus()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Record the note and close."""
        if not self.is_current:
            # Struck twice: it is recorded.
            return
        if not event.value.strip():
            self.dismiss()
            return
        chosen = max((choice.pressed_index for choice in self.query(RadioSet)), default=0)
        _, telescope, target = self._subjects[max(0, chosen)]
        try:
            await self._record(event.value, telescope, target)
        except FollowupError as error:
            self.query_one("#message", Static).update(Text(clean(str(error)), VERMILION))
        else:
            self.dismiss()
