"""
Training of the gain model, and of a bundle, from objects that have both a light curve and a spectrum.

Two random forests and a mixture, as in Astudillo et al. (2020, section 5.5). Forests are made of many small leaves'
votes; leaves of several objects keep the probabilities soft, and the model small enough to ship.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.models.classifier import encode
from ampel_followup.models.density import Conditional, MixtureMethod, fit_density, pool_weight
from ampel_followup.models.forest import CalibrationMethod, ForestClassifier, fit_forest, to_onnx
from ampel_followup.models.gain_model import N_SPECTRA, GainModel
from ampel_followup.models.mixture import ConditionalMixture
from ampel_followup.models.scaling import QuantileScaling
from ampel_followup.spectra.features import PrincipalSpectra

Array = NDArray[np.float64]

#: Photometric features that describe an object to the mixture: few, for its sake (section 5.3).
N_MIXTURE_FEATURES = 12

#: A feature of the mixture is measured for at least this share of the objects, with so many different values.
MIN_MEASURED, MIN_VALUES = 0.2, 10


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
    max_features : float or "sqrt"
        Share of the features tried at each split, 0 to 1, or the root of their number.
    calibration : {"temperature", "isotonic", "sigmoid", "none"}
        Of both forests; see `ampel_followup.models.forest`. Bundles hold "temperature" or "none".
    mixture : {"em", "bayesian"}
    conditional : {"pooled", "class", "joint"}
        See `ampel_followup.models.density`.
    n_spectral : int
        Principal components of the spectra.
    n_spectra : int
        Possible spectra drawn per object when scoring (quasi-Monte-Carlo; a power of two).
    n_jobs : int
        Threads, -1 for all; results do not depend on it.
    """

    n_trees: int = 40
    min_samples_leaf: int = 9
    max_features: float | Literal["sqrt"] = 0.4
    calibration: CalibrationMethod = "temperature"
    mixture: MixtureMethod = "em"
    conditional: Conditional = "class"
    n_spectral: int = 8
    n_spectra: int = N_SPECTRA
    n_jobs: int = -1


