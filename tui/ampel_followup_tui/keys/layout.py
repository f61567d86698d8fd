"""From what an observer wishes to the commands with their keys, and what is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ampel_followup.errors import PreferencesError
from ampel_followup_tui.commands import COMMANDS, Command, Place, commands_of
from ampel_followup_tui.commands.command import shown_key
from ampel_followup_tui.keys.names import DOUBTFUL, IMPOSSIBLE, key_name


def lay_out(
    wishes: Mapping[str, Sequence[str]], place: str, commands: Sequence[Command] = COMMANDS
) -> tuple[Command, ...]:
    """
    Give commands other keys.

    Parameters
    ----------
    wishes : mapping of str to sequence of str
        Keys by the name of the command, as people write them; none at all takes a command its keys. Commands that are
        not named keep theirs.
    place : str
        How errors name the place where this is wished.
    commands : sequence of Command
        All of them, with the keys that they have.

    Returns
    -------
    tuple of Command
        In the same order.

    Raises
    ------
    PreferencesError
        If there is no such command or key, if a key never arrives, or if it would run two commands on one screen.
    """
    names = [command.name for command in commands]
    for name in wishes:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else "`ampel-followup keys` lists all commands"
            raise PreferencesError(f"{place}: keys.{name}: there is no such command; {hint}")
    laid_out = tuple(
        replace(command, keys=",".join(_names(wishes[command.name], f"{place}: keys.{command.name}")))
        if command.name in wishes
        else command
        for command in commands
    )
    for key, first, second in conflicts(laid_out):
        raise PreferencesError(
            f"{place}: {shown_key(key)} would run both {first.name} and {second.name}; "
            f"give {(second if first.name in wishes else first).name} other keys, or [] for none"
        )
    return laid_out


def conflicts(commands: Iterable[Command]) -> Iterator[tuple[str, Command, Command]]:
    """Yield each key that would run two commands on one screen, with both of them."""
    commands, told = tuple(commands), set()
    for place in Place:
        taken: dict[str, Command] = {}
        for command in commands_of(place, commands):
            for key in command.key_names:
                other = taken.setdefault(key, command)
                if other is not command and (key, other.name, command.name) not in told:
                    told.add((key, other.name, command.name))
                    yield key, other, command


def warnings(commands: Iterable[Command]) -> Iterator[str]:
    """Say which keys may not arrive in some terminals."""
    for command in commands:
        for key in command.key_names:
            if key in DOUBTFUL:
                yield f"{key} ({command.name}) may not arrive: {DOUBTFUL[key]}"


def _names(written: Iterable[str], place: str) -> list[str]:
    """Return Textual's names of keys, each once."""
    names: dict[str, None] = {}
    for key in written:
        name = key_name(key)
        if name is None:
            hint = "write a character, or a name such as enter, f5, ctrl+r"
            if key.startswith("shift+"):
                hint = f"with shift it is another character, such as {key[-1].upper()}; write that"
            raise PreferencesError(f"{place}: {key!r} is no key; {hint}")
        if name in IMPOSSIBLE:
            raise PreferencesError(f"{place}: {key} does not work: {IMPOSSIBLE[name]}")
        names[name] = None
    return list(names)
