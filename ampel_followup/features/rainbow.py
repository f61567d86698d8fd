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
from ampel_followup.features.ragged import LETTERS, Floats, Indices, Points, Segments

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

# Times before the brightest point are cut there: the decline stays finite, and the rise makes nothing of it [d].
_FARTHEST = 9600.0

# Pairs of columns of the Jacobian, residuals included, whose products are added up: for the upper triangle of the
# curvature, for the gradient and for the cost. Of each element of the curvature the place among them.
_UPPER = np.triu_indices(len(PARAMETERS))
_ROWS = np.concatenate([_UPPER[0], np.arange(len(PARAMETERS) + 1)])
_COLUMNS = np.concatenate([_UPPER[1], np.full(len(PARAMETERS) + 1, len(PARAMETERS))])
_GRADIENT, _COST = slice(len(_UPPER[0]), -1), -1
_PRODUCTS = np.arange(len(_ROWS))[:, None]
_IN_TRIANGLE = np.empty(len(PARAMETERS) ** 2, dtype=np.intp)
_IN_TRIANGLE[_UPPER[0] * len(PARAMETERS) + _UPPER[1]] = np.arange(len(_UPPER[0]))
_IN_TRIANGLE[_UPPER[1] * len(PARAMETERS) + _UPPER[0]] = np.arange(len(_UPPER[0]))

# Of the parameters: prior means, precisions and bounds; then what the priors add to the curvature, as sums.
_PRECISION = _PRIOR_SCATTER**-2.0
_OF_PRIOR = np.zeros(len(_ROWS))
_OF_PRIOR[np.flatnonzero(_ROWS == _COLUMNS)[: len(PARAMETERS)]] = _PRECISION
_CONSTANTS = np.concatenate([_PRIOR_MEAN, _PRECISION, _LOWEST, _HIGHEST, _OF_PRIOR])[:, None]

# Second radiation constant h c / k [Å K].
_RADIATION = 1.438776877e8

# Of each band: h c / k λ of it and of the pivot [K], and (λ₀ / λ)³.
_WAVELENGTH = np.array([BANDS[f"lsst{letter}"].effective_wavelength for letter in LETTERS])
_RADIATION_OF = _RADIATION / np.stack([_WAVELENGTH, np.full_like(_WAVELENGTH, PIVOT)])
_BLUER = (PIVOT / _WAVELENGTH) ** 3


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
    n, index = len(segments), segments.index
    scale = segments.maximum(points.flux)
    scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
    unit = scale[index]
    flux = _clipped(points.flux / unit, -_EXTREME, 1.0)
    flux_err = _clipped(points.flux_err / unit, _PRECISE, _EXTREME / _PRECISE)
    weight = 1.0 / (flux_err**2 + (MODEL_ERROR * flux) ** 2)
    peak_time = segments.at_maximum(flux, points.time)
    time = _clipped(points.time - peak_time[index], -_FARTHEST, _FARTHEST)
    first = segments.first_where(flux > _SEEN * flux_err, time)
    # From two starts, for what has just peaked and what was found late; the better one counts.
    start = np.empty((len(PARAMETERS), 2 * n))
    start[:] = _PRIOR_MEAN[:, None]
    start[1, n:] = _clipped(np.where(np.isfinite(first), first, 0.0), -60.0, 0.0)
    start[2, n:] = np.log(2.0)
    with np.errstate(over="ignore"):  # of the rise, long before it: the model is 0 there
        problem = _Problem.twice(segments, time, flux, weight, letter)
        both, sums = problem.minimise(start)
        second = sums[_COST, n:] < sums[_COST, :n] - _TIE
        parameters, sums = (np.where(second, values[:, n:], values[:, :n]) for values in (both, sums))
        models = problem.jacobian(both)[0] / problem.root
    model = np.where(second[index], models[len(index) :], models[: len(index)])
    errors = np.sqrt(np.diagonal(np.linalg.inv(_matrices(sums.take(_IN_TRIANGLE, axis=0))), axis1=1, axis2=2))
    chi2 = segments.sum(weight * (flux - model) ** 2)
    parameters[0] += np.log(scale)
    parameters[1] += np.where(np.isfinite(peak_time), peak_time, 0.0)
    empty = segments.counts == 0
    if empty.any():
        parameters[:, empty], errors[empty], chi2[empty] = np.nan, np.nan, np.nan
    return RainbowFit(np.ascontiguousarray(parameters.T), errors, chi2, model * unit)


