"""
The survey: when ZTF looks, how deep, and what it measures.

Public surveys of ZTF visit a field in g and r on the same night, every second or third night (Bellm et al. 2019, PASP
131, 068003; Dekany et al. 2020). The figures below were set to resemble public alert packets of 2018 to 2025; the
comparison is in docs/simulation.md.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import NightError
from ampel_followup.lightcurve import LIMIT_SIGMA

_LATITUDE, _LONGITUDE = 33.3563, -116.8650  # Palomar 48-inch, degrees, east positive
_DUSK_ALTITUDE = -15.0  # degrees, of the Sun when the survey starts
_FIRST_YEAR, _LAST_YEAR = 2017, 2032  # ZTF's names, as AMPEL numbers them, reach no further
_SIDEREAL = 0.00273  # d per d by which stars rise earlier
_DEPTH = {1: 20.75, 2: 20.55, 3: 20.0}  # best five-sigma limits in g, r, i [mag]
_MOONLIGHT = {1: 1.0, 2: 0.75, 3: 0.4}  # mag lost at full Moon
_CLOUDY = 0.27  # share of nights lost


@dataclass(frozen=True, slots=True)
class Darkness:
    """The dark time of one night at Palomar: `start` and `end` in MJD (UTC)."""

    start: float
    end: float


def palomar_night(date: datetime.date) -> Darkness:
    """
    Return the dark time at Palomar of the night that begins on a date.

    The low-precision Sun of the Astronomical Almanac (0.01°); no tables and no network.

    Parameters
    ----------
    date : datetime.date
        Evening date, 2017 to 2032.

    Raises
    ------
    NightError
        If ZTF has no names for objects of that year.
    """
    if not _FIRST_YEAR <= date.year <= _LAST_YEAR:
        raise NightError(
            f"cannot simulate the night {date.isoformat()}: ZTF's object names cover {_FIRST_YEAR} to {_LAST_YEAR}; "
            "take a night of those years"
        )
    # Local mean midnight, in UTC on the following day.
    midnight = float(date.toordinal() - datetime.date(1858, 11, 17).toordinal() + 1) - _LONGITUDE / 360.0
    days = midnight - 51544.5
    anomaly = np.radians(357.528 + 0.9856003 * days)
    mean_longitude = 280.460 + 0.9856474 * days
    longitude = np.radians(mean_longitude + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2.0 * anomaly))
    obliquity = np.radians(23.439 - 4e-7 * days)
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    ascension = np.degrees(np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude)))
    equation_of_time = (mean_longitude - ascension + 180.0) % 360.0 - 180.0
    latitude = np.radians(_LATITUDE)
    cosine = (np.sin(np.radians(_DUSK_ALTITUDE)) - np.sin(latitude) * np.sin(declination)) / (
        np.cos(latitude) * np.cos(declination)
    )
    half = (180.0 - np.degrees(np.arccos(cosine))) / 360.0
    centre = midnight - equation_of_time / 360.0
    return Darkness(float(centre - half), float(centre + half))


def moon_illumination(mjd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the illuminated fraction of the Moon, 0 to 1, from its mean elongation (a few percent)."""
    elongation = np.radians(297.850 + 12.19074912 * (mjd - 51544.5))
    return np.asarray(0.5 * (1.0 - np.cos(elongation)))


