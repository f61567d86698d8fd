"""How the lists are sorted: by the plan, by another strategy, or by what stands in a column."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ampel_followup.decision import Verdict
from ampel_followup.plan import RankedTarget
from ampel_followup_tui.journal import Journal

Value = float | str | tuple[float | str, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    """
    Something to sort by.

    Parameters
    ----------
    key : str
        Of the column that shows it.
    caption : str
        What comes first, in words.
    read : callable
        Takes a target and the journal; returns what is compared, or None or NaN where it is not known.
    largest_first : bool
        Unless it is turned round.
    """

    key: str
    caption: str
    read: Callable[[RankedTarget, Journal], Value | None]
    largest_first: bool = False


def _of_assistant(name: str) -> Callable[[RankedTarget, Journal], float | None]:
    return lambda target, _: None if target.assistant is None else getattr(target.assistant, name)


#: In the order of the verdicts: what is to be decided comes first.
_VERDICTS = ("", *(str(verdict) for verdict in Verdict))


def _status(target: RankedTarget, journal: Journal) -> tuple[float | str, ...]:
    decision = journal.verdict(target.id)
    return (_VERDICTS.index(decision.verdict if decision else ""), decision.observer if decision else "")


def _start(target: RankedTarget, journal: Journal) -> str | None:
    step = journal.scheduled(target.id)
    return step.block.start if step is not None else None


def _queue(target: RankedTarget, _: Journal) -> str | None:
    return None if target.placement is None else target.placement.queue


#: What can be sorted by, by the key of its column; what is not here is sorted as the plan has it.
SORTS = {
    sort.key: sort
    for sort in (
        Sort("name", "name", lambda target, _: target.id),
        Sort("magnitude", "magnitude, the brightest first", lambda target, _: target.photometry.last_mag),
        Sort("trend", "change, the fastest to brighten first", lambda target, _: target.photometry.trend),
        Sort("classes", "class now, the surest of each first",
             lambda target, _: (target.scores.class_now, -target.scores.p_t.get(target.scores.class_now, 0.0))),
        Sort("after", "class after a spectrum", lambda target, _: target.scores.class_after),
        Sort("gain", "gain", lambda target, _: target.scores.value_of_information, largest_first=True),
        Sort("ig", "information gain", lambda target, _: target.scores.information_gain, largest_first=True),
        Sort("change", "how often the class changes", lambda target, _: target.scores.p_change, largest_first=True),
        Sort("snia", "P(SN Ia)", lambda target, _: target.scores.p_snia, largest_first=True),
        Sort("real", "P(real)", _of_assistant("p_real"), largest_first=True),
        Sort("galactic", "P(galactic), the least first", _of_assistant("p_galactic")),
        Sort("fast", "P(fast)", _of_assistant("p_fast"), largest_first=True),
        Sort("assistant", "rank by the assistant", _of_assistant("rank"), largest_first=True),
        Sort("airmass", "least airmass", lambda target, _: target.visibility.min_airmass),
        Sort("bar", "end of its window, the soonest first", lambda target, _: target.visibility.end),
        Sort("age", "age, the youngest first", lambda target, _: target.photometry.first_mjd, largest_first=True),
        Sort("start", "start in the schedule", _start),
        Sort("queue", "queue", _queue),
        Sort("status", "status, undecided first", _status),
    )
}  # fmt: skip

# A column that shows the same in another form.
_SAME = {"class": "classes"}


def sort_of(key: str) -> Sort | None:
    """Return what a column can be sorted by; None for the plan's own order."""
    return SORTS.get(_SAME.get(key, key))


def ordered(targets: Iterable[RankedTarget], key: str, reverse: bool, journal: Journal) -> list[RankedTarget]:
    """
    Sort targets; what is equal stays in the order given, and what is not known comes last either way.

    Parameters
    ----------
    targets : iterable of RankedTarget
    key : str
        Of a column; empty for the order given.
    reverse : bool
        Turn it round.
    journal : Journal
    """
    sort = sort_of(key)
    if sort is None:
        found = list(targets)
        return found[::-1] if reverse else found
    known: list[tuple[Any, RankedTarget]] = []
    unknown: list[tuple[Any, RankedTarget]] = []
    for target in targets:
        value = sort.read(target, journal)
        missing = value is None or (isinstance(value, float) and math.isnan(value))
        (unknown if missing else known).append((value, target))
    known.sort(key=lambda pair: pair[0], reverse=sort.largest_first != reverse)
    return [target for _, target in (*known, *unknown)]


def column_of(key: str) -> str:
    """Return what a column is sorted by: two may show the same."""
    return _SAME.get(key, key)


def arrow(key: str, reverse: bool) -> str:
    """Return the sign of a sorted column: ↓ largest first, ↑ smallest first."""
    sort = sort_of(key)
    largest_first = sort.largest_first if sort is not None else False
    return "↓" if largest_first != reverse else "↑"
