"""
Classifiers as the product runs them: ONNX, on one thread, with the same result for an object alone or in a batch.

ONNX models load in milliseconds, run no code of their own, and do not depend on the version of the library that
trained them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError

#: Stands for "not measured" in the input of a tree ensemble: below any physical value, so that a split can isolate it.
MISSING = np.float32(-1e6)

#: Values beyond this are as extreme as trees need to know, and stay clear of `MISSING`.
EXTREME = np.float32(9e5)


class OnnxClassifier:
    """
    A probabilistic classifier in ONNX form.

    Parameters
    ----------
    model : bytes
        The serialised model: input ``x`` (n, k) float32, output ``probabilities`` (n, C).
    name : str
        What to call it in errors.
    n_classes : int
        Number of classes C.

    Raises
    ------
    BundleError
        If the bytes are not such a model.
    """

    def __init__(self, model: bytes, name: str, n_classes: int) -> None:
        import onnxruntime

        self.n_classes = n_classes
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            self.n_features = int(self._session.get_inputs()[0].shape[1])
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise BundleError(
                f"model {name} is not a usable ONNX classifier ({error}); make the bundle again"
            ) from error

    def predict_proba(self, x: NDArray[np.floating]) -> NDArray[np.float64]:
        """
        Class probabilities.

        Parameters
        ----------
        x : ndarray, shape (n, k)
            Features; NaN = not measured.

        Returns
        -------
        ndarray, shape (n, C)
            Each row sums to 1.
        """
        if len(x) == 0:
            return np.empty((0, self.n_classes))
        (p,) = self._session.run(["probabilities"], {"x": encode(x)})
        p = np.clip(p.astype(np.float64), 0.0, None)
        return np.asarray(p / p.sum(axis=1, keepdims=True))


def encode(x: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return features as trees take them: float32, within ±`EXTREME`, NaN as `MISSING`; shape as given."""
    clipped: NDArray[np.float32] = np.clip(x, -EXTREME, EXTREME).astype(np.float32)
    clipped[np.isnan(clipped)] = MISSING
    return clipped


def forest_to_onnx(forest: Any) -> bytes:
    """
    Convert a scikit-learn forest that was trained on `encode`d features; needs skl2onnx (the ``forests`` extra).

    Parameters
    ----------
    forest : sklearn.ensemble.RandomForestClassifier
        Fitted.

    Returns
    -------
    bytes
        The model, without the votes that are zero (about half of them).
    """
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    model = to_onnx(
        forest,
        initial_types=[("x", FloatTensorType([None, forest.n_features_in_]))],
        options={id(forest): {"zipmap": False}},
        target_opset={"": 18, "ai.onnx.ml": 3},
    )
    (node,) = (n for n in model.graph.node if n.op_type == "TreeEnsembleClassifier")
    attributes = {a.name: a for a in node.attribute}
    votes = np.array(attributes["class_weights"].floats)
    cast = np.flatnonzero(votes)
    for name, values in (("class_ids", "ints"), ("class_nodeids", "ints"), ("class_treeids", "ints")):
        field = getattr(attributes[name], values)
        kept = np.array(field)[cast].tolist()
        del field[:]
        field.extend(kept)
    del attributes["class_weights"].floats[:]
    attributes["class_weights"].floats.extend(votes[cast].tolist())
    return bytes(model.SerializeToString())
