"""
Data sets as streams: the objects in a random order, unchanged or with a change in the middle.

What is injected, exactly:

- ``none``: nothing. The objects come in a random order.
- ``shift``: from the middle of the stream on, each of the shifted features is larger by `size` times its spread, the
  distance of its quartiles over all objects divided by 1.349 (the standard deviation, of a normal distribution). A zero
  point, a detector or a photometric pipeline has changed. Of the variable stars it is the mean magnitude and all
  features that measure an amplitude [mag].
- ``mix``: the classes in order of their number of objects, the 1st, 3rd, 5th … come mostly before the change, the 2nd,
  4th, 6th … mostly after it: of each class a share `size` / (1 + `size`) of the objects is on its side. The change is
  where that many objects have come; before and after it, the order is random. A survey has changed its cadence or
  field, or somebody else takes the spectra of one kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError

Array = NDArray[np.float64]

Drift = Literal["none", "shift", "mix"]

DRIFTS: tuple[Drift, ...] = ("none", "shift", "mix")

#: What `size` is if it is not given.
SIZES: dict[Drift, float] = {"none": 0.0, "shift": 2.0, "mix": 4.0}

# Features of the variable stars in magnitudes: the mean, and what measures an amplitude.
_MAGNITUDES = ("Amplitude", "Mean", "MedianAbsDev", "Q31", "Std")
_AMPLITUDE = "_harmonics_amplitude_"

_STARS = ("fats.parquet", "keys.parquet")

# The distance of the quartiles of a normal distribution of unit variance.
_QUARTILES = 1.349


@dataclass(frozen=True, slots=True)
class LabelledTable:
    """
    n objects with features and a class.

    Parameters
    ----------
    name : str
    x : ndarray, shape (n, k)
        Features; NaN = not measured.
    features : tuple of str
    y : ndarray of int, shape (n,)
        Index of the class in `classes`.
    classes : tuple of str
        At least two, each with an object.
    shifted : tuple of str
        Features that the drift ``shift`` moves.
    note : str
        What the data are.
    """

    name: str
    x: Array
    features: tuple[str, ...]
    y: NDArray[np.intp]
    classes: tuple[str, ...]
    shifted: tuple[str, ...]
    note: str

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True)
class Stream:
    """
    The objects of a table in the order in which they come.

    Parameters
    ----------
    x : ndarray, shape (n, k)
    y : ndarray of int, shape (n,)
    object : ndarray of int, shape (n,)
        Row of the table that each is.
    change : int or None
        The first object after the change.
    """

    x: Array
    y: NDArray[np.intp]
    object: NDArray[np.intp]
    change: int | None


def load_labelled(
    path: Path,
    *,
    id_column: str = "id",
    label_column: str = "label",
    shifted: Sequence[str] | None = None,
) -> LabelledTable:
    """
    Load a data set.

    Parameters
    ----------
    path : Path
        A folder with ``fats.parquet`` and ``keys.parquet`` (the variable stars, their real features alone), or a table
        (CSV, ECSV, Parquet) with a row per object: id, features, label. Columns of text are no features.
    id_column, label_column : str
        Columns of a table. Objects without a label are left out.
    shifted : sequence of str, optional
        Features that the drift ``shift`` moves; by default magnitudes and amplitudes of the variable stars, and all
        features of a table.

    Raises
    ------
    FollowupError
        If it cannot be read, has fewer than two classes, or a feature to be shifted is not one of its features.
    """
    if path.is_dir():
        if not all((path / file).is_file() for file in _STARS):
            raise FollowupError(f"{path} is no data set that makes a stream; it needs {' and '.join(_STARS)}")
        table = _stars(path)
    else:
        table = _table(path, id_column, label_column)
    if len(table.classes) < 2:
        raise FollowupError(f"{path}: all objects are of the class {table.classes[0]!r}; two are needed to tell apart")
    if shifted is None:
        return table
    unknown = [name for name in shifted if name not in table.features]
    if unknown:
        raise FollowupError(f"{path} has no feature {unknown[0]!r} to shift; it has {', '.join(table.features)}")
    return LabelledTable(table.name, table.x, table.features, table.y, table.classes, tuple(shifted), table.note)


def as_stream(table: LabelledTable, drift: Drift, size: float, rng: np.random.Generator) -> Stream:
    """
    Put the objects in a random order, and inject a change; the module says exactly which.

    Parameters
    ----------
    table : LabelledTable
    drift : {"none", "shift", "mix"}
    size : float
        Of the change: spreads for ``shift``, odds above 0 for ``mix``; not used by ``none``.
    rng : numpy.random.Generator
    """
    n = len(table)
    if drift == "mix":
        before, after = _divided(table, size, rng)
        order = np.concatenate([rng.permutation(before), rng.permutation(after)])
        return Stream(table.x[order], table.y[order], order, len(before))
    order = rng.permutation(n)
    x = table.x[order]
    if drift == "none":
        return Stream(x, table.y[order], order, None)
    columns = [table.features.index(name) for name in table.shifted]
    x[n // 2 :, columns] += size * _spread(table.x[:, columns])
    return Stream(x, table.y[order], order, n // 2)


def describe(table: LabelledTable, drift: Drift, size: float) -> str:
    """Say in a sentence what is injected."""
    if drift == "none":
        return "stationary: the objects come in random order"
    if drift == "shift":
        moved = ", ".join(table.shifted) if len(table.shifted) < len(table.features) else "all features"
        return f"from the middle on {size:g} spreads (quartile distance / {_QUARTILES}) are added to {moved}"
    names = tuple(table.classes[c] for c in _by_number(table))
    return (
        f"before the change mostly {', '.join(names[::2])}, after it mostly {', '.join(names[1::2])}: "
        f"{size:g} of {size + 1:g} objects of each class are on its side"
    )


def _divided(table: LabelledTable, odds: float, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the objects before and after the change of the class mix."""
    before: list[NDArray[np.intp]] = []
    after: list[NDArray[np.intp]] = []
    for place, c in enumerate(_by_number(table)):
        members = rng.permutation(np.flatnonzero(table.y == c))
        first, second = (before, after) if place % 2 == 0 else (after, before)
        n = round(len(members) * odds / (1.0 + odds))
        first.append(members[:n])
        second.append(members[n:])
    return np.concatenate(before), np.concatenate(after)


