"""
The training table of a bundle: what it was trained on, so that a challenger can start from it.

It lies beside the bundle as ``training.npz`` (arrays only, nothing in it can run code). A bundle scores without it, so
it is no part of the bundle's digest; it names the digest of the bundle that it belongs to instead.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.models.bundle import ModelBundle
from ampel_followup.spectra.features import PrincipalSpectra

Array = NDArray[np.float64]

FILE = "training.npz"

#: Digits of the features that are kept: magnitudes to a hundredth, far finer than the leaves of a forest.
DIGITS = 4

_ROWS = ("ids", "x_t", "x_s", "y", "weight", "labelled")

# Of every array of a file the same time stamp: the same table gives the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class TrainingTable:
    """
    n objects that a bundle was trained on.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
    x_t : ndarray, shape (n, k)
        Photometric features; NaN = not measured.
    x_s : ndarray, shape (n, d)
        Spectral features, in the units of the bundle.
    y : ndarray of int, shape (n,)
        Index into `classes`.
    weight : ndarray, shape (n,)
        So many objects each counts.
    labelled : ndarray of bool, shape (n,)
        True for what came from labels in a store, False for what the first of the bundles was trained on.
    classes, features : tuple of str
    feature_sets : mapping of str to str
        Name → version.
    """

    ids: NDArray[np.str_]
    x_t: Array
    x_s: Array
    y: NDArray[np.intp]
    weight: Array
    labelled: NDArray[np.bool_]
    classes: tuple[str, ...]
    features: tuple[str, ...]
    feature_sets: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.y)

    def without(self, ids: Sequence[str]) -> TrainingTable:
        """Return the table without some objects."""
        return self.take(np.flatnonzero(~np.isin(self.ids, np.array(list(ids), dtype=np.str_))))

    def take(self, rows: NDArray[np.intp]) -> TrainingTable:
        """Return some of the rows."""
        arrays: dict[str, Any] = {name: getattr(self, name)[rows] for name in _ROWS}
        return dataclasses.replace(self, **arrays)

    def joined(self, other: TrainingTable) -> TrainingTable:
        """Return these rows and, after them, those of a table of the same classes and features."""
        arrays: dict[str, Any] = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _ROWS}
        return dataclasses.replace(self, **arrays)

    def rounded(self) -> TrainingTable:
        """Return the table as a file holds it."""
        return dataclasses.replace(
            self, x_t=_significant(self.x_t, DIGITS), x_s=np.round(self.x_s, 3).astype(np.float32).astype(np.float64)
        )


def base_table(
    ids: Sequence[str],
    x_t: Array,
    spectra: Array,
    y: NDArray[np.intp],
    *,
    info: Mapping[str, Any],
    files: Mapping[str, bytes],
) -> TrainingTable:
    """
    Return the table of a bundle that was trained on spectra.

    Parameters
    ----------
    ids : sequence of str
        Of the n objects.
    x_t : ndarray, shape (n, k)
        The features of the bundle, in its order.
    spectra : ndarray, shape (n, m)
        As the bundle was trained on them.
    y : ndarray of int, shape (n,)
    info, files
        Of the bundle.
    """
    n = len(y)
    return TrainingTable(
        ids=np.array(ids, dtype=np.str_),
        x_t=np.asarray(x_t, dtype=np.float64),
        x_s=principal_spectra(files).transform(spectra),
        y=np.asarray(y, dtype=np.intp),
        weight=np.ones(n),
        labelled=np.zeros(n, dtype=np.bool_),
        classes=tuple(info["classes"]),
        features=tuple(info["features"]),
        feature_sets=dict(info["feature_sets"]),
    )


def principal_spectra(files: Mapping[str, bytes]) -> PrincipalSpectra:
    """Return how a bundle turns spectra into features."""
    numbers = json.loads(files["spectrum.json"])
    mean, components, scale = (np.asarray(numbers[name], dtype=np.float64) for name in ("mean", "components", "scale"))
    return PrincipalSpectra(mean, components, scale, float(numbers["explained"]))


def write_table(folder: Path, table: TrainingTable, digest: str) -> None:
    """
    Write the table of the bundle with this digest beside it, complete or not at all.

    Raises
    ------
    TrainingError
        If it cannot be written.
    """
    head = {
        "bundle_digest": digest,
        "classes": table.classes,
        "features": table.features,
        "feature_sets": dict(table.feature_sets),
    }
    arrays: dict[str, NDArray[Any]] = {
        "head": np.array(json.dumps(head, sort_keys=True)),
        "ids": table.ids,
        # A column at a time: neighbours are alike, and the file is a third smaller.
        "x_t": np.ascontiguousarray(_significant(table.x_t, DIGITS).T.astype(np.float32)),
        "x_s": np.ascontiguousarray(np.round(table.x_s, 3).T.astype(np.float32)),
        "y": table.y.astype(np.int16),
        "weight": table.weight.astype(np.float32),
        "labelled": table.labelled,
    }
    path = folder / FILE
    temporary = folder / f"{FILE}.part"
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_LZMA) as archive:
            for name, array in arrays.items():
                content = io.BytesIO()
                np.save(content, array, allow_pickle=False)
                entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
                entry.compress_type = zipfile.ZIP_LZMA
                archive.writestr(entry, content.getvalue())
        temporary.replace(path)
    except OSError as error:
        raise TrainingError(f"cannot write {path} ({error.strerror or error}); choose another folder") from error


def read_table(folder: Path, bundle: ModelBundle) -> TrainingTable:
    """
    Read the table of a bundle.

    Parameters
    ----------
    folder : Path
        Of the bundle.
    bundle : ModelBundle
        As loaded from it.

    Raises
    ------
    TrainingError
        If there is none, it is damaged, or it belongs to another bundle.
    """
    path = folder / FILE
    if not path.is_file():
        raise TrainingError(
            f"{bundle.label} keeps no training table ({path} is not there), so nothing can be learned on top of it; "
            "train it again with this version, or name another with --bundle"
        )
    try:
        with np.load(path, allow_pickle=False) as stored:
            head = json.loads(str(stored["head"]))
            table = TrainingTable(
                ids=stored["ids"],
                x_t=stored["x_t"].T.astype(np.float64),
                x_s=stored["x_s"].T.astype(np.float64),
                y=stored["y"].astype(np.intp),
                weight=stored["weight"].astype(np.float64),
                labelled=stored["labelled"].astype(np.bool_),
                classes=tuple(head["classes"]),
                features=tuple(head["features"]),
                feature_sets=head["feature_sets"],
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path} is damaged ({error}); restore it from where it came") from error
    if head["bundle_digest"] != bundle.digest:
        raise TrainingError(
            f"{path} is the training table of another bundle than {bundle.label}; restore the right one"
        )
    return table


def _significant(x: Array, digits: int) -> Array:
    """Round to significant digits, through single precision, as it comes back from a file."""
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = 10.0 ** (np.floor(np.log10(np.abs(x))) - digits + 1)
        rounded = np.where((x == 0) | ~np.isfinite(x), x, np.round(x / unit) * unit)
    return np.asarray(rounded.astype(np.float32).astype(np.float64))
