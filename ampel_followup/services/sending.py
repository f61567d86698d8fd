"""Messages sent once each: what is known is left out, what arrives is recorded at once, what fails is said."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ampel_followup.errors import ServiceError
from ampel_followup.records import Record
from ampel_followup.services.messages import Message, Sent, canonical
from ampel_followup.services.retry import Backoff, PassingError, Result, persist
from ampel_followup.services.web import RefusedError

if TYPE_CHECKING:
    import numpy as np

    from ampel_followup.store.sent_table import SentRecords

#: Requests in a row that may fail by errors of the service, each after all attempts, before the rest is left for later.
_FAILURES_IN_A_ROW = 3

#: So many refused messages, if they are that share of all so far, make each further one go alone: where many are
#: refused, to look for them by halves takes up to twice as many requests as there are messages.
_MANY_REFUSED, _SHARE_REFUSED = 3, 0.25


@dataclass(frozen=True, slots=True)
class Problem(Record):
    """A message that did not arrive: `refused` tells a service that does not want it from one that had trouble."""

    action: str
    target: str
    reason: str
    refused: bool


@dataclass(slots=True)
class Delivery:
    """
    What became of messages.

    Parameters
    ----------
    service : str
        Address of the service.
    sent : Counter
        Messages that arrived, by action.
    unchanged : int
        Messages that the service knew already.
    problems : list of Problem
        Those that did not arrive.
    left : int
        Those that were not tried, because the service gave no hope.
    stopped : str
        Why not, in words; empty if all were tried.
    """

    service: str
    sent: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    left: int = 0
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """True if the service knows everything now."""
        return not (self.problems or self.left)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "service": self.service,
            "sent": dict(sorted(self.sent.items())),
            "unchanged": self.unchanged,
            "problems": [problem.to_dict() for problem in self.problems],
            "left": self.left,
            "stopped": self.stopped,
        }


@dataclass(frozen=True, slots=True)
class Circumstances:
    """
    What the world gives: how patient we are, chance, and time.

    Parameters
    ----------
    rng : numpy.random.Generator
        Makes the jitter of the waits.
    sleep : callable
        Waits so many seconds.
    now : callable
        Returns the time, UTC.
    backoff : Backoff
    progress : callable, optional
        Called with the number of messages done and in all.
    """

    rng: np.random.Generator
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    backoff: Backoff = field(default_factory=Backoff)
    progress: Callable[[int, int], object] = lambda done, total: None

    @classmethod
    def of_this_machine(
        cls, patience: float, progress: Callable[[int, int], object] = lambda done, total: None
    ) -> Circumstances:
        """
        Return those of the real world.

        The jitter has no seed: machines that a service dropped together must not come back together.

        Parameters
        ----------
        patience : float
            See `ampel_followup.services.retry.Backoff`.
        progress : callable, optional
        """
        import numpy as np

        return cls(np.random.default_rng(), time.sleep, lambda: datetime.now(UTC), Backoff(patience=patience), progress)


#: Sends messages in one request; is given them, and the number of the attempt, from 1. Raises `RefusedError`,
#: `PassingError`, or a `ServiceError` that ends everything.
Post = Callable[[Sequence[Message], int], object]


@dataclass(frozen=True, slots=True)
class Preview:
    """
    What `deliver` would send.

    Parameters
    ----------
    service : str
        Address of the service.
    messages : list of Message
        Those that it does not know yet, or knows with another content.
    unchanged : int
        Messages that it knows already.
    """

    service: str
    messages: list[Message]
    unchanged: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        would_send = [message.to_dict() for message in self.messages]
        return {"service": self.service, "would_send": would_send, "unchanged": self.unchanged}


def preview(messages: Sequence[Message], record: SentRecords, service: str, again: Collection[str] = ()) -> Preview:
    """Say what `deliver` would send, and send nothing; see there."""
    latest = record.latest(service)
    new = [m for m in messages if m.subject in again or not m.says_the_same_as(latest.get(m.subject))]
    return Preview(service, new, len(messages) - len(new))


def deliver(
    messages: Sequence[Message],
    post: Post,
    record: SentRecords,
    service: str,
    circumstances: Circumstances,
    *,
    together: Callable[[Message], bool] = lambda message: True,
    batch: int = 1,
    again: Collection[str] = (),
) -> Delivery:
    """
    Send what a service does not know yet, one request after the other.

    Each message is recorded as soon as the service has confirmed it: whoever is stopped at any moment, and starts
    again, repeats one request at most. A message that is refused, or fails after all attempts, does not keep the others
    back; but after one request without any answer, one of a kind that the service does not know, or several errors in a
    row, the rest is left for later.

    Parameters
    ----------
    messages : sequence of Message
    post : callable
        See `Post`.
    record : SentRecords
        What arrived before, and will have arrived.
    service : str
        Address of the service.
    circumstances : Circumstances
    together : callable
        Which messages may go in one request. If such a request is refused, it is sent again by halves until those are
        found that the service does not want: one of n costs 1 + 2⌈log₂ n⌉ requests at most. Where it fails, where many
        are refused, and where there is no request for many, each message is sent alone.
    batch : int
        So many at most, at least 1.
    again : collection of str
        Subjects of which the service has forgotten what it was told: their messages are sent whatever arrived before.

    Returns
    -------
    Delivery

    Raises
    ------
    ServiceError
        If the service does not know us, or is none.
    StoreError
        If what was sent cannot be recorded.
    """
    ahead = preview(messages, record, service, again)
    new, delivery = ahead.messages, Delivery(service, unchanged=ahead.unchanged)
    joint = [message for message in new if together(message)]
    waiting = deque(joint[i : i + batch] for i in range(0, len(joint), batch))
    waiting += [[message] for message in new if not together(message)]
    failures = refusals = done = 0
    while waiting:
        group = waiting.popleft()
        if len(group) > 1 and refusals >= max(_MANY_REFUSED, _SHARE_REFUSED * done):
            waiting.extendleft(reversed(_parts(group, len(group))))
            continue
        try:
            persist(lambda attempt, group=group: post(group, attempt), *_means(circumstances))  # type: ignore[misc]
        except (RefusedError, PassingError) as error:
            refused = isinstance(error, RefusedError)
            hopeless = error.whatever_it_says if isinstance(error, RefusedError) else error.for_all
            if len(group) > 1 and (refused or not hopeless):
                waiting.extendleft(reversed(_parts(group, 2 if refused and not hopeless else len(group))))
                if refused and hopeless:  # nor would it take the other joint requests
                    waiting = deque([message] for joint in waiting for message in joint)
                continue
            delivery.problems += [Problem(m.action, m.target, str(error), refused) for m in group]
            failures, refusals = (0, refusals + 1) if refused else (failures + 1, refusals)
            if hopeless or failures == _FAILURES_IN_A_ROW:
                delivery.stopped = _why(error)
                delivery.left = sum(map(len, waiting))
                break
        else:
            failures = 0
            confirmed = circumstances.now().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            record.add(
                Sent(service, m.action, m.subject, m.target, m.night, confirmed, canonical(m.content)) for m in group
            )
            delivery.sent.update(m.action for m in group)
        done += len(group)
        circumstances.progress(done, len(new))
    return delivery


def _parts(group: list[Message], n: int) -> list[list[Message]]:
    """Return a group in n parts, alike in length to one message."""
    ends = [len(group) * i // n for i in range(n + 1)]
    return [group[start:end] for start, end in pairwise(ends)]


def _means(
    circumstances: Circumstances,
) -> tuple[Backoff, np.random.Generator, Callable[[float], None]]:
    return circumstances.backoff, circumstances.rng, circumstances.sleep


def _why(error: Exception) -> str:
    if isinstance(error, RefusedError) and error.whatever_it_says:
        return f"{error}: there is nothing that takes it; is the address right?"
    if isinstance(error, PassingError) and error.retry_after is not None:
        return f"{error.reason}; it asks to come back in {error.retry_after:.0f} s"
    return str(error)


def insist(operation: Callable[[int], Result], name: str, circumstances: Circumstances) -> Result:
    """
    Ask a service for something without which nothing can be done.

    Raises
    ------
    ServiceError
        If it does not answer, after all attempts, or refuses.
    """
    try:
        return persist(operation, *_means(circumstances))
    except RefusedError as error:
        raise ServiceError(f"{name} refuses what it was asked: {error}") from None
    except PassingError as error:
        raise ServiceError(f"{name} does not answer ({_why(error)}); try again later") from None
