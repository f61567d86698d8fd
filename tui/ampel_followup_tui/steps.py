"""What this observer did in this session, step by step: what undo takes back, and redo does again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from ampel_followup.decision import Decision

#: What one key did: one verdict on one target, or the same on many.
Step = tuple[Decision, ...]


class Steps:
    """
    The steps of a session, and those that were taken back.

    Neither takes anything out of the store: undoing is recorded there, and so is what is done again.
    """

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []

    def did(self, step: Step) -> None:
        """Take note of a new step; what was taken back before it cannot be done again."""
        self._done.append(step)
        self._undone.clear()

    def last(self, still_stands: Callable[[Step], Step]) -> Step:
        """
        Return what of the latest step still stands, and forget the steps after it.

        Parameters
        ----------
        still_stands : callable
            Returns what of a step was not taken back, here or elsewhere.

        Returns
        -------
        tuple of Decision
            Empty if nothing stands of what was done in this session.
        """
        while self._done:
            left = still_stands(self._done[-1])
            if left:
                return left
            self._done.pop()
        return ()

    def undid(self, step: Step) -> None:
        """Take note that a step was taken back."""
        if self._done and {decision.id for decision in step} <= {decision.id for decision in self._done[-1]}:
            self._done.pop()
        self._undone.append(step)

    def next(self) -> Step:
        """Return the step that was taken back last; empty if there is none, or something new was done since."""
        return self._undone[-1] if self._undone else ()

    def redid(self, step: Step) -> None:
        """Take note that the step taken back last was done again, as these decisions."""
        self._undone.pop()
        self._done.append(step)


def latest_together(mine: Sequence[Decision]) -> Step:
    """
    Return the latest of someone's decisions, with those that were recorded with it.

    Parameters
    ----------
    mine : sequence of Decision
        Oldest first. What one key did on many targets has one time and one verdict.
    """
    if not mine:
        return ()
    last = mine[-1]
    together = takewhile(
        lambda decision: (
            (decision.time, decision.verdict, decision.comment, decision.until)
            == (last.time, last.verdict, last.comment, last.until)
        ),
        reversed(mine),
    )
    found: dict[str, Decision] = {}
    for decision in together:
        if decision.target in found:
            break
        found[decision.target] = decision
    return tuple(reversed(found.values()))
