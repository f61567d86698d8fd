r"""
Fitting of the joint density Q(x_t, x_s): which mixture, and of what.

``conditional="joint"`` fits one mixture to all objects, which weights its components by itself (Astudillo et al. 2020,
section 8.2). ``"class"`` fits one to each class, and P_t weights the classes when a spectrum is predicted
(`ampel_followup.models.mixture`). ``"pooled"`` weights them by a mean of both opinions (a linear opinion pool),

.. math:: w\, P_t(c|x_t) + (1 - w)\, Q(c|x_t)

where w is what makes the classes of training objects most likely that neither opinion was formed on: P_t by the trees
that left them out, Q by a mixture fitted without them. A forest and a density err on different objects, so that the
mean is often better than either; where it is not, w says so.

``method="em"`` is expectation-maximisation with missing values marginalised; ``"bayesian"`` the paper's variational
mixture, which needs complete rows and leaves the others out. It chooses how many of its components it uses.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.models.mixture import ConditionalMixture
from ampel_followup.models.mixture_fitting import fit_mixture, join_classes

Array = NDArray[np.float64]

MixtureMethod = Literal["em", "bayesian"]

Conditional = Literal["pooled", "class", "joint"]

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
    conditional : {"pooled", "class", "joint"}

    Returns
    -------
    ConditionalMixture
        All components belong to class 0 with "joint", and otherwise to their class.

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


def pool_weight(
    x: Array,
    n_t: int,
    y: NDArray[np.intp],
    p_t: Array,
    rng: np.random.Generator,
    *,
    method: MixtureMethod = "em",
    n_folds: int = 3,
) -> float:
    """
    Weight of P_t against the mixture's opinion of the class; see the module.

    Parameters
    ----------
    x : ndarray, shape (n, n_t + n_s)
        As for `fit_density`.
    n_t : int
    y : ndarray of int, shape (n,)
    p_t : ndarray, shape (n, C)
        P_t of each object by trees that have not seen it; rows that are not finite are left out.
    rng : numpy.random.Generator
    method : {"em", "bayesian"}
    n_folds : int
        Parts of the objects; each gets the opinion of a mixture fitted to the others.

    Returns
    -------
    float
        0 to 1.
    """
    from scipy.optimize import minimize_scalar

    # Every class is dealt out over the parts in turn, so that each part has its share.
    order = rng.permutation(len(y))
    dealt = np.empty(len(y), dtype=np.intp)
    dealt[order[np.argsort(y[order], kind="stable")]] = np.arange(len(y)) % n_folds
    opinion = np.empty_like(p_t)
    for part in range(n_folds):
        away = dealt == part
        mixture = fit_density(x[~away], n_t, y[~away], rng, method=method, conditional="class")
        opinion[away] = mixture.class_probabilities(x[away, :n_t], p_t.shape[1])
    known = np.isfinite(p_t).all(axis=1)
    of_classifier, of_mixture = (p[known, y[known]] for p in (p_t, opinion))

    def loss(w: float) -> float:
        return -float(np.log(np.maximum(w * of_classifier + (1.0 - w) * of_mixture, 1e-9)).mean())

    return float(minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-3}).x)


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
