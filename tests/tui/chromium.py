"""Chromium without a window, driven by its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # Nothing but this machine can be found, whatever is asked for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
    "--window-size=1200,760",
)


class Page:
    """
    A page of a browser, and what it asked for, received and complained about since it was opened.

    Attributes
    ----------
    requested : list of str
        URLs, those of connections included.
    received : str
        What came through its connection: what the app painted, escape sequences and all.
    complaints : list of str
        Errors and warnings of its console, such as what the content policy refused.
    said : list of str
        What its scripts wrote to the console.
    files : dict of str to str
        Names of what it downloaded, ``completed`` where the file is there.
    """

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self._connection = connection
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._painted = b""
        self._loaded = False
        self.requested: list[str] = []
        self.complaints: list[str] = []
        self.said: list[str] = []
        self.files: dict[str, str] = {}

    @property
    def received(self) -> str:
        return self._painted.decode("utf-8", "replace")

    def forget(self) -> None:
        """Forget what was painted."""
        self._painted = b""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Run a method of the protocol and return its result."""
        self._number += 1
        number = self._number
        await self._connection.send_json({"id": number, "method": method, "params": parameters})
        await self.until(lambda: number in self._answers)
        answer = self._answers.pop(number)
        assert "error" not in answer, answer
        return answer["result"]

    async def until(self, condition: Callable[[], bool], patience: float = 60.0) -> None:
        """Take what the browser says until something is so."""
        async with asyncio.timeout(patience):
            while not condition():
                self._take(json.loads(await self._connection.receive_str()))

    async def open(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self._loaded = False
        await self.call("Page.navigate", url=url)
        await self.until(lambda: self._loaded)

    async def run(self, script: str) -> Any:
        """Return what a script on the page evaluates to."""
        result = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return result["result"].get("value")

    async def press(self, text: str) -> None:
        """Type a character."""
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, key=text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=text)

    async def press_enter(self) -> None:
        """Press the key enter."""
        await self.call("Input.dispatchKeyEvent", type="keyDown", text="\r", key="Enter", windowsVirtualKeyCode=13)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", windowsVirtualKeyCode=13)

    async def picture(self) -> bytes:
        """Return what is on the page, PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
            return
        parameters = message["params"]
        match message["method"]:
            case "Network.requestWillBeSent":
                self.requested.append(parameters["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(parameters["url"])
            case "Network.webSocketFrameReceived" if parameters["response"]["opcode"] == 2:
                self._painted += base64.b64decode(parameters["response"]["payloadData"])
            case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"]))
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.consoleAPICalled":
                self.said.append(" ".join(str(argument.get("value")) for argument in parameters["args"]))
            case "Browser.downloadWillBegin":
                self.files[parameters["suggestedFilename"]] = "begun"
            case "Browser.downloadProgress" if parameters["state"] == "completed":
                self.files = dict.fromkeys(self.files, "completed")


@asynccontextmanager
async def open_page(folder: Path) -> AsyncIterator[Page]:
    """
    Start a browser that keeps what it needs in a folder, and yield its page; end it afterwards.

    Files that the page downloads go to ``folder / "downloads"``.
    """
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *_FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60.0):
            while b"DevTools listening on ws://" not in (line := await process.stderr.readline()):
                assert line, "the browser did not start"
        # It may go on to complain, and shall not wait for a reader.
        reader = asyncio.create_task(process.stderr.read())
        server = line.decode().split("ws://")[1].split("/")[0]
        async with aiohttp.ClientSession() as client:
            async with client.get(f"http://{server}/json/list") as answer:
                [target] = [target for target in await answer.json() if target["type"] == "page"]
            async with client.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as connection:
                page = Page(connection)
                for domain in ("Page", "Network", "Runtime", "Log"):
                    await page.call(f"{domain}.enable")
                await page.call(
                    "Browser.setDownloadBehavior",
                    behavior="allow",
                    downloadPath=str(folder / "downloads"),
                    eventsEnabled=True,
                )
                yield page
        reader.cancel()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
