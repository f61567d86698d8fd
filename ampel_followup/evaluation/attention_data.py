"""Light curves whose class is known, to classify at several ages: SNPCC and ELAsTiCC, as alerts would carry them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.learning_data import read_elasticc, read_snpcc
from ampel_followup.features.ragged import Points, stack
from ampel_followup.features.sequence import of_the_transient
from ampel_followup.lightcurve import LightCurve

# Truth → class. Type II of SNPCC has model families, which are no classes of the sky, and few stripped envelopes of
# each kind.
_SNPCC = {
    "Ia": "SN Ia", "II": "SN II", "IIn": "SN II", "IIP": "SN II", "IIL": "SN II",
    "Ib": "SN Ib/c", "Ic": "SN Ib/c", "Ibc": "SN Ib/c",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCurves:
    """
    n light curves with their classes.

    Parameters
    ----------
    name : str
    curves : tuple of LightCurve, length n
    points : Points
        Of the n objects, from 30 d before the first detection on: what is known of an object once it is one.
    y : ndarray of int, shape (n,)
        Classes, 0 to k − 1.
    class_names : tuple of str, length k
    note : str
        What in the data is real, and what was done to it.
    """

    name: str
    curves: tuple[LightCurve, ...]
    points: Points
    y: NDArray[np.intp]
    class_names: tuple[str, ...]
    note: str

    def __len__(self) -> int:
        return len(self.y)

    def of(self, rows: NDArray[np.intp]) -> Points:
        """Return the points of some objects, in the order asked for."""
        return self.points.beginnings(rows, self.points.segments.counts[rows])

    @property
    def digest(self) -> str:
        """SHA-256 of all that results depend on."""
        text = hashlib.sha256("\n".join((self.name, *self.class_names, *(c.id for c in self.curves))).encode())
        for values in (self.points.time, self.points.flux, self.points.flux_err):
            text.update(np.ascontiguousarray(values, dtype=np.float64).tobytes())
        text.update(self.points.letter.tobytes() + np.ascontiguousarray(self.y, dtype=np.int64).tobytes())
        return text.hexdigest()


def labelled_curves(
    name: str, curves: Sequence[LightCurve], labels: Sequence[str], note: str, class_names: Sequence[str] = ()
) -> LabelledCurves:
    """
    Put light curves and their classes together.

    Parameters
    ----------
    name, note : str
    curves : sequence of LightCurve, length n
        At least one; those without a point in a known band are left out.
    labels : sequence of str, length n
    class_names : sequence of str, optional
        By default the labels, in alphabetical order.

    Raises
    ------
    FollowupError
        If there are no light curves, or only one class.
    """
    classes = tuple(class_names) or tuple(sorted(set(labels)))
    if not curves or len(classes) < 2:
        raise FollowupError(f"{name}: {len(curves)} light curves of {len(classes)} classes; at least two are needed")
    points = of_the_transient(stack(curves))
    rows = np.flatnonzero(points.segments.counts > 0)
    y = np.array([classes.index(labels[i]) for i in rows.tolist()], dtype=np.intp)
    kept = points.beginnings(rows, points.segments.counts[rows])
    return LabelledCurves(name, tuple(curves[i] for i in rows.tolist()), kept, y, classes, note)


def load_labelled_curves(path: Path) -> LabelledCurves:
    """
    Load a data set, recognised by its content.

    Parameters
    ----------
    path : Path
        A folder with ``meta.parquet`` and ``lightcurves.parquet`` (SNPCC) or ``elasticc_alerts.parquet`` (ELAsTiCC).

    Raises
    ------
    FollowupError
        If the path holds nothing of the kind.
    """
    if (path / "lightcurves.parquet").is_file() and (path / "meta.parquet").is_file():
        curves, types, _, lost = read_snpcc(path)
        return labelled_curves(
            "snpcc",
            curves,
            [_SNPCC[one] for one in types.tolist()],
            "simulated (SNPCC, after unblinding), from 30 d before the first detection on"
            + (f"; {lost} without a detection left out" if lost else ""),
            ("SN Ia", "SN II", "SN Ib/c"),
        )
    if (path / "elasticc_alerts.parquet").is_file():
        curves, truth = read_elasticc(path / "elasticc_alerts.parquet")
        return labelled_curves(
            "elasticc",
            curves,
            ["SN Ia" if one == "SN Ia" else "core collapse" for one in truth.tolist()],
            "simulated (ELAsTiCC, alerts of one night): the last alert of each object, with its forced photometry",
            ("SN Ia", "core collapse"),
        )
    raise FollowupError(
        f"{path} holds no light curves with classes: a folder with meta.parquet and lightcurves.parquet (SNPCC) or "
        "with elasticc_alerts.parquet (ELAsTiCC) is expected"
    )
