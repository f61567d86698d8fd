"""
A good schedule: greedy insertion, then iterated local search.

Blocks are kept as an order per telescope and started as early as they can be. Candidates are inserted where they take
the least time, the most valuable per second first; then again and again a stretch of a night is emptied and filled
anew, and the better schedule is kept (iterated local search for the team orienteering problem with time windows,
Vansteenwegen et al. 2009, Computers & Operations Research 36, 3281). With the prices of the bound, time counts by its
price: a second that everybody wants is dear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ampel_followup.observing.scheduling.problem import Floats, Indices, Placed, Problem

#: Rounds of emptying and filling: so many for each candidate, and so many at most.
_PER_CANDIDATE, _MOST_ROUNDS = 2, 800

#: Rounds times candidates are at least this: where there is little to try, trying costs little.
_LEAST_EFFORT = 7200

#: Longest stretch that is emptied [blocks].
_LONGEST_STRETCH = 4

#: A schedule that is worse by up to this share is sometimes gone on from.
_TOLERANCE = 0.005

_ROUNDING = 1e-6


#: Exponents of the value in the order of insertion: 1 favours what is short, 2 what is valuable.
_POWERS = (1.0, 1.5, 2.0)

#: Scatter of the values that the order of insertion goes by, as natural logarithms: mostly none.
_WHIMS = (0.0, 0.0, 0.0, 0.05, 0.2, 1.0)

#: Share of rounds in which the blocks after an emptied stretch move up first.
_CLOSE_RANKS = 0.3


def usual_rounds(n: int) -> int:
    """Return after how many rounds a schedule of n candidates gets hardly better."""
    return min(max(_PER_CANDIDATE * n, _LEAST_EFFORT // max(n, 1)), _MOST_ROUNDS)


@dataclass(frozen=True, slots=True)
class _Gap:
    """Where a stretch was emptied, what was in it, and whether that should come back only if nothing else fits."""

    telescope: int
    begin: int
    removed: Indices
    avoid: bool


@dataclass(slots=True)
class _Route:
    """The blocks of one telescope, in order of time."""

    candidates: list[int]
    starts: list[float]
    ends: list[float]
    fixed: list[bool]

    def copy(self) -> _Route:
        return _Route(self.candidates[:], self.starts[:], self.ends[:], self.fixed[:])

    def without(self, begin: int, end: int) -> _Route:
        """Return the route without the movable blocks of a stretch."""
        keep = [k for k in range(len(self.candidates)) if not begin <= k < end or self.fixed[k]]
        columns = (self.candidates, self.starts, self.ends, self.fixed)
        return _Route(*([column[k] for k in keep] for column in columns))  # type: ignore[arg-type]


class Search:
    """
    Look for a good schedule of a problem.

    Parameters
    ----------
    problem : Problem
        n candidates.
    fixed : sequence of Placed
        Blocks that are there already and do not move; they must not overlap.
    barred : ndarray of bool, shape (n,)
        Candidates that are not to be placed, besides those of `fixed`.
    worth : ndarray, shape (n,), optional
        Only candidates with a positive number are looked at (for example, what is left of the value at the prices of
        the bound); by default all with a value.
    """

    def __init__(
        self,
        problem: Problem,
        fixed: Sequence[Placed],
        barred: np.ndarray[tuple[int], np.dtype[np.bool_]],
        worth: Floats | None = None,
        prices: Sequence[Floats] | None = None,
    ) -> None:
        self._problem = problem
        #: What the order of insertion goes by: the value, or something near it.
        self._appeal = problem.value
        #: Integral of the price of a second over each telescope's night, at the edges.
        self._paid = [
            np.concatenate([[0.0], np.cumsum(np.ones(len(t.edges) - 1) if prices is None else _floored(prices[k]))])
            * t.step
            for k, t in enumerate(problem.telescopes)
        ]
        self._free = (problem.value > 0) & ~barred if worth is None else (worth > 0) & (problem.value > 0) & ~barred
        self._empty = []
        for k in range(len(problem.telescopes)):
            mine = sorted((p for p in fixed if p.telescope == k), key=lambda p: p.start)
            self._empty.append(
                _Route([p.candidate for p in mine], [p.start for p in mine], [p.end for p in mine], [True] * len(mine))
            )
            self._free[[p.candidate for p in mine if p.candidate >= 0]] = False

    def run(self, rng: np.random.Generator, rounds: int, enough: float = np.inf) -> list[Placed]:
        """Return the blocks of the best schedule found, with the fixed ones; stop at `enough` value of the others."""
        best = [route.copy() for route in self._empty]
        best_value = -1.0
        for power in _POWERS if rounds else _POWERS[:1]:  # a first schedule, for the bound, need not be the best
            routes = [route.copy() for route in self._empty]
            value = self._fill(routes, power)
            if value > best_value:
                best, best_value = routes, value
        now, now_value, n = best, best_value, len(self._problem.value)
        for _ in range(rounds):
            if best_value >= (1.0 - _ROUNDING) * enough:
                break
            routes = [route.copy() for route in now]
            k, begin, removed = self._empty_a_stretch(routes, rng)
            if len(removed) == 0:
                break
            power = _POWERS[rng.integers(len(_POWERS))]
            # A greedy choice is often nearly right: a little chance in it finds the way out of what it gets wrong.
            self._appeal = self._problem.value * rng.lognormal(0.0, _WHIMS[rng.integers(len(_WHIMS))], n)
            if rng.random() < _CLOSE_RANKS and (closed := self._timed(k, routes[k], 0, pull=True)):
                routes[k], begin = closed, 0
            value = self._fill(routes, power, _Gap(k, begin, removed, avoid=bool(rng.random() < 0.5)))
            if value >= now_value or (value > (1.0 - _TOLERANCE) * best_value and rng.random() < 0.2):
                now, now_value = routes, value
            if value > best_value + _ROUNDING * abs(best_value):
                best, best_value = routes, value
            elif now_value < (1.0 - _TOLERANCE) * best_value:
                now, now_value = best, best_value
        best = [self._timed(k, route, 0, pull=True) or route for k, route in enumerate(best)]
        return [
            Placed(k, candidate, start, end, movable=not fixed)
            for k, route in enumerate(best)
            for candidate, start, end, fixed in zip(
                route.candidates, route.starts, route.ends, route.fixed, strict=True
            )
        ]

    def _value(self, routes: Sequence[_Route]) -> float:
        chosen = [c for route in routes for c, fixed in zip(route.candidates, route.fixed, strict=True) if not fixed]
        return float(self._problem.value[chosen].sum())

    def _empty_a_stretch(self, routes: list[_Route], rng: np.random.Generator) -> tuple[int, int, Indices]:
        """Take movable blocks out of a stretch of one telescope's night; return which, from where on, and what."""
        movable = [k for k, route in enumerate(routes) if not all(route.fixed)]
        if not movable:
            return 0, 0, np.empty(0, dtype=np.intp)
        k = movable[rng.integers(len(movable))]
        route = routes[k]
        length = int(rng.integers(1, _LONGEST_STRETCH + 1))
        positions = [position for position, fixed in enumerate(route.fixed) if not fixed]
        begin = positions[rng.integers(len(positions))]
        routes[k] = route.without(begin, begin + length)
        removed = set(route.candidates) - set(routes[k].candidates)
        return k, begin, np.array(sorted(removed), dtype=np.intp)

    def _timed(self, k: int, route: _Route, begin: int, *, pull: bool) -> _Route | None:
        """
        Set the times from a block on: as early as can be, or (not `pull`) as they are unless they must be later.

        Returns None if a block then comes too late.
        """
        telescope, problem = self._problem.telescopes[k], self._problem
        starts, ends = route.starts[:], route.ends[:]
        free, before = (ends[begin - 1], route.candidates[begin - 1]) if begin else (float(telescope.edges[0]), -1)
        for position in range(begin, len(starts)):
            candidate = route.candidates[position]
            arrival = free + problem.slew_time(telescope, before, candidate)
            if route.fixed[position]:
                if arrival > starts[position] + _ROUNDING:
                    return None
            elif pull or arrival > starts[position]:
                starts[position], ends[position] = telescope.block(candidate, arrival)
                if ends[position] == np.inf:
                    return None
            free, before = ends[position], candidate
        return _Route(route.candidates, starts, ends, route.fixed)

    def _fill(self, routes: list[_Route], power: float, gap: _Gap | None = None) -> float:
        """
        Insert what is free until nothing fits, the highest value ** power per price first; return the value.

        With a gap, only it is filled anew; what was taken out of it may go to the other telescopes too.
        """
        free = self._free.copy()
        for route in routes:
            free[[c for c in route.candidates if c >= 0]] = False
        banned = np.zeros(len(free), dtype=bool)
        first, last = 0, None
        if gap is not None:
            first, last = gap.begin, gap.begin + 1 if gap.begin else None
            banned[gap.removed] = gap.avoid
        tables = {}
        for k, route in enumerate(routes):
            if gap is None or k == gap.telescope:
                tables[k] = self._insertions(k, route, np.flatnonzero(free), power, first, last)
            else:
                tables[k] = self._insertions(k, route, gap.removed, power)
        while True:
            score, k, row = _best_of(tables, banned)
            if not score > 0:
                if banned.any():
                    banned[:] = False  # what was taken out may come back where nothing else fits
                    continue
                return self._value(routes)
            candidates, positions, scores = tables[k]
            candidate, position = int(candidates[row]), int(positions[row])
            longer = routes[k].copy()
            longer.candidates.insert(position, candidate)
            longer.starts.insert(position, -np.inf)
            longer.ends.insert(position, -np.inf)
            longer.fixed.insert(position, False)
            timed = self._timed(k, longer, position, pull=gap is None)
            if timed is None:  # a duration that changes with the start misled the estimate
                scores[row] = -np.inf
                continue
            routes[k] = timed
            free[candidate] = False
            for other, table in tables.items():
                if other != k:
                    table[2][table[0] == candidate] = -np.inf
            # What had no room before has none now.
            left = candidates[(scores > -np.inf) & free[candidates]]
            if gap is None or k == gap.telescope:
                last = None if last is None else last + 1
                tables[k] = self._insertions(k, timed, left, power, first, last)
            else:
                tables[k] = self._insertions(k, timed, left, power)

    def _insertions(
        self, k: int, route: _Route, candidates: Indices, power: float, first: int = 0, last: int | None = None
    ) -> tuple[Indices, Indices, Floats]:
        """Return, of each candidate, the place (`first` to `last`) of the least price, and value ** power per price."""
        telescope, problem = self._problem.telescopes[k], self._problem
        n = len(route.candidates)
        places = range(first, n + 1 if last is None else min(last, n) + 1)
        if len(candidates) == 0 or len(places) == 0:
            return candidates[:0], candidates[:0], np.empty(0)
        span = slice(places.start, places.stop)
        free = np.array([telescope.edges[0], *route.ends])[span, np.newaxis]
        following = np.append(route.starts + self._slack(k, route), np.inf)[span, np.newaxis]
        slews = telescope.slew_rate < np.inf
        arrive, spent = free, free
        if slews:
            before = np.array([-1, *route.candidates])[span, np.newaxis]
            after = np.array([*route.candidates, -1])[span, np.newaxis]
            arrive = free + problem.slew(telescope, before, candidates)
            spent = free + problem.slew(telescope, before, after)  # the way to the next block is there already
        end = telescope.earliest_end(candidates, arrive)
        if slews:
            end = end + problem.slew(telescope, after, candidates)
        fits = (end <= following + _ROUNDING) & (end < np.inf)
        price = self._price_until(k, end) - self._price_until(k, spent)
        price = np.where(fits, np.maximum(price, 1e-12), np.inf)
        cheapest = price.argmin(axis=0)
        least = price[cheapest, np.arange(len(candidates))]
        scores = np.where(np.isfinite(least), self._appeal[candidates] ** power / least, -np.inf)
        return candidates, cheapest + first, scores

    def _price_until(self, k: int, time: Floats) -> Floats:
        """Return the price of a telescope's night up to moments; infinite moments count as its end."""
        telescope, paid = self._problem.telescopes[k], self._paid[k]
        position = np.minimum(np.maximum((time - telescope.edges[0]) / telescope.step, 0.0), len(paid) - 1.0)
        whole = np.minimum(position.astype(np.intp), len(paid) - 2)
        below = paid[whole]
        until: Floats = below + (position - whole) * (paid[whole + 1] - below)
        return until

    def _slack(self, k: int, route: _Route) -> Floats:
        """Return by how much each block can start later without any coming too late, shape (blocks,) [s]."""
        telescope = self._problem.telescopes[k]
        candidates, starts, ends = (
            np.array(route.candidates, dtype=np.intp),
            np.array(route.starts),
            np.array(route.ends),
        )
        steps = np.minimum(telescope.step_at(starts), len(telescope.edges) - 2)
        room = np.maximum(telescope.run_end[candidates, steps] - ends, 0.0)
        room[route.fixed] = 0.0
        idle = starts[1:] - ends[:-1]
        if telescope.slew_rate < np.inf:
            idle -= self._problem.slew(telescope, candidates[:-1], candidates[1:])
        # A block can give way by what it has room for itself, and by what the next one can and the time between them.
        before = np.concatenate([[0.0], np.cumsum(np.maximum(idle, 0.0))])[: len(room)]
        slack: Floats = np.minimum.accumulate((room + before)[::-1])[::-1] - before
        return slack


def _floored(prices: Floats) -> Floats:
    """Return prices of which none is nothing: time that nobody wants is still worth saving a little."""
    return np.maximum(prices, 0.02 * float(prices.max(initial=0.0)) + 1e-12)


def _best_of(
    tables: Mapping[int, tuple[Indices, Indices, Floats]], banned: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[float, int, int]:
    """Return the best score of all that is not banned, its telescope, and its row in the table of that."""
    best = (-np.inf, 0, 0)
    for k, (candidates, _, scores) in tables.items():
        if len(candidates):
            allowed = np.where(banned[candidates], -np.inf, scores)
            row = int(allowed.argmax())
            if allowed[row] > best[0]:
                best = (float(allowed[row]), k, row)
    return best
