"""What everybody wrote down about one night, as the store has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from ampel_followup_tui.instants import stamp

if TYPE_CHECKING:
    from ampel_followup.notes import Note
    from ampel_followup.store import PlanInfo, Store
    from ampel_followup.timetable import Block


class Notebook:
    """
    The notes on one night, at this site and at the others of its schedule.

    Parameters
    ----------
    store : Store
    info : PlanInfo
        The plan whose night it is.
    observer : str
        Who writes here.
    now : callable
        Returns the present moment, with a time zone.
    """

    def __init__(self, store: Store, info: PlanInfo, observer: str, now: Callable[[], datetime]) -> None:
        self._store = store
        self._info = info
        self._observer = observer
        self._now = now
        self._notes: dict[int, Note] = {}

    @property
    def notes(self) -> tuple[Note, ...]:
        """The oldest first."""
        return tuple(self._notes[number] for number in sorted(self._notes))

    def on(self, block: Block) -> bool:
        """Return whether there is a note on a block."""
        return any((note.telescope, note.target) == (block.telescope, block.target) for note in self._notes.values())

    def read(self) -> bool:
        """
        Read what was written since the last look.

        Returns
        -------
        bool
            True if there was something.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        new = self._store.notes.find(night=self._info.night, since_id=max(self._notes, default=0))
        self._notes = {**self._notes, **{note.id: note for note in new}}
        return bool(new)

    def write(self, text: str, telescope: str = "", target: str = "") -> None:
        """
        Put a note of this observer into the store.

        Raises
        ------
        StoreError
            If the store refuses; then nothing has changed here either.
        """
        from ampel_followup.notes import Note

        info = self._info
        self._store.notes.add(Note(info.night, info.site, self._observer, stamp(self._now()), text, telescope, target))
        # Others may have written between the last look and this.
        self.read()
