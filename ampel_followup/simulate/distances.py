"""Redshifts of events that happen at a constant rate everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.cosmology import COMOVING, REDSHIFT, distance_modulus


def redshift_within(modulus: ArrayLike) -> NDArray[np.float64]:
    """Return the redshift at which the distance modulus has a value [mag], shape (n,); at most 4."""
    grid = distance_modulus(REDSHIFT[1:])
    return np.asarray(np.interp(np.asarray(modulus, dtype=np.float64), grid, REDSHIFT[1:]))


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
        radius = np.interp(limit[waiting], REDSHIFT, COMOVING) * np.cbrt(rng.uniform(size=len(waiting)))
        drawn = np.interp(radius, COMOVING, REDSHIFT)
        kept = rng.uniform(size=len(waiting)) < 1.0 / (1.0 + drawn)
        redshift[waiting[kept]] = drawn[kept]
        waiting = waiting[~kept]
    return redshift
