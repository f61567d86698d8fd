"""The fit of all bands as one would write it to be read: one object and one start at a time, as in the paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features import rainbow

Array = NDArray[np.float64]


def fit(time: Array, flux: Array, flux_err: Array, wavelength: Array) -> Array:
    """Return the parameters (6,) of one object with at least one point; fluxes in any unit, the largest positive."""
    peak = int(np.argmax(flux))
    flux, flux_err, t = flux / flux[peak], flux_err / flux[peak], time - time[peak]
    sigma = np.hypot(flux_err, rainbow.MODEL_ERROR * flux)
    young = rainbow._PRIOR_MEAN
    late = young.copy()
    seen = np.flatnonzero(flux > rainbow._SEEN * flux_err)
    late[1] = np.clip(t[seen[0]], -60.0, 0.0) if len(seen) else 0.0
    late[2] = np.log(2.0)
    found = [minimise(start, t, flux, sigma, wavelength) for start in (young, late)]
    parameters, cost = found[1] if found[1][1] < found[0][1] - rainbow._TIE else found[0]
    return np.concatenate([parameters, [cost]])


def minimise(start: Array, t: Array, flux: Array, sigma: Array, wavelength: Array) -> tuple[Array, float]:
    """Levenberg and Marquardt's method."""

    def residuals(theta: Array) -> Array:
        data = (flux - model(theta, t, wavelength)) / sigma
        return np.concatenate([data, (rainbow._PRIOR_MEAN - theta) / rainbow._PRIOR_SCATTER])

    def slopes(theta: Array) -> Array:
        data = derivatives(theta, t, wavelength) / sigma[:, None]
        return np.concatenate([data, np.diag(1.0 / rainbow._PRIOR_SCATTER)])

    theta, damping = start, 1e-2
    for _ in range(rainbow._ITERATIONS):
        r, d = residuals(theta), slopes(theta)
        curvature = d.T @ d
        step = np.linalg.solve(curvature + damping * np.diag(np.diag(curvature)), d.T @ r)
        tried = np.clip(theta + step, rainbow._LOWEST, rainbow._HIGHEST)
        if (residuals(tried) ** 2).sum() < (r**2).sum():
            theta, damping = tried, damping / 5.0
        else:
            damping = min(6.0 * damping, 1e8)
    return theta, float((residuals(theta) ** 2).sum())


def model(theta: Array, t: Array, wavelength: Array) -> Array:
    """Return the flux of the model, shape (n,)."""
    return rainbow.rainbow_flux(np.tile(theta, (len(t), 1)), t, wavelength)


def derivatives(theta: Array, t: Array, wavelength: Array) -> Array:
    """Return its derivatives by the parameters, shape (n, 6)."""
    _, reference, ln_rise, ln_fall, ln_temperature, cooling = theta
    rise, fall, x = np.exp(ln_rise), np.exp(ln_fall), t - reference
    cooled = np.tanh(x / rainbow.COOLING_TIME)
    temperature = np.exp(ln_temperature - cooling * cooled)
    before = 1.0 / (1.0 + np.exp(x / rise))
    by_temperature = slope_of_planck(wavelength, temperature) - slope_of_planck(rainbow.PIVOT, temperature)
    by_time = 1.0 / fall - before / rise + by_temperature * cooling * (1.0 - cooled**2) / rainbow.COOLING_TIME
    columns = (np.ones(len(t)), by_time, -x / rise * before, x / fall, by_temperature, -cooled * by_temperature)
    return model(theta, t, wavelength)[:, None] * np.column_stack(columns)


def slope_of_planck(wavelength: Array | float, temperature: Array) -> Array:
    """Return d ln B / d ln T."""
    y = rainbow._RADIATION / (wavelength * temperature)
    return y * np.exp(y) / np.expm1(y)
