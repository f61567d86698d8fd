"""
The spectrum of a hot, moving photosphere: a black body, the lines of each species, and blanketing of the ultraviolet.

    L_λ ∝ B_λ(T) · e^{−κ(λ)} · [ exp(−Σ τ_l φ_a(u_l)) + Σ ε_l φ_e(u_l) ],      u_l = c (λ/λ_l − 1) / v

with Gaussian profiles φ_a (centred at −1, that is blue-shifted by the photospheric velocity v: the absorption of a
P-Cygni profile) and φ_e (centred at 0: its emission). Which species shows up at which temperature follows its
ionisation: Hatano et al. (1999, ApJS 121, 233, figure 1) give the optical depths of the ions in supernova envelopes
against temperature; here each ion has one window with soft edges, narrowed to the range in which its optical lines
are seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Stefan-Boltzmann constant [erg / s / cm² / K⁴].
STEFAN_BOLTZMANN = 5.670374e-5

_LIGHT = 299792.458  # km/s
_EDGE = 700.0  # K, softness of the ionisation windows
_REACH = 4.5  # standard deviations beyond which a line profile is left out


@dataclass(frozen=True, slots=True)
class Species:
    """
    Lines of one ion (or molecule), relative to its strongest, and where it is seen.

    Parameters
    ----------
    lines : tuple of (float, float)
        Rest wavelength [Å] and relative strength.
    coolest, hottest : float
        Photospheric temperatures between which the lines are seen [K].
    """

    lines: tuple[tuple[float, float], ...]
    coolest: float = 0.0
    hottest: float = 1e6

    def visibility(self, temperature: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return 0 to 1, shape of `temperature` [K]."""
        cool = 1.0 / (1.0 + np.exp(np.clip((self.coolest - temperature) / _EDGE, -50.0, 50.0)))
        hot = 1.0 / (1.0 + np.exp(np.clip((temperature - self.hottest) / _EDGE, -50.0, 50.0)))
        return np.asarray(cool * hot if self.coolest > 0 else hot)


#: Wavelengths from the NIST Atomic Spectra Database, blends at their strength-weighted mean.
SPECIES: dict[str, Species] = {
    "H": Species(((6562.8, 1.0), (4861.3, 0.55), (4340.5, 0.35), (4101.7, 0.22)), hottest=14000.0),
    "He I": Species(((5875.6, 1.0), (6678.2, 0.35), (7065.2, 0.5), (4471.5, 0.5), (5015.7, 0.3)), hottest=18000.0),
    "He II": Species(((4685.7, 1.0), (5411.5, 0.15), (3203.1, 0.4)), coolest=13000.0),
    "N III": Species(((4640.6, 1.0), (4100.0, 0.3)), coolest=13000.0),
    "C II": Species(((6580.0, 1.0), (7234.0, 0.7)), coolest=9000.0, hottest=20000.0),
    "O I": Species(((7774.0, 1.0), (9264.0, 0.5)), hottest=11500.0),
    "O II": Species(((4651.0, 1.0), (4344.0, 1.0), (4117.0, 0.7), (3959.0, 0.6), (3737.0, 0.5)), coolest=11500.0),
    "Na I": Species(((5892.0, 1.0),), hottest=7500.0),
    "Mg II": Species(((4481.2, 1.0), (2798.0, 1.0), (9226.0, 0.3)), hottest=14000.0),
    "Si II": Species(((6355.1, 1.0), (5972.0, 0.3), (5051.0, 0.3), (4130.0, 0.45)), coolest=5500.0, hottest=15000.0),
    "S II": Species(((5640.0, 1.0), (5454.0, 0.8)), coolest=7800.0, hottest=15000.0),
    "Ca II": Species(((3945.0, 1.2), (8579.0, 1.0)), hottest=14000.0),
    "Ti II": Species(((4300.0, 1.0), (4395.0, 0.8), (4468.0, 0.6)), hottest=7800.0),
    "Fe II": Species(
        ((5169.0, 1.0), (5018.4, 0.8), (4923.9, 0.7), (4549.5, 0.9), (4233.2, 0.6), (5317.0, 0.5), (6247.6, 0.2)),
        hottest=9500.0,
    ),
    "Fe III": Species(((5129.0, 1.0), (4404.0, 0.9)), coolest=10500.0, hottest=19000.0),
    "broad H": Species(((6562.8, 1.0), (4861.3, 0.4), (4340.5, 0.2))),
    "O III": Species(((5006.8, 1.0), (4958.9, 0.33))),
    "O II 3727": Species(((3727.4, 1.0),)),
    "N II": Species(((6583.5, 1.0), (6548.1, 0.33))),
    "S II 6725": Species(((6716.4, 1.0), (6730.8, 0.8))),
    "C IV": Species(((1549.0, 1.0),)),
    "C III": Species(((1908.7, 1.0),)),
    "Mg II 2798": Species(((2798.0, 1.0),)),
    "metals": Species(((3933.7, 1.3), (3968.5, 1.2), (4304.0, 0.7), (5175.0, 0.7), (5892.0, 0.5)), hottest=7200.0),
    "TiO": Species(
        ((4955.0, 0.5), (5448.0, 0.5), (5862.0, 0.6), (6200.0, 0.9), (6720.0, 0.6), (7120.0, 1.0), (7640.0, 0.9)),
        hottest=4200.0,
    ),
}


