"""
How well the assistant orders a stream, and how far its probabilities can be trusted.

Recall at rank K is the share of the good objects among the first K of the list; its area over the share of the stream
looked at, from 0 to 1, is AuRaK (Stevance et al. 2025). With a share f of good ones a perfect order scores 1 − f/2, and
a random one 1/2. Rows are weighted to the mix of the stream; among equal scores every order is as likely.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Bins of the reliability curve, equally wide.
N_BINS = 10

#: Shares of the stream at which recall is reported.
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def recall_curve(score: Array, good: NDArray[np.bool_], weight: Array) -> tuple[Array, Array]:
    """
    Follow the recall down a list.

    Parameters
    ----------
    score : ndarray, shape (n,)
        The highest first; NaN goes last.
    good : ndarray of bool, shape (n,)
    weight : ndarray, shape (n,)
        Share of the stream that a row stands for.

    Returns
    -------
    share, recall : ndarray, shape (m,)
        From (0, 0) to (1, 1), with a point where a run of equal scores ends; straight lines between them are what is
        to be expected of random order within the run.
    """
    score = np.where(np.isnan(score), -np.inf, score)
    order = np.argsort(-score, kind="stable")
    last = np.append(score[order][1:] != score[order][:-1], True)
    share = np.cumsum(weight[order])[last]
    recall = np.cumsum((weight * good)[order])[last]
    return np.append(0.0, share / share[-1]), np.append(0.0, recall / recall[-1])


def aurak(score: Array, good: NDArray[np.bool_], weight: Array) -> float:
    """Return the area under `recall_curve`, 0 to 1."""
    share, recall = recall_curve(score, good, weight)
    return float(np.trapezoid(recall, share))


def recall_at(shares: Array, score: Array, good: NDArray[np.bool_], weight: Array) -> Array:
    """Return the recall at some shares of the stream looked at (k,), 0 to 1."""
    return np.asarray(np.interp(shares, *recall_curve(score, good, weight)))


def bootstrap_counts(
    objects: NDArray[np.intp], types: NDArray[np.str_], n: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """
    Draw objects anew, with all their rows, within each type.

    Parameters
    ----------
    objects : ndarray of int, shape (r,)
        Object of each row, 0 to m − 1.
    types : ndarray of str, shape (r,)
    n : int
        Number of draws.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (n, r)
        How often each row was drawn; rows of an object always together.
    """
    _, first = np.unique(objects, return_index=True)
    counts = np.zeros((n, len(first)), dtype=np.intp)
    for name in np.unique(types):
        members = np.flatnonzero(types[first] == name)
        counts[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=n)
    return np.asarray(counts[:, objects])


def interval(values: Array) -> list[float]:
    """Return the 2.5th and 97.5th percentile of values (n,)."""
    return [float(v) for v in np.percentile(values, (2.5, 97.5))]


def reliability(p: Array, truth: NDArray[np.bool_], weight: Array) -> dict[str, Any]:
    """
    Compare stated probabilities with how often they come true.

    Parameters
    ----------
    p : ndarray, shape (n,)
    truth : ndarray of bool, shape (n,)
    weight : ndarray, shape (n,)

    Returns
    -------
    dict
        ``brier`` (mean squared error), ``log_loss`` [nat], ``error`` (mean distance of the curve from the diagonal,
        weighted), ``n``, and the curve: ``predicted``, ``observed``, ``count`` (rows) of every bin that is not empty.
    """
    which = np.minimum((p * N_BINS).astype(np.intp), N_BINS - 1)
    total = np.bincount(which, weights=weight, minlength=N_BINS)
    filled = total > 0
    predicted = np.bincount(which, weights=weight * p, minlength=N_BINS)[filled] / total[filled]
    observed = np.bincount(which, weights=weight * truth, minlength=N_BINS)[filled] / total[filled]
    likely = np.clip(np.where(truth, p, 1.0 - p), 1e-7, 1.0)
    return {
        "n": len(p),
        "brier": float(np.average((p - truth) ** 2, weights=weight)),
        "log_loss": float(np.average(-np.log(likely), weights=weight)),
        "error": float(np.average(np.abs(predicted - observed), weights=total[filled])),
        "predicted": predicted.tolist(),
        "observed": observed.tolist(),
        "count": np.bincount(which, minlength=N_BINS)[filled].tolist(),
    }
