"""
Where the Earth points, and where the Sun and the Moon are.

ERFA (the IAU's SOFA routines) gives precession, nutation and aberration (IAU 2006/2000A), the Earth's orbit and the
Moon (Meeus 1998, ch. 47). Nothing here reads a table that expires or comes from the network. Two conventions make that
possible:

- TT − UTC is taken as constant. It was 10 to 30 s less before 2017, in which the Moon moves 15″ at most.
- UT1 − UTC, below 0.9 s in size, is the caller's to give, and 0 by default: 13″ at most in altitude, and the same times
  for the same night whatever Earth orientation data are installed.

Directions are unit vectors: in the GCRS, whose axes are those of the ICRS, or in the CIRS, the celestial intermediate
system, in which the Earth turns about the z axis at the rate of the Earth rotation angle.
"""

from __future__ import annotations

import erfa
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.lightcurve import MJD_OFFSET
from ampel_followup.observing.sites import Site

#: TT − UTC since 2017 [s].
TT_MINUS_UTC = 69.184

#: Mean solar days in which the Earth rotation angle grows by a full turn.
ROTATION_PERIOD = 1.0 / 1.00273781191135448

#: Altitude of the centre of Sun or Moon with the upper limb on the horizon: 16′ of radius and 34′ of refraction [deg].
HORIZON = -0.833

_SECONDS_PER_DAY = 86400.0
_METRES_PER_AU = 149597870700.0


def directions(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.float64]:
    """
    Convert right ascension and declination to unit vectors.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        In any equatorial system [deg].

    Returns
    -------
    ndarray, shape (n, 3)
    """
    # Reducing the angle in degrees is exact, which it is not in radians.
    alpha = np.radians(np.remainder(ra, 360.0))
    delta = np.radians(dec)
    return np.stack([np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)], axis=-1)


def cirs_directions(ra: ArrayLike, dec: ArrayLike, mjd: float) -> NDArray[np.float64]:
    """
    Convert catalogue positions to directions as seen from the centre of the Earth, by all of astrometry but parallax.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        ICRS [deg].
    mjd : float
        UTC.

    Returns
    -------
    ndarray, shape (n, 3)
        Unit vectors in the CIRS of `mjd`. Over half a day either side they hold to 0.2″ (change of aberration).
    """
    astrom, _ = erfa.apci13(MJD_OFFSET, _tt(mjd))
    alpha, delta = erfa.atciqz(
        np.radians(np.remainder(ra, 360.0)), np.radians(np.asarray(dec, dtype=np.float64)), astrom
    )
    return directions(np.degrees(alpha), np.degrees(delta))


def zenith(site: Site, mjd: ArrayLike, delta_ut1: float = 0.0) -> NDArray[np.float64]:
    """
    Give the direction of the zenith of a site, so that sin(altitude) of a star is ``star @ zenith``.

    Parameters
    ----------
    site : Site
        Its geodetic latitude defines the zenith; polar motion, 0.6″ at most, is left out.
    mjd : array_like, shape (t,)
        UTC.
    delta_ut1 : float, optional
        UT1 − UTC [s].

    Returns
    -------
    ndarray, shape (t, 3)
        Unit vectors in the CIRS.
    """
    angle = erfa.era00(MJD_OFFSET, np.asarray(mjd, dtype=np.float64) + delta_ut1 / _SECONDS_PER_DAY)
    return directions(np.degrees(angle) + site.longitude, np.full_like(angle, site.latitude))


def sun_altitude(site: Site, mjd: ArrayLike, delta_ut1: float = 0.0) -> NDArray[np.float64]:
    """
    Give the altitude of the centre of the Sun, without refraction, to 0.01°.

    Parameters
    ----------
    site : Site
    mjd : array_like, shape (t,)
        UTC, within a few days of each other.
    delta_ut1 : float, optional
        UT1 − UTC [s].

    Returns
    -------
    ndarray, shape (t,)
        [deg]
    """
    mjd = np.asarray(mjd, dtype=np.float64)
    # In a few days the Sun moves on a parabola: three places of it give all others, to 0.1″.
    middle, half = (mjd.max() + mjd.min()) / 2.0, max((mjd.max() - mjd.min()) / 2.0, 1e-3)
    x = (mjd - middle) / half
    weights = np.stack([x * (x - 1.0) / 2.0, 1.0 - x * x, x * (x + 1.0) / 2.0], axis=-1)
    sun = _unit(weights @ _sun(middle + half * np.array([-1.0, 0.0, 1.0]))) @ _gcrs_to_cirs(mjd).T
    return np.asarray(np.degrees(np.arcsin(np.einsum("tk,tk->t", sun, zenith(site, mjd, delta_ut1)))))


