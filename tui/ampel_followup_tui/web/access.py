"""Who may see the page: this machine only, or whoever has the token; and no other page on a visitor's behalf."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from ampel_followup.errors import FollowupError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Shorter ones can be guessed.
SHORTEST_TOKEN = 16

#: What is the same in a link and out of it.
_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")

_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe())" makes one'

#: Scripts, styles, fonts and connections of this page's own host only, and no frame around it. The terminal sets styles
#: of its own.
_CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self' ws://{host} wss://{host}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def is_loopback(host: str) -> bool:
    """
    Return whether a name or address always means this machine.

    Parameters
    ----------
    host : str
        Name or address, IPv6 with or without brackets.
    """
    name = host.removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.casefold() == "localhost"


class Access:
    """
    The rules of the door.

    Without a token the page is for this machine: it is served on a loopback address, and only under a name that always
    means this machine, so that no foreign name which an attacker points here opens it. With a token every request must
    bring it, once in the link, from then on as a cookie that is made of it. In both cases the connection to the app is
    opened by the page itself, never by another one that the visitor has open.

    Parameters
    ----------
    host : str
        Name or address to be served on.
    token : str, optional
        What visitors must know.

    Raises
    ------
    FollowupError
        If others than this machine could come and there is no token, or the token is too short or does not fit into a
        link.
    """

    def __init__(self, host: str, token: str | None) -> None:
        if token is None:
            if not is_loopback(host):
                raise FollowupError(
                    f"--host {host} can be reached from other machines: set AMPEL_FOLLOWUP_TOKEN to a secret that "
                    f"visitors need ({_MAKE_ONE}), or serve on 127.0.0.1"
                )
        elif len(token) < SHORTEST_TOKEN or not _PLAIN.fullmatch(token):
            # The token itself is not repeated: messages are kept.
            raise FollowupError(
                f"the token must be {SHORTEST_TOKEN} or more of A-Z a-z 0-9 . _ ~ -, this one has {len(token)} "
                f"characters; {_MAKE_ONE}"
            )
        self._token = token
        self._cookie = hmac.new(token.encode(), b"ampel-followup", hashlib.sha256).hexdigest() if token else ""

    @property
    def is_open(self) -> bool:
        """True if no token is asked for."""
        return self._token is None

    def refusal(self, request: web.Request) -> web.HTTPException | None:
        """Return why a request is refused, or None if it is not."""
        host, origin = request.host, request.headers.get("Origin")
        if self.is_open and not is_loopback(_name(host)):
            return web.HTTPForbidden(text="Open this page as 127.0.0.1 or localhost.\n")
        if origin is None and request.headers.get("Upgrade"):
            return web.HTTPForbidden(text="Only the page itself opens this connection.\n")
        if origin is not None and origin.partition("://")[2] != host:
            return web.HTTPForbidden(text="Another page asked for this one; open it by its own address.\n")
        if not (self._has_cookie(request) or self._has_link(request)):
            return web.HTTPUnauthorized(text="Open this page by its link, with ?token= and the token at the end.\n")
        return None

    def _has_cookie(self, request: web.Request) -> bool:
        return self.is_open or _same(request.cookies.get(self._cookie_name(request), ""), self._cookie)

    def _has_link(self, request: web.Request) -> bool:
        return self._token is not None and _same(request.query.get("token", ""), self._token)

    @staticmethod
    def _cookie_name(request: web.Request) -> str:
        # Cookies know no ports: two nights served on one machine must not log each other out.
        return f"ampel-followup-{urlsplit(f'//{request.host}').port or 0}"

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse, or answer and let the visitor in from now on."""
        if (refusal := self.refusal(request)) is not None:
            raise refusal
        response = await handler(request)
        if self._has_link(request) and not response.prepared:
            response.set_cookie(
                self._cookie_name(request),
                self._cookie,
                httponly=True,
                samesite="Strict",
                secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
            )
        return response

    async def protect(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that keep a browser from asking elsewhere, and from telling elsewhere."""
        response.headers["Content-Security-Policy"] = _CONTENT.format(host=_header_safe(request.host))
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers.setdefault("Cache-Control", "no-store")


def _name(host: str) -> str:
    """Return a `Host` header without its port; empty for one that makes no sense."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _header_safe(host: str) -> str:
    return host if re.fullmatch(r"[A-Za-z0-9.:\[\]_-]+", host) else "invalid"


def _same(given: str, wanted: str) -> bool:
    """Compare in a time that says nothing about how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
