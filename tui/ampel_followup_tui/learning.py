"""What the learning screen shows, read from the store at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ampel_followup.errors import BundleError
from ampel_followup.learning_state import LearningState, learning_state
from ampel_followup.promoting import metrics_in_use

if TYPE_CHECKING:
    from ampel_followup.champions import Challenger, Promotion
    from ampel_followup.store import Store


@dataclass(frozen=True, slots=True)
class Learned:
    """
    What the loop has learned so far.

    Parameters
    ----------
    state : LearningState
    metrics : mapping of str to float
        What the bundle in use says of itself.
    trouble : str
        Why the bundle in use cannot be used; empty if it can.
    newest : tuple of int
        `LearningRecords.newest` when it was read.
    home : Path
        Folder of the store.
    """

    state: LearningState
    metrics: Mapping[str, float]
    trouble: str
    newest: tuple[int, ...]
    home: Path

    def report_of(self, challenger: Challenger) -> Path:
        """Return where the report of a challenger is, or would be."""
        return self.home / challenger.folder / "report" / "index.html"

    def uses(self, challenger: Challenger) -> bool:
        """Return whether a challenger is the bundle in use."""
        return challenger.bundle_digest == self.state.in_use.bundle_digest

    @property
    def standing(self) -> list[Promotion]:
        """Promotions that nobody rolled back, oldest first."""
        from ampel_followup.champions import standing

        return standing(self.state.history[::-1])


def read_learned(store: Store) -> Learned:
    """
    Read what the loop has learned so far.

    Raises
    ------
    StoreError
        If the store cannot be read.
    BundleError
        If no bundle was promoted and the packaged one is damaged.
    """
    newest = store.learning.newest()
    state = learning_state(store)
    try:
        metrics, trouble = metrics_in_use(store), ""
    except BundleError as error:
        metrics, trouble = {}, str(error)
    return Learned(state, metrics, trouble, newest, store.folder)
