"""
Do a whole night by keys alone, in tmux, and check in the store that each of them did what it says.

Ranks alerts (real ones with --alerts; else a simulated night), schedules the list, opens the app in a detached tmux and
types what an observer types: filter, sort, another strategy, a verdict on each target, comments, undo and redo, notes
and marks in the schedule, export, quit. Every key waits for what it should bring onto the screen, so that the time for
each target is that from the key to the painted verdict, with what tmux adds. Fails, with the screen, where something
does not come, and where the store, in the end, does not hold what was typed.

Example: scripts/night_in_tmux.py --alerts night.tar.gz --site palomar --night 2018-08-19
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ampel_followup.plan import NightPlan
from ampel_followup.store import Store

SIZES = ((140, 45), (80, 24))
OBSERVER = "ada"
PATIENCE = 60.0
#: The command of this Python, wherever its scripts are.
COMMAND = (sys.executable, "-c", "import sys; from ampel_followup.cli import main; sys.exit(main())")
#: What is typed on the targets in turn, and what the store then holds.
VERDICTS = {"a": "approve", "r": "reject", "d": "defer"}
COMMENT = "host redshift is photometric"
NOTE = "seeing 2.3, thin cirrus"

# The number of a target, then its name.
_ROW = re.compile(r" ?[+»]? *(\d+) [+» ]?(?:ZTF|SIM|LSST)")


class Tmux:
    """
    A program in a detached tmux with a server of its own; a context manager that ends it.

    Parameters
    ----------
    command : list of str
    folder : Path
        Where the program runs.
    size : tuple of int
        Columns and lines.
    """

    def __init__(self, command: list[str], folder: Path, size: tuple[int, int]) -> None:
        self._socket = f"night-{folder.name}-{size[0]}"
        columns, lines = map(str, size)
        self._tmux("new-session", "-d", "-x", columns, "-y", lines, "-c", str(folder), *command)

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server", check=False)

    @property
    def running(self) -> bool:
        """Whether the program is still there."""
        return self._tmux("has-session", check=False).returncode == 0

    @property
    def screen(self) -> str:
        """What is on the screen."""
        return self._tmux("capture-pane", "-p").stdout

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type text as it is."""
        self._tmux("send-keys", "-l", text)

    def until(self, condition: Callable[[str], bool], what: str) -> str:
        """Wait until the screen is so, and return it; fail with the screen if it does not become so."""
        begin, shown = time.monotonic(), self.screen
        while not condition(shown):
            if time.monotonic() - begin > PATIENCE:
                sys.exit(f"{what} did not come in {PATIENCE:.0f} s; this is on the screen:\n{shown}")
            time.sleep(0.005)
            shown = self.screen
        return shown

    def _tmux(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *arguments], check=check, capture_output=True, text=True
        )


@dataclass(frozen=True, slots=True)
class Night:
    """What came of a night: how many targets, the seconds for each verdict, and of the whole night at the keys [s]."""

    n_targets: int
    per_target: tuple[float, ...]
    whole: float


def prepare(folder: Path, alerts: Path | None, site: str, night: str, telescope: str, objects: int) -> Path:
    """Rank and schedule a night; return its store."""
    store = folder / "night.sqlite"
    if alerts is None:
        alerts = folder / "alerts.tar.gz"
        followup("simulate", alerts, "--objects", objects, "--night", night, "--seed", 1, "--templates", "analytic")
    followup("rank", alerts, "--site", site, "--night", night, "--store", store)
    followup("plan", "make", "-t", telescope, "--store", store)
    return store


def followup(*arguments: object) -> None:
    """Run the command; fail with what it says if it fails."""
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"ampel-followup {' '.join(map(str, arguments))} failed:\n{done.stderr}")


