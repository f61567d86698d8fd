"""The least squares of point-lens fits: linear parameters projected out, the others by Levenberg and Marquardt."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features.ragged import Floats
from ampel_followup.microlensing.flux_points import FluxPoints
from ampel_followup.microlensing.magnification import point_lens

#: Of the parameters, in their order: t₀ [d], ln t_E [d], ln u₀, s.
PARAMETERS = ("peak_time", "ln_einstein_time", "ln_impact", "skewness")

#: Means and standard deviations of the priors on ln t_E, ln u₀ and s: broad about what surveys find.
PRIOR_MEAN = np.array([0.0, np.log(25.0), np.log(0.4), 0.0])
PRIOR_SCATTER = np.array([np.inf, 1.3, 1.0, 0.7])

#: For what is taken to be a lens, standard deviations that are those of the events that surveys find (Mróz et al. 2019,
#: ApJS 244, 29).
LENS_SCATTER = np.array([np.inf, 0.9, 0.9, 0.7])

# Bounds on ln t_E, ln u₀ and s; t₀ is near the points.
_LOWEST, _HIGHEST = np.log([0.3, 1e-3]), np.log([1500.0, 2.0])
_MOST_SKEWED = 2.0

# t₀ lies no farther from the points than this, or than they extend, whichever is less [d].
_OUTSIDE = 60.0

# Starts: time scales [d] and impact parameters; the first half and the second are minimised apart.
_STARTS = ((2.5, 0.4), (8.0, 0.1), (8.0, 0.6), (25.0, 0.1), (25.0, 0.6), (80.0, 0.4))

_ITERATIONS, _REVIEW = 30, 4

# An object is settled once a step lowers its sum of squares by less than this.
_SETTLED = 1e-4

# With columns of A − 1 that vary less than this, relative to themselves, the flux of the source cannot be told.
DEGENERATE = 1e-9


@dataclass(frozen=True, slots=True)
class Problem:
    """Points, the bounds of the peak times (n,), and the standard deviations of the prior (4,)."""

    points: FluxPoints
    earliest: Floats
    latest: Floats
    skewed: bool
    scatter: Floats

    @classmethod
    def of(cls, points: FluxPoints, skewed: bool, scatter: Floats = PRIOR_SCATTER) -> Problem:
        """Bound the peak times by the points."""
        first, last = np.full(points.n, np.inf), np.full(points.n, -np.inf)
        np.minimum.at(first, points.index, points.time)
        np.maximum.at(last, points.index, points.time)
        empty = points.count() == 0
        first, last = np.where(empty, 0.0, first), np.where(empty, 0.0, last)
        beyond = np.clip(last - first, 1.0, _OUTSIDE)
        return cls(points, first - beyond, last + beyond, skewed, scatter)

    def clip(self, parameters: Floats) -> Floats:
        """Return the parameters within their bounds, shape (n, 4)."""
        clipped = parameters.copy()
        clipped[:, 0] = np.clip(parameters[:, 0], self.earliest, self.latest)
        clipped[:, 1:3] = np.clip(parameters[:, 1:3], _LOWEST, _HIGHEST)
        clipped[:, 3] = np.clip(parameters[:, 3], -_MOST_SKEWED, _MOST_SKEWED) if self.skewed else 0.0
        return clipped

    def starts(self) -> tuple[Floats, Floats]:
        """Return the best of a grid with the shorter and with the longer time scales, shape (n, 4) each."""
        best = [np.zeros((self.points.n, 4)) for _ in range(2)]
        least = [np.full(self.points.n, np.inf) for _ in range(2)]
        tried = np.zeros((self.points.n, 4))
        for peak in self.peaks():
            for number, (time, impact) in enumerate(_STARTS):
                tried[:] = np.stack(np.broadcast_arrays(peak, np.log(time), np.log(impact), 0.0), axis=1)
                cost = self.cost(tried, self.project(tried)[0])
                half = 2 * number // len(_STARTS)
                better = cost < least[half]
                best[half][better], least[half][better] = tried[better], cost[better]
        return self.clip(best[0]), self.clip(best[1])

    def peaks(self) -> list[Floats]:
        """Return times where the peak may be, shape (n,) each."""
        points = self.points
        s1 = points.sum_by_band(points.weight)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = points.sum_by_band(points.weight * points.flux) / s1
        excess = (points.flux - mean[points.group]) * np.sqrt(points.weight)
        excess = np.where(np.isfinite(excess), np.maximum(excess, 0.0), 0.0)
        brightest = self._time_of_largest(excess)
        # One point may be bad: the lesser of two that follow one another is not.
        order = np.lexsort((points.time, points.group))
        paired = np.zeros(len(excess))
        same = points.group[order[1:]] == points.group[order[:-1]]
        paired[order[1:]] = np.where(same, np.minimum(excess[order[1:]], excess[order[:-1]]), 0.0)
        height = np.zeros(points.n)
        np.maximum.at(height, points.index, excess)
        high = excess > 0.5 * height[points.index]
        total = points.sum(high * excess)
        middle = np.where(total > 0, points.sum(high * excess * points.time) / np.where(total > 0, total, 1.0), 0.0)
        last = self.latest - np.clip(0.5 * (self.latest - self.earliest) / 1.5, 0.0, _OUTSIDE)
        return [brightest, self._time_of_largest(paired), middle, last, self.latest - 0.5 * (self.latest - last)]

    def _time_of_largest(self, key: Floats) -> Floats:
        order = np.lexsort((key, self.points.index))
        time = np.zeros(self.points.n)
        time[self.points.index[order]] = self.points.time[order]  # of what is written twice, the last one stays
        return time

    def project(self, parameters: Floats) -> tuple[Floats, Floats, Floats, Floats, tuple[Floats, Floats, Floats]]:
        """Return residuals (N,), A − 1 (N,), source and baseline (6 n,), and the sums of the regression."""
        points = self.points
        magnified = _magnified(parameters[points.index], points.time)
        weighted = points.weight * magnified
        s1, sa = points.sum_by_band(points.weight), points.sum_by_band(weighted)
        saa, sf = points.sum_by_band(weighted * magnified), points.sum_by_band(points.weight * points.flux)
        saf = points.sum_by_band(weighted * points.flux)
        source, baseline = _regress(s1, sa, saa, sf, saf)
        negative = source < 0  # a lens only brightens
        source = np.where(negative, 0.0, source)
        baseline = np.where(negative, sf / np.where(s1 > 0, s1, 1.0), baseline)
        residual = points.flux - source[points.group] * magnified - baseline[points.group]
        return residual, magnified, source, baseline, (s1, sa, saa)

    def cost(self, parameters: Floats, residual: Floats) -> Floats:
        """Return the sum of squares, prior included, shape (n,)."""
        prior = (((parameters - PRIOR_MEAN) / self.scatter) ** 2).sum(axis=1)
        return np.asarray(self.points.sum(self.points.weight * residual**2) + prior)

    def linearise(self, parameters: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return cost (n,), half the curvature (n, 4, 4), half the negative gradient (n, 4), slopes (6 n, 4, 2)."""
        points = self.points
        residual, magnified, source, _, (s1, sa, saa) = self.project(parameters)
        _, derivatives = shape(parameters[points.index], points.time)
        derivatives = source[points.group] * derivatives
        fitted = 4 if self.skewed else 3
        slopes = np.zeros((len(s1), 4, 2))
        projected = np.empty((fitted, len(magnified)))
        for k, derivative in enumerate(derivatives[:fitted]):
            sf, saf = (points.sum_by_band(points.weight * derivative * v) for v in (1.0, magnified))
            slopes[:, k, 1], slopes[:, k, 0] = _regress(s1, sa, saa, sf, saf)
            projected[k] = derivative - slopes[points.group, k, 1] * magnified - slopes[points.group, k, 0]
        curvature, gradient = np.zeros((points.n, 4, 4)), np.zeros((points.n, 4))
        for k in range(fitted):
            weighted = points.weight * projected[k]
            gradient[:, k] = points.sum(weighted * residual)
            for other in range(k, fitted):
                curvature[:, k, other] = curvature[:, other, k] = points.sum(weighted * projected[other])
        precision = self.scatter**-2.0
        curvature[:, np.arange(4), np.arange(4)] += precision
        curvature[:, 0, 0] += (self.latest - self.earliest) ** -2.0  # t₀ where nothing tells it
        gradient += (PRIOR_MEAN - parameters) * precision
        return self.cost(parameters, residual), curvature, gradient, slopes

    def minimise(self, start: Floats) -> tuple[Floats, Floats]:
        """Return parameters (n, 4) and the least sum of squares (n,)."""
        parameters, cost = start.copy(), np.zeros(self.points.n)
        rows, problem = np.arange(self.points.n), self
        state = problem.begin(start)
        for step in range(_ITERATIONS):
            state = problem.improve(state)
            if (step + 1) % _REVIEW == 0 or step + 1 == _ITERATIONS:
                parameters[rows], cost[rows] = state.parameters, state.cost
                moving = ~state.settled
                if not moving.any():
                    break
                # Most objects are done after a few steps: only the others go on.
                if moving.sum() < 0.8 * len(rows):
                    rows, problem, state = rows[moving], problem.among(moving), state.among(moving)
        return parameters, cost

    def among(self, chosen: NDArray[np.bool_]) -> Problem:
        """Return the problem of some of the objects."""
        return Problem(self.points.among(chosen), self.earliest[chosen], self.latest[chosen], self.skewed, self.scatter)

    def begin(self, start: Floats) -> _State:
        """Return where a minimisation begins."""
        cost, curvature, gradient, _ = self.linearise(start)
        damping = np.full(self.points.n, 1e-2)
        return _State(start, cost, curvature, gradient, damping, np.zeros(self.points.n, dtype=np.bool_))

    def improve(self, state: _State) -> _State:
        """Take one step of Levenberg and Marquardt in each object that is not settled."""
        damped, diagonal = state.curvature.copy(), np.arange(4)
        damped[:, diagonal, diagonal] *= 1.0 + state.damping[:, None]
        step = np.linalg.solve(damped, state.gradient[:, :, None])[:, :, 0]
        tried = self.clip(state.parameters + step)
        cost, curvature, gradient, _ = self.linearise(tried)
        better = (cost < state.cost) & ~state.settled
        damping = np.where(better, state.damping * 0.2, np.minimum(state.damping * 6.0, 1e10))
        small = better & (state.cost - cost < _SETTLED) & (state.damping < 1.0)
        return _State(
            np.where(better[:, None], tried, state.parameters),
            np.where(better, cost, state.cost),
            np.where(better[:, None, None], curvature, state.curvature),
            np.where(better[:, None], gradient, state.gradient),
            damping,
            state.settled | small | (damping > 1e6),
        )


