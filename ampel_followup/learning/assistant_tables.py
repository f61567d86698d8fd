"""
Tables that the virtual assistant is trained and measured on: a row of features per visit, and what people called it.

The columns are those of the ATLAS Virtual Research Assistant (Stevance et al. 2025), so that ATLAS tables work as they
are: an object is described once when it enters the stream (day 1), and again at each later visit (day N).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.learning.tables import NO_VALUE, Table, number_column, read_table, text_column

Array = NDArray[np.float64]
Day = Literal["1", "N"]

#: What people call an object: an extragalactic transient, one in the Galaxy, a star of high proper motion, an artefact
#: and an active nucleus.
TYPES = ("good", "galactic", "pm", "garbage", "AGN")

#: Share of each type in the stream of ATLAS, which the balanced tables of labels do not have.
STREAM_MIX: Mapping[str, float] = {"garbage": 0.764, "pm": 0.142, "good": 0.054, "galactic": 0.037, "AGN": 0.003}

#: Columns of a day-1 table: counts and scatter since 5 d before the first alert, position, real/bogus score, host.
DAY_1_COLUMNS = (
    "Nnondet_std", "Nnondet_mean", "magdet_std", "DET_Nsince_min5d", "NON_Nsince_min5d", "log10_std_ra_min5d",
    "log10_std_dec_min5d", "DET_mag_median_min5d", "ra", "dec", "rb_pix", "z", "photoz", "ebv_sfd", "log10_sep_arcsec",
    "CV",
)  # fmt: skip

#: Columns of a day-N table: the day of the visit, what happened since, and those of day 1.
DAY_N_COLUMNS = (
    "dayN", "DET_mag_median", "DET_N_total", "NON_mag_median", "NON_N_total", "max_mag", "max_mag_day", *DAY_1_COLUMNS,
)  # fmt: skip

#: A table with fewer of its columns than this share of them is of another kind.
ENOUGH_COLUMNS = 0.5

_WORDS = {"true": "1", "yes": "1", "false": "0", "no": "0"}


@dataclass(frozen=True)
class AssistantTable:
    """
    Visits of objects, and what people called them.

    Parameters
    ----------
    day : {"1", "N"}
        Of the first visit only, or of all.
    ids : tuple of str, n
        Object of each row; a day-N table repeats them.
    names : tuple of str, k
        Columns.
    values : ndarray, shape (n, k)
        NaN = not measured, or no such column in the file.
    types : ndarray of str, shape (n,)
        One of `TYPES`.
    fast : ndarray, shape (n,)
        1 = changes fast, 0 = does not, NaN = nobody said.
    notes : tuple of str
        What a person should know about the table.
    """

    day: Day
    ids: tuple[str, ...]
    names: tuple[str, ...]
    values: Array
    types: NDArray[np.str_]
    fast: Array
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def objects(self) -> NDArray[np.intp]:
        """Number of the object of each row, shape (n,): 0, 1, … in the order in which they first occur."""
        number: dict[str, int] = {}
        return np.array([number.setdefault(name, len(number)) for name in self.ids], dtype=np.intp)

    def column(self, name: str) -> Array:
        """Return a column, shape (n,); NaN throughout if the table has none of that name."""
        return self.values[:, self.names.index(name)] if name in self.names else np.full(len(self), np.nan)

    def joined(self, other: AssistantTable) -> AssistantTable:
        """
        Add the rows of another table, such as the first visits of more objects; columns that it lacks are NaN there.

        People may call an object otherwise once they have seen more of it: this table's type holds, and a note says so.
        """
        mine = dict(zip(self.ids, self.types.tolist(), strict=True))
        types = np.array([mine.get(name, kind) for name, kind in zip(other.ids, other.types.tolist(), strict=True)])
        changed = int((types != other.types).sum())
        notes = [*self.notes, *(note for note in other.notes if note not in self.notes)]
        if changed:
            notes.append(f"{changed} objects have another type in the second table; that of the first was taken")
        theirs = np.column_stack([other.column(name) for name in self.names])
        return replace(
            self,
            ids=(*self.ids, *other.ids),
            values=np.concatenate([self.values, theirs]),
            types=np.concatenate([self.types, types]),
            fast=np.concatenate([self.fast, other.fast]),
            notes=tuple(notes),
        )


def read_assistant_table(
    x: Path,
    y: Path,
    day: Day | None = None,
    *,
    id_column: str = "ATLAS_ID",
    extra: Sequence[str] = (),
    known_only: bool = False,
) -> AssistantTable:
    """
    Read a table of features and one of types.

    Rows are matched one to one if both tables name the same objects in the same order, else by object.

    Parameters
    ----------
    x, y : Path
        CSV, ECSV or Parquet; `y` has the columns `id_column`, ``type``, and perhaps ``fast`` (0 or 1).
    day : {"1", "N"}, optional
        By default told by the column ``dayN``.
    id_column : str
        Names the object, in both tables.
    extra : sequence of str
        Columns of numbers to take besides the known ones; others are left alone, and named in the notes.
    known_only : bool
        Leave out rows of objects that `y` does not name, rather than refuse them.

    Raises
    ------
    TrainingError
        If a table cannot be read, a type is unknown, an object has two, none or the same row twice, or most of the
        columns are missing.
    """
    features, labels = read_table(x), read_table(y)
    ids = _ids(features, id_column, str(x))
    if known_only:
        known = set(_ids(labels, id_column, str(y)))
        rows = np.array([name in known for name in ids])
        if not rows.any():
            raise TrainingError(f"{x} and {y} have no object in common; see the column {id_column} of both")
        features = {name: column[rows] for name, column in features.items()}
        ids = tuple(name for name in ids if name in known)
    told: Day = day or ("N" if "dayN" in features else "1")
    names, notes = _columns(features, told, id_column, extra, str(x))
    values = np.column_stack([_numbers(features, name, str(x)) for name in names])
    types, fast = _matched(ids, labels, id_column, str(x), str(y))
    table = AssistantTable(told, ids, names, values, types, fast, notes)
    _check_one_type(ids, types, str(y))
    _check_repeated(table, str(x))
    return table


def mix_weights(
    types: NDArray[np.str_], counts: Array | None = None, mix: Mapping[str, float] = STREAM_MIX
) -> tuple[Array, tuple[str, ...]]:
    """
    Weigh rows so that the types have their shares of the stream.

    Parameters
    ----------
    types : ndarray of str, shape (n,)
    counts : ndarray, shape (n,), optional
        What each row counts for within its type; by default all the same.
    mix : mapping of str to float
        Share of each type.

    Returns
    -------
    weight : ndarray, shape (n,)
        They add up to 1.
    absent : tuple of str
        Types of the mix that no row is of; the shares of the others were raised to add up to 1.
    """
    counts = np.ones(len(types)) if counts is None else counts
    weight = np.zeros(len(types))
    absent = []
    for name, share in mix.items():
        rows = types == name
        total = counts[rows].sum()
        if total > 0:
            weight[rows] = counts[rows] * (share / total)
        else:
            absent.append(name)
    return weight / weight.sum(), tuple(absent)


def _ids(table: Table, id_column: str, place: str) -> tuple[str, ...]:
    ids = text_column(table, id_column, place)
    if "" in ids:
        raise TrainingError(f"{place}, row {ids.index('') + 1}: no {id_column}; give every row the name of its object")
    return tuple(ids)


def _columns(
    table: Table, day: Day, id_column: str, extra: Sequence[str], place: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    wanted = DAY_1_COLUMNS if day == "1" else DAY_N_COLUMNS
    missing = [name for name in wanted if name not in table]
    if len(missing) > (1 - ENOUGH_COLUMNS) * len(wanted):
        raise TrainingError(
            f"{place} lacks {len(missing)} of the {len(wanted)} columns of day {day} ({', '.join(missing[:4])}, …); "
            "name them as in docs/assistant.md, or give another --day"
        )
    if day == "N" and "dayN" in missing:
        raise TrainingError(f"{place} has no column dayN, the day of each visit; add it, or give --day 1")
    absent = [name for name in extra if name not in table]
    if absent:
        raise TrainingError(f"{place} has no column {absent[0]!r}, only {', '.join(table)}; correct --extra")
    notes = []
    if missing:
        notes.append(f"{place} has no column {', '.join(missing)}: not measured")
    unused = [name for name in table if name not in (*wanted, *extra, id_column, "type", "fast")]
    if unused:
        notes.append(f"{place}: not used: {', '.join(unused)}")
    return (*wanted, *(name for name in extra if name not in wanted)), tuple(notes)


def _numbers(table: Table, name: str, place: str) -> Array:
    if name not in table:
        return np.full(len(next(iter(table.values()))), np.nan)
    values = [value if value is None else _WORDS.get(value.strip().lower(), value) for value in table[name]]
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return number_column({name: column}, name, place)


def _matched(
    ids: tuple[str, ...], labels: Table, id_column: str, x_place: str, y_place: str
) -> tuple[NDArray[np.str_], Array]:
    named = _ids(labels, id_column, y_place)
    types = text_column(labels, "type", y_place)
    for row, name in enumerate(types, 1):
        if name not in TYPES:
            said = f"unknown type {name[:40]!r}" if name.lower() not in NO_VALUE else "no type"
            raise TrainingError(f"{y_place}, row {row}: {said}; it is one of {', '.join(TYPES)}")
    fast = _numbers(labels, "fast", y_place)
    wrong = np.flatnonzero(np.isfinite(fast) & (fast != 0) & (fast != 1))
    if len(wrong):
        raise TrainingError(f"{y_place}, row {wrong[0] + 1}: fast is {fast[wrong[0]]:g}; it is 0, 1 or empty")
    if named == ids:
        return np.array(types), fast
    _check_one_type(named, np.array(types), y_place)
    row_of = {name: row for row, name in enumerate(named)}
    without = [name for name in ids if name not in row_of]
    if without:
        raise TrainingError(
            f"{y_place} has {len(named)} rows and {x_place} {len(ids)}, and {without[0]} has no type; "
            "give every object of the one a row in the other"
        )
    rows = np.array([row_of[name] for name in ids])
    return np.array(types)[rows], fast[rows]


def _check_one_type(ids: Iterable[str], types: NDArray[np.str_], place: str) -> None:
    known: dict[str, str] = {}
    for name, kind in zip(ids, types, strict=True):
        if known.setdefault(name, kind) != kind:
            raise TrainingError(f"{place}: {name} is both {known[name]} and {kind}; keep one type per object")


def _check_repeated(table: AssistantTable, place: str) -> None:
    days = table.column("dayN").tolist() if table.day == "N" else [""] * len(table)
    for (name, day), count in Counter(zip(table.ids, days, strict=True)).items():
        if count > 1:
            which = f"{name}, day {day:g}," if table.day == "N" else name
            remedy = "one row per object and day" if table.day == "N" else "one row per object, or give --day N"
            raise TrainingError(f"{place}: {which} is there {count} times; keep {remedy}")
