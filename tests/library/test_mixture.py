"""The conditional mixture, against scipy and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from ampel_followup.models.mixture import ConditionalMixture, quasi_random_points
from ampel_followup.models.mixture_fitting import fit_mixture, join_classes


@pytest.fixture
def mixture() -> ConditionalMixture:
    rng = np.random.default_rng(3)
    roots = rng.normal(size=(4, 5, 5))
    return ConditionalMixture(
        np.array([0.1, 0.2, 0.3, 0.4]), rng.normal(size=(4, 5)), roots @ roots.swapaxes(1, 2) + 0.3 * np.eye(5), n_t=3,
        component_class=np.array([0, 1, 1, 0]),
    )  # fmt: skip


@pytest.fixture
def x_t() -> np.ndarray:
    x = np.random.default_rng(4).normal(size=(40, 3))
    x[::3, 0] = np.nan
    x[::4, 2] = np.nan
    x[7] = np.nan
    return x


def reference_conditional(mixture, x):
    """Weights, means and covariances for one object: the textbook formula, one component at a time."""
    seen = np.flatnonzero(np.isfinite(x))
    spectral = np.arange(mixture.n_t, mixture.means.shape[1])
    log_w, means, covariances = [], [], []
    for w, mu, sigma in zip(mixture.weights, mixture.means, mixture.covariances, strict=True):
        log_density = multivariate_normal(mu[seen], sigma[np.ix_(seen, seen)]).logpdf(x[seen]) if len(seen) else 0.0
        a = sigma[np.ix_(spectral, seen)] @ np.linalg.inv(sigma[np.ix_(seen, seen)])
        log_w.append(np.log(w) + log_density)
        means.append(mu[spectral] + a @ (x[seen] - mu[seen]))
        covariances.append(sigma[np.ix_(spectral, spectral)] - a @ sigma[np.ix_(seen, spectral)])
    return np.exp(log_w - logsumexp(log_w)), np.array(means), np.array(covariances), logsumexp(log_w)


def test_conditional_and_density_are_exact_whatever_is_missing(mixture, x_t):
    density = mixture.log_density(x_t)
    n_rows = 0
    for rows, weights, means, covariances in mixture.conditional(x_t):
        n_rows += len(rows)
        for i, row in enumerate(rows):
            w, mu, sigma, log_density = reference_conditional(mixture, x_t[row])
            np.testing.assert_allclose(weights[i], w, atol=1e-12)
            np.testing.assert_allclose(means[i], mu, atol=1e-10)
            np.testing.assert_allclose(covariances, sigma, atol=1e-10)
            if np.isfinite(x_t[row]).any():
                assert density[row] == pytest.approx(log_density, abs=1e-10)
    assert n_rows == len(x_t)


def test_samples_have_the_mean_and_covariance_of_the_conditional(mixture, x_t):
    samples = mixture.sample(x_t[:6], quasi_random_points(2**14, mixture.n_s))
    for i in range(6):
        w, mu, sigma, _ = reference_conditional(mixture, x_t[i])
        mean = w @ mu
        covariance = np.einsum("k,kij->ij", w, sigma) + np.einsum("k,ki,kj->ij", w, mu - mean, mu - mean)
        np.testing.assert_allclose(samples[i].mean(axis=0), mean, atol=0.02)
        np.testing.assert_allclose(np.cov(samples[i].T), covariance, atol=0.03 * np.abs(covariance).max())


def test_an_object_gets_the_same_spectra_alone_or_among_others(mixture, x_t):
    points = quasi_random_points(32, mixture.n_s)
    together = mixture.sample(x_t, points)
    for i in (0, 5, 7, 20):
        np.testing.assert_array_equal(mixture.sample(x_t[i : i + 1], points)[0], together[i])
        assert mixture.log_density(x_t[i : i + 1])[0] == mixture.log_density(x_t)[i]


def test_fit_recovers_clusters_although_a_quarter_of_the_values_is_missing():
    rng = np.random.default_rng(5)
    label = rng.integers(0, 3, 6000)
    centres = np.array([[0.0, 0, 0], [4, 4, -4], [-4, 4, 4]])
    x = centres[label] + rng.normal(size=(6000, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.5], [0, 0, 1.0]])
    x[rng.random(x.shape) < 0.25] = np.nan
    # A poor start: a third of the labels are wrong.
    start = np.where(rng.random(6000) < 0.33, rng.integers(0, 3, 6000), label)
    fitted = fit_mixture(x, 2, start)
    order = np.argsort([np.linalg.norm(m - centres, axis=1).argmin() for m in fitted.means])
    np.testing.assert_allclose(fitted.means[order], centres, atol=0.2)
    np.testing.assert_allclose(fitted.weights, 1 / 3, atol=0.03)
    np.testing.assert_allclose(fitted.covariances[0][0, 0], 1.0, atol=0.15)


def test_given_class_probabilities_replace_those_of_the_mixture(mixture, x_t):
    p_class = np.random.default_rng(6).dirichlet([1.0, 1.0], len(x_t))
    own = {r: w for rows, weights, *_ in mixture.conditional(x_t) for r, w in zip(rows, weights, strict=True)}
    for rows, weights, *_ in mixture.conditional(x_t, p_class):
        for row, w in zip(rows, weights, strict=True):
            for c in (0, 1):
                members = mixture.component_class == c
                assert w[members].sum() == pytest.approx(p_class[row, c])
                np.testing.assert_allclose(w[members] / w[members].sum(), own[row][members] / own[row][members].sum())


def test_joined_classes_are_the_weighted_sum_of_their_densities(mixture, x_t):
    joined = join_classes([mixture, mixture], np.array([0.3, 0.7]))
    np.testing.assert_allclose(joined.log_density(x_t), mixture.log_density(x_t), atol=1e-10)
    assert joined.component_class.tolist() == [0] * 4 + [1] * 4


def test_mixture_survives_the_bundle(mixture, x_t):
    again = ConditionalMixture.from_dict(mixture.to_dict())
    np.testing.assert_array_equal(again.log_density(x_t), mixture.log_density(x_t))


def test_a_mixture_that_forgets_patterns_draws_the_same_spectra(mixture, x_t, monkeypatch):
    points = quasi_random_points(16, mixture.n_s)
    drawn = [mixture.sample(x_t[[i]], points)[0] for i in range(len(x_t))]
    monkeypatch.setattr("ampel_followup.models.mixture._REMEMBERED", 2)
    forgetful = ConditionalMixture.from_dict(mixture.to_dict())
    again = [forgetful.sample(x_t[[i]], points)[0] for i in range(len(x_t))]
    np.testing.assert_array_equal(again, drawn)
    np.testing.assert_array_equal(mixture.sample(x_t, points), drawn)
