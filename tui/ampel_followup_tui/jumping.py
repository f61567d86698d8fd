"""Finding a target by its number, or by a part of its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Row(NamedTuple):
    """What can be jumped to: key in its list, number there (0 = none), and name."""

    key: str
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """
    Where to jump.

    Parameters
    ----------
    row : Row
        The one to go to.
    place, n : int
        Which it is of the rows that fit, counted from 1, and how many there are.
    """

    row: Row
    place: int = 1
    n: int = 1


def find(wanted: str, rows: Sequence[Row], here: str | None = None) -> Found | None:
    """
    Find what an observer wants to go to.

    Parameters
    ----------
    wanted : str
        Digits are a number; anything else is a name, or the beginning of one, or else any part of it, whatever the
        case of its letters.
    rows : sequence of Row
        In the order of the list.
    here : str, optional
        Key of the row under the cursor: of several that fit the next one below it is taken, and after the last the
        first.

    Returns
    -------
    Found or None
        None if nothing fits.
    """
    words = wanted.strip().casefold()
    if words.isdecimal():
        return next((Found(row) for row in rows if row.number == int(words)), None)
    if not words:
        return None
    rules: tuple[Callable[[str], bool], ...] = (
        lambda name: name == words,
        lambda name: name.startswith(words),
        lambda name: words in name,
    )
    for fits in rules:
        matching = [(place, row) for place, row in enumerate(rows) if fits(row.name.casefold())]
        if matching:
            current = next((place for place, row in enumerate(rows) if row.key == here), -1)
            following = next((i for i, (place, _) in enumerate(matching) if place > current), 0)
            return Found(matching[following][1], following + 1, len(matching))
    return None
