"""What a classifier is worth at an age: recall class by class, confusions, and whether its probabilities are right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Intervals of the largest probability, for the calibration error.
_BINS = 10


def confusion(y: NDArray[np.intp], named: NDArray[np.intp], n_classes: int) -> NDArray[np.intp]:
    """Count objects of a class (row) that are named as another (column), shape (k, k)."""
    counts = np.bincount(y * n_classes + named, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.intp)


def recalls(counts: NDArray[np.intp]) -> Array:
    """Return the share of each class that is named right, shape (k,), of `confusion`; NaN for a class without any."""
    total = counts.sum(axis=1)
    return np.asarray(np.diag(counts) / np.where(total > 0, total, np.nan))


def macro_recall(counts: NDArray[np.intp]) -> float:
    """Return the mean of the classes' recalls, of `confusion`."""
    return float(np.nanmean(recalls(counts)))


def calibration_error(probabilities: Array, y: NDArray[np.intp]) -> float:
    """
    Return how far the largest probabilities are from being right, where all classes are equally frequent.

    The expected calibration error (Guo et al. 2017, equation 3) over ten intervals, with equal weight of all classes.

    Parameters
    ----------
    probabilities : ndarray, shape (n, k)
    y : ndarray of int, shape (n,)
    """
    counts = np.bincount(y, minlength=probabilities.shape[1])
    weight = 1.0 / counts[y]
    largest = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    interval = np.minimum((largest * _BINS).astype(np.intp), _BINS - 1)
    sums = np.bincount(interval, weights=weight * (right - largest), minlength=_BINS)
    return float(np.abs(sums).sum() / weight.sum())
