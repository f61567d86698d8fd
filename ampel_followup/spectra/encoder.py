"""
The trained encoder as the product runs it: ONNX and a JSON description in a folder, verified before use.

Needs neither TensorFlow nor Keras.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError, SpectrumError
from ampel_followup.spectra.grid import Grid, scale_to_unit
from ampel_followup.spectra.vae import Layer

Array = NDArray[np.float64]

_MODEL, _DESCRIPTION = "encoder.onnx", "encoder.json"
_REMEDY = "train the encoder again (ampel-followup train spectra)"


class SpectrumEncoder:
    """
    Features μ(x) of spectra by a trained encoder.

    Parameters
    ----------
    model : bytes
        ONNX: input ``x`` (n, n_bins) float32, output ``mean`` (n, d).
    info : mapping
        ``grid`` (`Grid.to_dict`), ``percentiles`` (of `scale_to_unit`) and ``min_coverage`` say how spectra are
        prepared; ``d`` is the number of features; ``onnx_sha256`` is checked.

    Raises
    ------
    BundleError
        If model and description do not fit, or were changed.
    """

    def __init__(self, model: bytes, info: Mapping[str, Any]) -> None:
        import onnxruntime

        self.info = dict(info)
        try:
            expected, grid = str(info["onnx_sha256"]), info["grid"]
            self.grid = Grid(float(grid["start"]), float(grid["end"]), int(grid["n_bins"]))
            low, high = info["percentiles"]
            self.percentiles = (float(low), float(high))
            self.min_coverage = float(info["min_coverage"])
            self.d = int(info["d"])
        except (KeyError, TypeError, ValueError, SpectrumError) as error:
            raise BundleError(f"description of the spectrum encoder is not usable ({error!r}); {_REMEDY}") from error
        digest = hashlib.sha256(model).hexdigest()
        if digest != expected:
            raise BundleError(f"{_MODEL} has SHA-256 {digest[:12]}…, its description says {expected[:12]}…; {_REMEDY}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            shapes = (self._session.get_inputs()[0].shape[1], self._session.get_outputs()[0].shape[1])
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise BundleError(f"{_MODEL} is not a usable ONNX encoder ({error}); {_REMEDY}") from error
        if shapes != (self.grid.n_bins, self.d):
            raise BundleError(
                f"{_MODEL} turns {shapes[0]} bins into {shapes[1]} features, its description says {self.grid.n_bins} "
                f"and {self.d}; {_REMEDY}"
            )

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> SpectrumEncoder:
        """
        Load an encoder from the folder that `save_encoder` wrote.

        Raises
        ------
        BundleError
            If it is not there, damaged or altered.
        """
        folder = Path(folder)
        try:
            info = json.loads((folder / _DESCRIPTION).read_bytes())
            model = (folder / _MODEL).read_bytes()
        except OSError as error:
            raise BundleError(f"cannot read {error.filename} ({error.strerror}); {_REMEDY}") from error
        except ValueError as error:
            raise BundleError(f"{folder / _DESCRIPTION} is not valid JSON ({error}); {_REMEDY}") from error
        if not isinstance(info, dict):
            raise BundleError(f"{folder / _DESCRIPTION} holds no description of an encoder; {_REMEDY}")
        return cls(model, info)

    def prepare(self, wavelength: Array, flux: Array) -> Array:
        """
        Put a spectrum on the encoder's grid and scale it, shape (n_bins,).

        Parameters
        ----------
        wavelength, flux : ndarray, shape (m,)
            As for `Grid.sample`; in the frame that the encoder was trained in.

        Raises
        ------
        SpectrumError
            If it does not cover enough of the grid.
        """
        return scale_to_unit(self.grid.sample(wavelength, flux, self.min_coverage), self.percentiles)

    def features(self, spectra: NDArray[np.floating]) -> Array:
        """
        Return the features, shape (n, d), of prepared spectra, shape (n, n_bins).

        Raises
        ------
        SpectrumError
            If they are not on the encoder's grid.
        """
        if spectra.ndim != 2 or spectra.shape[1] != self.grid.n_bins:
            raise SpectrumError(
                f"spectra of shape {spectra.shape}; the encoder takes (n, {self.grid.n_bins}): prepare() them"
            )
        if len(spectra) == 0:
            return np.empty((0, self.d))
        (mean,) = self._session.run(["mean"], {"x": np.ascontiguousarray(spectra, dtype=np.float32)})
        return np.asarray(mean, dtype=np.float64)


def save_encoder(folder: str | os.PathLike[str], layers: Sequence[Layer], info: Mapping[str, Any]) -> SpectrumEncoder:
    """
    Write an encoder to a folder, and load it from there.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    layers : sequence of Layer
        `Autoencoder.encoder`.
    info : mapping
        As for `SpectrumEncoder`, and whatever else is worth keeping; ``d`` and ``onnx_sha256`` are added.

    Raises
    ------
    BundleError
        If the folder cannot be written.
    """
    folder = Path(folder)
    model = dense_to_onnx(layers)
    description = {**info, "d": layers[-1][1].shape[0], "onnx_sha256": hashlib.sha256(model).hexdigest()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MODEL).write_bytes(model)
        (folder / _DESCRIPTION).write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise BundleError(f"cannot write the encoder to {folder} ({error.strerror}); choose another folder") from error
    return SpectrumEncoder.load(folder)


def dense_to_onnx(layers: Sequence[Layer]) -> bytes:
    """
    Write fully connected layers with ReLU between them as ONNX; needs onnx (the ``train`` extra).

    Opset 17, so that every onnxruntime of the last years runs it.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, name = [], [], "x"
    for k, (weights, biases) in enumerate(layers):
        last = k == len(layers) - 1
        constants += [numpy_helper.from_array(weights, f"w{k}"), numpy_helper.from_array(biases, f"b{k}")]
        output = "mean" if last else f"y{k}"
        nodes.append(helper.make_node("Gemm", [name, f"w{k}", f"b{k}"], [output]))
        if not last:
            nodes.append(helper.make_node("Relu", [output], [f"h{k}"]))
        name = f"h{k}"
    graph = helper.make_graph(
        nodes,
        "spectrum encoder",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", layers[0][0].shape[0]])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", layers[-1][1].shape[0]])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())
