"""The line that takes a filter, and says what is wrong with it."""

from __future__ import annotations

from rich.highlighter import Highlighter
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from ampel_followup_tui.filtering.completion import FilterSuggester
from ampel_followup_tui.filtering.expression import Fault
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.journal import Journal

_PLACEHOLDER = "class:Ia mag<19 age<5 !done words…   → completes, ⏎ keeps, esc clears"


class _Faults(Highlighter):
    """Marks the term that cannot be understood."""

    fault: Fault | None = None

    def highlight(self, text: Text) -> None:
        if self.fault is not None:
            text.stylize(f"{VERMILION} underline", self.fault.start, self.fault.end)


class FilterLine(Vertical):
    """
    One line that is typed into, and below it what is wrong; the list follows meanwhile.

    Parameters
    ----------
    journal : Journal
        The night, for completion.
    """

    DEFAULT_CSS = """
    FilterLine {
        height: auto;
        Input, Static {
            width: 100%;
        }
        Static {
            height: auto;
            max-height: 3;
            padding: 0 1;
            display: none;
        }
    }
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._faults = _Faults()
        self._journal = journal

    def compose(self) -> ComposeResult:
        """Lay out line and message."""
        yield Input(
            placeholder=_PLACEHOLDER,
            highlighter=self._faults,
            suggester=FilterSuggester(self._journal),
            select_on_focus=False,
            compact=True,
        )
        yield Static(id="fault", markup=False)

    def type(self, text: str) -> None:
        """Put a text into the line."""
        line = self.query_one(Input)
        with line.prevent(Input.Changed):
            line.value = text
        line.cursor_position = len(text)

    def ask(self) -> None:
        """Take the focus, at once: what is typed behind the key shall not be taken for commands."""
        self.screen.set_focus(self.query_one(Input))

    def show_fault(self, fault: Fault | None) -> None:
        """Mark a term, and say what is wrong with it; None if nothing is."""
        self._faults.fault = fault
        line, message = self.query_one(Input), self.query_one("#fault", Static)
        message.display = fault is not None
        if fault is not None:
            sentence = f"{fault.message[0].upper()}{fault.message[1:]}"
            message.update(Text.assemble((sentence, VERMILION), ("; the other terms hold", GREY)))
        line.refresh()
