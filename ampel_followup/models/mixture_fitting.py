"""Fitting of a conditional mixture: expectation-maximisation that marginalises what was not measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ampel_followup.models.mixture import Array, ConditionalMixture, log_sum_exp, measured_patterns, symmetric


def fit_mixture(
    x: Array,
    n_t: int,
    start: NDArray[np.intp],
    *,
    n_iterations: int = 100,
    tolerance: float = 1e-4,
    regularisation: float = 1e-2,
) -> ConditionalMixture:
    """
    Fit a Gaussian mixture by expectation-maximisation, marginalising missing values (Ghahramani & Jordan 1994).

    Parameters
    ----------
    x : ndarray, shape (n, D)
        Features scaled to unit order; NaN = not measured.
    n_t : int
        How many of them are photometric (the first).
    start : ndarray of int, shape (n,)
        Component that each object starts in, 0 to K − 1, every component with more than one member; the classes, or a
        finer division of them, are a good choice.
    n_iterations : int
        At most so many iterations.
    tolerance : float
        Stop when the mean log-likelihood per object gains less [nat].
    regularisation : float
        Added to the diagonal of every covariance.

    Returns
    -------
    ConditionalMixture
    """
    n = len(x)
    responsibilities = np.zeros((n, int(start.max()) + 1))
    responsibilities[np.arange(n), start] = 1.0
    patterns = list(measured_patterns(x))
    # Where a component, or the whole set, lacks a feature it starts as a standard normal, as normal scores are.
    measured = np.isfinite(x)
    filled = np.where(measured, x, 0.0)
    counts = np.maximum(responsibilities.T @ measured, 1.0)
    variance = np.where(measured.any(axis=0), (filled**2).sum(axis=0) / np.maximum(measured.sum(axis=0), 1), 1.0)
    model = ConditionalMixture(
        responsibilities.mean(axis=0),
        responsibilities.T @ filled / counts,
        np.array([np.diag(variance + regularisation)] * responsibilities.shape[1]),
        n_t,
        np.zeros(responsibilities.shape[1], dtype=np.intp),
    )
    previous = -np.inf
    for iteration in range(n_iterations):
        if iteration > 0:
            likelihood = _expectation(model, x, patterns, responsibilities)
            if likelihood - previous < tolerance:
                break
            previous = likelihood
        model = _maximisation(model, x, patterns, responsibilities, regularisation)
    return model


def join_classes(mixtures: Sequence[ConditionalMixture], shares: Array) -> ConditionalMixture:
    """
    Join one mixture per class into one.

    Parameters
    ----------
    mixtures : sequence of ConditionalMixture
        Of the classes, in order.
    shares : ndarray, shape (C,)
        Share of each class, summing to 1.
    """
    sizes = [len(m.weights) for m in mixtures]
    return ConditionalMixture(
        np.concatenate([share * m.weights for m, share in zip(mixtures, shares, strict=True)]),
        np.concatenate([m.means for m in mixtures]),
        np.concatenate([m.covariances for m in mixtures]),
        mixtures[0].n_t,
        np.repeat(np.arange(len(mixtures)), sizes),
    )


def _expectation(
    model: ConditionalMixture,
    x: Array,
    patterns: list[tuple[NDArray[np.intp], NDArray[np.bool_]]],
    responsibilities: Array,
) -> float:
    """Update the responsibilities in place; return the mean log-likelihood per object."""
    total = 0.0
    for rows, observed in patterns:
        log_joint = model.log_joint(x[np.ix_(rows, observed)], observed)
        log_density = log_sum_exp(log_joint)
        responsibilities[rows] = np.exp(log_joint - log_density)
        total += float(log_density.sum())
    return total / len(x)


def _maximisation(
    model: ConditionalMixture,
    x: Array,
    patterns: list[tuple[NDArray[np.intp], NDArray[np.bool_]]],
    responsibilities: Array,
    regularisation: float,
) -> ConditionalMixture:
    """Moments of the completed data, missing values replaced by their conditional mean and covariance."""
    n_components, dimensions = model.means.shape
    mass = responsibilities.sum(axis=0) + 1e-9
    first = np.zeros((n_components, dimensions))
    second = np.zeros((n_components, dimensions, dimensions))
    for rows, observed in patterns:
        seen, hidden = np.flatnonzero(observed), np.flatnonzero(~observed)
        for k in range(n_components):
            weight = responsibilities[rows, k]
            completed = np.empty((len(rows), dimensions))
            completed[:, seen] = x[np.ix_(rows, seen)]
            if len(hidden):
                covariance = model.covariances[k]
                cross = covariance[np.ix_(seen, hidden)]
                gain = np.linalg.solve(covariance[np.ix_(seen, seen)], cross) if len(seen) else cross
                completed[:, hidden] = model.means[k, hidden] + (completed[:, seen] - model.means[k, seen]) @ gain
                spread = covariance[np.ix_(hidden, hidden)] - cross.T @ gain
                second[k][np.ix_(hidden, hidden)] += weight.sum() * spread
            first[k] += weight @ completed
            second[k] += (completed * weight[:, None]).T @ completed
    means = first / mass[:, None]
    covariances = second / mass[:, None, None] - np.einsum("kd,ke->kde", means, means)
    covariances = symmetric(covariances) + regularisation * np.eye(dimensions)
    return ConditionalMixture(mass / mass.sum(), means, covariances, model.n_t, model.component_class)
