"""Strategies side by side: means and spread over replicates, and ratios with confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.metrics import ENOUGH, Outcomes, log_loss, ranked, subset_size, summary
from ampel_followup.evaluation.protocol import Protocol, Replicate
from ampel_followup.gain import entropy
from ampel_followup.strategies import IDEAL, STRATEGIES, ideal

Array = NDArray[np.float64]

#: Strategies whose ratio is given with an interval.
PAIRS = (
    ("value-of-information", "entropy-indicator"),
    ("value-of-information", "information-gain-indicator"),
    ("value-of-information", "entropy"),
    ("entropy-indicator", "entropy"),
    ("entropy", "information-gain"),
    ("information-gain", "random"),
)

METRICS = ("fp_5", "gtp_5", "fp_20", "gtp_20", "spectra_to_80")

#: Resamples for an interval, and its level.
N_RESAMPLES, LEVEL = 400, 0.95


@dataclass(frozen=True)
class RankedReplicate:
    """The outcomes of one replicate, its objects' groups (n,), and their order under each strategy, (n,) each."""

    outcomes: Outcomes
    groups: NDArray[np.generic]
    orders: dict[str, NDArray[np.intp]]


def rank_replicates(replicates: list[Replicate], seed: int) -> list[RankedReplicate]:
    """
    Order the objects of every replicate by every registered strategy, and by the ideal one.

    Parameters
    ----------
    replicates : list of Replicate
    seed : int
        Of strategies that draw lots, and of the order of equal priorities.
    """
    result = []
    for r, replicate in enumerate(replicates):
        rng = np.random.default_rng([seed, r])
        priorities = {
            name: strategy.priority(replicate.scores, rng)
            for name, strategy in STRATEGIES.items()
            if not (strategy.needs_assistant or strategy.needs_early)
        }
        priorities[IDEAL] = ideal(replicate.scores.entropy, entropy(replicate.p_ts))
        orders = {name: ranked(priority, rng) for name, priority in priorities.items()}
        outcomes = Outcomes.of(replicate.scores.p_t, replicate.p_ts, replicate.y)
        result.append(RankedReplicate(outcomes, replicate.groups, orders))
    return result


def compare(
    replicates: list[Replicate], ranked_replicates: list[RankedReplicate], protocol: Protocol
) -> dict[str, Any]:
    """
    Compare all strategies.

    Parameters
    ----------
    replicates : list of Replicate
    ranked_replicates : list of RankedReplicate
        From `rank_replicates`, of the same replicates.
    protocol : Protocol
        As they were made by.

    Returns
    -------
    dict
        Ready for JSON: ``p_t``, ``p_ts``, ``objects`` (counts as in section 8.3 of the paper), ``strategies`` and
        ``paired``. A number that does not exist (a spread of one replicate, say) is None.
    """
    per_strategy = {
        name: [summary(item.orders[name], item.outcomes) for item in ranked_replicates]
        for name in ranked_replicates[0].orders
    }
    return {
        "p_t": {
            **_spread("accuracy", [item.outcomes.right_before.mean() for item in ranked_replicates]),
            **_spread("log_loss", [log_loss(r.scores.p_t, r.y) for r in replicates]),
            "n": len(replicates[0].y),
        },
        "p_ts": {
            **_spread("accuracy", [item.outcomes.right_after.mean() for item in ranked_replicates]),
            **_spread("log_loss", [log_loss(r.p_ts, r.y) for r in replicates]),
        },
        "objects": _counts(replicates, ranked_replicates),
        "strategies": {
            name: {
                key: value for metric in METRICS for key, value in _spread(metric, [s[metric] for s in all_]).items()
            }
            for name, all_ in per_strategy.items()
        },
        "paired": paired_ratios(ranked_replicates, protocol.seed),
    }


