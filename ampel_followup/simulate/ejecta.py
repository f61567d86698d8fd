"""
What makes the ejecta of a supernova shine: decaying nickel, recombining hydrogen, or matter that they run into.

Each of these turns what was drawn for n objects into an `Explosion`; what is drawn for which subtype is in
`supernovae`.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ampel_followup.simulate.explosions import (
    AGES,
    Explosion,
    age_of_maximum,
    diffused,
    luminosity_of,
    nickel_heating,
    photospheric_temperature,
    photospheric_velocity,
)

_Array: TypeAlias = NDArray[np.float64]


def scattered(n: int, mean: float, scatter: float, rng: np.random.Generator) -> _Array:
    """Return log-normal strengths, shape (n,): positive, with a relative scatter."""
    return mean * rng.lognormal(0.0, scatter, n)


def clipped_normal(n: int, mean: float, scatter: float, lower: float, upper: float, rng: np.random.Generator) -> _Array:
    """Return normal values, shape (n,), those outside of `lower` and `upper` put on the nearer of them."""
    return np.clip(rng.normal(mean, scatter, n), lower, upper)


def nickel_powered(
    magnitude: _Array,
    rng: np.random.Generator,
    *,
    diffusion_time: _Array,
    velocity: _Array,
    floor: _Array,
    gamma_ray_time: float,
    absorption: dict[str, _Array],
    emission: dict[str, _Array],
    line_blanketing: float,
    warmth: float = 1.0,
    rebound: _Array | None = None,
) -> Explosion:
    """
    Heat of nickel and cobalt that diffuses out of the ejecta (Arnett 1982, ApJ 253, 785).

    Parameters
    ----------
    magnitude : ndarray, shape (n,)
        Absolute magnitude at maximum [mag].
    rng : numpy.random.Generator
    diffusion_time : ndarray, shape (n,)
        [d].
    velocity : ndarray, shape (n,)
        Of the photosphere at 15 d, as for `photospheric_velocity` [km/s].
    floor : ndarray, shape (n,)
        Temperature that the photosphere does not fall below [K].
    gamma_ray_time : float
        Time after which the gamma rays escape, on average [d].
    absorption, emission : dict of str to ndarray, shape (n,)
        As for `Explosion`.
    line_blanketing : float
        Its mean over the objects.
    warmth : float
        Factor on the temperature, on average.
    rebound : ndarray, shape (n,), optional
        Second maximum redward of 7,000 Å, as for `Explosion`; none by default.
    """
    n = len(magnitude)
    luminosity = diffused(nickel_heating(scattered(n, gamma_ray_time, 0.1, rng)), diffusion_time)
    luminosity *= (luminosity_of(magnitude) / luminosity.max(axis=1))[:, None]
    moving = photospheric_velocity(velocity)
    return Explosion(
        luminosity,
        photospheric_temperature(luminosity, moving, floor) * scattered(n, warmth, 0.05, rng)[:, None],
        moving,
        absorption,
        emission,
        scattered(n, line_blanketing, 0.2, rng),
        age_of_maximum(luminosity),
        np.zeros(1) if rebound is None else rebound,
    )


def plateau(
    magnitude: _Array,
    slope: _Array,
    end: _Array,
    velocity: _Array,
    lines: dict[str, dict[str, _Array]],
    rng: np.random.Generator,
) -> Explosion:
    """
    Shock cooling, a plateau while hydrogen recombines, a fall, and the cobalt tail.

    Times and slopes as measured by Anderson et al. (2014, ApJ 786, 67); the early excess falls as 1/t (Nakar & Sari
    2010, ApJ 725, 904).

    Parameters
    ----------
    magnitude : ndarray, shape (n,)
        Absolute magnitude on the plateau [mag].
    slope : ndarray, shape (n,)
        Decline on the plateau [mag/100 d].
    end : ndarray, shape (n,)
        Age at the middle of the fall [d].
    velocity : ndarray, shape (n,)
        Of the photosphere at 15 d, as for `photospheric_velocity` [km/s].
    lines : dict
        ``absorption`` and ``emission``, as for `Explosion`.
    rng : numpy.random.Generator
    """
    n = len(magnitude)
    rise = -np.expm1(-((AGES / scattered(n, 0.8, 0.3, rng)[:, None]) ** 2))
    cooling = 1.0 + scattered(n, 1.6, 0.3, rng)[:, None] * (4.0 / np.maximum(AGES, 0.5))
    fading = 10.0 ** (-0.4 * slope[:, None] * (AGES - 20.0) / 100.0)
    fall = 1.0 / (1.0 + np.exp(np.clip((AGES - end[:, None]) / 4.0, -50.0, 50.0)))
    tail = 0.12 * np.exp(-AGES / 111.3)
    luminosity = rise * (cooling * fading * fall + tail) * luminosity_of(magnitude)[:, None]
    moving = photospheric_velocity(velocity, -0.4)
    floor = clipped_normal(n, 5600.0, 250.0, 5000.0, 6300.0, rng)
    return Explosion(
        luminosity,
        photospheric_temperature(luminosity, moving, floor),
        moving,
        lines["absorption"],
        lines["emission"],
        scattered(n, 2.0, 0.25, rng),
        np.full(n, 18.0),
    )


def interacting(
    magnitude: _Array, rise: _Array, decline: _Array, velocity: _Array, rng: np.random.Generator
) -> Explosion:
    """
    Ejecta that run into circumstellar matter: slow, hot, Balmer emission and hardly any absorption.

    Parameters
    ----------
    magnitude : ndarray, shape (n,)
        Absolute magnitude at maximum [mag].
    rise : ndarray, shape (n,)
        Time to maximum [d].
    decline : ndarray, shape (n,)
        [mag/d].
    velocity : ndarray, shape (n,)
        That sets the width of the lines, the same at all ages [km/s].
    rng : numpy.random.Generator
    """
    n = len(magnitude)
    before = np.exp(-0.5 * ((AGES - rise[:, None]) / (0.5 * rise[:, None])) ** 2)
    after = 10.0 ** (-0.4 * decline[:, None] * (AGES - rise[:, None]))
    start = -np.expm1(-((AGES / 3.0) ** 2))
    luminosity = np.where(rise[:, None] > AGES, before, after) * start * luminosity_of(magnitude)[:, None]
    hot = scattered(n, 15000.0, 0.15, rng)[:, None]
    cool = scattered(n, 6800.0, 0.08, rng)[:, None]
    temperature = cool + (hot - cool) * np.exp(-AGES / (1.6 * rise[:, None]))
    emission = {
        "H": scattered(n, 1.2, 0.4, rng),
        "He I": scattered(n, 0.2, 0.6, rng),
        "Ca II": scattered(n, 0.15, 0.5, rng),
    }
    moving = np.repeat(velocity[:, None], len(AGES), axis=1)
    return Explosion(
        luminosity,
        temperature,
        moving,
        {"H": scattered(n, 0.03, 0.8, rng)},
        emission,
        scattered(n, 0.6, 0.3, rng),
        rise,
    )
