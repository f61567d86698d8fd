r"""
Airmass (Pickering 2002, DIO 12, 22, footnote 39).

.. math:: X = 1 / \sin\left(h + \frac{244}{165 + 47 h^{1.1}}\right)

with the altitude h in degrees. It is 38.7 on the horizon, where sec z is infinite, and near sec z below airmass 2
(1.993 for 2.0).
The formula is meant for the apparent altitude; we give it the true one, 0.03° less at airmass 2 (0.002 in X).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray


def airmass(altitude: ArrayLike) -> NDArray[np.float64]:
    """
    Airmass at an altitude.

    Parameters
    ----------
    altitude : array_like
        Of any shape [deg].

    Returns
    -------
    ndarray
        At least 1; NaN below the horizon.
    """
    altitude = np.asarray(altitude, dtype=np.float64)
    up = altitude >= 0.0
    h = altitude[up]  # half of the sky: the power is what takes the time
    result = np.full(altitude.shape, np.nan)
    result[up] = 1.0 / np.sin(np.radians(np.minimum(h + _lift(h), 90.0)))
    return result


@cache
def altitude_of_airmass(value: float) -> float:
    """
    Altitude at an airmass, the inverse of `airmass`.

    Parameters
    ----------
    value : float
        At least 1; beyond that of the horizon, the horizon is meant.

    Returns
    -------
    float
        0 to 90 [deg].
    """
    plane_parallel = math.degrees(math.asin(1.0 / value))
    h = plane_parallel
    for _ in range(60):  # a contraction: the lift changes by less than half a degree per degree everywhere
        h = max(0.0, plane_parallel - float(_lift(np.float64(h))))
    return h


def _lift(h: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(244.0 / (165.0 + 47.0 * np.asarray(h) ** 1.1))
