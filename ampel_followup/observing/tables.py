"""Tables in YAML that come with the package, and the users' own that add to them: sites and instruments."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from ampel_followup.errors import FollowupError
from ampel_followup.settings import Settings, read_text, read_yaml, settings_from

Row = TypeVar("Row", bound=Settings)

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table that comes along, and where a user's own additions to it are.

    Parameters
    ----------
    file : str
        Name of the YAML file, in this package as in the user's configuration folder.
    variable : str
        Environment variable that names another file of the user's.
    error : type of FollowupError
        What is raised for what cannot be read.
    """

    file: str
    variable: str
    error: type[FollowupError]

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
        from platformdirs import user_config_path  # here: it is needed once, and costs a few milliseconds

        path = user_config_path("ampel-followup", appauthor=False) / self.file
        return path if path.is_file() else None

    def rows(self, model: type[Row], users: Path | None) -> dict[str, Row]:
        """
        Read the table that comes along and the user's; an entry of the user's replaces ours with the same key.

        Parameters
        ----------
        model : type of Settings
            What every entry must be.
        users : Path, optional
            As `users` returns it.

        Raises
        ------
        FollowupError
            If an entry is not as `model` describes; the message names file, key and field.
        """
        packaged = resources.files(__package__).joinpath(self.file).read_text(encoding="utf-8")
        rows = self._read(packaged, self.file, model)
        if users is not None:
            text = read_text(users, self.error)
            rows |= self._read(text, str(users), model)
        return dict(sorted(rows.items()))

    def _read(self, text: str, place: str, model: type[Row]) -> dict[str, Row]:
        data = read_yaml(text, place, self.error)
        if data is None:
            return {}
        if not isinstance(data, dict):
            raise self.error(f"{place} holds no entries; write a key, and below it `name: …` and the other fields")
        return {str(key): self._row(str(key), row, place, model) for key, row in data.items()}

    def _row(self, key: str, row: Any, place: str, model: type[Row]) -> Row:
        if not _KEY.fullmatch(key):
            raise self.error(f"{place}: {key!r} is no key; use lower-case letters, digits, - and _")
        if not isinstance(row, dict):
            raise self.error(f"{place}: {key} is {row!r}; write its fields below it, one on each line")
        if "key" in row:
            raise self.error(f"{place}: {key}: unknown field key; the key is what stands above the fields")
        return settings_from(row, model, f"{place}: {key}", self.error, given={"key": key})
