"""`ampel-followup decide` and `decisions`: what people said."""

from __future__ import annotations

import datetime
import sys
from enum import StrEnum
from typing import Annotated

import typer

from ampel_followup.cli.output import JsonOption, NightOption, SiteOption, StoreOption, console, print_json, print_table
from ampel_followup.decision import Decision
from ampel_followup.errors import StoreError


class VerdictArgument(StrEnum):
    """The verdicts that the command takes."""

    APPROVE = "approve"
    REJECT = "reject"
    DEFER = "defer"
    OBSERVED = "observed"
    FAILED = "failed"
    COMMENT = "comment"
    UNDO = "undo"


def decide(
    target: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Name of the target in the plan; - for many, one a line from standard input."
        ),
    ],
    verdict: Annotated[
        VerdictArgument, typer.Argument(help="What to do with it; undo takes back your last verdict on it.")
    ],
    observer: Annotated[str, typer.Option("--observer", metavar="NAME", help="Who decides.")],
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.")] = "",
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="DAY",
            help="With defer: when it comes back, as 3, +3d, 2w, tomorrow or 2026-12-01; by default the policy's days.",
        ),
    ] = None,
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Record a verdict on a target.

    Decisions are only ever added: to change your mind, decide again, or `undo`.
    """
    from ampel_followup.deferral import parse_until
    from ampel_followup.store import Store

    if until is not None and verdict is not VerdictArgument.DEFER:
        raise typer.BadParameter(
            f"means nothing with {verdict.value}; only what is deferred comes back on a day", param_hint="--until"
        )
    targets = [line.strip() for line in sys.stdin if line.strip()] if target == "-" else [target]
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    done: list[Decision] = []
    with Store.open(store, create=False) as opened:
        info = opened.load_plan(night=night, site=site, limit=0).info
        back = None if until is None else parse_until(until, datetime.date.fromisoformat(info.night)).isoformat()
        for name in targets:
            if verdict is VerdictArgument.UNDO:
                mine = opened.verdicts(info.night, info.site).get(name)
                if mine is None or mine.observer != observer:
                    raise StoreError(f"{observer} has no verdict on {name} in {info.night} at {info.site} to undo")
                stored = opened.undo(mine.id, observer=observer, time=now)
            else:
                stored = opened.record(
                    Decision(
                        name, info.night, info.site, verdict.value, observer, now, comment, info.revision, until=back
                    )
                )
            done.append(stored)
    if as_json:
        print_json({"decisions": [d.to_dict() for d in done]} if target == "-" else done[0].to_dict())
        return
    for stored in done:
        console().print(f"{stored.target}: {stored.verdict} by {stored.observer} (decision {stored.id})", markup=False)


def list_decisions(
    store: StoreOption = None,
    night: Annotated[str | None, typer.Option("--night", metavar="DATE", help="Only those of this night.")] = None,
    site: Annotated[str | None, typer.Option("--site", metavar="SITE", help="Only those at this site.")] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="ID", help="Only those on this target.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List all decisions, oldest first."""
    from ampel_followup.store import Store

    with Store.open(store, read_only=True) as opened:
        found = opened.decisions(night=night, site=site, target=target)
    if as_json:
        print_json({"decisions": [d.to_dict() for d in found]})
        return
    print_table(
        ("id", "time", "night", "site", "target", "verdict", "until", "observer", "comment"),
        (
            (d.id, d.time[:19] + "Z", d.night, d.site, d.target, d.verdict, d.until, d.observer, d.comment)
            for d in found
        ),
    )
