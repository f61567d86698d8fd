r"""
One smooth light curve for all bands of a young transient, fitted to many objects at once.

The colours are those of a black body, the time dependence is common to all bands ("rainbow", Russeil et al. 2024,
A&A 683, A251), here with the rise and decline of Bazin et al. (2009, A&A 499, 653) and the amplitude at a pivot
wavelength :math:`λ_0` rather than bolometric, which a few points determine better. With :math:`x = t - t_0`,

.. math::
    F(λ, t) = A \frac{e^{-x/τ_f}}{1 + e^{-x/τ_r}} \frac{B_ν(λ, T)}{B_ν(λ_0, T)}, \qquad
    \ln T = \ln T_0 - d \tanh(x / w)

where :math:`w` is fixed (a logistic fall of the temperature). A handful of points cannot determine six parameters, so
each has a Gaussian prior, and the fit is the maximum of the posterior,

.. math:: \min_θ \sum_i \left( \frac{f_i - F_i(θ)}{σ_i} \right)^2 + \sum_j \left( \frac{θ_j - μ_j}{s_j} \right)^2 ,

found by Levenberg and Marquardt's method on all objects together. **The priors are broad statements about explosions in
general, the same for every class;** they were not fitted to labels. An object with one point has a fit: the prior,
moved by that point. Redshift is not known to the fit: times and temperatures are those of the observer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.features.ragged import LETTERS, Floats, Points, Segments

#: λ₀, near the middle of r [Å].
PIVOT = 6200.0

#: w, half of the time in which the temperature falls [d].
COOLING_TIME = 20.0

#: Of the parameters, in their order: ln A, t₀ [d], ln τ_r [d], ln τ_f [d], ln T₀ [K], d.
PARAMETERS = ("ln_amplitude", "reference_time", "ln_rise_time", "ln_fall_time", "ln_temperature", "cooling")

#: Scatter of real light curves about the model, as a share of the flux, added to the errors in quadrature.
MODEL_ERROR = 0.05

# Means and standard deviations of the priors. Those of ln A and t0 are relative to the brightest point.
_PRIOR_MEAN = np.array([0.7, -3.0, np.log(4.0), np.log(35.0), np.log(9000.0), 0.25])
_PRIOR_SCATTER = np.array([1.0, 12.0, 0.6, 0.6, 0.4, 0.25])

# Bounds that keep the rise faster than the decline, and exponentials finite.
_LOWEST = np.array([-8.0, -80.0, np.log(0.3), np.log(16.0), np.log(2500.0), -1.0])
_HIGHEST = np.array([8.0, 80.0, np.log(15.0), np.log(300.0), np.log(60000.0), 1.5])

_ITERATIONS = 15

# Of fluxes and errors relative to the brightest point: no point counts for more than these make it.
_EXTREME, _PRECISE = 10.0, 1e-3

# The second start is that of what was found late: it begins at the first point of this signal-to-noise ratio.
_SEEN = 3.0

# Sums of squares that differ by less are equal: rounding must not choose between two ways to the same minimum.
_TIE = 1e-3

# The upper triangle of a matrix over the parameters, and for each of its elements the place in the triangle.
_ROWS, _COLUMNS = np.triu_indices(len(PARAMETERS))
_IN_TRIANGLE = np.empty((len(PARAMETERS), len(PARAMETERS)), dtype=np.intp)
_IN_TRIANGLE[_ROWS, _COLUMNS] = _IN_TRIANGLE[_COLUMNS, _ROWS] = np.arange(len(_ROWS))

# Second radiation constant h c / k [Å K].
_RADIATION = 1.438776877e8

_WAVELENGTH = np.array([BANDS[f"lsst{letter}"].effective_wavelength for letter in LETTERS])


@dataclass(frozen=True, slots=True)
class RainbowFit:
    """
    Fits of n objects.

    Parameters
    ----------
    parameters : ndarray, shape (n, 6)
        As in `PARAMETERS`, with A in the unit of the flux and t₀ on the clock of the points; NaN without a point.
    errors : ndarray, shape (n, 6)
        Standard deviations of the posterior, by its curvature.
    chi2 : ndarray, shape (n,)
        Sum of squares of the data alone, errors including `MODEL_ERROR`.
    model : ndarray, shape (N,)
        Flux of the model at each point.
    """

    parameters: Floats
    errors: Floats
    chi2: Floats
    model: Floats

    @property
    def peak_time(self) -> Floats:
        """Time of the maximum at the pivot wavelength, shape (n,) [d]."""
        rise, fall = np.exp(self.parameters[:, 2]), np.exp(self.parameters[:, 3])
        return np.asarray(self.parameters[:, 1] + rise * np.log(fall / rise - 1.0))

    @property
    def peak_flux(self) -> Floats:
        """Flux of the maximum at the pivot wavelength, shape (n,)."""
        return np.asarray(np.exp(self.parameters[:, 0] + _log_shape(self.parameters, self.peak_time)))


def fit_rainbow(points: Points) -> RainbowFit:
    """
    Fit all objects.

    Parameters
    ----------
    points : Points
        Of n objects, N in all, each in one of the bands of `LETTERS`. Limits count as what they are: flux 0 with their
        error. The brightest point of an object should be a detection.

    Returns
    -------
    RainbowFit
        A row depends on its own points alone, to the last bit.
    """
    segments, letter = points.segments, points.letter
    n = len(segments)
    scale = segments.maximum(points.flux)
    scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
    flux = np.clip(points.flux / scale[segments.index], -_EXTREME, 1.0)
    flux_err = np.clip(points.flux_err / scale[segments.index], _PRECISE, _EXTREME / _PRECISE)
    weight = 1.0 / (flux_err**2 + (MODEL_ERROR * flux) ** 2)
    peak_time = segments.at_maximum(flux, points.time)
    time = points.time - peak_time[segments.index]
    first = segments.first_where(flux > _SEEN * flux_err, time)
    problem = _Problem.of(segments, time, flux, weight, _WAVELENGTH[letter])
    # From two starts, for what has just peaked and what was found late; the better one counts.
    young = np.tile(_PRIOR_MEAN, (n, 1))
    late = young.copy()
    late[:, 1] = np.clip(np.nan_to_num(first), -60.0, 0.0)
    late[:, 2] = np.log(2.0)
    parameters, cost = problem.twice().minimise(np.concatenate([young, late]))
    parameters = np.where((cost[n:] < cost[:n] - _TIE)[:, None], parameters[n:], parameters[:n])
    model, derivatives = problem.model(parameters)
    curvature, _ = problem.normal_equations(parameters, model, derivatives)
    errors = np.sqrt(np.diagonal(np.linalg.inv(curvature), axis1=1, axis2=2))
    chi2 = segments.sum(weight * (flux - model) ** 2)
    empty = segments.counts == 0
    parameters[:, 0] += np.log(scale)
    parameters[:, 1] += np.nan_to_num(peak_time)
    parameters[empty], errors[empty], chi2[empty] = np.nan, np.nan, np.nan
    return RainbowFit(parameters, errors, chi2, model * scale[segments.index])


@dataclass(frozen=True, slots=True)
class _Problem:
    """
    The points of n objects, with fluxes relative to the largest and times since then.

    `wavelength` has the pivot below that of each point, shape (2, N); `colour` is what its ratio to the pivot adds to
    the logarithm of a flux; `place` is where each term of the normal equations is added up, one object after the other.
    """

    segments: Segments
    time: Floats
    flux: Floats
    weight: Floats
    wavelength: Floats
    colour: Floats
    place: NDArray[np.intp]

    @classmethod
    def of(cls, segments: Segments, time: Floats, flux: Floats, weight: Floats, wavelength: Floats) -> _Problem:
        """Prepare what every iteration needs."""
        terms = np.arange(len(_ROWS) + len(PARAMETERS))
        place = (terms[:, None] * len(segments) + segments.index).ravel()
        both = np.stack([wavelength, np.full_like(wavelength, PIVOT)])
        return cls(segments, time, flux, weight, both, 3.0 * np.log(PIVOT / wavelength), place)

    def twice(self) -> _Problem:
        """Return the same objects once more after themselves."""
        segments = Segments.from_counts(np.tile(self.segments.counts, 2))
        columns = (np.tile(values, 2) for values in (self.time, self.flux, self.weight, self.wavelength[0]))
        return _Problem.of(segments, *columns)

    def minimise(self, start: Floats) -> tuple[Floats, Floats]:
        """Return parameters (n, 6) and the least sum of squares (n,)."""
        parameters = start
        model, derivatives = self.model(parameters)
        cost = self.cost(parameters, model)
        damping = np.full(len(start), 1e-2)
        curvature, gradient = self.normal_equations(parameters, model, derivatives)
        for _ in range(_ITERATIONS):
            damped = curvature.copy()
            _diagonal(damped)[:] *= 1.0 + damping[:, None]
            step = np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]
            tried = _clipped(parameters + step, _LOWEST, _HIGHEST)
            tried_model, tried_derivatives = self.model(tried)
            tried_cost = self.cost(tried, tried_model)
            better = tried_cost < cost
            damping = np.where(better, damping * 0.2, np.minimum(damping * 6.0, 1e8))
            if better.all():
                parameters, cost, model, derivatives = tried, tried_cost, tried_model, tried_derivatives
            elif better.any():
                parameters = np.where(better[:, None], tried, parameters)
                cost = np.where(better, tried_cost, cost)
                taken = better[self.segments.index]
                model = np.where(taken, tried_model, model)
                derivatives = np.where(taken, tried_derivatives, derivatives)
            else:
                continue
            curvature, gradient = self.normal_equations(parameters, model, derivatives)
        return parameters, cost

    def model(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Return the flux of the model (N,) and its derivatives (6, N)."""
        amplitude, reference, rise, fall, temperature, cooling = parameters[self.segments.index].T
        rise, fall = np.exp(rise), np.exp(fall)
        x = self.time - reference
        rising, falling = -x / rise, x / fall
        before = _logistic(rising)
        cooled = np.tanh(x / COOLING_TIME)
        colour, colour_slope = _log_colour(self.colour, self.wavelength, np.exp(temperature - cooling * cooled))
        log_model = amplitude + (-falling - np.logaddexp(0.0, rising)) + colour
        model = np.exp(_clipped(log_model, -60.0, 60.0))
        derivatives = np.empty((len(PARAMETERS), len(x)))
        derivatives[0] = 1.0
        derivatives[1] = 1.0 / fall - before / rise + colour_slope * cooling * (1.0 - cooled**2) / COOLING_TIME
        np.multiply(rising, before, out=derivatives[2])
        derivatives[3] = falling
        derivatives[4] = colour_slope
        np.multiply(-cooled, colour_slope, out=derivatives[5])
        derivatives *= model
        return model, derivatives

    def cost(self, parameters: Floats, model: Floats) -> Floats:
        """Return the sum of squares, prior included, shape (n,)."""
        prior = (((parameters - _PRIOR_MEAN) / _PRIOR_SCATTER) ** 2).sum(axis=1)
        return np.asarray(self.segments.sum(self.weight * (self.flux - model) ** 2) + prior)

    def normal_equations(self, parameters: Floats, model: Floats, derivatives: Floats) -> tuple[Floats, Floats]:
        """Return half the curvature (n, 6, 6) and half the negative gradient (n, 6) of the sum of squares."""
        n = len(self.segments)
        # Of all products of derivatives the upper triangle, and those with the residuals, are added up in one go.
        terms = np.empty((len(_ROWS) + len(PARAMETERS), len(self.flux)))
        weighted = self.weight * derivatives
        np.multiply(weighted[_ROWS], derivatives[_COLUMNS], out=terms[: len(_ROWS)])
        np.multiply(weighted, self.flux - model, out=terms[len(_ROWS) :])
        # Without a point they are whole numbers.
        sums = np.bincount(self.place, weights=terms.ravel(), minlength=n * len(terms)).astype(np.float64, copy=False)
        sums = sums.reshape(len(terms), n).T
        curvature = sums.take(_IN_TRIANGLE, axis=1)
        _diagonal(curvature)[:] += 1.0 / _PRIOR_SCATTER**2
        gradient = sums[:, len(_ROWS) :] + (_PRIOR_MEAN - parameters) / _PRIOR_SCATTER**2
        return curvature, gradient


