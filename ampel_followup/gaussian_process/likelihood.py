r"""
The logarithm of the posterior of a kernel's parameters, with gradient and curvature, for a batch of objects.

With :math:`K = k + \mathrm{diag}(σ_i^2 + s^2)`, :math:`α = K^{-1} y` (Rasmussen & Williams 2006, eqs. 2.30 and 5.9):

.. math::
    \ln p = -\tfrac12 y^T α - \tfrac12 \ln |K| - \tfrac n2 \ln 2π, \qquad
    \frac{∂ \ln p}{∂θ} = \tfrac12 α^T K_θ α - \tfrac12 \mathrm{tr}(K^{-1} K_θ).

For the curvature stands the average information :math:`\tfrac12 (K_θ α)^T K^{-1} (K_η α)` (Gilmour, Thompson & Cullis
1995, Biometrics 51, 1440): the mean of observed and expected information, without their traces, and never negative.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.gaussian_process.kernels import Kernel
from ampel_followup.gaussian_process.photometry import Batch

Array = NDArray[np.float64]

_LN_2PI = float(np.log(2.0 * np.pi))


def log_posterior(kernel: Kernel, parameters: Array, batch: Batch) -> Array:
    """
    Return ln p(flux | parameters) + ln p(parameters), the latter up to a constant, shape (b,).

    Parameters
    ----------
    kernel : Kernel
    parameters : ndarray, shape (b, p)
    batch : Batch
    """
    covariance = kernel.covariance(parameters, batch.time, batch.log_wavelength, batch.time, batch.log_wavelength)
    n = batch.time.shape[1]
    covariance[:, np.arange(n), np.arange(n)] += batch.variance + np.exp(2.0 * parameters[:, 1, None])
    factor = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    whitened = np.linalg.solve(factor, batch.flux[:, :, None])[:, :, 0]
    return _log_likelihood(factor, (whitened**2).sum(axis=1), batch) + log_prior(kernel, parameters)


def log_prior(kernel: Kernel, parameters: Array) -> Array:
    """Return the logarithm of the prior up to a constant, shape (b,)."""
    return np.asarray(-0.5 * (((parameters - kernel.prior_mean) / kernel.prior_scatter) ** 2).sum(axis=1))


def linearised(kernel: Kernel, parameters: Array, batch: Batch) -> tuple[Array, Array, Array]:
    """
    Return the logarithm of the posterior (b,), its gradient (b, p) and the curvature (b, p, p), a positive matrix.

    Parameters
    ----------
    kernel : Kernel
    parameters : ndarray, shape (b, p)
    batch : Batch
    """
    covariance, derivatives = kernel.derivatives(parameters, batch.time, batch.log_wavelength)
    b, n, p = len(parameters), batch.time.shape[1], parameters.shape[1]
    diagonal = np.arange(n)
    white = np.exp(2.0 * parameters[:, 1, None])
    noise = batch.variance + white
    covariance[:, diagonal, diagonal] += noise
    factor = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    inverse = np.linalg.inv(covariance)
    alpha = (inverse @ batch.flux[:, :, None])[:, :, 0]
    gradient, pushed = np.empty((b, p)), np.empty((b, p, n))
    pushed[:, 0] = 2.0 * (batch.flux - noise * alpha)
    pushed[:, 1] = 2.0 * white * alpha
    precision = inverse[:, diagonal, diagonal]
    gradient[:, 0] = -2.0 * (n - (noise * precision).sum(axis=1))
    gradient[:, 1] = -2.0 * white[:, 0] * precision.sum(axis=1)
    flat = inverse.reshape(b, 1, n * n)
    for k, derivative in enumerate(derivatives, 2):
        pushed[:, k] = (derivative @ alpha[:, :, None])[:, :, 0]
        gradient[:, k] = -(flat @ derivative.reshape(b, n * n, 1))[:, 0, 0]
    gradient += (pushed @ alpha[:, :, None])[:, :, 0]
    curvature = pushed @ (inverse @ pushed.transpose(0, 2, 1))
    value = _log_likelihood(factor, (batch.flux * alpha).sum(axis=1), batch) + log_prior(kernel, parameters)
    loose = kernel.prior_scatter**-2.0
    gradient = 0.5 * gradient - (parameters - kernel.prior_mean) * loose
    return value, gradient, 0.5 * curvature + np.diag(loose)


def _log_likelihood(factor: Array, square: Array, batch: Batch) -> Array:
    n = factor.shape[1]
    determinant = 2.0 * np.log(factor[:, np.arange(n), np.arange(n)]).sum(axis=1) - batch.fill
    return np.asarray(-0.5 * (square + determinant + batch.counts * _LN_2PI))
