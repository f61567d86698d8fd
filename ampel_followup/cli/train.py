"""`ampel-followup train`: models of one's own."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli import train_anomaly, train_assistant, train_attention, train_early, train_spectra
from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress
from ampel_followup.errors import TrainingError

if TYPE_CHECKING:
    from rich.progress import Progress

    from ampel_followup.learning.sources import Labels, Omission, Rows
    from ampel_followup.lightcurve import LightCurve

app = typer.Typer(no_args_is_help=True, help="Train models on your own objects.")
app.command()(train_spectra.spectra)
app.command()(train_assistant.assistant)
app.command()(train_early.early)
app.command()(train_anomaly.anomaly)
app.command()(train_attention.attention)


@app.command()
def gain(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Photometry: a table of features with a row per object (CSV, ECSV, Parquet), a folder with a light "
            "curve per object, or an archive of alerts.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the bundle to write.")],
    spectra: Annotated[
        Path,
        typer.Option(
            "--spectra", metavar="DIR|TABLE", help="Folder with a spectrum per object, or a table of spectral features."
        ),
    ],
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="TABLE", help="Table of classes; by default the table of features itself."),
    ] = None,
    id_column: Annotated[
        str, typer.Option("--id-column", metavar="NAME", help="Column that names the object, in all tables.")
    ] = "id",
    label_column: Annotated[
        str, typer.Option("--label-column", metavar="NAME", help="Column that names the class.")
    ] = "label",
    classes: Annotated[
        str | None,
        typer.Option("--classes", metavar="A,B,…", help="Classes to learn; objects of others are left out."),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            "--features",
            metavar="A,B,…",
            help="Feature sets to compute of light curves; by default early,context,timeseries.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the bundle; by default that of its folder.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, metavar="K", help="Parts for cross-validation.")] = 5,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="The same seed gives the same models.")] = 1,
    trees: Annotated[int, typer.Option("--trees", min=20, metavar="N", help="Trees of each forest.")] = 100,
    min_leaf: Annotated[
        int, typer.Option("--min-leaf", min=1, metavar="N", help="Objects in a leaf of a tree, at least.")
    ] = 5,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Where to put the report; by default in the bundle's folder."),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write the bundle alone.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a bundle that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Train the models that say what a spectrum is worth, and measure them.

    Needs photometry, spectra and classes of the same objects. Writes a bundle for `rank --bundle DIR`, and a report
    with metrics, calibration, confusion and strategies from cross-validation.
    """
    from ampel_followup.learning.gain_training import train_gain
    from ampel_followup.learning.plots import check_plotting
    from ampel_followup.learning.report import write_report
    from ampel_followup.learning.training_set import assemble
    from ampel_followup.models.training import TrainingOptions

    check_out(out, overwrite)
    if not no_report:
        check_plotting()
    with progress(quiet=as_json) as bars:
        measured, known = photometry(data, labels, id_column, label_column, features, bars)
        training_set = assemble(
            measured,
            _spectra(spectra, known, id_column, label_column, bars),
            known,
            folds=folds,
            classes=_names(classes, "--classes"),
        )
        task = bars.add_task("training", total=folds + 1)
        trained = train_gain(
            training_set,
            name=name or out.resolve().name,
            created=datetime.datetime.now(datetime.UTC).date().isoformat(),
            source=f"{data.name}, spectra {spectra.name}, labels {(labels or data).name}",
            folds=folds,
            seed=seed,
            options=TrainingOptions(n_trees=trees, min_samples_leaf=min_leaf),
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
    bundle = trained.save(out)
    page = None if no_report else write_report(report or out / "report", training_set, trained)
    summary = {
        "bundle": str(out),
        "digest": bundle.digest,
        "report": None if page is None else str(page),
        "objects": len(training_set),
        "classes": trained.info["training"]["per_class"],
        "features": len(training_set.features),
        "left_out": dict(Counter(omission.reason for omission in training_set.omitted)),
        "notes": list(training_set.notes),
        "metrics": trained.info["metrics"],
        "strategies": trained.validation.comparison["strategies"],
    }
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def check_out(out: Path, overwrite: bool) -> None:
    """Refuse a bundle that is there, unless it may be replaced, and a place that none can be written to."""
    check_folder(out)
    if (out / "bundle.json").exists() and not overwrite:
        raise TrainingError(f"{out} is a bundle already; name another folder with --out, or replace it by --overwrite")


def check_folder(out: Path) -> None:
    """Refuse, before the work rather than after it, a place that no bundle can be written to."""
    existing = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise TrainingError(
            f"cannot write a bundle to {out}: {existing} is no folder that can be written to; see --out"
        )


def photometry(
    data: Path,
    labels: Path | None,
    id_column: str,
    label_column: str,
    features: str | None,
    bars: Progress,
    *,
    unlabelled: bool = False,
) -> tuple[Rows, Labels]:
    """Read what DATA is, and the labels with it; of alerts also objects without a label, if asked to."""
    from ampel_followup.learning.sources import features_from_light_curves, features_from_table, labels_of, read_labels
    from ampel_followup.learning.tables import TABLE_COLUMNS, holds_alerts, read_table

    known = None if labels is None else read_labels(labels, id_column, label_column)
    if data.is_file() and not holds_alerts(data):
        table = read_table(data)
        known = known or labels_of(table, str(data), id_column, label_column)
        return features_from_table(table, str(data), id_column, (label_column, *TABLE_COLUMNS)), known
    curves, omitted, known = light_curves_of(data, known, bars, unlabelled=unlabelled)
    return features_from_light_curves(curves, _names(features, "--features"), omitted), known


def light_curves_of(
    data: Path, known: Labels | None, bars: Progress, *, unlabelled: bool = False
) -> tuple[list[LightCurve], list[Omission], Labels]:
    """Read the light curves that DATA holds, of the objects whose class is known."""
    from ampel_followup.alerts.quarantine import Quarantine
    from ampel_followup.alerts.spool import light_curves
    from ampel_followup.learning.light_curve_files import light_curve_files
    from ampel_followup.learning.sources import cut_light_curves, read_light_curves

    if not data.exists():
        raise TrainingError(f"{data}: there is no such file or folder; check the path")
    if known is None:
        raise TrainingError(f"{data} holds light curves and no classes; name the table of classes with --labels")
    if data.is_dir() and light_curve_files(data):
        task = bars.add_task("reading light curves", total=None)
        curves, omitted = read_light_curves(
            data, known, lambda done, total: bars.update(task, completed=done, total=total)
        )
    else:
        task = bars.add_task("reading alerts", total=None)
        stream = light_curves(
            [data],
            quarantine=Quarantine(),
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
        curves, omitted = cut_light_curves(stream, known, unlabelled=unlabelled)
    return curves, omitted, known


def _spectra(path: Path, labels: Labels, id_column: str, label_column: str, bars: Progress) -> Rows:
    from ampel_followup.learning.sources import features_from_table, read_spectra
    from ampel_followup.learning.tables import TABLE_COLUMNS, read_table

    if path.is_file():
        return features_from_table(read_table(path), str(path), id_column, (label_column, *TABLE_COLUMNS))
    task = bars.add_task("reading spectra", total=None)
    labelled = (name for name, label in labels.label.items() if label)
    return read_spectra(path, labelled, lambda done, total: bars.update(task, completed=done, total=total))


def _names(text: str | None, option: str) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise TrainingError(f"{option} {text!r} names nothing, or something twice; give names divided by commas")
    return names


def _print(summary: dict[str, Any]) -> None:
    out, measured = console(), summary["metrics"]
    out.print(f"{summary['objects']} objects, {summary['features']} features", markup=False)
    print_table(
        ("from objects not trained on", ("photometry", "right"), ("with spectrum", "right")),
        [
            (key.replace("_", " "), measured[f"p_t_{key}"], measured[f"p_ts_{key}"])
            for key in ("accuracy", "balanced_accuracy", "log_loss", "calibration_error")
        ],
    )
    print_table(
        ("class", ("objects", "right"), ("recall, photometry", "right"), ("recall, with spectrum", "right")),
        [(c, n, measured["p_t_recall"][c], measured["p_ts_recall"][c]) for c, n in summary["classes"].items()],
    )
    for reason, count in summary["left_out"].items():
        out.print(f"left out: {count} with {reason}", markup=False)
    for note in summary["notes"]:
        out.print(note, markup=False)
    out.print(f"bundle: {summary['bundle']}", markup=False)
    if summary["report"] is not None:
        out.print(f"report: {summary['report']}", markup=False)
