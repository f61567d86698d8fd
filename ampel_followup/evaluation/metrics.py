r"""
What a strategy achieves: the quantities of figures 3, 4 and 6 of Astudillo et al. (2020).

A strategy orders n objects. The first s get a spectrum and are classified by P_ts with it, the others by P_t without.
With :math:`l_t, l_{ts}` the classes so named, y the true one, and sums over the s objects chosen:

- corrected, figure 6 ("FP"): :math:`\frac1s \sum [l_t \neq y \wedge l_{ts} = y]`;
- gain in the probability of the true class, figure 3 left ("GTP"): :math:`\frac1s \sum P_{ts}(y) - P_t(y)`;
- share whose probability of the true class rises, figure 4 right: :math:`\frac1s \sum [P_{ts}(y) > P_t(y)]`;
- gain in accuracy, figure 3 middle: :math:`\frac1s \sum [l_{ts} = y] - [l_t = y]`;
- overall accuracy, figure 3 right: of all n objects, with spectra of the s chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Share of the possible gain in accuracy in the last metric of `summary`.
ENOUGH = 0.8


@dataclass(frozen=True, slots=True)
class Outcomes:
    """
    What the spectrum of each of n objects does.

    Parameters
    ----------
    right_before, right_after : ndarray of bool, shape (n,)
        Whether P_t, and P_ts with the true spectrum, name the true class.
    gain : ndarray, shape (n,)
        P_ts(y) − P_t(y), −1 to 1.
    """

    right_before: NDArray[np.bool_]
    right_after: NDArray[np.bool_]
    gain: Array

    @classmethod
    def of(cls, p_t: Array, p_ts: Array, y: NDArray[np.intp]) -> Outcomes:
        """Compare the classes y (n,) with probabilities before and after the spectrum, (n, C) each."""
        rows = np.arange(len(y))
        return cls(p_t.argmax(axis=1) == y, p_ts.argmax(axis=1) == y, p_ts[rows, y] - p_t[rows, y])

    def __len__(self) -> int:
        return len(self.gain)

    def take(self, rows: NDArray[np.intp]) -> Outcomes:
        """Return the outcomes of some objects, in that order."""
        return Outcomes(self.right_before[rows], self.right_after[rows], self.gain[rows])


@dataclass(frozen=True, slots=True)
class Curves:
    """
    The metrics for the first s = 1 … n objects of an order; see the module for each; shape (n,).

    Parameters
    ----------
    corrected, gain, raised, accuracy_gain : ndarray
        Means over the s objects chosen.
    accuracy : ndarray
        Over all n objects.
    """

    corrected: Array
    gain: Array
    raised: Array
    accuracy_gain: Array
    accuracy: Array


def ranked(priority: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the order of falling priority (n,); equal ones in random order, so that the file's order tells nothing."""
    return np.asarray(np.lexsort((rng.random(len(priority)), -priority)))


def curves(order: NDArray[np.intp], outcomes: Outcomes) -> Curves:
    """Follow the metrics along an order (n,) of the objects."""
    chosen = outcomes.take(order)
    size = np.arange(1, len(order) + 1)
    change = chosen.right_after.astype(np.float64) - chosen.right_before
    return Curves(
        corrected=np.cumsum(chosen.right_after & ~chosen.right_before) / size,
        gain=np.cumsum(chosen.gain) / size,
        raised=np.cumsum(chosen.gain > 0) / size,
        accuracy_gain=np.cumsum(change) / size,
        accuracy=chosen.right_before.mean() + np.cumsum(change) / len(order),
    )


def subset_size(share: float, n: int) -> int:
    """Return the number of objects in a share of n, rounded down as in the paper (127 and 510 of 2,554), at least 1."""
    return max(1, int(share * n))


def spectra_for(share: float, order: NDArray[np.intp], outcomes: Outcomes) -> float:
    """
    Fewest spectra that bring a share of what spectra of all objects would bring in overall accuracy.

    Parameters
    ----------
    share : float
        0 to 1.
    order : ndarray of int, shape (n,)
    outcomes : Outcomes

    Returns
    -------
    float
        1 to n; NaN where spectra of all objects do not raise the accuracy.
    """
    chosen = outcomes.take(order)
    gained = np.cumsum(chosen.right_after.astype(np.intp) - chosen.right_before)
    if gained[-1] <= 0:
        return float("nan")
    return float(np.flatnonzero(gained >= share * gained[-1])[0] + 1)


def summary(order: NDArray[np.intp], outcomes: Outcomes) -> dict[str, float]:
    """
    Return the metrics by which strategies are compared.

    Parameters
    ----------
    order : ndarray of int, shape (n,)
        Objects, the first to get a spectrum first.
    outcomes : Outcomes

    Returns
    -------
    dict
        ``fp_5``, ``fp_20``: share of the first 5 and 20 % that is corrected. ``gtp_5``, ``gtp_20``: their mean gain in
        the probability of the true class. ``spectra_to_80``: see `spectra_for`.
    """
    result = {}
    chosen = outcomes.take(order)
    for percent in (5, 20):
        s = subset_size(percent / 100, len(order))
        result[f"fp_{percent}"] = float((chosen.right_after[:s] & ~chosen.right_before[:s]).mean())
        result[f"gtp_{percent}"] = float(chosen.gain[:s].mean())
    result["spectra_to_80"] = spectra_for(ENOUGH, order, outcomes)
    return result


def log_loss(p: Array, y: NDArray[np.intp]) -> float:
    """Return the mean of −log p(true class) [nat] of classes y (n,) under p (n, C); at most 16.1 per object."""
    return float(-np.log(np.clip(p[np.arange(len(y)), y], 1e-7, 1.0)).mean())
