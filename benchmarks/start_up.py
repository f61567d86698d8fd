"""
Time what a person waits for: `import ampel_followup`, and the first screen of the app.

Each is compared with its empty counterpart (`import numpy`; a Textual app without widgets), in fresh interpreters that
take turns, so that a busy machine slows both. The ratio is that of the medians. The first turn, which is not counted,
leaves the byte code of the app where Python keeps it, as that of Textual is.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from terminal import Terminal

N_TARGETS = 500
N_SET_ASIDE = 5000
SIZE = (80, 24)
LAST_IN_SIGHT = 8

EMPTY_APP = """
from textual.app import App

App().run()
"""

FIRST_SCREEN = """
import sys
from ampel_followup_tui.launch import launch

launch(sys.argv[1], observer="ada")
"""

# An empty app paints its background line by line.
EMPTY_LINE = b" " * SIZE[0]


def seconds_to_finish(code: str) -> float:
    """Run code in a fresh interpreter; return how long that took [s]."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def seconds_to_paint(code: str, wanted: bytes, *arguments: str) -> float:
    """Run an app in a fresh interpreter on a terminal of its own; return when `wanted` stood on the screen [s]."""
    with Terminal(code, *arguments, size=SIZE) as terminal:
        return terminal.until(wanted) - terminal.begin


def compare(ours: Callable[[], float], theirs: Callable[[], float], repeats: int) -> tuple[float, float]:
    """Return the medians of two times that are taken in turns [s]; the first turn only warms the disk up."""
    turns = [(ours(), theirs()) for _ in range(repeats + 1)][1:]
    return statistics.median(turn[0] for turn in turns), statistics.median(turn[1] for turn in turns)


def fill_store(path: Path, n_set_aside: int = 0, n_targets: int = N_TARGETS) -> list[str]:
    """
    Make a store with a plan of `n_targets`, and their light curves; return their names in the order of the list.

    With ``n_set_aside``, an assistant has ranked all of them, and the policy sets so many more aside.
    """
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "tui"))
    from sample_night import assist, make_plan

    from ampel_followup.store import Store

    plan, light_curves = make_plan(n_targets, 50)
    if n_set_aside:
        plan, more = assist(plan, n_set_aside)
        light_curves = [*light_curves, *more]
    with Store.open(path) as store:
        store.save_plan(plan, created="2026-11-20T06:00:00Z", light_curves=light_curves)
    return [target.id for target in plan.targets]


def first_screen(store: Path, repeats: int, n_set_aside: int = 0, n_targets: int = N_TARGETS) -> tuple[float, float]:
    """Return how long the first screen takes with a new store, and that of an empty app [s]."""
    name = fill_store(store, n_set_aside, n_targets)[LAST_IN_SIGHT].encode()
    return compare(
        lambda: seconds_to_paint(FIRST_SCREEN, name, str(store)),
        lambda: seconds_to_paint(EMPTY_APP, EMPTY_LINE),
        repeats,
    )


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--repeats", type=int, default=9, help="timed turns of each pair")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    import_seconds, numpy_seconds = compare(
        lambda: seconds_to_finish("import ampel_followup"),
        lambda: seconds_to_finish("import numpy"),
        options.repeats,
    )
    with tempfile.TemporaryDirectory() as folder:
        screen_seconds, empty_seconds = first_screen(Path(folder) / "night.sqlite", options.repeats)
        assisted_seconds, empty_again = first_screen(Path(folder) / "assisted.sqlite", options.repeats, N_SET_ASIDE)
    result = {
        "import_ratio": round(import_seconds / numpy_seconds, 3),
        "first_screen_ratio": round(screen_seconds / empty_seconds, 3),
        "assisted_first_screen_ratio": round(assisted_seconds / empty_again, 3),
        "import_seconds": round(import_seconds, 4),
        "numpy_seconds": round(numpy_seconds, 4),
        "first_screen_seconds": round(screen_seconds, 4),
        "assisted_first_screen_seconds": round(assisted_seconds, 4),
        "empty_app_seconds": round(empty_seconds, 4),
        "targets": N_TARGETS,
        "set_aside": N_SET_ASIDE,
        "repeats": options.repeats,
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:30} {value}")


if __name__ == "__main__":
    main()
