"""The file of keys, in YAML: read, and written with all that can be said in it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ampel_followup.errors import PreferencesError
from ampel_followup.settings import Settings, read_text, read_yaml, setting, settings_from
from ampel_followup_tui.commands import COMMANDS, Command
from ampel_followup_tui.commands.command import shown_key
from ampel_followup_tui.keys.layout import lay_out, warnings
from ampel_followup_tui.preferences import Preferences
from ampel_followup_tui.themes import DEFAULT, THEMES, checked_theme

_HEAD = """\
# Keys and theme of `ampel-followup tui`. What is left out stays as it is; this file says what that is.
#
# A key is a character (put others than letters and digits in quotes), or a name: enter, escape, tab, space, backspace,
# delete, up, down, left, right, home, end, pageup, pagedown, f1 to f12; with ctrl+ or alt+ before it if need be.
# Capital letters are keys of their own. The first key is the one that is shown; [] takes a command its keys.
# `ampel-followup keys check FILE` says whether all is well.
"""


def _as_key(value: Any) -> Any:
    """Take a digit for the key with that digit; say what YAML made of the others."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9:
        return str(value)
    if not isinstance(value, str) or not value:
        raise ValueError(f"YAML reads a key here as {value!r}; put the key in quotes")
    return value


def _as_keys(value: Any) -> Any:
    """Take one key for a list of one."""
    if value is None:
        raise ValueError("there is no key; write [] for a command that needs none")
    return tuple(value) if isinstance(value, list) else (value,)


_Key = Annotated[str, BeforeValidator(_as_key)]
_Keys = Annotated[tuple[_Key, ...], BeforeValidator(_as_keys)]


class KeysFile(Settings):
    """What a file of keys can say."""

    theme: str = setting(f"how the app looks: {', '.join(THEMES)}", default=DEFAULT)
    keys: dict[str, _Keys] = Field(default={}, description="keys by the name of the command")


def read_preferences(path: Path) -> Preferences:
    """
    Read a file of keys.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Preferences

    Raises
    ------
    PreferencesError
        If the file cannot be read or says what makes no sense; the message names file and field.
    """
    data = read_yaml(read_text(path, PreferencesError), str(path), PreferencesError)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise PreferencesError(f"{path} holds no keys; write `keys:`, and below it `approve: [a, Y]`")
    # A group of which all lines are comments.
    data = {name: value for name, value in data.items() if value is not None}
    said = settings_from(data, KeysFile, str(path), PreferencesError)
    commands = lay_out(said.keys, str(path))
    return Preferences(commands, checked_theme(said.theme, f"{path}: theme"), tuple(warnings(commands)))


def written(commands: Iterable[Command] = COMMANDS, theme: str = DEFAULT) -> str:
    """Return a file of keys that says all, with comments."""
    lines = [_HEAD, f"theme: {theme}  # {', '.join(THEMES)}", "", "keys:"]
    for group, members in groupby(commands, key=lambda command: command.group):
        lines += [f"  # {group}"]
        for command in members:
            keys = f"  {command.name}: [{', '.join(map(_quoted, command.key_names))}]"
            lines += [f"  {line}" for line in wrap(command.help, 100, initial_indent="# ", subsequent_indent="# ")]
            lines += [keys]
        lines += [""]
    return "\n".join(lines)


def _quoted(key: str) -> str:
    """Write a key as its character where it has one, in quotes unless it is a letter or a digit."""
    character = shown_key(key)
    if len(character) != 1 or not character.isascii():
        return key
    return character if character.isalnum() else f'"{character}"'
