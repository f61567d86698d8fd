"""`ampel-followup evaluate augmentation`: forests trained on few bright objects, with copies of these and without."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress


def augmentation(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of SNPCC.")],
    per_object: Annotated[int, typer.Option("--per-object", min=1, metavar="N", help="Copies of each.")] = 5,
    balanced: Annotated[bool, typer.Option("--balanced", help="More copies of rare classes.")] = False,
    tested: Annotated[int, typer.Option("--test", min=100, metavar="N", help="Objects to test on, at most.")] = 3000,
    trees: Annotated[int, typer.Option("--trees", min=10, metavar="N", help="Of each forest.")] = 200,
    seeds: Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="Repetitions.")] = 5,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, metavar="S", help="Seeds are S, S + 1, …")] = 1,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, metavar="N", help="By default one per core. Results are the same.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Train on the spectroscopic sample of SNPCC, with augmentation and without, and test on objects without spectrum.

    Compared are no copies, copies at their own redshift, at new ones, of the mean only, and by a stationary kernel.
    Copies are of training objects alone. Some minutes on two cores for each seed.
    """
    from ampel_followup.evaluation.augmentation import evaluate_augmentation, load_objects

    with progress(quiet=as_json) as bars:
        task = bars.add_task("reading", total=None)

        def report(stage: str, done: int, total: int | None) -> None:
            bars.update(task, description=stage, completed=done, total=total)

        result = evaluate_augmentation(
            load_objects(data),
            per_object=per_object,
            balanced=balanced,
            n_test=tested,
            trees=trees,
            seeds=range(first_seed, first_seed + seeds),
            threads=threads,
            progress=report,
        )
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    console().print(
        f"{result['trained_on']} objects with a spectrum, {result['per_object']} copies of each; "
        f"{result['objects']['test']} to test on, seeds {result['seeds'][0]} to {result['seeds'][-1]}",
        markup=False,
    )
    keys = ("macro_recall", "auc", "early_auc", "log_loss")
    print_table(
        ("days", "training set", *((name, "right") for key in keys for name in (key.replace("_", " "), "gain"))),
        (
            (
                "all" if one["age"] is None else f"{one['age']:.0f}",
                one["variant"],
                *(text for key in keys for text in (_pm(one[key], "mean"), _pm(one[key], "gain", "+"))),
            )
            for one in result["results"]
        ),
    )


def _pm(one: dict[str, Any], key: str, sign: str = "") -> str:
    deviation = one["sd" if key == "mean" else "gain_sd"]
    text = f"{one[key]:{sign}.3f}"
    return text if deviation is None else f"{text} ± {deviation:.3f}"
