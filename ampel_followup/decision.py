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

#: Those of them that people can be of two minds about; the others report what happened at the telescope.
OPINIONS = frozenset({Verdict.APPROVE, Verdict.REJECT, Verdict.DEFER})


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
    until : str or None
        For `defer`: evening date on which the target is to come back, ISO 8601, after `night`; None leaves it to the
        policy.
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
    until: str | None = None
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
    return {decision.target: decision for decision in _standing(decisions)}


def disagreements(decisions: Iterable[Decision]) -> dict[str, tuple[Decision, ...]]:
    """
    Return on which targets people are of different minds.

    Each person's latest state counts, if it was not taken back; one that reports what happened at the telescope settles
    the matter.

    Parameters
    ----------
    decisions : iterable of Decision
        Of one night and site, oldest first.

    Returns
    -------
    dict of str to tuple of Decision
        Target to the latest word of everyone, oldest first: at least two, of which the last holds and another one
        says something else. Targets that nobody disagrees on are absent.
    """
    said: dict[str, dict[str, Decision]] = {}
    for decision in _standing(decisions):
        of_target = said.setdefault(decision.target, {})
        # Put it last, wherever an earlier word of the same person stood.
        of_target.pop(decision.observer, None)
        of_target[decision.observer] = decision
    found = {}
    for target, by_observer in said.items():
        words = tuple(by_observer.values())
        opinions = tuple(word for word in words if word.verdict in OPINIONS)
        if words[-1].verdict in OPINIONS and len({word.verdict for word in opinions}) > 1:
            found[target] = opinions
    return found


def _standing(decisions: Iterable[Decision]) -> list[Decision]:
    """Return the states that were not taken back, oldest first."""
    record = list(decisions)
    undone = {decision.undoes for decision in record if decision.verdict == Verdict.UNDO}
    return [decision for decision in record if decision.verdict in STATES and decision.id not in undone]
