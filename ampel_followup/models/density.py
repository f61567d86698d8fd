r"""
Fitting of the joint density Q(x_t, x_s): which mixture, and of what.

``conditional="class"`` fits a mixture to each class, so that P_t can weight the classes when a spectrum is predicted
(`ampel_followup.models.mixture`); ``"joint"`` fits one to all objects, which then weights its components by itself
(Astudillo et al. 2020, section 8.2).

``method="em"`` is expectation-maximisation with missing values marginalised; ``"bayesian"`` the paper's variational
mixture, which needs complete rows and leaves the others out. It chooses how many of its components it uses.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.models.mixture import ConditionalMixture, fit_mixture, join_classes

Array = NDArray[np.float64]

MixtureMethod = Literal["em", "bayesian"]

Conditional = Literal["class", "joint"]

#: Components per class at most, and the objects that each has at least.
N_PER_CLASS, OBJECTS_PER_COMPONENT = 4, 50

#: Added to the diagonal of covariances, in units of normal scores squared.
REGULARISATION = 1e-2

#: A variational component with less weight than this is one that the data did not need.
_UNUSED = 1e-4


def fit_density(
    x: Array,
    n_t: int,
    y: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    method: MixtureMethod = "em",
    conditional: Conditional = "class",
) -> ConditionalMixture:
    """
    Fit the joint density of photometric and spectral features.

    Parameters
    ----------
    x : ndarray, shape (n, n_t + n_s)
        Features in units of order one; NaN = not measured, among the first n_t only.
    n_t : int
        How many of them are photometric (the first).
    y : ndarray of int, shape (n,)
        Classes.
    rng : numpy.random.Generator
    method : {"em", "bayesian"}
    conditional : {"class", "joint"}

    Returns
    -------
    ConditionalMixture
        Components belong to their class with "class"; all to class 0 with "joint".

    Raises
    ------
    FollowupError
        If ``"bayesian"`` is left with fewer complete rows than dimensions, of a class or of all.
    """
    present, shares = np.unique(y, return_counts=True)
    if conditional == "joint":
        if method == "bayesian":
            return _variational(x, n_t, len(present), rng)
        parts = np.zeros(len(x), dtype=np.intp)
        for c in present:
            parts[y == c] = _parts(x[y == c, n_t:], rng) + parts.max() + 1
        return fit_mixture(x, n_t, parts - 1, regularisation=REGULARISATION)
    mixtures = []
    for c in present:
        members = x[y == c]
        if method == "bayesian":
            mixtures.append(_variational(members, n_t, _n_components(len(members)), rng))
        else:
            mixtures.append(fit_mixture(members, n_t, _parts(members[:, n_t:], rng), regularisation=REGULARISATION))
    joined = join_classes(mixtures, shares / len(y))
    return dataclasses.replace(joined, component_class=present[joined.component_class].astype(np.intp))


def _n_components(n_members: int) -> int:
    return min(N_PER_CLASS, max(1, n_members // OBJECTS_PER_COMPONENT))


def _parts(x_s: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """Divide the members of a class by what their spectra look like: where expectation-maximisation starts."""
    from sklearn.cluster import KMeans

    clusters = KMeans(_n_components(len(x_s)), n_init=3, random_state=int(rng.integers(2**31)))
    return np.asarray(clusters.fit_predict(x_s), dtype=np.intp)


def _variational(x: Array, n_t: int, n_components: int, rng: np.random.Generator) -> ConditionalMixture:
    """Fit scikit-learn's variational mixture to the complete rows."""
    from sklearn.mixture import BayesianGaussianMixture

    complete = x[np.isfinite(x).all(axis=1)]
    if len(complete) <= x.shape[1]:
        raise FollowupError(
            f"the Bayesian mixture needs more complete rows than its {x.shape[1]} features, there are {len(complete)} "
            f"of {len(x)}; use the mixture 'em', which takes incomplete ones"
        )
    fitted = BayesianGaussianMixture(
        n_components=n_components, reg_covar=REGULARISATION, max_iter=1000, random_state=int(rng.integers(2**31))
    ).fit(complete)
    used = fitted.weights_ > _UNUSED
    return ConditionalMixture(
        fitted.weights_[used] / fitted.weights_[used].sum(),
        fitted.means_[used],
        fitted.covariances_[used],
        n_t,
        np.zeros(int(used.sum()), dtype=np.intp),
    )
