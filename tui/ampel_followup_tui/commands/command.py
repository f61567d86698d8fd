"""What a command is: name, keys, action, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto

from textual.keys import format_key


class Place(Flag):
    """Where a command works: the screens about the list and its targets, the plan, learning, or several of them."""

    TARGETS = auto()
    PLAN = auto()
    LEARNING = auto()
    NIGHT = TARGETS | PLAN
    ANYWHERE = TARGETS | PLAN | LEARNING


@dataclass(frozen=True, slots=True)
class Command:
    """
    Something that an observer can do.

    Parameters
    ----------
    name : str
        Its identity, in a file of keys.
    keys : str
        Keys that run it, as Textual names them and separated by commas; the first is the one that is shown. Empty for
        a command that has none.
    action : str
        Action of the app that it runs.
    label : str
        One or two words, for the key bar and the palette.
    help : str
        One sentence, for the help screen and the palette.
    group : str
        Heading in the help.
    bar : int
        Place in the key bar, counted from 1; what does not fit is left out from the end. 0 = never in the bar.
    place : Place
        Where it works: a key can have one meaning on the screen of the plan and another one on the others.
    writes : bool
        It puts something into the store, which a read-only one does not take.
    """

    name: str
    keys: str
    action: str
    label: str
    help: str
    group: str
    bar: int = 0
    place: Place = Place.ANYWHERE
    writes: bool = False

    @property
    def where(self) -> str:
        """Where it works, in words."""
        if self.place == Place.ANYWHERE:
            return "anywhere"
        return ", ".join(str(place.name).lower() for place in Place if place & self.place)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The keys as Textual names them."""
        return tuple(filter(None, self.keys.split(",")))

    @property
    def shown_keys(self) -> tuple[str, ...]:
        """The keys as people write them."""
        return tuple(map(shown_key, self.key_names))


def shown_key(name: str) -> str:
    """Return a key as people write it: ``?`` for ``question_mark``, ``^p`` for ``ctrl+p``."""
    modifiers, plus, key = name.rpartition("+")
    return f"^{format_key(key)}" if modifiers == "ctrl" else f"{modifiers}{plus}{format_key(key)}"
