"""What observers wish of a night, and what an earlier schedule of it leaves to a later one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ampel_followup.decision import Decision, Verdict
from ampel_followup.errors import ScheduleError
from ampel_followup.observing.night import mjd_of, utc_isoformat
from ampel_followup.timetable import Block, BlockKind, BlockStatus, Closure, TelescopeNight, Timetable


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


def closures_of(key: str, wishes: Wishes, previous: Timetable | None) -> list[Closure]:
    """Return when a telescope is lost, as it is wished now and as it was known before, in order; in UTC."""
    known = [c for t in previous.telescopes if t.telescope == key for c in t.closures] if previous is not None else []
    closures: dict[Closure, None] = {}
    for closure in (*known, *wishes.closures.get(key, ())):
        start, end = moment(closure.start), moment(closure.end)
        if end <= start:
            raise ScheduleError(
                f"{key} is said to be closed from {closure.start} until {closure.end}, which is earlier (or the same); "
                "give the later one second"
            )
        closures[Closure(utc_isoformat(start), utc_isoformat(end), closure.reason)] = None
    return sorted(closures, key=lambda closure: closure.start)


def begun_blocks(previous: Timetable | None, verdicts: Mapping[str, Decision], now: float | None) -> list[Block]:
    """Return what of an earlier schedule has begun by now, with what became of it."""
    if previous is None or now is None:
        return []
    kept = []
    failed_before = {block.target for block in previous.blocks if block.status == BlockStatus.FAILED}
    for block in previous.blocks:
        if moment(block.start) >= now:
            continue
        decision = verdicts.get(block.target)
        status = block.status
        if decision is not None and block.kind != BlockKind.STANDARD:
            if decision.verdict == Verdict.OBSERVED and status != BlockStatus.FAILED:
                status = BlockStatus.OBSERVED
            # A second attempt has not failed because the first one did.
            elif decision.verdict == Verdict.FAILED and (
                block.target not in failed_before or moment(decision.time) >= moment(block.start)
            ):
                status = BlockStatus.FAILED
        kept.append(replace(block, status=status))
    return kept


def given_up(previous: Timetable | None, keys: Sequence[str], kept: Sequence[Block]) -> list[TelescopeNight]:
    """Return the telescopes that are scheduled no longer, but have done something."""
    names = {block.telescope for block in kept} - set(keys)
    return [] if previous is None else [t for t in previous.telescopes if t.telescope in names]


def inherit(
    wishes: Wishes,
    previous: Timetable | None,
    kept: Sequence[Block],
    verdicts: Mapping[str, Decision],
    now: float | None,
) -> tuple[Wishes, set[str]]:
    """Add the fixed and the interrupting targets of an earlier schedule that are still to come; return which."""
    done = {block.target for block in kept if block.status != BlockStatus.FAILED}
    fixed = [wish for wish in wishes.fixed if wish.target not in done]
    interrupts = [name for name in wishes.interrupts if name not in done]
    inherited: set[str] = set()
    for block in previous.blocks if previous is not None else ():
        if now is not None and moment(block.start) < now:
            continue
        decision = verdicts.get(block.target)
        if decision is not None and decision.verdict in (Verdict.REJECT, Verdict.DEFER, Verdict.OBSERVED):
            continue
        if block.target in done or block.target in interrupts or any(w.target == block.target for w in fixed):
            continue
        if block.kind == BlockKind.FIXED:
            fixed.append(Fixed(block.target, block.telescope, block.start))
            inherited.add(block.target)
        elif block.kind == BlockKind.INTERRUPT:
            interrupts.append(block.target)
    return replace(wishes, fixed=fixed, interrupts=interrupts), inherited


def moment(utc: str) -> float:
    """Return the Modified Julian Date of a time, ISO 8601; UTC unless it names another zone."""
    try:
        return mjd_of(utc)
    except ValueError as error:
        raise ScheduleError(f"{utc!r} is no time; write it as 2026-11-20T23:30") from error
