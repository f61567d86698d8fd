"""Commands that choose what the list shows, and the target under its cursor."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command, Place

_GROUP = "Moving about"

MOVING = (
    Command("next", "n,j,right,down", "move(1)", "next", "Go to the next target.", _GROUP),
    Command("previous", "p,k,left,up", "move(-1)", "previous", "Go back to the previous target.", _GROUP),
    Command("first", "home", "move_to_end(-1)", "first", "Go to the first target.", _GROUP),
    Command("last", "G,end", "move_to_end(1)", "last", "Go to the last target.", _GROUP),
    Command("page-down", "pagedown", "page(1)", "page down", "Go down a page.", _GROUP),
    Command("page-up", "pageup", "page(-1)", "page up", "Go up a page.", _GROUP),
    Command("half-page-down", "ctrl+d", "page(0.5)", "half a page down", "Go down half a page.", _GROUP),
    Command("half-page-up", "ctrl+u", "page(-0.5)", "half a page up", "Go up half a page.", _GROUP),
    Command(
        "jump",
        "colon",
        "jump",
        "jump",
        "Go to a target by its number, or by a part of its name.",
        _GROUP,
        14,
        place=Place.NIGHT,
    ),
    Command(
        "filter",
        "slash",
        "filter",
        "filter",
        "Show only what an expression lets through, as class:Ia mag<19 !done.",
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
