"""Tables as people keep them: CSV, ECSV and Parquet become columns of text or of numbers."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError, TrainingError

Array = NDArray[np.float64]

#: How tables say that there is no value, in lower case.
NO_VALUE = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "–", "--"})

#: Columns of tables that say something of an object, and are no features of it.
TABLE_COLUMNS = ("group", "ra", "dec", "until_mjd")

#: A table of strings: column → values, None where there is none.
Table = dict[str, NDArray[np.object_]]


def read_table(path: Path) -> Table:
    """
    Read a table; what it is is told by its content, Parquet and ECSV by how they begin, all else is CSV.

    Parameters
    ----------
    path : Path
        CSV (comma, semicolon or tab, the first line names the columns; UTF-8), ECSV or Parquet.

    Returns
    -------
    dict of str to ndarray of object
        Columns in their order, each of shape (n,): str, None where the table has no value (see `NO_VALUE`).

    Raises
    ------
    TrainingError
        If the file cannot be read, has no rows, names a column twice, or a line has more or fewer fields than columns.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise TrainingError(f"cannot read {path} ({error.strerror or error}); check the path") from error
    if head.startswith(b"PAR1"):
        table = _read_parquet(path)
    elif head.startswith(b"# %ECSV"):
        table = _read_ecsv(path)
    else:
        table = _read_csv(path)
    if not table or len(next(iter(table.values()))) == 0:
        raise TrainingError(f"{path}: the table has no rows; is it the right file?")
    return table


def holds_alerts(path: Path) -> bool:
    """
    Return whether a file is an archive of alerts rather than a table of features, by its content.

    Raises
    ------
    TrainingError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise TrainingError(f"cannot read {path} ({error.strerror or error}); check the path") from error
    if head.startswith(b"PAR1"):
        return {"objectId", "candidate"} <= set(_parquet_columns(path))
    return head.startswith((b"Obj\x01", b"\x1f\x8b")) or head[257:262] == b"ustar"


def text_column(table: Mapping[str, NDArray[np.object_]], name: str, place: str) -> list[str]:
    """
    Return a column of text, stripped; an empty string where there is no value.

    Raises
    ------
    TrainingError
        If there is no such column.
    """
    if name not in table:
        raise TrainingError(f"{place} has no column {name!r}, only {', '.join(table)}; name the column with an option")
    return ["" if value is None else str(value).strip() for value in table[name]]


def number_column(table: Mapping[str, NDArray[np.object_]], name: str, place: str) -> Array:
    """
    Return a column of numbers, NaN where there is none, or an infinite one.

    Raises
    ------
    TrainingError
        If there is no such column, or a value is no number; the message names the row.
    """
    values = text_column(table, name, place)
    numbers = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if value.lower() in NO_VALUE:
            continue
        try:
            numbers[i] = float(value)
        except ValueError:
            raise TrainingError(
                f"{place}, column {name!r}, row {i + 1}: {value[:40]!r} is not a number; correct it, or leave it empty"
            ) from None
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def is_text(table: Mapping[str, NDArray[np.object_]], name: str) -> bool:
    """Return whether a column has values and none of them is a number, so that it is a remark and not a feature."""
    values = [str(v).strip() for v in table[name] if v is not None and str(v).strip().lower() not in NO_VALUE]
    return bool(values) and not any(_is_number(value) for value in values)


def check_unique(ids: list[str], place: str) -> None:
    """
    Refuse identifiers that are empty or occur twice.

    Raises
    ------
    TrainingError
        Naming up to three of them.
    """
    if "" in ids:
        raise TrainingError(f"{place}, row {ids.index('') + 1}: no id; give every object a name")
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        shown = ", ".join(twice[:3]) + (f" and {len(twice) - 3} more" if len(twice) > 3 else "")
        raise TrainingError(f"{place}: duplicate ids: {shown}; keep one row per object")


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _read_csv(path: Path) -> Table:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path} is not text in UTF-8 ({error.reason}); save it as CSV, ECSV or Parquet") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise TrainingError(f"{path}: the file is empty; is it the right file?")
    delimiter = max(",;\t", key=lines[0].count)
    rows = [[field.strip() for field in row] for row in csv.reader(lines, delimiter=delimiter)]
    names = rows[0]
    _check_names(names, path)
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise TrainingError(
                f"{path}, row {number}: {len(row)} fields, the header has {len(names)}; correct the row"
            )
    return {name: _objects([row[j] for row in rows[1:]]) for j, name in enumerate(names)}


def _read_ecsv(path: Path) -> Table:
    from astropy.table import Table as AstropyTable

    try:
        table = AstropyTable.read(path, format="ascii.ecsv")
    except Exception as error:  # astropy and its YAML reader raise all kinds
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"{path} is not valid ECSV ({reason}); write it again") from error
    return {
        str(name): _objects([None if value is np.ma.masked else str(value) for value in table[name]])
        for name in table.colnames
    }


def _read_parquet(path: Path) -> Table:
    from ampel_followup.evaluation.data import read_columns

    try:
        columns = read_columns(path)
    except FollowupError as error:
        raise TrainingError(str(error)) from error
    return {name: _objects([None if v is None else str(v) for v in values]) for name, values in columns.items()}


def _parquet_columns(path: Path) -> list[str]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise TrainingError(f"{path}: Parquet needs pyarrow; pip install 'ampel-followup[parquet]'") from error
    try:
        return list(parquet.read_schema(path).names)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} is no readable Parquet file ({error}); copy it again") from error


def _check_names(names: list[str], path: Path) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or "" in names:
        what = (
            f"columns that are named twice: {', '.join(twice)}" if twice and twice != [""] else "a column without name"
        )
        raise TrainingError(f"{path} has {what}; give every column a name of its own")


def _objects(values: list[str | None]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = [None if value is None or value.strip().lower() in NO_VALUE else value for value in values]
    return column