def moon(
    site: Site, mjd: ArrayLike, delta_ut1: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """
    Give the position of the Moon as the site sees it (with parallax, without refraction), to 0.01°.

    Parameters
    ----------
    site : Site
    mjd : array_like, shape (t,)
        UTC, within a few days of each other.
    delta_ut1 : float, optional
        UT1 − UTC [s].

    Returns
    -------
    ra, dec : ndarray, shape (t,)
        Along the axes of the ICRS [deg].
    altitude : ndarray, shape (t,)
        [deg]
    """
    mjd = np.asarray(mjd, dtype=np.float64)
    to_cirs = _gcrs_to_cirs(mjd)
    seen = _unit(_moon(mjd) @ to_cirs.T - _observer(site, mjd, delta_ut1))
    altitude = np.degrees(np.arcsin(np.einsum("tk,tk->t", seen, zenith(site, mjd, delta_ut1))))
    x, y, z = (seen @ to_cirs).T
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y))), altitude


def moon_illumination(mjd: float) -> float:
    """Give the illuminated fraction of the Moon's disc, 0 to 1, at a UTC (Meeus 1998, eq. 48.1)."""
    sun, moon_ = _sun(np.array([mjd]))[0], _moon(np.array([mjd]))[0]
    to_sun, to_earth = sun - moon_, -moon_
    cos_phase = to_sun @ to_earth / (np.linalg.norm(to_sun) * np.linalg.norm(to_earth))
    return float((1.0 + cos_phase) / 2.0)


def moon_phase(mjd: float) -> float:
    """Give the Moon's phase angle along the ecliptic from the Sun, 0 to 360° (0 new, 90 first quarter, 180 full)."""
    time = np.array([mjd])
    to_ecliptic = erfa.ecm06(MJD_OFFSET, _tt(mjd))
    sun, moon_ = to_ecliptic @ _sun(time)[0], to_ecliptic @ _moon(time)[0]
    return float(np.degrees(np.arctan2(moon_[1], moon_[0]) - np.arctan2(sun[1], sun[0])) % 360.0)


def sun_positions(mjd: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Give the Sun's right ascension and declination, referred to the equator of the middle of the times, to 0.02°.

    By the low-accuracy series of Meeus (1998, ch. 25), for a year of nights at once: ERFA's takes far longer.

    Parameters
    ----------
    mjd : array_like, shape (t,)
        UTC, within a year or so of each other.

    Returns
    -------
    ra, dec : ndarray, shape (t,)
        CIRS [deg].
    """
    mjd = np.asarray(mjd, dtype=np.float64)
    t = (_tt(mjd) - 51544.5) / 36525.0
    mean_longitude = 280.46646 + t * (36000.76983 + 0.0003032 * t)
    anomaly = np.radians(357.52911 + t * (35999.05029 - 0.0001537 * t))
    centre = (
        (1.914602 - 0.004817 * t) * np.sin(anomaly) + 0.019993 * np.sin(2 * anomaly) + 0.000289 * np.sin(3 * anomaly)
    )
    # From the equinox of date to that of J2000.
    longitude = np.radians(mean_longitude + centre - 1.397 * t)
    obliquity = np.radians(23.43928)
    sine = np.sin(longitude)
    sun = np.stack([np.cos(longitude), np.cos(obliquity) * sine, np.sin(obliquity) * sine], axis=-1)
    x, y, z = (sun @ _gcrs_to_cirs(mjd).T).T
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arcsin(z))


def _tt(mjd: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(mjd, dtype=np.float64) + TT_MINUS_UTC / _SECONDS_PER_DAY


def _sun(mjd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Geocentric Sun in the GCRS, shape (t, 3) [AU]; light time and aberration, 20″ together, are left out."""
    heliocentric, _ = erfa.epv00(MJD_OFFSET, _tt(mjd))
    return -np.asarray(heliocentric["p"], dtype=np.float64)


def _moon(mjd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Geocentric Moon in the GCRS, shape (t, 3) [AU]."""
    return np.asarray(erfa.moon98(MJD_OFFSET, _tt(mjd))["p"], dtype=np.float64)


def _observer(site: Site, mjd: NDArray[np.float64], delta_ut1: float) -> NDArray[np.float64]:
    """Geocentric site in the CIRS, shape (t, 3) [AU]."""
    x, y, z = erfa.gd2gc(1, np.radians(site.longitude), np.radians(site.latitude), site.height) / _METRES_PER_AU
    angle = erfa.era00(MJD_OFFSET, mjd + delta_ut1 / _SECONDS_PER_DAY)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([x * cos - y * sin, x * sin + y * cos, np.full_like(angle, z)], axis=-1)


def _gcrs_to_cirs(mjd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation from GCRS to CIRS in the middle of the times, shape (3, 3); it changes by 0.15″ in a day."""
    return np.asarray(erfa.c2i06a(MJD_OFFSET, _tt((mjd[0] + mjd[-1]) / 2.0)), dtype=np.float64)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
