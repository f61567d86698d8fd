"""The `serve` command as a process, for the tests of what it answers and of what a browser shows."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_COMMAND = "import typer; from ampel_followup_tui.web.command import serve; typer.run(serve)"


@dataclass
class Served:
    """A server that runs: its address, its process, and all that it printed, once it has ended."""

    url: str
    process: asyncio.subprocess.Process
    printed: str = ""

    @property
    def apps(self) -> list[int]:
        """Numbers of the processes of its visitors."""
        number = self.process.pid
        return [int(child) for child in Path(f"/proc/{number}/task/{number}/children").read_text().split()]

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and wait until it has."""
        if self.process.returncode is None:
            self.process.send_signal(by)
        async with asyncio.timeout(30.0):
            out, err = await self.process.communicate()
        self.printed += out.decode() + err.decode()


@asynccontextmanager
async def serving(store: str, *options: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Served]:
    """Serve a store on a free port of this machine."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _COMMAND,
        f"--store={store}",
        "--port=0",
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60.0):
            address = (await process.stdout.readline()).decode().strip()
        served = Served(address.partition("?")[0], process, printed=address)
        yield served
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(30.0):
            await process.communicate()
