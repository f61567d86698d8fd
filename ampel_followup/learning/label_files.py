"""Tables of labels as others export them: TNS, the Bright Transient Survey, ATLAS, or any with a name and a type."""

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
    "name": (
        "internal_names", "disc. internal name", "target", "ztfid", "ztf_id", "objectid", "object_id", "atlas_id",
        "diaobjectid", "stock", "broker_id", "name", "objname", "id",
    ),
    "type": ("type", "obj. type", "object_type", "class", "classification", "class_name", "label"),
    "source": ("source",),
    "time": ("time", "when", "date", "classified", "lastmodified"),
    "author": ("author", "by", "classifier", "classifying group/s"),
    "confidence": ("confidence",),
    "redshift": ("redshift", "z"),
    "ra": ("radeg", "ra_deg", "ra"),
    "dec": ("decdeg", "dec_deg", "dec", "declination"),
    "comment": ("comment", "remarks"),
    "given_name": ("given_name",),
    "matched": ("matched",),
}  # fmt: skip

#: The columns of our own exports, which any of our own imports reads back to the last bit.
EXPORTED = (
    "target", "type", "source", "time", "author", "confidence", "redshift", "ra", "dec", "comment", "given_name",
    "matched",
)  # fmt: skip

#: Sources of tables of the Bright Transient Survey, and of those who look at the alerts of ATLAS.
BTS, ATLAS = "BTS", "ATLAS"

#: What begins with one of these is kept with an apostrophe in front in our own exports, for spreadsheets' sake.
FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")

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
        CSV (UTF-8 with or without byte-order mark; comma, semicolon or tab), ECSV, Parquet, or JSON (a list of objects,
        a reply of the programming interface of TNS, or what ``label list --json`` prints).
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
        source = _recognised(lower)
        if source is None:
            raise TrainingError(f"{path} does not say where its labels come from; say it, as --source spectrum")
    fallback = next((name for name in names if name.lower() in ("name", "objname")), None)
    labels: list[Label] = []
    bad: list[BadRow] = []
    n_rows = n_unclassified = 0
    for n_rows, row in rows:
        given = {} if row is None else {what: _value(row.get(column)) for what, column in found.items()}
        if "matched" in found:
            given = {what: _as_written(text) for what, text in given.items()}
        targets = _names(given.get("name", ""), whole=found["name"] == "target") or _names(
            _value((row or {}).get(fallback or ""))
        )
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
    ra, dec = _angle(given, "ra", 15.0), _angle(given, "dec", 1.0)
    if not (math.isnan(ra) or 0.0 <= ra <= 360.0) or not (math.isnan(dec) or -90.0 <= dec <= 90.0):
        raise ValueError(f"position {given.get('ra', '')[:40]!r}, {given.get('dec', '')[:40]!r} is not on the sky")
    return Label(
        target=target,
        type=given["type"],
        source=said,
        time=time,
        author=given.get("author") or author,
        confidence=confidence,
        redshift=_number(given, "redshift"),
        name=given.get("given_name", ""),
        ra=ra,
        dec=dec,
        matched=given.get("matched", ""),
        comment=given.get("comment", ""),
    )


def _recognised(columns: set[str]) -> str | None:
    """Return whose table has these columns, in lower case; None where that is not known."""
    if columns & {"internal_names", "disc. internal name", "objname"}:
        return TNS
    if {"ztfid", "iauid"} <= columns:
        return BTS
    return ATLAS if "atlas_id" in columns else None


def _angle(given: Mapping[str, str], what: str, unit: float) -> float:
    """Return a coordinate [deg]; one in three parts, such as ``15:05:07.6``, counts in units of `unit` degrees."""
    text = given.get(what, "")
    parts = text.replace(":", " ").split()
    if len(parts) != 3:
        return _number(given, what)
    try:
        first, minutes, seconds = (float(part.replace("\N{MINUS SIGN}", "-")) for part in parts)
    except ValueError:
        raise ValueError(f"{what} {text[:40]!r} is no angle") from None
    size = abs(first) + minutes / 60.0 + seconds / 3600.0
    return unit * (-size if parts[0].startswith(("-", "\N{MINUS SIGN}")) else size)


def _number(given: Mapping[str, str], what: str) -> float:
    text = given.get(what, "")
    # Spreadsheets of many countries write a decimal comma, and then divide columns by semicolons.
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
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


def _as_written(text: str) -> str:
    """Return a cell of our own exports as it was before an apostrophe came in front of it."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_SIGNS) else text


def _names(text: str, *, whole: bool = False) -> list[str]:
    """Return the names of a cell; surveys' names are separated by commas, unless it is one whole name."""
    if whole:
        return [text] if text else []
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
    if "matched" in found and "given_name" not in found and found["name"] != "name" and "name" in names:
        found["given_name"] = "name"  # as records are in JSON
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
    records = _records(data)
    names = list(dict.fromkeys(name for record in records if isinstance(record, dict) for name in record))
    if not names:
        raise TrainingError(f"{path} holds no list of objects with a name and a type; is it the right file?")

    def rows() -> Iterator[tuple[int, Row | None]]:
        for number, record in enumerate(records, 1):
            if isinstance(record, dict):
                yield number, {name: _text(value) for name, value in record.items()}
            else:
                yield number, None

    return names, rows()


def _records(data: Any) -> list[Any]:
    """Return the objects of a JSON document: a list, our own, or what TNS replies for one object or many."""
    while isinstance(data, dict):
        inner = next((data[name] for name in ("labels", "data", "reply") if name in data), None)
        if inner is None:
            return [data] if "objname" in data or "target" in data else []
        data = inner
    return data if isinstance(data, list) else []


def _text(value: Any) -> str:
    """Return a value of JSON as a cell; TNS writes a type as ``{"name": "SN Ia", "id": 3}``."""
    if isinstance(value, dict):
        value = value.get("name")
    return "" if value is None else str(value)
