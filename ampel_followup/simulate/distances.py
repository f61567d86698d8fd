"""Distances in a flat ΛCDM universe (H₀ = 70 km/s/Mpc, Ωm = 0.3), from one table made at import."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_HUBBLE_DISTANCE = 299792.458 / 70.0  # Mpc
_OMEGA_MATTER = 0.3
_REDSHIFT = np.linspace(0.0, 4.0, 4001)


def _tabulate() -> NDArray[np.float64]:
    """Comoving distance [Mpc] at `_REDSHIFT`, by the trapezoidal rule (relative error below 1e-6)."""
    inverse = _HUBBLE_DISTANCE / np.sqrt(_OMEGA_MATTER * (1.0 + _REDSHIFT) ** 3 + 1.0 - _OMEGA_MATTER)
    steps = 0.5 * (inverse[1:] + inverse[:-1]) * np.diff(_REDSHIFT)
    return np.concatenate([[0.0], np.cumsum(steps)])


_COMOVING = _tabulate()


def luminosity_distance(redshift: ArrayLike) -> NDArray[np.float64]:
    """
    Return the luminosity distance [Mpc].

    Parameters
    ----------
    redshift : array_like, shape (n,)
        0 to 4.
    """
    redshift = np.asarray(redshift, dtype=np.float64)
    return np.asarray((1.0 + redshift) * np.interp(redshift, _REDSHIFT, _COMOVING))


def distance_modulus(redshift: ArrayLike) -> NDArray[np.float64]:
    """Return m − M without K correction [mag], shape (n,), for redshifts above 0 and up to 4."""
    return 5.0 * np.log10(luminosity_distance(redshift)) + 25.0


def redshift_within(modulus: ArrayLike) -> NDArray[np.float64]:
    """Return the redshift at which the distance modulus has a value [mag], shape (n,); at most 4."""
    grid = distance_modulus(_REDSHIFT[1:])
    return np.asarray(np.interp(np.asarray(modulus, dtype=np.float64), grid, _REDSHIFT[1:]))


def volume_redshifts(limit: ArrayLike, rng: np.random.Generator) -> NDArray[np.float64]:
    """
    Draw redshifts of events with a constant rate per comoving volume and proper time.

    Their density is dV/dz / (1 + z) up to a limit of each event's own; the time dilation is applied by rejection.

    Parameters
    ----------
    limit : array_like, shape (n,)
        Largest redshift of each event.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n,)
    """
    limit = np.asarray(limit, dtype=np.float64)
    redshift = np.empty(len(limit))
    waiting = np.arange(len(limit))
    while len(waiting):
        radius = np.interp(limit[waiting], _REDSHIFT, _COMOVING) * np.cbrt(rng.uniform(size=len(waiting)))
        drawn = np.interp(radius, _COMOVING, _REDSHIFT)
        kept = rng.uniform(size=len(waiting)) < 1.0 / (1.0 + drawn)
        redshift[waiting[kept]] = drawn[kept]
        waiting = waiting[~kept]
    return redshift
