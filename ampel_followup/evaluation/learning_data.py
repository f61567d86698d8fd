"""Objects whose class is known, as an active learner meets them: features at the decision, and brightness."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.data import read_columns
from ampel_followup.features.early_ia import EARLY_IA, SIGNIFICANT
from ampel_followup.learning.early_training import is_type_ia
from ampel_followup.learning.tables import check_unique, is_text, number_column, read_table, text_column
from ampel_followup.lightcurve import ZERO_POINT, LightCurve, flux_from_magnitude

Array = NDArray[np.float64]

Part = Literal["all", "development", "report"]

#: The light curves of SNPCC are cut so long after the first detection [d], unless told otherwise.
DECISION_AGE = 20.0

#: A detection of SNPCC, whose points are all forced [σ].
DETECTION = 5.0

# SNANA's FLUXCAL has the zero point 27.5, ELAsTiCC's fluxes are in nJy.
_FLUXCAL = 10.0 ** (-0.4 * (27.5 - ZERO_POINT))
_NANOJANSKY = 1e-3

# Seed of the division into a part to develop on and one to report on.
_DIVISION = 999

_BATCH = 500

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class LearningData:
    """
    n objects.

    Parameters
    ----------
    name : str
    ids : tuple of str
    x : ndarray, shape (n, k)
        Features; NaN = not measured.
    features : tuple of str
        Names of the k columns.
    is_ia : ndarray of bool, shape (n,)
    mag : ndarray, shape (n,)
        At the last significant detection, any band [mag]; NaN = not known.
    groups : mapping of str to ndarray of int
        Rows that a comparison may start from, by name: ``spectroscopic``, a biased sample with known classes.
    note : str
        What in the data is real, and what was done to it.
    """

    name: str
    ids: tuple[str, ...]
    x: Array
    features: tuple[str, ...]
    is_ia: NDArray[np.bool_]
    mag: Array
    note: str
    groups: Mapping[str, NDArray[np.intp]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def digest(self) -> str:
        """SHA-256 of all that results depend on."""
        text = hashlib.sha256("\n".join((self.name, *self.ids, *self.features)).encode())
        for values in (self.x, self.mag):
            text.update(np.ascontiguousarray(values, dtype=np.float64).tobytes())
        text.update(np.packbits(self.is_ia).tobytes())
        for name, rows in sorted(self.groups.items()):
            text.update(name.encode() + np.ascontiguousarray(rows, dtype=np.int64).tobytes())
        return text.hexdigest()

    def part(self, part: Part) -> LearningData:
        """Return one half of the objects, always the same, or all of them."""
        if part == "all":
            return self
        shuffled = np.random.default_rng(_DIVISION).permutation(len(self))
        half = len(self) // 2
        rows = np.sort(shuffled[:half] if part == "development" else shuffled[half:])
        place = np.full(len(self), -1)
        place[rows] = np.arange(len(rows))
        groups = {name: place[of][place[of] >= 0] for name, of in self.groups.items()}
        ids = tuple(self.ids[i] for i in rows)
        return LearningData(
            self.name, ids, self.x[rows], self.features, self.is_ia[rows], self.mag[rows], self.note, groups
        )


def load_learning_data(
    path: Path,
    *,
    age: float | None = DECISION_AGE,
    id_column: str = "id",
    label_column: str = "label",
    progress: Progress = lambda done, total: None,
) -> LearningData:
    """
    Load a data set, recognised by its content.

    Parameters
    ----------
    path : Path
        A folder with ``meta.parquet`` and ``lightcurves.parquet`` (SNPCC) or ``elasticc_alerts.parquet`` (ELAsTiCC),
        or a table with an id, a label, features, and if possible ``mag``.
    age : float, optional
        Light curves of SNPCC are cut so long after the first detection [d]; None leaves them whole. Alerts of ELAsTiCC
        are what was known at their time.
    id_column, label_column : str
        Of a table.
    progress : callable
        Called with the number of objects that have features, and of all.

    Raises
    ------
    FollowupError
        If the path holds nothing of the kind.
    """
    if path.is_dir() and (path / "lightcurves.parquet").is_file() and (path / "meta.parquet").is_file():
        return _snpcc(path, age, progress)
    if path.is_dir() and (path / "elasticc_alerts.parquet").is_file():
        return _elasticc(path / "elasticc_alerts.parquet", progress)
    if path.is_file():
        return _table(path, id_column, label_column)
    raise FollowupError(
        f"{path} is no data set to learn from: a folder with meta.parquet and lightcurves.parquet (SNPCC) or with "
        "elasticc_alerts.parquet (ELAsTiCC) is expected, or a table with id, label and features"
    )


def last_magnitudes(light_curves: list[LightCurve]) -> Array:
    """Return the magnitude at the last significant detection of each, any band, shape (n,) [mag]; NaN without one."""
    mags = np.full(len(light_curves), np.nan)
    for i, lc in enumerate(light_curves):
        significant = np.flatnonzero(lc.detected & (lc.flux >= SIGNIFICANT * lc.flux_err))
        if len(significant):
            mags[i] = lc.magnitude[0][significant[-1]]
    return mags


def _snpcc(folder: Path, age: float | None, progress: Progress) -> LearningData:
    curves, true_type, spectroscopic, lost = read_snpcc(folder, age)
    until = "whole light curves" if age is None else f"light curves until {age:g} d after the first detection"
    return LearningData(
        "snpcc",
        tuple(lc.id for lc in curves),
        _features(curves, progress),
        EARLY_IA.names,
        np.asarray(true_type == "Ia"),
        last_magnitudes(curves),
        f"simulated (SNPCC, after unblinding); {until}" + (f"; {lost} without a detection left out" if lost else ""),
        {"spectroscopic": np.flatnonzero(spectroscopic)},
    )


def read_snpcc(
    folder: Path, age: float | None = None
) -> tuple[list[LightCurve], NDArray[np.str_], NDArray[np.bool_], int]:
    """
    Read the light curves of SNPCC that have a detection.

    Parameters
    ----------
    folder : Path
        With ``meta.parquet`` and ``lightcurves.parquet``.
    age : float, optional
        They are cut so long after the first detection [d].

    Returns
    -------
    curves : list of LightCurve, length n
        With the photometric redshift of the host in `meta`.
    true_type : ndarray of str, shape (n,)
    spectroscopic : ndarray of bool, shape (n,)
        Of the biased sample with spectra.
    lost : int
        Objects without a detection.
    """
    meta = read_columns(folder / "meta.parquet", ("snid", "true_type", "host_photoz", "host_photoz_err", "spec_train"))
    points = read_columns(folder / "lightcurves.parquet", ("snid", "mjd", "band", "flux", "flux_err"))
    snid = points["snid"].astype(np.int64)
    time, flux, flux_err = (points[name].astype(np.float64) for name in ("mjd", "flux", "flux_err"))
    band = np.char.add("lsst", points["band"].astype(np.str_))
    flux, flux_err = flux * _FLUXCAL, flux_err * _FLUXCAL
    order = np.lexsort((time, snid))
    objects, start = np.unique(snid[order], return_index=True)
    row_of = {int(s): i for i, s in enumerate(meta["snid"])}
    curves, rows = [], []
    for name, of in zip(objects.tolist(), np.split(order, start[1:]), strict=True):
        detected = flux[of] >= DETECTION * flux_err[of]
        if name not in row_of or not detected.any():
            continue
        if age is not None:
            of = of[time[of] <= time[of][detected][0] + age]
        i = row_of[name]
        host = {"photoz": float(meta["host_photoz"][i]), "photoz_err": float(meta["host_photoz_err"][i])}
        curves.append(_forced(str(name), time[of], band[of], flux[of], flux_err[of], host))
        rows.append(i)
    at, lost = np.array(rows), len(row_of) - len(rows)
    return curves, meta["true_type"][at].astype(np.str_), meta["spec_train"][at].astype(np.bool_), lost


def _elasticc(file: Path, progress: Progress) -> LearningData:
    curves, truth = read_elasticc(file)
    return LearningData(
        "elasticc",
        tuple(lc.id for lc in curves),
        _features(curves, progress),
        EARLY_IA.names,
        np.asarray(truth == "SN Ia"),
        last_magnitudes(curves),
        "simulated (ELAsTiCC, alerts of one night, SN Ia and core-collapse in nearly equal numbers); the last alert of "
        "each object, with the forced photometry that came with it",
    )


def read_elasticc(file: Path) -> tuple[list[LightCurve], NDArray[np.str_]]:
    """
    Read the last alert of each object of ELAsTiCC: what was known of it at the end of the night.

    Parameters
    ----------
    file : Path
        ``elasticc_alerts.parquet``.

    Returns
    -------
    curves : list of LightCurve, length n
        Forced photometry, and detections that it does not repeat; the host's photometric redshift in `meta`.
    truth : ndarray of str, shape (n,)
    """
    kinds = ("mjd", "band", "flux", "flux_err")
    columns = ("object_id", "truth", "alert_mjd", "obs_hostgal_zphot", "obs_hostgal_zphot_err")
    lists = tuple(f"{origin}_{kind}" for origin in ("forced", "det") for kind in kinds)
    alerts = read_columns(file, columns + lists)
    order = np.lexsort((alerts["alert_mjd"], alerts["object_id"]))
    objects = alerts["object_id"][order]
    last = order[np.append(objects[1:] != objects[:-1], True)]
    curves = []
    for i in last.tolist():
        forced, found = ([alerts[f"{origin}_{kind}"][i] for kind in kinds] for origin in ("forced", "det"))
        time, band, flux, flux_err = _joined(forced, found)
        host = {
            "photoz": float(alerts["obs_hostgal_zphot"][i]),
            "photoz_err": float(alerts["obs_hostgal_zphot_err"][i]),
        }
        lsst = np.char.add("lsst", np.char.lower(band))
        curves.append(
            _forced(str(alerts["object_id"][i]), time, lsst, flux * _NANOJANSKY, flux_err * _NANOJANSKY, host)
        )
    return curves, alerts["truth"][last].astype(np.str_)


def _table(path: Path, id_column: str, label_column: str) -> LearningData:
    table = read_table(path)
    ids = text_column(table, id_column, str(path))
    check_unique(ids, str(path))
    labels = text_column(table, label_column, str(path))
    if "" in labels:
        raise FollowupError(f"{path}, row {labels.index('') + 1}: no label; every object of an evaluation needs one")
    told = [is_type_ia(label) for label in labels]
    if None in told:
        raise FollowupError(
            f"{path}, row {told.index(None) + 1}: the label {labels[told.index(None)]!r} does not tell whether it is "
            "of type Ia; leave the object out"
        )
    is_ia = np.array(told, dtype=np.bool_)
    if is_ia.all() or not is_ia.any():
        raise FollowupError(
            f"{path}: {int(is_ia.sum())} of {len(ids)} labels are of type Ia (such as {labels[0]!r}); "
            "both classes are needed, and 'SN Ia' is what the one is called"
        )
    names = tuple(n for n in table if n not in (id_column, label_column, "mag") and not is_text(table, n))
    if not names:
        raise FollowupError(f"{path} has no column of numbers besides {id_column} and {label_column}; add features")
    x = np.column_stack([number_column(table, name, str(path)) for name in names])
    mag = number_column(table, "mag", str(path)) if "mag" in table else np.full(len(ids), np.nan)
    return LearningData(path.stem, tuple(ids), x, names, is_ia, mag, f"table {path.name}, as given")


def _joined(forced: list[Any], found: list[Any]) -> tuple[Array, NDArray[np.str_], Array, Array]:
    """Put detections that forced photometry does not repeat behind it; either may be missing."""
    time, band, flux, flux_err = (_column(values) for values in forced)
    known = set(zip(np.round(time.astype(np.float64), 4).tolist(), band.tolist(), strict=True))
    also = [_column(values) for values in found]
    keys = zip(np.round(also[0].astype(np.float64), 4).tolist(), also[1].tolist(), strict=True)
    new = [k for k, key in enumerate(keys) if key not in known]
    time, band, flux, flux_err = (
        np.concatenate([one, other[new]]) for one, other in zip((time, band, flux, flux_err), also, strict=True)
    )
    return time.astype(np.float64), band.astype(np.str_), flux.astype(np.float64), flux_err.astype(np.float64)


def _column(values: Any) -> NDArray[np.object_]:
    return np.asarray([] if values is None else values, dtype=object)


def _forced(
    name: str, time: Array, band: NDArray[np.str_], flux: Array, flux_err: Array, host: dict[str, float]
) -> LightCurve:
    nowhere = np.zeros(len(time), dtype=np.bool_)
    return LightCurve(name, 0, time, band, flux, flux_err, nowhere, ra=0.0, dec=0.0, meta=host)


def _features(curves: list[LightCurve], progress: Progress) -> Array:
    parts = []
    for begin in range(0, len(curves), _BATCH):
        parts.append(EARLY_IA.compute(curves[begin : begin + _BATCH]))
        progress(min(begin + _BATCH, len(curves)), len(curves))
    return np.concatenate(parts)


def read_bts(folder: Path) -> tuple[LightCurve, ...]:
    """Read type Ia supernovae of ZTF's Bright Transient Survey: detections in g, r and i, and no limits."""
    points = read_columns(folder / "lightcurves.parquet", ("name", "mjd", "band", "mag", "magerr"))
    flux, error = flux_from_magnitude(points["mag"], points["magerr"])
    band = np.where(points["band"] == "g", "ztfg", np.where(points["band"] == "i", "ztfi", "ztfr"))
    return tuple(one_per_object(points["name"].astype(np.str_), points["mjd"], band, flux, error))


def one_per_object(
    names: NDArray[np.str_], time: NDArray[np.generic], band: NDArray[np.str_], flux: Array, error: Array
) -> Iterator[LightCurve]:
    """Return the light curves of the objects that points belong to; all five arrays have an entry per point."""
    mjd = time.astype(np.float64)
    order = np.lexsort((mjd, names))
    _, begin = np.unique(names[order], return_index=True)
    for rows in np.split(order, begin[1:]):
        none = np.zeros(len(rows), dtype=np.bool_)
        yield LightCurve(str(names[rows[0]]), 0, mjd[rows], band[rows], flux[rows], error[rows], none, 0.0, 0.0)
