"""`ampel-followup evaluate anomaly`: one class left out of training at a time, and how soon verdicts find it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress


def anomaly(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with any of snpcc and plasticc_features.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="Repetitions.")] = 5,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, metavar="S", help="Seeds are S, S + 1, …")] = 1,
    runs: Annotated[
        Path | None,
        typer.Option("--runs", metavar="FILE", help="Keep finished runs there: what was broken off goes on."),
    ] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw the figures there, as PNG and SVG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Leave one class out of training at a time, and count it among the first 50 shown.

    Models see half of the objects, without the class; what is shown is from the other half, all classes. 30 verdicts
    are asked, five at a time, on what is shown first. Printed is the share of the class at random, before any verdict,
    and after them: among the first 50 with those that were judged interesting on top, and among the next 50 that were
    not judged. About four seconds for each class and seed on one core.

    Beside it stands what a classifier finds that has all labels, of the class left out too: more cannot be asked of
    these features and this pool. And active anomaly discovery (AAD), asked the same, where coniferest (extra `anomaly`)
    is installed.
    """
    from ampel_followup.evaluation.anomaly import evaluate_anomaly
    from ampel_followup.evaluation.anomaly_data import load_class_tables

    if plots is not None:
        from ampel_followup.plotting import figure_class

        figure_class()
    with progress(quiet=as_json) as bars:
        reading = bars.add_task("reading", total=None)
        tables = load_class_tables(data, lambda done, total: bars.update(reading, completed=done, total=total))
        task = bars.add_task("leaving out", total=seeds * sum(len(table.classes) for table in tables))

        def report(stage: str, done: int, total: int) -> None:
            bars.update(task, description=stage, completed=done, total=total)

        result = evaluate_anomaly(tables, range(first_seed, first_seed + seeds), runs_file=runs, progress=report)
    if plots is not None:
        from ampel_followup.evaluation.anomaly_plots import write_anomaly_figures

        result["plots"] = [str(file) for file in write_anomaly_figures(plots, result)]
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    print_table(
        (
            "left out",
            ("of the pool", "right"),
            ("at random", "right"),
            ("by score alone", "right"),
            ("no verdicts", "right"),
            ("30 verdicts", "right"),
            ("not judged", "right"),
            ("found by verdicts", "right"),
            ("all labels", "right"),
            ("AAD, 30 verdicts", "right"),
        ),
        (
            (
                f"{one['data']}: {one['left_out']}",
                f"{one['of_class']['mean']:.0f} of {one['pool']['mean']:.0f}",
                *(
                    _percent(one[key])
                    for key in ("at_random", "by_score", "without_feedback", "with_judged", "not_judged")
                ),
                f"{one['found_by_verdicts']['mean']:.1f}",
                _percent(one["all_labels_with_judged"]),
                _percent(one["aad_with_judged"]) if "aad_with_judged" in one else None,
            )
            for one in result["classes"]
        ),
    )
    line = console()
    reached = sum(one["reached"] for one in result["classes"])
    line.print(
        f"60 % of the first {result['first']} after {result['verdicts']} verdicts: {reached} of "
        f"{len(result['classes'])} classes; seeds {result['seeds'][0]} to {result['seeds'][-1]}",
        markup=False,
    )
    for one in result["calibration"]:
        shares = ", ".join(
            f"{100 * float(q):.0f} %: {100 * value['mean']:.1f} ± {100 * value['sd']:.1f} %"
            for q, value in one["above"].items()
        )
        line.print(f"{one['data']}, objects of known classes that score above 1 − q: {shares}", markup=False)
    for file in result.get("plots", ()):
        line.print(file, markup=False)


def _percent(one: dict[str, Any]) -> str:
    mean, deviation = 100.0 * one["mean"], one["sd"]
    return f"{mean:.0f} %" if deviation is None else f"{mean:.0f} ± {100.0 * deviation:.0f} %"
