"""Who the page lets in, what it hands out, and what becomes of its apps."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import typer
from aiohttp.test_utils import TestClient, TestServer
from sample_night import until
from serving import serving
from textual_serve.download_manager import DownloadManager
from typer.testing import CliRunner

from ampel_followup.errors import FollowupError
from ampel_followup.store import Store
from ampel_followup_tui.web.access import Access, is_loopback
from ampel_followup_tui.web.command import serve
from ampel_followup_tui.web.server import NightServer
from ampel_followup_tui.web.session import Session

TOKEN = "a-token-of-more-than-16"
PAGES = ["/", "/?observer=ada", "/static/js/textual.js", "/assets/page.js", "/download/1", "/ws/ada", "/nowhere"]


@asynccontextmanager
async def client(
    store: str = "nowhere.sqlite", token: str | None = None, **options: Any
) -> AsyncIterator[TestClient[Any, Any]]:
    """A browser without a screen, at the door of a server."""
    server = NightServer(Access("127.0.0.1", token), [], {"AMPEL_FOLLOWUP_STORE": store}, **options)
    async with TestClient(TestServer(await server._make_app(), host="127.0.0.1")) as asking:
        yield asking


def origin(asking: TestClient[Any, Any]) -> str:
    return str(asking.make_url("/")).rstrip("/")


def invoke(*arguments: str) -> BaseException | None:
    app = typer.Typer()
    app.command()(serve)
    return CliRunner().invoke(app, arguments).exception


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_this_machine_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert Access(host, None).is_open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "localhost.evil.org", "telescope", ""])
def test_other_machines_need_a_token_and_the_message_says_how(store: Store, host: str) -> None:
    error = invoke("--store", store.url, "--host", host)
    assert isinstance(error, FollowupError)
    assert "AMPEL_FOLLOWUP_TOKEN" in str(error)
    assert "127.0.0.1" in str(error)
    assert not Access(host, TOKEN).is_open


@pytest.mark.parametrize("token", ["", "short", "long enough but with blanks", "long-enough-but-ünusual"])
def test_a_token_that_can_be_guessed_or_does_not_fit_into_a_link_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(FollowupError, match="16 or more") as caught:
        Access("127.0.0.1", token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("host", ["evil.org", "evil.org:8000", "127.0.0.1.evil.org", "localhost.evil.org:80", "["])
async def test_a_foreign_name_that_points_here_opens_nothing(host: str) -> None:
    async with client() as asking:
        for page in PAGES:
            answer = await asking.get(page, headers={"Host": host})
            assert answer.status == 403, page


async def test_another_page_cannot_connect_on_behalf_of_a_visitor(store: Store) -> None:
    for token in (None, TOKEN):
        async with client(store.url, token) as asking:
            await asking.get(f"/?token={TOKEN}")
            for stranger in (
                {},
                {"Origin": "http://evil.org"},
                {"Origin": "null"},
                {"Origin": origin(asking) + "0"},
                {"Origin": "http://["},
            ):
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    await asking.ws_connect("/ws/ada", headers=stranger)
                assert caught.value.status == 403, stranger
    assert store.decisions() == []


@pytest.mark.parametrize("page", PAGES)
async def test_with_a_token_everything_asks_for_it(page: str) -> None:
    async with client(token=TOKEN) as asking:
        headers = {"Origin": origin(asking)}
        assert (await asking.get(page, headers=headers)).status == 401
        for wrong in ("", TOKEN[:-1], TOKEN + "a", TOKEN.upper(), "%ff", "ü"):
            separator = "&" if "?" in page else "?"
            answer = await asking.get(f"{page}{separator}token={wrong}", headers=headers)
            assert answer.status == 401, wrong
            assert "Set-Cookie" not in answer.headers
        name = f"ampel-followup-{asking.port}"
        for forged in ("", TOKEN, "0" * 64):
            assert (await asking.get(page, headers={"Cookie": f"{name}={forged}"})).status == 401, forged


async def test_the_link_is_needed_once_and_the_cookie_does_not_hold_the_token() -> None:
    async with client(token=TOKEN) as asking:
        answer = await asking.get(f"/?observer=ada&token={TOKEN}")
        assert answer.status == 200
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        assert TOKEN not in await answer.text()
        assert (await asking.get("/?observer=ada")).status == 200
        assert (await asking.get("/static/js/textual.js")).status == 200


class Addresses(HTMLParser):
    """What a page refers to, and whether a script or a handler stands in it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.found += [value or "" for key, value in attrs if key in ("src", "href", "action", "srcset", "data")]
        self.inline += [key for key in named if key.startswith("on")]
        if tag == "script" and not named.get("src"):
            self.inline.append(tag)


