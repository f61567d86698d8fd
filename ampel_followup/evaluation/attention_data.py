"""Light curves whose class is known, to classify at several ages: SNPCC, ELAsTiCC and ZTF's Bright Transient Survey."""

from __future__ import annotations

from pathlib import Path

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.learning_data import read_bts, read_elasticc, read_snpcc
from ampel_followup.learning.attention_curves import LabelledCurves, labelled_curves

# Truth → class. Type II of SNPCC has model families, which are no classes of the sky, and few stripped envelopes of
# each kind.
_SNPCC = {
    "Ia": "SN Ia", "II": "SN II", "IIn": "SN II", "IIP": "SN II", "IIL": "SN II",
    "Ib": "SN Ib/c", "Ic": "SN Ib/c", "Ibc": "SN Ib/c",
}  # fmt: skip


def is_known(path: Path) -> bool:
    """Say whether a folder is one of the data sets that `load_labelled_curves` knows."""
    return (path / "lightcurves.parquet").is_file() or (path / "elasticc_alerts.parquet").is_file()


def load_labelled_curves(path: Path) -> LabelledCurves:
    """
    Load a data set, recognised by its content.

    Parameters
    ----------
    path : Path
        A folder with ``meta.parquet`` and ``lightcurves.parquet`` (SNPCC), ``elasticc_alerts.parquet`` (ELAsTiCC), or
        ``bts_snia_labels.parquet`` and ``lightcurves.parquet`` (type Ia supernovae of the Bright Transient Survey).

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
    if (path / "lightcurves.parquet").is_file() and (path / "bts_snia_labels.parquet").is_file():
        observed = read_bts(path)
        return labelled_curves(
            "ztf_bts_snia",
            observed,
            ["SN Ia"] * len(observed),
            "real (ZTF Bright Transient Survey, type Ia only): detections, and no limits",
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
        f"{path} holds no light curves with classes: a folder with meta.parquet and lightcurves.parquet (SNPCC), "
        "with elasticc_alerts.parquet (ELAsTiCC), or with bts_snia_labels.parquet (ZTF's Bright Transient Survey) is "
        "expected"
    )