def fit_gain_model(
    x_t: Array,
    x_s: Array,
    y: NDArray[np.intp],
    n_classes: int,
    rng: np.random.Generator,
    options: TrainingOptions | None = None,
    weight: Array | None = None,
) -> GainModel:
    """
    Train the classifiers and the mixture on n objects.

    Parameters
    ----------
    x_t : ndarray, shape (n, k)
        Photometric features; NaN = not measured.
    x_s : ndarray, shape (n, d)
        Spectral features in units of order one, all measured.
    y : ndarray of int, shape (n,)
        Classes, 0 to n_classes − 1.
    n_classes : int
    rng : numpy.random.Generator
    options : TrainingOptions, optional
    weight : ndarray, shape (n,), optional
        So many objects each counts, 1 by default; in the mixture rounded to whole ones.

    Returns
    -------
    GainModel
        Its classifiers are `ampel_followup.models.forest.ForestClassifier`.

    Raises
    ------
    FollowupError
        If no photometric feature can serve the mixture, or it has too few complete rows (`fit_density`).
    """
    options = options or TrainingOptions()
    p_t = fit_p_t(x_t, y, n_classes, rng, options, weight)
    p_ts = fit_p_t(np.concatenate([x_t, x_s], axis=1), y, n_classes, rng, options, weight)
    columns = np.array(_mixture_features(x_t, x_s, options, rng), dtype=np.intp)
    scaling = QuantileScaling.fit(x_t[:, columns])
    scaled = scaling.transform(x_t[:, columns])
    x = np.concatenate([scaled, x_s], axis=1)
    opinion_of_p_t = {"joint": 0.0, "class": 1.0}.get(options.conditional)
    if opinion_of_p_t is None:
        opinion, left_out = p_t.out_of_bag()
        opinion[~left_out] = np.nan
        opinion_of_p_t = pool_weight(x, len(columns), y, opinion, rng, method=options.mixture)
    if weight is not None:
        repeats = np.maximum(np.rint(weight), 1).astype(np.intp)
        x, y = np.repeat(x, repeats, axis=0), np.repeat(y, repeats)
    mixture = fit_density(x, len(columns), y, rng, method=options.mixture, conditional=options.conditional)
    return GainModel(p_t, p_ts, mixture, scaling, columns, options.n_spectra, opinion_of_p_t)


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
        A bundle takes a calibration that ONNX can hold.

    Returns
    -------
    info : dict
        Parts of ``bundle.json``.
    files : dict of str to bytes
        For `ampel_followup.models.bundle.save_bundle`.

    Raises
    ------
    FollowupError
        If the calibration does not fit a bundle, or as `fit_gain_model`.
    """
    options = options or TrainingOptions()
    y = np.searchsorted(np.sort(classes), labels)
    y = np.argsort(classes)[y]
    principal = PrincipalSpectra.fit(spectra, options.n_spectral)
    info, files = train_on_features(
        x_t,
        principal.transform(spectra),
        y,
        features=features,
        feature_sets=feature_sets,
        classes=classes,
        rng=rng,
        options=options,
    )
    info["spectral_variance_explained"] = round(principal.explained, 4)
    return info, {**files, "spectrum.json": json.dumps(principal.to_dict()).encode()}


def train_on_features(
    x_t: Array,
    x_s: Array,
    y: NDArray[np.intp],
    *,
    features: Sequence[str],
    feature_sets: Mapping[str, str],
    classes: Sequence[str],
    rng: np.random.Generator,
    options: TrainingOptions,
    weight: Array | None = None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """
    Train the parts of a bundle on n objects whose spectra are features already: all but ``spectrum.json``.

    Parameters
    ----------
    x_t, x_s, y
        As in `fit_gain_model`.
    features, feature_sets, classes, rng, options
        As in `train`.
    weight : ndarray, shape (n,), optional
        So many objects each counts, 1 by default.

    Returns
    -------
    info : dict
    files : dict of str to bytes
    """
    model = fit_gain_model(x_t, x_s, y, len(classes), rng, options, weight)
    assert isinstance(model.p_t, ForestClassifier) and isinstance(model.p_ts, ForestClassifier)
    info = {
        "classes": list(classes),
        "feature_sets": dict(feature_sets),
        "features": list(features),
        "mixture_features": [features[j] for j in model.columns],
        "n_spectra": options.n_spectra,
        "classifier_weight": round(model.classifier_weight, 4),
        "scope": _scope(model.mixture, model.scaled(x_t)),
        "distribution": _distribution(x_t, features),
    }
    files = {
        "p_t.onnx": to_onnx(model.p_t),
        "p_ts.onnx": to_onnx(model.p_ts),
        "mixture.json": json.dumps({"scaling": model.scaling.to_dict(), "mixture": model.mixture.to_dict()}).encode(),
    }
    return info, files


def fit_p_t(
    x: Array,
    y: NDArray[np.intp],
    n_classes: int,
    rng: np.random.Generator,
    options: TrainingOptions,
    weight: Array | None = None,
) -> ForestClassifier:
    """Train the classifier of features x (n, k) alone, as `fit_gain_model` does."""
    return fit_forest(
        x,
        y,
        n_classes,
        rng,
        n_trees=options.n_trees,
        min_samples_leaf=options.min_samples_leaf,
        max_features=options.max_features,
        calibration=options.calibration,
        n_jobs=options.n_jobs,
        weight=weight,
    )


def _mixture_features(x_t: Array, x_s: Array, options: TrainingOptions, rng: np.random.Generator) -> list[int]:
    """Take the features that tell most of the spectrum, are often measured, and do not repeat one another."""
    from sklearn.ensemble import ExtraTreesRegressor

    regression = ExtraTreesRegressor(
        options.n_trees,
        min_samples_leaf=20,
        max_features=0.3,
        n_jobs=options.n_jobs,
        random_state=int(rng.integers(2**31)),
    )
    importance = regression.fit(encode(x_t), x_s.squeeze()).feature_importances_
    chosen: list[int] = []
    ranks = np.where(np.isfinite(x_t), np.argsort(np.argsort(x_t, axis=0), axis=0), np.nan)
    for j in np.argsort(-importance):
        measured = x_t[np.isfinite(x_t[:, j]), j]
        if len(measured) < MIN_MEASURED * len(x_t) or len(np.unique(measured)) < MIN_VALUES:
            continue
        if all(abs(_correlation(ranks[:, j], ranks[:, i])) < 0.9 for i in chosen):
            chosen.append(int(j))
        if len(chosen) == N_MIXTURE_FEATURES:
            break
    if not chosen:
        raise FollowupError(
            f"none of the {x_t.shape[1]} photometric features is measured for {MIN_MEASURED:.0%} of the {len(x_t)} "
            f"training objects with {MIN_VALUES} different values; a spectrum cannot be predicted from them"
        )
    return chosen


def _correlation(a: Array, b: Array) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[both], b[both])[0, 1]) if both.sum() > 2 else 0.0


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
