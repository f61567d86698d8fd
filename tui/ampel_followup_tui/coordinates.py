"""Galactic coordinates in plain Python: the app must not wait for astropy."""

from __future__ import annotations

import math

# Rotation from ICRS to galactic axes: The Hipparcos and Tycho Catalogues, ESA SP-1200 (1997), vol. 1, eq. 1.5.11.
_ICRS_TO_GALACTIC = (
    (-0.0548755604, -0.8734370902, -0.4838350155),
    (+0.4941094279, -0.4448296300, +0.7469822445),
    (-0.8676661490, -0.1980763734, +0.4559837762),
)


def galactic(ra: float, dec: float) -> tuple[float, float]:
    """
    Galactic coordinates of an ICRS position.

    Parameters
    ----------
    ra, dec : float
        ICRS [deg].

    Returns
    -------
    l, b : float
        Galactic longitude, 0 to 360, and latitude [deg]; right to 0.1 arcsec.
    """
    alpha, delta = math.radians(ra), math.radians(dec)
    vector = (math.cos(delta) * math.cos(alpha), math.cos(delta) * math.sin(alpha), math.sin(delta))
    x, y, z = (sum(m * v for m, v in zip(row, vector, strict=True)) for row in _ICRS_TO_GALACTIC)
    return math.degrees(math.atan2(y, x)) % 360.0, math.degrees(math.atan2(z, math.hypot(x, y)))
