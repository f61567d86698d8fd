"""Comma-separated values (RFC 4180), for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from ampel_followup.exports.entries import COLUMNS, ListEntry
from ampel_followup.exports.telescope import Extras
from ampel_followup.plan import NightPlan

# What people, surveys and models wrote. A spreadsheet runs a cell that begins with one of these signs as a formula,
# also in their full-width forms.
_TEXT = frozenset({"id", "last_band", "class_now", "class_after", "observer", "comment", "reasons"})
_FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """
    Return the list as CSV: a header, then one row per target; empty = not known.

    Reasons are joined by ``; ``. Text that begins with ``=``, ``+``, ``-`` or ``@`` gets an apostrophe in front, so
    that no spreadsheet takes it for a formula; coordinates keep their signs.
    """
    del plan, extras  # CSV has no place for what is not a row
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(name, getattr(entry, name)) for name in COLUMNS] for entry in entries)
    return out.getvalue()


def _cell(name: str, value: Any) -> str:
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    text = "; ".join(value) if isinstance(value, tuple) else str(value)
    return f"'{text}" if name in _TEXT and text.startswith(_FORMULA_SIGNS) else text
