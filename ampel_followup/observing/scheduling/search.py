"""
A good schedule: greedy insertion, then iterated local search.

Blocks are kept as an order per telescope and started as early as they can be. Candidates are inserted where they take
the least time, the most valuable per second first; then again and again a stretch of a night is emptied and filled
anew, and the better schedule is kept (iterated local search for the team orienteering problem with time windows,
Vansteenwegen et al. 2009, Computers & Operations Research 36, 3281). With the prices of the bound, time counts by its
price: a second that everybody wants is dear.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ampel_followup.observing.scheduling.insertion import ROUNDING, Insertions, Route
from ampel_followup.observing.scheduling.problem import Floats, Indices, Mask, Placed, Problem

#: Rounds of emptying and filling: so many for each candidate, and so many at most.
_PER_CANDIDATE, _MOST_ROUNDS = 2, 1000

#: Rounds times candidates are at least this: where there is little to try, trying costs little.
_LEAST_EFFORT = 9000

#: Longest stretch that is emptied [blocks].
_LONGEST_STRETCH = 4

#: A schedule that is worse by up to this share is sometimes gone on from.
_TOLERANCE = 0.005

#: Exponents of the value in the order of insertion: 1 favours what is short, 2 what is valuable.
_POWERS = (1.0, 1.5, 2.0)

#: Scatter of the values that the order of insertion goes by, as natural logarithms: mostly none.
_WHIMS = (0.0, 0.0, 0.0, 0.05, 0.2, 1.0)

#: Share of rounds in which the blocks after an emptied stretch move up first. Then every place of the night is looked
#: at, which costs more than the gap alone.
_CLOSE_RANKS = 0.2


def usual_rounds(n: int) -> int:
    """Return after how many rounds a schedule of n candidates gets hardly better."""
    return min(max(_PER_CANDIDATE * n, _LEAST_EFFORT // max(n, 1)), _MOST_ROUNDS)


@dataclass(frozen=True, slots=True)
class _Gap:
    """Where a stretch was emptied, what was in it, and whether that should come back only if nothing else fits."""

    telescope: int
    begin: int
    removed: list[int]
    avoid: bool


#: Score, column and end of the best candidate for a place where none fits.
_NOTHING = (0.0, -1, np.inf)


class _Offers:
    """
    The best candidate for each place in a stretch of a route, kept up to date while blocks are inserted.

    Parameters
    ----------
    insertions : Insertions
        Of m candidates.
    route : Route
    appeal : ndarray, shape (m,)
        What the order of insertion goes by, per price; 0: not to be inserted.
    first, last : int
        The places: from the one before block `first` to the one before block `last`.
    """

    def __init__(self, insertions: Insertions, route: Route, appeal: Floats, first: int, last: int) -> None:
        self._insertions = insertions
        self.route = route
        self._limits = insertions.limits(route, first)
        self._first = first
        #: Of each place: score, column and end of the best candidate; score 0 if none fits.
        self._best: list[tuple[float, int, float]] = [_NOTHING] * (last + 1 - first)
        self._appeal = appeal
        #: Those that are offered; None: all.
        self._columns: Indices | None = None
        self._look_everywhere()

    def allow(self, columns: Sequence[int], appeals: Floats) -> None:
        """Offer candidates that were held back, where none of the others fits any more."""
        self._appeal[:] = 0.0
        self._appeal[columns] = appeals
        self._columns = np.array(columns)
        self._look_everywhere()

    def best(self) -> tuple[float, int, int]:
        """Return the best score, the column of the candidate, and its position; the score is 0 if nothing fits."""
        row = max(range(len(self._best)), key=self._best.__getitem__)
        score, column, _ = self._best[row]
        return score, column, self._first + row

    def insert(self, candidate: int, column: int, position: int) -> bool:
        """Insert a candidate; return False, and do not offer it again, if a block then comes too late."""
        inserted = self._insertions.with_block(self.route, position, candidate)
        if inserted is None:  # a duration that changes with the start misled the estimate
            self.drop(column)
            return False
        self.route, unmoved = inserted
        limits = self._limits
        limits.insert(position, -np.inf)
        self._best.insert(position - self._first, _NOTHING)
        self._insertions.tighten(self.route, limits, self._first, unmoved - 1)
        self._appeal[column] = 0.0
        # Elsewhere the best is still the best, as long as it is there and fits: what had no room before has none now.
        self._look(
            [
                q
                for q, (score, best, end) in enumerate(self._best, self._first)
                if position <= q <= unmoved or (score > 0 and (best == column or end > limits[q] + ROUNDING))
            ]
        )
        return True

    def drop(self, column: int) -> None:
        """Do not offer a candidate any more."""
        self._appeal[column] = 0.0
        self._look([q for q, (score, best, _) in enumerate(self._best, self._first) if score > 0 and best == column])

    def _look_everywhere(self) -> None:
        self._shortest = self._insertions.shortest[self._appeal > 0.0].min(initial=np.inf)
        self._look(range(self._first, self._first + len(self._best)))

    def _look(self, positions: Sequence[int]) -> None:
        """Find the best candidates of places anew."""
        insertions, route, limits = self._insertions, self.route, self._limits
        least = self._shortest - ROUNDING
        roomy, places, room = [], [], 0.0
        for position in positions:
            self._best[position - self._first] = _NOTHING
            free = limits[position] - (route.ends[position - 1] if position else insertions.begin)
            if free > least:
                roomy.append(position)
                places.append(insertions.place(route, position))
                if free > room:
                    room = free
        if not roomy:
            return
        columns = insertions.within(room) if self._columns is None else self._columns
        ends, prices = insertions.ends_and_prices(places, columns)
        latest = np.array([limits[position] + ROUNDING for position in roomy])[:, np.newaxis]
        scores = self._appeal[columns] * (ends <= latest) / prices
        best = scores.argmax(axis=1)
        rows = np.arange(len(roomy))
        for position, score, column, end in zip(
            roomy, scores[rows, best].tolist(), columns[best].tolist(), ends[rows, best].tolist(), strict=True
        ):
            if score > 0.0:
                self._best[position - self._first] = (score, column, end)


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
    promising : ndarray of bool, shape (n,), optional
        Only these candidates are looked at; by default all with a value.
    prices : sequence of ndarray, shape (s,), optional
        Of a second in each step, for each telescope; by default all seconds count the same.
    """

    def __init__(
        self,
        problem: Problem,
        fixed: Sequence[Placed],
        barred: Mask,
        promising: Mask | None = None,
        prices: Sequence[Floats] | None = None,
    ) -> None:
        free = (problem.value > 0) & ~barred
        if promising is not None:
            free &= promising
        self._empty = []
        for k in range(len(problem.telescopes)):
            mine = sorted((p for p in fixed if p.telescope == k), key=lambda p: p.start)
            self._empty.append(Route.of_fixed(mine))
            free[[p.candidate for p in mine if p.candidate >= 0]] = False
        #: Those that can be inserted, by column; and the column of each candidate.
        shortest = np.min([telescope.shortest for telescope in problem.telescopes], axis=0)
        self._candidates = np.flatnonzero(free)[np.argsort(shortest[free], kind="stable")]
        self._column = {int(candidate): column for column, candidate in enumerate(self._candidates)}
        self._value = problem.value[self._candidates]
        self._values = self._value.tolist()
        self._value_to = {power: self._value**power for power in _POWERS}
        self._insertions = [
            Insertions(
                problem,
                k,
                self._candidates,
                np.ones(len(telescope.edges) - 1) if prices is None else _floored(prices[k]),
            )
            for k, telescope in enumerate(problem.telescopes)
        ]

    def run(self, rng: np.random.Generator, rounds: int, enough: float = np.inf) -> list[Placed]:
        """Return the blocks of the best schedule found, with the fixed ones; stop at `enough` value of the others."""
        best, best_value = self._empty, -1.0
        if len(self._candidates):
            for power in _POWERS if rounds else _POWERS[:1]:  # a first schedule, for the bound, need not be the best
                routes = self._empty[:]
                value = self._fill(routes, self._value_to[power])
                if value > best_value:
                    best, best_value = routes, value
        now, now_value = best, best_value
        for _ in range(rounds):
            if best_value >= (1.0 - ROUNDING) * enough:
                break
            routes = now[:]
            gap = self._empty_a_stretch(routes, rng)
            if gap is None:
                break
            value = self._fill(routes, self._appeal(rng), gap)
            if value >= now_value or (value > (1.0 - _TOLERANCE) * best_value and rng.random() < 0.2):
                now, now_value = routes, value
            if value > best_value + ROUNDING * abs(best_value):
                best, best_value = routes, value
            elif now_value < (1.0 - _TOLERANCE) * best_value:
                now, now_value = best, best_value
        best = [insertions.closed_up(route) or route for insertions, route in zip(self._insertions, best, strict=True)]
        return [
            Placed(k, candidate, start, end, movable=not fixed)
            for k, route in enumerate(best)
            for candidate, start, end, fixed in zip(
                route.candidates, route.starts, route.ends, route.fixed, strict=True
            )
        ]

    def _appeal(self, rng: np.random.Generator) -> Floats:
        """
        Return what the order of insertion goes by in a round, shape (m,).

        A greedy choice is often nearly right: a little chance in it finds the way out of what it gets wrong.
        """
        power = _POWERS[rng.integers(len(_POWERS))]
        whim = _WHIMS[rng.integers(len(_WHIMS))]
        if whim == 0.0:
            return self._value_to[power]
        return np.asarray((self._value * rng.lognormal(0.0, whim, len(self._value))) ** power)

    def _empty_a_stretch(self, routes: list[Route], rng: np.random.Generator) -> _Gap | None:
        """Take movable blocks out of a stretch of one telescope's night; None if there are none."""
        movable = [k for k, route in enumerate(routes) if not all(route.fixed)]
        if not movable:
            return None
        k = movable[rng.integers(len(movable))]
        route = routes[k]
        length = int(rng.integers(1, _LONGEST_STRETCH + 1))
        positions = [position for position, fixed in enumerate(route.fixed) if not fixed]
        begin = positions[rng.integers(len(positions))]
        removed = [
            self._column[route.candidates[position]]
            for position in range(begin, min(begin + length, len(route.fixed)))
            if not route.fixed[position]
        ]
        routes[k] = route.without(begin, begin + length)
        if rng.random() < _CLOSE_RANKS and (closed := self._insertions[k].closed_up(routes[k])):
            routes[k], begin = closed, 0
        return _Gap(k, begin, removed, avoid=bool(rng.random() < 0.5))

    def _fill(self, routes: list[Route], appeal: Floats, gap: _Gap | None = None) -> float:
        """
        Insert what is free until nothing fits, the most appealing per price first; return the value.

        With a gap, only it is filled anew; what was taken out of it may go to the other telescopes too.
        """
        appeal = appeal.copy()
        placed = [self._column[c] for r in routes for c, fixed in zip(r.candidates, r.fixed, strict=True) if not fixed]
        appeal[placed] = 0.0
        held_back = gap.removed if gap is not None and gap.avoid else []
        offers = []
        for k, (insertions, route) in enumerate(zip(self._insertions, routes, strict=True)):
            first, last, appeals = 0, len(route.candidates), appeal.copy()
            if gap is not None and k != gap.telescope:
                appeals[:] = 0.0
                appeals[gap.removed] = appeal[gap.removed]
            elif gap is not None and gap.begin:
                first, last = gap.begin, min(gap.begin + 1, last)
            appeals[held_back] = 0.0
            offers.append(_Offers(insertions, route, appeals, first, last))
        while True:
            score, column, position, best = max((*offer.best(), k) for k, offer in enumerate(offers))
            if score > 0.0:
                if offers[best].insert(int(self._candidates[column]), column, position):
                    placed.append(column)
                    for offer in offers:
                        offer.drop(column)
            elif held_back:
                for offer in offers:  # what was taken out may come back where nothing else fits
                    offer.allow(held_back, appeal[held_back])
                held_back = []
            else:
                break
        routes[:] = [offer.route for offer in offers]
        return math.fsum(self._values[column] for column in placed)


def _floored(prices: Floats) -> Floats:
    """Return prices of which none is nothing: time that nobody wants is still worth saving a little."""
    return np.maximum(prices, 0.02 * float(prices.max(initial=0.0)) + 1e-12)
