"""Tables of labels as others export them: TNS, the Bright Transient Survey, or any with a name and a type."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from ampel_followup.errors import TrainingError
from ampel_followup.labels import TNS, Label, utc_time
from ampel_followup.learning.tables import NO_VALUE, read_table

#: What a column says → its usual names in lower case, those that say it best first. `internal_names` is the column of
#: TNS for the names that surveys gave an object; without any, the object keeps the name that TNS gave it.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "name": ("internal_names", "target", "ztfid", "ztf_id", "objectid", "object_id", "atlas_id", "name", "id"),
    "type": ("type", "class", "classification", "class_name", "label"),
    "source": ("source",),
    "time": ("time", "when", "date", "classified", "lastmodified"),
    "author": ("author", "by", "classifier"),
    "confidence": ("confidence",),
    "redshift": ("redshift", "z"),
}

#: Source of a table of the Bright Transient Survey.
BTS = "BTS"

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """
    A row that cannot be a label.

    Parameters
    ----------
    row : int
        Number in the table, from 1.
    name : str
        Of the object; untrusted, and empty where there is none.
    reason : str
        What is wrong with it.
    """

    row: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class LabelTable:
    """
    What a table of labels holds.

    Parameters
    ----------
    labels : tuple of Label
        In the order of the table: one per name, so that a row of TNS with two survey names gives two.
    n_rows : int
        Rows of the table.
    n_unclassified : int
        Rows of objects that nobody has classified.
    bad : tuple of BadRow
    """

    labels: tuple[Label, ...]
    n_rows: int
    n_unclassified: int
    bad: tuple[BadRow, ...]


def read_labels(
    path: Path, *, now: str, source: str | None = None, author: str = "", columns: Mapping[str, str] | None = None
) -> LabelTable:
    """
    Read a table of labels; a bad row is named and left out, the others are read.

    Parameters
    ----------
    path : Path
        CSV (UTF-8; comma, semicolon or tab), ECSV, Parquet, or JSON (a list of objects, or what ``labels list --json``
        prints).
    now : str
        When labels were given that do not say it, UTC, ISO 8601.
    source : str, optional
        Who says so, for all rows; by default what the table says, or what it is recognised by.
    author : str
        Whom labels are by that do not say it.
    columns : mapping of str to str, optional
        Key of `SPELLINGS` → name of the column, where it has none of the usual ones.

    Returns
    -------
    LabelTable

    Raises
    ------
    TrainingError
        If the file cannot be read, has no rows, lacks a column that is needed, or does not say where its labels come
        from.
    """
    names, rows = _read(path)
    found = _columns(names, columns or {}, path)
    lower = {name.lower() for name in names}
    if source is None and "source" not in found:
        if "internal_names" in lower:
            source = TNS
        elif "ztfid" in lower and "iauid" in lower:
            source = BTS
        else:
            raise TrainingError(f"{path} does not say where its labels come from; say it, as --source spectrum")
    fallback = next((name for name in names if name.lower() == "name"), None)
    labels: list[Label] = []
    bad: list[BadRow] = []
    n_rows = n_unclassified = 0
    for n_rows, row in rows:
        given = {} if row is None else {what: _value(row.get(column)) for what, column in found.items()}
        targets = _names(given.get("name", "")) or _names(_value((row or {}).get(fallback or "")))
        try:
            if row is None:
                raise ValueError("more or fewer fields than columns")
            if not given["type"]:
                n_unclassified += 1
                continue
            if not targets:
                raise ValueError("no name")
            first = _label(targets[0], given, source, author, now)
        except ValueError as error:
            bad.append(BadRow(n_rows, targets[0] if targets else "", str(error)))
            continue
        labels += [first, *(_label(target, given, source, author, now) for target in targets[1:])]
    if n_rows == 0:
        raise TrainingError(f"{path}: the table has no rows; is it the right file?")
    return LabelTable(tuple(labels), n_rows, n_unclassified, tuple(bad))


def _label(target: str, given: Mapping[str, str], source: str | None, author: str, now: str) -> Label:
    """Return the label of a row; raise ValueError with what is wrong with it."""
    confidence = _number(given, "confidence")
    if not (math.isnan(confidence) or 0 <= confidence <= 1):
        raise ValueError(f"confidence {given['confidence'][:40]!r} is not between 0 and 1")
    said = source or given.get("source", "")
    if not said:
        raise ValueError("no source")
    try:
        time = utc_time(given.get("time") or now)
    except ValueError:
        raise ValueError(f"time {given['time'][:40]!r} is not ISO 8601") from None
    return Label(
        target=target,
        type=given["type"],
        source=said,
        time=time,
        author=given.get("author") or author,
        confidence=confidence,
        redshift=_number(given, "redshift"),
    )


def _number(given: Mapping[str, str], what: str) -> float:
    text = given.get(what, "")
    try:
        value = float(text) if text else math.nan
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise ValueError(f"{what} {text[:40]!r} is not a number")
    return value


def _value(text: str | None) -> str:
    text = (text or "").strip()
    return "" if text.lower() in NO_VALUE else text


def _names(text: str) -> list[str]:
    """Return the names of a cell; surveys' names are separated by commas."""
    return list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def _columns(names: Sequence[str], asked: Mapping[str, str], path: Path) -> dict[str, str]:
    """Return which column says what."""
    found = {}
    for what, spellings in SPELLINGS.items():
        if what in asked:
            if asked[what] not in names:
                raise TrainingError(f"{path} has no column {asked[what]!r}, only {', '.join(names)}; name one of them")
            found[what] = asked[what]
            continue
        by_spelling = {name.lower(): name for name in reversed(names)}
        column = next((by_spelling[spelling] for spelling in spellings if spelling in by_spelling), None)
        if column is not None:
            found[what] = column
        elif what in ("name", "type"):
            raise TrainingError(
                f"{path} has no column that is a {what} by its name, only {', '.join(names)}; "
                f"say which one is with --{'name' if what == 'name' else 'class'}-column"
            )
    return found


