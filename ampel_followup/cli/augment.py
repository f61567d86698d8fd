"""`ampel-followup augment`: a training set with copies of its objects, as the survey would have seen them elsewhere."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, progress
from ampel_followup.errors import TrainingError


def augment(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder with a light curve per object, or an archive of alerts.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write: light_curves/ and labels.csv.")],
    labels: Annotated[
        Path, typer.Option("--labels", metavar="FILE", help="Table with id, label, ra and dec; redshift where known.")
    ],
    id_column: Annotated[str, typer.Option("--id-column", metavar="NAME", help="Names the object.")] = "id",
    label_column: Annotated[str, typer.Option("--label-column", metavar="NAME", help="Has its class.")] = "label",
    redshift_column: Annotated[
        str, typer.Option("--redshift-column", metavar="NAME", help="Has its redshift; empty if not known.")
    ] = "redshift",
    per_object: Annotated[int, typer.Option("--per-object", min=1, metavar="N", help="Copies of each object.")] = 5,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="More copies of rare classes, until all are as large as the largest.")
    ] = False,
    stretch: Annotated[
        float, typer.Option("--stretch", metavar="S", help="Largest (1 + new z) / (1 + z); 1 keeps redshifts.")
    ] = 1.25,
    nearer: Annotated[float, typer.Option("--nearer", metavar="Q", help="Smallest new z / z.")] = 0.9,
    redshift_range: Annotated[
        tuple[float, float] | None, typer.Option("--redshift", metavar="LOW HIGH", help="Range of new redshifts.")
    ] = None,
    shallower: Annotated[
        float, typer.Option("--shallower", metavar="MAG", help="Take up to so much from the depth of each copy.")
    ] = 0.0,
    missing: Annotated[
        float, typer.Option("--missing", metavar="P", help="Probability of each band to be left out.")
    ] = 0.0,
    originals: Annotated[bool, typer.Option("--originals/--copies-only", help="Write the originals, too.")] = True,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="The same seed gives the same bytes.")] = 1,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, metavar="N", help="By default one per core. Results are the same.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Make a training set larger: each object farther, at other epochs, deeper or shallower, without some bands.

    Gaussian processes in time and wavelength, which know that nothing shines before the explosion, are fitted to the
    light curves; copies are drawn from them at new redshifts and at the epochs of other objects of the set, with the
    noise of the survey. The table of labels names the original of each copy as its group, so that training never
    tests on copies of what it has learned from. Augment what you train on only. See docs/augmentation.md.

    Example: augment ours/ larger/ --labels ours.csv, then
    train attention larger/light_curves --labels larger/labels.csv
    """
    import numpy as np

    from ampel_followup.cli.train import light_curves_of
    from ampel_followup.gaussian_process.augment import augmented, balancing
    from ampel_followup.gaussian_process.copies import AugmentOptions
    from ampel_followup.learning.augmented_set import LABELS, LIGHT_CURVES, write_training_set
    from ampel_followup.learning.sources import labels_of, reasons_of
    from ampel_followup.learning.tables import number_column, read_table, text_column

    options = AugmentOptions(
        stretch=stretch, nearer=nearer, redshift=redshift_range, shallower=shallower, missing=missing
    )
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        raise TrainingError(f"{out} is there and not empty; name a new folder")
    table = read_table(labels)
    known = labels_of(table, str(labels), id_column, label_column)
    z_of: dict[str, float] = {}
    if redshift_column in table:
        z = number_column(table, redshift_column, str(labels)).tolist()
        z_of = dict(zip(text_column(table, id_column, str(labels)), z, strict=True))
    elif redshift_column != "redshift":
        raise TrainingError(f"{labels} has no column {redshift_column!r}; it has {', '.join(table)}")
    with progress(quiet=as_json) as bars:
        curves, unread, known = light_curves_of(data, known, bars)
        if not curves:
            raise TrainingError(f"none of the light curves in {data} can be used: {reasons_of(unread)}")
        task = bars.add_task("fitting", total=None)
        classes = [known.label[curve.id] for curve in curves]
        redshifts = [z_of.get(curve.id, math.nan) for curve in curves]
        made = augmented(
            curves,
            classes,
            redshifts,
            balancing(classes, per_object) if balanced else per_object,
            np.random.default_rng(seed),
            options=options,
            threads=threads,
            progress=lambda stage, done, total: bars.update(task, description=stage, completed=done, total=total),
        )
    kept = (curves, classes, redshifts) if originals else ((), (), ())
    write_training_set(out, made, *kept)
    summary: dict[str, Any] = {
        "light_curves": str(out / LIGHT_CURVES),
        "labels": str(out / LABELS),
        "originals": len(kept[0]),
        "copies": len(made.objects),
        "copies_by_class": {name: made.labels.count(name) for name in sorted(set(classes))},
        "without_redshift": sum(not math.isfinite(value) for value in redshifts),
        "not_copied": [{"id": one.id, "reason": one.reason, "detail": one.detail} for one in made.omitted],
        "not_read": [{"id": one.id, "reason": one.reason, "detail": one.detail} for one in unread],
        "seed": seed,
    }
    if as_json:
        print_json(summary)
        return
    line = console()
    counts = ", ".join(f"{name} {count}" for name, count in summary["copies_by_class"].items())
    line.print(f"{summary['copies']} copies of {len(curves)} light curves: {counts}", markup=False)
    if summary["without_redshift"]:
        line.print(f"{summary['without_redshift']} have no redshift: copied at their own distance", markup=False)
    for what, omitted in (("not read", unread), ("not copied", made.omitted)):
        if omitted:
            line.print(f"{what}: {reasons_of(omitted)}", markup=False)
    line.print(f"written: {summary['light_curves']}, {summary['labels']}", markup=False)
