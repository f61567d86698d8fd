"""`ampel-followup evaluate microlensing`: lenses found, lenses that are none, and planets flagged."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress


class PartOption(StrEnum):
    """Which objects are used: those the packaged bundle was trained on, the others, or all."""

    TEST = "test"
    TRAINING = "training"
    ALL = "all"


def microlensing(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Folder with any of snpcc, elasticc, ztf_bts_snia, rr_lyrae and ztf_alerts."
        ),
    ],
    bundle: Annotated[
        str | None, typer.Option("--bundle", metavar="NAME|DIR", help="Search for lenses; by default the packaged one.")
    ] = None,
    part: Annotated[
        PartOption, typer.Option("--part", help="Half of the objects is for training, the other to test on.")
    ] = PartOption.TEST,
    seeds: Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="Repetitions.")] = 3,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, metavar="S", help="Seeds are S, S + 1, …")] = 1,
    others: Annotated[
        int, typer.Option("--others", min=10, metavar="N", help="Objects that are no lens, of each survey, at most.")
    ] = 1000,
    lenses: Annotated[
        int, typer.Option("--lenses", min=1, metavar="N", help="Events put into the epochs of each survey.")
    ] = 300,
    planets: Annotated[
        int, typer.Option("--planets", min=0, metavar="N", help="Events with a planet, and as many without.")
    ] = 60,
    simulated: Annotated[
        int, typer.Option("--simulated", min=0, metavar="N", help="Objects of a simulation of ZTF, half a year each.")
    ] = 2000,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw the figure there, as PNG and SVG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Search for lenses where the answer is known, and for planets in them.

    Events are put into the epochs of real and simulated objects, those with a planet into long runs of real epochs of
    ZTF, which are gone through night by night. What is no lens counts as it is: supernovae, cataclysmic variables,
    variable stars, nuclei. The manual (docs/microlensing.md) defines each number; some minutes on two cores.
    """
    from ampel_followup.evaluation.microlensing import Sizes, evaluate
    from ampel_followup.evaluation.microlensing_data import load_donors
    from ampel_followup.models.microlensing_bundle import load_microlensing

    loaded = load_microlensing(bundle)
    if plots is not None:
        from ampel_followup.plotting import figure_class

        figure_class()
    with progress(quiet=as_json) as bars:
        task = bars.add_task("reading", total=None)
        donors = load_donors(
            data,
            simulated=simulated,
            seed=first_seed + 1000,  # others than those that were trained on
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
        task = bars.add_task("searching", total=seeds)

        def report(stage: str, done: int, total: int | None) -> None:
            bars.update(task, description=stage, completed=done, total=total)

        result = evaluate(
            donors,
            loaded,
            part=part.value,
            seeds=range(first_seed, first_seed + seeds),
            sizes=Sizes(others, lenses, planets),
            progress=report,
        )
    if plots is not None:
        from ampel_followup.evaluation.microlensing_plots import write_microlensing_figures

        result["plots"] = [str(file) for file in write_microlensing_figures(plots, result)]
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    line = console()
    line.print(
        f"bundle {result['bundle']}, part {result['part']}, seeds {result['seeds'][0]} to {result['seeds'][-1]}: "
        f"lenses from P = {result['threshold']:.3f} on, urgent from {result['alarm']:.1f}σ on",
        markup=False,
    )
    print_table(
        (
            "lenses put into",
            ("events", "right"),
            ("found", "right"),
            ("95 % interval", "right"),
            ("at the peak", "right"),
        ),
        (
            (one["survey"], one["objects"], _pm(one), _interval(one), f"{100 * one['at_peak']:.0f} %")
            for one in result["found"]
        ),
    )
    print_table(
        ("no lens", "kind", ("objects", "right"), ("called lenses", "right"), ("95 % interval", "right")),
        (
            (
                one["survey"] + ("" if one["real"] else " (simulated)"),
                one["kind"],
                one["objects"],
                _pm(one),
                _interval(one),
            )
            for one in result["false"]
        ),
    )
    for name, one in (("found", result["summary"].get("found")), ("false", result["summary"]["false"])):
        if one:
            line.print(f"all {name}: {_pm(one)} ({_interval(one)})", markup=False)
    planets = result["planets"]
    if planets["planets"]:
        print_table(
            (
                f"{planets['planets']} planets, {planets['shown']} show, {planets['events']} events without",
                ("share", "right"),
                "95 % interval",
            ),
            (
                (key.replace("_", " "), _pm(one), _interval(one) if "low" in one else None)
                for key, one in planets.items()
                if isinstance(one, dict)
            ),
        )
    for file in result.get("plots", ()):
        line.print(file, markup=False)


def _pm(one: dict[str, Any]) -> str:
    mean, deviation = 100.0 * one["share"], one["sd"]
    return f"{mean:.1f} %" if deviation is None else f"{mean:.1f} ± {100.0 * deviation:.1f} %"


def _interval(one: dict[str, Any]) -> str:
    return f"{100.0 * one['low']:.1f}–{100.0 * one['high']:.1f} %"
