"""How keys are written: as a person would, and as Textual names them."""

from __future__ import annotations

from functools import cache

from textual.binding import Binding
from textual.keys import KEY_DISPLAY_ALIASES, Keys, format_key

_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_ALSO = {"esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "pgup": "pageup", "pgdn": "pagedown"} | {
    shown: name for name, shown in KEY_DISPLAY_ALIASES.items()
}

#: Keys that never arrive, or not as themselves → why, and what to do.
IMPOSSIBLE = {
    "ctrl+i": "terminals send it as tab; write tab",
    "ctrl+m": "terminals send it as enter; write enter",
    "ctrl+h": "terminals send it as backspace; write backspace",
    "ctrl+left_square_bracket": "terminals send it as escape; write escape",
    "ctrl+c": "it copies, and says how to leave; choose another key",
    "ctrl+q": "it always leaves the app; choose another key",
}

#: Keys that may not arrive → why.
DOUBTFUL = {
    "ctrl+a": "it is the prefix of screen: there it must be pressed as ctrl+a a",
    "ctrl+b": "it is the prefix of tmux: there it must be pressed twice",
    "ctrl+j": "many terminals and tmux send it for enter",
    "ctrl+s": "it stops the output of terminals with flow control",
    "ctrl+z": "it suspends programs in some terminals",
}


def key_name(written: str) -> str | None:
    """
    Return Textual's name of a key.

    Parameters
    ----------
    written : str
        A character (``?``), a name (``question_mark``, ``enter``, ``esc``, ``f5``), or either with modifiers
        (``ctrl+r``, ``^r``, ``alt+left``).

    Returns
    -------
    str or None
        None if there is no such key. A capital letter is a key of its own, so ``shift+a`` is not one.
    """
    if len(written) == 2 and written.startswith("^"):
        written = f"ctrl+{written[1]}"
    # The key itself may be a plus.
    modifiers, plus, key = written[:-1].rpartition("+")
    key += written[-1:]
    if not plus:
        return _plain_name(key)
    names = modifiers.lower().split("+")
    name = _plain_name(key.lower() if len(key) == 1 else key)
    if name is None or any(modifier not in _MODIFIERS for modifier in names):
        return None
    combined = "+".join([*(modifier for modifier in _MODIFIERS if modifier in names), name])
    if names == ["shift"] and combined not in _named_keys():
        return None
    return combined


def _plain_name(key: str) -> str | None:
    """Return the name of a key without modifiers."""
    key = _ALSO.get(key.lower() if len(key) > 1 else key, key)
    if key in _named_keys() or key.lower() in _named_keys():
        return key if key in _named_keys() else key.lower()
    character = format_key(key)
    if len(character) != 1 or not character.isprintable():
        return None
    return next(iter(Binding.make_bindings([Binding(character, "", "")]))).key


@cache
def _named_keys() -> frozenset[str]:
    """Return the keys that are no characters."""
    return frozenset(key.value for key in Keys if not key.value.startswith("<"))
