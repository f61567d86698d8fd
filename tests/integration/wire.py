"""A connection to a database server that lets a test act at an exact moment, such as the tenth claim of a document."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import bson

_HEADER = 16
_OP_MSG = 2013


@dataclass(frozen=True, slots=True)
class Moment:
    """
    The `count`-th command of its kind on a collection.

    Parameters
    ----------
    command : str
        MongoDB's name of it, such as ``findAndModify``.
    collection : str
    count : int
        From 1.
    done : bool
        True: when the server has done it, before the client hears of it. False: before the server hears of it.
    """

    command: str
    collection: str
    count: int
    done: bool


class Wire:
    """
    Passes on all that a client and the server on `port` say, and calls `act` once, at `moment`.

    Parameters
    ----------
    port : int
        Of the server, on loopback.
    moment : Moment
    act : callable
        What happens then, such as the end of the server; all that goes over this wire waits for it.
    cut : bool
        Whether the wire is cut then, before the one who waits hears more.
    """

    def __init__(self, port: int, moment: Moment, act: Callable[[], object], *, cut: bool = True) -> None:
        self._port, self._moment, self._act, self._cut = port, moment, act, cut
        self._left = moment.count
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def uri(self) -> str:
        """What clients connect to."""
        return f"mongodb://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def acted(self) -> bool:
        """Whether the moment came."""
        return self._left <= 0

    def close(self) -> None:
        """Cut all connections, and take no more."""
        for each in (self._listener, *self._sockets):
            # What waits for a message must hear of it.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [client, server]
                threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """Pass requests on and answers back, in turn, as the protocol has it."""
        with suppress(OSError), client, server:
            while (request := _message(client)) is not None:
                now = self._is_moment(request)
                if now and not self._moment.done and self._stops():
                    return
                server.sendall(request)
                answer = _message(server)
                if answer is None or (now and self._moment.done and self._stops()):
                    return
                client.sendall(answer)

    def _stops(self) -> bool:
        """Act, and cut the wire if that is wanted."""
        self._act()
        if self._cut:
            self.close()
        return self._cut

    def _is_moment(self, request: bytes) -> bool:
        if int.from_bytes(request[12:16], "little") != _OP_MSG:
            return False
        start = _HEADER + 5  # flags, and the kind of the first section: a document
        size = int.from_bytes(request[start : start + 4], "little")
        command, collection = next(iter(bson.decode(request[start : start + size]).items()))
        if (command, collection) != (self._moment.command, self._moment.collection):
            return False
        with self._lock:
            self._left -= 1
            return self._left == 0


def _message(source: socket.socket) -> bytes | None:
    """Return the next message; None where there is none."""
    header = _exactly(source, _HEADER)
    if header is None:
        return None
    body = _exactly(source, int.from_bytes(header[:4], "little") - _HEADER)
    return None if body is None else header + body


def _exactly(source: socket.socket, size: int) -> bytes | None:
    parts = b""
    while len(parts) < size:
        part = source.recv(size - len(parts))
        if not part:
            return None
        parts += part
    return parts
