r"""
What a spectrum is worth: entropy, information gain, indicator and value of information.

With :math:`P_t(y|x_t)` the classifier on photometry, :math:`P_{ts}(y|x_t,x_s)` the one that also sees the spectrum, and
:math:`x_s^i \sim Q(x_s|x_t)` the spectra that the object may show (Astudillo et al. 2020):

.. math::
    H_t = -\sum_c P_t \log P_t, \qquad
    \bar H_{ts} = \frac1N \sum_i H(P_{ts}(\cdot|x_t, x_s^i)), \qquad
    IG = H_t - \bar H_{ts}

    l_t = \arg\max_c P_t, \qquad
    \bar l_{ts} = \mathrm{mode}_i\, \arg\max_c P_{ts}^i, \qquad
    \Delta\hat y = [l_t \neq \bar l_{ts}]

and, ours, the expected gain in the probability of naming the class right, and the share of spectra that change it:

.. math::
    VOI = \frac1N \sum_i \left(\max_c P_{ts}^i - P_{ts}^i(l_t)\right), \qquad
    P_{change} = \frac1N \sum_i [\arg\max_c P_{ts}^i \neq l_t]

How little is known of the spectrum itself is the entropy of the sampled spectra (their section 7), see
`spectrum_entropy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import psi

_LOG_2PI_E = float(np.log(2.0 * np.pi * np.e))


@dataclass(frozen=True, slots=True)
class GainScores:
    """
    The scores of n objects over C classes.

    Parameters
    ----------
    p_t, p_ts : ndarray, shape (n, C)
        Class probabilities now, and their mean over the possible spectra.
    class_now, class_after : ndarray of int, shape (n,)
        Index of the most probable class now (eq. 6), and of the most frequent one after a spectrum (eq. 11).
    alternative : ndarray of int, shape (n,)
        Index of the class that a spectrum names most often besides `class_now`; equal to it if none ever does.
    entropy, expected_entropy, information_gain : ndarray, shape (n,)
        H_t, its mean after a spectrum, and their difference [nat] (eq. 4, 8, 10).
    indicator : ndarray of bool, shape (n,)
        True where class_after differs from class_now (eq. 13).
    p_change, value_of_information, uncertainty : ndarray, shape (n,)
        Share of spectra that change the class; VOI; 1 − max P_t. All 0 to 1.
    p_after : ndarray, shape (n, C)
        Share of spectra after which each class is the most probable one: what the object will be called.
    p_named, entropy_named : ndarray, shape (n, C)
        What the spectra that name a class teach: the mean probability of that class after them, and the mean entropy
        [nat]; NaN for a class that none names.
    spectrum_uncertainty : ndarray, shape (n,)
        Differential entropy of the possible spectra [nat], see `spectrum_entropy`; NaN where they are not given.
    """

    p_t: NDArray[np.float64]
    p_ts: NDArray[np.float64]
    class_now: NDArray[np.intp]
    class_after: NDArray[np.intp]
    alternative: NDArray[np.intp]
    entropy: NDArray[np.float64]
    expected_entropy: NDArray[np.float64]
    information_gain: NDArray[np.float64]
    indicator: NDArray[np.bool_]
    p_change: NDArray[np.float64]
    value_of_information: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    p_after: NDArray[np.float64]
    p_named: NDArray[np.float64]
    entropy_named: NDArray[np.float64]
    spectrum_uncertainty: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.p_t)

    @classmethod
    def concatenate(cls, parts: Sequence[GainScores]) -> GainScores:
        """Join the scores of several sets of objects, at least one."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))


def entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Shannon entropy over the last axis [nat] (Astudillo et al. 2020, eq. 1); 0 log 0 counts as 0.

    Parameters
    ----------
    p : ndarray, shape (..., C)
        Probabilities, each 0 to 1.

    Returns
    -------
    ndarray, shape (...)
        Between 0 (certain) and log C (all classes alike).
    """
    logarithm = np.log(p, out=np.zeros_like(p), where=p > 0)
    return -np.asarray(np.einsum("...c,...c->...", p, logarithm))


def spectrum_entropy(spectra: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""
    Entropy of the spectra that each object may show: how little is known of the spectrum before it is taken.

    The differential entropy of the Gaussian with their covariance, the largest that any density with it can have,

    .. math:: h = \frac12 \log\det(2\pi e\, \Sigma)

    by the estimator that is unbiased for independent Gaussian samples (Ahmed & Gokhale 1989). Features of spectra have
    no natural scale, so that only differences between objects mean something, and only within one bundle.

    Parameters
    ----------
    spectra : ndarray, shape (n, N, d)
        N possible spectra of each object, as d features.

    Returns
    -------
    ndarray, shape (n,)
        In nat, of either sign; −inf if the spectra leave some direction no room, NaN if there are no more than d.
    """
    n, n_spectra, d = spectra.shape
    if n_spectra <= d:
        return np.full(n, np.nan)
    deviation = spectra - spectra.mean(axis=1, keepdims=True)
    log_determinant = np.linalg.slogdet(np.swapaxes(deviation, 1, 2) @ deviation)[1]
    expected = d * np.log(2.0) + psi(0.5 * (n_spectra - np.arange(1, d + 1))).sum()
    return np.asarray(0.5 * (d * _LOG_2PI_E + log_determinant - expected))


def gain_scores(
    p_t: NDArray[np.float64], p_ts: NDArray[np.float64], spectra: NDArray[np.float64] | None = None
) -> GainScores:
    """
    Score n objects from the probabilities now and after each of N possible spectra.

    Parameters
    ----------
    p_t : ndarray, shape (n, C)
        P_t(y|x_t).
    p_ts : ndarray, shape (n, N, C)
        P_ts(y|x_t, x_s^i) for the N spectra drawn for each object.
    spectra : ndarray, shape (n, N, d), optional
        Their features x_s^i, for the uncertainty of the spectrum.

    Returns
    -------
    GainScores

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    n, n_classes = p_t.shape
    if p_ts.ndim != 3 or p_ts.shape[0] != n or p_ts.shape[2] != n_classes or p_ts.shape[1] == 0:
        raise ValueError(f"p_ts has shape {p_ts.shape}, expected ({n}, N, {n_classes}) with N ≥ 1")
    n_spectra = p_ts.shape[1]
    everyone = np.arange(n)

    class_now = p_t.argmax(axis=1)
    named = p_ts.argmax(axis=2)
    mean_p_ts = p_ts.mean(axis=1)
    cell = (n_classes * everyone[:, None] + named).ravel()
    votes = np.bincount(cell, minlength=n * n_classes).reshape(n, n_classes).astype(np.float64)
    # The mean probability is below one vote, so it decides between classes that are named equally often.
    preference = votes + 0.5 * mean_p_ts
    class_after = preference.argmax(axis=1)
    others = np.where(votes > 0, preference, -np.inf)
    others[everyone, class_now] = -1.0
    alternative = others.argmax(axis=1)

    h_t = entropy(p_t)
    each_h_ts = entropy(p_ts)
    h_ts = each_h_ts.mean(axis=1)
    highest = np.take_along_axis(p_ts, named[:, :, None], axis=2)[:, :, 0]
    divisor = np.where(votes > 0, votes, np.nan)

    def of_those_that_name(value: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.bincount(cell, weights=value.ravel(), minlength=n * n_classes)
        return np.asarray(sums.reshape(n, n_classes) / divisor)

    p_of_name = np.take_along_axis(p_ts, class_now[:, None, None], axis=2)[:, :, 0]
    return GainScores(
        p_t=p_t,
        p_ts=mean_p_ts,
        class_now=class_now,
        class_after=class_after,
        alternative=alternative,
        entropy=h_t,
        expected_entropy=h_ts,
        information_gain=h_t - h_ts,
        indicator=class_after != class_now,
        p_change=1.0 - votes[everyone, class_now] / n_spectra,
        value_of_information=(highest - p_of_name).mean(axis=1),
        uncertainty=1.0 - p_t.max(axis=1),
        p_after=votes / n_spectra,
        p_named=of_those_that_name(highest),
        entropy_named=of_those_that_name(each_h_ts),
        spectrum_uncertainty=np.full(n, np.nan) if spectra is None else spectrum_entropy(spectra),
    )
