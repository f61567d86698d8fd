"""Labels as files: CSV, ECSV or JSON, which `label_files.read_labels` reads back as they were."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path

from ampel_followup.errors import ExportError
from ampel_followup.labels import Label
from ampel_followup.learning.label_files import EXPORTED, FORMULA_SIGNS

#: Ending of a file → what is written.
FORMATS = {".csv": "CSV", ".ecsv": "ECSV", ".json": "JSON"}

_NUMBERS = {
    "confidence": "",
    "redshift": "",
    "ra": "deg",
    "dec": "deg",
}


def labels_text(labels: Iterable[Label], ending: str) -> str:
    """
    Return labels as a file of theirs holds them.

    Parameters
    ----------
    labels : iterable of Label
    ending : str
        One of `FORMATS`.

    Raises
    ------
    ExportError
        If there is no such format.
    """
    if ending.lower() not in FORMATS:
        raise ExportError(f"labels are not written as {ending!r}; name a file that ends in {', '.join(FORMATS)}")
    if ending.lower() == ".json":
        records = [label.to_dict() for label in labels]
        return json.dumps({"labels": records}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    out = io.StringIO()
    if ending.lower() == ".ecsv":
        out.write("# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n")
        for name in EXPORTED:
            unit = f", unit: {_NUMBERS[name]}" if _NUMBERS.get(name) else ""
            out.write(f"# - {{name: {name}{unit}, datatype: {'float64' if name in _NUMBERS else 'string'}}}\n")
        out.write("# schema: astropy-2.0\n")
    table = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    table.writerow(EXPORTED)
    unknown = "nan" if ending.lower() == ".ecsv" else ""
    table.writerows([_cell(label, name, unknown) for name in EXPORTED] for label in labels)
    return out.getvalue()


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """
    Write labels to a file, complete or not at all; its ending says how.

    Raises
    ------
    ExportError
        If there is no such format, or the file cannot be written.
    """
    text = labels_text(labels, path.suffix)
    temporary = path.with_name(f"{path.name}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ExportError(f"cannot write {path} ({error.strerror or error}); choose another place") from error


def _cell(label: Label, name: str, unknown: str) -> str:
    value = getattr(label, "name" if name == "given_name" else name)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else unknown
    # A spreadsheet runs a cell that begins with such a sign as a formula; reading takes the apostrophe away again.
    return f"'{value}" if value.startswith(FORMULA_SIGNS) else value
