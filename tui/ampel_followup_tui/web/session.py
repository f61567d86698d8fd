"""One visitor: a process of the app, and what goes to it and comes from it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

#: Where `serve` finds the token; the app has no use for it.
TOKEN_VARIABLE = "AMPEL_FOLLOWUP_TOKEN"

#: How long an app may take to leave by itself [s].
_PATIENCE = 5.0

#: Sizes of a terminal that are drawn [columns, rows]: from the least that is of use to more than a screen shows.
_SMALLEST, _LARGEST = (20, 6), (600, 300)

#: The command that the app is in, run by this Python, without what happens to lie in the current folder.
_COMMAND = (sys.executable, "-P", "-m", "ampel_followup_tui.web.visit")


class Session(AppService):
    """
    A process of the app for one visitor.

    Parameters
    ----------
    arguments : sequence of str
        Of the command ``ampel-followup``. They are given to the process as they are, no shell reads them.
    variables : mapping of str to str
        Added to the environment of the process: what must not be read in a list of processes.
    write_bytes, write_str, close : callable
        What the connection to the browser does.
    downloads : DownloadManager
        Takes the files that the app hands out.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        *,
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[object]],
        downloads: DownloadManager,
    ) -> None:
        async def hang_up() -> None:
            await close()

        super().__init__(
            "", write_bytes=write_bytes, write_str=write_str, close=hang_up, download_manager=downloads, debug=False
        )
        self._arguments = tuple(arguments)
        self._variables = dict(variables)

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        environment = {**super()._build_environment(width, height), "LINES": str(height), **self._variables}
        environment.pop(TOKEN_VARIABLE, None)
        return environment

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        columns, rows = _drawable(width, height)
        self._process = process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            *self._arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(columns, rows),
            # Ctrl+C in the terminal of the server reaches the server, which lets the apps leave.
            start_new_session=True,
        )
        self._stdin = process.stdin
        return process

    async def set_terminal_size(self, width: int, height: int) -> None:
        """Tell the app how large the terminal of the visitor is [columns, rows]."""
        await super().set_terminal_size(*_drawable(width, height))

    async def run(self) -> None:
        """Pass on what the app writes until it ends, then hang up: a visitor shall not look at an app that is gone."""
        await super().run()
        await self.remote_close()

    async def stop(self) -> None:
        """Ask the app to leave, and end it if it does not."""
        process = self._process
        if process is None:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await super().stop()
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        self.stdin.close()


def _drawable(width: int, height: int) -> tuple[int, int]:
    columns, rows = (
        min(most, max(least, int(n))) for n, least, most in zip((width, height), _SMALLEST, _LARGEST, strict=True)
    )
    return columns, rows
