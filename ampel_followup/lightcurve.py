"""The one input type: the light curve of an object, in flux, with its context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.errors import LightCurveError

#: AB zero point of fluxes in µJy: m = ZERO_POINT − 2.5 log10(flux / µJy) (23.9 to the rounding that surveys use).
ZERO_POINT = 23.9

#: Upper limits of ZTF and LSST are quoted at this many standard deviations.
LIMIT_SIGMA = 5.0

#: Modified Julian Date = Julian Date − this.
MJD_OFFSET = 2400000.5

_MAG_PER_RELATIVE_FLUX = 2.5 / np.log(10.0)


def flux_from_magnitude(mag: ArrayLike, mag_err: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Convert AB magnitudes and their errors to fluxes in µJy.

    Parameters
    ----------
    mag, mag_err : array_like, shape (n,)
        AB magnitude and its standard deviation [mag].

    Returns
    -------
    flux, flux_err : ndarray, shape (n,)
        Flux density and its standard deviation [µJy], to first order in `mag_err`.
    """
    flux = 10.0 ** (0.4 * (ZERO_POINT - np.asarray(mag, dtype=np.float64)))
    return flux, flux * np.asarray(mag_err, dtype=np.float64) / _MAG_PER_RELATIVE_FLUX


def magnitude_from_flux(flux: ArrayLike, flux_err: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Convert fluxes in µJy to AB magnitudes; the inverse of `flux_from_magnitude`.

    Parameters
    ----------
    flux, flux_err : array_like, shape (n,)
        Flux density and its standard deviation [µJy].

    Returns
    -------
    mag, mag_err : ndarray, shape (n,)
        AB magnitude and its standard deviation [mag]; NaN where the flux is not positive.
    """
    flux = np.asarray(flux, dtype=np.float64)
    positive = np.where(flux > 0, flux, np.nan)
    mag = ZERO_POINT - 2.5 * np.log10(positive)
    return mag, _MAG_PER_RELATIVE_FLUX * np.asarray(flux_err, dtype=np.float64) / positive


@dataclass(frozen=True, slots=True, eq=False)
class LightCurve:
    """
    Difference photometry of one object, with the catalogue context that came with it.

    Construction sorts the points by time, drops those whose time, flux or error is not finite or whose error is not
    positive (`dropped` counts them), and keeps the last of several points with the same non-zero `source_id`.

    Parameters
    ----------
    id : str
        Survey name of the object, such as ``ZTF18abmjhtn``.
    stock : int
        AMPEL's number for the object; 0 where the survey has no such mapping.
    time : ndarray, shape (n,)
        Modified Julian Date, UTC [d].
    band : ndarray of str, shape (n,)
        Band names as in `ampel_followup.bands`: ``ztfg``, ``ztfr``, ``ztfi``, ``lsstu`` …, ``atlasc``, ``atlaso``.
    flux, flux_err : ndarray, shape (n,)
        Difference flux and its standard deviation [µJy], AB with zero point 23.9; **signed**: a source fainter than the
        reference image is negative. An upper limit has flux 0 and a fifth of the limiting flux as its error.
    upper_limit : ndarray of bool, shape (n,)
        True where nothing was detected.
    ra, dec : float
        Mean position of the detections, ICRS [deg].
    source_id : ndarray of int64, shape (n,), optional
        The survey's number of each detection (ZTF ``candid``); 0 where there is none.
    point_ra, point_dec : ndarray, shape (n,), optional
        Position of each detection, ICRS [deg]; NaN for limits.
    rb, drb : ndarray, shape (n,), optional
        Real/bogus score and its deep-learning successor per detection, 0 (bogus) to 1 (real); NaN where not given.
    meta : mapping of str to float, optional
        Context from the most recent alert, under ZTF's names whatever the survey: ``sgscore1`` (0 galaxy, 1 star),
        ``distpsnr1`` [arcsec], ``srmag1`` [mag], ``magnr`` [mag], ``distnr`` [arcsec], ``ndethist``, ``ncovhist``,
        ``jdstarthist`` [d], ``neargaia`` [arcsec], ``maggaia`` [mag], ``ssdistnr`` [arcsec]; of
        LSST and Lasair also ``z``, ``photoz``, ``photoz_err``, ``sep_arcsec`` [arcsec] and ``sep_kpc`` [kpc] of the
        host, ``distance_mpc`` [Mpc], ``abs_mag`` [mag] (the brightest), ``ebv_sfd`` [mag], ``sherlock`` (place in
        `ampel_followup.surroundings.SHERLOCK`) and ``tns`` (`ampel_followup.survey_names.tns_number`). Absent or NaN =
        not known.

    Raises
    ------
    LightCurveError
        If the arrays differ in length or the position is not on the sky.
    """

    id: str
    stock: int
    time: NDArray[np.float64]
    band: NDArray[np.str_]
    flux: NDArray[np.float64]
    flux_err: NDArray[np.float64]
    upper_limit: NDArray[np.bool_]
    ra: float
    dec: float
    source_id: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    point_ra: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    point_dec: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    rb: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    drb: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    meta: Mapping[str, float] = field(default_factory=dict)
    dropped: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        time = np.atleast_1d(np.asarray(self.time, dtype=np.float64))
        n = len(time)
        columns: dict[str, NDArray[np.generic]] = {"time": time}
        for name, dtype, default in (
            ("band", np.str_, None),
            ("flux", np.float64, None),
            ("flux_err", np.float64, None),
            ("upper_limit", np.bool_, None),
            ("source_id", np.int64, 0),
            ("point_ra", np.float64, np.nan),
            ("point_dec", np.float64, np.nan),
            ("rb", np.float64, np.nan),
            ("drb", np.float64, np.nan),
        ):
            value = np.atleast_1d(np.asarray(getattr(self, name), dtype=dtype))
            if len(value) == 0 and default is not None:
                value = np.full(n, default, dtype=dtype)
            if value.shape != (n,):
                raise LightCurveError(
                    f"{self.id}: {name} has shape {value.shape}, expected ({n},) like time; give one value per point"
                )
            columns[name] = value
        if not (np.isfinite(self.ra) and -90.0 <= self.dec <= 90.0):
            raise LightCurveError(
                f"{self.id}: position ({self.ra}, {self.dec}) is not on the sky; degrees are expected"
            )

        good = np.isfinite(time) & np.isfinite(columns["flux"]) & np.isfinite(columns["flux_err"])
        good &= np.asarray(columns["flux_err"], dtype=np.float64) > 0
        order = np.flatnonzero(good)
        order = order[np.lexsort((columns["source_id"][order], columns["band"][order], time[order]))]
        order = _last_of_each_source(order, columns["source_id"])
        for name, value in columns.items():
            kept = value[order]
            kept.flags.writeable = False
            object.__setattr__(self, name, kept)
        object.__setattr__(self, "dropped", int(n - good.sum()))
        object.__setattr__(self, "ra", float(self.ra) % 360.0)
        object.__setattr__(self, "dec", float(self.dec))
        object.__setattr__(self, "meta", MappingProxyType(dict(self.meta)))

    def __len__(self) -> int:
        return len(self.time)

    @property
    def detected(self) -> NDArray[np.bool_]:
        """True at detections, shape (n,): of either sign, limits excluded."""
        return ~self.upper_limit

    @property
    def magnitude(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """AB magnitude and error [mag], shape (n,) each; NaN at limits and at negative differences."""
        mag, mag_err = magnitude_from_flux(self.flux, self.flux_err)
        return np.where(self.upper_limit, np.nan, mag), np.where(self.upper_limit, np.nan, mag_err)

    @property
    def limiting_magnitude(self) -> NDArray[np.float64]:
        """Five-sigma limiting AB magnitude [mag], shape (n,): of every point, detection or not."""
        return magnitude_from_flux(LIMIT_SIGMA * self.flux_err, self.flux_err)[0]


def _last_of_each_source(order: NDArray[np.intp], source_id: NDArray[np.generic]) -> NDArray[np.intp]:
    """Of points that share a non-zero source id keep the one latest in `order`; `order` stays in time order."""
    ids = source_id[order]
    named = np.flatnonzero(ids != 0)
    if len(named) == len(set(ids[named].tolist())):
        return order
    _, from_the_end = np.unique(ids[named][::-1], return_index=True)
    keep = ids == 0
    keep[named[len(named) - 1 - from_the_end]] = True
    return np.asarray(order[keep])
