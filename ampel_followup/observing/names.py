"""What a person may type to name one entry of a table, in any case and punctuation."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Protocol, TypeVar

from ampel_followup.errors import FollowupError


class Named(Protocol):
    """An entry of a table: a key of its own, a full name, and all that it answers to."""

    @property
    def key(self) -> str:
        """What stands for it in files."""

    @property
    def name(self) -> str:
        """Its full name."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that a person may type."""


Entry = TypeVar("Entry", bound=Named)


def find_by_name(typed: str, entries: Iterable[Entry], *, kind: str, remedy: str, error: type[FollowupError]) -> Entry:
    """
    Find the one entry that answers to what a person typed.

    Parameters
    ----------
    typed : str
    entries : iterable of entries
        A key wins over the other names.
    kind : str
        What an entry is, for the message: ``site``.
    remedy : str
        How to see what there is, for the message.
    error : type of FollowupError
        What is raised if no entry, or more than one, answers to it.
    """
    wanted = _normalised(typed)
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        if _normalised(entry.key) == wanted:
            return entry
        for name in {_normalised(name) for name in entry.names}:
            by_name.setdefault(name, []).append(entry)
    found = by_name.get(wanted, [])
    if len(found) == 1:
        return found[0]
    if found:
        choices = " or ".join(f"'{entry.key}' ({entry.name})" for entry in found)
        raise error(f"{kind} {typed!r} is ambiguous; say {choices}")
    close = difflib.get_close_matches(wanted, by_name, n=3, cutoff=0.7) if wanted else []
    keys = list(dict.fromkeys(entry.key for match in close for entry in by_name[match]))
    guess = f"did you mean {' or '.join(map(repr, keys))}? " if keys else ""
    raise error(f"unknown {kind} {typed!r}; {guess}{remedy}")


def _normalised(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
