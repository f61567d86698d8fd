"""Distances in a flat ΛCDM universe (H₀ = 70 km/s/Mpc, Ωm = 0.3), from one table made at import."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_HUBBLE_DISTANCE = 299792.458 / 70.0  # Mpc
_OMEGA_MATTER = 0.3

#: Redshifts of the table, and the comoving distance [Mpc] at each.
REDSHIFT: NDArray[np.float64] = np.linspace(0.0, 4.0, 4001)


def _tabulate() -> NDArray[np.float64]:
    """Integrate by the trapezoidal rule (relative error below 1e-6)."""
    inverse = _HUBBLE_DISTANCE / np.sqrt(_OMEGA_MATTER * (1.0 + REDSHIFT) ** 3 + 1.0 - _OMEGA_MATTER)
    steps = 0.5 * (inverse[1:] + inverse[:-1]) * np.diff(REDSHIFT)
    return np.concatenate([[0.0], np.cumsum(steps)])


COMOVING: NDArray[np.float64] = _tabulate()


def luminosity_distance(redshift: ArrayLike) -> NDArray[np.float64]:
    """
    Return the luminosity distance [Mpc].

    Parameters
    ----------
    redshift : array_like, shape (n,)
        0 to 4.
    """
    redshift = np.asarray(redshift, dtype=np.float64)
    return np.asarray((1.0 + redshift) * np.interp(redshift, REDSHIFT, COMOVING))


def distance_modulus(redshift: ArrayLike) -> NDArray[np.float64]:
    """Return m − M without K correction [mag], shape (n,), for redshifts above 0 and up to 4."""
    return 5.0 * np.log10(luminosity_distance(redshift)) + 25.0
