"""
Sets of spectra to train on: from a table (Parquet, NPZ) or a folder of files, grouped by object.

Several spectra of one object are no independent evidence: whatever is split into training and test part is split by
object. Names of supernovae differ from list to list, so they are compared by `object_key`.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import SpectrumError
from ampel_followup.spectra.grid import Grid
from ampel_followup.spectra.readers import read_spectrum
from ampel_followup.spectra.spectrum import Spectrum

Array = NDArray[np.float64]

_NOT_SPECTRA = {".md", ".rst", ".py", ".json", ".yml", ".yaml", ".pdf", ".png", ".svg", ".parquet", ".npz"}


@dataclass(frozen=True, eq=False)
class SpectrumSet:
    """
    n spectra of some objects.

    Parameters
    ----------
    objects : ndarray of str, shape (n,)
        Which object each is of (`object_key`).
    spectra : tuple of Spectrum
        n of them.
    source : str
        Where they are from.
    left_out : mapping of str to int
        How many could not be used, per reason.
    """

    objects: NDArray[np.str_]
    spectra: tuple[Spectrum, ...]
    source: str
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def first(self) -> Array:
        """First wavelength of each spectrum [Å], shape (n,)."""
        return np.array([spectrum.wavelength[0] for spectrum in self.spectra])

    @property
    def last(self) -> Array:
        """Last wavelength of each spectrum [Å], shape (n,)."""
        return np.array([spectrum.wavelength[-1] for spectrum in self.spectra])

    def on_grid(self, grid: Grid, min_coverage: float = 1.0) -> tuple[Array, NDArray[np.bool_]]:
        """
        Sample the spectra that cover enough of a grid.

        Returns
        -------
        flux : ndarray, shape (k, n_bins)
            Not scaled.
        covered : ndarray of bool, shape (n,)
            Which k of the n spectra these are.
        """
        rows, covered = [], np.zeros(len(self.spectra), dtype=bool)
        for k, spectrum in enumerate(self.spectra):
            try:
                rows.append(grid.sample(spectrum.wavelength, spectrum.flux, min_coverage))
            except SpectrumError:
                continue
            covered[k] = True
        return np.array(rows).reshape(-1, grid.n_bins), covered


def object_key(name: str) -> str:
    """
    Return what the names of one supernova have in common: ``SN 1994D``, ``sn94D_bsnip`` and ``CFA1:1994D`` are one.

    Lower case, without survey prefix, "SN", "AT", blanks and suffix of the sample; years of two digits get a century.
    """
    key = re.sub(r"[\s_-]*bsnip$", "", name.strip().lower().rpartition(":")[2])
    key = re.sub(r"[\s_-]+", "", key)
    key = re.sub(r"^(sn|at)(?=\d)", "", key)
    short = re.fullmatch(r"(\d\d)([a-z]{1,4})", key)
    if short:
        key = f"{'19' if int(short[1]) >= 50 else '20'}{key}"
    return key


def load_spectra(path: str | os.PathLike[str]) -> SpectrumSet:
    """
    Load the spectra at a path.

    Parameters
    ----------
    path : path
        A Parquet table with a row per spectrum (``name``, lists ``wavelength`` [Å] and ``flux``, and if there is one
        ``flag``, 0 = bad pixel); an NPZ file with ``wavelength`` (m,), ``flux`` (n, m) and ``name`` (n,), where flux
        of exactly 0 before and after the spectrum means that there is none; a file that `read_spectrum` reads; or a
        folder of such. Of a folder with several tables the one with the most spectra is taken, since different tables
        are on different scales as a rule; the others are counted in ``left_out``. Among single files the object is
        what the file says, else the sub-folder, else the name of the file.

    Raises
    ------
    SpectrumError
        If there is no spectrum.
    """
    path = Path(path)
    if not path.exists():
        raise SpectrumError(f"no spectra at {path}: it does not exist; give a file or a folder of spectra")
    if path.is_file():
        return _load_file(path)
    found = [table for file in sorted(path.iterdir()) if (table := _load_table(file)) is not None]
    if found:
        largest = max(found, key=lambda table: len(table.spectra))
        left_out = Counter(largest.left_out)
        for table in found:
            if table is not largest:
                left_out[f"in another table, {Path(table.source).name}"] += len(table.spectra)
        return SpectrumSet(largest.objects, largest.spectra, largest.source, dict(left_out))
    files = [f for f in sorted(path.rglob("*")) if f.is_file() and f.suffix.lower() not in _NOT_SPECTRA]
    spectra, names, left_out = [], [], Counter[str]()
    for file in files:
        try:
            spectrum = read_spectrum(file)
        except SpectrumError:
            left_out["not readable as a spectrum"] += 1
            continue
        spectra.append(spectrum)
        fallback = file.parent.name if file.parent != path else file.name.split(".")[0]
        names.append(str(spectrum.meta.get("object") or fallback))
    if not spectra:
        raise SpectrumError(
            f"{path}: no spectra among {len(files)} files; give a Parquet or NPZ table, or FITS, ECSV or text files"
        )
    return SpectrumSet(_keys(names), tuple(spectra), str(path), dict(left_out))


def _load_file(path: Path) -> SpectrumSet:
    if path.suffix.lower() in {".parquet", ".npz"}:
        table = _load_table(path)
        if table is None:
            raise SpectrumError(
                f"{path}: no columns name, wavelength and flux; a table of spectra has a row of them each"
            )
        return table
    spectrum = read_spectrum(path)
    name = str(spectrum.meta.get("object") or path.name.split(".")[0])
    return SpectrumSet(_keys([name]), (spectrum,), str(path))


def _load_table(path: Path) -> SpectrumSet | None:
    """Load a table, or return None if it is none of spectra."""
    if path.suffix.lower() == ".npz":
        rows = _npz_rows(path)
    elif path.suffix.lower() == ".parquet":
        rows = _parquet_rows(path)
    else:
        return None
    if rows is None:
        return None
    names, spectra, left_out = [], [], Counter[str]()
    for name, wavelength, flux in rows:
        try:
            spectra.append(Spectrum.clean(wavelength, flux, source=f"{path}, {name}"))
        except SpectrumError:
            left_out["fewer than 2 usable pixels, or damaged"] += 1
            continue
        names.append(name)
    if not spectra:
        raise SpectrumError(f"{path}: none of its {sum(left_out.values())} spectra is usable")
    return SpectrumSet(_keys(names), tuple(spectra), str(path), dict(left_out))


def _npz_rows(path: Path) -> Iterable[tuple[str, Array, Array]] | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if not {"name", "wavelength", "flux"} <= set(arrays.files):
                return None
            names, wavelength = arrays["name"], arrays["wavelength"].astype(np.float64)
            flux = arrays["flux"].astype(np.float64)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise SpectrumError(f"{path}: not a usable NPZ file ({error}); write it again") from error
    if flux.shape != (len(names), len(wavelength)):
        raise SpectrumError(f"{path}: flux has shape {flux.shape}; {len(names)} names × {len(wavelength)} wavelengths")
    observed = flux != 0.0
    observed = np.logical_or.accumulate(observed, axis=1) & np.logical_or.accumulate(observed[:, ::-1], axis=1)[:, ::-1]
    return ((str(n), wavelength[o], f[o]) for n, f, o in zip(names, flux, observed, strict=True))


def _parquet_rows(path: Path) -> Iterable[tuple[str, Any, Any]] | None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise SpectrumError(
            f"{path}: Parquet needs pyarrow, which is not installed; pip install 'ampel-followup[parquet]'"
        ) from None
    try:
        columns = pq.read_schema(path).names
        if not {"name", "wavelength", "flux"} <= set(columns):
            return None
        wanted = ["name", "wavelength", "flux", *(["flag"] if "flag" in columns else [])]
        table = pq.read_table(path, columns=wanted)
    except (pa.ArrowException, OSError) as error:
        raise SpectrumError(f"{path}: not a usable Parquet table ({error}); write it again") from error
    return (_unflagged(*(column[k] for column in table.columns)) for k in range(table.num_rows))


def _unflagged(name: Any, wavelength: Any, flux: Any, flag: Any = None) -> tuple[str, Array, Array]:
    """Turn a row of Arrow scalars into arrays, without the pixels that are flagged 0."""
    wl, f = (np.array(v.as_py() or [], dtype=np.float64) for v in (wavelength, flux))
    if flag is not None and flag.is_valid and len(flag.as_py()) == len(f):
        good = np.array(flag.as_py()) != 0
        wl, f = wl[good], f[good]
    return str(name), wl, f


def _keys(names: Iterable[str]) -> NDArray[np.str_]:
    return np.array([object_key(name) for name in names], dtype=np.str_)
