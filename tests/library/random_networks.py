"""Networks with attention whose weights are random, of the shapes that Keras gives them: made without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ampel_followup.features.hand_made import VERSIONS
from ampel_followup.learning.attention_trees import grow_trees
from ampel_followup.models.attention_bundle import AttentionModel, save_attention_bundle
from ampel_followup.models.attention_onnx import network_to_onnx
from ampel_followup.models.attention_options import NetworkOptions


def weights_of(options: NetworkOptions, n_classes: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return random weights of the shapes that Keras gives them."""
    u, c = options.units, options.channels
    shapes: dict[str, tuple[int, ...]] = {}
    if options.on_grid:
        for k, inputs in (("1", c), ("2", u)):
            shapes |= {f"gru{k}/kernel": (inputs, 3 * u), f"gru{k}/recurrent_kernel": (u, 3 * u)}
            shapes |= {f"gru{k}/bias": (2, 3 * u)}
            shapes |= {f"norm{k}/{of}": (u,) for of in ("gamma", "beta", "moving_mean", "moving_variance")}
    else:
        depth = u // options.heads
        shapes |= {"embed/kernel": (c, u), "embed/bias": (u,), "norm/gamma": (u,), "norm/beta": (u,)}
        for k in range(options.blocks):
            b = f"block{k}_"
            for of in "qkv":
                shapes |= {f"{b}{of}/kernel": (u, options.heads, depth), f"{b}{of}/bias": (options.heads, 1, depth)}
            shapes |= {f"{b}out/kernel": (options.heads, depth, u), f"{b}out/bias": (u,)}
            shapes |= {f"{b}wide/kernel": (u, 2 * u), f"{b}wide/bias": (2 * u,)}
            shapes |= {f"{b}narrow/kernel": (2 * u, u), f"{b}narrow/bias": (u,)}
            shapes |= {f"{b}norm{j}/{of}": (u,) for j in (1, 2) for of in ("gamma", "beta")}
    inputs = u
    if options.kind != "gru":
        shapes |= {"attention1/kernel": (u, options.attention_units)}
        shapes |= {"attention2/kernel": (options.attention_units, options.rows)}
        inputs = u * options.rows
    if options.sees_features:
        shapes |= {"features1/kernel": (options.feature_channels, 2 * u), "features1/bias": (2 * u,)}
        shapes |= {"features2/kernel": (2 * u, 2 * u), "features2/bias": (2 * u,)}
        inputs += 2 * u
    shapes |= {"classes/kernel": (inputs, n_classes), "classes/bias": (n_classes,)}
    return {name: np.abs(rng.normal(0.0, 0.3, shape)).astype(np.float32) for name, shape in shapes.items()}


def saved(folder: Path, options: NetworkOptions, rng: np.random.Generator, n_classes: int = 3) -> AttentionModel:
    """Write a bundle with random weights and, if it has any, trees that were grown on random features."""
    info = {
        "name": "mine",
        "version": "1",
        "created": "2026-11-28",
        "description": "",
        "classes": [f"class {k}" for k in range(n_classes)],
        "softening": 3.0,
        "temperature": 1.5,
        "training": {},
        "metrics": {},
    }
    if options.sees_features:
        k = len(options.features)
        info["features"] = {"sets": dict(VERSIONS), "centre": [0.0] * k, "scale": [10.0] * k}
    trees, share = None, 0.0
    if options.has_trees:
        features = rng.normal(0.0, 1.0, (1, 300, options.feature_channels)).astype(np.float32)
        trees, share = grow_trees(features, rng.integers(0, n_classes, 300), rng), 0.5
    network = network_to_onnx(weights_of(options, n_classes, rng), options, n_classes, 1.5, trees, share)
    return save_attention_bundle(folder, info, network, options)
