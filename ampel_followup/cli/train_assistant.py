"""`ampel-followup train assistant`: scores of real, galactic and fast from a table of people's labels."""

from __future__ import annotations

import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress
from ampel_followup.errors import BundleError, TrainingError

if TYPE_CHECKING:
    from ampel_followup.learning.assistant_tables import Day


class DayOption(StrEnum):
    """When an object enters, or at a later visit."""

    FIRST = "1"
    LATER = "N"


def assistant(
    x: Annotated[Path, typer.Argument(metavar="X", help="Table of features, a row per visit (CSV, ECSV, Parquet).")],
    y: Annotated[
        Path,
        typer.Argument(metavar="Y", help="Table with the type of each: good, galactic, pm, garbage or AGN; and fast."),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the bundle to write, or to add this day to.")
    ],
    day: Annotated[
        DayOption | None,
        typer.Option("--day", help="First visits, or all; by default told by the column dayN."),
    ] = None,
    also: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--also", metavar="X1 Y1", help="For day N: first visits of more objects, to learn from."),
    ] = None,
    id_column: Annotated[
        str, typer.Option("--id-column", metavar="NAME", help="Column that names the object, in all tables.")
    ] = "ATLAS_ID",
    extra: Annotated[
        str | None, typer.Option("--extra", metavar="A,B,…", help="Further columns of numbers to learn from.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the bundle; by default that of its folder.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, metavar="K", help="Parts for cross-validation.")] = 5,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, metavar="R", help="Cross-validations with other parts.")
    ] = 3,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="The same seed gives the same models.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the models of this day.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Train the assistant on people's labels, for first visits or for later ones.

    Tables are those of the ATLAS Virtual Research Assistant; the manual (docs/assistant.md) names the columns. The
    bundle keeps the models of the cross-validation, so that `evaluate assistant` is honest on the same table. A bundle
    can hold both days: train the second with the same --out.
    """
    from ampel_followup.learning.assistant_tables import read_assistant_table
    from ampel_followup.learning.assistant_training import train_assistant
    from ampel_followup.models.assistant_saving import save_assistant

    columns = tuple(part.strip() for part in extra.split(",") if part.strip()) if extra else ()
    table = read_assistant_table(x, y, day.value if day else None, id_column=id_column, extra=columns)
    _check_out(out, table.day, overwrite)
    if also is not None and table.day == "1":
        raise TrainingError("--also adds first visits to day N; a table of day 1 holds them itself: join the files")
    first = None if also is None else read_assistant_table(*also, "1", id_column=id_column, extra=columns)
    with progress(quiet=as_json) as bars:
        task = bars.add_task("training", total=None)
        result = train_assistant(
            table,
            first,
            folds=folds,
            repeats=repeats,
            seed=seed,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
    sources = ", ".join(str(path.name) for path in (x, y, *(also or ())))
    bundle = save_assistant(
        out,
        {
            "name": name or out.resolve().name,
            "version": "1",
            "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "description": f"trained on {sources}",
            "feature_sets": {},
            "galactic_weight": 0.5,
        },
        {table.day: result.trained},
    )
    summary = {
        "bundle": str(out),
        "digest": bundle.digest,
        "days": list(bundle.days),
        "day": table.day,
        "scores": {
            score: len(bundle.info["scores"][table.day][score]["features"]) for score in bundle.scores(table.day)
        },
        "training": result.trained.training,
        "metrics": result.trained.metrics,
        "notes": list(result.notes),
    }
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def _check_out(out: Path, day: Day, overwrite: bool) -> None:
    """Refuse, before the work rather than after it, a place that the models cannot be written to."""
    from ampel_followup.cli.train import check_folder
    from ampel_followup.models.assistant_bundle import load_assistant

    check_folder(out)
    if (out / "bundle.json").exists() and day in load_assistant(out).days and not overwrite:
        raise BundleError(
            f"{out} has models of day {day} already; name another folder with --out, or replace them by --overwrite"
        )


def _print(summary: dict[str, Any]) -> None:
    line, training, metrics = console(), summary["training"], summary["metrics"]
    line.print(f"day {summary['day']}: {training['rows']} rows of {training['objects']} objects", markup=False)
    print_table(("type", ("objects", "right")), list(training["objects_by_type"].items()))
    print_table(("score", ("features", "right")), list(summary["scores"].items()))
    line.print(
        f"area under recall at rank, cross-validated, at the mix of the stream: {metrics['aurak']:.4f} ± "
        f"{metrics['aurak_sd']:.4f} over {metrics['repeats']} repetitions",
        markup=False,
    )
    for note in summary["notes"]:
        line.print(note, markup=False)
    line.print(f"bundle: {summary['bundle']}", markup=False)
