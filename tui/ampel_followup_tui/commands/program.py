"""Commands about the program as a whole."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command

_GROUP = "The program"

PROGRAM = (
    Command("export", "e", "export", "export", "Write the approved targets to a file.", _GROUP, 10),
    Command("drift", "w", "drift", "drift", "Say what of tonight's stream is not as in training.", _GROUP, 13),
    Command("help", "question_mark", "help", "help", "Show this page.", _GROUP, 8),
    Command("palette", "ctrl+p", "command_palette", "palette", "Find a command by name.", _GROUP),
    Command("theme", "T", "next_theme", "theme", "Change the colours: dark, light, high contrast.", _GROUP),
    Command("quit", "q", "quit", "quit", "Leave; every verdict is already in the store.", _GROUP, 12),
)
