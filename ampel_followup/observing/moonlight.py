r"""
How bright the sky is with the Moon in it (Krisciunas & Schaefer 1991, PASP 103, 1033).

Light of the Moon, of magnitude −12.73 + 0.026 α + 4 × 10⁻⁹ α⁴ at the phase angle α in degrees, is scattered once, by
molecules and by aerosols, at the angle ρ from the Moon (their eq. 3, 15, 18, 20 and 21):

.. math:: B = f(\rho)\,10^{-0.4(3.84 + 0.026\alpha + 4 \cdot 10^{-9}\alpha^4)}\,10^{-0.4kX(Z_m)}\,(1 - 10^{-0.4kX(Z)})

.. math:: f(\rho) = 10^{5.36}\,(1.06 + \cos^2\rho) + 10^{6.15 - \rho/40}

in nanolamberts, with :math:`X(Z) = (1 - 0.96\sin^2 Z)^{-1/2}`. Within 10° of the Moon the aerosols, the second term of
f, give 6.2 × 10⁷ ρ⁻². The dark sky of the zenith, :math:`B_0`, becomes :math:`B_0\,10^{-0.4k(X-1)}X` (eq. 2). The
authors find the model right to 8 to 23 % in V; at full Moon the sky is brighter still, by the opposition effect. For
the sky around 5000 to 7000 Å in AB magnitudes we take moonlight to be as bright as in V: it is sunlight, redder by
0.2 mag in V − r, made bluer again by scattering.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def sky_brightness(
    illumination: ArrayLike,
    moon_altitude: ArrayLike,
    altitude: ArrayLike,
    separation: ArrayLike,
    *,
    dark_sky: ArrayLike = 21.6,
    extinction: float = 0.15,
) -> Floats:
    """
    Give the brightness of the sky at targets.

    All arrays are broadcast together: altitudes and separations of shape (n, t) with the Moon's altitudes of shape (t,)
    give all targets at all times.

    Parameters
    ----------
    illumination : array_like
        Illuminated fraction of the Moon's disc, 0 to 1.
    moon_altitude, altitude : array_like
        Of Moon and target [deg]; below the horizon, the Moon gives no light.
    separation : array_like
        Angle between target and Moon [deg], 0 to 180.
    dark_sky : array_like, optional
        Brightness of the sky at the zenith without the Moon [mag/arcsec²].
    extinction : float, optional
        k, per airmass [mag].

    Returns
    -------
    ndarray
        [mag/arcsec²]; NaN where the target is below the horizon.
    """
    h, moon_h = np.asarray(altitude, dtype=np.float64), np.asarray(moon_altitude, dtype=np.float64)
    x = _airmass(np.where(h >= 0.0, h, np.nan))
    dark = nanolamberts(dark_sky) * 10.0 ** (-0.4 * extinction * (x - 1.0)) * x
    moon = np.where(moon_h > 0.0, moonlight(illumination, moon_h, h, separation, extinction=extinction), 0.0)
    return magnitudes(dark + moon)


def moonlight(
    illumination: ArrayLike,
    moon_altitude: ArrayLike,
    altitude: ArrayLike,
    separation: ArrayLike,
    *,
    extinction: float = 0.15,
) -> Floats:
    """
    Give the surface brightness of scattered moonlight alone, the Moon being above the horizon.

    Parameters
    ----------
    illumination, moon_altitude, altitude, separation, extinction
        As those of `sky_brightness`.

    Returns
    -------
    ndarray
        [nL]
    """
    phase = np.degrees(np.arccos(np.clip(2.0 * np.asarray(illumination, dtype=np.float64) - 1.0, -1.0, 1.0)))
    # Within a degree the formula would grow without bound; nobody observes there.
    rho = np.maximum(np.asarray(separation, dtype=np.float64), 1.0)
    aerosols = np.where(rho < 10.0, 6.2e7 / rho**2, 10.0 ** (6.15 - rho / 40.0))
    molecules = 10.0**5.36 * (1.06 + np.cos(np.radians(rho)) ** 2)
    outside = 10.0 ** (-0.4 * (3.84 + 0.026 * phase + 4e-9 * phase**4))
    arriving = outside * 10.0 ** (-0.4 * extinction * _airmass(moon_altitude))
    return np.asarray((molecules + aerosols) * arriving * (1.0 - 10.0 ** (-0.4 * extinction * _airmass(altitude))))


def nanolamberts(magnitude: ArrayLike) -> Floats:
    """Convert V [mag/arcsec²] to nanolamberts (eq. 1)."""
    return np.asarray(34.08 * np.exp(20.7233 - 0.92104 * np.asarray(magnitude, dtype=np.float64)))


def magnitudes(brightness: ArrayLike) -> Floats:
    """Convert nanolamberts to V [mag/arcsec²] (eq. 1)."""
    return np.asarray((20.7233 - np.log(np.asarray(brightness, dtype=np.float64) / 34.08)) / 0.92104)


def _airmass(altitude: ArrayLike) -> Floats:
    """Optical path through the layers that scatter and glow, at most 5 (eq. 3)."""
    return np.asarray(1.0 / np.sqrt(1.0 - 0.96 * np.cos(np.radians(altitude)) ** 2))
