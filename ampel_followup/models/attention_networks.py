r"""
Networks that classify light curves as sequences, in Keras 3: with and without attention, and with features besides.

``gru`` and ``attention-gru`` are those of the poster "Pay attention to the flare" (A. Ibsen): two GRU layers, each with
dropout and batch normalisation, over a grid of times. The first reads its last state; the second, with the states
:math:`H` of shape (T, u), a context by self-attention (Lin et al. 2017, equations 6 and 8),

.. math:: A = \operatorname{softmax}(W_2 \tanh(W_1 H^T)), \qquad M = A H,

where :math:`W_1` is (d_a, u) and :math:`W_2` is (r, d_a); classes are linear in :math:`M`.

``time-attention`` sees epochs as they were observed, with a time encoding in place of a grid. Blocks of multi-head
attention (Vaswani et al. 2017; normalisation first, as Xiong et al. 2020) take the place of the GRUs, and the same
self-attention reads them, so that it can be shown where the network looks. What is no epoch is masked.

``feature-attention`` is the same, and two dense layers over hand-made features
(`ampel_followup.features.hand_made`) beside it: classes are linear in both. What takes a fit of all bands is measured,
and what is left over is learned. ``pooled-attention`` is that network once more; boosted trees over the same features,
which are grown after it, add to its logits (`ampel_followup.models.attention_trees`).

Keras is imported when a network is built; what runs is ONNX (`ampel_followup.models.attention_onnx`).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.models.attention_options import NetworkOptions

Weights = Mapping[str, NDArray[np.float32]]

#: Of layer normalisation, and what is added to the scores of masked epochs.
LAYER_EPSILON, MASKED = 1e-6, -1e9


@dataclass(frozen=True)
class Network:
    """
    A network to train.

    Parameters
    ----------
    logits : keras.Model
        From the list of inputs to logits (n, k): values (n, T, c), the mask (n, T) as numbers if it sees epochs, and
        the features (n, f) if it sees any.
    looks : keras.Model
        The same layers, with the attention (n, T) as second output.
    options : NetworkOptions
    """

    logits: Any
    looks: Any
    options: NetworkOptions

    def start(self, rng: np.random.Generator) -> None:
        """Set all weights as Keras does by default, and the seeds of dropout, out of one generator."""
        for layer in self.looks.layers:
            if hasattr(layer, "seed_generator") and layer.seed_generator is not None:
                layer.seed_generator.state.assign(rng.integers(2**31, size=2))
            for variable in layer.weights:
                if not variable.name.startswith("seed"):
                    variable.assign(_initial(variable.name, tuple(variable.shape), rng))

    @property
    def order(self) -> list[str]:
        """Names of the weights, by layer and name such as ``gru1/kernel``, in the order in which Keras keeps them."""
        return [
            f"{layer.name}/{variable.name}"
            for layer in self.looks.layers
            for variable in layer.weights
            if not variable.name.startswith("seed")
        ]

    @property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Weights by name."""
        values = (np.asarray(value, dtype=np.float32) for value in self.looks.get_weights())
        return dict(zip(self.order, values, strict=True))


