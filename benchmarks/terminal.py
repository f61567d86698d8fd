"""A program in a process and on a terminal of its own, timed from a key to what it paints."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 60.0


class Terminal:
    """
    Python code on a pseudo-terminal; a context manager that ends it.

    Parameters
    ----------
    code : str
        What a fresh interpreter runs.
    arguments : str
        Its arguments.
    size : tuple of int
        Columns and lines.
    """

    def __init__(self, code: str, *arguments: str, size: tuple[int, int] = (80, 24)) -> None:
        self._terminal, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        # What is installed has been compiled, by the installer or at the first start; so has Textual, in any case.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        #: When it was started [s].
        self.begin = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env=environment,
            # A terminal of its own: else the interrupts of this one would reach it.
            start_new_session=True,
        )
        os.close(inside)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    @property
    def resident_mb(self) -> float:
        """Memory that is resident now [MB]; of Linux."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise OSError("the process says nothing of its memory")

    @property
    def cpu_seconds(self) -> float:
        """Time that the process has computed for, in all of its threads [s]; of Linux."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        user, system = fields[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def press(self, keys: bytes) -> float:
        """Type; return when [s]."""
        at = time.perf_counter()
        os.write(self._terminal, keys)
        return at

    def until(self, wanted: bytes) -> float:
        """Read until these bytes were painted; return when [s]."""
        painted = b""
        while wanted not in painted:
            piece = self._read(PATIENCE)
            if piece is None:
                raise TimeoutError(f"{wanted!r} was not painted in {PATIENCE} s; got {painted[-500:]!r}")
            # What is wanted may come in two pieces.
            painted = painted[-len(wanted) :] + piece
        return time.perf_counter()

    def until_quiet(self, seconds: float) -> tuple[bytes, float]:
        """Read until nothing is painted for so long; return what was, and when the last of it came [s]."""
        painted, last = b"", time.perf_counter()
        while (piece := self._read(seconds)) is not None:
            painted, last = painted + piece, time.perf_counter()
        return painted, last

    def _read(self, seconds: float) -> bytes | None:
        if not select.select([self._terminal], [], [], seconds)[0]:
            return None
        try:
            return os.read(self._terminal, 65536)
        except OSError as error:  # so a terminal says that nobody is there any more
            raise RuntimeError(f"the program ended with {self._process.wait()}") from error