@dataclass(frozen=True, slots=True)
class _Problem:
    """
    The N points of n objects, with fluxes relative to the largest and times since then.

    Everything is written for few and cheap calls of numpy: of one object, they and not the arithmetic take the time.
    `index` has the object of each point, `root` the square root of its weight, `flux` and `colour` the flux and
    :math:`(λ_0 / λ)^3` times that; `radiation` is h c / k λ of the point and of the pivot, shape (2, N); `place` is
    where each product of the columns of the Jacobian is added up, one object after the other. What is of the parameters
    has shape (6, n); `of_prior`, what the priors add to the sums (28, n), is written to.
    """

    index: Indices
    time: Floats
    root: Floats
    flux: Floats
    colour: Floats
    radiation: Floats
    place: Indices
    prior_mean: Floats
    precision: Floats
    lowest: Floats
    highest: Floats
    of_prior: Floats

    @classmethod
    def twice(
        cls, segments: Segments, time: Floats, flux: Floats, weight: Floats, letter: NDArray[np.int8]
    ) -> _Problem:
        """Prepare what every iteration needs, of the objects and once more of the same after them."""
        n, n_points, width = 2 * len(segments), len(time), len(PARAMETERS)
        index = np.concatenate([segments.index, segments.index + len(segments)])
        columns = np.empty((6, 2, n_points))
        columns[0] = time
        columns[1] = np.sqrt(weight)
        np.multiply(columns[1], flux, out=columns[2])
        np.multiply(columns[1], _BLUER.take(letter), out=columns[3])
        columns[4:] = _RADIATION_OF.take(letter, axis=1)[:, None]
        doubled = columns.reshape(6, 2 * n_points)
        prior = _CONSTANTS.repeat(n, axis=1)
        mean, precision, lowest, highest = prior[: 4 * width].reshape(4, width, n)
        place = (_PRODUCTS * n + index).ravel()
        time, root, flux, colour = doubled[:4]
        return cls(
            index, time, root, flux, colour, doubled[4:], place, mean, precision, lowest, highest, prior[4 * width :]
        )

    def minimise(self, start: Floats) -> tuple[Floats, Floats]:
        """Return parameters (6, n) and the sums of `normal_equations` there (28, n), of which one is the minimum."""
        parameters, sums = start.copy(), self.normal_equations(start)
        damping = np.full(start.shape[1], 1e-2)
        for _ in range(_ITERATIONS):
            damped = sums.take(_IN_TRIANGLE, axis=0)
            diagonal = damped[:: len(PARAMETERS) + 1]
            np.multiply(diagonal, 1.0 + damping, out=diagonal)
            step = np.linalg.solve(_matrices(damped), sums[_GRADIENT].T[:, :, None])
            tried = _clipped(parameters + step[:, :, 0].T, self.lowest, self.highest)
            tried_sums = self.normal_equations(tried)
            better = tried_sums[_COST] < sums[_COST]
            damping = np.minimum(damping * np.where(better, 0.2, 6.0), 1e8)
            np.copyto(parameters, tried, where=better)
            np.copyto(sums, tried_sums, where=better)
        return parameters, sums

    def normal_equations(self, parameters: Floats) -> Floats:
        """
        Return what Gauss and Newton's method needs, of the sum of squares with the prior, shape (28, n).

        The upper triangle of the products of all columns of the Jacobian: half the curvature and half the negative
        gradient, and the sum of squares itself.
        """
        jacobian = self.jacobian(parameters)
        products = jacobian.take(_ROWS, axis=0)
        products *= jacobian.take(_COLUMNS, axis=0)
        # Without a point they are whole numbers.
        sums = np.bincount(self.place, products.ravel(), self.of_prior.size).astype(np.float64, copy=False)
        pull = self.prior_mean - parameters
        gradient = np.multiply(pull, self.precision, out=self.of_prior[_GRADIENT])
        self.of_prior[_COST] = np.vecdot(pull.T, gradient.T)
        sums = sums.reshape(self.of_prior.shape)
        sums += self.of_prior
        return sums

    def jacobian(self, parameters: Floats) -> Floats:
        r"""
        Return the derivatives of the model by the six parameters, and its residuals, over the errors, shape (7, N).

        The first, by ln A, is the model itself. The rise is a logistic function σ, Planck's function has
        :math:`\operatorname{d} \ln B / \operatorname{d} \ln T = y e^y / (e^y - 1)` with y = h c / k λ T.
        """
        of_object = parameters.copy()
        rates = of_object[2:4]
        np.exp(np.negative(rates, out=rates), out=rates)
        amplitude, reference, rise, fall, temperature, cooling = of_object.take(self.index, axis=1)
        x = self.time - reference
        result = np.empty((len(PARAMETERS) + 1, len(x)))
        model, by_time, by_rise, by_fall, by_temperature, by_cooling, residual = result
        np.multiply(x, rise, out=by_rise)
        np.multiply(x, fall, out=by_fall)
        risen = 1.0 / (1.0 + np.exp(-by_rise))
        warmer = np.tanh(x * (-1.0 / COOLING_TIME))
        y = self.radiation / np.exp(temperature + cooling * warmer)
        planck = np.expm1(y)
        slope = y / planck
        slope += y
        np.subtract(slope[0], slope[1], out=by_temperature)
        np.multiply(by_temperature, warmer, out=by_cooling)
        np.exp(amplitude - by_fall, out=model)
        model *= self.colour
        model *= planck[1]
        model /= planck[0]
        model *= risen
        to_rise = risen - 1.0
        by_rise *= to_rise
        to_rise *= rise
        np.multiply(warmer, by_cooling, out=by_time)
        np.subtract(by_temperature, by_time, out=by_time)
        by_time *= cooling
        by_time *= 1.0 / COOLING_TIME
        by_time += fall
        by_time += to_rise
        derivatives = result[1:-1]
        np.multiply(derivatives, model, out=derivatives)
        np.subtract(self.flux, model, out=residual)
        return result


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


def _clipped(values: Floats, lowest: Floats | float, highest: Floats | float) -> Floats:
    """Do what `numpy.clip` does, which for a few numbers is mostly overhead."""
    return np.minimum(np.maximum(values, lowest), highest)


def _matrices(elements: Floats) -> Floats:
    """Return n matrices (n, 6, 6) of their elements, shape (36, n)."""
    return elements.reshape(len(PARAMETERS), len(PARAMETERS), -1).transpose(2, 0, 1)


def _log_colour(ratio: Floats, wavelength: Floats, temperature: Floats) -> tuple[Floats, Floats]:
    """Return ln B(λ, T) / B(λ₀, T) and its derivative by ln T, of 3 ln λ₀ / λ and, shape (2, N), of λ and λ₀."""
    y = _RADIATION / (wavelength * temperature)
    planck = np.log(np.expm1(y))
    slope = y / -np.expm1(-y)
    return ratio - planck[0] + planck[1], slope[0] - slope[1]
