"""
Where a block fits into a telescope's night, when it would end there, and at what price.

A search asks this millions of times, for a few places and many candidates at once. So what depends on candidate and
step alone is arranged beforehand, and who cannot fit, because less time is free than it takes, is not asked about.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ampel_followup.observing.scheduling.problem import Floats, Indices, Placed, Problem

#: Moments that differ by less are the same [s].
ROUNDING = 1e-6

#: A price is at least this, so that one can divide by it.
_LEAST_PRICE = 1e-12

#: Where a block would go: when the telescope is free, and the candidates before and after (−1: none, or no matter).
Place = tuple[float, int, int]


@dataclass(slots=True)
class Route:
    """
    The blocks of one telescope, in order of time.

    `until` is when the usable time ends that a block lies in: it can start later as long as it ends before.
    """

    candidates: list[int]
    starts: list[float]
    ends: list[float]
    until: list[float]
    fixed: list[bool]

    @classmethod
    def of_fixed(cls, blocks: Sequence[Placed]) -> Route:
        """Return a route of blocks that do not move, in order of time."""
        ends = [block.end for block in blocks]
        return cls(
            [block.candidate for block in blocks], [block.start for block in blocks], ends, ends[:], [True] * len(ends)
        )

    def copy(self) -> Route:
        """Return an independent copy."""
        return Route(self.candidates[:], self.starts[:], self.ends[:], self.until[:], self.fixed[:])

    def without(self, begin: int, end: int) -> Route:
        """Return the route without the movable blocks of a stretch."""
        keep = [k for k in range(len(self.candidates)) if not begin <= k < end or self.fixed[k]]
        columns = (self.candidates, self.starts, self.ends, self.until, self.fixed)
        return Route(*([column[k] for k in keep] for column in columns))  # type: ignore[arg-type]


class Insertions:
    """
    One telescope's night, and what each of some candidates would do to it.

    Parameters
    ----------
    problem : Problem
        n candidates.
    index : int
        Of the telescope.
    candidates : ndarray of int, shape (m,)
        Those that can be inserted, by column; if the shortest come first, there are fewer to ask about.
    prices : ndarray, shape (s,)
        Of a second in each step; positive.
    """

    def __init__(self, problem: Problem, index: int, candidates: Indices, prices: Floats) -> None:
        telescope = problem.telescopes[index]
        self._telescope = telescope
        #: Of the night [s].
        self.begin = float(telescope.edges[0])
        self._step, self._steps = telescope.step, len(telescope.edges) - 1
        #: From the beginning of the night to a moment [s] in each step, and after the last, the price sums up to
        #: ``_paid + _rate * moment``.
        self._rate = np.append(prices, 0.0)
        until_edge = np.concatenate([[0.0], np.cumsum(prices) * telescope.step])
        self._paid = until_edge - self._rate * telescope.edges
        self._edges = telescope.edges.tolist()
        self._rows: dict[int, tuple[list[Any], ...]] = {}
        self._after_all = float(telescope.edges[-1]) + telescope.step
        # All cells by step, then candidate; one row more for moments after the night.
        latest = telescope.latest[candidates]
        duration = telescope.duration[candidates]
        nothing = np.full((1, len(candidates)), np.inf)
        self._latest = np.ravel(np.vstack([latest.T + ROUNDING, -nothing]))
        self._duration = np.ravel(np.vstack([duration.T, nothing]))
        #: End of the first block that begins at the beginning of a later step; infinite if there is none.
        at_edge = np.where(np.isfinite(latest), telescope.edges[:-1] + duration, np.inf)
        following = telescope.next_step[candidates, 1:]
        later = np.append(at_edge, nothing.T, axis=1)[np.arange(len(candidates))[:, np.newaxis], following]
        self._later = np.ravel(np.vstack([later.T, nothing]))
        #: Least time that each candidate takes, shape (m,) [s]; infinite if it is not to be had.
        self.shortest = telescope.shortest[candidates]
        #: Least time that any column from each one on takes [s].
        self._shortest_from = np.minimum.accumulate(self.shortest[::-1])[::-1].tolist()
        self._columns = np.arange(len(candidates))
        self.slews = telescope.slew_rate < np.inf
        if self.slews:
            # One row more for nowhere (−1): from there and to there it takes no time.
            self._slew = np.zeros((len(problem.value) + 1, len(candidates)))
            self._slew[:-1] = problem.slew(telescope, np.arange(len(problem.value))[:, np.newaxis], candidates)
        self._slew_time = problem.slew_time

    def within(self, room: float) -> Indices:
        """Return the columns that may hold candidates that take no longer than some time [s]."""
        return self._columns[: bisect_right(self._shortest_from, room + ROUNDING)]

    def place(self, route: Route, position: int) -> Place:
        """Return the place before the block at a position, or after the last."""
        free = route.ends[position - 1] if position else self.begin
        if not self.slews:
            return free, -1, -1
        before = route.candidates[position - 1] if position else -1
        return free, before, route.candidates[position] if position < len(route.candidates) else -1

    def ends_and_prices(self, places: Sequence[Place], columns: Indices) -> tuple[Floats, Floats]:
        """
        Return when blocks of candidates would end at places, and the price of the time that they take.

        Parameters
        ----------
        places : sequence of (float, int, int)
            p of them.
        columns : ndarray of int, shape (c,)
            Of the candidates.

        Returns
        -------
        tuple of ndarray, shape (p, c) each
            Ends, with the slew to the block that follows [s], infinite if there is none; prices.
        """
        arrival = spent = np.array([place[0] for place in places])[:, np.newaxis]
        if self.slews:
            before, after = np.array([place[1:] for place in places]).T[:, :, np.newaxis]
            arrival = arrival + self._slew[before, columns]
            # The way to the next block is there already.
            spent = spent + np.array([[self._slew_time(self._telescope, one, other)] for _, one, other in places])
        step = ((arrival - self.begin) * (1.0 / self._step) + 1e-9).astype(np.intp)
        cell = np.minimum(step, self._steps) * len(self._columns) + columns
        end = np.where(arrival <= self._latest.take(cell), arrival + self._duration.take(cell), self._later.take(cell))
        if self.slews:
            end += self._slew[after, columns]
        return end, np.maximum(self._paid_until(end) - self._paid_until(spent), _LEAST_PRICE)

    def _paid_until(self, time: Floats) -> Floats:
        """Return the price of all the time from the beginning of the night to moments."""
        time = np.minimum(time, self._edges[-1])
        step = ((time - self.begin) * (1.0 / self._step)).astype(np.intp)
        return np.asarray(self._paid.take(step) + self._rate.take(step) * time)

    def limits(self, route: Route, first: int) -> list[float]:
        """Return the latest start [s] of each block from `first` on for which none comes too late; last, of nothing."""
        limits = [self._after_all] * (len(route.starts) + 1)
        self.tighten(route, limits, first, len(route.starts) - 1)
        return limits

    def tighten(self, route: Route, limits: list[float], first: int, last: int) -> None:
        """Set the latest starts of the blocks from `first` to `last` by those after them."""
        candidates, starts, ends, until, fixed = route.candidates, route.starts, route.ends, route.until, route.fixed
        before_next = limits[last + 1]
        for k in range(last, first - 1, -1):
            if self.slews and k + 1 < len(starts):
                before_next -= self._slew_time(self._telescope, candidates[k], candidates[k + 1])
            if fixed[k]:
                limits[k] = before_next = starts[k]
                continue
            # Not by min and max: this is done for every block after every insertion.
            room = (min(before_next, until[k])) - ends[k]
            limits[k] = before_next = starts[k] + room if room > 0.0 else starts[k]

    def with_block(self, route: Route, position: int, candidate: int) -> tuple[Route, int] | None:
        """
        Insert a block; those after it keep their times unless they must be later.

        Returns
        -------
        tuple of Route and int, or None
            And the first position after it whose block has kept its time. None if one comes too late.
        """
        longer = route.copy()
        longer.candidates.insert(position, candidate)
        for column in (longer.starts, longer.ends, longer.until):
            column.insert(position, -np.inf)
        longer.fixed.insert(position, False)
        kept = self._set_times(longer, position, pull=False)
        return None if kept is None else (longer, kept)

    def closed_up(self, route: Route) -> Route | None:
        """Return the route with each block as early as can be; None if one comes too late."""
        earlier = route.copy()
        return None if self._set_times(earlier, 0, pull=True) is None else earlier

    def _set_times(self, route: Route, begin: int, *, pull: bool) -> int | None:
        """Set times from a block on, all (`pull`) or as far as they must be later; return where that ended."""
        candidates, starts, ends, fixed = route.candidates, route.starts, route.ends, route.fixed
        free, before = (ends[begin - 1], candidates[begin - 1]) if begin else (self.begin, -1)
        for position in range(begin, len(candidates)):
            candidate, start = candidates[position], starts[position]
            arrival = free
            if self.slews:
                arrival += self._slew_time(self._telescope, before, candidate)
            if fixed[position]:
                # Of two that are fixed, or the first, there is nothing to set; they may even begin before the night.
                if arrival > start + ROUNDING and position > 0 and not fixed[position - 1]:
                    return None
                if not pull:
                    return position
            elif pull or arrival > start:
                start, end, until = self._block(candidate, arrival)
                if end == np.inf:
                    return None
                starts[position], ends[position], route.until[position] = start, end, until
            else:
                return position
            free, before = ends[position], candidate
        return len(candidates)

    def _block(self, candidate: int, time: float) -> tuple[float, float, float]:
        """Return start and end of the earliest block at or after a moment, as `Telescope.block`, and until when."""
        if candidate not in self._rows:
            t = self._telescope
            self._rows[candidate] = tuple(
                row[candidate].tolist() for row in (t.latest, t.duration, t.next_step, t.run_end)
            )  # plain lists: one number of an array costs ten times as much to look up
        latest, duration, next_step, run_end = self._rows[candidate]
        step = int((time - self.begin) / self._step + 1e-9)
        if step >= self._steps:
            return np.inf, np.inf, np.inf
        if time > latest[step] + ROUNDING:
            step = next_step[step + 1]
            if step >= self._steps:
                return np.inf, np.inf, np.inf
            time = self._edges[step]
        return time, time + duration[step], run_end[step]
