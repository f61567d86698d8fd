"""
Features of a spectrum: a common grid, a common scale, and the directions in which spectra differ most.

Following Astudillo et al. (2020, section 6.4) a spectrum is put on a common wavelength grid and its flux scaled to
[0, 1]; the features are its principal components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.spectra.grid import DEFAULT_GRID, scale_to_unit

Array = NDArray[np.float64]

#: Ends of the common grid of the packaged bundle, observer frame [Å].
GRID_RANGE = (DEFAULT_GRID.start, DEFAULT_GRID.end)

#: Number of its bins, equal in the logarithm of the wavelength (about 1,000 km/s each).
N_BINS = DEFAULT_GRID.n_bins


def to_grid(wavelength: Array, flux: Array) -> Array:
    """
    Average a spectrum in the bins of the common grid and scale it to [0, 1].

    Parameters
    ----------
    wavelength : ndarray, shape (m,)
        Observer frame [Å].
    flux : ndarray, shape (m,)
        Flux density per wavelength, any unit.

    Returns
    -------
    ndarray, shape (N_BINS,)
        Scaled so that the 1st and 99th percentile become 0 and 1 and clipped there. Bins without a pixel are
        interpolated.

    Raises
    ------
    SpectrumError
        If less than half of the grid is covered.
    """
    return scale_to_unit(DEFAULT_GRID.sample(wavelength, flux, min_coverage=0.5))


@dataclass(frozen=True, slots=True)
class PrincipalSpectra:
    """
    Principal components of spectra on the common grid.

    Parameters
    ----------
    mean : ndarray, shape (n_bins,)
    components : ndarray, shape (d, n_bins)
        Orthonormal, in order of the variance they explain.
    scale : ndarray, shape (d,)
        Standard deviation of each component in the training set; features are in units of it.
    explained : float
        Share of the variance that the components explain together, 0 to 1.
    """

    mean: Array
    components: Array
    scale: Array
    explained: float

    @classmethod
    def fit(cls, spectra: Array, n_components: int) -> PrincipalSpectra:
        """Take the first components of spectra on the grid, shape (n, n_bins)."""
        mean = spectra.mean(axis=0)
        _, singular, axes = np.linalg.svd(spectra - mean, full_matrices=False)
        axes = axes[:n_components] * np.sign(axes[:n_components].sum(axis=1, keepdims=True))
        scale = singular[:n_components] / np.sqrt(len(spectra))
        return cls(mean, axes, scale, float((singular[:n_components] ** 2).sum() / (singular**2).sum()))

    def transform(self, spectra: Array) -> Array:
        """Return the features, shape (n, d), of spectra on the grid, shape (n, n_bins)."""
        return np.asarray((spectra - self.mean) @ self.components.T / self.scale)

    def reconstruct(self, features: Array) -> Array:
        """Return the spectra, shape (n, n_bins), that features, shape (n, d), stand for."""
        return np.asarray(self.mean + (features * self.scale) @ self.components)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as lists, for a bundle (six digits: far below the noise of a spectrum)."""
        return {
            "grid_range": list(GRID_RANGE),
            "mean": np.round(self.mean, 6).tolist(),
            "components": np.round(self.components, 6).tolist(),
            "scale": self.scale.tolist(),
            "explained": self.explained,
        }
