"""`ampel-followup evaluate attention`: classification at any age, with attention, without it, and by a forest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress

#: What is compared unless told otherwise.
COMPARED = (
    "gru,attention-gru,time-attention,feature-attention,pooled-attention,pooled-attention-host,"
    "forest,boosted,forest-host,boosted-host"
)


def attention(
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA", help="Folders of SNPCC or ELAsTiCC; each is a comparison of its own."),
    ],
    models: Annotated[
        str, typer.Option("--models", metavar="NAMES", help="What is compared, divided by commas.")
    ] = COMPARED,
    seeds: Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="Splits and trainings of each.")] = 5,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, metavar="S", help="Seeds are S, S + 1, …")] = 1,
    steps: Annotated[
        int, typer.Option("--steps", min=2, metavar="T", help="Of the grid of the GRUs; as published 128.")
    ] = 32,
    units: Annotated[
        int, typer.Option("--units", min=4, metavar="U", help="Of each layer; as published 100 for GRUs.")
    ] = 48,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, metavar="N", help="Of training, at most; in each all objects are seen.")
    ] = 25,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results", metavar="DIR", help="Where every run is kept, so that an interrupted command goes on."
        ),
    ] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw the figures there, as PNG and SVG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Compare classifiers of light curves of which only the first points are known.

    Objects are split class by class: 60 % to train on, 15 % to stop and to calibrate, 25 % to test on. Every model is
    trained once for all ages, and measured at 10, 25, 50, 75 and 100 % of the points by the mean of the classes'
    recalls. The forest sees the hand-made features of the same points; boosted trees see them too, and learn from
    random beginnings of each light curve, as networks do. Those with -host know the photometric redshift of the host
    besides. The manual (docs/attention.md) defines each number.

    It needs TensorFlow (the train extra), and takes an hour on two cores; each run is kept as soon as it is done, so
    that the same command goes on where it was interrupted.
    """
    import platformdirs

    from ampel_followup.evaluation.attention import summarise
    from ampel_followup.evaluation.attention_data import load_labelled_curves
    from ampel_followup.evaluation.attention_runs import RunOptions, run_all
    from ampel_followup.learning.attention_training import FitOptions
    from ampel_followup.models.attention_options import KINDS, NetworkOptions

    if plots is not None:
        from ampel_followup.plotting import figure_class

        figure_class()  # what is missing is said before the work
    names = list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    options = RunOptions(
        networks=tuple(
            NetworkOptions(kind, steps=steps if kind in ("gru", "attention-gru") else 0, units=units) for kind in KINDS
        ),
        fit=FitOptions(rounds=rounds),
    )
    kept = results or platformdirs.user_cache_path("ampel-followup") / "attention"
    chosen = range(first_seed, first_seed + seeds)
    loaded = [load_labelled_curves(folder) for folder in data]
    summaries: list[dict[str, Any]] = []
    with progress(quiet=as_json) as bars:
        for one in loaded:
            task = bars.add_task(one.name, total=len(names) * seeds)
            runs = run_all(
                one,
                names,
                chosen,
                options,
                kept,
                progress=lambda what, done, total, task=task: bars.update(  # type: ignore[misc]
                    task, description=what, completed=done, total=total
                ),
            )
            summary = summarise(one, runs, names, chosen, options)
            if plots is not None:
                from ampel_followup.evaluation.attention_plots import write_attention_figures

                summary["plots"] = [str(file) for file in write_attention_figures(plots, one, summary, runs)]
            summaries.append(summary)
    result = {
        "protocol": {
            "seeds": list(chosen),
            "shares": list(options.shares),
            "fractions": list(options.fractions),
            "grid_steps": steps,
            "units": units,
            "rounds": rounds,
            "results": str(kept),
        },
        "comparisons": summaries,
    }
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    line, protocol = console(), result["protocol"]
    for one in result["comparisons"]:
        data = one["data"]
        line.print(f"{data['name']}: {data['note']}", markup=False)
        classes = ", ".join(f"{n} {name}" for name, n in data["classes"].items())
        line.print(f"{data['objects']} objects: {classes}; seeds {protocol['seeds']}", markup=False)
        fractions = [f"{fraction:g}" for fraction in protocol["fractions"]]
        print_table(
            ["model", *((f"{float(at):.0%}", "right") for at in fractions), ("training", "right")],
            [
                [model, *(_pm(found["macro_recall"][at]) for at in fractions), f"{found['training_seconds']:.0f} s"]
                for model, found in one["models"].items()
            ],
            title="macro recall at fractions of the points, mean ± standard deviation over seeds",
        )
        print_table(
            ["difference", *((f"{float(at):.0%}", "right") for at in fractions)],
            [[f"{pair['model']} − {pair['less']}", *(_pm(pair[at], sign="+") for at in fractions)]
             for pair in one["paired"]],
        )  # fmt: skip
        for goal in one["goals"]:
            line.print(_told(goal), markup=False)
        for file in one.get("plots", ()):
            line.print(file, markup=False)


def _told(goal: dict[str, Any]) -> str:
    answer = "no" if not goal["reached"] else "yes" if goal["beyond_the_spread"] else "yes, within the spread of seeds"
    wanted = f" by {goal['wanted']:g}" if goal["wanted"] else ""
    interval = "" if goal["interval"] is None else " ({:+.3f} to {:+.3f})".format(*goal["interval"])
    return (
        f"{goal['model']} better than {goal['better_than']} at {goal['fraction']:.0%}{wanted}: {answer}; "
        f"{goal['by']:+.3f}{interval}, better in {goal['better_in']} of {goal['of']}"
    )


def _pm(values: dict[str, Any], sign: str = "") -> str:
    mean = f"{values['mean']:{sign}.3f}"
    return mean if values["sd"] is None else f"{mean} ± {values['sd']:.3f}"
