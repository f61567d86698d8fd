"""When to ask a service again, and when to give up: exponential waits with jitter, and what the service asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Backoff:
    """
    How patiently a service is asked again.

    The k-th wait is `first`·2^(k−1), no longer than `longest`, times a random number from ½ to 1, so that many clients
    which a service dropped together do not come back together. A service that says how long to wait is taken at its
    word.

    Parameters
    ----------
    attempts : int
        Times that one request is tried at most, at least 1.
    first, longest : float
        First wait, and the longest without a word of the service [s].
    patience : float
        Waits of one request in all [s]: whoever is asked for more gives up at once.
    """

    attempts: int = 6
    first: float = 1.0
    longest: float = 60.0
    patience: float = 300.0


class PassingError(Exception):
    """
    What may be over when the service is asked again: no answer, too many requests, an error of its own.

    Parameters
    ----------
    reason : str
        In words.
    retry_after : float, optional
        How long the service asks to wait [s]; None where it does not say.
    for_all : bool
        Another request would fare no better now: nobody is there, or there were too many.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None, for_all: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.for_all = reason, retry_after, for_all


def persist(
    operation: Callable[[int], Result],
    backoff: Backoff,
    rng: np.random.Generator,
    sleep: Callable[[float], None],
) -> Result:
    """
    Do something until it succeeds, fails for good, or patience is at its end.

    Parameters
    ----------
    operation : callable
        Is given the number of the attempt, from 1; raises `PassingError` where another attempt makes sense.
    backoff : Backoff
    rng : numpy.random.Generator
        Makes the jitter.
    sleep : callable
        Waits so many seconds.

    Raises
    ------
    PassingError
        Of the last attempt.
    """
    from tenacity import RetryCallState, Retrying, retry_if_exception_type

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        usual = min(backoff.first * 2.0 ** (state.attempt_number - 1), backoff.longest)
        asked = error.retry_after if isinstance(error, PassingError) else None
        jitter = rng.uniform(0.5, 1.0)
        return float(usual * jitter if asked is None else asked + backoff.first * jitter)

    def give_up(state: RetryCallState) -> bool:
        patient = state.idle_for + state.upcoming_sleep <= backoff.patience
        return state.attempt_number >= backoff.attempts or not patient

    retrying = Retrying(retry=retry_if_exception_type(PassingError), wait=wait, stop=give_up, sleep=sleep, reraise=True)
    for attempt in retrying:
        with attempt:
            return operation(attempt.retry_state.attempt_number)
    raise AssertionError("an attempt returns or raises")
