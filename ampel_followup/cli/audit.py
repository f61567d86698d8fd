"""`ampel-followup audit`: what was weeded out and later named by others."""

from __future__ import annotations

import datetime
from typing import Annotated

import typer

from ampel_followup.cli.output import JsonOption, StoreOption, console, print_json, print_table


def audit(
    store: StoreOption = None,
    since: Annotated[
        datetime.datetime | None,
        typer.Option("--since", metavar="DATE", formats=["%Y-%m-%d"], help="Only labels from this date on, UTC."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    List the extragalactic transients that the policy set aside, or people rejected, before others named them.

    Needs labels: `ampel-followup label import`.
    """
    from ampel_followup.audit import audit as audit_store
    from ampel_followup.store import Store
    from ampel_followup.weekly.text import MISS_COLUMNS, miss_row

    with Store.open(store, read_only=True) as opened:
        found = audit_store(opened, since=since.date().isoformat() if since is not None else None)
    if as_json:
        print_json({**found.to_dict(), "misses": [miss.to_dict() for miss in found.misses]})
        return
    out = console()
    out.print(
        f"{found.n_labelled} objects with a label, {found.n_extragalactic} of them extragalactic transients, of which "
        f"{len(found.good)} were in a plan before they were named",
        markup=False,
    )
    if not found.good:
        return
    out.print(
        f"{found.n_missed} of these were missed ({100 * found.missed_fraction:.1f} %): {found.n_set_aside} set aside "
        f"by the policy, {found.n_rejected} rejected by people",
        markup=False,
    )
    if found.misses:
        optional = ("stage", "galactic", "real", "policy", "assistant", "source", "by")
        print_table(MISS_COLUMNS, map(miss_row, found.misses), optional=optional)
