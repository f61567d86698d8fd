"""What people write down about a night, one of its telescopes, or one of its blocks; plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ampel_followup.records import Record


@dataclass(frozen=True, slots=True)
class Note(Record):
    """
    One note of one person. Never changed and never deleted.

    A note on a target that holds beyond the night is a comment, see `ampel_followup.decision.Decision`.

    Parameters
    ----------
    night : str
        Evening date, ISO 8601.
    site : str
        Key of the site.
    observer : str
        Who wrote it.
    time : str
        UTC, ISO 8601 with trailing ``Z``.
    text : str
        Free text. Untrusted: shown with control characters stripped and never parsed as markup.
    telescope : str
        Key of the instrument that it is about; empty for the whole night.
    target : str
        Survey name, or standard star, of the block of that telescope; empty if it is not about one.
    id : int
        Number in the store; 0 before it is stored.
    """

    night: str
    site: str
    observer: str
    time: str
    text: str
    telescope: str = ""
    target: str = ""
    id: int = 0

    @property
    def subject(self) -> str:
        """What it is about, in the words of the store: ``the night``, a telescope, or a target."""
        return self.target or self.telescope or "the night"


def notes_of(notes: Iterable[Note], telescope: str, site: str) -> tuple[Note, ...]:
    """Return the notes that a telescope at a site should know: its own, and those on the whole night there."""
    return tuple(note for note in notes if note.telescope == telescope or (not note.telescope and note.site == site))