def sidereal_time(mjd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean local sidereal time at Palomar [deg]; UT1 is taken as UTC."""
    return (280.46061837 + 360.98564736629 * (mjd - 51544.5) + _LONGITUDE) % 360.0


def galactic_latitude(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return b [deg] of ICRS positions [deg]; pole at (192.85948°, 27.12825°)."""
    dec, pole = np.radians(dec), np.radians(27.12825)
    sine = np.sin(dec) * np.sin(pole) + np.cos(dec) * np.cos(pole) * np.cos(np.radians(ra - 192.85948))
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def positions(
    mjd: NDArray[np.float64], scale_latitude: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Draw positions that Palomar can observe at the given times, at airmass below 2.4.

    Parameters
    ----------
    mjd : ndarray, shape (n,)
    scale_latitude : float
        Objects crowd to the Galactic plane as e^{−|b|/scale}; 0 for extragalactic ones, which dust keeps away from it.
    rng : numpy.random.Generator

    Returns
    -------
    ra, dec : ndarray, shape (n,)
        ICRS [deg].
    """
    shape = (len(mjd), 24)
    hour_angle = rng.uniform(-65.0, 65.0, shape)
    dec = np.degrees(np.arcsin(rng.uniform(np.sin(np.radians(-28.0)), 1.0, shape)))
    ra = (sidereal_time(mjd)[:, None] - hour_angle) % 360.0
    altitude_sine = np.sin(np.radians(_LATITUDE)) * np.sin(np.radians(dec)) + np.cos(np.radians(_LATITUDE)) * np.cos(
        np.radians(dec)
    ) * np.cos(np.radians(hour_angle))
    height = np.abs(galactic_latitude(ra, dec))
    weight = np.exp(-height / scale_latitude) if scale_latitude > 0 else -np.expm1(-((height / 12.0) ** 2))
    weight = np.where(altitude_sine > 1.0 / 2.4, weight, 1e-9)
    cumulative = np.cumsum(weight, axis=1)
    chosen = np.sum(cumulative < rng.uniform(size=(len(mjd), 1)) * cumulative[:, -1:], axis=1)
    rows = np.arange(len(mjd))
    return ra[rows, chosen], dec[rows, chosen]


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """
    Conditions of the night and of those before it; index 0 is the night itself, k the k-th night before.

    Parameters
    ----------
    clear : ndarray of bool, shape (h,)
    clouds : ndarray, shape (h,)
        Extinction by thin clouds [mag].
    seeing : ndarray, shape (h,)
        Full width at half maximum [arcsec].
    """

    clear: NDArray[np.bool_]
    clouds: NDArray[np.float64]
    seeing: NDArray[np.float64]


def draw_weather(nights: int, rng: np.random.Generator) -> Weather:
    """Draw conditions with a memory of about two nights; the night itself (index 0) is always clear."""
    state = np.empty(nights)
    state[0] = rng.standard_normal()
    for k in range(1, nights):
        state[k] = 0.55 * state[k - 1] + np.sqrt(1.0 - 0.55**2) * rng.standard_normal()
    rank = np.argsort(np.argsort(state)) / max(nights - 1, 1)
    clear = rank >= _CLOUDY
    clear[0] = True
    clouds = np.where(rank < 0.5, rng.exponential(0.25, nights), rng.exponential(0.04, nights))
    clouds[0] = min(clouds[0], 0.3)
    return Weather(clear, clouds, np.clip(rng.lognormal(np.log(2.0), 0.18, nights), 1.5, 3.6))


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """
    Exposures of n positions, as rows sorted by position and time.

    Parameters
    ----------
    which : ndarray of int, shape (r,)
        Position of each row.
    mjd : ndarray, shape (r,)
        UTC, start of the exposure.
    fid : ndarray of int, shape (r,)
        1 g, 2 r, 3 i.
    limit : ndarray, shape (r,)
        Five-sigma limit [mag].
    seeing : ndarray, shape (r,)
        [arcsec].
    tonight : ndarray of bool, shape (r,)
    """

    which: NDArray[np.intp]
    mjd: NDArray[np.float64]
    fid: NDArray[np.intp]
    limit: NDArray[np.float64]
    seeing: NDArray[np.float64]
    tonight: NDArray[np.bool_]

    def of(self, kept: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows of some positions, and for each row its place in `kept` (increasing)."""
        rows = np.flatnonzero(np.isin(self.which, kept))
        return rows, np.searchsorted(kept, self.which[rows])


def draw_visits(n: int, darkness: Darkness, weather: Weather, rng: np.random.Generator) -> Visits:
    """
    Draw the exposures of n positions, each visited in the night itself and regularly before.

    Two exposures, in g and r in either order and some 30 to 90 minutes apart, every second (70 %) or third night; one
    in ten is missing; every fifteenth night or so one more in i.

    Parameters
    ----------
    n : int
    darkness : Darkness
        Of the night.
    weather : Weather
        Says how many nights back the visits go.
    rng : numpy.random.Generator
    """
    nights = np.arange(len(weather.clear))
    length = darkness.end - darkness.start
    cadence = np.where(rng.uniform(size=n) < 0.7, 2, 3)
    scheduled = (nights % cadence[:, None] == 0) & weather.clear
    gap = rng.uniform(0.02, 0.065, n)
    first = darkness.start + rng.uniform(0.0, 1.0, n) * (length - gap - 0.03)
    # The same field comes up at about the same sidereal time; near the edges of the night it waits for darkness.
    drift = nights * _SIDEREAL + np.where(nights > 0, rng.normal(0.0, 0.02, (n, len(nights))), 0.0)
    evening = np.clip(first[:, None] + drift, darkness.start, darkness.end - 0.1) - nights
    order = rng.uniform(size=n) < 0.5
    fid = np.stack([np.where(order, 1, 2), np.where(order, 2, 1), np.full(n, 3)], axis=1)
    mjd = evening[:, :, None] + np.stack([np.zeros(n), gap, gap + 0.02], axis=1)[:, None, :]
    taken = rng.uniform(size=mjd.shape) < np.array([0.9, 0.9, 0.07])
    taken[:, 0, 0] = True
    taken &= scheduled[:, :, None]

    which, night, slot = np.nonzero(taken)
    ordered = np.lexsort((mjd[which, night, slot], which))
    which, night, slot = which[ordered], night[ordered], slot[ordered]
    time = np.asarray(mjd[which, night, slot], dtype=np.float64)
    fid = fid[which, slot]
    seeing = weather.seeing[night] * rng.lognormal(0.0, 0.08, len(time))
    moonlight = np.array([0.0, *_MOONLIGHT.values()])[fid] * moon_illumination(time) ** 2
    limit = np.array([0.0, *_DEPTH.values()])[fid] - moonlight * rng.uniform(0.5, 1.1, len(time))
    limit -= 1.2 * np.log10(np.maximum(seeing / 1.8, 0.8)) + weather.clouds[night]
    # Haze, a bright star, a bad quadrant: one exposure in eight is much shallower than the others.
    spoilt = rng.uniform(size=len(time)) < 0.12
    limit -= np.minimum(rng.exponential(np.where(spoilt, 0.8, 0.1)), 2.5)
    return Visits(which, time, fid.astype(np.intp), limit, seeing, night == 0)


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """
    What forced photometry gives at every visit.

    Parameters
    ----------
    flux, flux_err : ndarray, shape (r,)
        Signed difference flux and its standard deviation [µJy].
    signal_to_noise : ndarray, shape (r,)
        |flux| over the noise of the empty difference image: what the threshold of detection is applied to.
    detected : ndarray of bool, shape (r,)
        Five sigma or more.
    """

    flux: NDArray[np.float64]
    flux_err: NDArray[np.float64]
    signal_to_noise: NDArray[np.float64]
    detected: NDArray[np.bool_]


def measure(
    flux: NDArray[np.float64], static: NDArray[np.float64], limit: NDArray[np.float64], deviate: NDArray[np.float64]
) -> Measurements:
    """
    Add noise and apply the threshold of detection.

    σ² = σ_sky² + 0.12² |F| F_lim + (0.012 F_static)² + (0.03 F)²: sky; photon noise of the source; imperfect removal
    of what lies beneath; calibration. With it the errors of simulated alerts follow those of real ones from 4 mag above
    the limit down to it.

    Parameters
    ----------
    flux, static : ndarray, shape (r,)
        True difference, and flux in the reference [µJy].
    limit : ndarray, shape (r,)
        Five-sigma limit [mag].
    deviate : ndarray, shape (r, 2)
        Standard normal deviates: of the measurement, and of the local noise against that of the whole image.

    Returns
    -------
    Measurements
    """
    faintest = 10.0 ** (0.4 * (23.9 - limit))
    sky = faintest / LIMIT_SIGMA * 10.0 ** (-0.4 * (0.1 + 0.12 * deviate[:, 1]))
    background = np.hypot(sky, 0.012 * static)
    flux_err = np.sqrt(background**2 + 0.12**2 * np.abs(flux) * faintest + (0.03 * flux) ** 2)
    measured = flux + flux_err * deviate[:, 0]
    signal_to_noise = np.abs(measured) / background
    return Measurements(measured, flux_err, signal_to_noise, signal_to_noise >= LIMIT_SIGMA)


def real_bogus(
    signal_to_noise: NDArray[np.float64], real: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Draw the scores of the random forest and of the neural network.

    Parameters
    ----------
    signal_to_noise : ndarray, shape (r,)
    real : ndarray of bool, shape (r,)
    rng : numpy.random.Generator

    Returns
    -------
    rb, drb : ndarray, shape (r,)
        0 (bogus) to 1 (real), as in Duev et al. (2019, MNRAS 489, 3582).
    """
    n = len(real)
    clarity = -np.expm1(-np.maximum(signal_to_noise - LIMIT_SIGMA, 0.0) / 6.0)
    logit = np.where(real, 0.7 + 1.0 * clarity + rng.normal(0.0, 0.75, n), -0.7 + rng.normal(0.0, 0.8, n))
    drb = np.where(
        real,
        1.0 - 10.0 ** -(np.maximum(rng.normal(1.9 + 1.5 * clarity, 0.9, n), 0.05)),
        1.0 / (1.0 + np.exp(1.8 - rng.normal(0.0, 2.6, n))),
    )
    return 1.0 / (1.0 + np.exp(-logit)), drb
