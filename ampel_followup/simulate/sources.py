"""What the sky shows at a position: a difference that changes with time, and what was there before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS, ZTF_FILTERS
from ampel_followup.cosmology import luminosity_distance
from ampel_followup.simulate.dust import transmitted
from ampel_followup.simulate.shapes import Shape

_MEGAPARSEC = 3.0857e24  # cm


class SpectralSequence(Protocol):
    """What `Explosion` and the sncosmo templates have in common."""

    def luminosity_density(
        self, which: NDArray[np.intp], age: NDArray[np.float64], wavelength: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return L_λ [erg / s / Å], shape (r, m), for rest-frame ages (r,) [d] and wavelengths (r, m) [Å]."""


class Process(Protocol):
    """A change of brightness, as in `variability`."""

    @property
    def reference(self) -> NDArray[np.float64]:
        """Level of the reference image, as a factor on the mean flux, shape (n,)."""

    def __call__(self, which: NDArray[np.intp], mjd: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return flux / mean flux, shape (r,)."""


class Source(Protocol):
    """n objects on the sky; every method takes rows (which object, when) and observed wavelengths (m,) [Å]."""

    def difference(
        self, which: NDArray[np.intp], mjd: NDArray[np.float64], wavelength: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return f_λ now − f_λ in the reference image, shape (r, m) [erg / s / cm² / Å]."""

    def underlying(self, which: NDArray[np.intp], wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return f_λ of the reference within a slit or a PSF at the position, shape (r, m) [erg / s / cm² / Å]."""


@dataclass(frozen=True, slots=True, eq=False)
class Transient:
    """
    Explosions in host galaxies.

    Parameters
    ----------
    sequence : SpectralSequence
    scale : ndarray, shape (n,)
        Factor on the luminosity density of the sequence.
    redshift : ndarray, shape (n,)
    start : ndarray, shape (n,)
        MJD of the explosion.
    host_ebv, ebv : ndarray, shape (n,)
        Colour excess in the host, and in the Milky Way [mag].
    host : Shape
    host_flux : ndarray, shape (n,)
        Of the host within a slit at the position of the transient, in ZTF r [µJy].
    """

    sequence: SpectralSequence
    scale: NDArray[np.float64]
    redshift: NDArray[np.float64]
    start: NDArray[np.float64]
    host_ebv: NDArray[np.float64]
    ebv: NDArray[np.float64]
    host: Shape
    host_flux: NDArray[np.float64]

    def difference(
        self, which: NDArray[np.intp], mjd: NDArray[np.float64], wavelength: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the redshifted, dimmed and reddened spectrum; see `Source`."""
        stretch = 1.0 + self.redshift[which]
        age = (mjd - self.start[which]) / stretch
        rest = wavelength / stretch[:, None]
        distance = luminosity_distance(self.redshift[which]) * _MEGAPARSEC
        dimming = self.scale[which] / (4.0 * np.pi * distance**2 * stretch)
        density = self.sequence.luminosity_density(which, age, rest) * dimming[:, None]
        return density * transmitted(rest, self.host_ebv[which]) * transmitted(wavelength, self.ebv[which])

    def underlying(self, which: NDArray[np.intp], wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the host's light at the position; see `Source`."""
        return self.host_flux[which][:, None] * self.host.flux_density(which, wavelength)


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """
    Sources that were there before and change.

    Parameters
    ----------
    process : Process
    flux : ndarray, shape (n,)
        Mean flux in ZTF r [µJy].
    varying, quiescent : Shape
        Spectrum of the light that comes and goes, and of the mean.
    """

    process: Process
    flux: NDArray[np.float64]
    varying: Shape
    quiescent: Shape

    def difference(
        self, which: NDArray[np.intp], mjd: NDArray[np.float64], wavelength: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the difference from the level of the reference, of either sign; see `Source`."""
        change = self.process(which, mjd) - self.process.reference[which]
        return (self.flux[which] * change)[:, None] * self.varying.flux_density(which, wavelength)

    def underlying(self, which: NDArray[np.intp], wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the source itself as in the reference; see `Source`."""
        level = self.flux[which] * self.process.reference[which]
        return level[:, None] * self.quiescent.flux_density(which, wavelength)


@dataclass(frozen=True, slots=True, eq=False)
class Artefact:
    """
    Nothing that changes: only what happens to lie at the position of a bogus detection.

    Parameters
    ----------
    neighbour : Shape
    flux : ndarray, shape (n,)
        Of the neighbour within a slit, in ZTF r [µJy]; 0 for empty sky.
    """

    neighbour: Shape
    flux: NDArray[np.float64]

    def difference(
        self, which: NDArray[np.intp], mjd: NDArray[np.float64], wavelength: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return zeros; see `Source`."""
        return np.zeros((len(mjd), len(wavelength)))

    def underlying(self, which: NDArray[np.intp], wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the neighbour's light; see `Source`."""
        return self.flux[which][:, None] * self.neighbour.flux_density(which, wavelength)


#: Rows evaluated at once: the arrays of a block stay within a processor's cache.
_BLOCK = 1024


def band_flux(
    source: Source, which: NDArray[np.intp], mjd: NDArray[np.float64], fid: NDArray[np.intp]
) -> NDArray[np.float64]:
    """
    Return the difference flux in ZTF's bands [µJy].

    Parameters
    ----------
    source : Source
    which, mjd, fid : ndarray, shape (r,)
        Object, time, and ZTF's number of the filter, of each row.

    Returns
    -------
    ndarray, shape (r,)
    """
    flux = np.zeros(len(mjd))
    for number, name in ZTF_FILTERS.items():
        nodes, weights = BANDS[name].quadrature()
        rows = np.flatnonzero(fid == number)
        for block in np.split(rows, np.arange(_BLOCK, len(rows), _BLOCK)):
            flux[block] = source.difference(which[block], mjd[block], nodes) @ weights
    return flux


def reference_flux(source: Source, which: NDArray[np.intp], fid: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the flux that was there before [µJy], shape (r,), in ZTF's bands; see `band_flux`."""
    flux = np.zeros(len(which))
    for number, name in ZTF_FILTERS.items():
        nodes, weights = BANDS[name].quadrature(60.0)
        rows = fid == number
        if np.any(rows):
            each = np.unique(which[rows])
            flux[rows] = (source.underlying(each, nodes) @ weights)[np.searchsorted(each, which[rows])]
    return flux
