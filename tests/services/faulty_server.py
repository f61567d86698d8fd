"""A server on loopback that misbehaves when it is told to."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Self
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Fault:
    """
    What happens to one request instead of what should.

    kind: ``answer`` (as given below), ``silence`` (no answer until the client goes), ``drop`` (the connection is cut
    without one), ``cut`` (in the middle of it), ``flood`` (more and more of it), ``drip`` (a byte now and then, of an
    answer that says how long it is). lost: the request is carried out
    all the same.
    """

    kind: str = "answer"
    status: int = 500
    body: str = "<h1>Server Error (500)</h1>"
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {key: values[-1] for key, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cookies(self) -> dict[str, str]:
        return {key: morsel.value for key, morsel in SimpleCookie(self.headers.get("Cookie", "")).items()}


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


class FaultyServer:
    """Answers by its method `answer`, unless `faults` has something else for the next request to `faulty_path`."""

    faulty_path = "/"

    def __init__(self) -> None:
        self.faults: deque[Fault | None] = deque()
        self.requests: list[Request] = []
        self._lock = threading.Condition()
        self._closing = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server._serve(self, Request(self.command, self.path, dict(self.headers), body))

            def log_message(self, *_: object) -> None:
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def wait_for_requests(self, n: int) -> None:
        """Wait until n requests have come."""
        with self._lock:
            assert self._lock.wait_for(lambda: len(self.requests) >= n, timeout=60.0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _serve(self, handler: http.server.BaseHTTPRequestHandler, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            self._lock.notify_all()
            fault = self.faults.popleft() if self.faults and request.path.startswith(self.faulty_path) else None
            answer = self.answer(request) if fault is None or fault.lost else None
        handler.close_connection = True
        if fault is not None and fault.kind == "silence":
            self._closing.wait(10.0)
        elif fault is not None and fault.kind == "drop":
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif fault is not None and fault.kind == "flood":
            _flood(handler)
        elif fault is not None and fault.kind == "drip":
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            with contextlib.suppress(OSError):
                while not self._closing.wait(0.02):
                    handler.wfile.write(b"{")
        elif fault is not None and fault.kind == "cut":
            _write(handler, 200, b'{"status": "succ', {"Content-Type": "application/json"}, length=500)
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif fault is not None:
            _write(handler, fault.status, fault.body.encode(), {"Content-Type": "text/html", **fault.headers})
        elif answer is not None:
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            kind = "text/plain" if isinstance(answer.body, str) else "application/json"
            _write(handler, answer.status, text.encode(), [("Content-Type", kind), *answer.headers])


def _flood(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()  # no length: it ends when the connection does
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(bytes(1 << 20))


def _write(
    handler: http.server.BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    headers: Mapping[str, str] | list[tuple[str, str]],
    length: int | None = None,
) -> None:
    handler.send_response(status)
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()
