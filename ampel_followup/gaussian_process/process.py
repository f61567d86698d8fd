"""A fitted Gaussian process: what the flux of an object is at any time and wavelength, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular

from ampel_followup.gaussian_process.kernels import TIME_UNIT, Kernel
from ampel_followup.gaussian_process.photometry import Photometry

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """
    The light curve of one object as a Gaussian process.

    Parameters
    ----------
    id : str
    kernel : Kernel
    parameters : ndarray, shape (p,)
        As `Kernel.parameters` names them; amplitude and noise in units of `Photometry.scale`.
    photometry : Photometry
        What it was fitted to.
    log_posterior : float
        Logarithm of likelihood times prior, the latter up to a constant.
    """

    id: str
    kernel: Kernel
    parameters: Array
    photometry: Photometry
    log_posterior: float

    @property
    def explosion_time(self) -> float:
        """t₀ [MJD]; NaN for a stationary kernel. Before it the flux is zero."""
        if not self.kernel.warped:
            return float("nan")
        return self.photometry.reference_time + TIME_UNIT * float(self.parameters[4])

    @property
    def white_noise(self) -> float:
        """Standard deviation of the white noise beyond the errors given [µJy]."""
        return float(np.exp(self.parameters[1])) * self.photometry.scale

    def posterior(self, mjd: ArrayLike, wavelength: ArrayLike) -> tuple[Array, Array]:
        """
        Return mean and standard deviation of the flux, without white noise.

        Rasmussen & Williams (2006), equations 2.23 and 2.24.

        Parameters
        ----------
        mjd, wavelength : array_like, shape (m,)
            Times [MJD] and effective wavelengths [Å], which are broadcast against each other.

        Returns
        -------
        mean, deviation : ndarray, shape (m,)
            [µJy]
        """
        time, log_wavelength = self._at(mjd, wavelength)
        whitened = self._whitened(time, log_wavelength)
        variance = self.kernel.variance(self.parameters, time) - (whitened**2).sum(axis=0)
        scale = self.photometry.scale
        return scale * (self._flux @ whitened), scale * np.sqrt(np.maximum(variance, 0.0))

    def sample(self, mjd: ArrayLike, wavelength: ArrayLike, rng: np.random.Generator) -> Array:
        """
        Draw one light curve from the posterior, without white noise, shape (m,) [µJy].

        Parameters
        ----------
        mjd, wavelength : array_like, shape (m,)
            As `posterior` takes them.
        rng : numpy.random.Generator
        """
        time, log_wavelength = self._at(mjd, wavelength)
        whitened = self._whitened(time, log_wavelength)
        covariance = self.kernel.covariance(self.parameters, time, log_wavelength, time, log_wavelength)
        covariance -= whitened.T @ whitened
        # Eigenvalues, not a Cholesky factor: before the explosion, and near points, there is no variance at all.
        values, vectors = np.linalg.eigh(covariance)
        drawn = vectors @ (np.sqrt(np.maximum(values, 0.0)) * rng.standard_normal(len(values)))
        return np.asarray(self.photometry.scale * (self._flux @ whitened + drawn))

    def _at(self, mjd: ArrayLike, wavelength: ArrayLike) -> tuple[Array, Array]:
        time = np.asarray(mjd, dtype=np.float64) - self.photometry.reference_time
        time, log_wavelength = np.broadcast_arrays(time, np.log(np.asarray(wavelength, dtype=np.float64)))
        return np.atleast_1d(time), np.atleast_1d(log_wavelength)

    def _whitened(self, time: Array, log_wavelength: Array) -> Array:
        """Return L⁻¹ k(points, times), shape (n, m)."""
        points = self.photometry
        cross = self.kernel.covariance(self.parameters, points.time, points.log_wavelength, time, log_wavelength)
        return np.asarray(solve_triangular(self._factor, cross, lower=True, check_finite=False))

    @cached_property
    def _factor(self) -> Array:
        """L, with L Lᵀ the covariance of the points, noise included, shape (n, n)."""
        points, one = self.photometry, self.kernel
        covariance = one.covariance(
            self.parameters, points.time, points.log_wavelength, points.time, points.log_wavelength
        )
        covariance[np.diag_indices(len(points))] += points.flux_err**2 + np.exp(2.0 * self.parameters[1])
        return np.asarray(np.linalg.cholesky(covariance))

    @cached_property
    def _flux(self) -> Array:
        """L⁻¹ y, shape (n,)."""
        return np.asarray(solve_triangular(self._factor, self.photometry.flux, lower=True, check_finite=False))
