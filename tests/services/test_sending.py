"""Of many messages in one request those that are refused are found with few requests, and all others arrive."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.services.messages import Message, Sent
from ampel_followup.services.sending import Circumstances, Delivery, deliver
from ampel_followup.services.web import RefusedError


@dataclass
class Service:
    """Takes or refuses a request as a whole, and remembers how many there were."""

    unwanted: Collection[int]
    requests: int = 0
    taken: list[int] = field(default_factory=list)

    def post(self, messages: Sequence[Message], attempt: int) -> None:
        self.requests += 1
        numbers = [message.content["number"] for message in messages]
        if not set(numbers).isdisjoint(self.unwanted):
            raise RefusedError("not this one")
        self.taken += numbers


class Record:
    """What was sent, in memory."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def add(self, messages: Iterable[Sent]) -> None:
        self.sent += messages

    def latest(self, service: str) -> dict[str, Sent]:
        return {message.subject: message for message in self.sent}


def told(service: Service, n: int, batch: int) -> Delivery:
    messages = [Message("annotate", str(i), str(i), "2018-08-20", {"number": i}) for i in range(n)]
    world = Circumstances(np.random.default_rng(1), lambda _: None, lambda: datetime(2026, 11, 28, tzinfo=UTC))
    record = Record()
    delivery = deliver(messages, service.post, record, "https://example.org", world, batch=batch)  # type: ignore[arg-type]
    assert [int(sent.target) for sent in record.sent] == service.taken
    return delivery


@pytest.mark.parametrize("n", [2, 3, 7, 50])
def test_one_that_is_refused_is_found_by_halves(n: int) -> None:
    for unwanted in range(n):
        service = Service({unwanted})
        delivery = told(service, n, batch=50)
        assert [problem.target for problem in delivery.problems] == [str(unwanted)]
        assert delivery.sent.total() == n - 1
        assert service.requests <= 1 + 2 * math.ceil(math.log2(n))


@pytest.mark.parametrize(
    ("unwanted", "most"),
    [(range(50), 60), (range(0, 50, 2), 65), (range(25), 60), (range(0, 50, 25), 25), ([], 1)],
    ids=["all", "every second", "half", "two", "none"],
)
def test_where_many_are_refused_it_takes_few_more_requests_than_messages(unwanted: Sequence[int], most: int) -> None:
    service = Service(unwanted)
    assert len(told(service, 50, batch=50).problems) == len(unwanted)
    assert service.requests <= most


@settings(max_examples=60)
@given(n=st.integers(1, 60), batch=st.integers(1, 60), unwanted=st.sets(st.integers(0, 59)))
def test_whatever_is_refused_all_else_arrives_once_and_in_order(n: int, batch: int, unwanted: set[int]) -> None:
    service = Service(unwanted)
    delivery = told(service, n, batch)
    assert service.taken == [i for i in range(n) if i not in unwanted]
    assert [int(problem.target) for problem in delivery.problems] == sorted(i for i in unwanted if i < n)
    assert all(problem.refused for problem in delivery.problems)
    assert (delivery.left, delivery.stopped) == (0, "")
    assert service.requests <= 2 * n - math.ceil(n / batch)
