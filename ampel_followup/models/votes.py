"""
The votes of a forest for many possible spectra of one object, compiled; needs the ``numba`` extra.

All possible spectra of an object share its photometric features. So a tree is walked once per object, not once per
spectrum: a node that asks for a photometric feature sends all of them the same way, and only at one that asks for a
spectral feature do they part. Which of them are still together is a set of bits: the spectra with a feature up to some
threshold are the first few in the order of that feature, so that a node costs a bisection and a few bit operations
however many spectra there are.

The probabilities are those of `OnnxClassifier` on the same model to single precision, which is what ONNX adds up in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError
from ampel_followup.models.classifier import encode

Array = NDArray[np.float64]

#: A node asks whether a feature is up to a threshold, and goes on to `yes` or `no`; a leaf has the feature `LEAF`.
#: Together in memory, for a walk down a tree reads all four; unsigned, for such indices need no check of their sign.
NODE = np.dtype([("feature", np.uint32), ("threshold", np.float32), ("yes", np.uint32), ("no", np.uint32)])

#: Feature of a leaf: beyond all others.
LEAF = 2**32 - 1


@dataclass(frozen=True, slots=True)
class VotingForest:
    """
    A random forest of m nodes and T trees, as arrays.

    Parameters
    ----------
    nodes : structured ndarray of `NODE`, shape (m,)
        The trees one after the other, each from its root.
    roots : ndarray of uint32, shape (T,)
        First node of each tree.
    depth : int
        Nodes on the longest way from a root to a leaf.
    first_vote : ndarray of int32, shape (m + 1,)
        Node j casts the votes ``first_vote[j]`` to ``first_vote[j + 1] - 1``: none but at leaves.
    vote_class, vote_weight : ndarray of int32 and of float64, shape (number of votes,)
        Class that a vote is for, and what it adds to its probability.
    n_classes : int
        Number of classes C.
    """

    nodes: NDArray[np.void]
    roots: NDArray[np.uint32]
    depth: int
    first_vote: NDArray[np.int32]
    vote_class: NDArray[np.int32]
    vote_weight: Array
    n_classes: int

    @classmethod
    def from_onnx(cls, model: bytes, name: str) -> VotingForest:
        """
        Read a forest that `ampel_followup.models.classifier.forest_to_onnx` wrote.

        Parameters
        ----------
        model : bytes
            The serialised model.
        name : str
            What to call it in errors.

        Raises
        ------
        BundleError
            If the bytes are no such model.
        """
        import onnx

        try:
            graph = onnx.load_model_from_string(model).graph
        except Exception as error:  # protobuf's own class of errors is not public
            raise BundleError(f"model {name} is not ONNX ({error}); make the bundle again") from error
        nodes = [node for node in graph.node if node.op_type == "TreeEnsembleClassifier"]
        if len(nodes) != 1:
            raise BundleError(f"model {name} is not one forest but has {len(nodes)}; use OnnxClassifier for it")
        found = {a.name: onnx.helper.get_attribute_value(a) for a in nodes[0].attribute}
        modes = np.array(found["nodes_modes"])
        if not np.isin(modes, (b"BRANCH_LEQ", b"LEAF")).all() or found.get("post_transform", b"NONE") != b"NONE":
            raise BundleError(
                f"model {name} is a forest of another kind than scikit-learn's; use OnnxClassifier for it"
            )
        return cls._from_attributes(found, modes == b"LEAF")

    @classmethod
    def _from_attributes(cls, found: dict[str, Any], leaf: NDArray[np.bool_]) -> VotingForest:
        tree = np.array(found["nodes_treeids"])
        roots = np.flatnonzero(np.diff(tree, prepend=-1)).astype(np.uint32)
        root = roots[np.searchsorted(tree[roots], tree)]
        nodes = np.empty(len(tree), dtype=NODE)
        nodes["feature"] = np.where(leaf, LEAF, found["nodes_featureids"])
        nodes["threshold"] = found["nodes_values"]
        for child, attribute in (("yes", "nodes_truenodeids"), ("no", "nodes_falsenodeids")):
            nodes[child] = np.where(leaf, 0, found[attribute] + root)
        at = roots[np.searchsorted(tree[roots], found["class_treeids"])] + np.array(found["class_nodeids"])
        weight, to = np.array(found["class_weights"], dtype=np.float64), np.array(found["class_ids"])
        n_classes = len(found.get("classlabels_int64s") or found["classlabels_strings"])
        if n_classes == 2 and len(np.unique(to)) == 1:
            # Of two classes ONNX knows the second one's votes alone; the others are for the first.
            second = np.bincount(at, weights=weight, minlength=len(tree))[leaf]
            at, to = np.tile(np.flatnonzero(leaf), 2), np.repeat([0, 1], len(second))
            weight = np.concatenate([1.0 / len(roots) - second, second])
        order = np.argsort(at, kind="stable")
        return cls(
            nodes,
            roots,
            _depth(nodes, roots),
            np.searchsorted(at[order], np.arange(len(nodes) + 1)).astype(np.int32),
            to[order].astype(np.int32),
            weight[order],
            n_classes,
        )

    def predict_proba(self, x: Array) -> Array:
        """Return class probabilities, shape (n, C), of features, shape (n, k), NaN = not measured."""
        from ampel_followup.models.compiled import add_votes_of_rows

        p = np.zeros((len(x), self.n_classes))
        add_votes_of_rows(
            self.nodes, self.roots, self.first_vote, self.vote_class, self.vote_weight, encode(x), p
        )  # fmt: skip
        p /= p.sum(axis=1, keepdims=True)
        return p

    def predict_joint(self, x_t: Array, x_s: Array) -> Array:
        """
        Class probabilities of n objects with N possible spectra each.

        Parameters
        ----------
        x_t : ndarray, shape (n, k)
            Photometric features, the first of the forest's; NaN = not measured.
        x_s : ndarray, shape (n, N, d)
            Spectral features, the others.

        Returns
        -------
        ndarray, shape (n, N, C)
            Each row sums to 1. It does not depend on the other rows, to the last bit.
        """
        from ampel_followup.models.compiled import add_votes

        n, n_spectra, _ = x_s.shape
        p = np.zeros((n, n_spectra, self.n_classes))
        values = encode(x_s)
        order = np.argsort(values, axis=1, kind="stable")
        add_votes(
            self.nodes, self.roots, self.depth, self.first_vote, self.vote_class, self.vote_weight,
            encode(x_t), np.take_along_axis(values, order, axis=1), order, p,
        )  # fmt: skip
        p /= p.sum(axis=2, keepdims=True)
        return p


def _depth(nodes: NDArray[np.void], roots: NDArray[np.uint32]) -> int:
    """Nodes on the longest way down."""
    depth, level = 0, roots
    while len(level):
        depth += 1
        inner = nodes[level][nodes["feature"][level] != LEAF]
        level = np.concatenate([inner["yes"], inner["no"]])
    return depth
