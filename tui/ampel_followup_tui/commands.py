"""Every command of the app, once: keys, key bar, palette and help are all made from this list."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    name: str
    keys: str
    action: str
    label: str
    help: str
    group: str
    bar: int = 0

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

_VERDICTS = "Verdicts"
_MOVING = "Moving about"
_TARGET = "The target"
_PROGRAM = "The program"

COMMANDS = (
    Command("approve", "a", "decide('approve')", "approve", "Approve this target for a spectrum.", _VERDICTS, 1),
    Command("reject", "r", "decide('reject')", "reject", "Reject this target.", _VERDICTS, 2),
    Command("defer", "d", "decide('defer')", "defer", "Leave this target for a later night.", _VERDICTS, 3),
    Command("comment", "c", "comment", "comment", "Write a comment on this target.", _VERDICTS, 4),
    Command("undo", "u", "undo", "undo", "Take back your latest verdict or comment of this night.", _VERDICTS, 5),
    Command("next", "n,j,right", "move(1)", "next", "Go to the next target.", _MOVING),
    Command("previous", "p,k,left", "move(-1)", "previous", "Go back to the previous target.", _MOVING),
    Command(
        "filter", "slash", "filter", "filter", "Show only what has these words in name, class or status.", _MOVING, 6
    ),
    Command("list", "l", "next_list", "list", "Show the next list: tonight, not tonight, or set aside.", _MOVING, 10),
    Command(
        "group", "v", "next_group", "group", "Show the next group of the list, such as new or galactic.", _MOVING, 11
    ),
    Command("target", "enter", "open_target", "open", "Show this target on the whole screen.", _TARGET, 7),
    Command("back", "escape", "back", "back", "Close the target, or clear the filter.", _MOVING),
    Command("pane", "tab", "next_pane", "pane", "Show the next pane, where panes take turns.", _TARGET),
    Command("light-curve", "1", "pane('light-curve')", "light curve", "Show the light curve.", _TARGET),
    Command("why", "2", "pane('why')", "why", "Show the scores and their reasons.", _TARGET),
    Command("visibility", "3", "pane('visibility')", "visibility", "Show where it is tonight.", _TARGET),
    Command("history", "4", "pane('history')", "history", "Show verdicts and comments.", _TARGET),
    Command("assistant", "5", "pane('assistant')", "assistant", "Show what the virtual assistant says.", _TARGET),
    Command("flux", "f", "flux", "flux", "Change the light curve between magnitude and flux.", _TARGET),
    Command("export", "e", "export", "export", "Write the approved targets to a file.", _PROGRAM, 9),
    Command("drift", "w", "drift", "drift", "Say what of tonight's stream is not as in training.", _PROGRAM, 13),
    Command("help", "question_mark", "help", "help", "Show this page.", _PROGRAM, 8),
    Command("palette", "ctrl+p", "command_palette", "palette", "Find a command by name.", _PROGRAM),
    Command("quit", "q", "quit", "quit", "Leave; every verdict is already in the store.", _PROGRAM, 12),
)
