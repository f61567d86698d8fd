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
            metavar="DATA",
            help="Folder with any of snpcc, elasticc, ztf_bts_snia, rr_lyrae and ztf_alerts; and microlensing, with "
            "real events.",
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
    urgent: Annotated[
        int,
        typer.Option(
            "--urgent",
            min=0,
            metavar="N",
            help="Objects that are no lens, of each survey, gone through night by night.",
        ),
    ] = 40,
    events: Annotated[bool, typer.Option("--events/--no-events", help="Go through the real events.")] = True,
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
    variable stars, nuclei; some of it is gone through night by night, too, to see how often it becomes urgent. Real
    events come last. The manual (docs/microlensing.md) defines each number; a quarter of an hour on two cores.
    """
    from ampel_followup.evaluation.microlensing import Sizes, evaluate
    from ampel_followup.evaluation.microlensing_data import load_donors
    from ampel_followup.evaluation.microlensing_events import FOLDER, evaluate_events
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
            sizes=Sizes(others, lenses, planets, urgent),
            progress=report,
        )
        result["events"] = []
        if events and (data / FOLDER).is_dir():
            report("real events", seeds - 1, seeds)
            result["events"] = evaluate_events(data / FOLDER, loaded)
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
        f"lenses from P = {result['threshold']:.3f} on, urgent from P(departure) = {result['alarm']:.3f} on",
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
    _print_urgent(result["urgent"])
    _print_events(result["events"])
    for file in result.get("plots", ()):
        line.print(file, markup=False)


def _print_urgent(table: list[dict[str, Any]]) -> None:
    if table:
        print_table(
            (
                "no lens",
                "kind",
                ("objects", "right"),
                ("ever urgent", "right"),
                "95 % interval",
                ("nights", "right"),
                ("urgent", "right"),
                "95 % interval",
            ),
            (
                (
                    one["survey"],
                    one["kind"],
                    ever["objects"],
                    _pm(ever),
                    _interval(ever),
                    night["objects"],
                    f"{100.0 * night['share']:.2f} %",
                    _interval(night),
                )
                for one, ever, night in ((one, one["per_object"], one["per_night"]) for one in table)
            ),
        )


def _print_events(table: list[dict[str, Any]]) -> None:
    if table:
        print_table(
            (
                "real event",
                "cadence",
                ("points", "right"),
                ("P", "right"),
                ("called [d from peak]", "right"),
                ("planet flagged after [d]", "right"),
                ("urgent otherwise", "right"),
            ),
            (
                (
                    one["event"],
                    one["cadence"],
                    one["points"],
                    f"{one['p_microlensing']:.3f}",
                    "never" if one["called_mjd"] is None else f"{one['called_mjd'] - one['peak_mjd']:+.1f}",
                    _after(one),
                    f"{one['urgent_otherwise']} of {one['times']}",
                )
                for one in table
            ),
        )


def _after(one: dict[str, Any]) -> str:
    if "planet_points" not in one:
        return "no planet"
    if not one["planet_points"]:
        return "not observed"
    days = one["planet_after_days"]
    return f"{days:.2f}" if days is not None else f"missed ({one['planet_points']} points)"


def _pm(one: dict[str, Any]) -> str:
    mean, deviation = 100.0 * one["share"], one["sd"]
    return f"{mean:.1f} %" if deviation is None else f"{mean:.1f} ± {100.0 * deviation:.1f} %"


def _interval(one: dict[str, Any]) -> str:
    return f"{100.0 * one['low']:.1f}–{100.0 * one['high']:.1f} %"
