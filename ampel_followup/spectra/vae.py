r"""
Variational autoencoder of spectra (Kingma & Welling 2013), as in Astudillo et al. (2020, sections 3.2, 5.3 and 7.1).

Maximises, over the weights of an encoder q(z|x) = N(μ(x), diag σ²(x)) and a decoder x̂(z), the bound

.. math::
    \mathcal{L} = E_{q(z|x)}\left[-\frac{\|x - \hat{x}(z)\|^2}{2 s^2}\right] - \beta \, KL(q(z|x) \,\|\, N(0, I))

where β rises from 0 to 1 in the first epochs (KL annealing; Bowman et al. 2015), so that the network first learns to
reconstruct and then to order its latent space. Encoder and decoder are fully connected with ReLU; the output is a
sigmoid, since spectra are scaled to [0, 1]. The features of a spectrum are μ(x). What the paper leaves open is the
scale s of the residuals, which decides how much a latent dimension must explain to be worth its KL.

TensorFlow trains, and is imported when training starts; what comes out are plain arrays.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError, SpectrumError

Array = NDArray[np.float64]

#: A fully connected layer: weights (inputs, outputs) and biases (outputs,).
Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class VaeOptions:
    """
    How to train.

    Parameters
    ----------
    width : float
        Of the hidden layers, relative to the paper's.
    epochs : int
        At most; the paper's 100.
    anneal : float
        Share of the epochs during which β rises, 0 to 1.
    patience : int
        Epochs without a better bound on the validation set after which training stops (once β = 1).
    batch_size : int
    learning_rate : float
        Of Adam.
    residual : float
        s, standard deviation of the residual of a bin, in the unit of the scaled flux.
    """

    width: float = 1.0
    epochs: int = 100
    anneal: float = 0.3
    patience: int = 15
    batch_size: int = 64
    learning_rate: float = 1e-3
    residual: float = 0.1

    def __post_init__(self) -> None:
        for name, value in (("width", self.width), ("learning_rate", self.learning_rate), ("residual", self.residual)):
            if not 0.0 < value < np.inf:
                raise SpectrumError(f"{name} = {value} of the autoencoder is not positive; give a positive number")
        for name, count in (("epochs", self.epochs), ("patience", self.patience), ("batch_size", self.batch_size)):
            if count < 1:
                raise SpectrumError(f"{name} = {count} of the autoencoder is less than 1; give a whole number from 1")
        if not 0.0 <= self.anneal <= 1.0:
            raise SpectrumError(f"anneal = {self.anneal} is no share of the epochs; give 0 to 1")


@dataclass(frozen=True, eq=False)
class Autoencoder:
    """
    A trained autoencoder.

    Parameters
    ----------
    encoder : tuple of Layer
        The last gives μ, shape (…, d).
    decoder : tuple of Layer
    kl : ndarray, shape (d,)
        Mean KL of each latent dimension on the validation set [nat]; near 0, the dimension is not used.
    epochs : int
        That it was trained for.
    best_epoch : int
        The one whose weights these are, from 1.
    """

    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]
    kl: Array
    epochs: int
    best_epoch: int

    def encode(self, spectra: NDArray[np.floating]) -> Array:
        """Return the features μ, shape (n, d), of scaled spectra, shape (n, n_bins)."""
        return _through(self.encoder, spectra).astype(np.float64)

    def decode(self, features: NDArray[np.floating]) -> Array:
        """Return the scaled spectra, shape (n, n_bins), that features, shape (n, d), stand for."""
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * _through(self.decoder, features).astype(np.float64))))

    def reconstruct(self, spectra: NDArray[np.floating]) -> Array:
        """Return what is left of scaled spectra, shape (n, n_bins), after encoding and decoding."""
        return self.decode(self.encode(spectra))


def hidden_units(n_bins: int, d: int, width: float = 1.0) -> tuple[int, int, int]:
    """
    Return the units of the three hidden layers: in equal steps from n_bins to d, times the width.

    With 3,794 bins, d = 7 and width 1 these are the paper's 2,847, 1,900 and 953.
    """
    first, second, third = (max(d, int(width * (n_bins - k * (n_bins - d) / 4))) for k in (1, 2, 3))
    return first, second, third


def r_squared(spectra: Array, reconstructed: Array) -> float:
    """
    Return R² = 1 − Σ(x − x̂)² / Σ(x − x̄)² over all spectra and bins, shapes (n, n_bins); x̄ is the mean *of each bin*.

    Against one mean of all bins, the shape that all spectra share would count as explained, and every R² be larger.
    """
    total = ((spectra - spectra.mean(axis=0)) ** 2).sum()
    return float(1.0 - ((spectra - reconstructed) ** 2).sum() / total) if total > 0.0 else float("nan")


def fit_autoencoder(
    training: Array,
    validation: Array,
    d: int,
    rng: np.random.Generator,
    options: VaeOptions | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> Autoencoder:
    """
    Train an autoencoder.

    Parameters
    ----------
    training : ndarray, shape (n, n_bins)
        Scaled to [0, 1].
    validation : ndarray, shape (m, n_bins)
        Spectra of other objects: they say when to stop.
    d : int
        Dimensions of the latent space.
    rng : numpy.random.Generator
        Initial weights, order of the spectra and draws of z; the same generator gives the same weights on the same
        machine.
    options : VaeOptions, optional
    on_epoch : callable, optional
        Called with the number of each finished epoch.

    Raises
    ------
    SpectrumError
        If the spectra are not on one grid or not scaled.
    FollowupError
        If TensorFlow is not installed.
    """
    options = options or VaeOptions()
    n_bins = training.shape[1]
    if d < 1 or d >= n_bins:
        raise SpectrumError(f"d = {d} latent dimensions for {n_bins} bins; give 1 to {n_bins - 1}")
    if validation.shape[1] != n_bins or not len(training) or not len(validation):
        raise SpectrumError(
            f"spectra of shapes {training.shape} and {validation.shape} to train and validate on; "
            "both need at least one spectrum, on the same grid"
        )
    for part in (training, validation):
        if not (part.min() >= 0.0 and part.max() <= 1.0):  # False for NaN, too
            raise SpectrumError("spectra to train on are not within 0 and 1; scale them with scale_to_unit")
    keras, tf = _tensorflow()
    units = hidden_units(n_bins, d, options.width)
    encoder = _dense(keras, rng, n_bins, (*units, 2 * d))
    decoder = _dense(keras, rng, d, (*units[::-1], n_bins))
    optimizer = keras.optimizers.Adam(options.learning_rate)
    variables = encoder.trainable_variables + decoder.trainable_variables
    optimizer.build(variables)

    def bound(x: Any, noise: Any) -> tuple[Any, Any]:
        """Return the reconstruction's share of the bound and the KL per dimension (d,): means over the spectra."""
        mean, log_variance = tf.split(encoder(x), 2, axis=1)
        log_variance = tf.clip_by_value(log_variance, -12.0, 6.0)  # exp() of early outliers would overflow
        output = tf.sigmoid(decoder(mean + tf.exp(0.5 * log_variance) * noise))
        misfit = tf.reduce_sum(tf.square(x - output), axis=1) / (2.0 * options.residual**2)
        kl = 0.5 * (tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0)
        return tf.reduce_mean(misfit), tf.reduce_mean(kl, axis=0)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(x: Any, noise: Any, beta: Any) -> None:
        with tf.GradientTape() as tape:
            misfit, kl = bound(x, noise)
            loss = misfit + beta * tf.reduce_sum(kl)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    evaluate = tf.function(bound)
    x_train, x_valid = tf.constant(training, tf.float32), tf.constant(validation, tf.float32)
    valid_noise = tf.constant(rng.standard_normal((len(validation), d)), tf.float32)
    rising = max(1, round(options.anneal * options.epochs))
    best, best_epoch, epoch = np.inf, 0, 0
    weights, best_kl = [v.numpy() for v in variables], np.zeros(d)
    for epoch in range(1, options.epochs + 1):
        beta = tf.constant(min(1.0, (epoch - 1) / rising), tf.float32)
        order = rng.permutation(len(training))
        noise = rng.standard_normal((len(training), d)).astype(np.float32)
        for start in range(0, len(order), options.batch_size):
            batch = order[start : start + options.batch_size]
            step(tf.gather(x_train, batch), tf.constant(noise[batch]), beta)
        misfit, kl = evaluate(x_valid, valid_noise)
        loss = float(misfit) + float(np.sum(kl))  # β = 1 in every epoch, so that they can be compared
        if loss < best:
            best, best_epoch = loss, epoch
            weights, best_kl = [v.numpy() for v in variables], np.asarray(kl, dtype=np.float64)
        if on_epoch is not None:
            on_epoch(epoch)
        if epoch > rising and epoch - best_epoch >= options.patience:
            break
    layers = [(weights[k], weights[k + 1]) for k in range(0, len(weights), 2)]
    n_encoder = len(units) + 1
    last_w, last_b = layers[n_encoder - 1]
    layers[n_encoder - 1] = (last_w[:, :d], last_b[:d])  # μ; σ is for training only
    return Autoencoder(tuple(layers[:n_encoder]), tuple(layers[n_encoder:]), best_kl, epoch, best_epoch)


