"""What arrives of a stream at once: features and labels of some objects, checked; classes numbered as they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.errors import TrainingError

#: Labels that say that there is none, in lower case.
_NO_LABEL = frozenset({"", "nan", "none", "null"})


class Classes:
    """
    The classes that a learner has met, numbered in the order in which they came.

    Parameters
    ----------
    names : sequence of str
        Known from the start.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._index = {str(name): c for c, name in enumerate(names)}

    def __len__(self) -> int:
        return len(self._index)

    @property
    def names(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(self._index)

    def number(self, labels: Sequence[str]) -> NDArray[np.intp]:
        """Return the numbers (n,) of labels; those that are new are added, in alphabetical order."""
        for name in sorted(set(labels) - self._index.keys()):
            self._index[name] = len(self._index)
        return np.array([self._index[label] for label in labels], dtype=np.intp)


def features_of(x: ArrayLike, n_features: int | None = None) -> NDArray[np.float64]:
    """
    Return features as an array of shape (n, k), NaN where not measured.

    Parameters
    ----------
    x : array-like, shape (n, k)
    n_features : int, optional
        What k has to be.

    Raises
    ------
    TrainingError
        If x is no table of numbers, or has another number of columns.
    """
    try:
        values = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"features are no numbers ({error}); give an array, NaN where not measured") from error
    if values.ndim != 2:
        raise TrainingError(f"features have shape {values.shape}; give a row per object and a column per feature")
    if n_features is not None and values.shape[1] != n_features:
        raise TrainingError(
            f"{values.shape[1]} features, the learner has {n_features}; give the columns that it was begun with"
        )
    return values


def labels_of(y: Sequence[Any] | NDArray[Any], n: int) -> list[str]:
    """
    Return the labels of n objects as text.

    Parameters
    ----------
    y : sequence of str or int, length n
    n : int

    Raises
    ------
    TrainingError
        If there are more or fewer, or one is missing (None, NaN or empty); the message names the row.
    """
    given = list(y)
    labels = ["" if label is None else str(label).strip() for label in given]
    if len(labels) != n:
        raise TrainingError(f"{len(labels)} labels for {n} objects; give one each")
    for i, label in enumerate(labels):
        if label.lower() in _NO_LABEL:
            raise TrainingError(f"row {i + 1} has no label ({given[i]!r}); leave the object out until it has one")
    return labels
