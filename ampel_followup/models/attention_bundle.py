"""
The bundle of a classifier with attention: a network as ONNX, and what light curves must look like to it.

It is a folder (`ampel_followup.models.folder`) of kind "attention"; one comes with the package. TensorFlow is not
needed to run it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.attention_scores import AttentionScores
from ampel_followup.errors import BundleError, TrainingError
from ampel_followup.features.hand_made import VERSIONS, FeatureScale
from ampel_followup.features.hosts import Hosts
from ampel_followup.features.ragged import Points, stack
from ampel_followup.features.sequence import Sequences, epoch_times
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.attention_inputs import inputs_of, network_inputs
from ampel_followup.models.attention_options import NetworkOptions
from ampel_followup.models.folder import ATTENTION, Bundle, find_folder, read_folder, write_folder

Array = NDArray[np.float64]

#: The bundle that comes along.
DEFAULT_ATTENTION = "attention"

#: File of the network.
NETWORK = "attention.onnx"

#: Version of the sequences (`ampel_followup.features.sequence`): a network is good for those it was trained on.
SEQUENCE_VERSION = "1"

# Objects whose sequences are in memory at once.
_BATCH = 500


@dataclass(frozen=True)
class AttentionModel(Bundle):
    """A classifier with attention as loaded; `Bundle` says what the fields are."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the k classes."""
        return tuple(str(name) for name in self.info["classes"])

    @property
    def softening(self) -> float:
        """Of fluxes [µJy]."""
        return float(self.info["softening"])

    @cached_property
    def options(self) -> NetworkOptions:
        """What the network is like."""
        try:
            return NetworkOptions(**self.info["network"])
        except (TypeError, TrainingError) as error:
            raise BundleError(f"{self.label} has a network of an unknown make ({error}); train it again") from error

    @cached_property
    def scale(self) -> FeatureScale | None:
        """Of the hand-made features; None for a network that sees none."""
        if not self.options.sees_features:
            return None
        told = self.info.get("features") or {}
        wanted = len(self.options.features)
        if told.get("sets") != VERSIONS or not len(told["centre"]) == len(told["scale"]) == wanted:
            raise BundleError(
                f"{self.label} sees features {told.get('sets')}, this version has {VERSIONS}; train it again"
            )
        return FeatureScale(np.array(told["centre"]), np.array(told["scale"]))

    def describe(self) -> dict[str, str]:
        """Return its name and version, and its digest, for the report of a plan."""
        return {"bundle": self.label, "digest": self.digest}

    @cached_property
    def session(self) -> Any:
        """The network, ready to run on one thread."""
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(self.files[NETWORK], settings, providers=["CPUExecutionProvider"])
            shape = session.get_inputs()[0].shape[-1], session.get_outputs()[0].shape[-1]
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise BundleError(
                f"{self.label}: {NETWORK} is not a usable network ({error}); make the bundle again"
            ) from error
        expected = self.options.channels, len(self.class_names)
        if shape != expected:
            raise BundleError(
                f"{self.label}: {NETWORK} turns {shape[0]} channels into {shape[1]} classes, the description says "
                f"{expected[0]} and {expected[1]}; make the bundle again"
            )
        return session

    def sequences(self, points: Points, hosts: Hosts | None = None) -> Sequences:
        """Return what the network sees of n objects; of their hosts, too, if it is one that is told of them."""
        return network_inputs(points, self.options, self.softening, self.scale, hosts)

    def predict(self, sequences: Sequences) -> tuple[Array, Array]:
        """
        Classify sequences.

        Parameters
        ----------
        sequences : Sequences
            n objects.

        Returns
        -------
        probabilities : ndarray, shape (n, k)
            For classes that are equally frequent.
        attention : ndarray, shape (n, T)
            Weight of each step; the weights of an object sum to 1.
        """
        names = ["probabilities", "attention"]
        taken = [one.name for one in self.session.get_inputs()]
        if self.options.on_grid:
            p, attention = (out.astype(np.float64) for out in self.session.run(names, {"values": sequences.values}))
            return p / p.sum(axis=1, keepdims=True), attention
        # One by one and without padding: it is fast, and an object has the same bits in any batch.
        p, attention = np.empty((len(sequences), len(self.class_names))), np.zeros(sequences.mask.shape)
        for i, length in enumerate(sequences.mask.sum(axis=1).tolist()):
            inputs = dict(zip(taken, inputs_of(sequences, slice(i, i + 1), self.options), strict=True))
            p[i], attention[i, :length] = (out[0] for out in self.session.run(names, inputs))
        return p / p.sum(axis=1, keepdims=True), attention

    def score(self, light_curves: Sequence[LightCurve]) -> list[AttentionScores]:
        """
        Classify light curves, and say where the network looked.

        Parameters
        ----------
        light_curves : sequence of LightCurve
            n objects, at any age; `meta` has the ``photoz`` of the host, for a network that is told of it.

        Returns
        -------
        list of AttentionScores, length n
            Times are those of the first points of the epochs. Without probabilities where nothing was detected in a
            known band.
        """
        scores: list[AttentionScores] = []
        for begin in range(0, len(light_curves), _BATCH):
            scores += self._score(light_curves[begin : begin + _BATCH])
        return scores

    def _score(self, light_curves: Sequence[LightCurve]) -> list[AttentionScores]:
        points = stack(light_curves)
        seen = points.segments.count(points.detected & (points.letter >= 0)) > 0
        rows = np.flatnonzero(seen)
        scores = [AttentionScores(self.class_names)] * len(light_curves)
        if not len(rows):
            return scores
        points = points.beginnings(rows, points.segments.counts[rows])
        found = self.sequences(points, Hosts.of(light_curves).select(rows) if self.options.sees_host else None)
        probabilities, attention = self.predict(found)
        times = epoch_times(points) if self.options.on_grid else found.time
        for j, i in enumerate(rows.tolist()):
            epochs = times[j, np.isfinite(times[j])]
            weights = _of_epochs(attention[j], found.time[j], epochs) if self.options.on_grid else attention[j]
            mjd = epochs + float(light_curves[i].time[0])
            scores[i] = AttentionScores.of(
                self.class_names, probabilities[j].tolist(), mjd.tolist(), weights[: len(epochs)].tolist()
            )
        return scores


