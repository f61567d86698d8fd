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
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.brightness import brightness_at
from ampel_followup.decision import Decision, Verdict
from ampel_followup.errors import ScheduleError
from ampel_followup.lightcurve import LightCurve
from ampel_followup.observing import sky
from ampel_followup.observing.exposure import number_of_exposures
from ampel_followup.observing.instruments import Instrument, get_instrument
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.night import Night, night_at, utc_isoformat
from ampel_followup.observing.scheduling import Placed, Problem, as_soon_as_possible, solve
from ampel_followup.observing.sites import get_site
from ampel_followup.observing.standards import EXPOSURE as STANDARD_EXPOSURE
from ampel_followup.observing.standards import StandardVisit, standard_visits
from ampel_followup.observing.telescope_time import DAY, STEP, TelescopeTime, telescope_time
from ampel_followup.observing.visibility import visibility
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.replanning import Fixed, Wishes, begun_blocks, closures_of, given_up, inherit, moment
from ampel_followup.strategies import values_of
from ampel_followup.timetable import (
    Block,
    BlockKind,
    BlockStatus,
    TelescopeNight,
    Timetable,
    Unplaced,
)

__all__ = ["Fixed", "Wishes", "make_timetable", "scheduled_plan"]

Floats = NDArray[np.float64]

#: Seed of the search for a schedule: the same night gives the same one.
_SEED = 20261120

#: Names of telescopes that stand for several mirrors, each with its own instruments.
_SEVERAL_MIRRORS = frozenset({"VLT"})


