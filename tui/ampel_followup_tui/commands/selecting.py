"""Commands that select several targets for one verdict."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command, Place

_GROUP = "Selecting"

SELECTING = (
    Command(
        "select",
        "space",
        "select",
        "select",
        "Select this target for the next verdict, or no longer; go on.",
        _GROUP,
        place=Place.TARGETS,
    ),
    Command(
        "select-all", "asterisk", "select_all", "select all", "Select all shown, or none.", _GROUP, place=Place.TARGETS
    ),
)
