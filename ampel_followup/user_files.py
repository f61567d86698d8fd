"""Files in which users say what they want otherwise: one named by the environment, or one in their configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ampel_followup.errors import FollowupError


@dataclass(frozen=True, slots=True)
class UserFile:
    """
    Where a user's own file is.

    Parameters
    ----------
    file : str
        Its name in the user's configuration folder.
    variable : str
        Environment variable that names another file.
    error : type of FollowupError
        What is raised for what cannot be read.
    """

    file: str
    variable: str
    error: type[FollowupError]

    @property
    def default(self) -> Path:
        """Where it is looked for if the environment names none."""
        from platformdirs import user_config_path  # here: it is needed once, and costs a few milliseconds

        return user_config_path("ampel-followup", appauthor=False) / self.file

    def users(self) -> Path | None:
        """
        Return the user's file: the one that the environment names, else the one in the configuration folder, if any.

        Raises
        ------
        FollowupError
            If the environment names a file that is not there.
        """
        if named := os.environ.get(self.variable):
            path = Path(named).expanduser()
            if not path.is_file():
                raise self.error(f"{self.variable} names {path}, which is no file; correct or unset it")
            return path
        path = self.default
        return path if path.is_file() else None
