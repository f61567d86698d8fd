"""From features and classes to the model of a search for anomalies; needs scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ampel_followup.anomaly.model import MISSING, AnomalyModel
from ampel_followup.errors import TrainingError
from ampel_followup.models.class_trees import LEAF, ClassTree, reached
from ampel_followup.models.classifier import encode
from ampel_followup.models.mixture import ConditionalMixture
from ampel_followup.models.mixture_fitting import fit_mixture, join_classes
from ampel_followup.models.scaling import QuantileScaling

Array = NDArray[np.float64]

#: Fewest objects to train on; a fifth of them only calibrates.
LEAST_OBJECTS = 50

#: Rows that an isolation tree is grown on (Liu et al. 2008).
SUBSAMPLE = 256

# Objects of each component of the mixture at least, and components of a class at most.
_PER_COMPONENT, _COMPONENTS = 50, 4


@dataclass(frozen=True, slots=True)
class AnomalyOptions:
    """
    Sizes of a model.

    Parameters
    ----------
    class_trees, isolation_trees : int
    min_samples_leaf : int
        Of the trees of the classes.
    mixture_features : int
        The mixture is about so many features, those that tell classes apart best.
    calibration : float
        Share of the objects that is not fitted to, and calibrates.
    sample : int
        Training objects that are kept, at most: verdicts are told from them.
    """

    class_trees: int = 100
    isolation_trees: int = 100
    min_samples_leaf: int = 3
    mixture_features: int = 12
    calibration: float = 0.2
    sample: int = 1500


def train_anomaly(
    x: Array,
    labels: Sequence[str],
    features: Sequence[str],
    rng: np.random.Generator,
    options: AnomalyOptions | None = None,
) -> AnomalyModel:
    """
    Fit scaling, trees and mixture to four fifths of the objects, and calibrate the scores on the others.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        NaN = not measured. Features with fewer than two values are left out.
    labels : sequence of str, length n
        Classes; one alone is enough, but then there is no disagreement.
    features : sequence of str, length k
    rng : numpy.random.Generator
    options : AnomalyOptions, optional

    Raises
    ------
    TrainingError
        If there are too few objects, or no feature takes two values.
    """
    options = options or AnomalyOptions()
    known = np.isfinite(x).any(axis=1)
    if int(known.sum()) < LEAST_OBJECTS:
        raise TrainingError(
            f"{int(known.sum())} objects with a measured feature; a search for anomalies needs {LEAST_OBJECTS}"
        )
    x, y = x[known], np.asarray(labels)[known]
    shuffled = rng.permutation(len(x))
    n_calibration = max(round(options.calibration * len(x)), 10)
    away, kept = np.sort(shuffled[:n_calibration]), np.sort(shuffled[n_calibration:])
    varied = [j for j in range(x.shape[1]) if _takes_two_values(x[kept, j])]
    if not varied:
        raise TrainingError("no feature takes two different values; give features that tell objects apart")
    x = x[:, varied]
    scaling = QuantileScaling.fit(x[kept])
    normal = scaling.transform(x[kept])
    filled = np.where(np.isfinite(normal), normal, MISSING)
    classes, index = np.unique(y[kept], return_inverse=True)
    class_trees, importance = _class_trees(filled, index, options, rng)
    isolation_trees, path = _isolation_trees(filled, options, rng)
    columns = np.sort(np.argsort(-importance, kind="stable")[: options.mixture_features])
    model = AnomalyModel(
        features=tuple(features[j] for j in varied),
        classes=tuple(str(c) for c in classes),
        scaling=scaling,
        class_trees=class_trees,
        isolation_trees=isolation_trees,
        path=path,
        mixture=_mixture(normal[:, columns], index, rng),
        mixture_columns=columns,
        calibration=np.empty((0, 3)),
        combined=np.empty(0),
        usual=np.nanpercentile(x[kept], [1.0, 99.0], axis=0),
        sample=normal[rng.permutation(len(normal))[: options.sample]].astype(np.float32).astype(np.float64),
    )
    calibration, combined = model.calibrated_by(x[away])
    return replace(model, calibration=calibration, combined=combined)


def _takes_two_values(column: Array) -> bool:
    measured = column[np.isfinite(column)]
    return len(measured) > 1 and len(np.unique(np.quantile(measured, (np.arange(33) + 0.5) / 33))) > 1


def _class_trees(
    x: Array, y: NDArray[np.intp], options: AnomalyOptions, rng: np.random.Generator
) -> tuple[list[ClassTree], Array]:
    from sklearn.ensemble import RandomForestClassifier

    n_classes = int(y.max()) + 1
    if n_classes < 2:
        return [], np.ones(x.shape[1])
    forest = RandomForestClassifier(
        n_estimators=options.class_trees,
        min_samples_leaf=options.min_samples_leaf,
        class_weight="balanced_subsample",
        n_jobs=1,
        random_state=int(rng.integers(2**31)),
    ).fit(encode(x), y)
    grown = [_bare(e.tree_, n_classes) for e in forest.estimators_]
    return _filled(grown, x, y, n_classes), np.asarray(forest.feature_importances_)


def _isolation_trees(
    x: Array, options: AnomalyOptions, rng: np.random.Generator
) -> tuple[list[ClassTree], list[Array]]:
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(
        n_estimators=options.isolation_trees,
        max_samples=min(SUBSAMPLE, len(x)),
        n_jobs=1,
        random_state=int(rng.integers(2**31)),
    ).fit(encode(x))
    trees = [_bare(e.tree_, 1) for e in forest.estimators_]
    path = [_path(e.tree_) for e in forest.estimators_]
    return _filled(trees, x, np.zeros(len(x), dtype=np.intp), 1), path


def _bare(tree: object, n_classes: int) -> ClassTree:
    """Take the cuts of a grown tree, with thresholds that four bytes hold."""
    left, right, feature, threshold = (
        getattr(tree, name) for name in ("children_left", "children_right", "feature", "threshold")
    )
    leaf = left < 0
    short = threshold.astype(np.float32)
    # Rounded down, a threshold between two values of four bytes still lies between them.
    short = np.where(short.astype(np.float64) > threshold, np.nextafter(short, np.float32(-np.inf)), short)
    return ClassTree(
        np.where(leaf, LEAF, feature).astype(np.int32),
        np.where(leaf, 0.0, short).astype(np.float64),
        np.where(leaf, 0, left).astype(np.int32),
        np.where(leaf, 0, right).astype(np.int32),
        np.zeros((len(leaf), n_classes)),
    )


def _filled(trees: list[ClassTree], x: Array, y: NDArray[np.intp], n_classes: int) -> list[ClassTree]:
    """Count all training objects into the leaves, not only those that a tree was grown on."""
    for tree, leaf in zip(trees, reached(trees, x), strict=True):
        tree.count = np.zeros((len(tree.feature), n_classes))
        np.add.at(tree.count, (leaf, y), 1.0)
    return trees


def _path(tree: object) -> Array:
    """Cuts to each node, plus the mean number that would isolate what is in it (Liu et al. 2008, eq. 1)."""
    left, right, n = (getattr(tree, name) for name in ("children_left", "children_right", "n_node_samples"))
    depth = np.zeros(len(left))
    for node in range(len(left)):
        if left[node] >= 0:
            depth[left[node]] = depth[right[node]] = depth[node] + 1.0
    n = np.maximum(n.astype(np.float64), 1.0)
    with np.errstate(divide="ignore"):
        more = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    return np.asarray(depth + np.where(n > 2, more, np.where(n == 2, 1.0, 0.0)))


def _mixture(x: Array, y: NDArray[np.intp], rng: np.random.Generator) -> ConditionalMixture:
    from sklearn.cluster import KMeans

    mixtures, shares = [], []
    groups = [np.flatnonzero(y == c) for c in range(int(y.max()) + 1)]
    small = [rows for rows in groups if len(rows) < _PER_COMPONENT]
    large = [rows for rows in groups if len(rows) >= _PER_COMPONENT]
    for rows in [*large, *([np.concatenate(small)] if small else [])]:
        k = min(_COMPONENTS, max(1, len(rows) // _PER_COMPONENT))
        start = KMeans(k, n_init=1, random_state=int(rng.integers(2**31))).fit_predict(np.nan_to_num(x[rows]))
        mixtures.append(fit_mixture(x[rows], x.shape[1], np.asarray(start, dtype=np.intp), n_iterations=15))
        shares.append(len(rows) / len(y))
    return join_classes(mixtures, np.array(shares))
