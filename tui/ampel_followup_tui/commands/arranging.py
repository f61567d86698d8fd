"""Commands that arrange the list."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command, Place

_GROUP = "Arranging the list"

ARRANGING = (
    Command("sort", "o", "sort", "sort", "Sort by a column; a click on its heading, too.", _GROUP, 15, Place.TARGETS),
    Command("reverse", "O", "reverse", "reverse", "Turn the order round.", _GROUP, place=Place.TARGETS),
    Command(
        "strategy",
        "s",
        "strategy",
        "strategy",
        "Look at the plan under another strategy; it stays as it is.",
        _GROUP,
        16,
        Place.TARGETS,
    ),
    Command(
        "plan-order",
        "backspace",
        "plan_order",
        "plan's order",
        "Show the plan's own order again.",
        _GROUP,
        place=Place.TARGETS,
    ),
    Command("views", "b", "views", "views", "Choose a saved view, or delete one.", _GROUP, place=Place.TARGETS),
    Command(
        "save-view",
        "B",
        "save_view",
        "save view",
        "Save filter, order, strategy and list under a name.",
        _GROUP,
        place=Place.TARGETS,
    ),
)
