"""
What runs of active learning say together: curves, their spread, and how many spectra a level takes.

A curve of one seed is rough, and may touch a level by chance. **Spectra needed** for a level are therefore the least
number at which the mean curve over seeds, averaged over a night and its neighbours, reaches the level and does not
fall below it on the two nights after. Intervals come from a bootstrap over seeds; strategies are compared on the same
resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.learning_loop import MEASURES, LoopResult

Array = NDArray[np.float64]

#: Nights of the running mean, nights that a level has to be kept, resamples, and the level of intervals.
WINDOW, KEPT, RESAMPLES, INTERVAL = 3, 2, 1000, 0.95

#: What levels are of, and the strategy whose last level the others have to reach.
AIM, BASELINE = "efficiency_purity", "random"


def summarise(
    runs: Mapping[tuple[str, int], LoopResult],
    levels: Sequence[float],
    at_labels: int | None,
    batch: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """
    Summarise runs.

    Parameters
    ----------
    runs : mapping of (strategy, seed) to LoopResult
        Every strategy with the same seeds.
    levels : sequence of float
        Of efficiency × purity; the last level of the baseline is added where it was run.
    at_labels : int, optional
        All measures are given at so many labels, those of the start included, too.
    batch : int
        Step of the curves, in spectra.
    rng : numpy.random.Generator
        Of the bootstrap.

    Returns
    -------
    dict
        Ready for JSON; what cannot be told is None.
    """
    strategies = list(dict.fromkeys(strategy for strategy, _ in runs))
    seeds = list(dict.fromkeys(seed for _, seed in runs))
    grid = np.arange(0, min(int(run.spectra[-1]) for run in runs.values()) + 1, batch)
    curves = {s: np.array([on_grid(runs[s, seed], grid) for seed in seeds]) for s in strategies}
    draws = rng.integers(len(seeds), size=(RESAMPLES, len(seeds)))
    aim = MEASURES.index(AIM)
    base = curves[BASELINE][:, :, aim] if BASELINE in curves else None
    first = runs[strategies[0], seeds[0]]
    result: dict[str, Any] = {
        "seeds": seeds,
        "start_labels": [runs[strategies[0], seed].n_start for seed in seeds],
        "pool": first.n_pool,
        "test": first.n_test,
        "spectra": grid.tolist(),
        "baseline_level": None if base is None else last_level(base.mean(axis=0)),
        "strategies": {},
    }
    for strategy in strategies:
        values = curves[strategy]
        told: dict[str, Any] = {
            "curves": {name: _spread(values[:, :, j], draws) for j, name in enumerate(MEASURES)},
            "final": {name: _at(values[:, -1, j], draws) for j, name in enumerate(MEASURES)},
            "share_of_ia": float(np.mean([runs[strategy, seed].share_of_ia[-1] for seed in seeds])),
            "telescope_hours": float(np.mean([runs[strategy, seed].seconds[-1] for seed in seeds]) / 3600.0),
            "wall_time": float(np.mean([runs[strategy, seed].wall_time for seed in seeds])),
            "spectra_needed": {f"{level:g}": _needed(values[:, :, aim], level, grid, draws) for level in levels},
        }
        if base is not None:
            told |= _against(values[:, :, aim], base, grid, draws)
        if at_labels is not None:
            told["at_labels"] = _at_labels(values, grid, at_labels - first.n_start, at_labels, draws)
        result["strategies"][strategy] = told
    return result


def on_grid(run: LoopResult, grid: NDArray[np.intp]) -> Array:
    """Return the measures of a run at these numbers of spectra, shape (len(grid), 7), linear between nights."""
    return np.column_stack([np.interp(grid, run.spectra, values) for values in run.measures.T])


def smoothed(curve: Array) -> Array:
    """Return the mean over each night and its neighbours, shape (s − 2,) of (s,); fewer than three stay as they are."""
    if len(curve) < WINDOW:
        return curve
    return np.convolve(curve, np.ones(WINDOW) / WINDOW, "valid")


def last_level(curve: Array) -> float:
    """Return the mean of the last three nights of a curve (s,)."""
    return float(curve[-WINDOW:].mean())


def spectra_needed(curve: Array, level: float, grid: NDArray[np.intp]) -> float:
    """
    Return the spectra that a level takes, as defined above; infinite if it is not reached.

    Parameters
    ----------
    curve : ndarray, shape (s,)
        Mean over seeds.
    level : float
    grid : ndarray of int, shape (s,)
        Spectra of each night.
    """
    means = smoothed(curve)
    reached, first = means >= level - 1e-12, (len(curve) - len(means)) // 2
    for i in np.flatnonzero(reached).tolist():
        if reached[i : i + KEPT + 1].all():
            return float(grid[first + i])
    return float("inf")


def _needed(values: Array, level: float, grid: NDArray[np.intp], draws: NDArray[np.intp]) -> dict[str, Any]:
    resampled = np.array([spectra_needed(values[draw].mean(axis=0), level, grid) for draw in draws])
    return _interval(spectra_needed(values.mean(axis=0), level, grid), resampled)


def _against(values: Array, base: Array, grid: NDArray[np.intp], draws: NDArray[np.intp]) -> dict[str, Any]:
    """Spectra to the baseline's last level, and the part saved of those that the baseline takes to it."""

    def both(rows: NDArray[np.intp]) -> tuple[float, float]:
        baseline = base[rows].mean(axis=0)
        level = last_level(baseline)
        n = spectra_needed(values[rows].mean(axis=0), level, grid)
        n_baseline = spectra_needed(baseline, level, grid)
        if not np.isfinite(n):
            return n, float("-inf")
        # A baseline that begins at its last level leaves nothing to save.
        return n, 1.0 - n / n_baseline if n_baseline > 0 else 0.0

    n, saved = both(np.arange(len(values)))
    resampled = np.array([both(draw) for draw in draws])
    return {
        "spectra_to_baseline": _interval(n, resampled[:, 0]),
        "saved": _interval(saved, resampled[:, 1]),
    }


def _interval(value: float, resampled: Array) -> dict[str, Any]:
    # Quantiles by order, not between two of them: some may be infinite.
    tails = (1.0 - INTERVAL) / 2.0, (1.0 + INTERVAL) / 2.0
    low, high = (float(np.quantile(resampled, tail, method="nearest")) for tail in tails)
    return {"value": _finite(value), "low": _finite(low), "high": _finite(high)}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _spread(values: Array, draws: NDArray[np.intp]) -> dict[str, list[float]]:
    low, high = np.quantile(values[draws].mean(axis=1), ((1.0 - INTERVAL) / 2.0, (1.0 + INTERVAL) / 2.0), axis=0)
    return {"mean": values.mean(axis=0).tolist(), "low": low.tolist(), "high": high.tolist()}


def _at(values: Array, draws: NDArray[np.intp]) -> dict[str, float]:
    spread = _spread(values[:, None], draws)
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {name: numbers[0] for name, numbers in spread.items()} | {"sd": deviation}


def _at_labels(
    values: Array, grid: NDArray[np.intp], spectra: int, labels: int, draws: NDArray[np.intp]
) -> dict[str, Any] | None:
    if not grid[0] <= spectra <= grid[-1]:
        return None
    night = int(np.argmin(np.abs(grid - spectra)))
    measured = {name: _at(values[:, night, j], draws) for j, name in enumerate(MEASURES)}
    return {"labels": labels + int(grid[night]) - spectra, **measured}
