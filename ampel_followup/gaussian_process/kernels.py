r"""
Covariances of the flux of a transient between two times and two wavelengths, with their derivatives.

The flux is a Gaussian process of mean zero. Its covariance is a product,

.. math:: k = A^2\, k_t(t, t')\, k_λ(\ln λ, \ln λ') + s^2 δ,

with white noise of standard deviation :math:`s` beyond the errors that are given. Both factors have the shape :math:`v`
of a Matérn kernel, :math:`v(r) = (1 + \sqrt 3 r/ℓ)\, e^{-\sqrt 3 r/ℓ}` (Rasmussen & Williams 2006, eq. 4.17), or of a
squared exponential, :math:`v(r) = e^{-r^2/2ℓ^2}`.

- **Stationary**, as is usual: :math:`k_t = v(|t - t'|)`. What explodes rises within days and fades over months, and no
  one length :math:`ℓ` is right for both: a short one wiggles through the decline and knows nothing in a gap, a long
  one takes the rise for noise.
- **Warped**: stationary in the logarithm of the time since the explosion,

  .. math::
      x = \ln\left(1 + \frac{t - t_0}{τ}\right) \text{ after } t_0, \quad x = 0 \text{ before}, \qquad
      k_t = v(|x - x'|) - v(x)\, v(x').

  At age :math:`a` it is as smooth over :math:`ℓ (τ + a)` days: as with a Gibbs kernel whose length grows linearly.
  The second term is what is left of :math:`v` when the flux is known to be zero at :math:`x = 0`: before the explosion
  there is nothing, at any wavelength, and the variance grows continuously from zero.

Parameters are one vector per object, in the order of `Kernel.parameters`; :math:`t_0` in units of `TIME_UNIT`, the
others as logarithms, so that steps of about one are alike in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError

Array = NDArray[np.float64]
Shape = Literal["matern", "squared-exponential"]

#: t₀ is counted in this unit [d].
TIME_UNIT = 10.0

_SQRT3 = float(np.sqrt(3.0))


@dataclass(frozen=True, eq=False)
class Kernel:
    """
    One kind of covariance, with the priors of its parameters.

    Parameters
    ----------
    name : str
    warped : bool
        In logarithmic time since the explosion; else stationary.
    shape : {"matern", "squared-exponential"}
        Of v, in time; in wavelength it is a Matérn kernel always.
    prior_mean, prior_scatter : ndarray, shape (p,)
        Gaussian priors; amplitudes relative to the brightest flux, t₀ relative to the first detection.
    """

    name: str
    warped: bool
    shape: Shape
    prior_mean: Array
    prior_scatter: Array

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the p parameters."""
        first = ("ln_amplitude", "ln_noise", "ln_wavelength_scale", "ln_time_scale")
        return (*first, "explosion_time", "ln_warp") if self.warped else first

    @property
    def lowest(self) -> Array:
        """Bounds, shape (p,)."""
        bounds = np.log([0.05, 1e-3, 0.1, 0.05 if self.warped else 1.0])
        return np.append(bounds, [-12.0, np.log(0.3)]) if self.warped else bounds

    @property
    def highest(self) -> Array:
        """Bounds, shape (p,)."""
        bounds = np.log([20.0, 0.5, 10.0, 6.0 if self.warped else 1000.0])
        return np.append(bounds, [2.0, np.log(100.0)]) if self.warped else bounds

    def clip(self, parameters: Array) -> Array:
        """Return parameters (..., p) within their bounds."""
        return np.clip(parameters, self.lowest, self.highest)

    def warp(self, parameters: Array, time: Array) -> Array:
        """
        Return x.

        Parameters
        ----------
        parameters : ndarray, shape (..., p)
        time : ndarray, shape (..., n)
            [d], from the zero of t₀.

        Returns
        -------
        ndarray, shape (..., n)
            Days for a stationary kernel.
        """
        if not self.warped:
            return time
        age = np.maximum(time - TIME_UNIT * parameters[..., 4, None], 0.0)
        return np.asarray(np.log1p(age * np.exp(-parameters[..., 5, None])))

    def covariance(
        self, parameters: Array, time: Array, log_wavelength: Array, other_time: Array, other_log_wavelength: Array
    ) -> Array:
        """
        Return the covariance without white noise, shape (..., n, m).

        Parameters
        ----------
        parameters : ndarray, shape (..., p)
        time, log_wavelength : ndarray, shape (..., n)
        other_time, other_log_wavelength : ndarray, shape (..., m)
        """
        scale = np.exp(parameters[..., 3, None, None])
        x, other = self.warp(parameters, time), self.warp(parameters, other_time)
        value = _value(self.shape, np.abs(x[..., :, None] - other[..., None, :]), scale)
        if self.warped:
            value -= _value(self.shape, x[..., :, None], scale) * _value(self.shape, other[..., None, :], scale)
        distance = np.abs(log_wavelength[..., :, None] - other_log_wavelength[..., None, :])
        value *= _value("matern", distance, np.exp(parameters[..., 2, None, None]))
        value *= np.exp(2.0 * parameters[..., 0, None, None])
        return value

    def variance(self, parameters: Array, time: Array) -> Array:
        """Return the covariance of each point with itself, shape (..., n)."""
        variance = np.broadcast_to(np.exp(2.0 * parameters[..., 0, None]), time.shape)
        if not self.warped:
            return variance
        from_zero = _value(self.shape, self.warp(parameters, time), np.exp(parameters[..., 3, None]))
        return np.asarray(variance * (1.0 - from_zero**2))

    def derivatives(self, parameters: Array, time: Array, log_wavelength: Array) -> tuple[Array, list[Array]]:
        """
        Return the covariance and its derivatives by the parameters after the first two, whose are trivial.

        Parameters
        ----------
        parameters : ndarray, shape (b, p)
        time, log_wavelength : ndarray, shape (b, n)

        Returns
        -------
        covariance : ndarray, shape (b, n, n)
            Without white noise.
        derivatives : list of ndarray, shape (b, n, n)
            By ln ℓ_λ, ln ℓ and, if warped, t₀ and ln τ.
        """
        scale = np.exp(parameters[:, 3, None, None])
        x = self.warp(parameters, time)
        apart = x[:, :, None] - x[:, None, :]
        # bend = −v'(r) / r, so that dv/d ln ℓ = bend r² and dv/dx = −bend x.
        value, bend = _value_and_bend(self.shape, apart, scale)
        bend *= apart
        by_scale = bend * apart
        by_warp: list[Array] = []
        if self.warped:
            since, since_bend = _value_and_bend(self.shape, x[:, :, None], scale)
            since, falling = since[:, :, 0], since_bend[:, :, 0] * x
            _subtract_outer(value, since, since)
            _subtract_both(by_scale, falling * x, since)
            for moved in self._warp_derivatives(parameters, time):
                derivative = bend * (moved[:, None, :] - moved[:, :, None])
                _subtract_both(derivative, -falling * moved, since)
                by_warp.append(derivative)
        distance = log_wavelength[:, :, None] - log_wavelength[:, None, :]
        colour, colour_bend = _value_and_bend("matern", distance, np.exp(parameters[:, 2, None, None]))
        colour_bend *= distance
        colour_bend *= distance
        power = np.exp(2.0 * parameters[:, 0, None, None])
        colour *= power
        colour_bend *= value
        colour_bend *= power
        value *= colour
        for derivative in (by_scale, *by_warp):
            derivative *= colour
        return value, [colour_bend, by_scale, *by_warp]

    def _warp_derivatives(self, parameters: Array, time: Array) -> tuple[Array, Array]:
        """Return dx/dt₀ (in units of `TIME_UNIT`) and dx/d ln τ, shape (b, n) each."""
        age, warp = time - TIME_UNIT * parameters[:, 4, None], np.exp(parameters[:, 5, None])
        after = age > 0
        total = warp + np.where(after, age, 0.0)
        return np.where(after, -TIME_UNIT / total, 0.0), np.where(after, -age / total, 0.0)