def whole_night(store: Path, size: tuple[int, int]) -> Night:
    """Do a night by keys on a terminal of this size, and check what the store holds then."""
    with Store.open(store) as opened:
        plan = opened.load_plan().plan
        scheduled = [block.target for block in opened.load_timetable().timetable.blocks if block.kind == "target"]
    names = [target.id for target in plan.targets]
    n = len(names)
    expected = {name: list(VERDICTS.values())[place % 3] for place, name in enumerate(names)}
    app = [*COMMAND, "tui", "--store", str(store), "--observer", OBSERVER]
    begin = time.monotonic()
    with Tmux(app, store.parent, size) as tmux:
        tmux.until(lambda shown: names[0] in shown and f"0/{n}" in shown, "the list")
        look_around(tmux, plan)
        seconds = decide_all(tmux, names)
        take_back(tmux, n)
        if scheduled:
            expected[scheduled[0]] = "observed"
        mark(tmux, scheduled)
        tmux.press("e")
        tmux.until(lambda shown: "Export" in shown, "the dialogue of the export")
        tmux.press("Enter")
        tmux.until(lambda shown: "Wrote" in shown or "Export" not in shown, "the export")
        tmux.press("q")
        tmux_left(tmux)
    whole = time.monotonic() - begin
    check(store, expected, scheduled)
    return Night(n, tuple(seconds), whole)


def look_around(tmux: Tmux, plan: NightPlan) -> None:
    """Filter, sort and change the strategy, and go back to the plan's own order each time."""
    first, last = plan.targets[0], plan.targets[-1]
    tmux.press("/")
    tmux.until(lambda shown: "class:Ia" in shown, "the line of the filter")
    tmux.type(last.id)
    tmux.until(lambda shown: listed(shown) == [last.rank], "the filtered list")
    tmux.press("Enter", "Escape")
    # The cursor stays on the target: the list is at rest once that is in sight.
    in_order = tmux.until(
        lambda shown: len(listed(shown)) > 1 and last.rank in listed(shown) and "match" not in shown, "the whole list"
    )
    for key, dialogue, downs in (("o", "Sort by", 2), ("s", "another strategy", 1)):
        tmux.press(key)
        tmux.until(lambda shown, title=dialogue: title in shown, f"the dialogue “{dialogue}”")  # type: ignore[misc]
        tmux.press(*["j"] * downs, "Enter")
        tmux.until(
            lambda shown, title=dialogue: title not in shown and listed(shown) != listed(in_order),  # type: ignore[misc]
            f"another order by “{dialogue}”",
        )
        tmux.press("BSpace")
        tmux.until(lambda shown: listed(shown) == listed(in_order), "the plan's own order")
    tmux.press("Home")
    tmux.until(lambda shown: first.id in shown, "the first target")


def listed(shown: str) -> list[int]:
    """Return the places in the plan of the rows that are in sight, as they stand."""
    return [int(row[1]) for row in map(_ROW.match, shown.splitlines()) if row]


def decide_all(tmux: Tmux, names: list[str]) -> list[float]:
    """Give a verdict on each target, a comment on every fifth before it; return how long each verdict took [s]."""
    n, keys, seconds = len(names), list(VERDICTS), []
    for place in range(n):
        if place % 5 == 4:
            tmux.press("c")
            tmux.until(lambda shown: "Comment on" in shown, "the dialogue of the comment")
            tmux.type(COMMENT)
            tmux.press("Enter")
            tmux.until(lambda shown: "Comment on" not in shown, "the list after a comment")
        pressed = time.monotonic()
        tmux.press(keys[place % 3])
        tmux.until(lambda shown, done=place + 1: f"{done}/{n}" in shown.splitlines()[0], f"verdict {place + 1}")  # type: ignore[misc]
        seconds.append(time.monotonic() - pressed)
    return seconds


def take_back(tmux: Tmux, n: int) -> None:
    """Take the last verdict back, and give it again."""
    tmux.press("u")
    tmux.until(lambda shown: f"{n - 1}/{n}" in shown.splitlines()[0], "the verdict that was taken back")
    tmux.press("C-r")
    tmux.until(lambda shown: f"{n}/{n}" in shown.splitlines()[0], "the verdict that was given again")


