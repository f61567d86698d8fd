"""Commands that take a target elsewhere: pages of others, and the clipboard."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command, Place

_GROUP = "The target"

SHARING = (
    Command("links", "L", "links", "links", "List pages of others about this target.", _GROUP, place=Place.NIGHT),
    Command("copy", "y", "copy", "copy", "Copy its name and coordinates.", _GROUP, place=Place.NIGHT),
)
