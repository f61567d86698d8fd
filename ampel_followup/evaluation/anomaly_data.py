"""Data sets with known classes for the evaluation of anomalies: SNPCC, PLAsTiCC's features, tables of users."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.data import read_columns
from ampel_followup.evaluation.learning_data import load_learning_data

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]

# SNPCC's model families, merged to observational types (README of the data).
_SNPCC_TYPES = {"Ia": "Ia", "Ib": "Ibc", "Ic": "Ibc", "Ibc": "Ibc"}

_PLASTICC = {
    6: "microlensing", 15: "TDE", 16: "eclipsing binary", 42: "II", 52: "Iax", 53: "Mira", 62: "Ibc", 64: "kilonova",
    65: "M-dwarf flare", 67: "Ia-91bg", 88: "AGN", 90: "Ia", 92: "RR Lyrae", 95: "SLSN",
}  # fmt: skip

_PLASTICC_FILE = "plasticc_train_features_labels.parquet"
_PER_BAND = (
    "amplitude", "max_slope", "median", "median_absolute_deviation", "minimum", "percent_beyond_1_std",
    "percent_close_to_median", "skew", "std", "weighted_average",
)  # fmt: skip
_RELATIVE = ("median", "median_absolute_deviation", "minimum", "std", "weighted_average")
_FAINT = 0.1


@dataclass(frozen=True, eq=False)
class ClassTable:
    """
    n objects.

    Parameters
    ----------
    name : str
    x : ndarray, shape (n, k)
        Features; NaN = not measured.
    features : tuple of str
    y : ndarray of str, shape (n,)
        Classes.
    training : ndarray of bool, shape (n,)
        The training part; the others are for tests.
    """

    name: str
    x: Array
    features: tuple[str, ...]
    y: NDArray[np.str_]
    training: NDArray[np.bool_]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        return tuple(str(c) for c in np.unique(self.y))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of features, classes and parts."""
        text = hashlib.sha256("\n".join((self.name, *self.features, *self.y.tolist())).encode())
        text.update(np.ascontiguousarray(self.x).tobytes() + np.packbits(self.training).tobytes())
        return text.hexdigest()


def load_class_tables(folder: Path, progress: Progress = lambda done, total: None) -> list[ClassTable]:
    """
    Read the data sets in a folder.

    Parameters
    ----------
    folder : Path
        With any of the folders snpcc and plasticc_features.
    progress : callable, optional
        Called with the light curves that have features, and their number.

    Raises
    ------
    FollowupError
        If there is neither.
    """
    tables = []
    if (folder / "snpcc" / "meta.parquet").is_file():
        tables.append(_snpcc(folder / "snpcc", progress))
    if (folder / "plasticc_features" / _PLASTICC_FILE).is_file():
        tables.append(_plasticc(folder / "plasticc_features" / _PLASTICC_FILE))
    if not tables:
        raise FollowupError(f"{folder} has neither a folder snpcc nor plasticc_features; give the folder of both")
    return tables


def _snpcc(folder: Path, progress: Progress) -> ClassTable:
    data = load_learning_data(folder, age=None, progress=progress)
    meta = read_columns(folder / "meta.parquet", ("snid", "true_type"))
    kinds = dict(zip(meta["snid"].astype(np.int64).astype(np.str_).tolist(), meta["true_type"].tolist(), strict=True))
    y = np.array([_SNPCC_TYPES.get(str(kinds[name]), "II") for name in data.ids])
    return ClassTable("snpcc", data.x, data.features, y, _parts(data.ids))


def _plasticc(file: Path) -> ClassTable:
    """
    Make colours, shapes in units of the amplitude in the band, and luminosities.

    Redshift and distance modulus are of the photometric redshift of the host, as a telescope would have them; what the
    table has of the truth, and spectroscopic redshifts, are not read.
    """
    columns = [f"{name}__{band}" for name in _PER_BAND for band in range(6)]
    context = ("hostgal_photoz", "hostgal_photoz_err", "distmod", "mwebv")
    read = read_columns(file, ("object_id", "target", *columns, *context))
    get = {name: read[name].astype(np.float64) for name in (*columns, *context)}
    x: dict[str, Array] = {}
    amplitude = [np.maximum(get[f"amplitude__{band}"], _FAINT) for band in range(6)]
    log_amplitude = [np.log10(a) for a in amplitude]
    x["log_amplitude_r"] = log_amplitude[2]
    distant = get["hostgal_photoz"] > 0
    for band in range(6):
        x[f"log_luminosity_{band}"] = np.where(distant, log_amplitude[band] + 0.4 * get["distmod"], np.nan)
    for band in range(5):
        x[f"colour_{band}"] = log_amplitude[band] - log_amplitude[band + 1]
    for band in range(6):
        for name in _RELATIVE:
            x[f"{name}_{band}"] = get[f"{name}__{band}"] / amplitude[band]
        for name in ("percent_beyond_1_std", "percent_close_to_median", "skew"):
            x[f"{name}_{band}"] = get[f"{name}__{band}"]
        steep = np.abs(get[f"max_slope__{band}"]) / amplitude[band]
        x[f"log_max_slope_{band}"] = np.log10(np.maximum(steep, 1e-4))
    for name in ("hostgal_photoz", "hostgal_photoz_err", "mwebv"):
        x[name] = get[name]
    ids = [str(i) for i in read["object_id"].astype(np.int64).tolist()]
    y = np.array([_PLASTICC[int(t)] for t in read["target"].tolist()])
    return ClassTable("plasticc_features", np.column_stack(list(x.values())), tuple(x), y, _parts(ids))


def _parts(ids: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([hashlib.sha256(name.encode()).digest()[0] % 2 == 0 for name in ids])
