r"""
The joint density of photometric and spectral features, and what it says of a spectrum not yet taken.

A Gaussian mixture :math:`Q(x_t, x_s) = \sum_k \pi_k N(\mu_k, \Sigma_k)` is fitted to objects with both. For an object
with photometric features :math:`x_t` the conditional is again a mixture, exactly (Bishop 2006, eq. 2.81, 2.82):

.. math::
    Q(x_s|x_t) = \sum_k w_k(x_t)\, N(\mu_{s,k} + A_k (x_t - \mu_{t,k}),\; \Sigma_{ss,k} - A_k \Sigma_{ts,k}), \quad
    A_k = \Sigma_{st,k} \Sigma_{tt,k}^{-1}, \quad w_k \propto \pi_k N(x_t|\mu_{t,k}, \Sigma_{tt,k})

Components that belong to a class share its label. Where the classifier's P_t(y|x_t) is given, the classes are weighted
by it instead, :math:`Q(x_s|x_t) = \sum_c P_t(c|x_t)\, Q_c(x_s|x_t)`: it knows more features than the mixture, and so
the spectra drawn agree with what the photometry says of the class.

Features that were not measured are marginalised, in fitting and in conditioning: nothing is imputed. Objects that share
a pattern of missing features share the matrices, so that the work is done once a pattern, batched over its objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

Array = NDArray[np.float64]

_LOG_2PI = float(np.log(2.0 * np.pi))

#: Patterns of missing features whose matrices a mixture remembers.
_REMEMBERED = 128


@dataclass(frozen=True, slots=True)
class _Marginal:
    """What the density of the measured features needs of each component, whatever their values."""

    means: Array
    whiten: Array
    log_determinant: Array


@dataclass(frozen=True, slots=True)
class _Regression:
    """How the spectral features follow from the measured ones: A_k, transposed, and what scatter is left."""

    gain: Array
    covariance: Array
    scatter: Array


_Known = TypeVar("_Known", _Marginal, _Regression)


@dataclass(frozen=True, slots=True)
class ConditionalMixture:
    """
    A Gaussian mixture over (x_t, x_s); the first `n_t` of its D dimensions are photometric.

    Parameters
    ----------
    weights : ndarray, shape (K,)
        Weights of the components, summing to 1.
    means : ndarray, shape (K, D)
    covariances : ndarray, shape (K, D, D)
    n_t : int
        Number of photometric dimensions, 1 to D − 1.
    component_class : ndarray of int, shape (K,)
        Index of the class that each component belongs to.
    """

    weights: Array
    means: Array
    covariances: Array
    n_t: int
    component_class: NDArray[np.intp]
    # By pattern: a worker that scores objects one by one meets the same few patterns again and again.
    _marginals: dict[bytes, _Marginal] = field(init=False, repr=False, compare=False, default_factory=dict)
    _regressions: dict[bytes, _Regression] = field(init=False, repr=False, compare=False, default_factory=dict)

    @property
    def n_s(self) -> int:
        """Number of spectral dimensions."""
        return int(self.means.shape[1]) - self.n_t

    def log_density(self, x_t: Array) -> Array:
        """
        Log density of the measured features under the marginal mixture.

        Parameters
        ----------
        x_t : ndarray, shape (n, n_t)
            NaN = not measured.

        Returns
        -------
        ndarray, shape (n,)
            0 where nothing was measured.
        """
        density = np.zeros(len(x_t))
        for rows, observed in measured_patterns(x_t):
            if observed.any():
                density[rows] = log_sum_exp(self.log_joint(x_t[np.ix_(rows, observed)], observed))[:, 0]
        return density

    def conditional(
        self, x_t: Array, p_class: Array | None = None
    ) -> Iterator[tuple[NDArray[np.intp], Array, Array, Array]]:
        """
        Mixture of the spectral features given the measured photometric ones, one pattern of missing features at a time.

        Parameters
        ----------
        x_t : ndarray, shape (n, n_t)
            NaN = not measured.
        p_class : ndarray, shape (n, C), optional
            Class probabilities to weight the classes with; by default the mixture's own.

        Yields
        ------
        rows : ndarray of int, shape (m,)
            The objects that share the pattern.
        weights : ndarray, shape (m, K)
        means : ndarray, shape (m, K, n_s)
        covariances : ndarray, shape (K, n_s, n_s)
            The same for all objects of the pattern.
        """
        for rows, weights, means, regression in self._conditional(x_t, p_class):
            yield rows, weights, means, regression.covariance

    def _conditional(
        self, x_t: Array, p_class: Array | None
    ) -> Iterator[tuple[NDArray[np.intp], Array, Array, _Regression]]:
        spectral = slice(self.n_t, None)
        for rows, observed in measured_patterns(x_t):
            index = np.flatnonzero(observed)
            regression = self._regression(observed)
            means = np.broadcast_to(self.means[:, spectral], (len(rows), *self.means[:, spectral].shape))
            log_joint = np.broadcast_to(np.log(self.weights), (len(rows), len(self.weights)))
            if len(index):
                x = x_t[np.ix_(rows, index)]
                log_joint = self.log_joint(x, observed)
                offset = x[:, None, :] - self.means[None, :, index]
                means = means + np.einsum("nkt,kts->nks", offset, regression.gain)
            weights = np.exp(log_joint - log_sum_exp(log_joint))
            if p_class is not None:
                weights = self._reweighted(log_joint, p_class[rows])
            yield rows, weights, means, regression

    def _regression(self, observed: NDArray[np.bool_]) -> _Regression:
        """Return what the `observed` features, shape (n_t,), say of the spectral ones."""
        pattern = observed.tobytes()
        known = self._regressions.get(pattern)
        if known is None:
            index = np.flatnonzero(observed)
            cross = self.covariances[:, index, self.n_t :]
            gain = np.linalg.solve(self.covariances[:, index[:, None], index], cross) if len(index) else cross
            covariance = self.covariances[:, self.n_t :, self.n_t :] - np.einsum("kts,ktu->ksu", gain, cross)
            scatter = np.asarray(np.linalg.cholesky(symmetric(covariance)))
            known = _Regression(np.asarray(gain), np.asarray(covariance), scatter)
            _remember(self._regressions, pattern, known)
        return known

    def _reweighted(self, log_joint: Array, p_class: Array) -> Array:
        """Weights of the components, shape (m, K), that give each class the probability it should have."""
        weights = np.zeros_like(log_joint)
        for c in np.unique(self.component_class):
            members = self.component_class == c
            own = log_joint[:, members]
            weights[:, members] = p_class[:, [c]] * np.exp(own - log_sum_exp(own))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def class_probabilities(self, x_t: Array, n_classes: int) -> Array:
        """
        Probability of each class from the photometric features alone, by the mixture's own weights and densities.

        Parameters
        ----------
        x_t : ndarray, shape (n, n_t)
            NaN = not measured.
        n_classes : int
            Number of classes C; one without components gets 0.

        Returns
        -------
        ndarray, shape (n, C)
        """
        member = (self.component_class[:, None] == np.arange(n_classes)).astype(np.float64)
        p = np.empty((len(x_t), n_classes))
        for rows, observed in measured_patterns(x_t):
            log_joint = np.broadcast_to(np.log(self.weights), (len(rows), len(self.weights)))
            if observed.any():
                log_joint = self.log_joint(x_t[np.ix_(rows, observed)], observed)
            # Einsum, unlike a product of matrices, gives an object the same sum whatever others there are.
            own = np.exp(log_joint - log_sum_exp(log_joint))
            p[rows] = np.einsum("nk,kc->nc", own, member)
        return p

    def sample(self, x_t: Array, points: Array, p_class: Array | None = None) -> Array:
        """
        Draw spectra for every object from Q(x_s|x_t).

        Parameters
        ----------
        x_t : ndarray, shape (n, n_t)
            NaN = not measured.
        points : ndarray, shape (N, 1 + n_s)
            Points of the unit cube, from `quasi_random_points` or a generator: the first coordinate chooses the
            component, the others the place in it. All objects share them, so that an object's spectra do not depend
            on which others are scored with it.
        p_class : ndarray, shape (n, C), optional
            As in `conditional`.

        Returns
        -------
        ndarray, shape (n, N, n_s)
        """
        drawn = np.empty((len(x_t), len(points), self.n_s))
        normal = ndtri(points[:, 1:])
        for rows, weights, means, regression in self._conditional(x_t, p_class):
            scatter = np.einsum("ksu,iu->kis", regression.scatter, normal)
            chosen = np.zeros((len(rows), len(points)), dtype=np.intp)
            for edge in np.cumsum(weights, axis=1)[:, :-1].T:  # a sum over so short an axis is slow
                chosen += points[:, 0] > edge[:, None]
            spectra = np.take_along_axis(means, chosen[:, :, None], axis=1)
            spectra += scatter[chosen, np.arange(len(points))]
            drawn[rows] = spectra
        return drawn

    def log_joint(self, x: Array, observed: NDArray[np.bool_]) -> Array:
        """Log of weight times density of the observed dimensions, shape (m, K)."""
        marginal = self._marginal(observed)
        z = np.einsum("kde,mke->mkd", marginal.whiten, x[:, None, :] - marginal.means[None])
        distance = np.einsum("mkd,mkd->mk", z, z)
        log_density = -0.5 * (distance + marginal.log_determinant + x.shape[1] * _LOG_2PI)
        return np.asarray(log_density + np.log(self.weights))

    def _marginal(self, observed: NDArray[np.bool_]) -> _Marginal:
        """Return the components of the `observed` features, shape (n_t,)."""
        pattern = observed.tobytes()
        known = self._marginals.get(pattern)
        if known is None:
            index = np.flatnonzero(observed)
            factor = np.linalg.cholesky(self.covariances[:, index[:, None], index])
            # Solving against the identity once a component leaves products that do not depend on how many objects
            # there are.
            log_determinant = 2.0 * np.log(np.einsum("kdd->kd", factor)).sum(axis=1)
            known = _Marginal(self.means[:, index], np.linalg.inv(factor), log_determinant)
            _remember(self._marginals, pattern, known)
        return known

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as lists of numbers, for a bundle."""
        return {
            "weights": self.weights.tolist(),
            "means": self.means.tolist(),
            "covariances": self.covariances.tolist(),
            "n_t": self.n_t,
            "component_class": self.component_class.tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ConditionalMixture:
        """Rebuild from `to_dict`."""
        return cls(
            np.asarray(data["weights"]),
            np.asarray(data["means"]),
            np.asarray(data["covariances"]),
            int(data["n_t"]),
            np.asarray(data["component_class"], dtype=np.intp),
        )


def quasi_random_points(n: int, n_s: int, seed: int = 0) -> Array:
    """
    Scrambled Sobol points for `ConditionalMixture.sample`.

    Parameters
    ----------
    n : int
        Number of points; powers of two fill the cube evenly.
    n_s : int
        Number of spectral dimensions.
    seed : int
        Seed of the scrambling.

    Returns
    -------
    ndarray, shape (n, 1 + n_s)
        Strictly inside the unit cube.
    """
    return _sobol_points(n, n_s, seed).copy()


@lru_cache(maxsize=16)
def _sobol_points(n: int, n_s: int, seed: int) -> Array:
    """Points that are made once: a worker that scores objects one by one asks for the same ones each time."""
    points = qmc.Sobol(1 + n_s, scramble=True, rng=seed).random(n)
    return np.asarray(np.clip(points, 1e-9, 1.0 - 1e-9))


def random_points(n: int, n_s: int, rng: np.random.Generator) -> Array:
    """
    Independent points for `ConditionalMixture.sample`: plain Monte-Carlo, as the paper draws its spectra.

    Parameters
    ----------
    n : int
        Number of points.
    n_s : int
        Number of spectral dimensions.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, 1 + n_s)
        Strictly inside the unit cube.
    """
    return np.asarray(np.clip(rng.random((n, 1 + n_s)), 1e-9, 1.0 - 1e-9))


def measured_patterns(x: Array) -> list[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Group the rows of x by which values are measured: (rows, observed) per pattern."""
    observed = np.isfinite(x)
    if len(x) == 1:
        return [(np.zeros(1, dtype=np.intp), observed[0])]
    unique, inverse = np.unique(observed, axis=0, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    edges = np.searchsorted(inverse.ravel()[order], np.arange(len(unique) + 1))
    return [(order[edges[i] : edges[i + 1]], unique[i]) for i in range(len(unique))]


def _remember(known: dict[bytes, _Known], pattern: bytes, value: _Known) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[pattern] = value


def log_sum_exp(values: Array) -> Array:
    """Logarithm of the sum of exponentials along the last axis, which is kept; scipy checks longer than it adds."""
    largest = values.max(axis=-1, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):  # an object at an infinite distance from all components
        return np.asarray(largest + np.log(np.exp(values - largest).sum(axis=-1, keepdims=True)))


def symmetric(matrices: Array) -> Array:
    """Return the symmetric part of matrices, shape (..., d, d): rounding must not make a covariance lopsided."""
    return np.asarray(0.5 * (matrices + np.swapaxes(matrices, -1, -2)))
