"""From values to rows and columns of a terminal: ranges and ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """
    A linear map from values to character cells.

    Parameters
    ----------
    first, last : float
        Values at the near edge of the first cell and at the far edge of the last; `first` may be the larger.
    cells : int
        Length [characters].
    """

    first: float
    last: float
    cells: int

    def position(self, value: float) -> float:
        """Return where a value lies, 0 to `cells`, in fractions of a cell."""
        return (value - self.first) / (self.last - self.first) * self.cells

    def cell(self, value: float) -> int:
        """Return the cell that a value lies in; the edges belong to the cells inside."""
        return min(self.cells - 1, max(0, math.floor(self.position(value))))

    def ticks(self, most: int) -> list[float]:
        """Return round values within the axis, at most `most` of them."""
        return round_values(min(self.first, self.last), max(self.first, self.last), most)


def axis(values: Sequence[float], cells: int, *, inverted: bool = False, margin: float = 0.06) -> Axis:
    """
    Return an axis that holds all values with a margin at either end.

    Parameters
    ----------
    values : sequence of float
        At least one.
    cells : int
        Length [characters].
    inverted : bool
        True if the largest value stands first: flux upwards on a terminal whose rows count downwards.
    margin : float
        Free room at either end, as a share of the range.
    """
    low, high = min(values), max(values)
    room = (high - low) * margin or 0.5
    low, high = low - room, high + room
    return Axis(high, low, cells) if inverted else Axis(low, high, cells)


def round_values(low: float, high: float, most: int) -> list[float]:
    """
    Return multiples of 1, 2 or 5 × 10ⁿ from `low` to `high`.

    Parameters
    ----------
    low, high : float
        Ends of the range, `low` < `high`.
    most : int
        No more than so many values; at least 1.
    """
    exponent = math.floor(math.log10((high - low) / max(1, most))) - 1
    for step in (factor * 10.0**power for power in range(exponent, exponent + 4) for factor in (1, 2, 5)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [index * step for index in range(first, last + 1)]
    return []
