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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ampel_followup.observing.scheduling.problem import Floats, Problem, Telescope

#: Rounds of the subgradient method; the best bound of all is taken.
ROUNDS = 150


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
    """

    value: float
    prices: list[Floats]


class _Starts:
    """All starts of all candidates at one telescope that can be cheapest, for prices constant within a step."""

    def __init__(self, telescope: Telescope) -> None:
        edges, latest, duration = telescope.edges, telescope.latest, telescope.duration
        rows, steps = np.nonzero(np.isfinite(latest))
        first, last, length = edges[steps], latest[rows, steps], duration[rows, steps]
        # Cost is piecewise linear in the start: least at either end of the step, or where the block ends on an edge.
        on_edge = edges[np.minimum(telescope.step_at(first + length) + 1, len(edges) - 1)] - length
        starts = np.concatenate([first, last, np.clip(on_edge, first, last)])
        ends = starts + np.tile(length, 3)
        self.candidate = np.tile(rows, 3)
        order = np.argsort(self.candidate, kind="stable")
        self.candidate, starts, ends = self.candidate[order], starts[order], ends[order]
        self.begin = self._position(telescope, starts)
        self.end = self._position(telescope, ends)
        self.first, self.last = (np.minimum(p.astype(np.intp), len(edges) - 2) for p in (self.begin, self.end))
        self.offsets = np.flatnonzero(np.diff(self.candidate, prepend=-1) > 0)
        self.edges = edges

    @staticmethod
    def _position(telescope: Telescope, time: Floats) -> Floats:
        """Return moments in units of steps from the first edge."""
        return np.asarray(np.clip((time - telescope.edges[0]) / telescope.step, 0.0, len(telescope.edges) - 1.0))

    def cheapest(self, prices: Floats, step: float, n: int) -> tuple[Floats, Floats, Floats]:
        """Return the least cost of each candidate, shape (n,), infinite if it has no start, and that block's ends."""
        cost, begin, end = np.full(n, np.inf), np.zeros(n), np.zeros(n)
        if len(self.candidate) == 0:
            return cost, begin, end
        # Up to a position, the whole steps before it cost their sum, and the one it is in by its part.
        paid = np.concatenate([[0.0], np.cumsum(prices[:-1])]) - np.arange(len(prices)) * prices
        costs = step * (
            (paid[self.last] + self.end * prices[self.last]) - (paid[self.first] + self.begin * prices[self.first])
        )
        least = np.minimum.reduceat(costs, self.offsets)
        who = self.candidate[self.offsets]
        cost[who] = least
        is_least = np.flatnonzero(costs <= np.repeat(least, np.diff(np.r_[self.offsets, len(costs)])))
        begin[self.candidate[is_least[::-1]]] = self.begin[is_least[::-1]]
        end[self.candidate[is_least[::-1]]] = self.end[is_least[::-1]]
        return cost, begin, end


def upper_bound(problem: Problem, incumbent: float = 0.0, rounds: int = ROUNDS) -> Bound:
    """
    Bound the value of every schedule from above.

    Parameters
    ----------
    problem : Problem
        n candidates.
    incumbent : float
        Value of a schedule that is known: the steps of the search are the surer for it.
    rounds : int
        The bound gets no worse with more.

    Returns
    -------
    Bound
    """
    n = len(problem.value)
    telescopes = problem.telescopes
    starts = [_Starts(telescope) for telescope in telescopes]
    prices = [np.full(len(telescope.edges) - 1, _first_price(problem, telescope)) for telescope in telescopes]
    best = Bound(float(problem.value.sum()), [np.zeros_like(p) for p in prices])
    agility, since_better = 1.0, 0
    for _ in range(rounds):
        found = [s.cheapest(p, t.step, n) for s, p, t in zip(starts, prices, telescopes, strict=True)]
        costs = np.array([cost for cost, _, _ in found])
        where = costs.argmin(axis=0)
        profit = np.maximum(0.0, problem.value - costs[where, np.arange(n)])
        bound = float(profit.sum() + sum(p.sum() * t.step for p, t in zip(prices, telescopes, strict=True)))
        if bound < best.value - 1e-9 * abs(best.value):
            best, since_better = Bound(bound, [p.copy() for p in prices]), 0
        else:
            since_better += 1
            if since_better >= 6:
                agility, since_better = agility / 2.0, 0
        # How much more than all of each step the candidates want.
        excess = [
            _use(begin[(profit > 0) & (where == k)], end[(profit > 0) & (where == k)], len(p)) - 1.0
            for k, ((_, begin, end), p) in enumerate(zip(found, prices, strict=True))
        ]
        norm = sum(float(e @ e) * t.step**2 for e, t in zip(excess, telescopes, strict=True))
        gap = bound - max(incumbent, 0.5 * best.value)
        if norm == 0.0 or gap <= 1e-9 * bound or agility < 1e-4:
            break
        for p, e, t in zip(prices, excess, telescopes, strict=True):
            np.maximum(0.0, p + agility * gap / norm * e * t.step, out=p)
    return best


def cheapest(problem: Problem, prices: Sequence[Floats]) -> Floats:
    """Return the price of each candidate's cheapest block, shape (n,); infinite where it has none."""
    n = len(problem.value)
    costs = [_Starts(t).cheapest(p, t.step, n)[0] for t, p in zip(problem.telescopes, prices, strict=True)]
    return np.asarray(np.min(costs, axis=0))


def _first_price(problem: Problem, telescope: Telescope) -> float:
    """Return what the last second is worth if a telescope's night is filled by value per second alone."""
    shortest = np.where(np.isfinite(telescope.latest), telescope.duration, np.inf).min(axis=1, initial=np.inf)
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