def _by_number(table: LabelledTable) -> NDArray[np.intp]:
    return np.argsort(-np.bincount(table.y, minlength=len(table.classes)), kind="stable")


def _spread(x: Array) -> Array:
    low, high = (np.zeros(x.shape[1]) for _ in range(2))
    for j, column in enumerate(x.T):
        values = column[np.isfinite(column)]
        if len(values):
            low[j], high[j] = np.percentile(values, [25.0, 75.0])
    return (high - low) / _QUARTILES


def _stars(folder: Path) -> LabelledTable:
    from ampel_followup.evaluation.variable_stars import CLASSES, read_stars

    x, features, y, _ = read_stars(folder)
    there = np.unique(y)
    shifted = tuple(name for name in features if name in _MAGNITUDES or _AMPLITUDE in name)
    return LabelledTable(
        "variable_stars",
        x,
        features,
        np.searchsorted(there, y),
        tuple(CLASSES[c] for c in there),
        shifted,
        f"{len(y)} real variable stars, their photometric features and labels",
    )


def _table(path: Path, id_column: str, label_column: str) -> LabelledTable:
    from ampel_followup.learning.tables import (
        TABLE_COLUMNS,
        check_unique,
        is_text,
        number_column,
        read_table,
        text_column,
    )

    table = read_table(path)
    check_unique(text_column(table, id_column, str(path)), str(path))
    labels = np.array(text_column(table, label_column, str(path)))
    labelled = labels != ""
    if not labelled.any():
        raise FollowupError(f"{path}: no object has a label in the column {label_column!r}; give their classes")
    features = tuple(
        name for name in table if name not in (id_column, label_column, *TABLE_COLUMNS) and not is_text(table, name)
    )
    if not features:
        raise FollowupError(f"{path} has no column of numbers besides {id_column!r} and {label_column!r}")
    x = np.column_stack([number_column(table, name, str(path)) for name in features])[labelled]
    classes, y = np.unique(labels[labelled], return_inverse=True)
    left_out = int((~labelled).sum())
    note = f"{len(y)} objects of {path.name}" + (f"; {left_out} without a label were left out" if left_out else "")
    return LabelledTable(path.stem, x, features, y.astype(np.intp), tuple(classes.tolist()), features, note)
