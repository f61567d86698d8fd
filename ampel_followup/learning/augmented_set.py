"""A training set with copies of its objects, as files that `train` reads."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path

from ampel_followup.errors import TrainingError
from ampel_followup.gaussian_process.augment import Augmentation
from ampel_followup.learning.light_curve_files import write_light_curve
from ampel_followup.lightcurve import LightCurve

#: Folder of the light curves, a file each, and the table of what is true of them.
LIGHT_CURVES, LABELS = "light_curves", "labels.csv"

_COLUMNS = ("id", "label", "group", "ra", "dec", "redshift", "parent_redshift", "donor")

# What is a file's name on every system, and no other folder's.
_PLAIN = re.compile(r"[A-Za-z0-9+_][A-Za-z0-9+_.-]{0,199}")


def write_training_set(
    folder: Path,
    made: Augmentation,
    light_curves: Sequence[LightCurve] = (),
    labels: Sequence[str] = (),
    redshifts: Sequence[float] = (),
) -> None:
    """
    Write light curves and their labels.

    The table has a row per object: ``id``, ``label``, ``group`` (the object that it was made of: with it, `train` never
    parts copies from their original), ``ra`` and ``dec`` [deg], ``redshift``, and of copies ``parent_redshift`` and
    ``donor``, whose epochs it has.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    made : Augmentation
    light_curves, labels, redshifts : sequence, length n
        The originals that are to be in the set, too.

    Raises
    ------
    TrainingError
        If a name is none for a file.
    """
    rows: list[tuple[LightCurve, str, str, float, float, str]] = [
        (curve, label, curve.id, z, math.nan, "")
        for curve, label, z in zip(light_curves, labels, redshifts, strict=True)
    ]
    rows += [(o.light_curve, o.label, o.parent, o.redshift, o.parent_redshift, o.donor) for o in made.objects]
    for curve, *_ in rows:
        if not _PLAIN.fullmatch(curve.id):
            raise TrainingError(f"{curve.id[:60]!r} is no name for a file; give the object one of letters and digits")
    (folder / LIGHT_CURVES).mkdir(parents=True, exist_ok=True)
    for curve, *_ in rows:
        write_light_curve(folder / LIGHT_CURVES / f"{curve.id}.csv", curve)
    with (folder / LABELS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for curve, label, parent, z, parent_z, donor in rows:
            writer.writerow((curve.id, label, parent, curve.ra, curve.dec, _number(z), _number(parent_z), donor))


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else ""
