"""Commands that choose what the list shows, and the target under its cursor."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command, Place

_GROUP = "Moving about"

MOVING = (
    Command("next", "n,j,right", "move(1)", "next", "Go to the next target.", _GROUP),
    Command("previous", "p,k,left", "move(-1)", "previous", "Go back to the previous target.", _GROUP),
    Command(
        "filter",
        "slash",
        "filter",
        "filter",
        "Show only what has these words in name, class or status.",
        _GROUP,
        6,
        place=Place.TARGETS,
    ),
    Command(
        "list",
        "l",
        "next_list",
        "list",
        "Show the next list: tonight, not tonight, or set aside.",
        _GROUP,
        10,
        place=Place.TARGETS,
    ),
    Command(
        "group",
        "v",
        "next_group",
        "group",
        "Show the next group of the list, such as new or galactic.",
        _GROUP,
        11,
        place=Place.TARGETS,
    ),
    Command("back", "escape", "back", "back", "Close what is in front, select nothing, or clear the filter.", _GROUP),
)
