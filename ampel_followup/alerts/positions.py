"""Where an object is, from its detections."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def mean_position(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> tuple[float, float]:
    """
    Return the mean direction of positions, through unit vectors, so that 359.9° and 0.1° meet at 0°.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        ICRS [deg]; NaN where not known.

    Returns
    -------
    ra, dec : float
        ICRS [deg]; NaN if none is known.
    """
    known = np.isfinite(ra) & np.isfinite(dec)
    if not known.any():
        return math.nan, math.nan
    alpha, delta = np.radians(ra[known]), np.radians(dec[known])
    x, y, z = (np.cos(delta) * np.cos(alpha)).mean(), (np.cos(delta) * np.sin(alpha)).mean(), np.sin(delta).mean()
    return math.degrees(math.atan2(y, x)) % 360.0, math.degrees(math.atan2(z, math.hypot(x, y)))


def check_position(ra: float, dec: float) -> None:
    """
    Refuse what is not on the sky; NaN means "not known" and passes.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not (ra != ra or 0 <= ra <= 360) or not (dec != dec or -90 <= dec <= 90):
        raise ValueError(f"(ra, dec) = ({ra!r}, {dec!r}) is not on the sky")
