"""
A plan, telescopes and the brightness of its targets tonight make a schedule.

What a spectrum is worth is what the plan was ranked by; how long it takes follows from the brightness that the light
curve is expected to have, and from instrument, seeing, airmass and Moon. The schedule is the one of most value that
`ampel_followup.observing.scheduling` finds.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.decision import Decision
from ampel_followup.errors import NightError, ScheduleError
from ampel_followup.lightcurve import LightCurve
from ampel_followup.night_candidates import Candidates, collect_candidates, too_faint
from ampel_followup.observing import sky
from ampel_followup.observing.exposure import number_of_exposures
from ampel_followup.observing.instruments import Instrument
from ampel_followup.observing.night import Night, night_at, utc_isoformat
from ampel_followup.observing.scheduling import Placed, Problem, as_soon_as_possible, solve
from ampel_followup.observing.sites import get_site
from ampel_followup.observing.standards import EXPOSURE as STANDARD_EXPOSURE
from ampel_followup.observing.standards import StandardVisit, standard_visits
from ampel_followup.observing.telescope_time import DAY, STEP, TelescopeTime, telescope_time
from ampel_followup.plan import NightPlan
from ampel_followup.replanning import Fixed, Wishes, begun_blocks, closures_of, given_up, inherit, moment
from ampel_followup.timetable import (
    Block,
    BlockKind,
    BlockStatus,
    LeftOut,
    TelescopeNight,
    Timetable,
    Unplaced,
)

__all__ = ["Fixed", "Wishes", "make_timetable", "nights_of"]

Floats = NDArray[np.float64]

#: Seed of the search for a schedule: the same night gives the same one.
_SEED = 20261120

#: Names of telescopes that stand for several mirrors, each with its own instruments.
_SEVERAL_MIRRORS = frozenset({"VLT"})


def make_timetable(
    plan: NightPlan,
    instruments: Sequence[Instrument],
    light_curves: Mapping[str, LightCurve],
    *,
    verdicts: Mapping[str, Decision] | None = None,
    wishes: Wishes | None = None,
    previous: Timetable | None = None,
    now: float | None = None,
    revision: int = 0,
) -> Timetable:
    """
    Schedule a night.

    Parameters
    ----------
    plan : NightPlan
        Its targets, and those that its own site cannot see, are candidates; what is set aside only if approved.
    instruments : sequence of Instrument
        The telescopes, each at its site.
    light_curves : mapping of str to LightCurve
        By survey name, for the brightness tonight. A target without one counts as it was seen last.
    verdicts : mapping of str to Decision, optional
        What was rejected, deferred or observed is no candidate.
    wishes : Wishes, optional
    previous : Timetable, optional
        To be made anew from `now` on: what has begun stays, with what became of it, and so do the closures, what was
        fixed (if it is still possible) and what interrupts.
    now : float, optional
        Plan from this moment on [MJD]; by default the whole night.
    revision : int
        Of the plan in the store.

    Returns
    -------
    Timetable
        The same arguments give the same one.

    Raises
    ------
    ScheduleError, NightError
        If a wish names what is not there or not possible, fixed blocks overlap, two instruments share a telescope,
        `previous` is of another night, or no telescope has a dark night. Those that have none are left out.
    """
    wishes, verdicts = wishes or Wishes(), verdicts or {}
    _check(plan, instruments, wishes, previous)
    by_key, left_out = nights_of(instruments, plan.night.date)
    for one in left_out:
        for wish in wishes.fixed:
            if wish.telescope == one.telescope:
                raise ScheduleError(f"fixed target {wish.target} cannot be observed with {one.telescope}: {one.reason}")
    instruments = [instrument for instrument in instruments if instrument.key in by_key]
    keys, nights = list(by_key), list(by_key.values())
    closures = [closures_of(key, wishes, previous) for key in keys]
    kept = begun_blocks(previous, verdicts, now)
    wishes, inherited = inherit(wishes, previous, kept, verdicts, now)
    candidates = collect_candidates(plan, nights, instruments, light_curves, verdicts, wishes, kept)
    ra = np.array([t.ra for t in candidates.targets])
    dec = np.array([t.dec for t in candidates.targets])
    times = [
        telescope_time(
            instrument,
            night,
            ra,
            dec,
            # For what it has with 84 % probability: a fading object is not promised.
            magnitude + np.nan_to_num(error),
            closed=[(moment(c.start), moment(c.end)) for c in closed],
            begin=now,
            seeing=wishes.seeing,
            snr=wishes.snr,
        )
        for instrument, night, closed, magnitude, error in zip(
            instruments, nights, closures, candidates.magnitude, candidates.magnitude_err, strict=True
        )
    ]
    origin = min(night.dusk for night in nights)
    problem = Problem(candidates.value, [t.telescope(origin) for t in times], sky.directions(ra, dec))
    settled = _settled(candidates, times, wishes, inherited, kept, origin, now)
    interrupts = [candidates.index(name, "interrupting") for name in wishes.interrupts]
    for i in dict.fromkeys(interrupts):
        # Before standard stars: they can wait.
        if all(placed.candidate != i for placed in settled):
            placed = as_soon_as_possible(problem, i, settled)
            settled += [placed] if placed is not None else []
    standards = _standards(times, settled, wishes, kept, origin) if wishes.standards else []
    settled += [
        Placed(keys.index(b.telescope), -1, (moment(b.start) - origin) * DAY, (moment(b.end) - origin) * DAY)
        for b in standards
    ]
    solution = solve(problem, fixed=settled, interrupts=interrupts, rng=np.random.default_rng(_SEED))
    agreed = {wish.target for wish in wishes.fixed}
    blocks = [*kept, *standards]
    for placed in solution.blocks:
        if placed.candidate < 0:
            continue
        name = candidates.targets[placed.candidate].id
        kind = BlockKind.TARGET
        if name in wishes.interrupts:
            kind = BlockKind.INTERRUPT
        elif name in agreed and not placed.movable:
            kind = BlockKind.FIXED
        blocks.append(_block(placed, kind, candidates, times[placed.telescope], origin))
    value = sum(block.value for block in blocks if block.status != BlockStatus.FAILED)
    done = value - solution.value
    return Timetable(
        date=plan.night.date,
        telescopes=(
            *(
                TelescopeNight(i.key, i.name, night.summary(), tuple(closed), revision)
                for i, night, closed in zip(instruments, nights, closures, strict=True)
            ),
            *given_up(previous, keys, kept),
        ),
        blocks=tuple(sorted(blocks, key=lambda block: (block.start, block.telescope))),
        unplaced=_unplaced(candidates, solution.reasons, times),
        value=float(value),
        bound=float(max(value, solution.bound + done)),
        strategy=plan.strategy,
        planned_from=utc_isoformat(now if now is not None else origin),
        approved_only=wishes.approved_only,
        seeing=math.nan if wishes.seeing is None else wishes.seeing,
        snr=math.nan if wishes.snr is None else wishes.snr,
        left_out=(*left_out, *(one for one in (previous.left_out if previous else ()) if one.telescope not in keys)),
    )


def nights_of(instruments: Sequence[Instrument], date: str) -> tuple[dict[str, Night], list[LeftOut]]:
    """
    Return the nights of telescopes, and those telescopes that have none.

    Parameters
    ----------
    instruments : sequence of Instrument
    date : str
        Of the evening, ISO 8601.

    Returns
    -------
    nights : dict of str to Night
        By key of the instrument, in the order asked for.
    left_out : list of LeftOut
        For example, one at a high latitude in summer.

    Raises
    ------
    NightError
        If no telescope has a dark night.
    """
    nights: dict[str, Night] = {}
    left_out: list[LeftOut] = []
    for instrument in instruments:
        try:
            nights[instrument.key] = night_at(get_site(instrument.site), dt.date.fromisoformat(date))
        except NightError as error:
            left_out.append(LeftOut(instrument.key, instrument.name, str(error)))
    if left_out and not nights:
        raise NightError("; ".join(dict.fromkeys(one.reason for one in left_out)))
    return nights, left_out


def _check(plan: NightPlan, instruments: Sequence[Instrument], wishes: Wishes, previous: Timetable | None) -> None:
    """Raise ScheduleError if telescopes, wishes and the previous schedule do not go together."""
    if not instruments:
        raise ScheduleError("there is no telescope to schedule; name at least one")
    keys = [instrument.key for instrument in instruments]
    named = {*wishes.closures, *(fixed.telescope for fixed in wishes.fixed)}
    for name in sorted(named - set(keys)):
        raise ScheduleError(f"{name} is not among the telescopes of the schedule: {', '.join(keys)}")
    for one, other in combinations(instruments, 2):
        if one.key == other.key:
            raise ScheduleError(f"two telescopes are called {one.key!r}; name each once")
        if (one.site, one.telescope) == (other.site, other.telescope) and one.telescope not in _SEVERAL_MIRRORS:
            raise ScheduleError(
                f"{one.key} and {other.key} are both at the {one.telescope} of {one.site}, which observes one thing at "
                "a time; choose one of them"
            )
    if previous is not None and previous.date != plan.night.date:
        raise ScheduleError(
            f"the schedule to be made anew is of {previous.date}, the plan of {plan.night.date}; make one with "
            "`ampel-followup plan make`"
        )
    if wishes.standards_every is not None and not wishes.standards_every > 0:
        raise ScheduleError(f"a standard star every {wishes.standards_every:g} h; give a positive number of hours")


def _settled(
    candidates: Candidates,
    times: Sequence[TelescopeTime],
    wishes: Wishes,
    inherited: set[str],
    kept: Sequence[Block],
    origin: float,
    now: float | None,
) -> list[Placed]:
    """Return the blocks that do not move: what is under way, and what was agreed."""
    settled: list[Placed] = []
    keys = [t.instrument.key for t in times]
    for block in kept:
        end = moment(block.end)
        if now is not None and end > now and block.status == BlockStatus.PLANNED and block.telescope in keys:
            # Under way: the telescope is free when it ends. The block itself is among those kept.
            settled.append(Placed(keys.index(block.telescope), -1, (now - origin) * DAY, (end - origin) * DAY))
    for wish in sorted(wishes.fixed, key=lambda wish: wish.target in inherited):
        try:
            if wish.telescope not in keys:
                raise ScheduleError(f"{wish.telescope} is not among the telescopes of the schedule: {', '.join(keys)}")
            k = keys.index(wish.telescope)
            placed = _agreed(wish, k, times[k], candidates, origin)
        except ScheduleError:
            if wish.target in inherited:  # What became impossible since competes with the others.
                continue
            raise
        if wish.target in inherited and any(
            p.telescope == k and p.start < placed.end and placed.start < p.end for p in settled
        ):
            continue
        settled.append(placed)
    return settled


def _agreed(wish: Fixed, k: int, time: TelescopeTime, candidates: Candidates, origin: float) -> Placed:
    """Return the block of a fixed target; raise ScheduleError if the telescope cannot take it then."""
    key, i, start = time.instrument.key, candidates.index(wish.target, "fixed"), moment(wish.start)
    what = f"fixed target {wish.target} cannot be observed with {key} at {wish.start}"
    last = time.begin + time.steps * STEP / DAY
    if not time.begin - 1e-8 <= start < last:
        raise ScheduleError(
            f"{what}: that is not between {utc_isoformat(time.begin)} and {utc_isoformat(last)}, the time to plan for"
        )
    steps = np.flatnonzero(time.usable[i])
    first = time.step_at(start + 1e-9)
    length = float(time.duration[i, first])
    if len(steps) == 0:
        raise ScheduleError(f"{what}: it is not within the limits of the telescope while that is open")
    if time.usable[i, first] and not math.isfinite(length):
        raise ScheduleError(f"{what}: {too_faint(candidates, i, k, time.instrument)}")
    end = start + (length if math.isfinite(length) else STEP) / DAY
    if end > last + 1e-8 or not time.usable[i, first : time.step_at(end - 1e-8) + 1].all():
        begin, until = (utc_isoformat(time.begin + step * STEP / DAY) for step in (steps[0], steps[-1] + 1))
        needed = f" for {length / 60:.0f} min" if math.isfinite(length) else ""
        raise ScheduleError(
            f"{what}: it is not within the limits of the open telescope{needed}; choose a time between {begin} and "
            f"{until}"
        )
    return Placed(k, i, (start - origin) * DAY, (end - origin) * DAY)


def _standards(
    times: Sequence[TelescopeTime], settled: Sequence[Placed], wishes: Wishes, kept: Sequence[Block], origin: float
) -> list[Block]:
    """Place the standard stars of each telescope's night where nothing else is settled."""
    blocks = []
    for k, time in enumerate(times):
        key = time.instrument.key
        before = [moment(b.start) for b in kept if b.kind == BlockKind.STANDARD and b.telescope == key]
        busy = [(origin + p.start / DAY, origin + p.end / DAY) for p in settled if p.telescope == k]
        visits = standard_visits(time, busy, last=max(before, default=None), every=wishes.standards_every)
        blocks += [_standard_block(visit, key) for visit in visits]
    return blocks


