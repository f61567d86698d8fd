"""
How far the distribution of features is from that of training, and whether chance explains it.

Of each feature the training set is known by the share of its objects that have it and the deciles of their values.
Objects of a night fall into the ten intervals between them, or have no value: eleven bins with known shares q. With p,
the shares of the night,

    PSI = Σ (p − q) ln(p / q)                                   (population stability index)
    D = max over the deciles of |share at or below − level|     (Kolmogorov and Smirnov's distance, where F is known)

The PSI of n objects from the distribution that the m training objects came from is on average (bins − 1)(1/n + 1/m)
(Yurdakul 2018, "Statistical Properties of Population Stability Index"); that is taken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, kolmogorov

from ampel_followup.errors import BundleError

Array = NDArray[np.float64]

#: Levels of the deciles.


LEVELS = np.linspace(0.0, 1.0, 11)
_BINS = 11

# Deciles are kept with five digits: a value and its decile may differ by this much, relatively, and be the same.
_ROUNDING = 5e-5

#: Shares measured are kept with four decimals: what is kept as none or all may differ from that by so much.
LEAST_SHARE = 5e-5


@dataclass(frozen=True, slots=True)
class TrainingDistribution:
    """
    What is known of k features in training.

    Parameters
    ----------
    measured : ndarray, shape (k,)
        Share of the objects that have it, 0 to 1.
    deciles : ndarray, shape (k, 11)
        Of the values, at `LEVELS`; NaN where never measured.
    usual_psi : ndarray, shape (k,)
        PSI of the most unusual training night; NaN where not known.
    n_objects : float
        Training objects m; infinite where there are many more than in any night.
    """

    measured: Array
    deciles: Array
    usual_psi: Array
    n_objects: float


def read_distribution(
    names: Sequence[str], reference: Mapping[str, Mapping[str, Any]], n_reference: int | None
) -> TrainingDistribution:
    """
    Read what a bundle keeps of its training set.

    Parameters
    ----------
    names : sequence of str
        Of the k features.
    reference : mapping
        Feature → ``measured``, ``deciles`` and, where known, ``usual_psi``, as for `ampel_followup.drift.drift`.
    n_reference : int or None
        Training objects; None for many more than any night has.

    Raises
    ------
    BundleError
        If a feature is not in the reference, or its deciles are no deciles.
    """
    unknown = [name for name in names if name not in reference]
    if unknown:
        raise BundleError(f"the bundle keeps no distribution of {', '.join(unknown[:3])}; train it again")
    deciles = np.full((len(names), len(LEVELS)), np.nan)
    for j, name in enumerate(names):
        given = np.asarray(reference[name]["deciles"], dtype=np.float64)
        if len(given) not in (0, len(LEVELS)) or (np.diff(given) < 0).any():
            raise BundleError(f"the bundle's deciles of {name} are not {len(LEVELS)} rising numbers; train it again")
        if len(given):
            deciles[j] = given
    return TrainingDistribution(
        np.array([reference[name]["measured"] for name in names], dtype=np.float64),
        deciles,
        np.array([reference[name].get("usual_psi", np.nan) for name in names], dtype=np.float64),
        np.inf if n_reference is None else float(n_reference),
    )


def levels_of(values: Array, count: NDArray[np.intp], deciles: Array) -> Array:
    """
    Return the share of measured values (n, k), `count` (k,) of them, at or below each decile (k, 11), shape (k, 11).

    Counts and flags take few values, and many objects share that of a decile: the distribution function jumps there,
    over a range that the training level is somewhere in. The level taken is the one in the range of the night's jump
    that is nearest to training, so that ties raise no alarm, and what leaves them does.
    """
    ordered = np.sort(values, axis=0)  # NaN last
    below, upto = np.zeros(deciles.shape), np.ones(deciles.shape)
    rounding = _ROUNDING * np.abs(deciles)
    for j in np.flatnonzero((count > 0) & np.isfinite(deciles[:, 0])):
        column = ordered[: count[j], j]
        below[j] = np.searchsorted(column, deciles[j] - rounding[j], "left") / count[j]
        upto[j] = np.searchsorted(column, deciles[j] + rounding[j], "right") / count[j]
    levels: Array = np.clip(LEVELS, below, upto)
    return levels


def shares_of(levels: Array, measured: Array) -> Array:
    """Return the shares of all objects between the deciles, and of those not measured, shape (k, 11)."""
    # What is outside the range of training belongs to the outer bins.
    inner = np.diff(levels[:, 1:-1], prepend=0.0, append=1.0, axis=1)
    return np.column_stack([inner * measured[:, None], 1.0 - measured])


def _expected_shares(then: TrainingDistribution) -> Array:
    shares = np.column_stack([np.repeat(0.1 * then.measured[:, None], _BINS - 1, axis=1), 1.0 - then.measured])
    shares = np.maximum(shares, LEAST_SHARE)
    expected: Array = shares / shares.sum(axis=1, keepdims=True)
    return expected


def excess_psi(shares: Array, n: int, then: TrainingDistribution) -> Array:
    """Return the PSI of shares (k, 11) among n objects, less its mean for unchanged data, shape (k,)."""
    # Half an object in each bin: an empty one is no proof of a share of zero.
    now, before = (shares * n + 0.5) / (n + 0.5 * _BINS), _expected_shares(then)
    psi = ((now - before) * np.log(now / before)).sum(axis=1)
    excess: Array = np.maximum(psi - (_BINS - 1) * (1.0 / n + 1.0 / then.n_objects), 0.0)
    return excess


def p_values(ks: Array, count: NDArray[np.intp], n: int, then: TrainingDistribution) -> Array:
    """
    Return the probability of such a night by chance, shape (k,).

    The lesser of two, times two: of the largest distance `ks` (k,) of the two distribution functions (Kolmogorov), and
    of the `count` (k,) among n objects that have the feature (binomial).
    """
    m = np.maximum(then.n_objects * np.maximum(then.measured, LEAST_SHARE), 1.0)
    of_values = kolmogorov(np.sqrt(count / (1.0 + count / m)) * ks)
    share = np.clip(then.measured, LEAST_SHARE, 1.0 - LEAST_SHARE)
    of_share = 2.0 * np.minimum(bdtr(count.astype(np.float64), n, share), bdtrc(count - 1.0, n, share))
    p: Array = np.minimum(2.0 * np.minimum(of_values, of_share), 1.0)
    return p


def holm(p: Array) -> Array:
    """Return p-values (k,), corrected for their number (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(np.minimum(p[order] * np.arange(len(p), 0, -1), 1.0))
    return corrected
