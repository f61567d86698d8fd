"""Services are asked again patiently, not all at once, and not for ever."""

from __future__ import annotations

import itertools
import math
import socket
import threading

import numpy as np
import pytest
from faulty_server import Fault
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.errors import ServiceError
from ampel_followup.services.credentials import Secret, find_secret
from ampel_followup.services.retry import Backoff, PassingError, persist
from ampel_followup.services.web import Web, retry_after


def attempts(errors: list[PassingError], backoff: Backoff, seed: int = 0) -> tuple[list[float], int, bool]:
    """Waits, attempts, and whether it came to a good end, of an operation that fails so and then succeeds."""
    waits: list[float] = []
    numbers: list[int] = []

    def operation(number: int) -> str:
        numbers.append(number)
        if len(numbers) <= len(errors):
            raise errors[len(numbers) - 1]
        return "done"

    try:
        done = persist(operation, backoff, np.random.default_rng(seed), waits.append) == "done"
    except PassingError as error:
        assert error is errors[len(numbers) - 1]
        done = False
    assert numbers == list(range(1, len(numbers) + 1))
    return waits, len(numbers), done


@given(
    n=st.integers(0, 12),
    allowed=st.integers(1, 10),
    first=st.floats(0.01, 10),
    longest=st.floats(0.01, 100),
    seed=st.integers(0, 2**32),
)
def test_waits_double_up_to_the_longest_with_jitter(
    n: int, allowed: int, first: float, longest: float, seed: int
) -> None:
    backoff = Backoff(attempts=allowed, first=first, longest=longest, patience=math.inf)
    waits, tried, done = attempts([PassingError("away")] * n, backoff, seed)
    assert done is (n < allowed)
    assert tried == min(n + 1, allowed)
    assert len(waits) == tried - 1
    for number, wait in enumerate(waits):
        usual = min(first * 2**number, longest)
        assert usual / 2 <= wait <= usual


@given(patience=st.floats(0, 1000), asked=st.lists(st.floats(0, 500), min_size=1, max_size=8))
def test_patience_is_never_exceeded_and_the_service_is_taken_at_its_word(patience: float, asked: list[float]) -> None:
    errors = [PassingError("busy", retry_after=seconds) for seconds in asked]
    waits, tried, done = attempts(errors, Backoff(attempts=100, first=0.5, patience=patience))
    assert math.fsum(waits) <= patience + 1e-6
    assert done or tried <= len(asked)
    for wait, seconds in zip(waits, asked, strict=False):
        assert seconds <= wait <= seconds + 0.5


def test_clients_that_were_dropped_together_do_not_come_back_together() -> None:
    first = {attempts([PassingError("away")], Backoff(), seed)[0][0] for seed in range(20)}
    assert len(first) == 20


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "9" * 400}, math.inf),
        ({"Retry-After": "Sat, 28 Nov 2026 15:00:30 GMT", "Date": "Sat, 28 Nov 2026 15:00:00 GMT"}, 30.0),
        ({"Retry-After": "Sat, 28 Nov 2026 14:00:00 GMT", "Date": "Sat, 28 Nov 2026 15:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sat, 28 Nov 2026 15:00:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_what_a_service_asks_for_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@given(st.text(), st.text())
def test_a_header_that_makes_no_sense_asks_for_nothing(value: str, date: str) -> None:
    seconds = retry_after({"Retry-After": value, "Date": date})
    assert seconds is None or seconds >= 0.0


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.org/api", "not encrypted"),
        ("ftp://example.org", "no address"),
        ("example.org/api", "no address"),
        ("https://", "no address"),
        ("https://ada:secret@example.org", "no address"),
        ("", "no address"),
    ],
)
def test_an_address_to_which_no_secret_may_go_is_refused(url: str, message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        Web("Lasair", url, Secret("s3cret"))


@pytest.mark.parametrize(
    "url", ["https://example.org/api/", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost"]
)
def test_other_addresses_are_taken(url: str) -> None:
    assert Web("Lasair", url, Secret("s3cret")).url == url.rstrip("/")


def test_an_answer_that_does_not_end_is_given_up(lasair) -> None:
    lasair.faults.append(Fault("flood"))
    with pytest.raises(ServiceError, match="answers without end"):
        Web("Lasair", lasair.url, Secret("s3cret")).request("GET", "annotate/")


@pytest.mark.parametrize("kind", ["flood", "drip"])
def test_an_answer_that_comes_drop_by_drop_is_given_up(kind: str, lasair) -> None:
    lasair.faults.append(Fault(kind))
    clock = itertools.count(0.0, 100.0)
    with pytest.raises(PassingError, match="no whole answer in time"):
        Web("Lasair", lasair.url, Secret("s3cret"), timeout=(5.0, 60.0), clock=lambda: next(clock)).request("GET", "x")


def test_an_encrypted_connection_that_is_cut_is_tried_again_and_another_protocol_is_not(lasair) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)

        thread = threading.Thread(target=cut)
        thread.start()
        web = Web("Lasair", f"https://127.0.0.1:{server.getsockname()[1]}", Secret("s3cret"), timeout=(5.0, 5.0))
        with pytest.raises(PassingError, match="the connection was cut"):
            web.request("GET", "x")
        thread.join()
    with pytest.raises(ServiceError, match="cannot prove who it is"):
        Web("Lasair", lasair.url.replace("http:", "https:"), Secret("s3cret"), timeout=(5.0, 5.0)).request("GET", "x")


def test_what_is_not_encrypted_stays_on_this_machine(lasair, tom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", tom.root)
    monkeypatch.setenv("http_proxy", tom.root)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert Web("Lasair", lasair.url, Secret("s3cret")).request("GET", "x").status == 404
    assert (len(lasair.requests), tom.requests) == (1, [])


def test_secrets_come_from_a_file_or_the_environment(tmp_path, monkeypatch) -> None:
    file = tmp_path / "token"
    file.write_text("  abc123 \nsecond line\n")
    monkeypatch.setenv("OUR_TOKEN", "from-environment")
    assert find_secret("token", "OUR_TOKEN", file).value == "abc123"
    assert find_secret("token", "OUR_TOKEN").value == "from-environment"
    assert "abc123" not in repr(find_secret("token", "OUR_TOKEN", file))


@pytest.mark.parametrize(
    "content", [b"", b"\n abc", b"\xff\xfe\x00", "t\N{LATIN SMALL LETTER O WITH DIAERESIS}k\n".encode()]
)
def test_a_file_without_a_secret_is_refused_and_not_repeated(content: bytes, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("OUR_TOKEN", raising=False)
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ServiceError, match="token") as refused:
        find_secret("token", "OUR_TOKEN", file)
    assert "t\N{LATIN SMALL LETTER O WITH DIAERESIS}k" not in str(refused.value)
    with pytest.raises(ServiceError, match="no token"):
        find_secret("token", "OUR_TOKEN")
    with pytest.raises(ServiceError, match="No such file"):
        find_secret("token", "OUR_TOKEN", tmp_path / "nowhere")
