"""The same Gaussian process as in `ampel_followup.gaussian_process`, written to be read: one object, plain loops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.gaussian_process.kernels import TIME_UNIT, Kernel
from ampel_followup.gaussian_process.photometry import Photometry

Array = NDArray[np.float64]


def shape(kind: str, distance: float, scale: float) -> float:
    """v(r)."""
    if kind == "matern":
        u = np.sqrt(3.0) * abs(distance) / scale
        return float((1.0 + u) * np.exp(-u))
    return float(np.exp(-0.5 * (distance / scale) ** 2))


def warped_time(kernel: Kernel, parameters: Array, time: float) -> float:
    """X, zero before the explosion; days for a stationary kernel."""
    if not kernel.warped:
        return time
    age = time - TIME_UNIT * parameters[4]
    return float(np.log(1.0 + age / np.exp(parameters[5]))) if age > 0 else 0.0


def covariance(kernel: Kernel, parameters: Array, one: tuple[float, float], other: tuple[float, float]) -> float:
    """K between (time, ln λ) and (time, ln λ), without noise."""
    time_scale, wavelength_scale = np.exp(parameters[3]), np.exp(parameters[2])
    x, y = (warped_time(kernel, parameters, point[0]) for point in (one, other))
    in_time = shape(kernel.shape, x - y, time_scale)
    if kernel.warped:
        in_time -= shape(kernel.shape, x, time_scale) * shape(kernel.shape, y, time_scale)
    return float(np.exp(2 * parameters[0]) * in_time * shape("matern", one[1] - other[1], wavelength_scale))


def matrix(
    kernel: Kernel, parameters: Array, one: list[tuple[float, float]], other: list[tuple[float, float]]
) -> Array:
    """K between two lists of points."""
    return np.array([[covariance(kernel, parameters, a, b) for b in other] for a in one])


def noisy(kernel: Kernel, parameters: Array, points: Photometry) -> Array:
    """K of the points with their noise."""
    at = list(zip(points.time.tolist(), points.log_wavelength.tolist(), strict=True))
    return matrix(kernel, parameters, at, at) + np.diag(points.flux_err**2 + np.exp(2 * parameters[1]))


def log_posterior(kernel: Kernel, parameters: Array, points: Photometry) -> float:
    """Logarithm of likelihood times prior, by the textbook."""
    k, n = noisy(kernel, parameters, points), len(points)
    likelihood = -0.5 * points.flux @ np.linalg.solve(k, points.flux) - 0.5 * np.linalg.slogdet(k)[1]
    prior = -0.5 * (((parameters - kernel.prior_mean) / kernel.prior_scatter) ** 2).sum()
    return float(likelihood - 0.5 * n * np.log(2 * np.pi) + prior)


def posterior(
    kernel: Kernel, parameters: Array, points: Photometry, time: Array, log_wavelength: Array
) -> tuple[Array, Array]:
    """Mean and standard deviation at other times, relative to the scale of the flux."""
    at = list(zip(points.time.tolist(), points.log_wavelength.tolist(), strict=True))
    new = list(zip(time.tolist(), log_wavelength.tolist(), strict=True))
    cross, k = matrix(kernel, parameters, new, at), noisy(kernel, parameters, points)
    left = matrix(kernel, parameters, new, new) - cross @ np.linalg.solve(k, cross.T)
    return cross @ np.linalg.solve(k, points.flux), np.sqrt(np.maximum(np.diag(left), 0.0))