@dataclass(frozen=True, eq=False)
class _Candidates:
    """The n targets that may be observed, and how bright they are at each telescope's night, shape (n,) each."""

    targets: list[RankedTarget]
    value: Floats
    magnitude: list[Floats]
    magnitude_err: list[Floats]
    reason: list[list[str | None]]

    def index(self, name: str, what: str) -> int:
        """Return the place of a target; raise ScheduleError if it is not among the candidates."""
        for i, target in enumerate(self.targets):
            if target.id == name:
                return i
        raise ScheduleError(
            f"{what} target {name} is not among the {len(self.targets)} candidates of the plan; check the name with "
            "`ampel-followup plan show`"
        )


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
        `previous` is of another night, or a site has no dark night.
    """
    wishes, verdicts = wishes or Wishes(), verdicts or {}
    keys = [instrument.key for instrument in instruments]
    _check(plan, instruments, wishes, previous)
    date = dt.date.fromisoformat(plan.night.date)
    nights = [night_at(get_site(instrument.site), date) for instrument in instruments]
    closures = [closures_of(key, wishes, previous) for key in keys]
    kept = begun_blocks(previous, verdicts, now)
    wishes, inherited = inherit(wishes, previous, kept, verdicts, now)
    candidates = _candidates(plan, nights, instruments, light_curves, verdicts, wishes, kept)
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
    )


def scheduled_plan(
    plan: NightPlan, timetable: Timetable, telescope: str
) -> tuple[NightPlan, dict[str, float], dict[str, int]]:
    """
    Return what a telescope has in a schedule as a plan of its own, for target lists.

    Parameters
    ----------
    plan : NightPlan
        That the schedule was made of.
    timetable : Timetable
    telescope : str
        Key of one of its instruments.

    Returns
    -------
    plan : NightPlan
        At the telescope's site; its targets in order of time, ranked so. Standard stars and what failed are left out.
    exposures : dict of str to float
        Open shutter on each target [s].
    n_exposures : dict of str to int
        Equal parts of it.

    Raises
    ------
    ScheduleError
        If the schedule has no such telescope.
    """
    part = next((t for t in timetable.telescopes if t.telescope == telescope), None)
    if part is None:
        names = ", ".join(t.telescope for t in timetable.telescopes)
        raise ScheduleError(f"the schedule of {timetable.date} has no telescope {telescope!r}; it has {names}")
    known = {target.id: target for target in (*plan.targets, *plan.not_observable, *plan.set_aside)}
    blocks = [b for b in timetable.of(telescope) if b.target in known and b.status != BlockStatus.FAILED]
    chosen = [known[block.target] for block in blocks]
    night = night_at(get_site(part.night.site), timetable.date)
    limits = get_instrument(telescope).limits
    seen = visibility(
        np.array([t.ra for t in chosen]),
        np.array([t.dec for t in chosen]),
        night,
        ObservingLimits(
            max_airmass=limits.max_airmass,
            min_altitude=limits.min_altitude,
            min_moon_separation=limits.min_moon_separation,
            min_hours=0.0,
            max_altitude=limits.max_altitude,
            max_hour_angle=max(-limits.min_hour_angle, limits.max_hour_angle),
        ),
    )
    targets = tuple(
        replace(target, rank=place, visibility=seen.target(place - 1)) for place, target in enumerate(chosen, 1)
    )
    own = replace(plan, night=part.night, targets=targets, not_observable=(), set_aside=(), stop=None)
    return own, {b.target: b.exposure for b in blocks}, {b.target: b.n_exposures for b in blocks}


def _candidates(
    plan: NightPlan,
    nights: Sequence[Night],
    instruments: Sequence[Instrument],
    light_curves: Mapping[str, LightCurve],
    verdicts: Mapping[str, Decision],
    wishes: Wishes,
    kept: Sequence[Block],
) -> _Candidates:
    """Collect what may be observed, its value, and how bright it will be."""
    asked_for = {*wishes.interrupts, *(fixed.target for fixed in wishes.fixed)}
    done = {block.target for block in kept if block.status != BlockStatus.FAILED}

    def wanted(target: RankedTarget, listed: bool) -> bool:
        verdict = verdicts[target.id].verdict if target.id in verdicts else None
        if target.id in done or verdict == Verdict.OBSERVED:
            return False
        if target.id in asked_for or verdict == Verdict.APPROVE:
            return True
        return listed and not wishes.approved_only and verdict not in (Verdict.REJECT, Verdict.DEFER)

    everything = (*plan.targets, *plan.not_observable)
    targets = [t for t in everything if wanted(t, True)] + [t for t in plan.set_aside if wanted(t, False)]
    value = values_of(plan.strategy, np.array([t.priority for t in targets]))
    magnitudes, errors, reasons = [], [], []
    for instrument, night in zip(instruments, nights, strict=True):
        magnitude, error, reason = _tonight(targets, light_curves, night.midnight, _band(instrument))
        magnitudes.append(magnitude)
        errors.append(error)
        reasons.append(reason)
    return _Candidates(targets, value, magnitudes, errors, reasons)


def _tonight(
    targets: Sequence[RankedTarget], light_curves: Mapping[str, LightCurve], mjd: float, band: str
) -> tuple[Floats, Floats, list[str | None]]:
    """Return the magnitude expected at a time, its error [mag], and why there is none."""
    magnitude = np.array([t.photometry.last_mag for t in targets], dtype=np.float64)
    error = np.array([t.photometry.last_mag_err for t in targets], dtype=np.float64)
    reason: list[str | None] = [None if math.isfinite(m) else "its magnitude is not known" for m in magnitude]
    known = [i for i, target in enumerate(targets) if target.id in light_curves]
    found = brightness_at([light_curves[targets[i].id] for i in known], mjd, band=band)
    for k, i in enumerate(known):
        magnitude[i], error[i], reason[i] = found.mag[k], found.mag_err[k], found.reason[k]
    return magnitude, error, reason


def _band(instrument: Instrument) -> str:
    """Return the band nearest to the wavelength that exposure times are meant for."""
    centres = {"g": 4800.0, "r": 6400.0, "i": 7900.0}
    return min(centres, key=lambda band: abs(centres[band] - instrument.spectrum.wavelength))


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
    candidates: _Candidates,
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


def _agreed(wish: Fixed, k: int, time: TelescopeTime, candidates: _Candidates, origin: float) -> Placed:
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
        raise ScheduleError(f"{what}: {_too_faint(candidates, i, k, time.instrument)}")
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


def _block(placed: Placed, kind: BlockKind, candidates: _Candidates, time: TelescopeTime, origin: float) -> Block:
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
    candidates: _Candidates, reasons: Mapping[int, str], times: Sequence[TelescopeTime]
) -> tuple[Unplaced, ...]:
    """Say why candidates have no block, the most valuable first."""
    found = []
    for i, reason in reasons.items():
        out_of_reach = [
            _too_faint(candidates, i, k, t.instrument)
            for k, t in enumerate(times)
            if t.usable[i].any() and not np.isfinite(t.exposure[i][t.usable[i]]).any()
        ]
        if reason.startswith("too faint") and out_of_reach:
            reason = "; ".join(dict.fromkeys(out_of_reach))
        found.append(Unplaced(candidates.targets[i].id, reason, float(candidates.value[i])))
    return tuple(sorted(found, key=lambda unplaced: (-unplaced.value, unplaced.target)))


def _too_faint(candidates: _Candidates, i: int, k: int, instrument: Instrument) -> str:
    """Say why a candidate cannot be exposed with an instrument."""
    magnitude, error = float(candidates.magnitude[k][i]), float(candidates.magnitude_err[k][i])
    if not math.isfinite(magnitude):
        return candidates.reason[k][i] or "its magnitude is not known"
    error = error if math.isfinite(error) else 0.0
    expected = f"expected at {magnitude:.1f} ± {error:.1f} mag"
    if magnitude < instrument.magnitudes.bright:
        return f"{expected}, brighter than {instrument.magnitudes.bright:g} of {instrument.key}"
    if magnitude + error > instrument.magnitudes.faint:
        return f"{expected}, too near to or beyond the limit {instrument.magnitudes.faint:g} of {instrument.key}"
    return f"{expected}: more than {instrument.exposures.total / 60:.0f} min with {instrument.key}"
