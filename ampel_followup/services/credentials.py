"""Tokens and passwords: from a file or the environment, never from the command line, never shown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ampel_followup.errors import ServiceError


@dataclass(frozen=True, slots=True)
class Secret:
    """A token or password; it is not part of what is printed of it."""

    value: str = field(repr=False)

    def hidden_in(self, text: str) -> str:
        """Return a text without the secret, should someone have put it there."""
        return text.replace(self.value, "…")


def find_secret(what: str, variable: str, file: Path | None = None) -> Secret:
    """
    Read a secret.

    Parameters
    ----------
    what : str
        What it is, for messages: ``token of Lasair``.
    variable : str
        Environment variable that has it, unless a file is given.
    file : Path, optional
        Its first line is the secret.

    Raises
    ------
    ServiceError
        If there is none, or it is nothing that a header can carry; the message does not contain it.
    """
    if file is not None:
        try:
            with file.open(encoding="utf-8") as opened:
                found = opened.readline(4096).strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ServiceError(f"the {what} cannot be read from {file}: {reason}; name a file that holds it") from None
        where = str(file)
    else:
        found, where = os.environ.get(variable, "").strip(), variable
    if not found:
        raise ServiceError(f"there is no {what}: put it into a file, or into the environment as {variable}")
    if not (found.isascii() and found.isprintable()):
        raise ServiceError(f"the {what} in {where} has characters that no token has; copy it again")
    return Secret(found)
