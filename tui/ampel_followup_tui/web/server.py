"""The page, its parts, and the connections of its visitors."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import aiohttp_jinja2
import jinja2
import textual_serve
from aiohttp import web
from textual_serve.server import Server, to_int

from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui.web.access import Access
from ampel_followup_tui.web.session import Session

#: Longest name of an observer [characters].
NAME_LENGTH = 40

#: Sizes of letters that can be asked for [pixels].
_SMALLEST_LETTERS, _LARGEST_LETTERS = 8, 40

_HERE = Path(__file__).parent
_ASSETS = {
    "assets": _HERE / "assets",
    "static": Path(textual_serve.__file__).parent / "static",
}


class NightServer(Server):
    """
    Serve the app: a page with a terminal, and for each visitor a process of the app on the same store.

    Parameters
    ----------
    access : Access
        Who may come in.
    arguments : sequence of str
        Of ``ampel-followup tui``, but for the observer.
    variables : mapping of str to str
        For the environment of the app, such as where the store is.
    observer : str, optional
        Who decides here, whoever comes; without it each visitor is asked.
    visitors : int
        How many may be there at a time; each takes the memory of an app.
    """

    def __init__(
        self,
        access: Access,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        *,
        observer: str | None = None,
        visitors: int = 8,
    ) -> None:
        super().__init__("ampel-followup", title="ampel-followup")
        self._access = access
        self._arguments = ("tui", *arguments)
        self._variables = dict(variables)
        self._observer = observer
        self._most = visitors
        self._sessions: set[Session] = set()

    async def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._access.middleware])
        app.on_response_prepare.append(self._access.protect)
        app.on_shutdown.append(self.on_shutdown)
        aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(_HERE / "pages"), autoescape=True)
        app.add_routes(
            [
                web.get("/", self.handle_index),
                web.get("/ws/{observer:.*}", self.handle_websocket),
                web.get("/download/{key}", self.handle_download),
                *(web.static(f"/{name}", folder) for name, folder in _ASSETS.items()),
            ]
        )
        return app

    def serve_on(self, listening: socket.socket) -> None:
        """
        Serve until interrupted or ended; then let all apps leave.

        Parameters
        ----------
        listening : socket
            Listens at the address to be served on.
        """
        # Requests are not logged: the first one of a visitor holds the token.
        with contextlib.redirect_stdout(_Plain(sys.stderr)):
            web.run_app(self._make_app(), sock=listening, access_log=None, print=None, shutdown_timeout=2.0)

    async def handle_index(self, request: web.Request) -> web.Response:
        """Answer with the terminal, or ask first who decides."""
        name = self._name(request.query.get("observer", ""))
        font_size = min(_LARGEST_LETTERS, max(_SMALLEST_LETTERS, to_int(request.query.get("fontsize", ""), 16)))
        page = "terminal.html" if name else "name.html"
        return aiohttp_jinja2.render_template(
            page, request, {"observer": name, "font_size": font_size, "name_length": NAME_LENGTH}
        )

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run an app for a visitor until one of the two leaves."""
        name = self._name(request.match_info["observer"])
        if not name:
            raise web.HTTPBadRequest(text="Say who decides.\n")
        if len(self._sessions) >= self._most:
            raise web.HTTPServiceUnavailable(text="All seats are taken; `serve --visitors` offers more.\n")
        websocket = web.WebSocketResponse(heartbeat=15)
        session = Session(
            (*self._arguments, f"--observer={name}"),
            self._variables,
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=websocket.close,
            downloads=self.download_manager,
        )
        self._sessions.add(session)
        try:
            await websocket.prepare(request)
            width, height = (to_int(request.query.get(side, ""), n) for side, n in (("width", 80), ("height", 24)))
            await session.start(width, height)
            await self._process_messages(websocket, session)
        finally:
            self._sessions.discard(session)
            await session.stop()
            if websocket.prepared:
                await websocket.close()
        return websocket

    async def on_shutdown(self, app: web.Application) -> None:
        """Let all apps leave; their visitors see that the session has ended."""
        await asyncio.gather(*(session.stop() for session in self._sessions))

    def _name(self, asked: str) -> str:
        return self._observer or clean(asked, NAME_LENGTH)


class _Plain(io.TextIOBase):
    """
    What an app that failed leaves behind, without what would steer the terminal of the server.

    Parameters
    ----------
    stream : TextIO
        Where it goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write each line as a line of text."""
        for line in text.splitlines():
            self._stream.write(f"{clean(line, 500)}\n")
        self._stream.flush()
        return len(text)


def listen(host: str, port: int) -> socket.socket:
    """
    Return a socket that listens at an address.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        0 for any that is free.

    Raises
    ------
    FollowupError
        If there is no such address here, or the port is taken or reserved.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            # Whoever reads the address and comes at once waits for the server, and is not turned away.
            listening.listen()
        except OSError:
            listening.close()
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).casefold()
        raise FollowupError(
            f"cannot serve on --host {host} --port {port}: {reason}; another --port, or 0 for any that is free"
        ) from error
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the address of a socket as the beginning of a link."""
    host, port, *_ = listening.getsockname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
