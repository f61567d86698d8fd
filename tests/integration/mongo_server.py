"""A server that speaks MongoDB's protocol, on loopback, for as long as a test needs it; see `make mongo-server`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent / "server" / "lib"


def missing() -> str | None:
    """Return what is missing to start a server, or None."""
    if shutil.which("java") is None:
        return "no java"
    if not (FOLDER / ".ready").is_file():
        return "no server yet"
    return None


class MongoServer:
    """
    The server of `server/MongoOnLoopback.java` in a process of its own.

    Parameters
    ----------
    file : Path, optional
        Database on disk, of H2; by default all is in memory.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def uri(self) -> str:
        """What clients connect to."""
        return f"mongodb://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, after a stop on the same port, and return when it listens."""
        place = [] if self._file is None else [str(self._file)]
        # To compile more thoroughly only pays in a server that runs for long.
        java = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
        self._process = subprocess.Popen(
            [*java, "-cp", f"{FOLDER}{os.pathsep}{FOLDER / '*'}", "MongoOnLoopback", str(self.port), *place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the server did not start"
        self.port = int(line)

    def kill(self) -> None:
        """End it as a crash would: SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.communicate()  # closes its standard input, and it ends
