"""A dialogue that writes the approved targets to a file."""

from __future__ import annotations

import asyncio
import io
import re
from contextlib import suppress
from pathlib import Path

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, RadioSet, Static

from ampel_followup.decision import Verdict
from ampel_followup.errors import FollowupError
from ampel_followup.exports import FORMATS, export
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.screens.dialogue import Dialogue
from ampel_followup_tui.widgets.choices import Choice

#: What a file name that goes through a browser shall not have.
_UNUSUAL = re.compile(r"[^A-Za-z0-9._+-]+")


class ExportScreen(Dialogue[Path | None]):
    """
    Ask for format and file, write, and return the path; stay open if that fails. In a browser, the file is downloaded.

    Parameters
    ----------
    journal : Journal
        The night.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        night = journal.plan.night
        self._suggested = f"followup-{night.site}-{night.date}"
        self._formats = tuple(FORMATS)

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        n = sum(decision.verdict == Verdict.APPROVE for decision in self._journal.verdicts.values())
        with Vertical(classes="box"):
            yield Static(Text(f"Export {n} approved target{'' if n == 1 else 's'}", "bold"), markup=False)
            with RadioSet():
                for number, name in enumerate(self._formats):
                    yield Choice(name, value=number == 0)
            yield Input(f"{self._suggested}.{self._formats[0]}")
            yield Static(
                Text("⏎ write   tab change field   space choose   esc cancel", GREY), id="message", markup=False
            )

    def on_mount(self) -> None:
        """Begin at the file name: the rest is set as most want it."""
        self.query_one(Input).focus()

    @property
    def _format(self) -> str:
        return self._formats[max(0, self.query_one(RadioSet).pressed_index)]

    @on(RadioSet.Changed)
    def _change_suffix(self) -> None:
        field = self.query_one(Input)
        path = Path(field.value)
        if path.suffix.removeprefix(".") in self._formats:
            field.value = str(path.with_suffix(f".{self._format}"))

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write the file, or hand it to the browser, and close."""
        path = Path(event.value.strip())
        with suppress(RuntimeError):  # nobody's home
            path = path.expanduser()
        journal, in_browser = self._journal, self.app.is_web
        if in_browser:
            # The folders here are not those of who asks.
            path = Path(_UNUSUAL.sub("-", path.name) or f"{self._suggested}.{self._format}")
        try:
            text = await asyncio.to_thread(
                export,
                journal.plan_as_approved(),
                journal.verdicts,
                self._format,
                None if in_browser else path,
                select="approved",
            )
        except FollowupError as error:
            self.query_one("#message", Static).update(Text(clean(str(error)), VERMILION))
        else:
            if in_browser:
                self.app.deliver_text(io.StringIO(text), save_filename=path.name)
            self.dismiss(path)
