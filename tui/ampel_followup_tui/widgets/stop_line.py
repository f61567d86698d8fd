"""The line below the list that says how many spectra are worth taking."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY
from ampel_followup_tui.journal import Journal

_RULE = "┄"


class StopLine(Widget):
    """
    The plan's advice when to stop; it takes no line where the plan gives none.

    Parameters
    ----------
    journal : Journal
        The night.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self.display = journal.plan.stop is not None

    def render(self) -> Text:
        """Draw the sentence in the middle of a rule."""
        stop, width = self._journal.plan.stop, self.size.width
        text = Text(f" {clean(stop.sentence)} " if stop is not None else "", GREY, no_wrap=True, end="")
        text.truncate(width, overflow="ellipsis")
        text.pad_left((width - text.cell_len) // 2, _RULE)
        text.pad_right(width - text.cell_len, _RULE)
        return text