def planck(wavelength: NDArray[np.float64], temperature: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return B_λ(T) [erg / s / cm² / Å / sr].

    Parameters
    ----------
    wavelength : ndarray, shape (r, m)
        [Å].
    temperature : ndarray, shape (r,)
        [K].
    """
    exponent = np.minimum(1.438776877e8 / (wavelength * temperature[:, None]), 500.0)
    return np.asarray(1.191042972e27 / wavelength**5 / np.expm1(exponent))


def line_profiles(
    wavelength: NDArray[np.float64],
    velocity: NDArray[np.float64],
    strength: Mapping[str, NDArray[np.float64]],
    centre: float,
    width: float,
) -> NDArray[np.float64]:
    """
    Return Σ s_l exp(−½ ((u_l − centre) / width)²) over the lines of all species.

    Parameters
    ----------
    wavelength : ndarray, shape (r, m)
        Rest frame [Å].
    velocity : ndarray, shape (r,)
        v [km/s], the unit of u.
    strength : mapping of str to ndarray, shape (r,)
        Strength of the strongest line of each species in `SPECIES`.
    centre, width : float
        In units of v: −1 and about 0.35 for the absorption, 0 and about 0.6 for the emission of a P-Cygni profile.

    Returns
    -------
    ndarray, shape (r, m)
    """
    total = np.zeros_like(wavelength)
    if total.size == 0:
        return total
    bluest, reddest = float(wavelength.min()), float(wavelength.max())
    fastest = float(velocity.max()) / _LIGHT
    per_velocity = (_LIGHT / velocity)[:, None]
    for name, amplitude in strength.items():
        if not np.any(amplitude):
            continue
        for line, relative in SPECIES[name].lines:
            if line * (1.0 + fastest * (centre + _REACH * width)) < bluest:
                continue
            if line * (1.0 + fastest * (centre - _REACH * width)) > reddest:
                continue
            u = (wavelength / line - 1.0) * per_velocity
            total += (relative * amplitude)[:, None] * np.exp(-0.5 * ((u - centre) / width) ** 2)
    return total


def blanketing(wavelength: NDArray[np.float64], onset: float, strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return e^{−κ}, the suppression of the ultraviolet by the forest of iron-group lines.

    κ = k ((λ₀ − λ) / 1000 Å)^1.5 below the onset λ₀ and 0 above it: the forest thickens towards the blue (Mazzali 2000,
    A&A 363, 705).

    Parameters
    ----------
    wavelength : ndarray, shape (r, m)
        Rest frame [Å].
    onset : float
        λ₀ [Å].
    strength : ndarray, shape (r,)
        k.
    """
    return np.exp(-strength[:, None] * (np.maximum(onset - wavelength, 0.0) / 1000.0) ** 1.5)
