"""`ampel-followup train early`: a classifier of early type Ia supernovae from a handful of labels."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, progress
from ampel_followup.errors import TrainingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ampel_followup.learning.sources import Rows


def early(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Alerts, a folder with a light curve per object, or a table of features."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the bundle to write.")],
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="Table with id and label; see the manual.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id-column", metavar="NAME", help="Names the object.")] = "id",
    label_column: Annotated[str, typer.Option("--label-column", metavar="NAME", help="Has its type.")] = "label",
    purity: Annotated[
        float | None, typer.Option("--purity", min=0.01, max=1.0, metavar="P", help="Threshold for this purity.")
    ] = None,
    efficiency: Annotated[
        float | None,
        typer.Option("--efficiency", min=0.01, max=1.0, metavar="E", help="Threshold for this efficiency."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the bundle; by default that of its folder.")
    ] = None,
    trees: Annotated[int, typer.Option("--trees", min=20, metavar="N", help="Of the forest.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="The same seed gives the same model.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a bundle that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Train a classifier of early type Ia supernovae; ten labels are enough for a start.

    Light curves get the features `early_ia`; a table brings its own. Types are read by the taxonomy (`ampel-followup
    label taxonomy`): SN Ia of any kind against all others; alerts and rows of a table without a type help to choose
    the threshold. By default that is where efficiency times purity is largest.
    """
    import numpy as np

    from ampel_followup.cli.train import check_out, photometry
    from ampel_followup.learning.early_classifier import EarlyOptions
    from ampel_followup.learning.early_training import Goal, to_onnx, train_early
    from ampel_followup.models.early_bundle import save_early

    if purity is not None and efficiency is not None:
        raise TrainingError("--purity and --efficiency ask for two thresholds; give one of them")
    check_out(out, overwrite)
    goal: Goal = "purity" if purity is not None else "efficiency" if efficiency is not None else "balance"
    with progress(quiet=as_json) as bars:
        rows, known = photometry(data, labels, id_column, label_column, "early_ia", bars, unlabelled=True)
        seen = _seen(rows)
        notes = [*rows.notes]
        if not seen.all():
            notes.append(f"objects without a significant detection, left out: {int((~seen).sum())}")
        bars.add_task("training", total=None)
        trained = train_early(
            rows.values[seen],
            [known.label.get(name, "") for name, there in zip(rows.ids, seen.tolist(), strict=True) if there],
            np.random.default_rng(seed),
            options=EarlyOptions(n_trees=trees),
            goal=goal,
            wanted=purity or efficiency or 0.0,
        )
        calibration = trained.classifier.calibration
        bundle = save_early(
            out,
            {
                "name": name or out.resolve().name,
                "version": "1",
                "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
                "description": f"early type Ia supernovae, trained on {trained.training['labelled']} labels",
                "features": list(rows.names),
                "feature_sets": dict(rows.feature_sets),
                "threshold": trained.threshold,
                "calibration": {"offset": calibration.offset, "slope": calibration.slope},
                "training": trained.training,
                "metrics": trained.metrics,
            },
            to_onnx(trained.classifier),
        )
    summary = {
        "bundle": str(out),
        "digest": bundle.digest,
        "threshold": trained.threshold,
        "features": len(rows.names),
        "training": trained.training,
        "metrics": trained.metrics,
        "notes": notes,
    }
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def _seen(rows: Rows) -> NDArray[np.bool_]:
    """Say which objects have a significant detection, as far as the features tell; the others have no score."""
    import numpy as np

    if "n_significant" not in rows.names:
        return np.ones(len(rows.ids), dtype=np.bool_)
    return np.asarray(rows.values[:, rows.names.index("n_significant")] > 0)


def _print(summary: dict[str, Any]) -> None:
    out, training, metrics = console(), summary["training"], summary["metrics"]
    out.print(
        f"{training['labelled']} labels ({training['ia']} of type Ia), {training['unlabelled']} objects without, "
        f"{summary['features']} features",
        markup=False,
    )

    def share(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    out.print(
        f"by trees that have not seen them: accuracy {share(metrics['accuracy'])}; from P(Ia) "
        f"{summary['threshold']:.2f} on efficiency {share(metrics['efficiency'])}, purity {share(metrics['purity'])}. "
        "Labels chosen for learning are harder than objects on average",
        markup=False,
    )
    for note in summary["notes"]:
        out.print(note, markup=False)
    out.print(f"bundle: {summary['bundle']}", markup=False)
