"""What was said of one target on one night, as far as it is shown beside those of all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ampel_followup.decision import STATES, Decision, Verdict, disagreements


@dataclass(frozen=True, slots=True)
class Said:
    """
    The outcome of a record of decisions on one target, which is not held itself.

    Parameters
    ----------
    words : tuple of Decision
        The latest state that each person gave it and did not take back, oldest first.
    n_comments : int
        Comments that were not taken back.
    newest : int
        Number of the newest decision that is in here.
    """

    words: tuple[Decision, ...] = ()
    n_comments: int = 0
    newest: int = 0

    @classmethod
    def of(cls, record: Sequence[Decision]) -> Said:
        """Return the outcome of a whole record, oldest first."""
        undone = {decision.undoes for decision in record}
        standing = [d for d in record if d.verdict != Verdict.UNDO and d.id not in undone]
        return cls()._with(standing, newest=max((decision.id for decision in record), default=0))

    def after(self, added: Sequence[Decision]) -> Said | None:
        """
        Return the outcome after further decisions, oldest first.

        Returns
        -------
        Said or None
            None where the whole record is needed: something was taken back, or was not said last.
        """
        if any(decision.verdict == Verdict.UNDO or decision.id <= self.newest for decision in added):
            return None
        return self._with(added, newest=max((decision.id for decision in added), default=self.newest))

    def _with(self, standing: Sequence[Decision], newest: int) -> Said:
        words = {word.observer: word for word in self.words}
        for decision in standing:
            if decision.verdict in STATES:
                # Put it last, wherever an earlier word of the same person stood.
                words.pop(decision.observer, None)
                words[decision.observer] = decision
        n_comments = self.n_comments + sum(bool(decision.comment) for decision in standing)
        return Said(tuple(words.values()), n_comments, newest)

    @property
    def verdict(self) -> Decision | None:
        """The verdict that holds."""
        return self.words[-1] if self.words else None

    @property
    def disagreement(self) -> tuple[Decision, ...]:
        """The latest word of everyone, oldest first, where people disagree; else nothing."""
        return next(iter(disagreements(self.words).values()), ())


NOTHING_SAID = Said()
