"""When a target that cannot be observed tonight can be observed again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.observing import sky
from ampel_followup.observing.night import Night

#: Nights looked ahead: a year brings every season.
NIGHTS_AHEAD = 366

_DEGREES_PER_HOUR = 15.041


def nights_until_observable(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    night: Night,
    min_altitude: float,
    min_hours: float,
    max_hour_angle: float = 12.0,
) -> NDArray[np.int64]:
    """
    Count the nights until a target is high enough in the dark for long enough, the Moon left aside.

    A target is above `min_altitude` within an hour angle H of its transit, and it is dark within an hour angle N of the
    Sun's lower transit, with ``cos H = (sin a − sin φ sin δ) / (cos φ cos δ)`` for each. The night counts if the two
    arcs overlap for `min_hours`. Good to a day: the Sun stands still during each night.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        CIRS [deg]. For catalogue positions the error is precession's, a third of a degree at most in this century.
    night : Night
        To begin after; its site and twilight hold for all nights.
    min_altitude : float
        [deg]
    min_hours : float
        [h]
    max_hour_angle : float, optional
        [h]; 12 = no limit.

    Returns
    -------
    ndarray of int64, shape (n,)
        Nights from `night`, 1 to 366; 0 if there is none.
    """
    ahead = np.arange(1, NIGHTS_AHEAD + 1)
    enough = observable_on(ra, dec, night, min_altitude, min_hours, ahead, max_hour_angle)
    return np.where(enough.any(axis=1), enough.argmax(axis=1) + 1, 0)


def observable_on(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    night: Night,
    min_altitude: float,
    min_hours: float,
    ahead: NDArray[np.int64],
    max_hour_angle: float = 12.0,
) -> NDArray[np.bool_]:
    """
    Tell on which nights targets are high enough in the dark for long enough, as in `nights_until_observable`.

    Parameters
    ----------
    ra, dec, night, min_altitude, min_hours
        As there.
    ahead : ndarray of int64, shape (k,)
        Nights from `night`, 0 or more, increasing.
    max_hour_angle : float, optional
        As there.

    Returns
    -------
    ndarray of bool, shape (n, k)
    """
    site = night.site
    sun_ra, sun_dec = sky.sun_positions(night.midnight + ahead)
    above = np.minimum(_half_arc(dec, site.latitude, min_altitude), 15.0 * max_hour_angle)[:, np.newaxis]
    dark = 180.0 - _half_arc(sun_dec, site.latitude, -night.twilight)
    # A night that `night_at` refuses, because the Sun does not rise or not set, is none to wait for.
    dark[_half_arc(sun_dec, site.latitude, sky.HORIZON) == 0.0] = 0.0
    # Hour angle of the target at midnight, 0 to 180° either side: the arcs overlap around it and around the far side.
    apart = np.abs(180.0 - np.abs(sun_ra - np.remainder(ra, 360.0)[:, np.newaxis]))
    both = above + dark
    overlap = np.maximum(both - apart, 0.0)
    np.minimum(overlap, 2.0 * np.minimum(above, dark), out=overlap)
    far = np.add(both, apart, out=both)
    far -= 360.0
    overlap += np.maximum(far, 0.0, out=far)
    return np.asarray((overlap >= max(min_hours, 0.01) * _DEGREES_PER_HOUR) & (above > 0.0))


def _half_arc(dec: NDArray[np.float64], latitude: float, altitude: float) -> NDArray[np.float64]:
    """Hour angle at which a declination crosses an altitude [deg]: 0 if always below it, 180 if always above."""
    phi, delta = np.radians(latitude), np.radians(dec)
    scale = np.maximum(np.cos(phi) * np.cos(delta), 1e-12)
    cosine = (np.sin(np.radians(altitude)) - np.sin(phi) * np.sin(delta)) / scale
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
