"""
Escape, and a key right after it: terminals send both as what alt and the key would send.

Textual takes them for alt if the key comes soon enough, and nothing happens. As in vi, they are taken for what they
are here, unless a command has that very key with alt.
"""

from __future__ import annotations

from collections.abc import Collection

from textual.events import Key


def parted(event: Key, taken: Collection[str]) -> tuple[Key, Key] | None:
    """
    Return escape and the key after it, where both came as one.

    Parameters
    ----------
    event : Key
        As Textual read it.
    taken : collection of str
        Keys that commands have: those are meant.

    Returns
    -------
    tuple of Key or None
        None where it is another key.
    """
    character = event.character
    if not event.key.startswith("alt+") or event.key in taken or not character or not character.isalnum():
        return None
    return Key("escape", "\x1b"), Key(character, character)
