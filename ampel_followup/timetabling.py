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
from dataclasses import dataclass, field, replace

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
from ampel_followup.observing.night import Night, mjd_of, night_at, utc_isoformat
from ampel_followup.observing.scheduling import Placed, Problem, solve
from ampel_followup.observing.sites import get_site
from ampel_followup.observing.standards import Standard, load_standards
from ampel_followup.observing.telescope_time import DAY, STEP, TelescopeTime, telescope_time
from ampel_followup.observing.visibility import visibility
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.strategies import values_of
from ampel_followup.timetable import (
    Block,
    BlockKind,
    BlockStatus,
    Closure,
    TelescopeNight,
    Timetable,
    Unplaced,
)

Floats = NDArray[np.float64]

#: Open shutter on a standard star [s]: they are bright.
STANDARD_EXPOSURE = 120.0

#: Seed of the search for a schedule: the same night gives the same one.
_SEED = 20261120


@dataclass(frozen=True, slots=True)
class Fixed:
    """A target that a telescope observes from a moment on, whatever it is worth; `start` is UTC, ISO 8601."""

    target: str
    telescope: str
    start: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """
    What the observers want of a night.

    Parameters
    ----------
    closures : mapping of str to sequence of Closure
        Telescope (key of the instrument) → stretches that are lost.
    fixed : sequence of Fixed
        Agreed pointings.
    interrupts : sequence of str
        Targets to be observed as soon as they can be, in this order.
    standards : bool
        A standard star at the beginning and at the end of each telescope's night.
    standards_every : float, optional
        And one every so many hours [h].
    approved_only : bool
        Leave out what nobody approved.
    seeing : float, optional
        At the zenith [arcsec]; by default the usual one of each instrument.
    snr : float, optional
        Signal-to-noise ratio; by default what each instrument asks for.
    """

    closures: Mapping[str, Sequence[Closure]] = field(default_factory=dict)
    fixed: Sequence[Fixed] = ()
    interrupts: Sequence[str] = ()
    standards: bool = True
    standards_every: float | None = None
    approved_only: bool = False
    seeing: float | None = None
    snr: float | None = None


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
        To be made anew from `now` on: what was done stays, and so do what was fixed and the closures.
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
        If a wish names what is not there, fixed blocks overlap, or a site has no dark night.
    """
    wishes, verdicts = wishes or Wishes(), verdicts or {}
    keys = [instrument.key for instrument in instruments]
    for name in {*wishes.closures, *(fixed.telescope for fixed in wishes.fixed)} - set(keys):
        raise ScheduleError(f"{name} is not among the telescopes of the schedule: {', '.join(keys)}")
    date = dt.date.fromisoformat(plan.night.date)
    nights = [night_at(get_site(instrument.site), date) for instrument in instruments]
    closures = [_closures(key, wishes, previous) for key in keys]
    kept = _kept(previous, keys, verdicts, now)
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
            closed=[(_mjd(c.start), _mjd(c.end)) for c in closed],
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
    settled, extra = _settled(candidates, times, problem, wishes, kept, origin, now)
    interrupts = [candidates.index(name, "interrupting") for name in wishes.interrupts]
    solution = solve(problem, fixed=settled, interrupts=interrupts, rng=np.random.default_rng(_SEED))
    fixed_targets = {wish.target for wish in wishes.fixed}
    blocks = [*kept]
    for placed in solution.blocks:
        if placed.candidate < 0:
            if (block := extra.get((placed.telescope, round(placed.start)))) is not None:
                blocks.append(block)
            continue
        name = candidates.targets[placed.candidate].id
        kind = BlockKind.TARGET
        if name in wishes.interrupts:
            kind = BlockKind.INTERRUPT
        elif name in fixed_targets:
            kind = BlockKind.FIXED
        blocks.append(_block(placed, kind, candidates, times[placed.telescope], origin))
    value = sum(block.value for block in blocks if block.status != BlockStatus.FAILED)
    done = value - solution.value
    return Timetable(
        date=plan.night.date,
        telescopes=tuple(
            TelescopeNight(i.key, i.name, night.summary(), tuple(closed), revision)
            for i, night, closed in zip(instruments, nights, closures, strict=True)
        ),
        blocks=tuple(sorted(blocks, key=lambda block: (block.start, block.telescope))),
        unplaced=_unplaced(candidates, solution.reasons, times),
        value=float(value),
        bound=float(max(value, solution.bound + done)),
        strategy=plan.strategy,
        planned_from=utc_isoformat(now if now is not None else origin),
    )


def scheduled_plan(plan: NightPlan, timetable: Timetable, telescope: str) -> tuple[NightPlan, dict[str, float]]:
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
    return own, {block.target: block.exposure for block in blocks}


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


def _closures(key: str, wishes: Wishes, previous: Timetable | None) -> list[Closure]:
    """Return when a telescope is lost, as it is wished now and as it was known before, in order."""
    known = [c for t in previous.telescopes if t.telescope == key for c in t.closures] if previous is not None else []
    closures = list(dict.fromkeys([*known, *wishes.closures.get(key, ())]))
    for closure in closures:
        if _mjd(closure.end) <= _mjd(closure.start):
            raise ScheduleError(
                f"{key} is said to be closed from {closure.start} until {closure.end}, which is earlier"
            )
    return sorted(closures, key=lambda closure: closure.start)


def _kept(
    previous: Timetable | None, keys: Sequence[str], verdicts: Mapping[str, Decision], now: float | None
) -> list[Block]:
    """Return what of an earlier schedule has begun by now, with what became of it."""
    if previous is None or now is None:
        return []
    kept = []
    for block in previous.blocks:
        if block.telescope not in keys or _mjd(block.start) >= now:
            continue
        status = block.status
        verdict = verdicts[block.target].verdict if block.target in verdicts else None
        if block.kind != BlockKind.STANDARD and verdict in (Verdict.OBSERVED, Verdict.FAILED):
            status = BlockStatus.OBSERVED if verdict == Verdict.OBSERVED else BlockStatus.FAILED
        kept.append(replace(block, status=status))
    return kept


def _settled(
    candidates: _Candidates,
    times: Sequence[TelescopeTime],
    problem: Problem,
    wishes: Wishes,
    kept: Sequence[Block],
    origin: float,
    now: float | None,
) -> tuple[list[Placed], dict[tuple[int, int], Block]]:
    """Return blocks that do not move, and those of them that are no candidates, by telescope and start."""
    settled: list[Placed] = []
    extra: dict[tuple[int, int], Block] = {}
    keys = [t.instrument.key for t in times]
    for block in kept:
        end = (_mjd(block.end) - origin) * DAY
        if now is not None and end > (now - origin) * DAY and block.status == BlockStatus.PLANNED:
            # Under way: the telescope is free when it ends. The block itself is among those kept.
            settled.append(Placed(keys.index(block.telescope), -1, (now - origin) * DAY, end))
    for wish in wishes.fixed:
        k, i = keys.index(wish.telescope), candidates.index(wish.target, "fixed")
        start = (_mjd(wish.start) - origin) * DAY
        length = times[k].duration[i, times[k].step_at(_mjd(wish.start))]
        if not np.isfinite(length):
            raise ScheduleError(
                f"fixed target {wish.target} cannot be exposed with {wish.telescope} at {wish.start}: "
                f"{_too_faint(candidates, i, k, times[k].instrument)}"
            )
        settled.append(Placed(k, i, start, start + float(length)))
    if wishes.standards:
        for k, time in enumerate(times):
            for placed, block in _standards(k, time, settled, wishes.standards_every, origin, opening=not kept):
                settled.append(placed)
                extra[k, round(placed.start)] = block
    return settled, extra


def _standards(
    k: int, time: TelescopeTime, settled: Sequence[Placed], every: float | None, origin: float, *, opening: bool
) -> list[tuple[Placed, Block]]:
    """Place the standard stars of a telescope's night where nothing else is fixed; one at its `opening`, too."""
    stars = load_standards()
    cost = time.instrument.overheads
    length = cost.acquisition + STANDARD_EXPOSURE + cost.readout
    sight = telescope_time(
        time.instrument,
        time.night,
        np.array([s.ra for s in stars]),
        np.array([s.dec for s in stars]),
        np.array([s.magnitude for s in stars]),
        begin=time.begin,
    )
    # What is closed for candidates is closed for standard stars, too: nothing else is ever wholly unusable.
    open_steps = np.asarray(time.usable.any(axis=0)) if len(time.usable) else np.ones(time.steps, dtype=bool)
    begin, end = (time.begin - origin) * DAY, (time.begin - origin) * DAY + time.steps * STEP
    wanted = [
        *([begin] if opening else []),
        *([] if every is None else np.arange(begin + every * 3600, end - 1800, every * 3600).tolist()),
    ]
    found: list[tuple[Placed, Block]] = []
    for after, backwards in [*((moment, False) for moment in wanted), (end - length, True)]:
        busy = [p for p in (*settled, *(placed for placed, _ in found)) if p.telescope == k]
        start = _free_moment(after, length, busy, begin, end, open_steps, backwards=backwards)
        if start is None:
            continue
        step = sight.step_at(origin + start / DAY)
        airmass = np.where(sight.usable[:, step], sight.airmass[:, step], np.inf)
        star = int(airmass.argmin())
        if not np.isfinite(airmass[star]):
            continue
        placed = Placed(k, -1, start, start + length, movable=False)
        found.append((placed, _standard_block(placed, stars[star], sight, star, step, origin)))
    return found