def _initial(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return Glorot's uniform kernels, orthogonal recurrent ones, and normalisation that changes nothing."""
    if name == "recurrent_kernel":
        q, r = np.linalg.qr(rng.standard_normal(shape[::-1]))
        return np.asarray((q * np.sign(np.diag(r))).T, dtype=np.float32)
    if name == "kernel":
        # A kernel of three axes has two of them for the heads, which make up the width again.
        limit = np.sqrt(6.0 / (sum(shape) if len(shape) == 2 else 2 * max(shape)))
        return rng.uniform(-limit, limit, shape).astype(np.float32)
    return np.full(shape, float(name in ("gamma", "moving_variance")), dtype=np.float32)


def tensorflow() -> tuple[Any, Any]:
    """
    Import Keras and TensorFlow.

    Raises
    ------
    FollowupError
        If they cannot be imported.
    """
    # oneDNN rounds in an order of its own, and reports that on standard error.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        return importlib.import_module("keras"), importlib.import_module("tensorflow")
    except ImportError as error:
        raise FollowupError(
            f"training a network needs TensorFlow, which cannot be imported ({error}); "
            "pip install 'ampel-followup[train]', or [train-cpu] without a GPU"
        ) from error


def build_network(options: NetworkOptions, n_classes: int) -> Network:
    """
    Build a network; `Network.start` gives it random weights.

    Parameters
    ----------
    options : NetworkOptions
    n_classes : int
        k.

    Raises
    ------
    FollowupError
        If TensorFlow is not installed.
    """
    keras, _ = tensorflow()
    layers = _Layers(keras, options)
    values = keras.Input((options.steps if options.on_grid else None, options.channels), name="values")
    if options.on_grid:
        inputs: Any = [values]
        states = layers.recurrent(values)
        if options.kind == "gru":
            context = states[:, -1]
            # What it reads is its last state.
            attention = keras.ops.zeros_like(states[:, :, 0]) + keras.ops.one_hot(options.steps - 1, options.steps)
        else:
            context, attention = layers.self_attention(states, None)
    else:
        mask = keras.Input((None,), name="mask")
        inputs = [values, mask]
        bias = (1.0 - mask) * MASKED
        context, attention = layers.self_attention(layers.transformer(values, bias), bias)
        context = layers.dropout(context)
    if options.sees_features:
        features = keras.Input((options.feature_channels,), name="features")
        inputs.append(features)
        context = keras.ops.concatenate([context, layers.above_features(features)], axis=-1)
    logits = layers.dense(context, n_classes, "classes")
    return Network(keras.Model(inputs, logits), keras.Model(inputs, [logits, attention]), options)


@dataclass
class _Layers:
    """Layers as the options say."""

    keras: Any
    options: NetworkOptions

    def dense(self, x: Any, units: int, name: str, activation: str | None = None, bias: bool = True) -> Any:
        return self.keras.layers.Dense(units, activation, use_bias=bias, name=name)(x)

    def dropout(self, x: Any) -> Any:
        return self.keras.layers.Dropout(self.options.dropout)(x)

    def above_features(self, x: Any) -> Any:
        """Two dense layers, (n, 2 u)."""
        for name in "12":
            x = self.dropout(self.dense(x, 2 * self.options.units, f"features{name}", "relu"))
        return x

    def recurrent(self, x: Any) -> Any:
        """Two GRU layers, (n, T, u)."""
        for name in "12":
            # Unrolled: TensorFlow's loop over the steps costs more than what is in it.
            layer = self.keras.layers.GRU(self.options.units, return_sequences=True, unroll=True, name=f"gru{name}")
            x = self.keras.layers.BatchNormalization(name=f"norm{name}")(self.dropout(layer(x)))
        return x

    def transformer(self, x: Any, bias: Any) -> Any:
        """Blocks of multi-head attention, (n, T, u)."""
        ops, options = self.keras.ops, self.options
        depth = options.units // options.heads

        def heads(part: Any, name: str) -> Any:
            shape = (options.heads, None, depth)
            return self.keras.layers.EinsumDense("ntu,uhd->nhtd", shape, bias_axes="hd", name=name)(part)

        h = self.dense(x, options.units, "embed")
        for k in range(options.blocks):
            normed = self._norm(h, f"block{k}_norm1")
            query, key, value = (heads(normed, f"block{k}_{of}") for of in "qkv")
            scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) * depth**-0.5
            seen = ops.matmul(ops.softmax(scores + bias[:, None, None, :], axis=-1), value)
            joined = self.keras.layers.EinsumDense(
                "nhtd,hdu->ntu", (None, options.units), bias_axes="u", name=f"block{k}_out"
            )(seen)
            h = h + self.dropout(joined)
            wide = self.dense(self._norm(h, f"block{k}_norm2"), 2 * options.units, f"block{k}_wide", "relu")
            h = h + self.dropout(self.dense(wide, options.units, f"block{k}_narrow"))
        return self._norm(h, "norm")

    def _norm(self, x: Any, name: str) -> Any:
        return self.keras.layers.LayerNormalization(epsilon=LAYER_EPSILON, name=name)(x)

    def self_attention(self, states: Any, bias: Any | None) -> tuple[Any, Any]:
        """Return the context (n, r · u), and the mean weight of each step (n, T)."""
        ops, options = self.keras.ops, self.options
        scores = self.dense(states, options.attention_units, "attention1", "tanh", bias=False)
        scores = ops.transpose(self.dense(scores, options.rows, "attention2", bias=False), (0, 2, 1))
        weights = ops.softmax(scores if bias is None else scores + bias[:, None, :], axis=-1)
        context = self.keras.layers.Flatten()(ops.matmul(weights, states))
        return context, ops.mean(weights, axis=1)
