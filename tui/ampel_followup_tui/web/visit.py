"""The process of one visitor: the command `ampel-followup`, which does not outlive the server that started it."""

from __future__ import annotations

import os
import sys
from threading import Event, Thread

#: How often it is looked whether the server is still there [s].
_LOOK_SECONDS = 1.0


def _end_with(server: int) -> None:
    """End this process once its parent is not the server any more: there is nobody to show anything to."""
    pause = Event()
    while os.getppid() == server:
        pause.wait(_LOOK_SECONDS)
    # Nothing is lost: every verdict was in the store before the screen moved on.
    os._exit(1)


if __name__ == "__main__":
    Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    from ampel_followup.cli import main

    sys.exit(main())
