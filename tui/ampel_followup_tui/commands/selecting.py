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
        "select-down",
        "J,shift+down",
        "select_to(1)",
        "select down",
        "Select this target and the next; further steps go on, steps back give up again.",
        _GROUP,
        place=Place.TARGETS,
    ),
    Command(
        "select-up",
        "K,shift+up",
        "select_to(-1)",
        "select up",
        "Select this target and the one above it, likewise.",
        _GROUP,
        place=Place.TARGETS,
    ),
    Command(
        "select-range",
        "V",
        "select_range",
        "select range",
        "Select from here to wherever the cursor goes; again to stop.",
        _GROUP,
        place=Place.TARGETS,
    ),
    Command(
        "select-all", "asterisk", "select_all", "select all", "Select all shown, or none.", _GROUP, place=Place.TARGETS
    ),
)
