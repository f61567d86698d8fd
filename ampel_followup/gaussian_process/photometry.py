"""Light curves as numbers to fit: relative fluxes, times from the first detection, wavelengths; padded, for batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.lightcurve import LightCurve

Array = NDArray[np.float64]

#: A detection that sets times and fluxes in relation [σ].
SIGNIFICANT = 5.0

#: A limit says that less than five σ were there: it counts as no flux with this many σ as its error.
LIMIT_WIDTH = 2.5

#: With more points than this, those of a band that are near in time are averaged.
MOST_POINTS = 400

#: No relative error is smaller than this: photometry is not calibrated better, and matrices stay regular.
LEAST_ERROR = 1e-3

#: Wavelengths of `BANDS` [Å].
WAVELENGTHS: Mapping[str, float] = {name: band.effective_wavelength for name, band in BANDS.items()}

# Averaging begins with bins of a night [d].
_NIGHT = 0.5

# Matrices have sizes that are multiples of this, and so many elements in a batch that they stay in the cache.
_STEP, _ELEMENTS = 8, 1 << 16

# The variance of points that are no points.
_NOTHING = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class Photometry:
    """
    The points of one object, relative to its brightness and its first detection.

    Parameters
    ----------
    time : ndarray, shape (n,)
        From `reference_time` [d].
    log_wavelength : ndarray, shape (n,)
        ln(λ / Å).
    flux, flux_err : ndarray, shape (n,)
        In units of `scale`.
    reference_time : float
        MJD of the first significant detection, or of the most significant point if there is none.
    scale : float
        The third brightest of the significant fluxes, or the brightest of fewer [µJy].
    """

    time: Array
    log_wavelength: Array
    flux: Array
    flux_err: Array
    reference_time: float
    scale: float

    def __len__(self) -> int:
        return len(self.time)


def photometry_of(light_curve: LightCurve, wavelengths: Mapping[str, float] = WAVELENGTHS) -> Photometry | str:
    """
    Return the points of an object, or why it has none to fit.

    Parameters
    ----------
    light_curve : LightCurve
    wavelengths : mapping of str to float
        Effective wavelength of each band [Å].
    """
    unknown = sorted(set(light_curve.band.tolist()) - set(wavelengths))
    if unknown:
        return f"band of unknown wavelength: {unknown[0]}"
    detected = light_curve.detected & (light_curve.flux != 0.0)
    if not detected.any():
        return "no detection"
    signal = np.where(detected, np.abs(light_curve.flux) / light_curve.flux_err, 0.0)
    seen = np.flatnonzero(signal >= min(SIGNIFICANT, float(signal.max())))
    brightest = np.sort(np.abs(light_curve.flux[seen]))[::-1]
    scale = float(brightest[min(2, len(brightest) - 1)])
    reference = float(light_curve.time[seen[0]])
    error = np.where(light_curve.upper_limit, LIMIT_WIDTH, 1.0) * light_curve.flux_err
    log_wavelength = np.log([wavelengths[band] for band in light_curve.band.tolist()])
    with np.errstate(over="ignore"):
        flux, error = light_curve.flux / scale, np.hypot(error / scale, LEAST_ERROR)
    good = np.isfinite(flux) & np.isfinite(error) & (error < 1e5)
    if not (good & detected).any():
        return "fluxes beyond all bounds"
    time = light_curve.time[good] - reference
    points = _averaged(time, log_wavelength[good], flux[good], error[good])
    return Photometry(*points, reference, scale)


def _averaged(time: Array, log_wavelength: Array, flux: Array, flux_err: Array) -> tuple[Array, Array, Array, Array]:
    """Average points in bins of time and band that widen until there are few enough."""
    points, width = (time, log_wavelength, flux, flux_err), _NIGHT
    while len(points[0]) > MOST_POINTS:
        key = np.stack([np.floor(time / width), log_wavelength])
        _, group = np.unique(key, axis=1, return_inverse=True)
        weight = flux_err**-2.0
        total = np.bincount(group, weight)
        mean = [np.bincount(group, weight * column) / total for column in (time, log_wavelength, flux)]
        order = np.argsort(mean[0], kind="stable")
        points = (mean[0][order], mean[1][order], mean[2][order], np.maximum(total**-0.5, LEAST_ERROR)[order])
        width *= 2.0
    return points


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """
    Objects of about the same number of points, filled up to n points each by such as say nothing.

    Parameters
    ----------
    rows : ndarray of int, shape (b,)
        Which objects these are.
    time, log_wavelength, flux, variance : ndarray, shape (b, n)
    fill : ndarray, shape (b,)
        What the points that are no points add to the logarithm of the determinant.
    counts : ndarray of int, shape (b,)
        Real points of each.
    """

    rows: NDArray[np.intp]
    time: Array
    log_wavelength: Array
    flux: Array
    variance: Array
    fill: Array
    counts: NDArray[np.intp]

    def among(self, chosen: NDArray[np.bool_]) -> Batch:
        """Return some of the objects."""
        return Batch(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def batches_of(objects: Sequence[Photometry]) -> list[Batch]:
    """
    Put objects of about the same number of points together, the largest first.

    The size of a matrix depends on its own object alone: results do not depend on what else is in the batch.
    """
    size = np.array([-(-len(points) // _STEP) * _STEP for points in objects], dtype=np.intp)
    made = []
    for n in np.unique(size)[::-1].tolist():
        rows = np.flatnonzero(size == n)
        most = max(_ELEMENTS // (n * n), 1)
        made += [_batch(objects, part, n) for part in np.split(rows, range(most, len(rows), most))]
    return made


def _batch(objects: Sequence[Photometry], rows: NDArray[np.intp], n: int) -> Batch:
    time, log_wavelength, flux = (np.zeros((len(rows), n)) for _ in range(3))
    variance = np.full((len(rows), n), _NOTHING)
    counts = np.array([len(objects[i]) for i in rows], dtype=np.intp)
    for k, i in enumerate(rows.tolist()):
        points, m = objects[i], counts[k]
        time[k, :m], time[k, m:] = points.time, points.time[-1]
        log_wavelength[k, :m], log_wavelength[k, m:] = points.log_wavelength, points.log_wavelength[-1]
        flux[k, :m] = points.flux
        variance[k, :m] = points.flux_err**2
    fill = (n - counts) * np.log(_NOTHING)
    return Batch(rows, time, log_wavelength, flux, variance, fill, counts)
