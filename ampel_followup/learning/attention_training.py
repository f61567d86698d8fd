"""
Train a network that classifies light curves at any age.

Every object is seen in every round of training with another part of its light curve, always from its first point on;
so one network serves all ages. Classes count equally. When to stop, and the temperature of the probabilities (Guo et
al. 2017), are decided on objects that the weights have not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.features.hand_made import FeatureScale, hand_made_features, with_host
from ampel_followup.features.hosts import Hosts
from ampel_followup.features.ragged import Points
from ampel_followup.features.sequence import Sequences, beginnings, of_the_transient
from ampel_followup.learning.attention_calibration import balanced_loss, class_weights, fit_pool, fit_temperature
from ampel_followup.learning.attention_trees import VIEWS, grow_trees
from ampel_followup.models.attention_inputs import inputs_of, network_inputs
from ampel_followup.models.attention_networks import build_network, tensorflow
from ampel_followup.models.attention_options import NetworkOptions
from ampel_followup.models.attention_trees import NetworkTrees

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

#: Fractions of the points at which a network is judged.
FRACTIONS = (0.25, 0.5, 1.0)

# Share of the objects that are seen whole in a round; the others are cut at a random fraction from this one on.
_WHOLE, _LEAST_FRACTION = 0.25, 0.1

# Hand-made features take longer than a round of training: after so many rounds the same parts are shown again.
_VIEWS_WITH_FEATURES = 8

# Share of the hosts that are hidden in each view of a network that is told of them: on the sky many are not seen.
_HIDDEN_HOSTS = 0.25

# Objects that are made into sequences at once.
_CHUNK = 2000

# Norm that gradients are cut to.
_LARGEST_GRADIENT = 1.0

# Objects that are classified at once.
_PREDICTED = 512


@dataclass(frozen=True, slots=True)
class FitOptions:
    """
    How to train.

    Parameters
    ----------
    rounds : int
        At most; in each every object is seen once. The learning rate falls along half a cosine.
    patience : int
        Rounds without a lower loss on the held-out objects after which training stops, in its second half.
    batch_size : int
    learning_rate : float
        Of Adam, at its highest.
    noise : float
        Noise that is added to the training fluxes in every round, in units of their errors.
    lost_points : float
        Up to this share of an object's points, drawn anew in every round, is left out.
    """

    rounds: int = 25
    patience: int = 8
    batch_size: int = 64
    learning_rate: float = 3e-3
    noise: float = 0.5
    lost_points: float = 0.3

    def __post_init__(self) -> None:
        for name in ("rounds", "patience", "batch_size"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} = {getattr(self, name)} of the training; give a whole number from 1")
        if not 0.0 < self.learning_rate < 1.0:
            raise TrainingError(f"a learning rate of {self.learning_rate}; give above 0 to less than 1")
        if not (0.0 <= self.noise <= 10.0 and 0.0 <= self.lost_points < 1.0):
            raise TrainingError(
                f"noise of {self.noise} errors and a share of {self.lost_points} of lost points; "
                "give 0 to 10, and 0 to less than 1"
            )


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """
    A trained network.

    Parameters
    ----------
    weights : dict of str to ndarray
        As `Network.weights` of the best round.
    options : NetworkOptions
    softening : float
        Of fluxes [µJy].
    temperature : float
        That logits are divided by.
    rounds, best_round : int
        That it was trained for, and the one whose weights these are, from 1.
    loss : float
        Mean of the classes' cross entropies on the held-out objects, over `FRACTIONS`, before calibration [nat].
    scale : FeatureScale, optional
        Of the hand-made features, if the network sees any.
    trees : NetworkTrees, optional
        That stand beside the network, if it is one of those that have some.
    share : float
        Of the trees in the logits.
    """

    weights: dict[str, NDArray[np.float32]]
    options: NetworkOptions
    softening: float
    temperature: float
    rounds: int
    best_round: int
    loss: float
    scale: FeatureScale | None = None
    trees: NetworkTrees | None = None
    share: float = 0.0


def usual_scatter(points: Points) -> float:
    """Return the median error of the points, limits included [µJy]: the softening of fluxes."""
    return float(np.round(np.median(points.flux_err), 4)) if len(points.flux_err) else 1.0


class Trainer:
    """
    Trains networks of one make, one after the other: what TensorFlow compiles is compiled once.

    Parameters
    ----------
    options : NetworkOptions
    n_classes : int
        k.

    Attributes
    ----------
    network : Network
        With the weights of the last training.

    Raises
    ------
    FollowupError
        If TensorFlow is not installed.
    """

    def __init__(self, options: NetworkOptions, n_classes: int) -> None:
        keras, tf = tensorflow()
        self.options, self.n_classes = options, n_classes
        self.network = build_network(options, n_classes)
        self._optimizer = keras.optimizers.Adam()
        model, variables = self.network.logits, self.network.logits.trainable_variables
        self._optimizer.build(variables)
        # Any number of objects and, of epochs, any number of these.
        signature = [tf.TensorSpec((None, *tensor.shape[1:]), tf.float32) for tensor in self.network.looks.inputs]

        def step(x: Any, y: Any, weight: Any) -> None:
            with tf.GradientTape() as tape:
                nats = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True))
                loss = tf.reduce_mean(weight * nats)
            gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), _LARGEST_GRADIENT)
            self._optimizer.apply_gradients(zip(gradients, variables, strict=True))

        more = [tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None,), tf.float32)]
        self._step = tf.function(step, input_signature=[signature, *more])
        self._predict = tf.function(lambda x: model(x, training=False), input_signature=[signature])

    def train(
        self,
        training: Points,
        y: Labels,
        held_out: Points,
        y_held_out: Labels,
        rng: np.random.Generator,
        *,
        hosts: tuple[Hosts, Hosts] | None = None,
        fit: FitOptions | None = None,
        on_round: Callable[[int, float], None] = lambda number, loss: None,
    ) -> TrainedNetwork:
        """
        Train a network from the beginning.

        Parameters
        ----------
        training : Points
            Of n objects, whole.
        y : ndarray of int, shape (n,)
            Their classes, 0 to k − 1.
        held_out : Points
            Of other objects: they say when to stop, and calibrate.
        y_held_out : ndarray of int
        rng : numpy.random.Generator
            The same generator gives the same network on the same machine.
        hosts : tuple of Hosts, optional
            Of the objects of both parts, for a network that is told of them; by default none is known.
        fit : FitOptions, optional
        on_round : callable
            Called with the number of each finished round, and the loss on the held-out objects.

        Raises
        ------
        TrainingError
            If a class is missing in either part, or no round brings anything.
        """
        fit = fit or FitOptions()
        for part, classes in (("to train on", y), ("held out", y_held_out)):
            missing = np.flatnonzero(np.bincount(classes, minlength=self.n_classes) == 0)
            if len(missing):
                raise TrainingError(f"class number {missing[0]} has no object {part}; every class needs some in each")
        self.network.start(rng)
        for variable in self._optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        softening, weight = usual_scatter(training), class_weights(y, self.n_classes)
        of_training, of_held_out = hosts or (Hosts.unknown(len(y)), Hosts.unknown(len(y_held_out)))
        views = _Views(training, of_training, self.options, softening, fit, rng)
        seen = [
            _sequences(beginnings(held_out, fraction), self.options, softening, views.scale, of_held_out)
            for fraction in FRACTIONS
        ]
        best, best_round, number, kept = np.inf, 0, 0, self.network.looks.get_weights()
        best_logits: list[Array] = []
        for number in range(1, fit.rounds + 1):
            self._round(views.of_round(number), y, weight, _rate(number, fit), rng, fit)
            logits = [self._logits(part) for part in seen]
            loss = float(np.mean([balanced_loss(part, y_held_out, self.n_classes) for part in logits]))
            if loss < best:
                best, best_round, kept, best_logits = loss, number, self.network.looks.get_weights(), logits
            on_round(number, loss)
            # At high learning rates the loss may rise for a while.
            if number - best_round >= fit.patience and 2 * number > fit.rounds:
                break
        if not best_logits:
            raise TrainingError(f"training does not converge with a learning rate of {fit.learning_rate}; lower it")
        self.network.looks.set_weights(kept)
        of_network, truth = np.concatenate(best_logits), np.tile(y_held_out, len(FRACTIONS))
        share, temperature, trees = 0.0, fit_temperature(of_network, truth, self.n_classes), None
        if self.options.has_trees:
            trees = grow_trees(views.features, y, rng)
            of_trees = np.concatenate([trees.logits(part.features) for part in seen if part.features is not None])
            share, temperature = fit_pool(of_network, of_trees, truth, self.n_classes)
        return TrainedNetwork(
            self.network.weights,
            self.options,
            softening,
            temperature,
            number,
            best_round,
            round(best, 5),
            views.scale,
            trees,
            share,
        )

    def _round(
        self,
        found: Sequences,
        y: Labels,
        weight: Array,
        rate: float,
        rng: np.random.Generator,
        fit: FitOptions,
    ) -> None:
        """Show every object once, those of like lengths together."""
        self._optimizer.learning_rate.assign(rate)
        length = found.mask.sum(axis=1)
        order = np.argsort(length * (1.0 + 0.2 * rng.standard_normal(len(y))) + rng.random(len(y)))
        batches = np.array_split(order, max(len(y) // fit.batch_size, 1))
        for k in rng.permutation(len(batches)).tolist():
            rows = batches[k]
            self._step(inputs_of(found, rows, self.options), y[rows], weight[rows].astype(np.float32))

    def _logits(self, found: Sequences) -> Array:
        """Return logits, shape (n, k)."""
        order = np.argsort(found.mask.sum(axis=1), kind="stable")
        logits = np.empty((len(found), self.n_classes))
        for begin in range(0, len(order), _PREDICTED):
            rows = order[begin : begin + _PREDICTED]
            logits[rows] = self._predict(inputs_of(found, rows, self.options)).numpy()
        return logits


def _rate(number: int, fit: FitOptions) -> float:
    """Return the learning rate of a round: it rises in the first, and falls along half a cosine to a twentieth."""
    along = 0.5 * (1.0 + np.cos(np.pi * (number - 1) / max(fit.rounds - 1, 1)))
    return float(fit.learning_rate * (0.05 + 0.95 * along) * (0.3 if number == 1 else 1.0))


@dataclass
class _Views:
    """What training sees of its n objects: in every round other parts of the light curves, with other noise."""

    points: Points
    hosts: Hosts
    options: NetworkOptions
    softening: float
    fit: FitOptions
    rng: np.random.Generator
    scale: FeatureScale | None = field(init=False, default=None)
    _seed: int = field(init=False, default=0)
    _features: dict[int, NDArray[np.float32]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.options.sees_features:
            self._seed = int(self.rng.integers(2**63))
            first = self._measured(0, self._view(0))
            self.scale = FeatureScale.of(first)
            self._features[0] = self.scale(first)

    def of_round(self, number: int) -> Sequences:
        """Return what is seen in a round, from 1."""
        if self.scale is None:
            return _sequences(training_view(self.points, self.rng, self.fit), self.options, self.softening)
        k = (number - 1) % self._number
        view = self._view(k)
        return replace(_sequences(view, self.options, self.softening), features=self._features_of(k, view))

    @property
    def features(self) -> NDArray[np.float32]:
        """What a network sees of the features in all views, shape (v, n, 2 f)."""
        return np.stack([self._features_of(k, self._view(k)) for k in range(self._number)])

    @property
    def _number(self) -> int:
        return VIEWS if self.options.has_trees else _VIEWS_WITH_FEATURES

    def _features_of(self, k: int, view: Points) -> NDArray[np.float32]:
        assert self.scale is not None
        if k not in self._features:
            self._features[k] = self.scale(self._measured(k, view))
        return self._features[k]

    def _measured(self, k: int, view: Points) -> Array:
        x = hand_made_features(of_the_transient(view))
        if not self.options.sees_host:
            return x
        return with_host(x, self.hosts.hidden(np.random.default_rng([self._seed, k, 1]).random(len(x)) < _HIDDEN_HOSTS))

    def _view(self, k: int) -> Points:
        return training_view(self.points, np.random.default_rng([self._seed, k]), self.fit)


def training_view(points: Points, rng: np.random.Generator, fit: FitOptions) -> Points:
    """Return objects as a round of training shows them: a part of each light curve, fewer points, and more noise."""
    n = len(points.segments)
    fraction = np.where(rng.random(n) < _WHOLE, 1.0, rng.uniform(_LEAST_FRACTION, 1.0, n))
    part = beginnings(points, fraction)
    lost = rng.uniform(0.0, fit.lost_points, n)[part.segments.index]
    kept = rng.random(len(part.time)) >= lost
    # Something is always left: the last point says how late it is.
    kept[part.segments.offsets[1:][part.segments.counts > 0] - 1] = True
    part = part.select(kept)
    noise = np.where(part.detected, fit.noise * rng.standard_normal(len(part.time)) * part.flux_err, 0.0)
    values: dict[str, Any] = {name: getattr(part, name) for name in part.__dataclass_fields__}
    return Points(**{**values, "flux": part.flux + noise})


def _sequences(
    points: Points,
    options: NetworkOptions,
    softening: float,
    scale: FeatureScale | None = None,
    hosts: Hosts | None = None,
) -> Sequences:
    """Return sequences of any number of objects; in chunks, for what is made on the way is larger."""
    n = len(points.segments)
    parts = []
    for begin in range(0, n, _CHUNK):
        rows = np.arange(begin, min(begin + _CHUNK, n))
        chunk = points.beginnings(rows, points.segments.counts[rows])
        parts.append(network_inputs(chunk, options, softening, scale, None if hosts is None else hosts.select(rows)))
    return Sequences(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.mask for part in parts]),
        np.concatenate([part.time for part in parts]),
        None if scale is None else np.concatenate([part.features for part in parts if part.features is not None]),
    )
