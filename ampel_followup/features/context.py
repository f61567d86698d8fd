"""Features of the place: latitude, catalogue neighbours, history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.features.featureset import Feature, FeatureSet
from ampel_followup.features.ragged import Indices, Points, stack
from ampel_followup.lightcurve import MJD_OFFSET, LightCurve

# North Galactic pole, ICRS [deg], and the obliquity of the ecliptic at J2000 [deg]: ESA 1997, "The Hipparcos and Tycho
# Catalogues", SP-1200, vol. 1, section 1.5.3; Capitaine et al. 2003, A&A 412, 567 (IAU 2006).
_POLE_RA, _POLE_DEC = 192.85948, 27.12825
_OBLIQUITY = 84381.406 / 3600.0

_ALERCE = "Sánchez-Sáez et al. 2021, AJ 161, 141"
_ZTF = "Masci et al. 2019, PASP 131, 018003"
_STAR_GALAXY = "Tachibana & Miller 2018, PASP 130, 128001"
_HIPPARCOS = "ESA 1997, SP-1200, vol. 1"


def galactic_latitude(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.float64]:
    """
    Return the Galactic latitude: sin b = sin δ sin δ_G + cos δ cos δ_G cos(α − α_G).

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        ICRS [deg].

    Returns
    -------
    ndarray, shape (n,)
        b [deg], good to 0.1″ (Hipparcos Catalogue, ESA 1997, vol. 1, section 1.5.3).
    """
    α, δ = np.radians(np.asarray(ra, dtype=np.float64) - _POLE_RA), np.radians(np.asarray(dec, dtype=np.float64))
    pole = np.radians(_POLE_DEC)
    # The arc tangent keeps its precision at the poles, where an arc sine loses it.
    sine = np.sin(δ) * np.sin(pole) + np.cos(δ) * np.cos(pole) * np.cos(α)
    along = np.sin(δ) * np.cos(pole) - np.cos(δ) * np.sin(pole) * np.cos(α)
    latitude: NDArray[np.float64] = np.degrees(np.arctan2(sine, np.hypot(along, np.cos(δ) * np.sin(α))))
    return latitude


def ecliptic_latitude(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.float64]:
    """
    Return the latitude on the mean ecliptic of J2000: sin β = sin δ cos ε − cos δ sin ε sin α.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        ICRS [deg].

    Returns
    -------
    ndarray, shape (n,)
        β [deg], good to 0.1″.
    """
    α, δ = np.radians(np.asarray(ra, dtype=np.float64)), np.radians(np.asarray(dec, dtype=np.float64))
    ε = np.radians(_OBLIQUITY)
    sine = np.sin(δ) * np.cos(ε) - np.cos(δ) * np.sin(ε) * np.sin(α)
    along = np.sin(δ) * np.sin(ε) + np.cos(δ) * np.cos(ε) * np.sin(α)
    latitude: NDArray[np.float64] = np.degrees(np.arctan2(sine, np.hypot(along, np.cos(δ) * np.cos(α))))
    return latitude


def _columns(light_curves: Sequence[LightCurve]) -> dict[str, NDArray[np.float64]]:
    return columns_of(light_curves, stack(light_curves), np.arange(len(light_curves)))


def columns_of(
    light_curves: Sequence[LightCurve], points: Points, object_index: Indices
) -> dict[str, NDArray[np.float64]]:
    """
    Compute the features of v parts of n objects.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        n objects, with the catalogue context of their latest packets.
    points : Points
        Those of each part, from the first point of the object on.
    object_index : ndarray of int, shape (v,)
        The object of each part.

    Returns
    -------
    dict of str to ndarray, shape (v,)
    """
    ra, dec = np.array([(lc.ra, lc.dec) for lc in light_curves]).T
    b = galactic_latitude(ra, dec)
    columns = {
        "galactic_latitude": b,
        "abs_galactic_latitude": np.abs(b),
        "ecliptic_latitude": ecliptic_latitude(ra, dec),
    }
    for name in _CATALOGUE_FIELDS:
        columns[name] = np.array([lc.meta.get(name, np.nan) for lc in light_curves], dtype=np.float64)
    last_mag = points.segments.last_where(points.positive, points.mag)
    first_point = np.array([lc.time[0] if len(lc) else np.nan for lc in light_curves])
    started = np.array([lc.meta.get("jdstarthist", np.nan) for lc in light_curves], dtype=np.float64) - MJD_OFFSET
    columns = {name: values[object_index] for name, values in columns.items()}
    exposures = columns["ncovhist"]
    columns["mag_above_reference"] = last_mag - columns["magnr"]
    columns["history_ratio"] = columns["ndethist"] / np.where(exposures > 0, exposures, np.nan)
    columns["history_length"] = (
        points.segments.last_where(points.detected, points.time) + (first_point - started)[object_index]
    )
    return columns


_CATALOGUE_FIELDS = (
    "sgscore1",
    "distpsnr1",
    "srmag1",
    "magnr",
    "distnr",
    "ndethist",
    "ncovhist",
    "neargaia",
    "maggaia",
    "ssdistnr",
)

CONTEXT = FeatureSet(
    name="context",
    version="1",
    columns=_columns,
    features=(
        Feature("galactic_latitude", "deg", "Galactic latitude b", "position", 1, _HIPPARCOS),
        Feature("abs_galactic_latitude", "deg", "|b|: small where stars abound", "position", 1, _ALERCE),
        Feature("ecliptic_latitude", "deg", "latitude β: near 0 where asteroids abound", "position", 1, _ALERCE),
        Feature("sgscore1", "", "nearest PS1 source: 0 a galaxy, 1 a star", "catalogue", 1, _STAR_GALAXY),
        Feature("distpsnr1", "arcsec", "distance of the nearest PS1 source", "catalogue", 1, _ZTF),
        Feature("srmag1", "mag", "r of the nearest PS1 source", "catalogue", 1, _ZTF),
        Feature("magnr", "mag", "magnitude of the nearest source in the reference image", "reference", 1, _ZTF),
        Feature("distnr", "arcsec", "its distance", "reference", 1, _ZTF),
        Feature(
            "mag_above_reference",
            "mag",
            "last magnitude minus `magnr`: small or negative if it outshines the source there",
            "last positive detection, reference",
            1,
            _ALERCE,
        ),
        Feature("ndethist", "", "detections at this place since the survey began", "history", 1, _ZTF),
        Feature("ncovhist", "", "exposures of this place since the survey began", "history", 1, _ZTF),
        Feature("history_ratio", "", "`ndethist` / `ncovhist`", "history", 1, _ALERCE),
        Feature("history_length", "d", "last detection minus the first in the survey's history", "history", 1, _ZTF),
        Feature("neargaia", "arcsec", "distance of the nearest Gaia source", "catalogue", 1, _ZTF),
        Feature("maggaia", "mag", "G of the nearest Gaia source", "catalogue", 1, _ZTF),
        Feature("ssdistnr", "arcsec", "distance of the nearest known minor planet", "catalogue", 1, _ZTF),
    ),
)
