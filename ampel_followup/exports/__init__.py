"""Target lists, one module per format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ampel_followup.decision import Decision
from ampel_followup.errors import ExportError
from ampel_followup.exports import csv_list, ecsv, json_list
from ampel_followup.exports.entries import ListEntry, list_entries
from ampel_followup.plan import NightPlan

__all__ = ["FORMATS", "SELECTIONS", "ListEntry", "export", "list_entries"]

#: Format name to the function that writes a list in it.
FORMATS: Mapping[str, Callable[[NightPlan, list[ListEntry]], str]] = {
    "csv": csv_list.write,
    "ecsv": ecsv.write,
    "json": json_list.write,
}

#: What a list can hold: ``approved`` targets only, or ``all`` of the plan, with what cannot be observed (rank 0) last.
SELECTIONS = ("approved", "all")


def export(
    plan: NightPlan, verdicts: Mapping[str, Decision], fmt: str, out: Path | None, *, select: str = "approved"
) -> str:
    """
    Write the target list of a plan.

    Parameters
    ----------
    plan : NightPlan
        The plan.
    verdicts : mapping of str to Decision
        What holds for each target, as `Store.verdicts` returns it.
    fmt : str
        One of `FORMATS`.
    out : Path or None
        File to write, UTF-8, replaced as a whole if it exists: whoever reads it sees the old list or the new one. None:
        write nothing.
    select : str
        One of `SELECTIONS`.

    Returns
    -------
    str
        The text of the list.

    Raises
    ------
    ExportError
        If the format or the selection is unknown, or the file cannot be written.
    """
    if fmt not in FORMATS:
        raise ExportError(f"no target list format {fmt!r}; choose one of {', '.join(FORMATS)}")
    if select not in SELECTIONS:
        raise ExportError(f"no selection {select!r}; choose one of {', '.join(SELECTIONS)}")
    text = FORMATS[fmt](plan, list_entries(plan, verdicts, approved_only=select == "approved"))
    if out is not None:
        _replace(out, text)
    return text


def _replace(out: Path, text: str) -> None:
    """Write beside the file and rename, so that it is never seen half-written."""
    target = out.resolve()  # through a link, not over it
    if target.exists() and not target.is_file():
        raise ExportError(f"cannot write the target list to {out}: it is not a file; name a file")
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise ExportError(
            f"cannot write the target list to {out}: {error.strerror}; name a file in a folder that can be written"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
