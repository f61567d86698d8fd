"""Every command of the app, once: keys, key bar, palette and help are all made from this list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where a command works: on every screen, on those about the list and its targets, or on that of the plan."""

    ANYWHERE = "anywhere"
    TARGETS = "targets"
    PLAN = "plan"


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
        Where it works: a key can have one meaning on the screen of the plan and another one on all others.
    """

    name: str
    keys: str
    action: str
    label: str
    help: str
    group: str
    bar: int = 0
    place: Place = Place.ANYWHERE

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
    "tab": "tab",
}

_LISTS = Place.TARGETS

_VERDICTS = "Verdicts"
_MOVING = "Moving about"
_TARGET = "The target"
_PLAN = "The plan"
_PROGRAM = "The program"

COMMANDS = (
    Command(
        "approve",
        "a",
        "decide('approve')",
        "approve",
        "Approve this target for a spectrum.",
        _VERDICTS,
        1,
        place=_LISTS,
    ),
    Command("reject", "r", "decide('reject')", "reject", "Reject this target.", _VERDICTS, 2, place=_LISTS),
    Command(
        "defer", "d", "decide('defer')", "defer", "Leave this target for a later night.", _VERDICTS, 3, place=_LISTS
    ),
    Command("comment", "c", "comment", "comment", "Write a comment on this target.", _VERDICTS, 4),
    Command("undo", "u", "undo", "undo", "Take back your latest verdict or comment of this night.", _VERDICTS, 5),
    Command("next", "n,j,right", "move(1)", "next", "Go to the next target.", _MOVING),
    Command("previous", "p,k,left", "move(-1)", "previous", "Go back to the previous target.", _MOVING),
    Command(
        "filter",
        "slash",
        "filter",
        "filter",
        "Show only what has these words in name, class or status.",
        _MOVING,
        6,
        place=_LISTS,
    ),
    Command(
        "list",
        "l",
        "next_list",
        "list",
        "Show the next list: tonight, not tonight, or set aside.",
        _MOVING,
        10,
        place=_LISTS,
    ),
    Command(
        "group",
        "v",
        "next_group",
        "group",
        "Show the next group of the list, such as new or galactic.",
        _MOVING,
        11,
        place=_LISTS,
    ),
    Command("target", "enter", "open_target", "open", "Show this target on the whole screen.", _TARGET, 9),
    Command("back", "escape", "back", "back", "Close target or plan, or clear the filter.", _MOVING),
    Command("pane", "tab", "next_pane", "pane", "Show the next pane, where panes take turns.", _TARGET, place=_LISTS),
    Command("light-curve", "1", "pane('light-curve')", "light curve", "Show the light curve.", _TARGET, place=_LISTS),
    Command("why", "2", "pane('why')", "why", "Show the scores and their reasons.", _TARGET, place=_LISTS),
    Command("visibility", "3", "pane('visibility')", "visibility", "Show where it is tonight.", _TARGET, place=_LISTS),
    Command("history", "4", "pane('history')", "history", "Show verdicts and comments.", _TARGET, place=_LISTS),
    Command(
        "assistant",
        "5",
        "pane('assistant')",
        "assistant",
        "Show what the virtual assistant says.",
        _TARGET,
        place=_LISTS,
    ),
    Command("plan", "t", "plan", "plan", "Show the schedule of the night; again, the list.", _PLAN, 7),
    Command(
        "observed", "x", "mark('observed')", "observed", "Say that this target was observed.", _PLAN, 1, Place.PLAN
    ),
    Command("failed", "f", "mark('failed')", "failed", "Say that this target failed.", _PLAN, 2, Place.PLAN),
    Command("close", "C", "close_until", "close", "Say until when it is closed, and re-plan.", _PLAN, 5, Place.PLAN),
    Command("replan", "R", "replan", "re-plan", "Plan the rest of the night anew.", _PLAN, 6, Place.PLAN),
    Command("flux", "f", "flux", "flux", "Change the light curve between magnitude and flux.", _TARGET, place=_LISTS),
    Command("export", "e", "export", "export", "Write the approved targets to a file.", _PROGRAM, 10),
    Command("drift", "w", "drift", "drift", "Say what of tonight's stream is not as in training.", _PROGRAM, 13),
    Command("help", "question_mark", "help", "help", "Show this page.", _PROGRAM, 8),
    Command("palette", "ctrl+p", "command_palette", "palette", "Find a command by name.", _PROGRAM),
    Command("quit", "q", "quit", "quit", "Leave; every verdict is already in the store.", _PROGRAM, 12),
)


def commands_of(place: Place) -> Iterator[Command]:
    """Yield the commands that work on the screen of the plan, or on the others."""
    return (command for command in COMMANDS if command.place in (Place.ANYWHERE, place))


def place_of(action: str) -> Place:
    """Return where an action works, by its name without parameters; anywhere if no command runs it."""
    return _PLACES.get(action, Place.ANYWHERE)


_PLACES = {command.action.partition("(")[0]: command.place for command in COMMANDS}