@pytest.mark.parametrize("page", ["/", "/?observer=ada"])
async def test_the_page_refers_to_nothing_elsewhere_and_tells_the_browser_so(page: str) -> None:
    async with client() as asking:
        answer = await asking.get(page)
        addresses = Addresses()
        addresses.feed(await answer.text())
        assert addresses.inline == []
        assert len(addresses.found) >= 4
        parts = [path for path in addresses.found if path not in ("data:,", "./")]
        for path in parts:
            part = await asking.get(f"/{path}")
            assert part.status == 200, path
            if path.endswith(".css"):
                for inner in re.findall(r"url\(\W*([^)\"']+)", await part.text()):
                    assert not re.match(r"[a-z]+:|//", inner), inner
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_name_in_the_link_is_text_on_the_page() -> None:
    async with client() as asking:
        answer = await (await asking.get("/", params={"observer": '"><script>alert(1)</script>\u202e'})).text()
    assert "<script>alert" not in answer
    assert "\u202e" not in answer
    assert "&lt;script&gt;alert(1)" in answer


async def test_an_observer_given_to_the_server_holds_whatever_the_link_says() -> None:
    async with client(observer="the night team") as asking:
        for page in ("/", "/?observer=eve"):
            assert 'data-observer="the night team"' in await (await asking.get(page)).text()


async def painted(connection: aiohttp.ClientWebSocketResponse, words: str) -> None:
    """Read what the app paints until these words are in it."""
    seen = ""
    async with asyncio.timeout(60.0):
        while words not in seen:
            seen += (await connection.receive_bytes()).decode("utf-8", "replace")


