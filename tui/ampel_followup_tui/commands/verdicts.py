"""Commands that record what the observer decides."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command, Place

_GROUP = "Verdicts"

VERDICTS = (
    Command(
        "approve",
        "a",
        "decide('approve')",
        "approve",
        "Approve this target for a spectrum.",
        _GROUP,
        1,
        Place.TARGETS,
        writes=True,
    ),
    Command("reject", "r", "decide('reject')", "reject", "Reject.", _GROUP, 2, Place.TARGETS, writes=True),
    Command(
        "defer", "d", "decide('defer')", "defer", "Leave for a later night.", _GROUP, 3, Place.TARGETS, writes=True
    ),
    Command(
        "defer-until",
        "D",
        "defer_until",
        "defer until",
        "Leave out of the plans until a day: 3, +3d, 2w, 2026-12-01.",
        _GROUP,
        place=Place.TARGETS,
        writes=True,
    ),
    Command("comment", "c", "comment", "comment", "Write a comment.", _GROUP, 4, Place.NIGHT, writes=True),
    Command(
        "undo",
        "u",
        "undo",
        "undo",
        "Take back your latest step of this night, step by step.",
        _GROUP,
        5,
        Place.NIGHT,
        writes=True,
    ),
    Command(
        "redo", "ctrl+r", "redo", "redo", "Do again what you took back last.", _GROUP, place=Place.NIGHT, writes=True
    ),
)
