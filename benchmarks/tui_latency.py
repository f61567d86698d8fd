"""
Time what an observer waits for in the terminal app, and weigh it.

The real app, as `ampel-followup tui` runs it, in processes of their own on pseudo-terminals: the first screen with
1,000 targets beside that of an empty Textual app, in turns; from a key to the last byte painted, moving through 1,000
targets with light curve and reasons below the list (140 × 45); how long 10,000 targets take to open, from the start of
the process until the list is filled; and the memory at the end of the walk. What a key costs to compute, in all
threads, says the most where the machine has other work.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

from start_up import fill_store, first_screen
from terminal import Terminal

N_TARGETS, N_MANY = 1000, 10_000
SIZE = (140, 45)

#: The app with a mark, invisible on the screen, when all of the plan is read and listed.
APP = """
import os, sys
import ampel_followup_tui.launch as launch

resume = launch._resume_collecting

def shown():
    resume()
    os.write(1, b"\\x1b]2;all is listed\\x07")

launch._resume_collecting = shown
launch.launch(sys.argv[1], observer="ada")
"""
ALL_LISTED = b"\x1b]2;all is listed\x07"

#: Longer than the pauses between the bytes of one paint, shorter than those between two ticks of a clock [s].
QUIET = 0.15


def walk(store: Path, names: list[str], n_keys: int) -> tuple[list[float], float, float]:
    """Move down the list; return how long each key took to be painted, computing for one [s], and the memory [MB]."""
    waits = []
    with Terminal(APP, str(store), size=SIZE) as terminal:
        terminal.until(ALL_LISTED)
        # The panes below the list come after it.
        terminal.until_quiet(1.5)
        computed = terminal.cpu_seconds
        for name in names[1 : n_keys + 1]:
            pressed = terminal.press(b"j")
            # The row of the target first, then what is read of it.
            terminal.until(name.encode())
            waits.append(terminal.until_quiet(QUIET)[1] - pressed)
        return waits, (terminal.cpu_seconds - computed) / len(waits), terminal.resident_mb


def open_many(store: Path, repeats: int) -> float:
    """Return how long it takes until a plan of 10,000 targets is listed: the median of some starts [s]."""
    seconds = []
    for _ in range(repeats + 1):
        with Terminal(APP, str(store), size=SIZE) as terminal:
            seconds.append(terminal.until(ALL_LISTED) - terminal.begin)
    # The first start only warms the disk up.
    return statistics.median(seconds[1:])


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--repeats", type=int, default=9, help="timed starts of each kind")
    parser.add_argument("--keys", type=int, default=N_TARGETS - 1, help="targets to move through")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        ours, empty = first_screen(Path(folder) / "night.sqlite", options.repeats, n_targets=N_TARGETS)
        walked = Path(folder) / "walked.sqlite"
        names = fill_store(walked, n_targets=N_TARGETS)
        waits, computing, resident = walk(walked, names, min(options.keys, N_TARGETS - 1))
        many = Path(folder) / "many.sqlite"
        fill_store(many, n_targets=N_MANY)
        opened = open_many(many, max(3, options.repeats // 3))
    percentiles = statistics.quantiles(waits, n=100)
    result = {
        "first_screen_ratio": round(ours / empty, 3),
        "p50_ms": round(1000 * percentiles[49], 1),
        "p95_ms": round(1000 * percentiles[94], 1),
        "cpu_per_key_ms": round(1000 * computing, 1),
        "open_10k_s": round(opened, 3),
        "rss_mb": round(resident, 1),
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
