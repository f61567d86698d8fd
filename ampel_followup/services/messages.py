"""Messages to services of others, and the record of those that arrived; plain Python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ampel_followup.records import Record


@dataclass(frozen=True, slots=True)
class Message(Record):
    """
    One thing that a service is to be told of one target.

    Parameters
    ----------
    action : str
        What is asked of the service, in a word: ``annotate``, ``ask``, ``plan``, ``unplan``, ``report``, ``classify``.
    subject : str
        What the message is about, of all that this service is told. A later message of the same subject replaces an
        earlier one; of the same subject and content there is no need for a second.
    target : str
        Survey name of the object.
    night : str
        Evening date of the plan that it comes from, ISO 8601.
    content : dict
        What the service is told, as JSON has it.
    """

    action: str
    subject: str
    target: str
    night: str
    content: dict[str, Any]

    def says_the_same_as(self, earlier: Sent | None) -> bool:
        """Return True if the service knows it already."""
        return earlier is not None and earlier.action == self.action and earlier.content == canonical(self.content)


@dataclass(frozen=True, slots=True)
class Sent(Record):
    """
    A message that a service confirmed; never changed and never deleted.

    Parameters
    ----------
    service : str
        Address of the service.
    action, subject, target, night : str
        As in `Message`.
    time : str
        When it was confirmed, UTC, ISO 8601 with trailing ``Z``.
    content : str
        That of the message, as `canonical` JSON.
    id : int
        Number in the store; 0 before it is stored.
    """

    service: str
    action: str
    subject: str
    target: str
    night: str
    time: str
    content: str
    id: int = 0


def canonical(content: Mapping[str, Any]) -> str:
    """Return JSON with sorted keys and without blanks: the same content is the same text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
