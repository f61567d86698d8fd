"""
Networks of `ampel_followup.models.attention_networks` as ONNX: written from their weights, node by node.

A GRU is one ONNX operator, where exporters unroll it or make a loop; the result is small and fast, and the same
weights give the same bytes. Needs onnx (the ``train`` extra). Opset 17, so that every onnxruntime of the last years
runs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.models.attention_networks import LAYER_EPSILON, MASKED, Weights
from ampel_followup.models.attention_options import NetworkOptions
from ampel_followup.models.attention_trees import NetworkTrees

# Of Keras's batch normalisation.
_BATCH_EPSILON = 1e-3


def network_to_onnx(
    weights: Weights,
    options: NetworkOptions,
    n_classes: int,
    temperature: float = 1.0,
    trees: NetworkTrees | None = None,
    share: float = 0.0,
) -> bytes:
    """
    Write a network as ONNX.

    Parameters
    ----------
    weights : mapping of str to ndarray
        `Network.weights`.
    options : NetworkOptions
    n_classes : int
        k.
    temperature : float
        Logits are divided by it (Guo et al. 2017).
    trees : NetworkTrees, optional
        That stand beside it, if it sees features.
    share : float
        Of their logits in those of both, from 0 to 1.

    Returns
    -------
    bytes
        Inputs ``values`` (n, T, c), if it sees epochs ``mask`` (n, T), and if it sees any ``features`` (n, f), float32;
        any n and any T of epochs. Outputs ``probabilities`` (n, k) and ``attention`` (n, T).
    """
    from onnx import TensorProto, helper

    graph = _Graph(weights, options)
    steps = options.steps if options.on_grid else "t"
    inputs = [helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n", steps, options.channels])]
    if options.on_grid:
        states = graph.recurrent()
        if options.kind == "gru":
            last = graph.integers([options.steps - 1])
            context = graph.add("Squeeze", graph.add("Gather", states, last, axis=1), graph.integers([1]))
            one_hot = np.eye(options.steps, dtype=np.float32)[-1]
            zeros = graph.add("Mul", graph.add("ReduceMax", states, axes=[2], keepdims=0), graph.number(0.0))
            graph.add("Add", zeros, graph.constant(one_hot), output="attention")
        else:
            context = graph.self_attention(states, None)
    else:
        inputs.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n", steps]))
        bias = graph.add("Mul", graph.add("Sub", graph.number(1.0), "mask"), graph.number(MASKED))
        context = graph.self_attention(graph.transformer(bias), bias)
    if options.sees_features:
        inputs.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", options.feature_channels]))
        context = graph.add("Concat", context, graph.above_features(), axis=-1)
    logits = graph.dense(context, "classes")
    opsets = [helper.make_opsetid("", 17)]
    if trees is not None:
        logits = graph.add("Mul", logits, graph.number(1.0 - share))
        logits = graph.add("Add", logits, graph.add("Mul", graph.trees(trees), graph.number(share)))
        opsets.append(helper.make_opsetid("ai.onnx.ml", 3))
    logits = graph.add("Div", logits, graph.number(temperature))
    graph.add("Softmax", logits, axis=-1, output="probabilities")
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", n_classes]),
        helper.make_tensor_value_info("attention", TensorProto.FLOAT, ["n", steps]),
    ]
    made = helper.make_graph(graph.nodes, f"{options.kind} classifier", inputs, outputs, graph.constants)
    model = helper.make_model(made, opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes and constants of a network, in the order in which they were added."""

    def __init__(self, weights: Weights, options: NetworkOptions) -> None:
        self.weights, self.options = weights, options
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def number(self, value: float) -> str:
        return self.constant(np.array(value, dtype=np.float32))

    def integers(self, values: list[int]) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def weight(self, name: str) -> str:
        return self.constant(self.weights[name])

    def dense(self, x: str, name: str, *, heads: bool = False) -> str:
        """One fully connected layer; with `heads`, the axes of these are one again."""
        kernel, bias = self.weights[f"{name}/kernel"], self.weights.get(f"{name}/bias")
        if heads:
            kernel = kernel.reshape(self.options.units, self.options.units)
        y = self.add("MatMul", x, self.constant(kernel))
        return y if bias is None else self.add("Add", y, self.constant(bias.reshape(-1)))

    def above_features(self) -> str:
        """Two dense layers, (n, 2 u)."""
        x = "features"
        for k in "12":
            x = self.add("Relu", self.dense(x, f"features{k}"))
        return x

    def trees(self, trees: NetworkTrees) -> str:
        """Boosted trees over the features, (n, k)."""
        half = len(self.options.features)
        axis = self.integers([1])
        z = self.add("Slice", "features", self.integers([0]), self.integers([half]), axis)
        gaps = self.add("Slice", "features", self.integers([half]), self.integers([2 * half]), axis)
        missing = self.add("Greater", gaps, self.number(0.5))
        leaves = trees.leaf
        return self.add(
            "TreeEnsembleRegressor",
            self.add("Where", missing, self.number(np.nan), z),
            domain="ai.onnx.ml",
            n_targets=len(trees.baseline),
            base_values=trees.baseline.tolist(),
            nodes_treeids=trees.tree.tolist(),
            nodes_nodeids=trees.node.tolist(),
            nodes_featureids=trees.feature.tolist(),
            nodes_modes=np.where(leaves, "LEAF", "BRANCH_LEQ").tolist(),
            nodes_values=trees.threshold.tolist(),
            nodes_truenodeids=trees.left.tolist(),
            nodes_falsenodeids=trees.right.tolist(),
            nodes_missing_value_tracks_true=trees.missing_left.astype(np.int64).tolist(),
            target_treeids=trees.tree[leaves].tolist(),
            target_nodeids=trees.node[leaves].tolist(),
            target_ids=trees.target[leaves].tolist(),
            target_weights=trees.value[leaves].tolist(),
        )

    def recurrent(self) -> str:
        """Two GRU layers with batch normalisation, (n, T, u)."""
        x = self.add("Transpose", "values", perm=[1, 0, 2])
        for k in "12":
            x = self._gru(x, f"gru{k}")
            norm = {of: self.weights[f"norm{k}/{of}"] for of in ("gamma", "beta", "moving_mean", "moving_variance")}
            scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + np.float32(_BATCH_EPSILON))
            x = self.add("Mul", x, self.constant(scale))
            x = self.add("Add", x, self.constant(norm["beta"] - scale * norm["moving_mean"]))
        return self.add("Transpose", x, perm=[1, 0, 2])

    def _gru(self, x: str, name: str) -> str:
        """Keras's GRU with the reset gate after the matrix product, (T, n, u): gates come in the same order."""
        kernel, recurrent, bias = (self.weights[f"{name}/{of}"] for of in ("kernel", "recurrent_kernel", "bias"))
        hidden = len(recurrent)
        every = self.add(
            "GRU",
            x,
            self.constant(kernel.T[None]),
            self.constant(recurrent.T[None]),
            self.constant(bias.reshape(1, -1)),
            hidden_size=hidden,
            linear_before_reset=1,
        )
        return self.add("Squeeze", every, self.integers([1]))

    def transformer(self, bias: str) -> str:
        """Blocks of multi-head attention, (n, T, u)."""
        options = self.options
        depth = options.units // options.heads
        split, join = self.integers([0, 0, options.heads, depth]), self.integers([0, 0, options.units])
        masked = self.add("Unsqueeze", bias, self.integers([1, 2]))
        h = self.dense("values", "embed")
        for k in range(options.blocks):
            normed = self._norm(h, f"block{k}_norm1")
            query, key, value = (
                self.add(
                    "Transpose", self.add("Reshape", self.dense(normed, f"block{k}_{of}", heads=True), split), perm=perm
                )
                for of, perm in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3]))
            )
            scores = self.add("Mul", self.add("MatMul", query, key), self.number(depth**-0.5))
            seen = self.add("MatMul", self.add("Softmax", self.add("Add", scores, masked), axis=-1), value)
            joined = self.add("Reshape", self.add("Transpose", seen, perm=[0, 2, 1, 3]), join)
            h = self.add("Add", h, self.dense(joined, f"block{k}_out", heads=True))
            wide = self.add("Relu", self.dense(self._norm(h, f"block{k}_norm2"), f"block{k}_wide"))
            h = self.add("Add", h, self.dense(wide, f"block{k}_narrow"))
        return self._norm(h, "norm")

    def _norm(self, x: str, name: str) -> str:
        scale, offset = self.weight(f"{name}/gamma"), self.weight(f"{name}/beta")
        return self.add("LayerNormalization", x, scale, offset, axis=-1, epsilon=LAYER_EPSILON)

    def self_attention(self, states: str, bias: str | None) -> str:
        """Return the context (n, r · u), and make the output ``attention``."""
        scores = self.dense(self.add("Tanh", self.dense(states, "attention1")), "attention2")
        scores = self.add("Transpose", scores, perm=[0, 2, 1])
        if bias is not None:
            scores = self.add("Add", scores, self.add("Unsqueeze", bias, self.integers([1])))
        weights = self.add("Softmax", scores, axis=-1)
        self.add("ReduceMean", weights, axes=[1], keepdims=0, output="attention")
        flat = self.integers([0, self.options.rows * self.options.units])
        return self.add("Reshape", self.add("MatMul", weights, states), flat)