def _tensorflow() -> tuple[Any, Any]:
    # oneDNN rounds in an order of its own, reports that on standard error, and is no faster for layers of this size.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return importlib.import_module("keras"), importlib.import_module("tensorflow")
    except ImportError as error:
        raise FollowupError(
            f"training an autoencoder needs TensorFlow, which cannot be imported ({error}); "
            "pip install 'ampel-followup[train]', or [train-cpu] without a GPU"
        ) from error


def _dense(keras: Any, rng: np.random.Generator, n_inputs: int, units: tuple[int, ...]) -> Any:
    """Return fully connected layers, ReLU between them, the last one linear."""
    layers = [keras.Input((n_inputs,))]
    for k, n in enumerate(units):
        start = keras.initializers.GlorotUniform(seed=int(rng.integers(2**31)))
        layers.append(keras.layers.Dense(n, "relu" if k < len(units) - 1 else None, kernel_initializer=start))
    return keras.Sequential(layers)


def _through(layers: tuple[Layer, ...], x: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the last layer's output before its activation; ReLU after the others."""
    y = np.asarray(x, dtype=np.float32)
    for weights, biases in layers[:-1]:
        y = np.maximum(y @ weights + biases, 0.0)
    weights, biases = layers[-1]
    return np.asarray(y @ weights + biases, dtype=np.float32)
