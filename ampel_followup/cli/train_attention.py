"""`ampel-followup train attention`: a network that classifies light curves at any age, and says where it looks."""

from __future__ import annotations

import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress
from ampel_followup.errors import TrainingError

if TYPE_CHECKING:
    from rich.progress import Progress

    from ampel_followup.learning.attention_curves import LabelledCurves


class NetworkOption(StrEnum):
    """From the published baseline to one with features, with trees besides, and told of the host."""

    GRU = "gru"
    ATTENTION_GRU = "attention-gru"
    TIME_ATTENTION = "time-attention"
    FEATURE_ATTENTION = "feature-attention"
    POOLED_ATTENTION = "pooled-attention"
    POOLED_ATTENTION_HOST = "pooled-attention-host"


def attention(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the bundle to write.")],
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="Alerts, a folder with a light curve per object, or a folder of SNPCC or ELAsTiCC (with classes).",
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="Table with id and label; see the manual.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id-column", metavar="NAME", help="Names the object.")] = "id",
    label_column: Annotated[str, typer.Option("--label-column", metavar="NAME", help="Has its class.")] = "label",
    simulate: Annotated[
        int | None,
        typer.Option("--simulate", min=100, metavar="N", help="Learn from N simulated objects of ZTF, without DATA."),
    ] = None,
    model: Annotated[NetworkOption, typer.Option("--model", help="Which network.")] = NetworkOption.TIME_ATTENTION,
    units: Annotated[
        int, typer.Option("--units", min=4, metavar="U", help="Of each layer; as published 100 for GRUs.")
    ] = 48,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=2, metavar="T", help="Of the grid of GRUs [128], or epochs at most [64]."),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, metavar="N", help="At most; in each every object is seen once.")
    ] = 25,
    augment: Annotated[
        int,
        typer.Option("--augment", min=0, metavar="N", help="New light curves of each to learn from (`augment`)."),
    ] = 0,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the bundle; by default that of its folder.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="Of split, weights and order.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a bundle that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Train a network that classifies light curves at any age.

    In every round each object is seen up to another point of its light curve, so that one network serves from the
    first detections to the whole light curve. Of the objects 65 % are learned from, 15 % say when to stop and
    calibrate the probabilities, and 20 % measure it. The bundle runs without TensorFlow: rank --attention DIR.

    pooled-attention-host is also told the photometric redshift of the host, where alerts or `meta` have one; in
    training a quarter of the hosts are hidden, so that it also serves where none is seen.

    Training needs TensorFlow (the train extra); 10,000 light curves take some minutes on two cores.
    """
    from ampel_followup.cli.train import check_out
    from ampel_followup.learning.attention_export import save_trained, train_and_measure
    from ampel_followup.learning.attention_training import FitOptions
    from ampel_followup.models.attention_networks import tensorflow
    from ampel_followup.models.attention_options import NetworkOptions

    check_out(out, overwrite)
    options = NetworkOptions(model.value, steps=steps or 0, units=units)
    fit = FitOptions(rounds=rounds)
    with progress(quiet=as_json) as bars:
        curves, notes = _light_curves(data, labels, id_column, label_column, simulate, seed, bars)
        task = bars.add_task("starting TensorFlow", total=None)
        tensorflow()

        def on_copies(stage: str, done: int, total: int) -> None:
            bars.update(task, description=stage, completed=done, total=total)

        def on_round(number: int, loss: float) -> None:
            bars.update(task, description=f"training, {loss:.3f} nat", completed=number, total=rounds)

        result = train_and_measure(curves, seed, options, fit, on_round, copies=augment, on_copies=on_copies)
        bundle = save_trained(
            out,
            result.trained,
            curves.class_names,
            {
                "name": name or out.resolve().name,
                "version": "1",
                "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
                "description": f"{len(curves.class_names)} classes at any age, trained on {curves.note}",
                "training": result.training,
                "metrics": result.metrics,
            },
        )
    summary: dict[str, Any] = {
        "bundle": str(out),
        "digest": bundle.digest,
        "model": model.value,
        "classes": list(curves.class_names),
        "training": result.training,
        "metrics": result.metrics,
        "notes": notes,
    }
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def _light_curves(
    data: Path | None,
    labels: Path | None,
    id_column: str,
    label_column: str,
    simulate: int | None,
    seed: int,
    bars: Progress,
) -> tuple[LabelledCurves, list[str]]:
    """Read or simulate what to learn from, and say what was left out."""
    from ampel_followup.learning.attention_curves import simulated_curves

    if (data is None) == (simulate is None):
        raise TrainingError("give either DATA with light curves, or --simulate N")
    if data is None:
        assert simulate is not None
        task = bars.add_task("simulating", total=None)
        made = simulated_curves(simulate, seed, lambda done, total: bars.update(task, completed=done, total=total))
        return made, []
    return read_labelled(data, labels, id_column, label_column, bars)


def read_labelled(
    data: Path, labels: Path | None, id_column: str, label_column: str, bars: Progress
) -> tuple[LabelledCurves, list[str]]:
    """Read light curves with their classes, and say what was left out."""
    from ampel_followup.evaluation.attention_data import is_known, load_labelled_curves
    from ampel_followup.learning.attention_curves import labelled_curves

    if labels is None and is_known(data):
        bars.add_task("reading light curves", total=None)
        return load_labelled_curves(data), []
    from ampel_followup.cli.train import light_curves_of
    from ampel_followup.learning.sources import read_labels, reasons_of

    known = None if labels is None else read_labels(labels, id_column, label_column)
    curves, omitted, known = light_curves_of(data, known, bars)
    if not curves:
        raise TrainingError(f"none of the light curves in {data} can be used: {reasons_of(omitted)}")
    found = labelled_curves(
        data.name, curves, [known.label[curve.id] for curve in curves], f"light curves of {data.name}"
    )
    return found, [f"left out: {reasons_of(omitted)}"] if omitted else []


def _print(summary: dict[str, Any]) -> None:
    out, training, metrics = console(), summary["training"], summary["metrics"]
    out.print(
        f"{summary['model']}: {training['objects']} light curves to learn from"
        + (f" and {training['copies']} copies" if training["copies"] else "")
        + f", {training['held_out']} to stop and "
        f"calibrate; best round {training['best_round']} of {training['rounds']}",
        markup=False,
    )
    hidden = [metrics.get(f"macro_recall_{at}_without_host") for at in metrics["recall"]]
    print_table(
        ("recall of", *((f"at {float(at):.0%}", "right") for at in metrics["recall"])),
        [
            *((name, *(f"{of[name]:.2f}" for of in metrics["recall"].values())) for name in summary["classes"]),
            ("mean", *(f"{metrics[f'macro_recall_{at}']:.3f}" for at in metrics["recall"])),
            *([("mean, hosts hidden", *(f"{mean:.3f}" for mean in hidden))] if hidden[0] is not None else []),
        ],
        title=f"{metrics['test_objects']} test objects, at fractions of their points",
    )
    for note in summary["notes"]:
        out.print(note, markup=False)
    out.print(f"bundle: {summary['bundle']}", markup=False)
