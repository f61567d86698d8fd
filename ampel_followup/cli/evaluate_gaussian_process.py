"""`ampel-followup evaluate gaussian-process`: points predicted that were held out, and wiggles, under each kernel."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress


class PartOption(StrEnum):
    """Which objects are used: those that priors are from, the others, or all."""

    TEST = "test"
    TRAINING = "training"
    ALL = "all"


def gaussian_process(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with any of snpcc, ztf_bts_snia and paired_sn.")],
    part: Annotated[
        PartOption, typer.Option("--part", help="Half of the objects is for training, the other to test on.")
    ] = PartOption.TEST,
    objects: Annotated[
        int, typer.Option("--objects", min=1, metavar="N", help="Light curves of each set, with each seed.")
    ] = 300,
    simulated: Annotated[
        int, typer.Option("--simulated", min=0, metavar="N", help="Explosions of known flux in the epochs of snpcc.")
    ] = 600,
    seeds: Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="Repetitions.")] = 3,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, metavar="S", help="Seeds are S, S + 1, …")] = 1,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, metavar="N", help="By default one per core. Results are the same.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw light curves and gains there, as PNG and SVG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Predict points that were held out, with kernels that know of an explosion and with stationary ones.

    A fifth of the points of each light curve, or all within 15 to 40 days, are held out; parameters are fitted to the
    rest. Reported is the logarithm of the predictive density per point, and how often the mean turns round after the
    peak. The manual (docs/augmentation.md) defines each number; some minutes on two cores.
    """
    from ampel_followup.evaluation.gaussian_process import evaluate
    from ampel_followup.evaluation.gaussian_process_data import load_explosions

    if plots is not None:
        from ampel_followup.plotting import figure_class

        figure_class()
    with progress(quiet=as_json) as bars:
        task = bars.add_task("reading", total=None)
        sets = load_explosions(data, part.value, simulated, first_seed + 1000)

        def report(stage: str, done: int, total: int | None) -> None:
            bars.update(task, description=stage, completed=done, total=total)

        seed_range = range(first_seed, first_seed + seeds)
        result = evaluate(sets, objects=objects, seeds=seed_range, threads=threads, progress=report)
    result["part"] = part.value
    if plots is not None:
        from ampel_followup.evaluation.gaussian_process_plots import write_gaussian_process_figures

        files = write_gaussian_process_figures(plots, sets, result, first_seed)
        result["plots"] = [str(file) for file in files]
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    line = console()
    line.print(
        f"part {result['part']}, seeds {result['seeds'][0]} to {result['seeds'][-1]}, {result['objects']} light curves "
        "of each set at most",
        markup=False,
    )
    right = ("ln p per point", "more than stationary", "95 % interval", "better in", "rms pull", "within 95 %")
    print_table(
        ("set", "held out", "kernel", *((name, "right") for name in right)),
        (
            (
                one["set"] + ("" if one["real"] else " (simulated)"),
                one["held_out"],
                one["kernel"],
                _pm(one, "log_density", 2),
                f"{one['gain']:+.2f}",
                f"{one['gain_low']:+.2f} to {one['gain_high']:+.2f}",
                f"{100 * one['better']:.0f} %",
                f"{one['rms_pull']:.2f}",
                f"{100 * one['within_95']:.0f} %",
            )
            for one in result["held_out"]
        ),
    )
    print_table(
        (
            "set",
            "kernel",
            *((name, "right") for name in ("turning points", "true", "roughness / true", "error / peak")),
        ),
        (
            (
                one["set"] + ("" if one["real"] else " (simulated)"),
                one["kernel"],
                _pm(one, "turns", 2),
                _pm(one, "true_turns", 2) if "true_turns" in one else None,
                f"{one['roughness_ratio']:.2f}" if "roughness_ratio" in one else None,
                _pm(one, "error", 3) if "error" in one else None,
            )
            for one in result["wiggle"]
        ),
    )
    for file in result.get("plots", ()):
        line.print(file, markup=False)


def _pm(one: dict[str, Any], key: str, digits: int) -> str:
    mean, deviation = one[key], one[f"{key}_sd"]
    return f"{mean:.{digits}f}" if deviation is None else f"{mean:.{digits}f} ± {deviation:.{digits}f}"
