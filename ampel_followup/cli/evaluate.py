"""`ampel-followup evaluate`: how good the methods are on data with known answers."""

from __future__ import annotations

import dataclasses
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli import (
    evaluate_anomaly,
    evaluate_assistant,
    evaluate_attention,
    evaluate_augmentation,
    evaluate_classifier,
    evaluate_gaussian_process,
    evaluate_learning,
    evaluate_microlensing,
    evaluate_streams,
)
from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress

if TYPE_CHECKING:
    from ampel_followup.evaluation.data import PairedData
    from ampel_followup.evaluation.protocol import Protocol

app = typer.Typer(no_args_is_help=True, help="Measure the methods on data with known answers.")


class Features(StrEnum):
    """Which features the models see."""

    SELECTED = "selected"
    ALL = "all"


class Calibration(StrEnum):
    """How the probabilities of the forests are calibrated."""

    TEMPERATURE = "temperature"
    ISOTONIC = "isotonic"
    SIGMOID = "sigmoid"
    NONE = "none"


class Mixture(StrEnum):
    """How the mixture is fitted."""

    EM = "em"
    BAYESIAN = "bayesian"


class Conditional(StrEnum):
    """How the classes are weighted when a spectrum is predicted."""

    POOLED = "pooled"
    CLASS = "class"
    JOINT = "joint"


app.command()(evaluate_assistant.assistant)
app.command()(evaluate_streams.streams)
app.command()(evaluate_learning.learning)
app.command(name="gaussian-process")(evaluate_gaussian_process.gaussian_process)
app.command()(evaluate_anomaly.anomaly)
app.command()(evaluate_microlensing.microlensing)
app.command()(evaluate_attention.attention)
app.command()(evaluate_classifier.classifier)
app.command()(evaluate_augmentation.augmentation)


@app.callback()
def _group() -> None: ...


@app.command()
def strategies(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with photometry, spectra and classes.")],
    replicates: Annotated[int, typer.Option("--replicates", min=1, metavar="N", help="Repetitions.")] = 6,
    folds: Annotated[int, typer.Option("--folds", min=2, metavar="N", help="Parts of the objects.")] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="Of all that is random.")] = 1,
    features: Annotated[
        Features, typer.Option("--features", help="Selected on each training part by the rule of 90 %, or all.")
    ] = Features.SELECTED,
    calibration: Annotated[Calibration, typer.Option("--calibration", help="Of both forests.")] = (
        Calibration.TEMPERATURE
    ),
    mixture: Annotated[
        Mixture, typer.Option("--mixture", help="With missing values, or the paper's variational one.")
    ] = Mixture.EM,
    conditional: Annotated[
        Conditional,
        typer.Option("--conditional", help="Classes weighted by P_t and mixture, by P_t alone, or as in the paper."),
    ] = Conditional.POOLED,
    spectra: Annotated[
        int, typer.Option("--spectra", min=2, metavar="N", help="Possible spectra drawn per object.")
    ] = 32,
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
    Compare ranking strategies: what the same number of spectra is worth under each.

    The protocol of Astudillo et al. (2020), with all that is learned learned on the other folds: every object is
    scored by models that have not seen it, strategies order the objects, and the true spectra say what the first ones
    bring. Spread is over replicates, intervals also over objects. The manual (docs/evaluation.md) defines each number.
    """
    from ampel_followup.evaluation.comparison import compare, rank_replicates
    from ampel_followup.evaluation.protocol import FORESTS, Protocol, run_protocol

    training = dataclasses.replace(
        FORESTS,
        calibration=calibration.value,
        mixture=mixture.value,
        conditional=conditional.value,
        n_spectra=spectra,
    )
    protocol = Protocol(folds, replicates, seed, features.value, training)
    with progress(quiet=as_json) as bars:
        task = bars.add_task("training and scoring", total=None)
        paired, scored = run_protocol(
            data,
            protocol,
            workers=workers or os.cpu_count() or 1,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
        bars.update(task, description="resampling")
        ranked = rank_replicates(scored, seed)
        result = compare(scored, ranked, protocol)
    if plots is not None:
        from ampel_followup.evaluation.plots import write_figures

        files = write_figures(plots, paired.name, paired.classes, scored, ranked, paired.note)
        result["plots"] = [str(file) for file in files]
    result["protocol"] = _described(paired, protocol)
    if as_json:
        print_json(result)
    else:
        _print(result)


def _described(data: PairedData, protocol: Protocol) -> dict[str, Any]:
    counts = {name: int((data.y == c).sum()) for c, name in enumerate(data.classes)}
    return {
        "data": data.name,
        "note": data.note,
        "classes": counts,
        **dataclasses.asdict(protocol),
        "interval": "95 %, bootstrap over objects and replicates",
    }


def _print(result: dict[str, Any]) -> None:
    protocol, p_t, p_ts, objects = (result[k] for k in ("protocol", "p_t", "p_ts", "objects"))
    line = console()
    line.print(f"{protocol['data']}: {protocol['note']}", markup=False)
    line.print(
        f"{p_t['n']} objects, {protocol['folds']} folds, {protocol['replicates']} replicates, seed {protocol['seed']}. "
        f"Photometry: accuracy {_pm(p_t, 'accuracy', 3)}, log-loss {_pm(p_t, 'log_loss', 3)}. "
        f"With spectrum: accuracy {_pm(p_ts, 'accuracy', 3)}. Of {objects['wrong_before']:.0f} wrong classes "
        f"spectra correct {objects['correctable']:.0f}, and break {objects['broken']:.0f} right ones.",
        markup=False,
    )
    metrics = (("fp_5", 3), ("gtp_5", 3), ("fp_20", 3), ("gtp_20", 3), ("spectra_to_80", 0))
    print_table(
        [
            "strategy",
            *(
                (name, "right")
                for name in ("corrected 5 %", "gain 5 %", "corrected 20 %", "gain 20 %", "spectra to 80 %")
            ),
        ],
        [[name, *(_pm(s, key, digits) for key, digits in metrics)] for name, s in result["strategies"].items()],
        title="mean ± standard deviation over replicates",
    )
    print_table(
        ["ratio", *((name, "right") for name, _ in metrics)],
        [[pair, *(_interval(ratios[key]) for key, _ in metrics)] for pair, ratios in result["paired"].items()],
        title="ratio and 95 % interval",
    )
    for file in result.get("plots", ()):
        line.print(file, markup=False)


def _pm(values: dict[str, float | None], key: str, digits: int) -> str | None:
    mean, deviation = values[key], values[f"{key}_sd"]
    if mean is None:
        return None
    return f"{mean:.{digits}f}" if deviation is None else f"{mean:.{digits}f} ± {deviation:.{digits}f}"


def _interval(ratio: dict[str, float | None]) -> str | None:
    mean, low, high = (ratio[key] for key in ("ratio", "low", "high"))
    return None if mean is None or low is None or high is None else f"{mean:.2f} ({low:.2f}–{high:.2f})"