def _free_moment(
    after: float,
    length: float,
    busy: Sequence[Placed],
    begin: float,
    end: float,
    open_steps: NDArray[np.bool_],
    *,
    backwards: bool,
) -> float | None:
    """Return the moment nearest to `after`, in steps of the night, at which a stretch is open and free."""
    step = (end - begin) / len(open_steps)
    edges = begin + step * np.arange(len(open_steps))
    moments = edges[edges <= after][::-1] if backwards else edges[edges >= after - 1e-6]
    for start in moments.tolist():
        until = start + length
        covered = (edges < until) & (edges + step > start)
        free = all(until <= p.start + 1e-6 or start >= p.end - 1e-6 for p in busy)
        if free and until <= end + 1e-6 and open_steps[covered].all():
            return float(start)
    return None


def _standard_block(placed: Placed, star: Standard, sight: TelescopeTime, i: int, step: int, origin: float) -> Block:
    return Block(
        telescope=sight.instrument.key,
        target=star.name,
        kind=BlockKind.STANDARD,
        status=BlockStatus.PLANNED,
        ra=star.ra,
        dec=star.dec,
        start=utc_isoformat(origin + placed.start / DAY),
        end=utc_isoformat(origin + placed.end / DAY),
        exposure=STANDARD_EXPOSURE,
        n_exposures=1,
        magnitude=star.magnitude,
        magnitude_err=0.0,
        airmass=float(sight.airmass[i, step]),
        moon_separation=float(sight.separation[i, step]),
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
    expected = f"expected at {magnitude:.1f} ± {error:.1f} mag"
    if magnitude < instrument.magnitudes.bright:
        return f"{expected}, brighter than {instrument.magnitudes.bright:g} of {instrument.key}"
    if magnitude + error > instrument.magnitudes.faint:
        return f"{expected}, too near to or beyond the limit {instrument.magnitudes.faint:g} of {instrument.key}"
    return f"{expected}: more than {instrument.exposures.total / 60:.0f} min with {instrument.key}"


def _mjd(utc: str) -> float:
    """Return the Modified Julian Date of a time, ISO 8601; UTC unless it names another zone."""
    try:
        return mjd_of(utc)
    except ValueError as error:
        raise ScheduleError(f"{utc!r} is no time; write it as 2026-11-20T23:30") from error
