"""`ampel-followup labels`: what others found objects to be."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ampel_followup.cli.output import JsonOption, StoreOption, console, print_json, print_table
from ampel_followup.labels import Kind
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from ampel_followup.learning.label_files import LabelTable

app = typer.Typer(no_args_is_help=True, help="What others found objects to be.")

# So many are named on the screen; with --json all are.
_NAMED = 10

_ColumnOption = str | None


@app.command(name="import")
def import_labels(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, ECSV, Parquet or JSON with names and types.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="NAME",
            help="Who says so: spectrum, TNS, human, or another name; exports of TNS and BTS are recognised.",
        ),
    ] = None,
    author: Annotated[
        str, typer.Option("--author", metavar="NAME", help="Whom labels are by that do not say it.")
    ] = "",
    name_column: Annotated[_ColumnOption, typer.Option("--name-column", metavar="COLUMN")] = None,
    class_column: Annotated[_ColumnOption, typer.Option("--class-column", metavar="COLUMN")] = None,
    time_column: Annotated[
        _ColumnOption, typer.Option("--time-column", metavar="COLUMN", help="When it was said, UTC, ISO 8601.")
    ] = None,
    redshift_column: Annotated[_ColumnOption, typer.Option("--redshift-column", metavar="COLUMN")] = None,
    confidence_column: Annotated[
        _ColumnOption, typer.Option("--confidence-column", metavar="COLUMN", help="Probability, 0 to 1.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Add the labels of a table to the store.

    Takes the public table of TNS, an export of the Bright Transient Survey, or any table with a name and a type. Labels
    that are known already are not added again, so that the same table can be imported every week. Bad rows are named,
    and never stop the others.

    Example: `ampel-followup labels import tns_public_objects.csv`
    """
    from ampel_followup.learning.label_files import read_labels
    from ampel_followup.store import Store

    asked = {
        "name": name_column,
        "type": class_column,
        "time": time_column,
        "redshift": redshift_column,
        "confidence": confidence_column,
    }
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    columns = {what: column for what, column in asked.items() if column is not None}
    table = read_labels(file, now=now, source=source, author=author, columns=columns)
    with Store.open(store) as opened:
        added, known = opened.add_labels(table.labels)
        url = opened.url
    unknown = Counter(label.type for label in table.labels if label.kind is Kind.UNKNOWN)
    if as_json:
        print_json(
            {
                "file": str(file),
                "store": url,
                "rows": table.n_rows,
                "labels": len(table.labels),
                "added": added,
                "known": known,
                "unclassified": table.n_unclassified,
                "unknown_types": dict(unknown.most_common()),
                "bad": [asdict(row) for row in table.bad],
            }
        )
        return
    _print_import(table, added, known, unknown)


def _print_import(table: LabelTable, added: int, known: int, unknown: Counter[str]) -> None:
    out = console()
    out.print(
        f"{table.n_rows} rows with {len(table.labels)} labels: {added} added, {known} known already; "
        f"{table.n_unclassified} rows without a class, {len(table.bad)} bad ones",
        markup=False,
    )
    if unknown:
        named = ", ".join(f"{clean(label_type, 40)} ({count})" for label_type, count in unknown.most_common(_NAMED))
        out.print(f"Kept as they are, for their class is not known: {named}", markup=False)
    for row in table.bad[:_NAMED]:
        out.print(f"Bad row {row.row} ({clean(row.name, 40) or 'no name'}): {clean(row.reason)}", markup=False)
    if len(table.bad) > _NAMED:
        out.print(f"… and {len(table.bad) - _NAMED} more; --json names them all", markup=False)


@app.command(name="list")
def list_labels(
    store: StoreOption = None,
    target: Annotated[str | None, typer.Option("--target", metavar="ID", help="Only those of this object.")] = None,
    effective: Annotated[
        bool, typer.Option("--effective", help="Only those that hold: the latest of each source.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the labels in the store, in the order in which they came."""
    from ampel_followup.labels import effective_labels
    from ampel_followup.store import Store

    with Store.open(store, read_only=True) as opened:
        found = opened.labels(target)
    if effective:
        found = [label for held in effective_labels(found).values() for label in held]
    if as_json:
        print_json({"labels": [label.to_dict() for label in found]})
        return
    print_table(
        ("target", "class", "type", ("redshift", "right"), "source", "time", "author", ("confidence", "right")),
        (
            (x.target, x.class_name, x.type, x.redshift, x.source, x.time[:19] + "Z", x.author, x.confidence)
            for x in found
        ),
        optional=("author", "confidence", "time"),
    )
