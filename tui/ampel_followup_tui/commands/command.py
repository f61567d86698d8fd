"""What a command is: name, keys, action, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto


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
        Its identity, for a keymap.
    keys : str
        Keys that run it, separated by commas; the first is the one that is shown.
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
    def shown_keys(self) -> str:
        """The keys as people write them."""
        return " ".join(_KEY_NAMES.get(key, key) for key in self.keys.split(","))


_KEY_NAMES = {
    "enter": "⏎",
    "escape": "esc",
    "slash": "/",
    "question_mark": "?",
    "left": "←",
    "right": "→",
    "ctrl+p": "^p",
    "ctrl+r": "^r",
    "space": "space",
    "asterisk": "*",
    "backspace": "⌫",
    "tab": "tab",
    "plus": "+",
    "minus": "-",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}
