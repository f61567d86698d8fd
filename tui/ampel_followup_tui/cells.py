"""Columns of a list, and cells that are drawn when they come into sight."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """
    A column: its heading, its width without the gap to the next [characters], and what a row shows in it.

    An ``arrow`` stands behind the heading, in the gap if need be, where the rows are sorted by the column.
    """

    key: str
    label: str
    width: int
    content: Callable[[Row, int], Text]
    right: bool = False
    gap: bool = True
    arrow: str = ""


class Cell(Generic[Row]):
    """A cell that is drawn when it comes into sight: a list of 500 targets opens as fast as one of 20."""

    __slots__ = ("_column", "_row")

    def __init__(self, row: Row, column: Column[Row]) -> None:
        self._row = row
        self._column = column

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        column = self._column
        text = column.content(self._row, column.width)
        text.truncate(column.width, overflow="ellipsis")
        if column.right:
            text.pad_left(column.width - text.cell_len)
        # A single line, which need not be wrapped; `render` sees the style of a part only, not that of the whole.
        text.stylize_before(text.style)
        return text.render(console)