def _value(shape: Shape, distance: Array, scale: Array) -> Array:
    """Return v(r) for r ≥ 0."""
    if shape == "matern":
        u = (_SQRT3 / scale) * distance
        return np.asarray((1.0 + u) * np.exp(-u))
    return np.asarray(np.exp(-0.5 * (distance / scale) ** 2))


def _value_and_bend(shape: Shape, apart: Array, scale: Array) -> tuple[Array, Array]:
    """Return v(|r|) and −v'(r) / r."""
    if shape == "matern":
        u = np.abs(apart)
        u *= _SQRT3 / scale
        decay = np.exp(-u)
        u += 1.0
        u *= decay
        decay *= 3.0 / scale**2
        return u, decay
    value = np.exp(-0.5 * (apart / scale) ** 2)
    return value, value / scale**2


def _subtract_outer(matrix: Array, one: Array, other: Array) -> None:
    matrix -= one[:, :, None] * other[:, None, :]


def _subtract_both(matrix: Array, one: Array, other: Array) -> None:
    product = one[:, :, None] * other[:, None, :]
    matrix -= product
    matrix -= product.transpose(0, 2, 1)


# Parameters of 500 light curves of SNPCC's training half, fitted with priors twice as wide: their means, and 1.5 times
# their standard deviations, for surveys differ (`scripts/fit_kernel_priors.py`, to a third of a standard deviation).
def _kernel(name: str, warped: bool, shape: Shape, mean: list[float], scatter: list[float]) -> Kernel:
    return Kernel(name, warped, shape, np.array(mean), np.array(scatter))


#: Every kernel by name; the first is the one to use.
KERNELS: dict[str, Kernel] = {
    kernel.name: kernel
    for kernel in (
        _kernel("warped", True, "matern", [-0.66, -4.3, -0.65, 0.19, -1.2, 2.2], [0.36, 1.1, 0.7, 0.5, 1.4, 1.1]),
        _kernel(
            "warped-smooth",
            True,
            "squared-exponential",
            [-0.68, -4.2, -0.5, -0.37, -1.1, 2.2],
            [0.36, 1.1, 0.7, 0.6, 1.3, 1.2],
        ),
        _kernel("stationary", False, "matern", [-0.96, -4.2, -0.5, 3.6], [0.33, 1.1, 0.7, 0.85]),
        _kernel("stationary-smooth", False, "squared-exponential", [-0.95, -3.9, -0.4, 3.0], [0.33, 1.2, 0.7, 0.85]),
    )
}


def get_kernel(name: str) -> Kernel:
    """
    Return a kernel.

    Raises
    ------
    FollowupError
        If there is none of that name.
    """
    if name not in KERNELS:
        raise FollowupError(f"no kernel {name!r}; there are {', '.join(KERNELS)}")
    return KERNELS[name]