def _read(path: Path) -> tuple[list[str], Iterator[tuple[int, Row | None]]]:
    """Return the columns, and the rows with their numbers; None for a row that has not as many fields."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise TrainingError(f"cannot read {path} ({error.strerror or error}); check the path") from error
    if head.startswith((b"PAR1", b"# %ECSV")):
        table = read_table(path)
        names = list(table)
        return names, enumerate((dict(zip(names, row, strict=True)) for row in zip(*table.values(), strict=True)), 1)
    # What is not UTF-8 in it is replaced: one odd letter in a remark is no reason to lose a year of labels.
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if text.lstrip()[:1] in ("[", "{"):
        return _read_json(text, path)
    return _read_csv(text, path)


def _read_csv(text: str, path: Path) -> tuple[list[str], Iterator[tuple[int, Row | None]]]:
    lines = [line for line in text.splitlines(keepends=True) if line.strip() and not line.startswith("#")]
    # Above the columns, TNS writes on a line of its own which time the table covers.
    while lines and not any(sign in lines[0] for sign in ",;\t"):
        del lines[0]
    if not lines:
        raise TrainingError(f"{path} has no columns; is it the right file?")
    reader = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count))
    names = [name.strip() for name in next(reader)]

    def rows() -> Iterator[tuple[int, Row | None]]:
        for number in count(1):
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:  # a field longer than any text should be; the reader goes on after it
                fields = []
            yield number, dict(zip(names, fields, strict=True)) if len(fields) == len(names) else None

    return names, rows()


def _read_json(text: str, path: Path) -> tuple[list[str], Iterator[tuple[int, Row | None]]]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise TrainingError(f"{path} is not valid JSON ({error}); write it again") from error
    records: list[Any] = data.get("labels", []) if isinstance(data, dict) else data
    names = list(dict.fromkeys(name for record in records if isinstance(record, dict) for name in record))
    if not names:
        raise TrainingError(f"{path} holds no list of objects with a name and a type; is it the right file?")

    def rows() -> Iterator[tuple[int, Row | None]]:
        for number, record in enumerate(records, 1):
            if isinstance(record, dict):
                yield number, {name: "" if value is None else str(value) for name, value in record.items()}
            else:
                yield number, None

    return names, rows()
