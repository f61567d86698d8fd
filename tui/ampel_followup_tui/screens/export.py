"""A dialogue that writes the approved targets to a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, RadioButton, RadioSet, Static

from ampel_followup.errors import FollowupError
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.screens.dialogue import Dialogue

FORMATS = ("csv", "ecsv", "json")


class ExportScreen(Dialogue[Path | None]):
    """
    Ask for format and file, write, and return the path; stay open if that fails.

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

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        with Vertical(classes="box"):
            yield Static(
                Text(f"Export {self._n_approved} approved target{'s' * (self._n_approved != 1)}", "bold"), markup=False
            )
            with RadioSet():
                for number, name in enumerate(FORMATS):
                    yield RadioButton(name, value=number == 0)
            yield Input(f"{self._suggested}.{FORMATS[0]}")
            yield Static(
                Text("⏎ write   tab change field   space choose   esc cancel", GREY), id="message", markup=False
            )

    def on_mount(self) -> None:
        """Begin at the file name: the rest is set as most want it."""
        self.query_one(Input).focus()

    @property
    def _n_approved(self) -> int:
        return sum(decision.verdict == "approve" for decision in self._journal.verdicts.values())

    @property
    def _format(self) -> str:
        return FORMATS[max(0, self.query_one(RadioSet).pressed_index)]

    @on(RadioSet.Changed)
    def _change_suffix(self) -> None:
        field = self.query_one(Input)
        path = Path(field.value)
        if path.suffix.removeprefix(".") in FORMATS:
            field.value = str(path.with_suffix(f".{self._format}"))

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write the file and close."""
        from ampel_followup.exports import export

        path = Path(event.value.strip()).expanduser()
        journal = self._journal
        try:
            await asyncio.to_thread(export, journal.plan, journal.verdicts, self._format, path, select="approved")
        except FollowupError as error:
            self.query_one("#message", Static).update(Text(str(error), VERMILION))
        else:
            self.dismiss(path)
