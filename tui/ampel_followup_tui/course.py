"""The course of a night: what became of each block of a schedule, what comes next, and whether that is on time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampel_followup.decision import Decision, Verdict
from ampel_followup.timetable import Block, BlockKind, BlockStatus, TelescopeNight, Timetable

_OUTCOMES = {Verdict.OBSERVED: BlockStatus.OBSERVED, Verdict.FAILED: BlockStatus.FAILED}


@dataclass(frozen=True, slots=True)
class Step:
    """
    A block with what became of it.

    Parameters
    ----------
    number : int
        Its place in the schedule, counted from 1.
    key : str
        What it is about: stays the same when the schedule is made anew.
    block : Block
        As it was scheduled.
    telescope : TelescopeNight
        Where.
    start, end : datetime
        UTC.
    status : BlockStatus
        Of the schedule or, later, by the verdict of an observer.
    """

    number: int
    key: str
    block: Block
    telescope: TelescopeNight
    start: datetime
    end: datetime
    status: BlockStatus

    @property
    def is_open(self) -> bool:
        """True if nobody has said yet what became of it."""
        return self.status == BlockStatus.PLANNED


def steps(timetable: Timetable, site: str, verdict: Callable[[str], Decision | None]) -> tuple[Step, ...]:
    """
    Put verdicts on the blocks of a schedule.

    Parameters
    ----------
    timetable : Timetable
        The schedule.
    site : str
        Key of the site that the verdicts are about; blocks at other sites are left as they were scheduled.
    verdict : callable
        Returns the verdict that holds for a target, or None.

    Returns
    -------
    tuple of Step
        In order of time.
    """
    telescopes = {telescope.telescope: telescope for telescope in timetable.telescopes}
    planned_from = datetime.fromisoformat(timetable.planned_from)
    seen: Counter[tuple[str, str]] = Counter()
    course = []
    for number, block in enumerate(timetable.blocks, 1):
        pointing = (block.telescope, block.target)
        seen[pointing] += 1
        telescope = telescopes[block.telescope]
        decision = verdict(block.target) if telescope.night.site == site else None
        course.append(
            Step(
                number=number,
                key="\n".join((*pointing, str(seen[pointing]))),
                block=block,
                telescope=telescope,
                start=datetime.fromisoformat(block.start),
                end=datetime.fromisoformat(block.end),
                status=_status(block, decision, planned_from),
            )
        )
    return tuple(course)


def _status(block: Block, decision: Decision | None, planned_from: datetime) -> BlockStatus:
    status = BlockStatus(block.status)
    if status != BlockStatus.PLANNED or decision is None or block.kind == BlockKind.STANDARD:
        return status
    # What failed before the schedule was made, and stands in it all the same, is tried once more.
    known = datetime.fromisoformat(decision.time) < planned_from <= datetime.fromisoformat(block.start)
    return status if known else _OUTCOMES.get(Verdict(decision.verdict), status)


def coming(course: Iterable[Step], now: datetime) -> list[Step]:
    """Return the open blocks that begin later than now, the next first."""
    return [step for step in course if step.is_open and step.start > now]


def running(course: Iterable[Step], now: datetime) -> list[Step]:
    """Return the open blocks that were to begin by now and to end later: one for each telescope at most."""
    return [step for step in course if step.is_open and step.start <= now < step.end]


def delay(course: Sequence[Step], site: str, planned_from: datetime, now: datetime) -> dict[str, timedelta]:
    """
    Compare what was done with what was to be done by now.

    Parameters
    ----------
    course : sequence of Step
        In order of time.
    site : str
        Key of the site whose telescopes are asked about: what others did is not known.
    planned_from : datetime
        Moment from which on the schedule was made; nothing before it is late.
    now : datetime
        The present moment.

    Returns
    -------
    dict of str to timedelta
        Telescope to how late it is: since the end of the first target that should be done, after the last one that is;
        early if negative: a target was done before its end; zero if on time. Standards are not marked, so they do not
        count. A telescope is left out before its first target, after its last, and by day.
    """
    delays = {}
    for telescope in dict.fromkeys(step.telescope for step in course if step.telescope.night.site == site):
        mine = [
            step
            for step in course
            if step.telescope == telescope and step.block.kind != BlockKind.STANDARD and step.end > planned_from
        ]
        done = [place for place, step in enumerate(mine) if not step.is_open]
        rest = mine[done[-1] + 1 :] if done else mine
        if not rest or mine[0].start > now or now > datetime.fromisoformat(telescope.night.sunrise):
            continue
        ahead = mine[done[-1]].end if done else now
        delays[telescope.telescope] = max(now - rest[0].end, timedelta(0)) or min(now - ahead, timedelta(0))
    return delays
