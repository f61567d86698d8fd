"""A night's schedule: what is fixed, then the most valuable of the rest, and how near that is to what is possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ampel_followup.errors import ScheduleError
from ampel_followup.observing.scheduling import bound as bounds
from ampel_followup.observing.scheduling.problem import Mask, Placed, Problem, Telescope
from ampel_followup.observing.scheduling.search import Search, usual_rounds


@dataclass(frozen=True, slots=True)
class Solution:
    """
    What came of a problem.

    Parameters
    ----------
    blocks : tuple of Placed
        By start, then telescope.
    value : float
        Of all blocks.
    bound : float
        No schedule with the same fixed blocks is worth more.
    reasons : dict of int to str
        Why a candidate has no block.
    """

    blocks: tuple[Placed, ...]
    value: float
    bound: float
    reasons: dict[int, str]


def solve(
    problem: Problem,
    *,
    fixed: Sequence[Placed] = (),
    interrupts: Sequence[int] = (),
    rng: np.random.Generator,
    rounds: int | None = None,
) -> Solution:
    """
    Find a schedule of high value.

    Parameters
    ----------
    problem : Problem
        n candidates.
    fixed : sequence of Placed
        Blocks that stay where they are: what was done, agreed, or is calibration. A candidate of −1 is none of the n.
    interrupts : sequence of int
        Candidates to be observed as soon as possible, in this order, whatever they are worth.
    rng : Generator
        Chance for the local search: the same gives the same schedule.
    rounds : int, optional
        Of the local search; by default as many as the number of candidates asks for.

    Returns
    -------
    Solution

    Raises
    ------
    ScheduleError
        If fixed blocks overlap.
    """
    n = len(problem.value)
    settled = [replace(block, movable=False) for block in fixed]
    _check_overlap(problem, settled)
    reasons: dict[int, str] = {}
    for candidate in dict.fromkeys(interrupts):
        if any(block.candidate == candidate for block in settled):
            continue
        block = as_soon_as_possible(problem, candidate, settled)
        if block is None:
            reasons[candidate] = "cannot be observed in what is left of the night"
        else:
            settled.append(block)
    barred = np.zeros(n, dtype=bool)
    barred[[block.candidate for block in settled if block.candidate >= 0]] = True
    barred[list(reasons)] = True
    rest = _without(problem, settled, barred)
    settled_value = float(sum(problem.value[block.candidate] for block in settled if block.candidate >= 0))

    greedy = Search(problem, settled, barred).run(rng, rounds=0)
    found = _value(problem, greedy) - settled_value
    bound = bounds.upper_bound(rest, found)
    # What cannot be part of a schedule better than the one found need not be tried (reduced-cost fixing).
    promising = bound.left > -(bound.value - found)
    blocks = max(
        (
            greedy,
            Search(problem, settled, barred, promising, bound.prices).run(
                rng, usual_rounds(n) if rounds is None else rounds, bound.value
            ),
        ),
        key=lambda b: _value(problem, b),
    )
    blocks = _at_their_best(problem, blocks)
    value = _value(problem, blocks)
    placed = {block.candidate for block in blocks}
    for candidate in range(n):
        if candidate not in placed and candidate not in reasons:
            reasons[candidate] = _reason(problem, candidate)
    ordered = tuple(sorted(blocks, key=lambda block: (block.start, block.telescope)))
    return Solution(ordered, value, max(value, settled_value + bound.value), reasons)


def _value(problem: Problem, blocks: Sequence[Placed]) -> float:
    return float(sum(problem.value[block.candidate] for block in blocks if block.candidate >= 0))


def _at_their_best(problem: Problem, blocks: Sequence[Placed]) -> list[Placed]:
    """Move blocks that have room before or after them to where they take the least time."""
    moved: list[Placed] = []
    for k, telescope in enumerate(problem.telescopes):
        row = sorted((block for block in blocks if block.telescope == k), key=lambda block: block.start)
        for j, block in enumerate(row):
            if not block.movable:
                continue
            low, high = float(telescope.edges[0]), float(telescope.edges[-1])
            if j > 0:
                low = row[j - 1].end + problem.slew_time(telescope, row[j - 1].candidate, block.candidate)
            if j + 1 < len(row):
                high = row[j + 1].start - problem.slew_time(telescope, block.candidate, row[j + 1].candidate)
            if high - low < block.end - block.start + telescope.step:
                continue
            edges = telescope.edges[(telescope.edges > low) & (telescope.edges < high)]
            starts = np.append(block.start, edges)
            rows = np.full(len(starts), block.candidate)
            ends = starts + telescope.duration_at(rows, starts)
            possible = (telescope.earliest_start(rows, starts) == starts) & (ends <= high + 1e-6)
            best = int(np.argmin(np.where(possible, ends - starts, np.inf)))
            if possible[best] and ends[best] - starts[best] < block.end - block.start:
                row[j] = replace(block, start=float(starts[best]), end=float(ends[best]))
        moved += row
    return moved


def _check_overlap(problem: Problem, blocks: Sequence[Placed]) -> None:
    ordered = sorted(blocks, key=lambda block: (block.telescope, block.start))
    for one, other in pairwise(ordered):
        if one.telescope == other.telescope and other.start < one.end - 1e-6:
            name = problem.telescopes[one.telescope].name
            raise ScheduleError(
                f"two fixed blocks of {name} overlap by {(one.end - other.start) / 60:.0f} min; move one of them"
            )


def as_soon_as_possible(problem: Problem, candidate: int, settled: Sequence[Placed]) -> Placed | None:
    """Return the block that ends first, on whichever telescope, between the settled ones; None if there is none."""
    row = np.array([candidate])
    best: Placed | None = None
    for k, telescope in enumerate(problem.telescopes):
        mine = sorted((b for b in settled if b.telescope == k), key=lambda b: b.start)
        for free, until in zip(
            [float(telescope.edges[0]), *(b.end for b in mine)], [*(b.start for b in mine), np.inf], strict=True
        ):
            start = float(telescope.earliest_start(row, np.array([free]))[0])
            end = start + float(telescope.duration_at(row, np.array([start]))[0])
            if end <= until and np.isfinite(end):
                if best is None or end < best.end:
                    best = Placed(k, candidate, start, end, movable=False)
                break
    return best


def _without(problem: Problem, settled: Sequence[Placed], barred: Mask) -> Problem:
    """Return the problem without the settled candidates, and without the steps that settled blocks fill wholly."""
    telescopes = []
    for k, telescope in enumerate(problem.telescopes):
        open_steps = np.ones(len(telescope.edges) - 1, dtype=bool)
        for block in settled:
            if block.telescope == k:
                open_steps &= ~((telescope.edges[:-1] >= block.start) & (telescope.edges[1:] <= block.end))
        usable = telescope.usable & open_steps & ~barred[:, np.newaxis]
        telescopes.append(Telescope(telescope.name, telescope.edges, usable, telescope.duration, telescope.slew_rate))
    return Problem(np.where(barred, 0.0, problem.value), telescopes, problem.direction)


def _reason(problem: Problem, candidate: int) -> str:
    """Say why a candidate has no block."""
    telescopes = problem.telescopes
    if not any(telescope.usable[candidate].any() for telescope in telescopes):
        return "not within the limits while a telescope is open"
    if not any(np.isfinite(telescope.latest[candidate]).any() for telescope in telescopes):
        durations = [t.duration[candidate][t.usable[candidate]].min(initial=np.inf) for t in telescopes]
        if not np.isfinite(min(durations)):
            return "too faint: no exposure reaches the signal-to-noise ratio"
        return f"needs {min(durations) / 60:.0f} min, longer than it can be observed"
    if problem.value[candidate] <= 0:
        return "worth nothing by this strategy"
    return "others are worth more in the same time"
