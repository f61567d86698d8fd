"""Every command of the app, once: keys, key bar, palette and help are all made from these lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ampel_followup_tui.commands.arranging import ARRANGING
from ampel_followup_tui.commands.command import Command, Place
from ampel_followup_tui.commands.learning import LEARNING
from ampel_followup_tui.commands.moving import MOVING
from ampel_followup_tui.commands.plan import PLAN
from ampel_followup_tui.commands.program import PROGRAM
from ampel_followup_tui.commands.selecting import SELECTING
from ampel_followup_tui.commands.sharing import SHARING
from ampel_followup_tui.commands.target import TARGET
from ampel_followup_tui.commands.verdicts import VERDICTS

__all__ = ["COMMANDS", "Command", "Place", "commands_of", "place_of", "writes"]

#: In the order of the help, group by group.
COMMANDS = (*VERDICTS, *SELECTING, *MOVING, *ARRANGING, *TARGET, *SHARING, *PLAN, *LEARNING, *PROGRAM)


def commands_of(place: Place, commands: Iterable[Command] = COMMANDS) -> Iterator[Command]:
    """Yield the commands that work on a screen."""
    return (command for command in commands if command.place & place)


def place_of(action: str) -> Place:
    """Return where an action works, by its name without parameters; anywhere if no command runs it."""
    return _PLACES.get(action, Place.ANYWHERE)


def writes(action: str) -> bool:
    """Return whether an action, by its name without parameters, puts something into the store."""
    return action in _WRITING


_WRITING = frozenset(command.action.partition("(")[0] for command in COMMANDS if command.writes)
_PLACES = {command.action.partition("(")[0]: command.place for command in COMMANDS}
