"""The line that takes the words of the filter."""

from __future__ import annotations

from textual.widgets import Input


class FilterLine(Input):
    """One line of words; the list follows while they are typed."""

    def __init__(self) -> None:
        super().__init__(placeholder="words in name, class, status or observer; ⏎ keeps, esc clears", compact=True)
