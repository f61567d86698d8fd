"""
Picture every screen of the terminal app on real alerts, for the manual.

Ranks what the Fink broker published of transients without a host in April 2024 (72 alerts), and, for cutouts, 30 alerts
of a night of 2018; schedules the first for the SED Machine; takes as labels what TNS says of these objects, and learns
a challenger from them (minutes, and only for the pictures of learning); gives a few verdicts as two observers would;
and writes docs/figures/tui_*.svg. The clock stands still, so that the same alerts, the same models and the same app
give the same pictures, but for the date on which the challenger was learned.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ampel_followup.cli import main as followup
from ampel_followup.decision import Decision
from ampel_followup.notes import Note
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp

ROOT = Path(__file__).parents[1]
TRANSIENTS, OF_TRANSIENTS = "ztf_alerts/fink_ztf_alerts_nocutouts.parquet", "hostless_detection"
WITH_CUTOUTS = "ztf_alerts/ztf_public_20180819_mod1000.tar.gz"
SITE, TELESCOPE = "palomar", "sedm"
WIDE, NARROW = (140, 45), (80, 24)

#: Where the stores of the pictures are said to be: no place of the computer that they were made on.
ELSEWHERE = "/home/ada/stores/of/nights"

#: Evening date of each night, and the moment at which it is pictured.
APRIL, AUGUST = "2024-04-28", "2018-08-19"
MOMENT = {APRIL: datetime(2024, 4, 29, 6, 20, tzinfo=UTC), AUGUST: datetime(2018, 8, 20, 5, 10, tzinfo=UTC)}

#: Picture → night, size, keys.
PICTURES: dict[str, tuple[str, tuple[int, int], Sequence[str]]] = {
    "tonight": (APRIL, WIDE, ("n", "n", "n")),
    "tonight_80x24": (APRIL, NARROW, ("n", "n", "n", "2")),
    "target": (APRIL, WIDE, ("n", "n", "n", "enter")),
    "target_80x24": (APRIL, NARROW, ("n", "n", "n", "enter")),
    "cutouts_80x24": (AUGUST, NARROW, ("n", "n", "n", "n", "n", "enter", "7")),
    "plan": (APRIL, WIDE, ("t",)),
    "plan_80x24": (APRIL, NARROW, ("t",)),
    "learning": (APRIL, WIDE, ("g",)),
    "learning_80x24": (APRIL, NARROW, ("g", "3")),
}


def prepare(data: Path, folder: Path, *, learn: bool) -> dict[str, Path]:
    """Rank the nights, and learn from the labels of the first if need be; return their stores by evening date."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(data / TRANSIENTS)
    table = table.filter(pc.equal(table["source_file"], pa.scalar(_whole_name(table, OF_TRANSIENTS))))
    alerts, labels = folder / "transients.parquet", folder / "labels.csv"
    pq.write_table(table, alerts)
    with labels.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("id", "type", "time"))
        for name, said in zip(table["objectId"].to_pylist(), table["tnsclass"].to_pylist(), strict=True):
            if (said or "").startswith("(TNS) "):
                writer.writerow((name, said.removeprefix("(TNS) "), APRIL))
    stores = {night: folder / f"{night}.sqlite" for night in (APRIL, AUGUST)}
    _run("rank", alerts, "--site", SITE, "--night", APRIL, "--store", stores[APRIL])
    _run("plan", "make", "-t", TELESCOPE, "--store", stores[APRIL])
    _run("label", "import", labels, "--source", "TNS", "--store", stores[APRIL])
    if learn:
        _run("learn", "--name", "tns-2024-04-28", "--store", stores[APRIL])
    _run("rank", data / WITH_CUTOUTS, "--site", SITE, "--night", AUGUST, "--cutouts", "--store", stores[AUGUST])
    _decide(stores[APRIL])
    return stores


def _whole_name(table, part: str) -> str:  # type: ignore[no-untyped-def]  # pyarrow has no types
    return next(name for name in table["source_file"].unique().to_pylist() if part in name)


def _run(*arguments: object) -> None:
    code = followup([str(argument) for argument in arguments])
    if code:
        raise SystemExit(code)


def _decide(path: Path) -> None:
    """Two observers have begun, and one has written a note."""
    with Store.open(path) as store:
        stored = store.load_plan()
        info, when = stored.info, "2024-04-29T05:{:02d}:00Z"
        for place, (verdict, observer, comment) in enumerate(
            (
                ("approve", "ada", ""),
                ("approve", "bob", ""),
                ("reject", "bob", "too faint for tonight's seeing"),
                ("comment", "ada", "spectrum by ePESSTO+ asked for"),
                ("approve", "ada", ""),
            )
        ):
            target = stored.plan.targets[place].id
            store.record(Decision(target, info.night, info.site, verdict, observer, when.format(place), comment))
        begun = [block.target for block in store.load_timetable().timetable.blocks if block.kind == "target"][:3]
        for minute, (target, verdict) in enumerate(zip(begun, ("observed", "observed", "failed"), strict=True), 50):
            store.record(Decision(target, info.night, info.site, verdict, "ada", when.format(minute)))
        store.notes.add(Note(info.night, info.site, "ada", when.format(40), "seeing 1.9, thin cirrus in the west"))


async def picture(store: Store, night: str, size: tuple[int, int], keys: Sequence[str]) -> str:
    """Return a picture of what stands on the screen after these keys."""
    app = FollowupApp(store, store.load_plan(), "ada", now=lambda: MOMENT[night], poll_seconds=3600.0)
    async with app.run_test(size=size) as pilot:
        await _rest(app, pilot)
        for key in keys:
            await pilot.press(key)
            await _rest(app, pilot)
        return _small(app.export_screenshot(title="ampel-followup tui"))


def _small(svg: str) -> str:
    """Return a picture that looks the same, in fewer bytes: short names, spaces as what they are, no idle zeros."""
    svg = re.sub(r"terminal-\d+", "t", svg).replace("&#160;", "\N{NO-BREAK SPACE}")
    return re.sub(r'="(\d+)\.0"', r'="\1"', svg)


async def _rest(app: FollowupApp, pilot) -> None:  # type: ignore[no-untyped-def]
    """Wait until all that is read aside is drawn."""
    for _ in range(3):
        await app.workers.wait_for_complete()
        await pilot.pause(0.1)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of ztf_alerts/")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures")
    parser.add_argument("--only", nargs="*", choices=PICTURES, default=list(PICTURES), help="pictures to make")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        learn = any(name.startswith("learning") for name in options.only)
        stores = prepare(options.data, Path(folder), learn=learn)
        for name in options.only:
            night, size, keys = PICTURES[name]
            with Store.open(stores[night]) as store:
                text = asyncio.run(picture(store, night, size, keys)).replace(folder, ELSEWHERE[: len(folder)])
            path = options.out / f"tui_{name}.svg"
            path.write_text(text, encoding="utf-8")
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
