"""Commands about the schedule."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command, Place

_GROUP = "The plan"

PLAN = (
    Command("plan", "t", "plan", "plan", "Show the schedule of the night; again, the list.", _GROUP, 7),
    Command(
        "observed",
        "x",
        "mark('observed')",
        "observed",
        "Say that this target was observed.",
        _GROUP,
        1,
        Place.PLAN,
        writes=True,
    ),
    Command(
        "failed", "f", "mark('failed')", "failed", "Say that this target failed.", _GROUP, 2, Place.PLAN, writes=True
    ),
    Command(
        "close",
        "C",
        "close_until",
        "close",
        "Say until when it is closed, and re-plan.",
        _GROUP,
        5,
        Place.PLAN,
        writes=True,
    ),
    Command("replan", "R", "replan", "re-plan", "Plan the rest of the night anew.", _GROUP, 6, Place.PLAN, writes=True),
    Command(
        "note",
        "N",
        "note",
        "note",
        "Write a note on the night, a telescope or a block.",
        _GROUP,
        4,
        Place.PLAN,
        writes=True,
    ),
)
