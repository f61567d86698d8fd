"""The rule of the policy on arrays: which queue every visit of every object puts it into (Stevance et al. 2025)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ampel_followup.assistant_scores import AssistantScores, Queue, Stage, assistant_rank
from ampel_followup.policy import Policy

#: What the codes of `queues_by_visit` and `stages` stand for.
QUEUES, STAGES = tuple(Queue), tuple(Stage)


@dataclass(frozen=True)
class VisitTable:
    """
    The visits of n objects that have a rank, in order of time; m is the largest number of them.

    Parameters
    ----------
    n_visits : ndarray of int64, shape (n,)
        0 for an object without any.
    mjd, day, p_real, p_galactic, p_fast, rank : ndarray, shape (n, m)
        As in `ampel_followup.assistant_scores.Visit`; NaN beyond the visits of an object.
    """

    n_visits: NDArray[np.int64]
    mjd: NDArray[np.float64]
    day: NDArray[np.float64]
    p_real: NDArray[np.float64]
    p_galactic: NDArray[np.float64]
    p_fast: NDArray[np.float64]
    rank: NDArray[np.float64]

    @classmethod
    def of(cls, assistants: Sequence[AssistantScores | None], policy: Policy) -> VisitTable:
        """
        Collect the visits of objects; ranks are computed from the scores with the policy's weight.

        A visit without P(real) has no rank, and says nothing. Where a catalogue match names an object, its last visit
        has the rank that the policy gives for that.
        """
        histories = [
            [v for v in assistant.history if v.p_real == v.p_real] if assistant is not None else []
            for assistant in assistants
        ]
        n_visits = np.array([len(history) for history in histories], dtype=np.int64)
        present = np.arange(n_visits.max(initial=0)) < n_visits[:, np.newaxis]
        weight = policy.galactic_weight
        visits = [
            (v.mjd, v.day, v.p_real, v.p_galactic, v.p_fast, assistant_rank(v.p_real, v.p_galactic, weight))
            for history in histories
            for v in history
        ]
        columns = np.full((6, *present.shape), np.nan)
        columns[:, present] = np.array(visits, dtype=np.float64).reshape(-1, 6).T
        rank = columns[5]
        named = np.array([assistant is not None and bool(assistant.named) for assistant in assistants], dtype=bool)
        rows = np.flatnonzero(named & (n_visits > 0))
        rank[rows, n_visits[rows] - 1] = policy.named_rank
        return cls(n_visits, *columns)

    def last(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the last visit's value of a column of the table, shape (n,); NaN for an object without visits."""
        padded = np.concatenate([np.full((len(self.n_visits), 1), np.nan), column], axis=1)
        return np.asarray(padded[np.arange(len(self.n_visits)), self.n_visits])

    @cached_property
    def mean_rank(self) -> NDArray[np.float64]:
        """Mean of the ranks up to each visit, shape (n, m); beyond the last visit it stands for nothing."""
        return np.asarray(np.cumsum(np.nan_to_num(self.rank), axis=1) / self._number)

    @cached_property
    def max_rank(self) -> NDArray[np.float64]:
        """Highest rank up to each visit, shape (n, m); beyond the last visit it stands for nothing."""
        return np.asarray(np.fmax.accumulate(self.rank, axis=1))

    @property
    def _number(self) -> NDArray[np.int64]:
        return np.arange(1, self.rank.shape[1] + 1)


def galactic_distance(
    p_real: NDArray[np.float64], p_galactic: NDArray[np.float64], policy: Policy
) -> NDArray[np.float64]:
    """
    Return how far scores are from those of a certain galactic source.

    √((1 − p_real)² + (axis · (1 − p_galactic))²)

    Parameters
    ----------
    p_real, p_galactic : ndarray, any shape
        Probabilities.
    policy : Policy

    Returns
    -------
    ndarray, the same shape
        NaN where a score is.
    """
    across = policy.galactic.axis * (1.0 - p_galactic)
    return np.asarray(np.sqrt((1.0 - p_real) ** 2 + across**2))


def queues_by_visit(visits: VisitTable, age: NDArray[np.float64], policy: Policy) -> NDArray[np.int8]:
    """
    Return the queue that each visit puts its object into, by the visits up to then.

    The first of these that applies:

    1. a rank above `eyeball.above` (at this visit): extragalactic, or urgent if it is also fast and not yet long-term;
    2. galactic candidate, by the scores of this visit: galactic;
    3. discarded, by the visits so far: garbage. So a later visit with a rank to look at brings an object back;
    4. old enough for a person to decide: purgatory;
    5. wait.

    Parameters
    ----------
    visits : VisitTable
        n objects, at most m visits each.
    age : ndarray, shape (n, m) or (n, 1)
        Days since the first detection: `visits.day` to replay a history as it came, tonight's age for tonight.
    policy : Policy

    Returns
    -------
    ndarray of int8, shape (n, m)
        Index into `QUEUES`; beyond the last visit it stands for nothing.
    """
    number = np.arange(1, visits.rank.shape[1] + 1)
    eyeball = visits.rank > policy.eyeball.above
    urgent = eyeball & (visits.p_fast > policy.urgent.p_fast_above) & (age <= policy.stages.updating_until)
    galactic = galactic_distance(visits.p_real, visits.p_galactic, policy) < policy.galactic.within
    discarded = np.where(
        number == 1,
        visits.rank < policy.discard.entry_below,
        np.where(
            number == 2,
            visits.max_rank < policy.discard.second_max_below,
            visits.mean_rank < policy.discard.later_mean_below,
        ),
    )
    unresolved = np.broadcast_to(age >= policy.purgatory.from_age, eyeball.shape)
    conditions = [urgent, eyeball, galactic, discarded, unresolved]
    answers = [Queue.URGENT, Queue.EXTRAGALACTIC, Queue.GALACTIC, Queue.GARBAGE, Queue.PURGATORY]
    codes = [np.int8(QUEUES.index(queue)) for queue in answers]
    return np.select(conditions, codes, np.int8(QUEUES.index(Queue.WAIT)))


def stages(age: NDArray[np.float64], policy: Policy) -> NDArray[np.int8]:
    """Return the stage at an age [d], any shape: index into `STAGES`; an age that is NaN is that of a first alert."""
    return ((age > policy.stages.first_until).astype(np.int8) + (age > policy.stages.updating_until)).astype(np.int8)
