"""`ampel-followup train anomaly`: what is kept of a training set, to tell what is like nothing in it."""

from __future__ import annotations

import datetime
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, progress


def anomaly(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Alerts, a folder with a light curve per object, or a table of features."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the bundle to write.")],
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="Table with id and label; see the manual.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id-column", metavar="NAME", help="Names the object.")] = "id",
    label_column: Annotated[str, typer.Option("--label-column", metavar="NAME", help="Has its class.")] = "label",
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
    trees: Annotated[int, typer.Option("--trees", min=20, metavar="N", help="Of either forest.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="The same seed gives the same model.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a bundle that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Train a search for anomalies: what is like nothing in DATA.

    Four fifths of the objects are fitted to, the others calibrate: of objects like those in DATA a share q scores above
    1 − q. Classes make the trees of one of the two forests, and tell what is known; objects without one are left out.
    """
    import numpy as np

    from ampel_followup.cli.train import check_out, photometry
    from ampel_followup.learning.anomaly_training import AnomalyOptions, train_anomaly
    from ampel_followup.models.anomaly_bundle import save_anomaly

    check_out(out, overwrite)
    with progress(quiet=as_json) as bars:
        rows, known = photometry(data, labels, id_column, label_column, features, bars)
        classes = [known.label.get(one, "") for one in rows.ids]
        labelled = [i for i, c in enumerate(classes) if c]
        bars.add_task("training", total=None)
        model = train_anomaly(
            rows.values[labelled],
            [classes[i] for i in labelled],
            rows.names,
            np.random.default_rng(seed),
            AnomalyOptions(class_trees=trees, isolation_trees=trees),
        )
        counts = dict(sorted(Counter(classes[i] for i in labelled).items()))
        training = {"data": data.name, "objects": len(labelled), "seed": seed, "calibrated_by": len(model.combined)}
        bundle = save_anomaly(
            out,
            {
                "name": name or out.resolve().name,
                "version": "1",
                "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
                "description": f"what is like nothing in {len(labelled)} objects of {len(counts)} classes",
                "feature_sets": dict(rows.feature_sets),
                "training": {**training, "per_class": counts},
            },
            model,
        )
    summary = {
        "bundle": str(out),
        "digest": bundle.digest,
        "features": len(model.features),
        "classes": counts,
        "training": training,
        "left_out": len(classes) - len(labelled),
        "notes": list(rows.notes),
    }
    if as_json:
        print_json(summary)
        return
    line = console()
    line.print(f"{len(labelled)} objects of {len(counts)} classes, {len(model.features)} features", markup=False)
    if summary["left_out"]:
        line.print(f"left out, without a class: {summary['left_out']}", markup=False)
    for note in rows.notes:
        line.print(note, markup=False)
    line.print(f"bundle: {out}", markup=False)
