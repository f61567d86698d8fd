r"""
What no schedule can exceed: the Lagrangian bound.

With a price :math:`\lambda_t(\tau) \ge 0` for each second of each telescope, a block of candidate i on telescope t that
starts at :math:`\tau` costs :math:`c = \int_\tau^{\tau + d} \lambda_t`. Without the rule that a telescope observes one
thing at a time, each candidate would take its best block, and for every choice of prices

.. math:: \sum_t \int \lambda_t + \sum_i \max\bigl(0, \max_{t, \tau}(v_i - c_{i t \tau})\bigr)

is at least the value of the best schedule (Geoffrion 1974, "Lagrangean relaxation for integer programming"). Prices are
constant within a step. The least such bound, found by subgradients (Held, Wolfe & Crowder 1974), equals that of the
time-indexed linear programme.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ampel_followup.observing.scheduling.problem import Floats, Indices, Mask, Problem, Telescope

#: Rounds of the subgradient method; the best bound of all is taken.
ROUNDS = 150

#: Rounds after which blocks that cannot be part of a better schedule are dropped again.
_FIX_EVERY = 10


@dataclass(frozen=True, eq=False)
class Bound:
    """
    An upper bound, and the prices that prove it.

    Parameters
    ----------
    value : float
        No schedule is worth more.
    prices : list of ndarray, shape (s,)
        Of a second in each step, for each telescope.
    left : ndarray, shape (n,)
        What each candidate is worth beyond the price of its cheapest block; −∞ where it has none.
    """

    value: float
    prices: list[Floats]
    left: Floats


class _Blocks:
    """The blocks of all candidates at one telescope that can be cheapest, for prices constant within a step."""

    def __init__(self, telescope: Telescope) -> None:
        edges, latest, duration = telescope.edges, telescope.latest, telescope.duration
        rows, steps = np.nonzero(np.isfinite(latest))
        first, last, length = edges[steps], latest[rows, steps], duration[rows, steps]
        # Cost is piecewise linear in the start: least at either end of the step, or where the block ends on an edge.
        on_edge = edges[np.minimum(telescope.step_at(first + length) + 1, len(edges) - 1)] - length
        starts = np.column_stack([first, np.clip(on_edge, first, last), last])
        begin, end = (
            np.clip((time - edges[0]) / telescope.step, 0.0, len(edges) - 1.0).ravel()
            for time in (starts, starts + length[:, np.newaxis])
        )
        candidate = np.repeat(rows, 3)
        kept = _without_longer(candidate, begin, end)
        self._candidate = candidate[kept]
        #: In units of steps from the first edge.
        self._begin, self._end = begin[kept], end[kept]
        self._step = telescope.step
        self._cost = _interpolation(self._end, len(edges)) - _interpolation(self._begin, len(edges))
        self._group()

    def _group(self) -> None:
        first = np.flatnonzero(np.diff(self._candidate, prepend=-1) > 0)
        #: Where the blocks of each candidate that has any begin and end, and which it is.
        self._first, self._last = first, np.append(first[1:], len(self._candidate))
        self._whose = self._candidate[first]

    def costs(self, prices: Floats) -> Floats:
        """Return the cost of each block, for prices of a second in each step."""
        return np.asarray(self._cost @ np.concatenate([[0.0], np.cumsum(prices) * self._step]))

    def cheapest(self, costs: Floats, n: int) -> Floats:
        """Return the least cost of each candidate, shape (n,); infinite if it has no block."""
        least = np.full(n, np.inf)
        if len(costs):
            least[self._whose] = np.minimum.reduceat(costs, self._first)
        return least

    def taken(self, costs: Floats, candidates: Mask) -> Floats:
        """Return the share of each step that the cheapest blocks of some candidates take together, shape (steps,)."""
        chosen = np.flatnonzero(candidates[self._whose])
        groups = zip(self._first[chosen].tolist(), self._last[chosen].tolist(), strict=True)
        rows = np.array([begin + costs[begin:end].argmin() for begin, end in groups], dtype=np.intp)
        return _use(self._begin[rows], self._end[rows], self._cost.shape[1] - 1)

    def keep_up_to(self, most: Floats, costs: Floats) -> None:
        """Drop the blocks that cost more than `most` of their candidate, shape (n,)."""
        fine = costs <= most[self._candidate]
        # A start between two that are known costs something between them: neighbours of what is kept stay.
        near = fine.copy()
        near[1:] |= fine[:-1]
        near[:-1] |= fine[1:]
        kept = np.flatnonzero(near)
        if len(kept) < len(costs):
            self._candidate, self._begin, self._end = self._candidate[kept], self._begin[kept], self._end[kept]
            self._cost = self._cost[kept]
            self._group()


def _without_longer(candidate: Indices, begin: Floats, end: Floats) -> Indices:
    """
    Return the blocks, sorted by candidate and begin, without those that hold the one before or after them.

    A block that holds another of the same candidate costs as much or more, whatever the prices.
    """
    together = np.diff(candidate) == 0
    longer = np.zeros(len(candidate), dtype=bool)
    longer[:-1] |= together & (np.diff(end) <= 0.0)
    longer[1:] |= together & (np.diff(begin) == 0.0) & (np.diff(end) > 0.0)
    return np.flatnonzero(~longer)


def _interpolation(position: Floats, edges: int) -> csr_array:
    """Return the matrix that turns what is given at edges into what is at positions between them."""
    whole = np.minimum(position.astype(np.int32), edges - 2)
    part = position - whole
    rows = np.arange(len(position) + 1, dtype=np.int32)
    columns = np.column_stack([whole, whole + 1]).ravel()
    matrix = csr_array((np.column_stack([1.0 - part, part]).ravel(), columns, 2 * rows), (len(position), edges))
    matrix.eliminate_zeros()
    return matrix


def upper_bound(problem: Problem, incumbent: float = 0.0, rounds: int = ROUNDS) -> Bound:
    """
    Bound the value of every schedule from above.

    Parameters
    ----------
    problem : Problem
        n candidates.
    incumbent : float
        Value of a schedule that is known: the steps of the search are the surer for it, and blocks that no better
        schedule can have need not be looked at (reduced-cost fixing).
    rounds : int
        The bound gets no worse with more.

    Returns
    -------
    Bound
    """
    n, telescopes = len(problem.value), problem.telescopes
    blocks = [_Blocks(telescope) for telescope in telescopes]
    prices = [np.full(len(telescope.edges) - 1, _first_price(problem, telescope)) for telescope in telescopes]
    best = Bound(float(problem.value.sum()), [np.zeros_like(p) for p in prices], problem.value)
    agility, since_better = 1.0, 0
    for number in range(rounds):
        costs = [b.costs(p) for b, p in zip(blocks, prices, strict=True)]
        cheapest = np.array([b.cheapest(c, n) for b, c in zip(blocks, costs, strict=True)])
        where = cheapest.argmin(axis=0)
        left = problem.value - cheapest[where, np.arange(n)]
        profit = np.maximum(0.0, left)
        bound = float(profit.sum() + sum(p.sum() * t.step for p, t in zip(prices, telescopes, strict=True)))
        if bound < best.value - 1e-9 * abs(best.value):
            best, since_better = Bound(bound, [p.copy() for p in prices], left), 0
        else:
            since_better += 1
            if since_better >= 6:
                agility, since_better = agility / 2.0, 0
        # How much more than all of each step the candidates want.
        excess = [
            b.taken(c, (profit > 0) & (where == k)) - 1.0 for k, (b, c) in enumerate(zip(blocks, costs, strict=True))
        ]
        norm = sum(float(e @ e) * t.step**2 for e, t in zip(excess, telescopes, strict=True))
        gap = bound - max(incumbent, 0.5 * best.value)
        if norm == 0.0 or gap <= 1e-9 * bound or agility < 1e-4:
            break
        if incumbent > 0.0 and number % _FIX_EVERY == _FIX_EVERY - 1:
            most = problem.value - profit + (bound - incumbent) + 1e-9 * bound
            for b, c in zip(blocks, costs, strict=True):
                b.keep_up_to(most, c)
        for p, e, t in zip(prices, excess, telescopes, strict=True):
            np.maximum(0.0, p + agility * gap / norm * e * t.step, out=p)
    return Bound(max(best.value, incumbent), best.prices, best.left)


def _first_price(problem: Problem, telescope: Telescope) -> float:
    """Return what the last second is worth if a telescope's night is filled by value per second alone."""
    shortest = telescope.shortest
    possible = np.isfinite(shortest) & (problem.value > 0)
    worth = problem.value[possible] / shortest[possible]
    order = np.argsort(-worth)
    night = telescope.edges[-1] - telescope.edges[0]
    filled = np.searchsorted(np.cumsum(shortest[possible][order]), night)
    return float(worth[order[filled]]) if filled < len(order) else 0.0


def _use(begin: Floats, end: Floats, steps: int) -> Floats:
    """Return the share of each step that blocks take together, shape (steps,)."""

    def until(position: Floats) -> Floats:
        # Of all blocks, the sum over each step of how much of it lies before a position.
        whole = np.minimum(position.astype(np.intp), steps)
        counts = np.bincount(whole, minlength=steps + 1)[: steps + 1].astype(np.float64)
        parts = np.bincount(whole, weights=position - whole, minlength=steps + 1)[: steps + 1]
        after = counts[::-1].cumsum()[::-1] - counts
        return after[:steps] + parts[:steps]

    return until(end) - until(begin)
