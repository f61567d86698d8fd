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
    look_up : bool
        Look up documents in memory by their stock, as MongoDB does. False: the server as it comes, which does not.
    """

    def __init__(self, file: Path | None = None, *, look_up: bool = True) -> None:
        self._file = file
        self._look_up = look_up
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
        java += [] if self._look_up else ["-Dcompare=true"]
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

    @property
    def cpu_seconds(self) -> float | None:
        """What it has taken of the processor [s]; None where the system does not say (it is no Linux)."""
        assert self._process is not None
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it as a crash would: SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.communicate()  # closes its standard input, and it ends
