"""`ampel-followup evaluate assistant`: the assistant on a table of objects that people have named."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress
from ampel_followup.cli.train_assistant import DayOption
from ampel_followup.errors import TrainingError


class MixOption(StrEnum):
    """What the rows of the table are weighted to."""

    STREAM = "stream"
    AS_GIVEN = "as-given"


def assistant(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="Folder or name of the assistant's bundle.")],
    x: Annotated[Path, typer.Argument(metavar="X", help="Table of features, a row per visit (CSV, ECSV, Parquet).")],
    y: Annotated[Path, typer.Argument(metavar="Y", help="Table with the type of each.")],
    day: Annotated[
        DayOption | None, typer.Option("--day", help="First visits, or all; by default told by the column dayN.")
    ] = None,
    mix: Annotated[
        MixOption, typer.Option("--mix", help="Weigh the types to their shares of the stream, or leave them.")
    ] = MixOption.STREAM,
    entry: Annotated[
        Path | None,
        typer.Option("--entry", metavar="X1", help="Day-1 rows of the same objects: the policy's entry visit."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="YAML", help="By default the policy that comes along.")
    ] = None,
    id_column: Annotated[
        str, typer.Option("--id-column", metavar="NAME", help="Column that names the object, in all tables.")
    ] = "ATLAS_ID",
    draws: Annotated[int, typer.Option("--draws", min=100, metavar="N", help="Of the bootstrap over objects.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="Of the bootstrap.")] = 1,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw the figures there, as PNG and SVG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Measure the assistant on objects that people have named.

    Objects that the bundle was trained on are scored by the models of its cross-validation that have not seen them.
    The manual (docs/assistant.md) defines each number.
    """
    from ampel_followup.evaluation.assistant import evaluate_assistant, score_table
    from ampel_followup.learning.assistant_tables import read_assistant_table
    from ampel_followup.learning.plots import check_plotting
    from ampel_followup.models.assistant_bundle import load_assistant
    from ampel_followup.policy import load_policy

    if plots is not None:
        check_plotting()
    models, rules = load_assistant(bundle), load_policy(policy)
    table = read_assistant_table(x, y, day.value if day else None, id_column=id_column, extra=_extra(models, x))
    if entry is not None and table.day == "1":
        raise TrainingError("--entry names the first visits of the objects of a day-N table; this one is of day 1")
    with progress(quiet=as_json) as bars:
        bars.add_task("scoring and resampling", total=None)
        scored = score_table(models, table)
        first = None
        if entry is not None:
            visits = read_assistant_table(
                entry, y, "1", id_column=id_column, extra=_extra(models, entry), known_only=True
            )
            first = score_table(models, visits)
        result = evaluate_assistant(scored, rules, entry=first, mix=mix.value, draws=draws, seed=seed)
        if plots is not None:
            from ampel_followup.evaluation.assistant_plots import write_assistant_figures

            result["plots"] = [str(file) for file in write_assistant_figures(plots, scored, result)]
    result = {"bundle": models.label, "digest": models.digest} | result
    if as_json:
        print_json(result)
    else:
        _print(result)


def _extra(models: Any, x: Path) -> tuple[str, ...]:
    """Return the columns that the bundle asks for besides the known ones, and the table has."""
    from ampel_followup.learning.assistant_tables import DAY_N_COLUMNS
    from ampel_followup.learning.tables import read_table

    asked = {name for day in models.days for name in models.columns(day)} - set(DAY_N_COLUMNS)
    return tuple(sorted(asked & read_table(x).keys())) if asked else ()


def _print(result: dict[str, Any]) -> None:
    line = console()
    counts = ", ".join(f"{count} {name}" for name, count in result["rows_by_type"].items() if count)
    line.print(f"{result['rows']} rows of {result['objects']} objects, day {result['day']}: {counts}", markup=False)
    line.print(
        f"{result['out_of_fold']['rows']} rows of objects that the bundle was trained on, scored by models that were "
        f"not; {result['out_of_fold']['new']} rows of new objects; weighted: {result['mix']}",
        markup=False,
    )
    if result["mix"] == "stream" and result["absent_types"]:
        line.print(f"no object is {' or '.join(result['absent_types'])}: the other shares were raised", markup=False)
    names = {"aurak": "by rank", "aurak_rb": "by real/bogus score", "aurak_perfect": "perfect"}
    print_table(
        ("order", ("area under recall at rank", "right"), ("95 %", "right")),
        [
            (text, f"{result[key]:.4f}", _interval(result["intervals"][key], 4))
            for key, text in names.items()
            if result[key] is not None
        ],
    )
    print_table(
        (("looked at", "right"), ("good found", "right"), ("95 %", "right")),
        [(f"{r['share']:.0%}", f"{r['recall']:.3f}", _interval(r["interval"], 3)) for r in result["recall_at_k"]],
    )
    print_table(
        ("probability", ("Brier", "right"), ("log-loss", "right"), ("calibration error", "right")),
        [
            (name, *(f"{curve[key]:.4f}" for key in ("brier", "log_loss", "error")))
            for name, curve in result["calibration"].items()
        ],
    )
    confusion = result["confusion"]
    fates = list(next(iter(confusion.values())))
    print_table(("type", *((fate, "right") for fate in fates)), [(t, *n.values()) for t, n in confusion.items()])
    line.print(
        f"policy {result['policy']}: {result['workload_reduction']:.1%} fewer objects to look at; {result['lost']} of "
        f"{result['n_good']} good ones lost ({result['lost_fraction']:.2%}; at most {result['lost_upper_bound']:.2%} "
        "at 95 % confidence)",
        markup=False,
    )
    for note in (*result["notes"], *result.get("plots", ())):
        line.print(note, markup=False)


def _interval(bounds: list[float], digits: int) -> str:
    return f"{bounds[0]:.{digits}f}–{bounds[1]:.{digits}f}"
