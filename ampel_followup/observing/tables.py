"""Tables in YAML that come with the package, and the users' own that add to them: sites and instruments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from ampel_followup.settings import Settings, read_text, read_yaml, settings_from
from ampel_followup.user_files import UserFile

Row = TypeVar("Row", bound=Settings)

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Table(UserFile):
    """A table that comes along in this package, and a user's own of the same name that adds to it."""

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
