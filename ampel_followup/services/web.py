"""Requests to a service over HTTP, and what its answers mean: done, refused, to be asked again."""

from __future__ import annotations

import email.utils
import ipaddress
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ampel_followup.errors import ServiceError
from ampel_followup.services.credentials import Secret
from ampel_followup.services.retry import PassingError
from ampel_followup.untrusted import clean

# Requests takes as long to import as the rest of a small command.
if TYPE_CHECKING:
    import requests

#: Seconds until a connection must stand, and until the next bytes of an answer must come.
TIMEOUT = (10.0, 60.0)

#: An answer that is not there as a whole after so many times the second of these is given up; so is one of more bytes.
PATIENCE, LARGEST = 5.0, 1 << 24

#: Longest text of an answer that is repeated to people [characters].
_SAID = 200

# Where services built as Lasair is (with the Django REST framework) say what is wrong.
_ERROR_KEYS = ("error", "detail", "message")

_TOO_MANY, _TIMED_OUT, _TOO_EARLY = 429, 408, 425
_UNAUTHORIZED, _FORBIDDEN = 401, 403

# What Python calls an encrypted connection that is cut without a word; busy servers do so before they say who they are.
_CUT_TLS = ("SSLEOFError", "SSLZeroReturnError")

# Nothing is there, or nothing that takes what we post: not found, method not allowed, gone, unsupported media type.
_NO_SUCH_REQUEST = frozenset({404, 405, 410, 415})


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of a service."""

    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """What it says; what is no UTF-8 is replaced."""
        return self.content.decode("utf-8", "replace")

    @property
    def record(self) -> dict[str, Any] | None:
        """The JSON object that it is; None if it is something else."""
        try:
            found = json.loads(self.content)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


class RefusedError(Exception):
    """
    The service understood a request and does not want it: to ask again is of no use.

    Parameters
    ----------
    reason : str
        In words.
    whatever_it_says : bool
        There is no such request at this service: none with another content would be taken either.
    """

    def __init__(self, reason: str, *, whatever_it_says: bool = False) -> None:
        super().__init__(reason)
        self.whatever_it_says = whatever_it_says


class UnknownUserError(ServiceError):
    """The service does not know us, or does not let us do this: whatever else we ask, it will refuse."""


class Web:
    """
    A service over HTTP that answers with JSON objects.

    Parameters
    ----------
    name : str
        How people call it, for messages.
    url : str
        Its address, https; http only for this machine, for anyone on the way could read the secret.
    secret : Secret
        Is taken out of whatever the service says.
    timeout : (float, float)
        See `TIMEOUT`.
    clock : callable
        Returns seconds that only go on.

    Raises
    ------
    ServiceError
        If the address is none.
    """

    def __init__(
        self,
        name: str,
        url: str,
        secret: Secret,
        *,
        timeout: tuple[float, float] = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        import requests

        self.name, self.url = name, _checked_url(name, url)
        self._secret, self._timeout, self._clock = secret, timeout, clock
        self.session = requests.Session()
        # What is not encrypted goes to this machine, and not to it by way of another one.
        parts = urlsplit(self.url)
        self._proxies = {"no_proxy": parts.hostname or ""} if parts.scheme == "http" else {}

    def post(
        self,
        path: str,
        *,
        data: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        auth: Callable[[requests.PreparedRequest], requests.PreparedRequest] | None = None,
        refused: Callable[[Answer], str | None] = lambda _: None,
    ) -> dict[str, Any]:
        """
        Post a form or JSON, and return the object that is the answer.

        Parameters
        ----------
        path : str
            Below the address of the service.
        data, json : optional
            The form, or the JSON.
        headers : mapping of str to str, optional
        auth : callable, optional
            Adds what proves who we are.
        refused : callable, optional
            Recognises errors by which this service means a refusal, and says why.

        Raises
        ------
        RefusedError
            If the service does not want this request.
        UnknownUserError
            If it does not want us.
        PassingError
            If it may want it later.
        ServiceError
            If it is no such service.
        """
        answer = self.request("POST", path, data=data, json=json, headers=headers, auth=auth)
        if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
            raise UnknownUserError(
                f"{self.name} refuses us ({answer.status}: {self._said(answer)}); check the token or password, and "
                "what it may do there"
            )
        if (why := refused(answer)) is not None:
            raise RefusedError(self.clean(why))
        self._check(answer)
        if (record := answer.record) is None:
            raise PassingError(f"the answer is no JSON object: {self._said(answer)!r}")
        return record

    def request(self, method: str, path: str, **options: Any) -> Answer:
        """
        Make one request, without following to other places; see `post`.

        Raises
        ------
        PassingError
            If there is no whole answer.
        ServiceError
            If none can be expected.
        """
        import requests

        try:
            with self.session.request(
                method,
                f"{self.url}/{path}",
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                proxies=self._proxies,
                **options,
            ) as response:
                return Answer(response.status_code, str(response.reason), response.headers, self._content(response))
        except requests.exceptions.SSLError as error:
            if any(words in str(error) for words in _CUT_TLS):
                raise PassingError("the connection was cut", for_all=True) from None
            raise ServiceError(
                f"{self.name} at {self.url} cannot prove who it is ({self.clean(str(error))}); check its address, and "
                "the clock and certificates of this machine"
            ) from None
        except requests.exceptions.Timeout:
            raise PassingError("no answer in time", for_all=True) from None
        except requests.exceptions.ConnectionError as error:
            raise PassingError(_cut(error), for_all=True) from None
        except requests.exceptions.RequestException as error:
            raise ServiceError(
                f"{self.name} cannot be asked at {self.url}: {self.clean(str(error))}; check its address"
            ) from None

    def _content(self, response: requests.Response) -> bytes:
        """Read an answer, which may come drop by drop, or without end."""
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        content, until = bytearray(), self._clock() + PATIENCE * self._timeout[1]
        while True:
            try:
                # What has come, and not so many bytes: whoever waits for those never looks at the clock.
                piece = response.raw.read1(1 << 16, decode_content=True)
            except ReadTimeoutError:
                raise PassingError("no answer in time", for_all=True) from None
            except HTTPError as error:
                raise PassingError(_cut(error), for_all=True) from None
            if not piece:
                return bytes(content)
            content += piece
            if self._clock() > until:
                raise PassingError("no whole answer in time", for_all=True)
            if len(content) > LARGEST:
                raise ServiceError(f"{self.name} at {self.url} answers without end; check its address")

    def _said(self, answer: Answer) -> str:
        """Return what an answer says, as one short line; of a JSON object the error in it."""
        record = answer.record or {}
        found = [record[key] for key in _ERROR_KEYS if key in record]
        return self.clean(str(found[0]) if found else answer.text) or clean(answer.reason)

    def _check(self, answer: Answer) -> None:
        status = answer.status
        if 200 <= status < 300:
            return
        told = f"{status}: {self._said(answer)}"
        if status == _TOO_MANY:
            raise PassingError("too many requests", retry_after=retry_after(answer.headers), for_all=True)
        if passes(status):
            asked = retry_after(answer.headers)
            raise PassingError(f"error {told}", retry_after=asked, for_all=asked is not None)
        if status < 400:
            elsewhere = clean(answer.headers.get("Location", "nowhere"), _SAID)
            raise ServiceError(f"{self.name} is not at {self.url} but at {elsewhere}; name its address with --url")
        raise RefusedError(told, whatever_it_says=status in _NO_SUCH_REQUEST)

    def clean(self, text: str) -> str:
        """Return what a service says as one short line, without the secret."""
        return clean(self._secret.hidden_in(text), _SAID)


def passes(status: int) -> bool:
    """Return True for errors that may be over when one asks again: too many requests, and the service's own."""
    return status in (_TOO_MANY, _TIMED_OUT, _TOO_EARLY) or status >= 500


