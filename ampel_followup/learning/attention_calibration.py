"""Probabilities that hold where all classes are equally frequent: temperature, and how much a network's trees count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

_LEAST_PROBABILITY = 1e-7


def class_weights(y: Labels, n_classes: int) -> Array:
    """Return weights, shape (n,), with which all classes count the same, and 1 on average."""
    counts = np.bincount(y, minlength=n_classes)
    return np.asarray(len(y) / (np.count_nonzero(counts) * counts[y]))


def balanced_loss(logits: Array, y: Labels, n_classes: int, temperature: float = 1.0) -> float:
    """Return the cross entropy [nat] of logits, shape (n, k), with equal weight of all classes."""
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    log_p = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    nats = -np.maximum(log_p[np.arange(len(y)), y], np.log(_LEAST_PROBABILITY))
    return float(np.average(nats, weights=class_weights(y, n_classes)))


def fit_temperature(logits: Array, y: Labels, n_classes: int) -> float:
    """Return the temperature of least balanced cross entropy, 0.2 to 5."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log_t: balanced_loss(logits, y, n_classes, float(np.exp(log_t))),
        bounds=(np.log(0.2), np.log(5.0)),
        method="bounded",
    )
    return float(np.round(np.exp(found.x), 4))


def fit_pool(network: Array, trees: Array, y: Labels, n_classes: int) -> tuple[float, float]:
    """
    Calibrate a network and its trees one by one, and then the mean of their logits.

    Parameters
    ----------
    network, trees : ndarray, shape (n, k)
        Their logits.
    y : ndarray of int, shape (n,)
    n_classes : int

    Returns
    -------
    share : float
        s of the trees: the logits of both are (1 - s) times the network's and s times theirs.
    temperature : float
        That these are divided by.
    """
    of_network, of_trees = (fit_temperature(logits, y, n_classes) for logits in (network, trees))
    of_both = fit_temperature(0.5 * (network / of_network + trees / of_trees), y, n_classes)
    scale = 0.5 * (1.0 / of_network + 1.0 / of_trees)
    return round(0.5 / of_trees / scale, 4), round(of_both / scale, 4)
