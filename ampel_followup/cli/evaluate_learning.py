"""`ampel-followup evaluate learning`: how many spectra query strategies save, on data with known classes."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress
from ampel_followup.errors import StrategyError

if TYPE_CHECKING:
    from ampel_followup.learning.budgets import Telescope

#: Strategies that are compared unless told otherwise: of `uncertainty`, `margin` and `entropy` one is enough.
COMPARED = "random,brightest,uncertainty,boundary,diverse,committee,information-value"


class StartOption(StrEnum):
    """Which labels there are before the first query."""

    RANDOM = "random"
    SPECTROSCOPIC = "spectroscopic"


class AimOption(StrEnum):
    """What the line between Ia and not is drawn for where strategies look at it."""

    PRODUCT = "efficiency-purity"
    PURITY = "purity"


class PartOption(StrEnum):
    """Which objects are used: a half to develop on, the other to report on, or all."""

    ALL = "all"
    DEVELOPMENT = "development"
    REPORT = "report"


def learning(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Folder of SNPCC or ELAsTiCC, or a table with id, label, features, mag."),
    ],
    strategies: Annotated[
        str, typer.Option("--strategies", metavar="NAMES", help="Query strategies, divided by commas.")
    ] = COMPARED,
    seeds: Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="Repetitions of each.")] = 10,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, metavar="S", help="Seeds are S, S + 1, …")] = 1,
    start: Annotated[
        StartOption, typer.Option("--start", help="Labels at random, or the biased spectroscopic sample of the data.")
    ] = StartOption.RANDOM,
    start_labels: Annotated[int, typer.Option("--start-labels", min=4, metavar="N", help="Of a random start.")] = 20,
    queries: Annotated[int, typer.Option("--queries", min=1, metavar="N", help="Spectra altogether.")] = 300,
    batch: Annotated[int, typer.Option("--batch", min=1, metavar="N", help="Spectra of a night, at most.")] = 10,
    test: Annotated[
        int, typer.Option("--test", min=10, metavar="N", help="Objects to test on, never asked about.")
    ] = 2000,
    part: Annotated[PartOption, typer.Option("--part", help="Of the objects.")] = PartOption.ALL,
    age: Annotated[
        float | None,
        typer.Option("--age", min=0.0, metavar="D", help="SNPCC: days after the first detection that are used. [20]"),
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="SNPCC: use whole light curves.")] = False,
    magnitude_limit: Annotated[
        float | None, typer.Option("--magnitude-limit", metavar="MAG", help="No fainter object is asked about.")
    ] = None,
    telescope: Annotated[
        list[str] | None,
        typer.Option(
            "--telescope",
            metavar="INSTRUMENT=HOURS",
            help="Spectrograph and its hours a night; repeat for several. Costs are of its exposures.",
        ),
    ] = None,
    purity: Annotated[
        float, typer.Option("--purity", min=0.01, max=1.0, metavar="P", help="Also: efficiency at this purity.")
    ] = 0.89,
    aim: Annotated[
        AimOption, typer.Option("--aim", help="Where `boundary` and `diverse` see the line: best product, or --purity.")
    ] = AimOption.PRODUCT,
    levels: Annotated[
        str, typer.Option("--levels", metavar="LEVELS", help="Of efficiency × purity, divided by commas.")
    ] = "0.5,0.6,0.7",
    at_labels: Annotated[
        int | None, typer.Option("--at-labels", metavar="N", help="Give all measures at so many labels, too.")
    ] = 310,
    trees: Annotated[int, typer.Option("--trees", min=20, metavar="N", help="Of the forest.")] = 100,
    id_column: Annotated[str, typer.Option("--id-column", metavar="NAME", help="Of a table.")] = "id",
    label_column: Annotated[str, typer.Option("--label-column", metavar="NAME", help="Of a table.")] = "label",
    results: Annotated[
        Path | None,
        typer.Option(
            "--results", metavar="DIR", help="Where every run is kept, so that an interrupted command goes on."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Processes; by default one per core. Results are the same."),
    ] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw the figures there, as PNG and SVG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Compare query strategies: what a classifier of early type Ia supernovae learns from the same number of spectra.

    Starting from a few labels, every strategy asks for the classes of objects, night after night; the classifier is
    trained anew after each and measured on objects that are never asked about. The manual (docs/active-learning.md)
    defines each number.

    A whole comparison takes some minutes on two cores; each run is kept as soon as it is done, so that the same command
    goes on where it was interrupted.
    """
    import numpy as np

    from ampel_followup.evaluation.learning_curves import summarise
    from ampel_followup.evaluation.learning_data import DECISION_AGE, load_learning_data
    from ampel_followup.evaluation.learning_loop import LoopOptions
    from ampel_followup.evaluation.learning_runs import digest_of, run_all
    from ampel_followup.learning.early_classifier import EarlyOptions
    from ampel_followup.learning.plots import check_plotting

    if plots is not None:
        check_plotting()
    if whole and age is not None:
        raise StrategyError("--age and --whole contradict each other; give one of them")
    names = _names(strategies)
    options = LoopOptions(
        start=start.value,
        n_start=start_labels,
        queries=queries,
        batch=batch,
        n_test=test,
        telescopes=_telescopes(telescope or [], magnitude_limit),
        purity=purity,
        aim=aim.value,
        classifier=EarlyOptions(n_trees=trees),
    )
    wanted_levels = _levels(levels)
    with progress(quiet=as_json) as bars:
        task = bars.add_task("features", total=None)
        loaded = load_learning_data(
            data,
            age=None if whole else (DECISION_AGE if age is None else age),
            id_column=id_column,
            label_column=label_column,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        ).part(part.value)
        task = bars.add_task("runs", total=None)
        kept = results or _default_results()
        runs = run_all(
            loaded,
            names,
            range(first_seed, first_seed + seeds),
            options,
            kept,
            workers=workers or os.cpu_count() or 1,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
        summary = summarise(runs, wanted_levels, at_labels, batch, np.random.default_rng(first_seed))
    result: dict[str, Any] = {
        "data": loaded.name,
        "note": loaded.note,
        "part": part.value,
        "objects": len(loaded),
        "ia": int(loaded.is_ia.sum()),
        "start": start.value,
        "queries": queries,
        "batch": batch,
        "trees": trees,
        "purity_wanted": purity,
        "aim": aim.value,
        "telescopes": [t.name for t in options.telescopes],
        "results": str(kept / digest_of(loaded, options)),
        **summary,
    }
    if plots is not None:
        from ampel_followup.evaluation.learning_plots import write_learning_figures

        title = f"{loaded.name}, from {summary['start_labels'][0]} labels ({start.value})"
        note = f"{loaded.note}; mean of {seeds} seeds, 95 % intervals"
        result["plots"] = [str(file) for file in write_learning_figures(plots, result, title, note)]
    if as_json:
        print_json(result)
    else:
        _print(result)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise StrategyError(f"--strategies {text!r} names nothing, or something twice; give names divided by commas")
    return names


def _levels(text: str) -> list[float]:
    try:
        values = [float(value) for value in text.split(",") if value.strip()]
    except ValueError:
        values = [0.0]
    if not all(0.0 < value < 1.0 for value in values):
        raise StrategyError(f"--levels {text!r}: give numbers between 0 and 1, divided by commas")
    return values


def _telescopes(described: list[str], limit: float | None) -> tuple[Telescope, ...]:
    from ampel_followup.learning.budgets import Telescope
    from ampel_followup.observing.instruments import get_instrument

    faintest = float("inf") if limit is None else limit
    if not described:
        return () if limit is None else (Telescope("any", faintest=faintest),)
    telescopes = []
    for text in described:
        name, _, hours = text.rpartition("=")
        try:
            seconds = 3600.0 * float(hours)
        except ValueError:
            name = ""
        if not name:
            raise StrategyError(f"--telescope {text!r}: give INSTRUMENT=HOURS, such as sedm=3")
        instrument = get_instrument(name)
        telescopes.append(Telescope(instrument.key, seconds, faintest, instrument))
    return tuple(telescopes)


def _default_results() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("ampel-followup") / "learning"


def _print(result: dict[str, Any]) -> None:
    line = console()
    line.print(f"{result['data']}: {result['note']}", markup=False)
    line.print(
        f"{result['objects']} objects ({result['ia']} Ia), part: {result['part']}; tested on {result['test']}, pool "
        f"{result['pool']}; from {result['start_labels'][0]} labels ({result['start']}), {result['spectra'][-1]} "
        f"spectra, {result['batch']} a night; seeds {result['seeds'][0]} to {result['seeds'][-1]}",
        markup=False,
    )
    measures = (
        ("accuracy", "accuracy"),
        ("efficiency", "efficiency"),
        ("purity", "purity"),
        ("efficiency_purity", "efficiency × purity"),
        ("figure_of_merit", "figure of merit"),
    )
    print_table(
        ("strategy", *((label, "right") for _, label in measures)),
        [(name, *(_pm(told["final"][key]) for key, _ in measures)) for name, told in result["strategies"].items()],
        title=f"after {result['spectra'][-1]} spectra, mean and 95 % interval over seeds",
    )
    levels = list(next(iter(result["strategies"].values()))["spectra_needed"])
    columns = [(f"to {level}", "right") for level in levels]
    if result["baseline_level"] is not None:
        columns += [(f"to {result['baseline_level']:.3f}, as random at last", "right"), ("spectra saved", "right")]
    print_table(
        ("strategy", *columns),
        [
            (
                name,
                *(_needed(told["spectra_needed"][level]) for level in levels),
                *([_needed(told["spectra_to_baseline"]), _saved(told["saved"])] if "saved" in told else []),
            )
            for name, told in result["strategies"].items()
        ],
        title="spectra needed for efficiency × purity",
    )
    if result["telescopes"]:
        hours = ", ".join(f"{name} {told['telescope_hours']:.1f} h" for name, told in result["strategies"].items())
        line.print(f"time of {', '.join(result['telescopes'])}: {hours}", markup=False)
    for file in result.get("plots", ()):
        line.print(file, markup=False)
    line.print(f"runs kept in {result['results']}", markup=False)


def _pm(spread: dict[str, float]) -> str:
    return f"{spread['mean']:.3f} ({spread['low']:.3f}–{spread['high']:.3f})"


def _needed(interval: dict[str, float | None]) -> str:
    value, low, high = (interval[key] for key in ("value", "low", "high"))
    if value is None:
        return "not reached"
    return f"{value:.0f} ({'–' if low is None else f'{low:.0f}'} to {'–' if high is None else f'{high:.0f}'})"


def _saved(interval: dict[str, float | None]) -> str:
    value, low, high = (interval[key] for key in ("value", "low", "high"))
    if value is None:
        return "none"
    return f"{value:.0%} ({'–' if low is None else f'{low:.0%}'} to {'–' if high is None else f'{high:.0%}'})"