@dataclass(frozen=True, slots=True)
class _State:
    """Where a minimisation of n objects is."""

    parameters: Floats
    cost: Floats
    curvature: Floats
    gradient: Floats
    damping: Floats
    settled: NDArray[np.bool_]

    def among(self, chosen: NDArray[np.bool_]) -> _State:
        """Return the state of some of the objects."""
        return _State(*(getattr(self, f.name)[chosen] for f in fields(self)))


def _regress(s1: Floats, sa: Floats, saa: Floats, sf: Floats, saf: Floats) -> tuple[Floats, Floats]:
    """Return slope and offset of the weighted regression on A − 1; slope 0 where that does not vary."""
    determinant = s1 * saa - sa * sa
    told = determinant > DEGENERATE * s1 * saa
    slope = np.where(told, s1 * saf - sa * sf, 0.0) / np.where(told, determinant, 1.0)
    return slope, (sf - slope * sa) / np.where(s1 > 0, s1, 1.0)


def _distance(parameters: Floats, time: Floats) -> tuple[Floats, Floats, Floats]:
    """Return u², (t − t₀) / t_E with the skewness in it, and the sign of the skewness there."""
    since = time - parameters[:, 0]
    sign = np.sign(since)
    moved = since * np.exp(-parameters[:, 1] - sign * parameters[:, 3])
    return np.exp(2.0 * parameters[:, 2]) + moved**2, moved, sign


def _magnified(parameters: Floats, time: Floats) -> Floats:
    return point_lens(np.sqrt(_distance(parameters, time)[0]))[0] - 1.0


def shape(parameters: Floats, time: Floats) -> tuple[Floats, Floats]:
    """Return A − 1 (N,) and its derivatives (4, N) by the parameters, which are given for each point, (N, 4)."""
    squared, moved, sign = _distance(parameters, time)
    u = np.sqrt(squared)
    magnified, slope = point_lens(u)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_time = np.where(moved == 0, 0.0, -moved * np.exp(-parameters[:, 1] - sign * parameters[:, 3]))
    derivatives = np.stack([by_time, -(moved**2), np.exp(2.0 * parameters[:, 2]), -sign * moved**2])
    return magnified - 1.0, slope / u * derivatives
