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

Array = NDArray[np.float64]

#: Ends of the common grid, observer frame [Å].
GRID_RANGE = (3900.0, 8900.0)

#: Number of bins, equal in the logarithm of the wavelength (about 1,000 km/s each).
N_BINS = 250


def bin_edges() -> Array:
    """Return the edges of the bins of the common grid [Å], shape (N_BINS + 1,)."""
    return np.asarray(np.geomspace(*GRID_RANGE, N_BINS + 1))


def to_grid(wavelength: Array, flux: Array) -> Array:
    """
    Average a spectrum in the bins of the common grid and scale it to [0, 1].

    Parameters
    ----------
    wavelength : ndarray, shape (m,)
        Observer frame, increasing [Å].
    flux : ndarray, shape (m,)
        Flux density per wavelength, any unit.

    Returns
    -------
    ndarray, shape (N_BINS,)
        Scaled so that the 1st and 99th percentile become 0 and 1 and clipped there: a single hot pixel must not set
        the scale. Bins without a pixel are interpolated.

    Raises
    ------
    ValueError
        If fewer than half of the bins have a pixel.
    """
    good = np.isfinite(flux) & np.isfinite(wavelength)
    edges = bin_edges()
    bin_of = np.digitize(wavelength[good], edges) - 1
    inside = (bin_of >= 0) & (bin_of < N_BINS)
    count = np.bincount(bin_of[inside], minlength=N_BINS)
    if (count > 0).sum() < N_BINS / 2:
        raise ValueError(
            f"the spectrum covers {(count > 0).mean():.0%} of {GRID_RANGE[0]:.0f}–{GRID_RANGE[1]:.0f} Å; half is needed"
        )
    total = np.bincount(bin_of[inside], weights=flux[good][inside], minlength=N_BINS)
    filled = np.flatnonzero(count)
    binned = np.interp(np.arange(N_BINS), filled, total[filled] / count[filled])
    low, high = np.percentile(binned, [1.0, 99.0])
    if high <= low:
        return np.full(N_BINS, 0.5)
    return np.asarray(np.clip((binned - low) / (high - low), 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class PrincipalSpectra:
    """
    Principal components of spectra on the common grid.

    Parameters
    ----------
    mean : ndarray, shape (N_BINS,)
    components : ndarray, shape (d, N_BINS)
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
        """Take the first components of spectra on the grid, shape (n, N_BINS)."""
        mean = spectra.mean(axis=0)
        _, singular, axes = np.linalg.svd(spectra - mean, full_matrices=False)
        axes = axes[:n_components] * np.sign(axes[:n_components].sum(axis=1, keepdims=True))
        scale = singular[:n_components] / np.sqrt(len(spectra))
        return cls(mean, axes, scale, float((singular[:n_components] ** 2).sum() / (singular**2).sum()))

    def transform(self, spectra: Array) -> Array:
        """Return the features, shape (n, d), of spectra on the grid, shape (n, N_BINS)."""
        return np.asarray((spectra - self.mean) @ self.components.T / self.scale)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as lists, for a bundle (six digits: far below the noise of a spectrum)."""
        return {
            "grid_range": list(GRID_RANGE),
            "mean": np.round(self.mean, 6).tolist(),
            "components": np.round(self.components, 6).tolist(),
            "scale": self.scale.tolist(),
            "explained": self.explained,
        }
