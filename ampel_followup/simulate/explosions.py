"""
Explosions as spectral sequences: luminosity, temperature and velocity of an expanding photosphere with time.

An `Explosion` holds these histories for many objects on one grid of ages, and turns them into spectra. The engines that
make the histories are here (radioactive decay, a magnetar, both behind diffusion); whole supernovae are put together of
them in `ejecta`, and the numbers of each class are in `supernovae` and `nuclei`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.simulate.photosphere import SPECIES, STEFAN_BOLTZMANN, blanketing, line_profiles, planck

#: Rest-frame ages [d] at which histories are kept: dense early on, when things change quickly.
AGES: NDArray[np.float64] = np.linspace(0.25, np.sqrt(400.0), 96) ** 2

_DAY = 86400.0
_PARSEC_10 = 3.0857e19  # cm
_ZERO_MAGNITUDE_LUMINOSITY = 3.0128e35  # erg/s, IAU 2015 resolution B2

#: Colour temperature / effective temperature of an electron-scattering atmosphere (Eastman et al. 1996, ApJ 466, 911).
_DILUTION = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Explosion:
    """
    Spectral sequences of n explosions in the rest frame.

    Parameters
    ----------
    luminosity : ndarray, shape (n, g)
        Bolometric luminosity at `AGES` [erg/s].
    temperature : ndarray, shape (n, g)
        Colour temperature of the photosphere [K]; its radius follows as (L / 4πσT⁴)^½.
    velocity : ndarray, shape (n, g)
        Velocity that sets shift and width of the lines [km/s].
    absorption, emission : mapping of str to ndarray, shape (n,)
        Optical depth, and emission relative to the continuum, of the strongest line of each of `SPECIES`.
    line_blanketing : ndarray, shape (n,)
        Strength k of `blanketing` below 3,900 Å.
    reference_age : ndarray, shape (n,)
        Age at which the absolute magnitude is quoted [d].
    rebound : ndarray, shape (n,)
        Second maximum redward of 7,000 Å relative to the continuum, 25 d after `reference_age`: the recombination of
        iron from twice to once ionised in type Ia (Kasen 2006, ApJ 649, 939).
    """

    luminosity: NDArray[np.float64]
    temperature: NDArray[np.float64]
    velocity: NDArray[np.float64]
    absorption: Mapping[str, NDArray[np.float64]]
    emission: Mapping[str, NDArray[np.float64]]
    line_blanketing: NDArray[np.float64]
    reference_age: NDArray[np.float64]
    rebound: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))

    def luminosity_density(
        self, which: NDArray[np.intp], age: NDArray[np.float64], wavelength: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """
        Return L_λ [erg / s / Å] of row k: explosion ``which[k]`` at ``age[k]``; zero before the explosion.

        Parameters
        ----------
        which : ndarray of int, shape (r,)
        age : ndarray, shape (r,)
            Rest-frame time since the explosion [d].
        wavelength : ndarray, shape (r, m)
            Rest frame [Å].
        """
        state = self._at(which, age)
        luminosity, temperature, velocity = state
        continuum = planck(wavelength, temperature)
        continuum *= (np.pi * luminosity / (STEFAN_BOLTZMANN * temperature**4))[:, None]
        continuum *= blanketing(wavelength, 3900.0, self.line_blanketing[which])
        visible = {name: SPECIES[name].visibility(temperature) for name in {**self.absorption, **self.emission}}
        depth = {name: tau[which] * visible[name] for name, tau in self.absorption.items()}
        excess = {name: strength[which] * visible[name] for name, strength in self.emission.items()}
        lines = np.exp(-line_profiles(wavelength, velocity, depth, -1.0, 0.35))
        lines += line_profiles(wavelength, velocity, excess, 0.0, 0.6)
        density = continuum * lines
        if np.any(self.rebound):
            rebound = np.broadcast_to(self.rebound, self.reference_age.shape)[which]
            when = np.exp(-0.5 * ((age - self.reference_age[which] - 25.0) / 8.0) ** 2)
            density *= 1.0 + (rebound * when)[:, None] / (1.0 + np.exp((7000.0 - wavelength) / 150.0))
        return np.asarray(density)

    def _at(self, which: NDArray[np.intp], age: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Interpolate the histories linearly in age; the luminosity rises from zero at age 0."""
        right = np.clip(np.searchsorted(AGES, age), 1, len(AGES) - 1)
        share = np.clip((age - AGES[right - 1]) / (AGES[right] - AGES[right - 1]), 0.0, None)
        beyond = share > 1.0
        share = np.minimum(share, 1.0)
        luminosity, temperature, velocity = (
            (1.0 - share) * history[which, right - 1] + share * history[which, right]
            for history in (self.luminosity, self.temperature, self.velocity)
        )
        luminosity = luminosity * np.clip(age / AGES[0], 0.0, 1.0)
        # Beyond the grid the tail of cobalt goes on.
        luminosity = np.where(beyond, luminosity * np.exp(-(age - AGES[-1]) / 111.3), luminosity)
        return luminosity, temperature, velocity