def rainbow_flux(parameters: NDArray[np.float64], time: Floats, wavelength: Floats) -> Floats:
    """
    Return the flux of the model.

    Parameters
    ----------
    parameters : ndarray, shape (n, 6)
    time : ndarray, shape (n,)
        On the clock of the parameters [d].
    wavelength : ndarray, shape (n,)
        Of the observer [Å].

    Returns
    -------
    ndarray, shape (n,)
        In the unit of A.
    """
    x = time - parameters[:, 1]
    temperature = np.exp(parameters[:, 4] - parameters[:, 5] * np.tanh(x / COOLING_TIME))
    both = np.stack([wavelength, np.full_like(wavelength, PIVOT)])
    colour, _ = _log_colour(3.0 * np.log(PIVOT / wavelength), both, temperature)
    return np.asarray(np.exp(parameters[:, 0] + _log_shape(parameters, time) + colour))


def _log_shape(parameters: Floats, time: Floats) -> Floats:
    return _log_bazin(time - parameters[:, 1], np.exp(parameters[:, 2]), np.exp(parameters[:, 3]))


def _log_bazin(x: Floats, rise: Floats, fall: Floats) -> Floats:
    return np.asarray(-x / fall - np.logaddexp(0.0, -x / rise))


def _logistic(x: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _clipped(values: Floats, lowest: Floats | float, highest: Floats | float) -> Floats:
    """Do what `numpy.clip` does, which for a few numbers is mostly overhead."""
    return np.minimum(np.maximum(values, lowest), highest)


def _diagonal(matrices: Floats) -> Floats:
    """Return a view of the diagonals, shape (n, k), of contiguous matrices, shape (n, k, k)."""
    n, k, _ = matrices.shape
    return matrices.reshape(n, k * k)[:, :: k + 1]


def _log_colour(ratio: Floats, wavelength: Floats, temperature: Floats) -> tuple[Floats, Floats]:
    """Return ln B(λ, T) / B(λ₀, T) and its derivative by ln T, of 3 ln λ₀ / λ and, shape (2, N), of λ and λ₀."""
    y = _RADIATION / (wavelength * temperature)
    planck = np.log(np.expm1(y))
    slope = y / -np.expm1(-y)
    return ratio - planck[0] + planck[1], slope[0] - slope[1]
