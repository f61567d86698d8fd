"""
Reading a spectrum from a file; what format it is in is told by its content, never by its name.

FITS (1-D images with a linear or logarithmic axis, tables, SDSS ``spec-*.fits``), ECSV, and text of two or three
columns, as WISeREP, the TNS and SNID write it. Each may be compressed with gzip.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ampel_followup.errors import SpectrumError
from ampel_followup.spectra.columns import find_columns, from_columns
from ampel_followup.spectra.fits import read_fits
from ampel_followup.spectra.spectrum import Spectrum

#: Larger files are no 1-D spectra [bytes, decompressed].
MAX_BYTES = 256 * 1024 * 1024

_COMMENT = re.compile(r"\s*(#|%|;|!|//|\\|\|)+\s*")


def read_spectrum(path: str | os.PathLike[str]) -> Spectrum:
    """
    Read a spectrum.

    Parameters
    ----------
    path : path
        A FITS, ECSV or text file, possibly gzipped.

    Returns
    -------
    Spectrum
        ``meta`` has ``file``, ``format`` and what the file says of ``object``, ``mjd``, ``flux_unit``, …, and counts
        pixels that were dropped or merged.

    Raises
    ------
    SpectrumError
        If the file cannot be read, or holds no spectrum.
    """
    name = os.fspath(path)
    data = _content(Path(path), name)
    if data.startswith(b"SIMPLE  ="):
        spectrum = read_fits(data, name)
    else:
        text = _text(data, name)
        spectrum = _read_ecsv(text, name) if text.startswith("# %ECSV") else read_text(text, name)
    return Spectrum(spectrum.wavelength, spectrum.flux, spectrum.flux_err, {**spectrum.meta, "file": Path(path).name})


def _content(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as raw:
            data = raw.read(MAX_BYTES + 1)
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(MAX_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SpectrumError(f"{name}: damaged gzip file ({error}); fetch it again") from error
    except OSError as error:
        raise SpectrumError(f"cannot read {name} ({error.strerror}); check the path") from error
    if len(data) > MAX_BYTES:
        raise SpectrumError(f"{name}: larger than {MAX_BYTES >> 20} MB, which no 1-D spectrum is; extract the spectrum")
    if not data.strip():
        raise SpectrumError(f"{name}: the file is empty; fetch it again")
    return data


def _text(data: bytes, name: str) -> str:
    if b"\0" in data:
        raise SpectrumError(f"{name}: neither FITS nor text; convert it to one of them")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # never fails, and agrees with what the numbers are written in


def _read_ecsv(text: str, name: str) -> Spectrum:
    from astropy.table import Table

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = Table.read(text, format="ascii.ecsv")
    except Exception as error:  # astropy and its YAML reader raise all kinds
        raise SpectrumError(f"{name}: not valid ECSV ({' '.join(str(error).split())}); write it again") from error
    columns = find_columns(table.colnames)
    if columns is None:
        raise SpectrumError(
            f"{name}: columns {', '.join(table.colnames)}; call them wavelength, flux and, with errors, flux_err"
        )
    meta: dict[str, Any] = {
        str(key).lower(): value for key, value in table.meta.items() if isinstance(value, str | int | float)
    }
    meta |= {"format": "ecsv", "flux_unit": str(table[columns.flux].unit or "") or None}
    values = {column: table[column] for column in table.colnames}
    return from_columns(columns, values, table[columns.wavelength].unit, meta, name)


def read_text(text: str, source: str) -> Spectrum:
    r"""
    Read text: wavelength, flux and perhaps its error, divided by blanks, commas, semicolons or tabs.

    Lines that start with one of ``# % ; ! \ |`` are comments; ``key: value`` and ``key = value`` in them go to
    ``meta``. One line of words, before the numbers or as the last comment, may name the columns; otherwise they are
    taken in the order given above, and columns after the third are left alone.

    Parameters
    ----------
    text : str
    source : str
        What to call it in errors.

    Raises
    ------
    SpectrumError
        If a line is not a row of numbers like the others, or there are none.
    """
    meta: dict[str, Any] = {}
    names: list[str] = []
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        mark = _COMMENT.match(line)
        if not content:
            continue
        if mark:
            comment = line[mark.end() :].strip()
            _note(comment, meta)
            if not rows and find_columns(_fields(comment)) is not None:
                names = _fields(comment)
            continue
        fields = _fields(content)
        try:
            row = [float(field) for field in fields]
        except ValueError:
            if rows:
                raise SpectrumError(f"{source}, line {number}: {content[:40]!r} is not a row of numbers") from None
            names = fields if find_columns(fields) else names
            _note(content, meta)
            continue
        if len(row) < 2 or (rows and len(row) != len(rows[0])):
            wanted = f"{len(rows[0])} like the lines before" if rows else "at least 2 (wavelength, flux)"
            raise SpectrumError(f"{source}, line {number}: {len(row)} columns; a spectrum has {wanted}")
        rows.append(row)
    if not rows:
        raise SpectrumError(
            f"{source}: no line of numbers; a spectrum is rows of wavelength [Å], flux and perhaps error"
        )
    values = np.array(rows)
    meta["format"] = "text"
    columns = find_columns(names) if len(names) == values.shape[1] else None
    if columns is not None:
        return from_columns(columns, dict(zip(names, values.T, strict=True)), None, meta, source)
    error = values[:, 2] if values.shape[1] > 2 else None
    return Spectrum.clean(values[:, 0], values[:, 1], error, meta, source=source)


def _fields(line: str) -> list[str]:
    return [field.strip("\"'") for field in re.split(r"[,;\t ]+", line.strip().strip(",;")) if field]


def _note(comment: str, meta: dict[str, Any]) -> None:
    """Keep a comment that says ``key: value`` or ``key = value``."""
    found = re.fullmatch(r"([A-Za-z][\w .-]{0,30}?)\s*[:=]\s*([^=]{1,200}?)(\s*/.*)?", comment)
    if found:
        meta[found[1].strip().lower()] = found[2].strip().strip("'\" ")
