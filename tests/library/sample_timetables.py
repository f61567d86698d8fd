"""Schedules as people meet them, for the tests of what shows and keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from assistant_plans import PLAN

from ampel_followup.plan import NightPlan, NightSummary, RankedTarget
from ampel_followup.timetable import (
    Block,
    BlockKind,
    BlockStatus,
    Closure,
    TelescopeNight,
    Timetable,
    Unplaced,
)

#: 30 targets between the two twilights, with the Moon up in the evening.
SSO = NightSummary(
    date="2026-11-20",
    site="sso",
    site_name="Siding Spring Observatory",
    latitude=-31.27,
    longitude=149.06,
    timezone="Australia/Sydney",
    sunset="2026-11-20T08:41:10Z",
    dusk="2026-11-20T09:41:00Z",
    dawn="2026-11-20T17:22:00Z",
    sunrise="2026-11-20T18:27:31Z",
    moon_illumination=0.82,
    moon_rise=None,
    moon_set="2026-11-20T15:12:00Z",
)

#: Seven and a half hours to the west of it, on the other side of the Earth.
LA_PALMA = NightSummary(
    date="2026-11-20",
    site="lapalma",
    site_name="Roque de los Muchachos",
    latitude=28.76,
    longitude=-17.89,
    timezone="Atlantic/Canary",
    sunset="2026-11-20T18:13:00Z",
    dusk="2026-11-20T19:08:00Z",
    dawn="2026-11-21T06:32:00Z",
    sunrise="2026-11-21T07:27:00Z",
    moon_illumination=0.84,
    moon_rise=None,
    moon_set="2026-11-21T03:20:00Z",
)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def telescope_night(night: NightSummary = SSO, *closures: Closure, key: str = "wifes") -> TelescopeNight:
    names = {"wifes": "ANU 2.3 m / WiFeS", "sprat": "Liverpool Telescope / SPRAT"}
    return TelescopeNight(key, names.get(key, key), night, closures, revision=7)


def blocks_of(part: TelescopeNight, n: int, *, seed: int = 1, lsst: bool = False) -> list[Block]:
    """n blocks side by side from dusk to dawn, around the closures: a standard, an interrupt, a fixed one, targets."""
    rng = np.random.default_rng(seed)
    dusk, dawn = moment(part.night.dusk), moment(part.night.dawn)
    closed = [(moment(c.start), moment(c.end)) for c in part.closures]
    step = (dawn - dusk - sum((end - start for start, end in closed), timedelta())) / (n + len(closed))
    start, blocks = dusk, []
    for number in range(n):
        for closed_from, closed_until in closed:
            if start < closed_until and start + step > closed_from:
                start = closed_until
        kind = {0: BlockKind.STANDARD, 3: BlockKind.INTERRUPT, 5: BlockKind.FIXED}.get(number, BlockKind.TARGET)
        standard = kind == BlockKind.STANDARD
        name = f"LSST-P-DO-3138473{rng.integers(10**11):011d}" if lsst else f"ZTF26ab{_letters(number)}"
        # Near the meridian in the middle of its block.
        sidereal = _sidereal_degrees(part.night, start + step / 2)
        blocks.append(
            Block(
                telescope=part.telescope,
                target="LTT 3218" if standard else name,
                kind=kind,
                status=BlockStatus.PLANNED,
                ra=float((sidereal + rng.normal(0, 18)) % 360),
                dec=float(np.clip(part.night.latitude + rng.normal(0, 15), -88, 88)),
                start=iso(start),
                end=iso(start + 0.96 * step),
                exposure=round(0.8 * step.total_seconds(), 1),
                n_exposures=1 if standard else 3,
                magnitude=float("nan") if standard else float(rng.uniform(17.5, 19.8)),
                magnitude_err=float("nan") if standard else float(rng.uniform(0.03, 0.4)),
                airmass=float(rng.uniform(1.0, 1.7)),
                moon_separation=float(rng.uniform(35, 140)),
                value=0.0 if standard else float(rng.uniform(0.01, 0.3)),
            )
        )
        start += step
    return blocks


def timetable_of(*parts: tuple[TelescopeNight, list[Block]], done: int = 0) -> Timetable:
    """The timetable of these parts; of the first `done` blocks of each the second failed, the others were observed."""
    marked = [
        replace(block, status=BlockStatus.FAILED if i == 1 else BlockStatus.OBSERVED) if i < done else block
        for _, blocks in parts
        for i, block in enumerate(blocks)
    ]
    unplaced = tuple(
        Unplaced(f"ZTF26zz{_letters(i)}", f"worth less than what is there ({i})", 0.2 - i / 100) for i in range(8)
    )
    value = sum(block.value for block in marked)
    return Timetable(
        date=parts[0][0].night.date,
        telescopes=tuple(part for part, _ in parts),
        blocks=tuple(sorted(marked, key=lambda block: (block.start, block.telescope))),
        unplaced=unplaced,
        value=value,
        bound=1.03 * value,
        strategy="value-of-information",
        planned_from="2026-11-20T11:00:00Z",
    )


def sample_timetable(n: int = 18, *, lsst: bool = False, done: int = 4) -> Timetable:
    """One telescope, closed for an hour and a half after midnight."""
    closed = Closure("2026-11-20T14:00:00Z", "2026-11-20T15:30:00Z", "wind above 60 km/h")
    part = telescope_night(SSO, closed)
    return timetable_of((part, blocks_of(part, n, lsst=lsst)), done=done)


def ranked(timetable: Timetable) -> Mapping[str, RankedTarget]:
    """The targets of a timetable with their reasons."""
    like = PLAN.targets[0]
    return {
        block.target: replace(like, id=block.target, ra=block.ra, dec=block.dec, rank=rank)
        for rank, block in enumerate(timetable.blocks, 1)
        if block.kind != BlockKind.STANDARD
    }


def plan_for(timetable: Timetable) -> NightPlan:
    """The plan that a timetable was made from, with a few targets that found no place."""
    placed = tuple(ranked(timetable).values())
    others = tuple(replace(placed[i], id=f"ZTF26zz{_letters(i)}", dec=placed[i].dec + 25.0) for i in range(3))
    return replace(PLAN, night=timetable.telescopes[0].night, targets=placed + others)


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + (number * 7 + 3) // 26**place % 26) for place in range(5))


def _sidereal_degrees(night: NightSummary, time: datetime) -> float:
    days = (time - datetime.fromisoformat("2000-01-01T12:00:00Z")) / timedelta(days=1)
    return (280.46062 + 360.98564737 * days + night.longitude) % 360
