"""Extinction by dust: the law of Cardelli, Clayton & Mathis (1989), and how much of it the Milky Way has."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

#: Total-to-selective extinction A(V) / E(B−V) of the diffuse interstellar medium.
R_V = 3.1


def ccm89(wavelength: NDArray[np.float64], r_v: float = R_V) -> NDArray[np.float64]:
    """
    Return A(λ) / A(V) of Cardelli, Clayton & Mathis (1989, ApJ 345, 245), their equations 1 to 4.

    Parameters
    ----------
    wavelength : ndarray, shape (...)
        1,250 to 33,000 Å; outside, the value at the nearer end is returned.
    r_v : float
        A(V) / E(B−V).
    """
    x = 1e4 / np.clip(wavelength, 1250.0, 33000.0)
    infrared = 0.574 * x**1.61, -0.527 * x**1.61
    y = x - 1.82
    optical = (
        np.polyval([0.32999, -0.77530, 0.01979, 0.72085, -0.02427, -0.50447, 0.17699, 1.0], y),
        np.polyval([-2.09002, 5.30260, -0.62251, -5.38434, 1.07233, 2.28305, 1.41338, 0.0], y),
    )
    far = np.maximum(x - 5.9, 0.0)
    ultraviolet = (
        1.752 - 0.316 * x - 0.104 / ((x - 4.67) ** 2 + 0.341) - 0.04473 * far**2 - 0.009779 * far**3,
        -3.090 + 1.825 * x + 1.206 / ((x - 4.62) ** 2 + 0.263) + 0.2130 * far**2 + 0.1207 * far**3,
    )
    a = np.where(x < 1.1, infrared[0], np.where(x < 3.3, optical[0], ultraviolet[0]))
    b = np.where(x < 1.1, infrared[1], np.where(x < 3.3, optical[1], ultraviolet[1]))
    return np.asarray(a + b / r_v, dtype=np.float64)


@cache
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    wavelength = np.arange(1250.0, 15000.0, 10.0)
    return wavelength, R_V * ccm89(wavelength)


def transmitted(wavelength: NDArray[np.float64], ebv: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return the share of the light that gets through dust with R_V = 3.1.

    Parameters
    ----------
    wavelength : ndarray, shape (r, m) or (m,)
        In the frame of the dust [Å].
    ebv : ndarray, shape (r,)
        Colour excess E(B−V) [mag].

    Returns
    -------
    ndarray, shape (r, m)
    """
    curve = np.interp(wavelength, *_table())
    return np.asarray(10.0 ** (-0.4 * ebv[:, None] * curve), dtype=np.float64)


def milky_way_reddening(latitude: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """
    Draw the Galaxy's colour excess on lines of sight to extragalactic objects.

    A plane-parallel layer, E(B−V) = 0.02 / sin|b| with the median pole of Schlegel, Finkbeiner & Davis (1998, ApJ 500,
    525), log-normal scatter of 0.4, and at most 1.5 mag.

    Parameters
    ----------
    latitude : ndarray, shape (n,)
        Galactic latitude [deg].
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n,)
        E(B−V) [mag].
    """
    layer = 0.02 / np.maximum(np.sin(np.radians(np.abs(latitude))), 0.02)
    return np.minimum(layer * rng.lognormal(0.0, 0.4, len(latitude)), 1.5)