def scale_to_magnitude(explosion: Explosion, magnitude: NDArray[np.float64], band: str) -> NDArray[np.float64]:
    """
    Return the factors that give the explosions an absolute magnitude.

    Parameters
    ----------
    explosion : Explosion
    magnitude : ndarray, shape (n,)
        Absolute AB magnitude at the reference age, in the rest frame.
    band : str
        Key of `BANDS`.

    Returns
    -------
    ndarray, shape (n,)
        Factors on the luminosity density.
    """
    nodes, weights = BANDS[band].quadrature(30.0)
    n = len(magnitude)
    wavelength = np.broadcast_to(nodes, (n, len(nodes)))
    density = explosion.luminosity_density(np.arange(n), explosion.reference_age, wavelength)
    flux = density @ weights / (4.0 * np.pi * _PARSEC_10**2)
    return np.asarray(10.0 ** (0.4 * (23.9 - magnitude)) / flux)


def luminosity_of(magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the bolometric luminosity [erg/s] of a bolometric magnitude."""
    return _ZERO_MAGNITUDE_LUMINOSITY * 10.0 ** (-0.4 * magnitude)


def diffused(heating: NDArray[np.float64], diffusion_time: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return the luminosity that leaves a homologously expanding envelope with a central engine.

    Arnett (1982, ApJ 253, 785), without initial thermal energy:

        L(t) = (2/τ²) e^{−t²/τ²} ∫₀ᵗ t' e^{t'²/τ²} Q(t') dt',    that is    dL/d(t²/τ²) = Q − L,

    solved step by step, exactly for a Q that is linear in t² within a step.

    Parameters
    ----------
    heating : ndarray, shape (n, g)
        Q at `AGES`, any unit.
    diffusion_time : ndarray, shape (n,)
        τ [d].

    Returns
    -------
    ndarray, shape (n, g)
        In the unit of `heating`.
    """
    clock = (AGES / diffusion_time[:, None]) ** 2
    luminosity = np.empty_like(heating)
    luminosity[:, 0] = heating[:, 0] * -np.expm1(-clock[:, 0])
    for k in range(1, len(AGES)):
        step = clock[:, k] - clock[:, k - 1]
        escaped = -np.expm1(-step)
        lag = (heating[:, k] - heating[:, k - 1]) * (1.0 - escaped / step)
        luminosity[:, k] = luminosity[:, k - 1] * (1.0 - escaped) + heating[:, k - 1] * escaped + lag
    return luminosity


def nickel_heating(gamma_ray_time: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return the heating by ⁵⁶Ni → ⁵⁶Co → ⁵⁶Fe, relative to its start.

    Rates of Nadyozhin (1994, ApJS 92, 527); the envelope leaks gamma rays as 1 − e^{−(t_γ/t)²} (Clocchiatti & Wheeler
    1997, ApJ 491, 375).

    Parameters
    ----------
    gamma_ray_time : ndarray, shape (n,)
        t_γ [d].

    Returns
    -------
    ndarray, shape (n, g)
    """
    nickel = np.exp(-AGES / 8.8)
    cobalt = np.exp(-AGES / 111.3) - nickel
    trapped = -np.expm1(-((gamma_ray_time[:, None] / AGES) ** 2))
    return np.asarray((nickel + 0.174 * cobalt) * trapped)


def magnetar_heating(spin_down_time: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return the spin-down power of a magnetar relative to its start, (1 + t/t_p)⁻².

    Kasen & Bildsten (2010, ApJ 717, 245), equation 3.

    Parameters
    ----------
    spin_down_time : ndarray, shape (n,)
        t_p [d].

    Returns
    -------
    ndarray, shape (n, g)
    """
    return np.asarray((1.0 + AGES / spin_down_time[:, None]) ** -2.0)


def photospheric_velocity(velocity: NDArray[np.float64], index: float = -0.22) -> NDArray[np.float64]:
    """
    Return the receding photosphere's velocity, v (t / 15 d)^index after day 2.

    Parameters
    ----------
    velocity : ndarray, shape (n,)
        At 15 d [km/s].
    index : float
        −0.22 for core-collapse supernovae (Modjaz et al. 2016, ApJ 832, 108).

    Returns
    -------
    ndarray, shape (n, g)
    """
    return np.asarray(velocity[:, None] * (np.clip(AGES, 2.0, 120.0) / 15.0) ** index)


def photospheric_temperature(
    luminosity: NDArray[np.float64], velocity: NDArray[np.float64], floor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Return the colour temperature of a photosphere that moves with the ejecta until it recombines.

    T = 1.2 (L / 4πσ v²t²)^¼, approaching a floor from above: the photosphere of Nicholl, Guillochon & Berger (2017, ApJ
    850, 55), equations 8 and 9, with a smooth change.

    Parameters
    ----------
    luminosity : ndarray, shape (n, g)
        [erg/s].
    velocity : ndarray, shape (n, g)
        [km/s].
    floor : ndarray, shape (n,)
        [K].

    Returns
    -------
    ndarray, shape (n, g)
        [K], at most 40,000.
    """
    radius = velocity * 1e5 * AGES * _DAY
    hot = _DILUTION * (luminosity / (4.0 * np.pi * STEFAN_BOLTZMANN * radius**2)) ** 0.25
    return np.asarray(np.minimum((hot**6 + floor[:, None] ** 6) ** (1.0 / 6.0), 40000.0))


def age_of_maximum(history: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the age [d] at which each history, shape (n, g), is largest; shape (n,)."""
    return np.asarray(AGES[np.argmax(history, axis=1)])
