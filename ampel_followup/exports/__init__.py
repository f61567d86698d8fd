"""Target lists, one module per format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ampel_followup.decision import Decision
from ampel_followup.errors import ExportError
from ampel_followup.exports import (
    csv_list,
    desc_tom,
    ds9,
    ecsv,
    jskycalc,
    json_list,
    keck,
    lco,
    lick,
    ngps,
    p200,
    sedm,
    staralt,
    voevent,
)
from ampel_followup.exports.entries import ListEntry, list_entries
from ampel_followup.exports.telescope import Extras, OffsetStar, listed_names
from ampel_followup.plan import NightPlan

__all__ = [
    "FORMATS",
    "SELECTIONS",
    "Extras",
    "Format",
    "ListEntry",
    "OffsetStar",
    "export",
    "exported",
    "list_entries",
    "shortened",
]


@dataclass(frozen=True, slots=True)
class Format:
    """
    A format of target lists.

    Parameters
    ----------
    description : str
        What it is for, in a few words.
    write : callable
        Returns the text of a list of entries of a plan.
    name_length : int, optional
        Longest name of a target that it takes; None for any.
    tonight : bool
        Holds only what can be observed tonight: a telescope would be sent to it.
    labelled : bool
        Says what labels say that targets are: `Extras.labels`.
    """

    description: str
    write: Callable[[NightPlan, list[ListEntry], Extras], str]
    name_length: int | None = None
    tonight: bool = False
    labelled: bool = False


#: Format name to the format.
FORMATS: Mapping[str, Format] = {
    "csv": Format("for spreadsheets and scripts", csv_list.write),
    "ecsv": Format("table with units, for astropy", ecsv.write),
    "json": Format("for programs", json_list.write),
    "keck": Format("star list of the Keck telescopes", keck.write, keck.NAME_LENGTH, tonight=True),
    "p200": Format("list of the 200-inch at Palomar (DBSP)", p200.write, p200.NAME_LENGTH, tonight=True),
    "ngps": Format("CSV of the Next Generation Palomar Spectrograph", ngps.write, ngps.NAME_LENGTH, tonight=True),
    "lick": Format("star list of Lick Observatory (Shane, Nickel)", lick.write, lick.NAME_LENGTH, tonight=True),
    "staralt": Format("input of the visibility plots of the ING", staralt.write, staralt.NAME_LENGTH, tonight=True),
    "jskycalc": Format("object list of JSkyCalc", jskycalc.write, jskycalc.NAME_LENGTH, tonight=True),
    "lco": Format("requests for FLOYDS at Las Cumbres Observatory, JSON", lco.write, lco.NAME_LENGTH, tonight=True),
    "sedm": Format("requests for the SED Machine, JSON", sedm.write, sedm.NAME_LENGTH, tonight=True),
    "desc-tom": Format("ask, plan, unplan and report to the DESC target manager, JSON", desc_tom.write, labelled=True),
    "ds9": Format("regions for SAOImage DS9", ds9.write),
    "voevent": Format("VOEvent 2.0 packet", voevent.write),
}

#: What a list can hold: ``approved`` targets only, or ``all`` of the plan, with what cannot be observed (rank 0) last.
SELECTIONS = ("approved", "all")


def export(
    plan: NightPlan,
    verdicts: Mapping[str, Decision],
    fmt: str,
    out: Path | None,
    *,
    select: str = "approved",
    extras: Extras | None = None,
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
    extras : Extras, optional
        Exposures, offset stars and whatever else a plan does not know; its verdicts are these.

    Returns
    -------
    str
        The text of the list.

    Raises
    ------
    ExportError
        If the format or the selection is unknown, or the file cannot be written.
    """
    entries = exported(plan, verdicts, fmt, select=select)
    text = FORMATS[fmt].write(plan, entries, replace(extras or Extras(), verdicts=verdicts))
    if out is not None:
        _replace(out, text)
    return text


def exported(
    plan: NightPlan, verdicts: Mapping[str, Decision], fmt: str, *, select: str = "approved"
) -> list[ListEntry]:
    """
    Return what `export` writes: the selected targets, without those that a telescope could not observe tonight.

    Raises
    ------
    ExportError
        If the format or the selection is unknown.
    """
    if fmt not in FORMATS:
        raise ExportError(f"no target list format {fmt!r}; choose one of {', '.join(FORMATS)}")
    if select not in SELECTIONS:
        raise ExportError(f"no selection {select!r}; choose one of {', '.join(SELECTIONS)}")
    entries = list_entries(plan, verdicts, approved_only=select == "approved")
    return [entry for entry in entries if entry.start or not FORMATS[fmt].tonight]


def shortened(entries: list[ListEntry], fmt: str, extras: Extras | None = None) -> dict[str, str]:
    """Return survey name → name in a list of this format, for the targets whose names it changes."""
    length = FORMATS[fmt].name_length
    if length is None:
        return {}
    names = listed_names(entries, extras or Extras(), length)
    return {entry.id: name for entry, name in zip(entries, names, strict=True) if name != entry.id}


def _replace(out: Path, text: str) -> None:
    """Write beside the file and rename, so that it is never seen half-written."""
    draft: Path | None = None
    try:
        target = out.resolve()  # through a link, not over it
        if target.exists() and not target.is_file():
            raise ExportError(f"cannot write the target list to {out}: it is not a file; name a file")
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        with draft.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except (OSError, ValueError) as error:
        # A name that is too long, or has a NUL, is refused at the first touch.
        reason = error.strerror if isinstance(error, OSError) else error
        raise ExportError(
            f"cannot write the target list to {out}: {reason}; name a file in a folder that can be written"
        ) from error
    finally:
        if draft is not None:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