async def test_each_visitor_has_an_app_of_their_own_and_the_name_is_no_command(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second, *_ = (target.id for target in store.load_plan().plan.targets)
    names = ("ada", "--read-only; touch x; $(touch x) [b]")
    async with client(store.url) as asking:
        headers = {"Origin": origin(asking)}
        for number, (name, keys) in enumerate(zip(names, ("a", "na"), strict=True), 1):
            async with asking.ws_connect(f"/ws/{quote(name)}?width=100&height=30", headers=headers) as connection:
                await painted(connection, first)
                await connection.send_json(["stdin", keys])
                async with asyncio.timeout(60.0):
                    while len(store.decisions()) < number:
                        await connection.receive()
    assert [(d.target, d.observer) for d in store.decisions()] == [(first, names[0]), (second, names[1])]
    assert not (tmp_path / "x").exists()


async def test_no_more_visitors_than_there_are_seats(store: Store) -> None:
    async with client(store.url, visitors=1) as asking:
        headers = {"Origin": origin(asking)}
        async with asking.ws_connect("/ws/ada", headers=headers) as connection:
            await painted(connection, "approve")
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await asking.ws_connect("/ws/bob", headers=headers)
            assert caught.value.status == 503
        # The seat is free again as soon as the app has left.
        async with asking.ws_connect("/ws/bob", headers=headers) as connection:
            await painted(connection, "approve")


async def test_an_app_that_cannot_start_ends_the_session_and_says_why_at_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with client(str(tmp_path / "missing\x1b[2J.sqlite")) as asking:
        connection = await asking.ws_connect("/ws/ada", headers={"Origin": origin(asking)})
        async with asyncio.timeout(60.0):
            message = await connection.receive()
        assert message.type == aiohttp.WSMsgType.CLOSE
    assert "missing" in capsys.readouterr().out


async def test_sizes_without_sense_are_brought_to_what_can_be_drawn(store: Store) -> None:
    async with client(store.url) as asking:
        headers = {"Origin": origin(asking)}
        async with asking.ws_connect("/ws/ada?width=99999999&height=-3", headers=headers) as connection:
            await connection.send_json(["resize", {"width": 10**9, "height": 0}])
            await connection.send_json(["resize", {"width": 100, "height": 30}])
            await painted(connection, "approve")


@pytest.mark.parametrize("signal", [SIGTERM, SIGINT])
async def test_when_the_server_ends_its_apps_end(store: Store, signal: Signals) -> None:
    async with serving(store.url, "--observer=ada") as served, aiohttp.ClientSession() as browser:
        address = f"{served.url}ws/ada"
        connection = await browser.ws_connect(address, headers={"Origin": served.url.rstrip("/")})
        await painted(connection, "approve")
        [app] = served.apps
        await served.stop(signal)
        assert served.process.returncode == 0
        with pytest.raises(ProcessLookupError):
            os.kill(app, 0)


async def test_when_the_server_is_killed_its_apps_end_too(store: Store) -> None:
    async with serving(store.url, "--observer=ada") as served, aiohttp.ClientSession() as browser:
        connection = await browser.ws_connect(f"{served.url}ws/ada", headers={"Origin": served.url.rstrip("/")})
        await painted(connection, "approve")
        [app] = served.apps
        await served.stop(SIGKILL)
        await until(lambda: not is_running(app))


def is_running(process: int) -> bool:
    """Return whether a process is there, and is more than an entry that nobody has read."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_when_the_visitor_leaves_the_app_ends(store: Store) -> None:
    options = ("--observer=ada", "--theme=light", "--night=2026-11-20", "--site=sso")
    async with serving(store.url, *options) as served, aiohttp.ClientSession() as browser:
        connection = await browser.ws_connect(f"{served.url}ws/ada", headers={"Origin": served.url.rstrip("/")})
        await painted(connection, "approve")
        assert len(served.apps) == 1
        await connection.close()
        await until(lambda: not served.apps)


def test_the_app_does_not_learn_the_token_and_the_store_is_not_among_its_arguments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AMPEL_FOLLOWUP_TOKEN", TOKEN)

    async def nothing(_: object = None) -> None: ...

    session = Session(
        ["tui", "--observer=ada"],
        {"AMPEL_FOLLOWUP_STORE": "postgresql://u:p"},
        write_bytes=nothing,
        write_str=nothing,
        close=nothing,
        downloads=DownloadManager(),
    )
    environment = session._build_environment(100, 30)
    assert TOKEN not in "\0".join(environment.values())
    assert environment["AMPEL_FOLLOWUP_STORE"] == "postgresql://u:p"
    assert "postgresql" not in " ".join(session._arguments)
    assert environment["PATH"] == os.environ["PATH"]


def test_without_the_package_the_message_says_what_to_install(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith(("textual_serve", "ampel_followup_tui.web.")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    error = invoke("--store", store.url)
    assert isinstance(error, FollowupError)
    assert 'pip install "ampel-followup[web]"' in str(error)


def test_what_is_wrong_is_said_before_anybody_comes(store: Store, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        cases: list[tuple[Callable[[], BaseException | None], str]] = [
            (lambda: invoke("--store", str(tmp_path / "missing.sqlite")), "missing.sqlite"),
            (lambda: invoke("--store", store.url, "--night", "2031-01-01"), "2031-01-01"),
            (lambda: invoke("--store", store.url, "--observer", " \u202e"), "--observer"),
            (lambda: invoke("--store", store.url, "--theme", "pink"), "pink"),
            (lambda: invoke("--store", store.url, "--keys", str(tmp_path / "missing.yml")), "missing.yml"),
            (lambda: invoke("--store", store.url, "--port", str(taken.getsockname()[1])), "another --port"),
        ]
        for ask, words in cases:
            error = ask()
            assert isinstance(error, FollowupError), error
            assert words in str(error)


def test_the_commands_of_the_app_are_found_by_the_command_line() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    commands = project["project"]["entry-points"]["ampel_followup.commands"]
    assert {"tui", "serve"} <= set(commands)
    for address in commands.values():
        module, name = address.split(":")
        assert callable(getattr(import_module(module), name))
