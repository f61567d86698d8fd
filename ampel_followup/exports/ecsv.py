"""
Enhanced character-separated values, which `astropy.table.Table.read` reads with units and descriptions.

Written by hand, from the description of the format (Astropy Proposal for Enhancement 6): loading astropy takes longer
than the whole export.
"""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from ampel_followup.exports.entries import COLUMNS, ListEntry
from ampel_followup.exports.telescope import Extras
from ampel_followup.plan import NightPlan

_DATATYPES = {"rank": "int64", "out_of_scope": "int64"} | dict.fromkeys(
    (
        "ra",
        "dec",
        "last_mag",
        "priority",
        "value_of_information",
        "information_gain",
        "min_airmass",
        "moon_separation",
    ),
    "float64",
)


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the list as ECSV; the circumstances of the night are in its ``meta``, numbers not known are ``nan``."""
    del extras
    out = io.StringIO()
    out.write("# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n")
    for name, (unit, description) in COLUMNS.items():
        column = {"name": name, "unit": unit, "datatype": _DATATYPES.get(name, "string"), "description": description}
        out.write(f"# - {_yaml({key: value for key, value in column.items() if value})}\n")
    meta = {
        "night": plan.night.date,
        "site": plan.night.site,
        "site_name": plan.night.site_name,
        "strategy": plan.strategy,
        "bundle": plan.bundle,
        "bundle_digest": plan.bundle_digest,
    }
    out.write(f"# meta: {_yaml(meta)}\n# schema: astropy-2.0\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(entry, name)) for name in COLUMNS] for entry in entries)
    return out.getvalue()


def _yaml(value: dict[str, str]) -> str:
    """Return a mapping on one line: JSON with all but ASCII escaped is YAML."""
    return json.dumps(value)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "nan"
    return "; ".join(value) if isinstance(value, tuple) else str(value)
