"""Light curves as people keep them: a folder with a table per object."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.alerts.ztf import ztf_stock
from ampel_followup.bands import BANDS
from ampel_followup.errors import TrainingError
from ampel_followup.learning.tables import Table, number_column, read_table, text_column
from ampel_followup.lightcurve import LIMIT_SIGMA, MJD_OFFSET, ZERO_POINT, LightCurve, flux_from_magnitude

Array = NDArray[np.float64]

#: Endings of the files that are light curves.
ENDINGS = (".csv", ".ecsv", ".parquet")

_TRUE = frozenset({"1", "1.0", "true", "t", "yes"})


def light_curve_files(folder: Path) -> list[Path]:
    """Return the files of a folder that are light curves by their ending, in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith("."))


def read_light_curve(path: Path, ra: float, dec: float, name: str | None = None) -> LightCurve:
    """
    Read the light curve of one object.

    The table has a row per point and these columns, in any order; others are passed over:

    - ``mjd`` (or ``jd``) [d];
    - ``band``: names of `ampel_followup.bands.BANDS`;
    - ``flux`` and ``flux_err`` [µJy, AB]: difference flux, signed. Or ``mag`` and ``mag_err`` [AB mag];
    - ``upper_limit``, optional: 1 or true where nothing was detected;
    - ``limiting_mag``, optional [AB mag, five sigma]: with magnitudes, a row without ``mag`` that has it is a limit.

    Points whose error is missing, zero or negative are dropped, as are those without time or flux; `LightCurve.dropped`
    counts them.

    Parameters
    ----------
    path : Path
        CSV, ECSV or Parquet.
    ra, dec : float
        ICRS [deg].
    name : str, optional
        Of the object; by default that of the file without its ending.

    Raises
    ------
    TrainingError
        If the table cannot be read, lacks a column, names an unknown band, or no point is left.
    LightCurveError
        If the position is not on the sky.
    """
    table, place = read_table(path), str(path)
    in_jd = "jd" in table and "mjd" not in table
    time = number_column(table, "jd", place) - MJD_OFFSET if in_jd else number_column(table, "mjd", place)
    band = text_column(table, "band", place)
    unknown = sorted(set(band) - set(BANDS))
    if unknown:
        raise TrainingError(f"{place}: unknown band {unknown[0]!r}; there are {', '.join(BANDS)}")
    limit = _limits(table, place)
    if "flux" in table:
        flux, flux_err = number_column(table, "flux", place), number_column(table, "flux_err", place)
    else:
        flux, flux_err, limit = _from_magnitudes(table, place, limit)
    light_curve = LightCurve(
        id=name or path.stem,
        stock=ztf_stock(name or path.stem),
        time=time,
        band=np.array(band),
        flux=np.where(limit, 0.0, flux),
        flux_err=flux_err,
        upper_limit=limit,
        ra=ra,
        dec=dec,
    )
    if not light_curve.detected.any():
        raise TrainingError(
            f"{place}: no detection with a positive error among {len(time)} points; correct the errors, or leave it out"
        )
    return light_curve


def write_light_curve(path: Path, light_curve: LightCurve) -> None:
    """
    Write the points of an object as `read_light_curve` takes them.

    The columns are ``mjd``, ``band``, ``flux``, ``flux_err`` [µJy] and ``upper_limit``.

    Parameters
    ----------
    path : Path
        CSV.
    light_curve : LightCurve
    """
    columns = (light_curve.time, light_curve.band, light_curve.flux, light_curve.flux_err, light_curve.upper_limit)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("mjd", "band", "flux", "flux_err", "upper_limit"))
        writer.writerows((repr(mjd), band, repr(flux), repr(err), int(limit)) for mjd, band, flux, err, limit in rows)


def until(light_curve: LightCurve, mjd: float) -> LightCurve:
    """
    Return a light curve as it was known at a time: without the points after it, and without context.

    The context of an alert is that of its last detection, so it is kept only if nothing is cut off.

    Raises
    ------
    TrainingError
        If no detection is that early.
    """
    kept = light_curve.time <= mjd
    if kept.all():
        return light_curve
    if not (kept & light_curve.detected).any():
        raise TrainingError(f"{light_curve.id}: no detection until MJD {mjd:g}; give a later time, or leave it empty")
    return LightCurve(
        id=light_curve.id,
        stock=light_curve.stock,
        ra=light_curve.ra,
        dec=light_curve.dec,
        **{column: getattr(light_curve, column)[kept] for column in _POINT_COLUMNS},
    )


_POINT_COLUMNS: Sequence[str] = (
    "time", "band", "flux", "flux_err", "upper_limit", "source_id", "point_ra", "point_dec", "rb", "drb",
)  # fmt: skip


def _limits(table: Table, place: str) -> NDArray[np.bool_]:
    if "upper_limit" not in table:
        return np.zeros(len(next(iter(table.values()))), dtype=np.bool_)
    return np.array([value.lower() in _TRUE for value in text_column(table, "upper_limit", place)])


def _from_magnitudes(table: Table, place: str, limit: NDArray[np.bool_]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return flux, error and which points are limits."""
    if "mag" not in table:
        raise TrainingError(f"{place} has neither flux and flux_err nor mag and mag_err; it has {', '.join(table)}")
    mag, mag_err = number_column(table, "mag", place), number_column(table, "mag_err", place)
    flux, flux_err = flux_from_magnitude(mag, mag_err)
    if "limiting_mag" in table:
        depth = 10.0 ** (0.4 * (ZERO_POINT - number_column(table, "limiting_mag", place))) / LIMIT_SIGMA
        limit = limit | (np.isnan(mag) & np.isfinite(depth))
        flux_err = np.where(limit, depth, flux_err)
    return flux, flux_err, limit
