"""`ampel-followup export`: the target list in a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ampel_followup.cli.output import JsonOption, NightOption, SiteOption, StoreOption, console, print_json


class Format(StrEnum):
    """The formats."""

    CSV = "csv"
    ECSV = "ecsv"
    JSON = "json"


class Select(StrEnum):
    """Which targets."""

    APPROVED = "approved"
    ALL = "all"


def export(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="File to write; replaced if it exists, whole or not at all.")
    ],
    format_: Annotated[Format, typer.Option("--format", help="Format of the list.")] = Format.CSV,
    select: Annotated[
        Select, typer.Option("--select", help="Only what was approved, or all of the plan.")
    ] = Select.APPROVED,
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the approved targets of a plan to a file."""
    from ampel_followup.exports import export as write
    from ampel_followup.store import Store

    with Store.open(store, read_only=True) as opened:
        stored = opened.load_plan(night=night, site=site)
        verdicts = opened.verdicts(stored.info.night, stored.info.site)
    write(stored.plan, verdicts, format_.value, out, select=select.value)
    approved = {target for target, decision in verdicts.items() if decision.verdict == "approve"}
    n = len(stored.plan.targets) if select is Select.ALL else sum(t.id in approved for t in stored.plan.targets)
    if as_json:
        print_json(
            {
                "file": str(out),
                "format": format_.value,
                "targets": n,
                "night": stored.info.night,
                "site": stored.info.site,
            }
        )
        return
    console().print(f"{n} targets of {stored.info.night} at {stored.info.site} written to {out}", markup=False)
    if n == 0 and select is Select.APPROVED:
        console().print(
            "Nothing is approved yet: approve targets in `ampel-followup tui`, or use --select all.", markup=False
        )