def mark(tmux: Tmux, scheduled: list[str]) -> None:
    """Write a note into the schedule, and mark its first target observed."""
    tmux.press("t")
    tmux.until(lambda shown: "value" in shown.splitlines()[0], "the schedule")
    tmux.press("N")
    tmux.until(lambda shown: "A note on" in shown, "the dialogue of the note")
    tmux.type(NOTE)
    tmux.press("Enter")
    tmux.until(lambda shown: f"on the night: {NOTE}" in shown, "the note")
    if scheduled:
        tmux.press(":")
        tmux.until(lambda shown: "number, or part of a name" in shown, "the line of the jump")
        tmux.type(scheduled[0])
        tmux.press("Enter")
        tmux.until(lambda shown: not any(line.lstrip().startswith(":") for line in shown.splitlines()), "the schedule")
        tmux.press("x")
        tmux.until(lambda shown: "✓ observed" in shown, "the mark")
    tmux.press("t")
    # Not by escape: a terminal takes the next key together with it.
    tmux.until(lambda shown: "tonight" in shown, "the list after the schedule")


def tmux_left(tmux: Tmux) -> None:
    """Wait until the app has ended."""
    begin = time.monotonic()
    while tmux.running:
        if time.monotonic() - begin > PATIENCE:
            sys.exit(f"the app did not end; this is on the screen:\n{tmux.screen}")
        time.sleep(0.01)


def check(store: Path, expected: dict[str, str], scheduled: list[str]) -> None:
    """Fail where the store, or the exported list, does not hold what was typed."""
    with Store.open(store, read_only=True) as opened:
        info = opened.load_plan(limit=0).info
        held = {target: decision.verdict for target, decision in opened.verdicts(info.night, info.site).items()}
        decisions = opened.decisions(night=info.night, site=info.site)
        notes = opened.notes.find(night=info.night)
    wrong = {name: (held.get(name), verdict) for name, verdict in expected.items() if held.get(name) != verdict}
    if wrong:
        sys.exit(f"the store holds other verdicts than were typed (held, typed): {wrong}")
    if {decision.observer for decision in decisions} != {OBSERVER}:
        sys.exit("decisions of others are in the store")
    comments = [decision for decision in decisions if decision.verdict == "comment"]
    if [comment.comment for comment in comments] != [COMMENT] * (len(expected) // 5):
        sys.exit(f"{len(comments)} comments are in the store, {len(expected) // 5} were typed")
    if [note.text for note in notes] != [NOTE]:
        sys.exit(f"the notes in the store are {[note.text for note in notes]}")
    [exported] = store.parent.glob("followup-*.csv")
    approved = {name for name, verdict in expected.items() if verdict == "approve"}
    listed = exported.read_text(encoding="utf-8")
    if missing := [name for name in approved if name not in listed]:
        sys.exit(f"{exported.name} lacks {missing}")


def main() -> None:
    """Do a night at each size, and print how long a target took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=Path, help="ZTF alerts: archive or folder; by default a simulated night")
    parser.add_argument("--site", default="palomar")
    parser.add_argument("--night", default="2026-11-09", help="evening date of the alerts")
    parser.add_argument("--telescope", default="sedm", help="spectrograph to schedule")
    parser.add_argument("--objects", type=int, default=150, help="of the simulated night")
    options = parser.parse_args()
    if shutil.which("tmux") is None:
        sys.exit("tmux is not installed; apt install tmux")
    with tempfile.TemporaryDirectory() as folder:
        ranked = Path(folder) / "ranked"
        ranked.mkdir()
        alerts = None if options.alerts is None else options.alerts.absolute()
        store = prepare(ranked, alerts, options.site, options.night, options.telescope, options.objects)
        for size in SIZES:
            place = Path(folder) / f"{size[0]}x{size[1]}"
            place.mkdir()
            done = whole_night(Path(shutil.copy(store, place)), size)
            typical, slowest = (1000 * seconds(done.per_target) for seconds in (statistics.median, max))
            print(
                f"{size[0]}x{size[1]}: {done.n_targets} targets, {typical:.0f} ms for a verdict (median; the slowest "
                f"{slowest:.0f}), {done.whole:.1f} s for the night"
            )


if __name__ == "__main__":
    main()
