r"""
Random forests as classifiers of the gain model, calibrated on what their own trees have not seen.

Every tree of a forest leaves out about a third of the objects. The votes of the trees that left an object out are an
honest prediction of it, so a calibration can be fitted to the whole training set without training anything twice:

- ``temperature``: :math:`p_c' \propto (p_c + \epsilon)^\beta`, with the floor and the power that maximise the
  likelihood. Two parameters, the order of the classes stays as it is;
- ``isotonic`` and ``sigmoid``: one monotonic map per class against the rest, then normalised (Zadrozny & Elkan 2002,
  Platt 1999). More freedom, and rare classes have few objects to fit it to.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ampel_followup.errors import BundleError
from ampel_followup.models.classifier import encode, forest_to_onnx

Array = NDArray[np.float64]

CalibrationMethod = Literal["none", "temperature", "isotonic", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Temperature:
    """
    p ∝ (p + floor)^power.

    Parameters
    ----------
    floor : float
        Added to every probability, > 0: no class is impossible because no tree has voted for it.
    power : float
        Above 1 sharpens, below 1 softens.
    """

    floor: float
    power: float

    def __call__(self, p: Array) -> Array:
        """Return calibrated probabilities, shape as given (n, C)."""
        scaled = (p + self.floor) ** self.power
        return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))

    @classmethod
    def fit(cls, p: Array, y: NDArray[np.intp], weight: Array | None = None) -> Temperature:
        """Take the floor and power of the largest likelihood of the classes y (n,) under p (n, C), weighted by (n,)."""
        rows = np.arange(len(y))

        def loss(parameters: Array) -> float:
            calibrated = cls(float(np.exp(parameters[0])), float(np.exp(parameters[1])))(p)
            return float(-np.average(np.log(calibrated[rows, y]), weights=weight))

        best = minimize(
            loss, np.log([1e-2, 1.0]), method="Nelder-Mead", bounds=[(np.log(1e-4), np.log(0.2)), (-1.5, 1.5)]
        )
        return cls(*(float(v) for v in np.exp(best.x)))


@dataclass(frozen=True, slots=True)
class OneAgainstRest:
    """
    A monotonic map of the probability of each class, then normalised.

    Parameters
    ----------
    knots, values : tuple of ndarray
        Per class, increasing probabilities and what they become; linear in between.
    """

    knots: tuple[Array, ...]
    values: tuple[Array, ...]

    def __call__(self, p: Array) -> Array:
        """Return calibrated probabilities, shape as given (n, C)."""
        columns = zip(p.T, self.knots, self.values, strict=True)
        mapped = np.column_stack([np.interp(column, knots, values) for column, knots, values in columns])
        return np.asarray(mapped / mapped.sum(axis=1, keepdims=True))

    @classmethod
    def fit(cls, p: Array, y: NDArray[np.intp], method: Literal["isotonic", "sigmoid"]) -> OneAgainstRest:
        """Fit the maps to the classes y (n,) under p (n, C)."""
        from sklearn.isotonic import IsotonicRegression
        from sklearn.linear_model import LogisticRegression

        knots, values = [], []
        for c in range(p.shape[1]):
            member = (y == c).astype(np.float64)
            if method == "isotonic":
                # Half an object at either end keeps every class possible.
                floor = 0.5 / (len(y) + 1.0)
                curve = IsotonicRegression(y_min=floor, y_max=1.0 - floor, out_of_bounds="clip").fit(p[:, c], member)
                knots.append(np.asarray(curve.X_thresholds_))
                values.append(np.asarray(curve.y_thresholds_))
            else:
                curve = LogisticRegression(C=1e6).fit(p[:, [c]], member)
                knots.append(np.linspace(0.0, 1.0, 257))
                values.append(np.asarray(curve.predict_proba(knots[-1][:, None])[:, 1]))
        return cls(tuple(knots), tuple(values))


@dataclass(frozen=True)
class ForestClassifier:
    """
    A fitted forest behind the interface of the gain model (`ampel_followup.models.gain_model.Classifier`).

    Parameters
    ----------
    forest : sklearn.ensemble.RandomForestClassifier
        Trained on `encode`d features.
    n_classes : int
        Number of classes C; those that the forest has not met get what the calibration leaves them.
    calibration : Temperature or OneAgainstRest, optional
    """

    forest: Any
    n_classes: int
    calibration: Temperature | OneAgainstRest | None = None

    def predict_proba(self, x: Array) -> Array:
        """Return class probabilities, shape (n, C), of features, shape (n, k), NaN = not measured."""
        p = self._every_class(self.forest.predict_proba(encode(x)))
        return p if self.calibration is None else self.calibration(p)

    def out_of_bag(self) -> tuple[Array, NDArray[np.bool_]]:
        """
        Class probabilities of the n training objects by the trees that have not seen them.

        Returns
        -------
        p : ndarray, shape (n, C)
        left_out : ndarray of bool, shape (n,)
            False where every tree has seen the object; p means nothing there.
        """
        votes = np.nan_to_num(self._every_class(self.forest.oob_decision_function_))
        left_out = votes.sum(axis=1) > 0
        return (votes if self.calibration is None else self.calibration(votes)), left_out

    def _every_class(self, p: Array) -> Array:
        complete = np.zeros((len(p), self.n_classes))
        complete[:, self.forest.classes_] = p
        return complete


def fit_forest(
    x: Array,
    y: NDArray[np.intp],
    n_classes: int,
    rng: np.random.Generator,
    *,
    n_trees: int,
    min_samples_leaf: int,
    max_features: float | Literal["sqrt"],
    calibration: CalibrationMethod = "none",
    n_jobs: int = 1,
    weight: Array | None = None,
) -> ForestClassifier:
    """
    Train a forest and calibrate it on the votes of the trees that have not seen each object.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        Features; NaN = not measured.
    y : ndarray of int, shape (n,)
        Classes, 0 to n_classes − 1.
    n_classes : int
    rng : numpy.random.Generator
    n_trees : int
        At least about 20, so that every object is left out by some.
    min_samples_leaf : int
        Objects in a leaf, at least.
    max_features : float or "sqrt"
        Share of the features tried at each split, 0 to 1, or the root of their number.
    calibration : {"none", "temperature", "isotonic", "sigmoid"}
    n_jobs : int
        Threads; the result does not depend on it.
    weight : ndarray, shape (n,), optional
        So many objects each counts, in the trees and in the "temperature" calibration; 1 by default.

    Returns
    -------
    ForestClassifier
    """
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        n_trees,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        oob_score=True,
        n_jobs=n_jobs,
        random_state=int(rng.integers(2**31)),
    )
    with warnings.catch_warnings():
        # Objects that every tree has seen are known to `out_of_bag`, and left out of the calibration.
        warnings.filterwarnings("ignore", "Some inputs do not have OOB scores", UserWarning)
        forest.fit(encode(x), y, sample_weight=weight)
    plain = ForestClassifier(forest, n_classes)
    if calibration == "none":
        return plain
    votes, left_out = plain.out_of_bag()
    if calibration == "temperature":
        counted = None if weight is None else weight[left_out]
        return ForestClassifier(forest, n_classes, Temperature.fit(votes[left_out], y[left_out], counted))
    return ForestClassifier(forest, n_classes, OneAgainstRest.fit(votes[left_out], y[left_out], calibration))


def to_onnx(classifier: ForestClassifier) -> bytes:
    """
    Convert a fitted classifier for `ampel_followup.models.classifier.OnnxClassifier`; needs the ``train`` extra.

    Raises
    ------
    BundleError
        If its calibration has no ONNX form here, or it was trained without one of the classes.
    """
    if len(classifier.forest.classes_) != classifier.n_classes:
        raise BundleError(
            f"of {classifier.n_classes} classes only {len(classifier.forest.classes_)} have training objects; "
            "leave the empty ones out of the bundle"
        )
    model = forest_to_onnx(classifier.forest)
    if classifier.calibration is None:
        return model
    if not isinstance(classifier.calibration, Temperature):
        raise BundleError("a bundle holds forests calibrated by 'temperature' or not at all; train with one of them")
    return _with_temperature(model, classifier.calibration)


def _with_temperature(model: bytes, temperature: Temperature) -> bytes:
    """Append the floor and the power to the graph; who reads the probabilities normalises them."""
    import onnx
    from onnx import helper, numpy_helper

    loaded = onnx.load_from_string(model)
    graph = loaded.graph
    for node in graph.node:
        for i, name in enumerate(node.output):
            if name == "probabilities":
                node.output[i] = "votes"
    constants = {"floor": temperature.floor, "power": temperature.power}
    graph.initializer.extend(
        numpy_helper.from_array(np.array(value, dtype=np.float32), name) for name, value in constants.items()
    )
    graph.node.append(helper.make_node("Add", ["votes", "floor"], ["floored"]))
    graph.node.append(helper.make_node("Pow", ["floored", "power"], ["probabilities"]))
    return bytes(loaded.SerializeToString())
