"""Objects with photometric features, spectra and known classes: what a comparison of strategies needs."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError

Array = NDArray[np.float64]

#: Kinds of folders: the module of this package whose `load(folder, seed)` reads it, by the files that it must have.
_READERS = {
    "variable_stars": ("fats.parquet", "keys.parquet"),
    "paired_sn": ("objects.parquet", "photometry.parquet", "spectra.parquet"),
}


@dataclass(frozen=True, slots=True)
class PairedData:
    """
    n samples with photometry, spectrum and class.

    Parameters
    ----------
    name : str
        Of the data set.
    x_t : ndarray, shape (n, k)
        Photometric features; NaN = not measured.
    features : tuple of str
        Names of the k columns of x_t.
    x_s : ndarray, shape (n, d), or None
        Spectral features that need no training; None where they are to be learned from `spectra`.
    spectra : ndarray, shape (n, N_BINS), or None
        Spectra on the common grid (`ampel_followup.spectra.features.to_grid`); None where there are only features.
    y : ndarray of int, shape (n,)
        Index of the class in `classes`.
    classes : tuple of str
    groups : ndarray, shape (n,)
        Object that each sample belongs to; samples of one object are never split between training and test.
    note : str
        What in the data is real, and what simulated.

    Raises
    ------
    FollowupError
        If the arrays do not belong together, there is neither x_s nor spectra, or a class has no sample.
    """

    name: str
    x_t: Array
    features: tuple[str, ...]
    x_s: Array | None
    spectra: Array | None
    y: NDArray[np.intp]
    classes: tuple[str, ...]
    groups: NDArray[np.generic]
    note: str

    def __post_init__(self) -> None:
        n = len(self.y)
        if self.x_t.shape != (n, len(self.features)):
            raise FollowupError(
                f"{self.name}: x_t has shape {self.x_t.shape}, expected ({n}, {len(self.features)}): "
                "one row per label, one column per feature name"
            )
        if self.x_s is None and self.spectra is None:
            raise FollowupError(f"{self.name}: neither spectral features nor spectra; give one of them")
        for field, value in (("x_s", self.x_s), ("spectra", self.spectra), ("groups", self.groups)):
            if value is not None and len(value) != n:
                raise FollowupError(f"{self.name}: {field} has {len(value)} rows, expected {n}: one per label")
        known = np.bincount(self.y, minlength=len(self.classes)) if n and self.y.min() >= 0 else np.zeros(1)
        if len(known) != len(self.classes) or not known.all():
            raise FollowupError(
                f"{self.name}: labels are not 0 to {len(self.classes) - 1} with a sample of each of {self.classes}; "
                "leave empty classes out"
            )

    def __len__(self) -> int:
        return len(self.y)


def load_paired(folder: Path, seed: int) -> PairedData:
    """
    Load a data set, recognised by the files in its folder.

    Parameters
    ----------
    folder : Path
        With ``fats.parquet`` and ``keys.parquet`` (real variable stars, simulated second modality), or with
        ``objects.parquet``, ``photometry.parquet`` and ``spectra.parquet`` (supernovae with photometry and spectra).
    seed : int
        Of what is drawn: simulated features, or which of several spectra represents an object.

    Returns
    -------
    PairedData

    Raises
    ------
    FollowupError
        If the folder does not exist or is neither, or pyarrow is not installed.
    """
    if not folder.is_dir():
        raise FollowupError(f"{folder} is no folder; give one with {_expected()}")
    for module, files in _READERS.items():
        if all((folder / file).is_file() for file in files):
            data = importlib.import_module(f"ampel_followup.evaluation.{module}").load(folder, seed)
            assert isinstance(data, PairedData)
            return data
    raise FollowupError(f"{folder} is no data set that can be evaluated; it needs {_expected()}")


def read_columns(path: Path, columns: tuple[str, ...] | None = None) -> dict[str, NDArray[np.generic]]:
    """
    Read a parquet file into arrays.

    Parameters
    ----------
    path : Path
    columns : tuple of str, optional
        Those to read; by default all.

    Returns
    -------
    dict of str to ndarray
        Numbers as numbers (missing = NaN), all else as objects (missing = None).

    Raises
    ------
    FollowupError
        If pyarrow is not installed, or the file is damaged or lacks a column.
    """
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise FollowupError(
            f"reading {path} needs pyarrow; install it with: pip install 'ampel-followup[parquet]'"
        ) from error
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise FollowupError(f"{path} is no readable parquet file ({error}); copy it again") from error
    wanted = tuple(table.column_names) if columns is None else columns
    missing = [name for name in wanted if name not in table.column_names]
    if missing:
        raise FollowupError(f"{path} lacks the column {', '.join(missing)}; it has {', '.join(table.column_names)}")
    return {name: table.column(name).to_numpy() for name in wanted}


def _expected() -> str:
    return " or ".join(", ".join(files) for files in _READERS.values())
