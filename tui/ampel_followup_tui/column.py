"""A column of a list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.text import Text

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
