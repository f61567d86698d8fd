"""
Sums of regression trees that can be looked into: NumPy arrays instead of a library's objects, exact Shapley values.

A boosted classifier is trained by scikit-learn and served from here: the same log-odds, without scikit-learn, from a
file that cannot run code, and with the share of every feature in every score.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError, TrainingError
from ampel_followup.models.tree_parts import MAX_DEPTH, TreeParts, cut_into_parts

Array = NDArray[np.float64]

#: The feature that a leaf asks for.
LEAF = -1

# How the arrays are kept in a file.
_STORED = {"feature": "<i2", "number": "<f8", "missing_left": "|b1", "cover": "<f8"}


@dataclass(frozen=True)
class TreeEnsemble:
    """
    A sum of binary regression trees: log-odds = baseline + Σ over trees of the value of the leaf an object falls into.

    The m nodes of all T trees follow one another in pre-order: a node, all that is to its left, all that is to its
    right. An object goes left where x ≤ threshold; an object without that feature goes where `missing_left` says.

    Parameters
    ----------
    features : tuple of str
        Names of the k columns.
    baseline : float
        What the trees add to [log-odds].
    feature : ndarray of int, shape (m,)
        Column that a node asks for; `LEAF` for a leaf.
    number : ndarray, shape (m,)
        Threshold of a node [unit of its feature], value of a leaf [log-odds].
    missing_left : ndarray of bool, shape (m,)
    cover : ndarray, shape (m,)
        Training objects that came by, more than 0; those of two children add up to their parent's.

    Raises
    ------
    BundleError
        If the arrays do not describe trees over these features, or one of them is deeper than
        `ampel_followup.models.tree_parts.MAX_DEPTH`.
    """

    features: tuple[str, ...]
    baseline: float
    feature: NDArray[np.int64]
    number: Array
    missing_left: NDArray[np.bool_]
    cover: Array

    def __post_init__(self) -> None:
        """Refuse what is not a row of trees."""
        m = len(self.feature)
        if {len(self.number), len(self.missing_left), len(self.cover)} != {m}:
            raise BundleError("the arrays of a tree ensemble have different lengths; make its bundle again")
        if m and not (self.feature.min() >= LEAF and self.feature.max() < len(self.features)):
            raise BundleError(f"a tree asks for a feature beyond its {len(self.features)}; make its bundle again")
        if not np.isfinite(self.number[self.feature == LEAF]).all() or np.isnan(self.number).any():
            raise BundleError("a tree has a threshold or a value that is no number; make its bundle again")
        if not (self.cover > 0).all():
            raise BundleError("a tree has a node that no training object came by; make its bundle again")
        if self.depth > MAX_DEPTH:
            raise BundleError(
                f"a tree is {self.depth} decisions deep, at most {MAX_DEPTH} work; train with a max_depth"
            )

    @classmethod
    def from_boosting(cls, model: Any, features: Sequence[str]) -> TreeEnsemble:
        """
        Take over the trees of a fitted classifier.

        Parameters
        ----------
        model : sklearn.ensemble.HistGradientBoostingClassifier
            Of two classes and numerical features; the log-odds are those of its second class.
        features : sequence of str
            Names of its columns, in order.

        Raises
        ------
        TrainingError
            If it has more classes, categorical features, or another number of columns.
        """
        if model.n_trees_per_iteration_ != 1 or len(model.classes_) != 2:
            raise TrainingError(f"a score tells two classes, the model has {len(model.classes_)}; train one per score")
        if model.is_categorical_ is not None and any(model.is_categorical_):
            raise TrainingError("the trees of a score take numbers only; train with categorical_features=None")
        if model.n_features_in_ != len(features):
            raise TrainingError(
                f"the model takes {model.n_features_in_} features, {len(features)} are named: {', '.join(features)}"
            )
        nodes = np.concatenate([_in_pre_order(predictor.nodes) for (predictor,) in model._predictors])
        leaf = nodes["is_leaf"].astype(bool)
        return cls(
            tuple(features),
            float(np.ravel(model._baseline_prediction)[0]),
            np.where(leaf, LEAF, nodes["feature_idx"]),
            np.where(leaf, nodes["value"], nodes["num_threshold"]),
            nodes["missing_go_to_left"].astype(bool) & ~leaf,
            nodes["count"].astype(np.float64),
        )

    @classmethod
    def mean(cls, ensembles: Sequence[TreeEnsemble]) -> TreeEnsemble:
        """
        Average the log-odds of several ensembles: all their trees, scaled.

        Raises
        ------
        ValueError
            If there are none, or their features differ.
        """
        if len({ensemble.features for ensemble in ensembles}) != 1:
            raise ValueError("ensembles can be averaged if there are some, and they have the same features")
        feature = np.concatenate([ensemble.feature for ensemble in ensembles])
        number = np.concatenate([ensemble.number for ensemble in ensembles])
        return cls(
            ensembles[0].features,
            float(np.mean([ensemble.baseline for ensemble in ensembles])),
            feature,
            np.where(feature == LEAF, number / len(ensembles), number),
            np.concatenate([ensemble.missing_left for ensemble in ensembles]),
            np.concatenate([ensemble.cover for ensemble in ensembles]),
        )

    @cached_property
    def ends(self) -> list[int]:
        """For each node, the first one that is not below it; the right child of node i is ``ends[i + 1]``."""
        ends: list[int] = [0] * len(self.feature)
        try:
            for i in range(len(ends) - 1, -1, -1):
                ends[i] = i + 1 if self.feature[i] == LEAF else ends[ends[i + 1]]
        except IndexError as error:
            raise BundleError("a tree is not complete; make its bundle again") from error
        return ends

    @property
    def depth(self) -> int:
        """Decisions on the longest path."""
        depth = np.zeros(len(self.feature), dtype=np.intp)
        for i in np.flatnonzero(self.feature != LEAF).tolist():
            depth[[i + 1, self.ends[i + 1]]] = depth[i] + 1
        return int(depth.max(initial=0))

    @property
    def n_trees(self) -> int:
        """Number of trees T."""
        # A tree has one leaf more than it has decisions.
        return int(2 * (self.feature == LEAF).sum() - len(self.feature))

    @cached_property
    def parts(self) -> TreeParts:
        """The same trees as tables."""
        return cut_into_parts(
            self.feature.tolist(), self.number, self.missing_left, self.cover, self.ends, len(self.features)
        )

    def log_odds(self, x: Array) -> Array:
        """
        Score objects.

        Parameters
        ----------
        x : ndarray, shape (n, k)
            The `features`; NaN = missing.

        Returns
        -------
        ndarray, shape (n,)
            Log-odds; of an object, the same to the last bit in any company.
        """
        scores = np.empty(len(x))
        for chunk, rows in self.parts.rows(x):
            scores[chunk] = self.parts.sums.take(rows).sum(axis=1)
        return scores + self.baseline

    def shapley(self, x: Array) -> tuple[Array, float]:
        """
        Say what each feature contributes: exact Shapley values, with the mean over training objects where not known.

        Parameters
        ----------
        x : ndarray, shape (n, k)
            The `features`; NaN = missing.

        Returns
        -------
        values : ndarray, shape (n, k)
            Positive where a feature raises the score [log-odds]; see `ampel_followup.models.tree_parts`.
        expected : float
            Log-odds when nothing is known; with the values of an object it adds up to `log_odds`.
        """
        values = np.empty((len(x), len(self.features)))
        for chunk, rows in self.parts.rows(x):
            values[chunk] = self.parts.shares_of(rows)
        return values, self.baseline + self.parts.expected

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; every array as base64 of its compressed bytes: exact, and a third of the size."""
        stored = {name: _pack(getattr(self, name).astype(dtype)) for name, dtype in _STORED.items()}
        return {"features": list(self.features), "baseline": self.baseline, **stored}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TreeEnsemble:
        """
        Rebuild from `to_dict`.

        Raises
        ------
        BundleError
            If it is not that.
        """
        try:
            feature, number, missing_left, cover = (_unpack(data[name], dtype) for name, dtype in _STORED.items())
            features, baseline = tuple(map(str, data["features"])), float(data["baseline"])
        except (KeyError, ValueError, TypeError, zlib.error) as error:
            raise BundleError(f"not a tree ensemble ({error!r}); make its bundle again") from error
        return cls(
            features,
            baseline,
            feature.astype(np.int64),
            number.astype(np.float64),
            missing_left.astype(np.bool_),
            cover.astype(np.float64),
        )


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    From log-odds z to a probability: p = 1 / (1 + exp(a z + b)) (Platt 1999).

    Parameters
    ----------
    a : float
        Below 0, so that a higher score is more probable.
    b : float

    Raises
    ------
    BundleError
        If a is not below 0, or one of them is not finite.
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        """Refuse a map that is not increasing."""
        if not (np.isfinite(self.a) and np.isfinite(self.b) and self.a < 0):
            raise BundleError(f"a calibration with a = {self.a}, b = {self.b} does not increase; train the score again")

    def __call__(self, log_odds: Array) -> Array:
        """Return probabilities, shape as given."""
        # Written with tanh, which does not overflow.
        return np.asarray(0.5 - 0.5 * np.tanh(0.5 * (self.a * log_odds + self.b)))

    def to_dict(self) -> dict[str, float]:
        """Return what JSON can hold."""
        return {"a": self.a, "b": self.b}

    @classmethod
    def from_dict(cls, data: Mapping[str, float]) -> Calibration:
        """Rebuild from `to_dict`."""
        return cls(float(data["a"]), float(data["b"]))

    @classmethod
    def fit(cls, log_odds: Array, y: NDArray[np.bool_], weight: Array | None = None) -> Calibration:
        """
        Take the map of the largest likelihood, with Platt's targets in place of 0 and 1.

        Parameters
        ----------
        log_odds : ndarray, shape (n,)
            Of objects that the trees were not trained on.
        y : ndarray of bool, shape (n,)
        weight : ndarray, shape (n,), optional
            Of each object; by default 1.

        Raises
        ------
        TrainingError
            If there are only objects of one kind, or the score does not rise with the class.
        """
        from scipy.optimize import minimize

        weight = np.ones(len(y)) if weight is None else weight / np.mean(weight)
        yes, no = float(weight[y].sum()), float(weight[~y].sum())
        if min(yes, no) <= 0:
            raise TrainingError("a calibration needs objects of both kinds; add labels of the other one")
        target = np.where(y, (yes + 1.0) / (yes + 2.0), 1.0 / (no + 2.0))

        def loss(parameters: Array) -> tuple[float, Array]:
            exponent = parameters[0] * log_odds + parameters[1]
            p = 0.5 - 0.5 * np.tanh(0.5 * exponent)
            # −log p = log(1 + e^exponent), and −log(1 − p) is smaller by the exponent.
            value = weight @ (np.logaddexp(0.0, exponent) - (1.0 - target) * exponent)
            slope = weight * (target - p)
            return float(value), np.array([slope @ log_odds, slope.sum()])

        best = minimize(loss, np.array([-1.0, np.log((no + 1.0) / (yes + 1.0))]), jac=True, method="BFGS")
        if best.x[0] >= 0:
            raise TrainingError("a score does not rise with its class on objects kept apart; there is nothing to learn")
        return cls(float(best.x[0]), float(best.x[1]))


def _in_pre_order(nodes: NDArray[np.void]) -> NDArray[np.void]:
    order, waiting = [], [0]
    while waiting:
        order.append(waiting.pop())
        if not nodes["is_leaf"][order[-1]]:
            waiting += [int(nodes["right"][order[-1]]), int(nodes["left"][order[-1]])]
    return nodes[order]


def _pack(array: NDArray[Any]) -> str:
    return base64.b64encode(zlib.compress(array.tobytes(), 9)).decode("ascii")


def _unpack(text: str, dtype: str) -> NDArray[Any]:
    return np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), dtype=dtype)
