"""
Training of a bundle from objects that have both a light curve and a spectrum.

Two random forests and a mixture, as in Astudillo et al. (2020, section 5.5). Forests are made of many small leaves'
votes; leaves of several objects keep the probabilities soft, and the model small enough to ship.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.models.classifier import encode, forest_to_onnx
from ampel_followup.models.gain_model import N_SPECTRA
from ampel_followup.models.mixture import ConditionalMixture, fit_mixture, join_classes
from ampel_followup.models.scaling import QuantileScaling
from ampel_followup.spectra.features import PrincipalSpectra

Array = NDArray[np.float64]

#: Photometric features that describe an object to the mixture: few, for its sake (section 5.3).
N_MIXTURE_FEATURES = 12

#: Components of the mixture per class.
N_PER_CLASS = 4


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """
    What can be chosen in training.

    Parameters
    ----------
    n_trees : int
        Trees of each forest.
    min_samples_leaf : int
        Objects in a leaf, at least.
    max_features : float
        Share of the features tried at each split, 0 to 1.
    n_spectral : int
        Principal components of the spectra.
    n_spectra : int
        Possible spectra drawn per object when scoring (quasi-Monte-Carlo; a power of two).
    """

    n_trees: int = 40
    min_samples_leaf: int = 9
    max_features: float = 0.4
    n_spectral: int = 8
    n_spectra: int = N_SPECTRA


def train(
    x_t: Array,
    spectra: Array,
    labels: NDArray[np.str_],
    *,
    features: Sequence[str],
    feature_sets: Mapping[str, str],
    classes: Sequence[str],
    rng: np.random.Generator,
    options: TrainingOptions | None = None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """
    Train the parts of a bundle on n objects.

    Parameters
    ----------
    x_t : ndarray, shape (n, k)
        Photometric features; NaN = not measured.
    spectra : ndarray, shape (n, N_BINS)
        Spectra on the common grid (`ampel_followup.spectra.features.to_grid`).
    labels : ndarray of str, shape (n,)
        Class of each object, one of `classes`.
    features : sequence of str
        Names of the columns of x_t.
    feature_sets : mapping of str to str
        Name and version of the feature sets that they come from.
    classes : sequence of str
        In the order of the probabilities.
    rng : numpy.random.Generator
    options : TrainingOptions, optional

    Returns
    -------
    info : dict
        Parts of ``bundle.json``.
    files : dict of str to bytes
        For `ampel_followup.models.bundle.save_bundle`.
    """
    options = options or TrainingOptions()
    y = np.searchsorted(np.sort(classes), labels)
    y = np.argsort(classes)[y]
    principal = PrincipalSpectra.fit(spectra, options.n_spectral)
    x_s = principal.transform(spectra)

    p_t = _forest(options, rng).fit(encode(x_t), y)
    p_ts = _forest(options, rng).fit(encode(np.concatenate([x_t, x_s], axis=1)), y)
    chosen = _mixture_features(x_t, x_s, options, rng)
    scaling = QuantileScaling.fit(x_t[:, chosen])
    scaled = scaling.transform(x_t[:, chosen])
    mixture = _class_mixtures(np.concatenate([scaled, x_s], axis=1), len(chosen), y, rng)
    info = {
        "classes": list(classes),
        "feature_sets": dict(feature_sets),
        "features": list(features),
        "mixture_features": [features[j] for j in chosen],
        "n_spectra": options.n_spectra,
        "spectral_variance_explained": round(principal.explained, 4),
        "scope": _scope(mixture, scaled),
        "distribution": _distribution(x_t, features),
    }
    files = {
        "p_t.onnx": forest_to_onnx(p_t),
        "p_ts.onnx": forest_to_onnx(p_ts),
        "mixture.json": json.dumps({"scaling": scaling.to_dict(), "mixture": mixture.to_dict()}).encode(),
        "spectrum.json": json.dumps(principal.to_dict()).encode(),
    }
    return info, files


def _forest(options: TrainingOptions, rng: np.random.Generator) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        options.n_trees,
        min_samples_leaf=options.min_samples_leaf,
        max_features=options.max_features,
        n_jobs=-1,
        random_state=int(rng.integers(2**31)),
    )


def _mixture_features(x_t: Array, x_s: Array, options: TrainingOptions, rng: np.random.Generator) -> list[int]:
    """Take the features that tell most of the spectrum, are often measured, and do not repeat one another."""
    from sklearn.ensemble import ExtraTreesRegressor

    regression = ExtraTreesRegressor(
        options.n_trees, min_samples_leaf=20, max_features=0.3, n_jobs=-1, random_state=int(rng.integers(2**31))
    )
    importance = regression.fit(encode(x_t), x_s).feature_importances_
    chosen: list[int] = []
    ranks = np.where(np.isfinite(x_t), np.argsort(np.argsort(x_t, axis=0), axis=0), np.nan)
    for j in np.argsort(-importance):
        measured = x_t[np.isfinite(x_t[:, j]), j]
        if len(measured) < 0.2 * len(x_t) or len(np.unique(measured)) < 10:
            continue
        if all(abs(_correlation(ranks[:, j], ranks[:, i])) < 0.9 for i in chosen):
            chosen.append(int(j))
        if len(chosen) == N_MIXTURE_FEATURES:
            break
    return chosen


def _correlation(a: Array, b: Array) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[both], b[both])[0, 1]) if both.sum() > 2 else 0.0


def _class_mixtures(x: Array, n_t: int, y: NDArray[np.intp], rng: np.random.Generator) -> ConditionalMixture:
    """Fit a mixture to each class, starting from a division of it by what its spectra look like."""
    from sklearn.cluster import KMeans

    mixtures = []
    for c in range(y.max() + 1):
        members = x[y == c]
        n_parts = min(N_PER_CLASS, max(1, len(members) // 50))
        parts = KMeans(n_parts, n_init=3, random_state=int(rng.integers(2**31))).fit_predict(members[:, n_t:])
        mixtures.append(fit_mixture(members, n_t, parts.astype(np.intp)))
    return join_classes(mixtures, np.bincount(y) / len(y))


def _scope(mixture: ConditionalMixture, scaled: Array) -> dict[str, list[float]]:
    """Quantiles of the training set's log density, per number of measured features."""
    density = mixture.log_density(scaled)
    measured = np.isfinite(scaled).sum(axis=1)
    levels = np.linspace(0.0, 1.0, 51)
    scope = {
        str(count): np.round(np.quantile(density[measured == count], levels), 6).tolist()
        for count in np.unique(measured)
        if (measured == count).sum() >= 100
    }
    return scope or {str(scaled.shape[1]): np.quantile(density, levels).tolist()}


def _distribution(x_t: Array, features: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Deciles of each feature and the share measured: what later nights are compared with."""
    distribution = {}
    for name, column in zip(features, x_t.T, strict=True):
        values = column[np.isfinite(column)]
        deciles = np.quantile(values, np.linspace(0.0, 1.0, 11)) if len(values) else np.empty(0)
        distribution[name] = {
            "measured": round(len(values) / len(column), 4),
            "deciles": [float(f"{d:.5g}") for d in deciles],
        }
    return distribution
