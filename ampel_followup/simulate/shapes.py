"""
Spectra that keep their shape: galaxies, stars, nuclei, and the light by which variables differ from their reference.

A `Shape` is normalised so that it gives 1 µJy (AB) in ZTF's r band; how bright it is, and when, is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.simulate.dust import transmitted
from ampel_followup.simulate.photosphere import SPECIES, blanketing, line_profiles, planck

#: Width of unresolved lines [km/s]; a spectrograph of R ≈ 600 sees no narrower ones.
_NARROW = 250.0


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """
    Spectral shapes of n sources.

    Parameters
    ----------
    temperature : ndarray, shape (n,)
        Of the continuum [K]; also decides which of the absorption lines are seen.
    slope : ndarray, shape (n,)
        α of a power law f_λ ∝ λ^α in place of the black body; NaN for the latter.
    velocity : ndarray, shape (n,)
        Width of broad lines (standard deviation) [km/s].
    absorption, broad, narrow : mapping of str to ndarray, shape (n,)
        Optical depth of absorption, and emission relative to the continuum, with broad and with unresolved lines.
    redshift : ndarray, shape (n,)
    ebv : ndarray, shape (n,)
        Colour excess by the Milky Way, or between us and a star [mag].
    break_4000 : ndarray, shape (n,)
        Strength of the blanketing below 4,000 Å: the break of old stellar populations.
    """

    temperature: NDArray[np.float64]
    slope: NDArray[np.float64]
    velocity: NDArray[np.float64]
    absorption: Mapping[str, NDArray[np.float64]]
    broad: Mapping[str, NDArray[np.float64]]
    narrow: Mapping[str, NDArray[np.float64]]
    redshift: NDArray[np.float64]
    ebv: NDArray[np.float64]
    break_4000: NDArray[np.float64]
    normalisation: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        nodes, weights = BANDS["ztfr"].quadrature()
        raw = self._raw(np.arange(len(self.temperature)), nodes)
        object.__setattr__(self, "normalisation", 1.0 / (raw @ weights))

    def flux_density(self, which: NDArray[np.intp], wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Return f_λ of a source with 1 µJy in ZTF r [erg / s / cm² / Å].

        Parameters
        ----------
        which : ndarray of int, shape (r,)
            Which source each row shows.
        wavelength : ndarray, shape (m,)
            As observed [Å].

        Returns
        -------
        ndarray, shape (r, m)
        """
        return self._raw(which, wavelength) * self.normalisation[which][:, None]

    def _raw(self, which: NDArray[np.intp], wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        rest = wavelength / (1.0 + self.redshift[which])[:, None]
        temperature, velocity = self.temperature[which], self.velocity[which]
        slope = self.slope[which]
        black = planck(rest, temperature) / planck(np.full((len(which), 1), 6000.0), temperature)
        power = (rest / 6000.0) ** np.nan_to_num(slope)[:, None]
        continuum = np.where(np.isnan(slope)[:, None], black, power)
        continuum = continuum * blanketing(rest, 4000.0, self.break_4000[which])
        depth = {name: tau[which] * SPECIES[name].visibility(temperature) for name, tau in self.absorption.items()}
        lines = np.exp(-line_profiles(rest, velocity, depth, 0.0, 1.0))
        lines += line_profiles(rest, velocity, {name: s[which] for name, s in self.broad.items()}, 0.0, 1.0)
        unresolved = np.full(len(which), _NARROW)
        lines += line_profiles(rest, unresolved, {name: s[which] for name, s in self.narrow.items()}, 0.0, 1.0)
        return continuum * lines * transmitted(wavelength, self.ebv[which])


def galaxies(
    starforming: NDArray[np.bool_], redshift: NDArray[np.float64], ebv: NDArray[np.float64], rng: np.random.Generator
) -> Shape:
    """
    Draw host galaxies: old ones with a 4,000 Å break and metal lines, star-forming ones blue and with nebular lines.

    Colours follow the two sequences of galaxies (Baldry et al. 2004, ApJ 600, 681); line ratios are those of H II
    regions (Kewley et al. 2006, MNRAS 372, 961).

    Parameters
    ----------
    starforming : ndarray of bool, shape (n,)
    redshift : ndarray, shape (n,)
    ebv : ndarray, shape (n,)
        Colour excess by the Milky Way [mag].
    rng : numpy.random.Generator
    """
    n = len(redshift)
    blue = starforming.astype(np.float64)
    hydrogen = blue * rng.lognormal(np.log(1.2), 0.7, n)
    oxygen = hydrogen * rng.lognormal(np.log(0.5), 0.8, n)
    return Shape(
        temperature=np.where(starforming, rng.normal(6000.0, 600.0, n), rng.normal(4700.0, 200.0, n)),
        slope=np.full(n, np.nan),
        velocity=np.full(n, 350.0),
        absorption={"metals": np.where(starforming, 0.25, 0.55) * rng.lognormal(0.0, 0.2, n)},
        broad={},
        narrow={
            "H": hydrogen,
            "O III": oxygen,
            "N II": 0.3 * hydrogen,
            "S II 6725": 0.2 * hydrogen,
            "O II 3727": 0.8 * hydrogen,
        },
        redshift=redshift,
        ebv=ebv,
        break_4000=np.where(starforming, 0.4, 1.6),
    )


def stars(temperature: NDArray[np.float64], balmer_emission: NDArray[np.float64], ebv: NDArray[np.float64]) -> Shape:
    """
    Return stellar spectra: Balmer lines of hot stars, metal lines of cool ones, titanium oxide of the coolest.

    Parameters
    ----------
    temperature : ndarray, shape (n,)
        Effective temperature [K]: Balmer absorption peaks near 9,000 K, molecules rule below 4,000 K.
    balmer_emission : ndarray, shape (n,)
        Emission in Hα relative to the continuum: chromospheres of active stars.
    ebv : ndarray, shape (n,)
        Colour excess [mag].
    """
    n = len(temperature)
    balmer = 0.9 * np.exp(-0.5 * ((temperature - 9000.0) / 2000.0) ** 2)
    return Shape(
        temperature=temperature,
        slope=np.full(n, np.nan),
        velocity=np.where(temperature < 4300.0, 2500.0, 550.0),
        absorption={"H": balmer, "metals": np.full(n, 0.35), "TiO": np.full(n, 0.9)},
        broad={},
        narrow={"H": balmer_emission},
        redshift=np.zeros(n),
        ebv=ebv,
        break_4000=np.where(temperature < 6500.0, 0.8, 0.2),
    )
