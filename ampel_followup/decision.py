"""What people decided: an append-only record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ampel_followup.records import Record


class Verdict(StrEnum):
    """What a decision says of a target; ``comment`` and ``undo`` are records, not states."""

    APPROVE = "approve"
    REJECT = "reject"
    DEFER = "defer"
    OBSERVED = "observed"
    FAILED = "failed"
    COMMENT = "comment"
    UNDO = "undo"


#: The verdicts that are states of a target: the latest one that was not undone holds.
STATES = frozenset({Verdict.APPROVE, Verdict.REJECT, Verdict.DEFER, Verdict.OBSERVED, Verdict.FAILED})


@dataclass(frozen=True, slots=True)
class Decision(Record):
    """
    One decision of one person on one target. Never changed and never deleted: `undo` is a further record.

    Parameters
    ----------
    target : str
        Survey name of the object.
    night : str
        Evening date of the plan decided on, ISO 8601.
    site : str
        Key of the plan's site.
    verdict : str
        One of `Verdict`.
    observer : str
        Who decided.
    time : str
        UTC, ISO 8601 with microseconds and trailing ``Z``.
    comment : str
        Free text, may be empty. Untrusted: shown with control characters stripped and never parsed as markup.
    plan_revision : int
        Revision of the plan that the observer saw; 0 if decided without one.
    undoes : int or None
        For `undo`: number of the decision that is taken back.
    id : int
        Number in the store; 0 before it is stored.
    """

    target: str
    night: str
    site: str
    verdict: str
    observer: str
    time: str
    comment: str = ""
    plan_revision: int = 0
    undoes: int | None = None
    id: int = 0


def effective_verdicts(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """
    Return what holds now: per target its latest state that was not taken back.

    A later state replaces an earlier one, whoever decided. An `undo` removes the one decision that it names, so that
    the state before it shows again. Comments change nothing.

    Parameters
    ----------
    decisions : iterable of Decision
        Of one night and site, oldest first.

    Returns
    -------
    dict of str to Decision
        Target to the decision that holds; targets without one are absent.
    """
    record = list(decisions)
    undone = {decision.undoes for decision in record if decision.verdict == Verdict.UNDO}
    return {d.target: d for d in record if d.verdict in STATES and d.id not in undone}