def paired_ratios(
    ranked_replicates: list[RankedReplicate],
    seed: int,
    pairs: tuple[tuple[str, str], ...] = PAIRS,
    n_resamples: int = N_RESAMPLES,
) -> dict[str, dict[str, dict[str, float | None]]]:
    """
    Ratio of each metric between pairs of strategies, with a bootstrap interval.

    The ratio is that of the means over replicates. Each resample draws objects (all samples of an object together) and
    replicates with replacement, the same for both strategies and all replicates: the interval covers the choice of
    objects as well as that of folds, forests and simulation.

    Parameters
    ----------
    ranked_replicates : list of RankedReplicate
    seed : int
    pairs : tuple of (str, str)
        Numerator and denominator.
    n_resamples : int

    Returns
    -------
    dict
        ``"A vs B"`` → metric → ratio, low, high (95 %).
    """
    names = sorted({name for pair in pairs for name in pair})
    rng = np.random.default_rng([seed, 2])
    _, member = np.unique(ranked_replicates[0].groups, return_inverse=True)
    n_groups = int(member.max()) + 1
    n_replicates = len(ranked_replicates)
    full = {name: _metrics(ranked_replicates, name, np.ones(len(member))).mean(axis=0) for name in names}
    draws: dict[str, list[Array]] = {name: [] for name in names}
    for _ in range(n_resamples):
        weight = np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups)[member].astype(np.float64)
        chosen = rng.integers(n_replicates, size=n_replicates)
        for name in names:
            draws[name].append(_metrics(ranked_replicates, name, weight)[chosen].mean(axis=0))
    tail = 50.0 * (1.0 - LEVEL)
    result: dict[str, dict[str, dict[str, float | None]]] = {}
    for a, b in pairs:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = full[a] / full[b]
            resampled = np.array(draws[a]) / np.array(draws[b])
        known = [column[np.isfinite(column)] for column in resampled.T]
        low, high = np.array([np.percentile(c, [tail, 100.0 - tail]) if len(c) else (np.nan, np.nan) for c in known]).T
        result[f"{a} vs {b}"] = {
            metric: {"ratio": _number(ratio[j]), "low": _number(low[j]), "high": _number(high[j])}
            for j, metric in enumerate(METRICS)
        }
    return result


def _metrics(ranked_replicates: list[RankedReplicate], name: str, weight: Array) -> Array:
    """`METRICS` of every replicate, shape (R, 5), where each object counts `weight` times; equals `summary` at 1."""
    return np.array([weighted_summary(item.orders[name], item.outcomes, weight) for item in ranked_replicates])


def weighted_summary(order: NDArray[np.intp], outcomes: Outcomes, weight: Array) -> list[float]:
    """
    Return the metrics of `summary` for a sample that has each object so many times.

    Copies of an object have its priority, so that the order needs no new sorting.

    Parameters
    ----------
    order : ndarray of int, shape (n,)
    outcomes : Outcomes
    weight : ndarray, shape (n,)
        Whole numbers ≥ 0, by object.
    """
    chosen, copies = outcomes.take(order), weight[order]
    before = np.cumsum(copies) - copies
    corrected = chosen.right_after & ~chosen.right_before
    n = int(copies.sum())
    values = []
    for percent in (5, 20):
        s = subset_size(percent / 100, n)
        taken = np.clip(s - before, 0.0, copies)
        values += [float(taken @ corrected) / s, float(taken @ chosen.gain) / s]
    change = chosen.right_after.astype(np.float64) - chosen.right_before
    gained = np.cumsum(copies * change)
    if gained[-1] <= 0:
        return [*values, math.nan]
    i = int(np.flatnonzero(gained >= ENOUGH * gained[-1])[0])
    # Each copy of the last object brings one: only as many as are needed count.
    needed = math.ceil(ENOUGH * gained[-1] - (gained[i] - copies[i] * change[i]) - 1e-9)
    return [*values, float(before[i] + max(needed, 1))]


def _counts(replicates: list[Replicate], ranked_replicates: list[RankedReplicate]) -> dict[str, float | None]:
    """Objects that are wrong, correctable, broken and flagged, means over replicates."""
    rows = []
    for replicate, item in zip(replicates, ranked_replicates, strict=True):
        correctable = item.outcomes.right_after & ~item.outcomes.right_before
        broken = item.outcomes.right_before & ~item.outcomes.right_after
        flagged = replicate.scores.indicator
        rows.append(
            [
                (~item.outcomes.right_before).sum(),
                correctable.sum(),
                broken.sum(),
                flagged.sum(),
                (flagged & correctable).sum(),
            ]
        )
    names = ("wrong_before", "correctable", "broken", "indicator", "indicator_and_correctable")
    columns = np.array(rows, dtype=np.float64).T
    return {
        key: value for name, column in zip(names, columns, strict=True) for key, value in _spread(name, column).items()
    }


def _spread(name: str, values: Any) -> dict[str, float | None]:
    """Mean and standard deviation over replicates."""
    values = np.asarray(values, dtype=np.float64)
    deviation = values.std(ddof=1) if len(values) > 1 else math.nan
    return {name: _number(values.mean()), f"{name}_sd": _number(deviation)}


def _number(value: float) -> float | None:
    return round(float(value), 5) if math.isfinite(value) else None
