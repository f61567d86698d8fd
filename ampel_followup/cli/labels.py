"""`ampel-followup label`: what objects turned out to be."""

from __future__ import annotations

import dataclasses
import datetime
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, StoreOption, console, print_json, print_table
from ampel_followup.labels import HUMAN, Kind, Label
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from ampel_followup.learning.label_files import LabelTable
    from ampel_followup.learning.label_matching import Matching

app = typer.Typer(
    no_args_is_help=True,
    help="What objects turned out to be. Labels are a record: nothing is overwritten.",
)

# So many are named on the screen; with --json all are.
_NAMED = 10

_ColumnOption = str | None
_SourceOption = typer.Option("--source", metavar="NAME", help="Who says so: spectrum, TNS, human, or another name.")


@app.command(name="set")
def set_label(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Survey name of the object, or the broker's number.")],
    label_type: Annotated[str, typer.Argument(metavar="CLASS", help="What it is, such as 'SN Ia' or 'SN IIn'.")],
    observer: Annotated[
        str,
        typer.Option("--observer", "--author", metavar="NAME", help="Who says so.", envvar="AMPEL_FOLLOWUP_OBSERVER"),
    ],
    source: Annotated[str, _SourceOption] = HUMAN,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.")] = "",
    redshift: Annotated[float | None, typer.Option("--redshift", metavar="Z")] = None,
    confidence: Annotated[
        float | None, typer.Option("--confidence", metavar="P", min=0, max=1, help="Probability that it is right.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Say what an object is.

    A spectrum that you took and classified counts most (`--source spectrum`), what you think by looking at the light
    curve least (the default, `human`). Labels that others gave stay beside it; `label list --conflicts` shows them.

    Example: `ampel-followup label set ZTF18abmjhtn 'SN Ia' --observer ada --source spectrum --comment 'SPRAT, z=0.03'`
    """
    nan = float("nan")
    label = Label(
        target=target.strip(),
        type=label_type.strip(),
        source=source,
        time=_now(),
        author=observer,
        confidence=nan if confidence is None else confidence,
        redshift=nan if redshift is None else redshift,
        comment=comment,
    )
    matching, added = _add(store, [label])
    [stored] = matching.labels
    unknown_class = stored.kind is Kind.UNKNOWN
    if as_json:
        print_json({"label": stored.to_dict(), "added": added, "unknown_object": bool(matching.unknown)})
        return
    out = console()
    said = f"{clean(stored.target)} is {clean(stored.class_name)} by {clean(stored.source)}, {clean(observer)}"
    out.print(said if added else f"{said}: known already", markup=False)
    if unknown_class:
        out.print(
            f"The class of {clean(stored.type)!r} is not known; `ampel-followup label taxonomy` lists them",
            markup=False,
        )
    _print_unknown(matching)


@app.command(name="import")
def import_labels(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, ECSV, Parquet or JSON with names and types.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="NAME",
            help="Who says so: spectrum, TNS, human, or another name; tables of TNS, BTS and ATLAS are recognised.",
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
    ra_column: Annotated[
        _ColumnOption, typer.Option("--ra-column", metavar="COLUMN", help="Degrees, or 15:05:07.6 in hours.")
    ] = None,
    observed: Annotated[
        bool, typer.Option("--observed", help="Only of objects that somebody marked as observed (`decide`).")
    ] = False,
    dec_column: Annotated[_ColumnOption, typer.Option("--dec-column", metavar="COLUMN", help="Degrees.")] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Add the labels of a table to the store.

    Takes the public table of TNS, its search results and JSON replies, an export of the Bright Transient Survey, tables
    of ATLAS, or any table with a name and a type. Objects are found by the survey's name, by the broker's number, or by
    position (within 2 arcsec). Labels of other objects are kept, and matched when the object appears. Labels that are
    known already are not added again, so that the same table can be imported every week. Bad rows are named, and never
    stop the others.

    Example: `ampel-followup label import tns_public_objects.csv`
    """
    from ampel_followup.learning.label_files import read_labels

    asked = {
        "name": name_column,
        "type": class_column,
        "time": time_column,
        "redshift": redshift_column,
        "confidence": confidence_column,
        "ra": ra_column,
        "dec": dec_column,
    }
    columns = {what: column for what, column in asked.items() if column is not None}
    table = read_labels(file, now=_now(), source=source, author=author, columns=columns)
    if observed:
        table = dataclasses.replace(table, labels=_of_observed(store, table.labels))
    matching, added = _add(store, table.labels)
    unknown = Counter(label.type for label in table.labels if label.kind is Kind.UNKNOWN)
    known = len(table.labels) - added
    if as_json:
        print_json(
            {
                "file": str(file),
                "store": _url(store),
                "rows": table.n_rows,
                "labels": len(table.labels),
                "added": added,
                "known": known,
                "matched": {
                    "name": matching.n_by_name,
                    "broker_id": matching.n_by_number,
                    "position": matching.n_by_position,
                },
                "unknown_objects": list(dict.fromkeys(label.target for label in matching.unknown)),
                "unclassified": table.n_unclassified,
                "unknown_types": dict(unknown.most_common()),
                "bad": [dataclasses.asdict(row) for row in table.bad],
            }
        )
        return
    _print_import(table, matching, added, known, unknown)


def _add(url: str | None, labels: Sequence[Label]) -> tuple[Matching, int]:
    """Match labels with the objects of a store and append them; return how they matched, and how many are new."""
    from ampel_followup.learning.label_matching import match
    from ampel_followup.store import Store

    with Store.open(url) as opened:
        matching = match(labels, opened.learning.objects())
        added, _ = opened.add_labels(matching.labels)
    return matching, added


def _of_observed(url: str | None, labels: Sequence[Label]) -> tuple[Label, ...]:
    """Keep the labels of objects that were observed, and that nobody took back."""
    from ampel_followup.decision import Verdict
    from ampel_followup.learning.label_matching import match
    from ampel_followup.store import Store

    with Store.open(url, create=False) as opened:
        decisions = opened.decisions()
        matched = match(labels, opened.learning.objects()).labels
    undone = {decision.undoes for decision in decisions}
    names = {d.target for d in decisions if d.verdict == Verdict.OBSERVED and d.id not in undone}
    return tuple(label for label in matched if label.target in names)


def _url(url: str | None) -> str:
    from ampel_followup.store import Store

    with Store.open(url, read_only=True) as opened:
        return opened.url


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _print_import(table: LabelTable, matching: Matching, added: int, known: int, unknown: Counter[str]) -> None:
    out = console()
    out.print(
        f"{table.n_rows} rows with {len(table.labels)} labels: {added} added, {known} known already; "
        f"{table.n_unclassified} rows without a class, {len(table.bad)} bad ones",
        markup=False,
    )
    out.print(
        f"matched with objects of the store: {matching.n_by_name} by name, {matching.n_by_number} by the broker's "
        f"number, {matching.n_by_position} by position",
        markup=False,
    )
    _print_unknown(matching)
    if unknown:
        named = ", ".join(f"{clean(label_type, 40)} ({count})" for label_type, count in unknown.most_common(_NAMED))
        out.print(f"Kept as they are, for their class is not known: {named}", markup=False)
    for row in table.bad[:_NAMED]:
        out.print(f"Bad row {row.row} ({clean(row.name, 40) or 'no name'}): {clean(row.reason)}", markup=False)
    if len(table.bad) > _NAMED:
        out.print(f"… and {len(table.bad) - _NAMED} more; --json names them all", markup=False)


def _print_unknown(matching: Matching) -> None:
    names = list(dict.fromkeys(label.target for label in matching.unknown))
    if names:
        named = ", ".join(clean(name, 40) for name in names[:3]) + (", …" if len(names) > 3 else "")
        objects = "unknown object" if len(names) == 1 else f"{len(names)} unknown objects"
        console().print(f"{objects} ({named}): kept; matched when the store sees them", markup=False)


@app.command(name="list")
def list_labels(
    store: StoreOption = None,
    target: Annotated[str | None, typer.Option("--target", metavar="ID", help="Only those of this object.")] = None,
    effective: Annotated[
        bool, typer.Option("--effective", help="Only those that hold: the latest of each source.")
    ] = False,
    conflicts: Annotated[
        bool, typer.Option("--conflicts", help="Only objects whose labels disagree, side by side.")
    ] = False,
    unmatched: Annotated[
        bool, typer.Option("--unmatched", help="Only those of objects that the store does not know.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the labels in the store, in the order in which they came."""
    from ampel_followup import labels
    from ampel_followup.store import Store

    with Store.open(store, read_only=True) as opened:
        found = opened.labels(target)
        if unmatched:
            known = {known.id for known in opened.learning.objects()}
            found = [label for label in found if label.target not in known]
    if conflicts:
        found = [label for held in labels.conflicts(found).values() for label in held]
    elif effective:
        found = [label for held in labels.effective_labels(found).values() for label in held]
    if as_json:
        print_json({"labels": [label.to_dict() for label in found]})
        return
    print_table(
        (
            "target", "class", "type", ("redshift", "right"), "source", "time", "author", ("confidence", "right"),
            "matched by", "comment",
        ),
        (
            (
                x.target, x.class_name, x.type, x.redshift, x.source, x.time[:19] + "Z", x.author, x.confidence,
                f"{x.matched} of {x.name}" if x.matched else "", x.comment,
            )
            for x in found
        ),
        optional=("author", "confidence", "time", "matched by", "comment"),
    )  # fmt: skip


@app.command(name="export")
def export_labels(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Ends in .csv, .ecsv or .json; - for CSV on the screen.")
    ],
    store: StoreOption = None,
    effective: Annotated[
        bool, typer.Option("--effective", help="Only those that hold: the latest of each source.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Write the labels of the store to a file, which `label import` takes back as they were.

    Example: `ampel-followup label export labels.ecsv`
    """
    from ampel_followup.errors import ExportError
    from ampel_followup.labels import effective_labels
    from ampel_followup.learning.label_export import labels_text, write_labels
    from ampel_followup.store import Store

    with Store.open(store, read_only=True) as opened:
        found = opened.labels()
    if effective:
        found = [label for held in effective_labels(found).values() for label in held]
    if str(file) == "-":
        sys.stdout.write(labels_text(found, ".csv"))
        return
    if file.exists() and not overwrite:
        raise ExportError(f"{file} is there already; name another file, or replace it by --overwrite")
    write_labels(file, found)
    if as_json:
        print_json({"file": str(file), "labels": len(found)})
    else:
        console().print(f"{len(found)} labels written to {file}", markup=False)


@app.command(name="taxonomy")
def show_taxonomy(
    label_type: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="Say what this type stands for; by default list all.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Say which class the types stand for that TNS, surveys and people write.

    Yours goes on top of it: `taxonomy.yml` in your configuration folder, or what AMPEL_FOLLOWUP_TAXONOMY names.
    """
    from ampel_followup.labels import class_of
    from ampel_followup.taxonomy import load_taxonomy

    taxonomy = load_taxonomy()
    if label_type is not None:
        name, kind = class_of(label_type)
        answer: dict[str, Any] = {"type": label_type, "class": name, "kind": str(kind)}
        if as_json:
            print_json(answer)
        else:
            console().print(f"{clean(label_type)}: {clean(name)}, {kind}", markup=False)
        return
    if as_json:
        print_json({"classes": [found.model_dump(mode="json") for found in taxonomy.classes]})
        return
    print_table(
        ("class", "kind", "learned from", "types", "types that begin with"),
        (
            (c.name, str(c.kind), "no, too coarse" if c.coarse else "yes", ", ".join(c.types), ", ".join(c.begins))
            for c in taxonomy.classes
        ),
    )