def _standard_block(visit: StandardVisit, telescope: str) -> Block:
    return Block(
        telescope=telescope,
        target=visit.star.name,
        kind=BlockKind.STANDARD,
        status=BlockStatus.PLANNED,
        ra=visit.star.ra,
        dec=visit.star.dec,
        start=utc_isoformat(visit.start),
        end=utc_isoformat(visit.end),
        exposure=STANDARD_EXPOSURE,
        n_exposures=1,
        magnitude=visit.star.magnitude,
        airmass=visit.airmass,
        moon_separation=visit.moon_separation,
    )


def _block(placed: Placed, kind: BlockKind, candidates: Candidates, time: TelescopeTime, origin: float) -> Block:
    i, k = placed.candidate, placed.telescope
    target = candidates.targets[i]
    start, end = origin + placed.start / DAY, origin + placed.end / DAY
    first, middle = time.step_at(start + 1e-9), time.step_at(0.5 * (start + end))
    exposure = float(time.exposure[i, first])
    return Block(
        telescope=time.instrument.key,
        target=target.id,
        kind=kind,
        status=BlockStatus.PLANNED,
        ra=target.ra,
        dec=target.dec,
        start=utc_isoformat(start),
        end=utc_isoformat(end),
        exposure=round(exposure, 1),
        n_exposures=int(number_of_exposures(time.instrument, exposure)),
        magnitude=float(candidates.magnitude[k][i]),
        magnitude_err=float(candidates.magnitude_err[k][i]),
        airmass=float(time.airmass[i, middle]),
        moon_separation=float(time.separation[i, middle]),
        value=float(candidates.value[i]),
    )


def _unplaced(
    candidates: Candidates, reasons: Mapping[int, str], times: Sequence[TelescopeTime]
) -> tuple[Unplaced, ...]:
    """Say why candidates have no block, the most valuable first."""
    found = []
    for i, reason in reasons.items():
        out_of_reach = [
            too_faint(candidates, i, k, t.instrument)
            for k, t in enumerate(times)
            if t.usable[i].any() and not np.isfinite(t.exposure[i][t.usable[i]]).any()
        ]
        if reason.startswith("too faint") and out_of_reach:
            reason = "; ".join(dict.fromkeys(out_of_reach))
        found.append(Unplaced(candidates.targets[i].id, reason, float(candidates.value[i])))
    return tuple(sorted(found, key=lambda unplaced: (-unplaced.value, unplaced.target)))