def retry_after(headers: Mapping[str, str]) -> float | None:
    """
    Return how long a service asks to wait [s]: seconds, or a date that is compared with the service's own clock.

    None where it does not say, or says what makes no sense (RFC 9110, section 10.2.3).
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) < 10 else math.inf
    try:
        until, now = (email.utils.parsedate_to_datetime(text) for text in (value, headers.get("Date", "")))
        return max((until - now).total_seconds(), 0.0)
    except (ValueError, TypeError):  # one of the two is no date, or only one of them has a time zone
        return None


def _checked_url(name: str, url: str) -> str:
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        raise ServiceError(f"{clean(url)!r} is no address of {name}; give one such as https://example.org/api")
    if parts.scheme == "http" and not _this_machine(host):
        raise ServiceError(f"{clean(url)} is not encrypted: others could read the token or password; give https://…")
    return url.strip().rstrip("/")


def _this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _cut(error: Exception) -> str:
    """Say in a few words why there is no answer; the library's own words name objects of Python."""
    text = str(error)
    for words, meaning in (
        ("Connection refused", "nothing answers there"),
        ("Failed to resolve", "its name is not known"),
        ("NameResolutionError", "its name is not known"),
        ("Connection reset", "the connection was cut"),
        ("Remote end closed", "the connection was cut"),
        ("IncompleteRead", "the connection was cut in the middle of the answer"),
        ("timed out", "no answer in time"),
    ):
        if words in text:
            return meaning
    return "the connection failed"
