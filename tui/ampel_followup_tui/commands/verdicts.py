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
        place=Place.TARGETS,
    ),
    Command("reject", "r", "decide('reject')", "reject", "Reject this target.", _GROUP, 2, place=Place.TARGETS),
    Command(
        "defer", "d", "decide('defer')", "defer", "Leave this target for a later night.", _GROUP, 3, place=Place.TARGETS
    ),
    Command("comment", "c", "comment", "comment", "Write a comment on this target.", _GROUP, 4, Place.NIGHT),
    Command(
        "undo", "u", "undo", "undo", "Take back your latest verdict or comment of this night.", _GROUP, 5, Place.NIGHT
    ),
)
