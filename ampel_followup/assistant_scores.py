"""What the virtual assistant says of an object, and what the policy makes of it: plain Python, for plans and stores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from ampel_followup.records import Record

#: The scores of the assistant, in the order of every array of them; each a probability, not mutually exclusive.
SCORES = ("real", "galactic", "fast")


class Stage(StrEnum):
    """How long an object has been known; the policy says from when to when."""

    FIRST = "first"
    UPDATING = "updating"
    LONG_TERM = "long-term"


class Queue(StrEnum):
    """Where an object waits for what comes next; nothing is ever deleted."""

    URGENT = "urgent"
    EXTRAGALACTIC = "extragalactic"
    GALACTIC = "galactic"
    WAIT = "wait"
    PURGATORY = "purgatory"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Visit(Record):
    """
    The scores of one visit: a night with new points of the object.

    Parameters
    ----------
    mjd : float
        Last point that was looked at [MJD, UTC].
    day : float
        Days since the first detection; 0 at the first visit.
    p_real, p_galactic, p_fast : float
        Probabilities, 0 to 1; NaN where the bundle has no such model.
    rank : float
        0 (not worth a look) to 10.
    """

    mjd: float
    day: float
    p_real: float
    p_galactic: float
    p_fast: float
    rank: float


@dataclass(frozen=True, slots=True)
class Trait(Record):
    """
    A label of the kind that people trust.

    Parameters
    ----------
    name : str
        ``speed``, ``luminosity`` or ``structure``.
    label : str
        Such as ``fast``; ``unknown`` where nothing can be said.
    sure : float
        Probability that the label is right, 0 to 1; NaN where it is unknown.
    """

    name: str
    label: str
    sure: float


@dataclass(frozen=True, slots=True)
class Cause(Record):
    """
    What one feature did to one score.

    Parameters
    ----------
    score : str
        One of `SCORES`.
    feature : str
        Its name.
    value : float
        Its value; NaN if it was not measured, which tells something too.
    effect : float
        Its Shapley value [log-odds]: positive raises the score.
    text : str
        The same in words.
    """

    score: str
    feature: str
    value: float
    effect: float
    text: str


@dataclass(frozen=True, slots=True)
class AssistantScores(Record):
    """
    What the assistant says of an object, now and at each visit so far.

    Parameters
    ----------
    p_real, p_galactic, p_fast : float
        Of the last visit: is it real, is it in the Galaxy, does it change fast? NaN where there is no such model.
    rank : float
        Of the last visit, 0 to 10.
    history : tuple of Visit
        Every visit in order of time, the last one included.
    traits : tuple of Trait
        Speed, luminosity and structure.
    causes : tuple of Cause
        The three features that moved each score most, the strongest first.
    named : str
        The catalogue match that names the object, which settles its rank at 10; empty if there is none.
    anomaly : str
        In words, in what the last points differ from what was to be expected; empty if in nothing.
    """

    p_real: float
    p_galactic: float
    p_fast: float
    rank: float
    history: tuple[Visit, ...]
    traits: tuple[Trait, ...] = ()
    causes: tuple[Cause, ...] = ()
    named: str = ""
    anomaly: str = ""


@dataclass(frozen=True, slots=True)
class Placement(Record):
    """
    What the policy makes of an object tonight.

    Parameters
    ----------
    stage : str
        A `Stage`.
    queue : str
        A `Queue`.
    because : str
        Why it is there, in words.
    listed : bool
        It belongs to tonight's list; else it is set aside, and can be looked at there.
    notes : tuple of str
        What else a person should know: an anomaly, a window that closes.
    last_useful : str or None
        Last evening date on which the site can still observe it, where that is near; ISO 8601.
    snoozed_until : str or None
        It comes back by itself on this evening; ISO 8601.
    """

    stage: str
    queue: str
    because: str
    listed: bool
    notes: tuple[str, ...] = ()
    last_useful: str | None = None
    snoozed_until: str | None = None


def assistant_rank(p_real: float, p_galactic: float, galactic_weight: float = 0.5) -> float:
    """
    Return the rank: the distance from a certain, extragalactic transient, turned round (Stevance et al. 2025).

    rank = 10 · (1 − d / √(1 + s²)) with d = √((1 − p_real)² + (s · p_galactic)²).

    Parameters
    ----------
    p_real, p_galactic : float
        Probabilities, 0 to 1. A `p_galactic` that is NaN counts as one half.
    galactic_weight : float
        s, 0 or more.

    Returns
    -------
    float
        0 to 10; NaN if `p_real` is.
    """
    galactic = 0.5 if math.isnan(p_galactic) else p_galactic
    distance = math.hypot(1.0 - p_real, galactic_weight * galactic)
    return 10.0 * (1.0 - distance / math.hypot(1.0, galactic_weight))
