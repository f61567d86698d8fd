"""`ampel-followup export`: the target list in a file."""

from __future__ import annotations

import datetime
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ampel_followup.cli.output import JsonOption, NightOption, SiteOption, StoreOption, console, print_json
from ampel_followup.decision import Verdict
from ampel_followup.errors import ExportError
from ampel_followup.exports import FORMATS, Extras, exported, shortened
from ampel_followup.exports import export as write
from ampel_followup.labels import effective_labels

#: What takes a target off the list of a telescope.
_WITHDRAWN: dict[str, str] = {Verdict.REJECT: "rejected", Verdict.DEFER: "deferred", Verdict.OBSERVED: "observed"}


class Select(StrEnum):
    """Which targets."""

    APPROVED = "approved"
    ALL = "all"


def export(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="File to write; replaced if it exists, whole or not at all.")
    ],
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help="Format of the list, see above.")] = "csv",
    select: Annotated[
        Select | None,
        typer.Option(
            "--select",
            help="Only what was approved, or all of the plan.",
            show_default="approved; all with --telescope",
        ),
    ] = None,
    exposure: Annotated[
        float | None,
        typer.Option("--exposure", metavar="SECONDS", help="Exposure of each target, for formats that have one."),
    ] = None,
    telescope: Annotated[
        str | None,
        typer.Option(
            "--telescope",
            metavar="NAME",
            help="What this one has in the latest schedule (`plan make`): in order of time, with its exposures.",
        ),
    ] = None,
    proposal: Annotated[str, typer.Option("--proposal", help="Proposal that requests are charged to.")] = "",
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the approved targets of a plan to a file."""
    from ampel_followup.store import Store

    if exposure is not None and not 0 < exposure < 86400:
        raise ExportError(f"an exposure of {exposure:g} s makes no sense; give seconds, such as --exposure 1800")
    if format_ not in FORMATS:
        raise ExportError(f"no target list format {format_!r}; choose one of {', '.join(FORMATS)}")
    with Store.open(store, read_only=True) as opened:
        stored = opened.load_plan(night=night, site=site)
        verdicts = opened.verdicts(stored.info.night, stored.info.site)
        labels = effective_labels(opened.labels()) if FORMATS[format_].labelled else {}
        timetable = opened.load_timetable(night=stored.info.night).timetable if telescope is not None else None
    plan = stored.plan
    exposures: dict[str, float] = {}
    n_exposures: dict[str, int] = {}
    withdrawn: dict[str, str] = {}
    if telescope is not None and timetable is not None:
        from ampel_followup.observing.instruments import get_instrument
        from ampel_followup.scheduled_lists import scheduled_plan

        plan, exposures, n_exposures = scheduled_plan(plan, timetable, get_instrument(telescope).key)
        # What was decided since the schedule was made: nobody is sent to what was rejected, or to what is done.
        since = {t.id: verdicts[t.id] for t in plan.targets if t.id in verdicts}
        withdrawn = {
            name: f"{_WITHDRAWN[d.verdict]} by {d.observer}" for name, d in since.items() if d.verdict in _WITHDRAWN
        }
        plan = replace(plan, targets=tuple(t for t in plan.targets if t.id not in withdrawn))
    if select is None:
        select = Select.APPROVED if telescope is None else Select.ALL
    entries = exported(plan, verdicts, format_, select=select)
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if exposure is not None:
        exposures, n_exposures = dict.fromkeys((entry.id for entry in entries), exposure), {}
    extras = Extras(exposures=exposures, n_exposures=n_exposures, labels=labels, proposal=proposal, created=created)
    write(plan, verdicts, format_, out, select=select, extras=extras)
    n = sum(1 for entry in entries if entry.start)
    renamed = shortened(entries, format_)
    # What is to be observed elsewhere, or not at all, is not lost without a word.
    whole = exported(plan, verdicts, "json", select=select)
    left_out = [entry for entry in whole if FORMATS[format_].tonight and not entry.start]
    if as_json:
        print_json(
            {
                "file": str(out),
                "format": format_,
                "targets": n,
                "left_out": [*withdrawn, *(entry.id for entry in left_out)],
                "shortened": renamed,
                "night": plan.night.date,
                "site": plan.night.site,
            }
        )
        return
    console().print(
        f"{n} target{'' if n == 1 else 's'} of {plan.night.date} at {plan.night.site} written to {out}", markup=False
    )
    for name, why in withdrawn.items():
        console().print(f"left out: {name}, {why}", markup=False)
    for entry in left_out:
        console().print(f"left out: {entry.id}, {entry.reasons[0]}", markup=False)
    for name, short in renamed.items():
        console().print(f"{name} is {short} in this list", markup=False)
    if n == 0 and select is Select.APPROVED:
        console().print(
            "Nothing is approved yet: approve targets in `ampel-followup tui`, or use --select all.", markup=False
        )


# The help lists the formats where they are defined.
export.__doc__ = (
    "Write the approved targets of a plan to a file.\n\n"
    "Lists for telescopes hold only what can be observed that night; names that are too long are shortened, and it is "
    "said how. Formats:\n\n" + "\n".join(f"- `{name}`: {fmt.description}" for name, fmt in FORMATS.items())
)
