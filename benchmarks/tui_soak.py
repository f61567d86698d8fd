"""
Hold the terminal app open while the store changes, as it does through 8 hours of a night with a change each second.

The changes come as fast as the app follows: each is written when the one before is on the screen. Verdicts of three
other observers, comments, what they take back, notes, labels and schedules; every tenth change the observer moves on,
who has walked through the whole list before, so that what is read once and kept does not count as growth.
The memory of the app, in a process of its own on a pseudo-terminal, is taken at the start, after that walk, and after
every hundredth change; that of the last quarter shall be within 10 % of that of the first. The JSON has its course in
steps of 20 minutes of such a night.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from start_up import fill_store
from terminal import Terminal

from ampel_followup.decision import Decision
from ampel_followup.labels import Label
from ampel_followup.notes import Note
from ampel_followup.store import Store

N_TARGETS = 200
EIGHT_HOURS = 8 * 3600
SIZE = (140, 45)
SAMPLE_EVERY, MOVE_EVERY, SCHEDULE_EVERY = 100, 10, 600
#: The course of the memory is told in steps of so many changes.
TOLD_EVERY = 1200
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

#: The app as it is, looking at the store again as soon as it has followed, with a mark then that nobody sees.
APP = """
import asyncio, os, sys
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp

class Watched(FollowupApp):
    def on_mount(self):
        super().on_mount()
        self.run_worker(self.follow())

    async def follow(self):
        said = -1
        while True:
            await self.poll()
            if self.journal._read_to == said:
                await asyncio.sleep(0.005)
                continue
            said = self.journal._read_to
            painted = asyncio.Event()
            self.call_after_refresh(painted.set)
            await painted.wait()
            os.write(1, b"\\x1b]2;followed %d;\\x07" % said)

with Store.open(sys.argv[1]) as store:
    Watched(store, store.load_plan(), "ada", poll_seconds=3600.0).run()
"""


def changes(store: Store, seed_targets: list[str]) -> Callable[[int], int]:
    """Return what makes one change after the other, by its number, and returns the number of the newest decision."""
    from sample_night import WIFES, make_timetable

    stored = store.load_plan()
    info, timetable = stored.info, make_timetable(stored.plan, (WIFES,))
    store.save_timetable(timetable, created=NOW.isoformat())
    newest = 0
    verdicts = ("approve", "reject", "defer", "comment")

    def change(number: int) -> int:
        nonlocal newest
        target = seed_targets[(7 * number) % len(seed_targets)]
        observer = ("bob", "cyd", "eve")[number % 3]
        moment = (NOW + timedelta(seconds=number)).isoformat(timespec="microseconds").replace("+00:00", "Z")
        if number % SCHEDULE_EVERY == 0:
            # Each worth a little more than the one before: the same one would not be kept twice.
            schedule = replace(timetable, value=timetable.value + 1e-6 * number)
            store.save_timetable(schedule, created=moment)
        elif number % 50 == 0:
            store.notes.add(Note(info.night, info.site, observer, moment, f"cloud {number}"))
        elif number % 50 == 25:
            store.add_labels([Label(target, "SN Ia", "TNS", moment)])
        elif number % 4 == 3 and newest:
            newest = store.undo(newest, observer=observer, time=moment).id
            return newest
        verdict = verdicts[number // 4 % 4]
        comment = f"seen {number} times" if verdict == "comment" else ""
        newest = store.record(Decision(target, info.night, info.site, verdict, observer, moment, comment)).id
        return newest

    return change


@dataclass
class Course:
    """What the memory did: at the start, after the walk and after each hundredth change [MB]; how long it took [s]."""

    start: float = 0.0
    walked: float = 0.0
    resident: list[float] = field(default_factory=list)
    changes: int = 0
    seconds: float = 0.0


def soak(path: Path, names: list[str], n_changes: int, seconds: float) -> Course:
    """Change the store so many times, or for so long [s]."""
    course = Course()
    with Store.open(path) as store:
        change = changes(store, names)
        with Terminal(APP, str(path), size=SIZE) as terminal:
            terminal.until(b"followed 0;")
            terminal.until_quiet(1.5)
            course.start = terminal.resident_mb
            for name in names[1:]:
                terminal.press(b"j")
                terminal.until(name.encode())
            terminal.until_quiet(1.5)
            course.walked = terminal.resident_mb
            begin = time.monotonic()
            newest = 0
            while course.changes < n_changes and course.seconds < seconds:
                course.changes += 1
                newest = _follow(terminal, change, course.changes, newest)
                if course.changes % SAMPLE_EVERY == 0:
                    course.resident.append(terminal.resident_mb)
                    told = f"{course.changes} changes, {course.resident[-1]:.1f} MB"
                    print(f"\r{told}", end="", file=sys.stderr, flush=True)
                course.seconds = time.monotonic() - begin
    return course


def _follow(terminal: Terminal, change: Callable[[int], int], number: int, before: int) -> int:
    """Make a change, and move the cursor at times; return the number of the newest decision when it is painted."""
    newest = change(number)
    if number % MOVE_EVERY == 0:
        terminal.press(b"k" if number // (MOVE_EVERY * N_TARGETS) % 2 == 0 else b"j")
    # Notes, labels and schedules are followed with the next verdict.
    if newest != before:
        terminal.until(b"followed %d;" % newest)
    return newest


def main() -> None:
    """Print what the memory did; fail if it is not flat."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so long")
    parser.add_argument("--changes", type=int, default=EIGHT_HOURS, help="stop after so many changes")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "night.sqlite"
        names = fill_store(path, n_targets=N_TARGETS)
        course = soak(path, names, options.changes, 60.0 * options.minutes)
    print(file=sys.stderr)
    resident = course.resident
    if len(resident) < 8:
        sys.exit(f"{course.changes} changes are too few to say anything; give it more --minutes")
    quarter = len(resident) // 4
    first, last = statistics.fmean(resident[:quarter]), statistics.fmean(resident[-quarter:])
    result = {
        "changes": course.changes,
        "hours_of_changes": round(course.changes / 3600, 2),
        "minutes": round(course.seconds / 60, 1),
        "changes_per_second": round(course.changes / course.seconds, 1),
        "start_mb": round(course.start, 1),
        "walked_mb": round(course.walked, 1),
        "course_mb": [round(mb, 1) for mb in resident[TOLD_EVERY // SAMPLE_EVERY - 1 :: TOLD_EVERY // SAMPLE_EVERY]],
        "first_quarter_mb": round(first, 1),
        "last_quarter_mb": round(last, 1),
        "growth": round(last / first - 1, 4),
        "flat": last / first - 1 <= 0.10,
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:20} {value}")
    sys.exit(not result["flat"])


if __name__ == "__main__":
    main()
