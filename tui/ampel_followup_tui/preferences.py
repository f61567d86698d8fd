"""What observers want otherwise: keys and theme."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ampel_followup.errors import PreferencesError
from ampel_followup.user_files import UserFile
from ampel_followup_tui.commands import COMMANDS, Command
from ampel_followup_tui.themes import DEFAULT, checked_theme

#: Where the user's own keys are.
USERS = UserFile("keys.yml", "AMPEL_FOLLOWUP_KEYS", PreferencesError)


@dataclass(frozen=True, slots=True)
class Preferences:
    """
    Keys and theme.

    Parameters
    ----------
    commands : tuple of Command
        All commands, with their keys.
    theme : str
        Name of a theme.
    warnings : tuple of str
        What may not work everywhere.
    """

    commands: tuple[Command, ...] = COMMANDS
    theme: str = DEFAULT
    warnings: tuple[str, ...] = ()


#: What comes along.
DEFAULTS = Preferences()


def load_preferences(path: Path | None = None, theme: str | None = None) -> Preferences:
    """
    Return what the user wants.

    Parameters
    ----------
    path : Path, optional
        File of keys; else the one that AMPEL_FOLLOWUP_KEYS names, or ``keys.yml`` in the configuration folder, if any.
    theme : str, optional
        Name of a theme, before that of the file.

    Raises
    ------
    PreferencesError
        If the file cannot be read or says what makes no sense, or there is no such theme.
    """
    path = path or USERS.users()
    preferences = DEFAULTS
    if path is not None:
        from ampel_followup_tui.keys.file import read_preferences  # here: who has no file need not load a YAML reader

        preferences = read_preferences(path)
    return preferences if theme is None else replace(preferences, theme=checked_theme(theme, "--theme"))