def _of_epochs(attention: Array, time: Array, epochs: Array) -> Array:
    """Give the weight of each step of a grid to the epoch nearest in time, shape (number of epochs,)."""
    nearest = np.searchsorted(0.5 * (epochs[1:] + epochs[:-1]), time)
    return np.bincount(nearest, weights=attention, minlength=len(epochs)).astype(np.float64, copy=False)


def load_attention_bundle(name: str | os.PathLike[str] | None = None) -> AttentionModel:
    """
    Load and verify a classifier with attention.

    Parameters
    ----------
    name : str or path, optional
        Name of a bundle in one of `ampel_followup.models.folder.bundle_folders`, or the path of a folder; by default
        the packaged one.

    Raises
    ------
    BundleError
        If there is no such bundle, it is incomplete, of another kind or a later format, or a byte of it was changed.
    """
    folder = find_folder(DEFAULT_ATTENTION if name is None else name)
    info, digest, files = read_folder(
        folder, ATTENTION, (NETWORK,), told=("name", "version", "classes", "network", "softening", "sequence_version")
    )
    if info["sequence_version"] != SEQUENCE_VERSION:
        raise BundleError(
            f"{folder} was trained on sequences of version {info['sequence_version']}, this version has "
            f"{SEQUENCE_VERSION}; train it again"
        )
    return AttentionModel(info, digest, files)


def save_attention_bundle(
    folder: Path, info: Mapping[str, Any], network: bytes, options: NetworkOptions
) -> AttentionModel:
    """
    Write a classifier with attention, complete or not at all, and return it as loaded back.

    Parameters
    ----------
    folder : Path
        Made if absent.
    info : mapping
        name, version, created, description, classes, softening, temperature, training, metrics.
    network : bytes
        ONNX, as `ampel_followup.models.attention_onnx.network_to_onnx` writes it.
    options : NetworkOptions

    Raises
    ------
    BundleError
        If the folder cannot be written to.
    """
    complete = {**info, "kind": ATTENTION, "network": asdict(options), "sequence_version": SEQUENCE_VERSION}
    write_folder(folder, complete, {NETWORK: network})
    return load_attention_bundle(folder)
