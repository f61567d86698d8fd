"""
Model bundles: a folder (`ampel_followup.models.folder`) with everything that scoring what a spectrum would tell needs.

Besides ``bundle.json`` it holds two classifiers in ONNX form, and the numbers of the conditional mixture and of the
spectral features in JSON. Nothing in it can run code when it is loaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError
from ampel_followup.gain import GainScores
from ampel_followup.models.classifier import OnnxClassifier
from ampel_followup.models.folder import (
    DEFAULT_BUNDLE,
    GAIN,
    PACKAGED,
    Bundle,
    find_folder,
    list_bundles,
    read_folder,
    write_folder,
)
from ampel_followup.models.gain_model import GainModel
from ampel_followup.models.mixture import ConditionalMixture
from ampel_followup.models.scaling import QuantileScaling

__all__ = ["DEFAULT_BUNDLE", "PACKAGED", "ModelBundle", "find_bundle", "list_bundles", "load_bundle", "save_bundle"]

_FILES = ("p_t.onnx", "p_ts.onnx", "mixture.json", "spectrum.json")


@dataclass(frozen=True)
class ModelBundle(Bundle):
    """
    Everything that scoring needs, as loaded from a folder.

    Parameters
    ----------
    info : mapping
        The contents of ``bundle.json``: name, version, created, description, classes, feature_sets (name → version),
        features (of the classifiers, in order), mixture_features, n_spectra, scope (see `in_scope`), training, metrics,
        distribution, files.
    digest, files
        As in `Bundle`.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of every probability array."""
        return tuple(self.info["classes"])

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the photometric features of the classifiers, in order."""
        return tuple(self.info["features"])

    @cached_property
    def model(self) -> GainModel:
        """The models, ready to score."""
        numbers = json.loads(self.files["mixture.json"])
        mixture = ConditionalMixture.from_dict(numbers["mixture"])
        p_t, p_ts = (OnnxClassifier(self.files[f], f, len(self.classes)) for f in ("p_t.onnx", "p_ts.onnx"))
        k = len(self.features)
        if (p_t.n_features, p_ts.n_features) != (k, k + mixture.n_s):
            raise BundleError(f"bundle {self.label}: its models do not take its {k} features; make it again")
        return GainModel(
            p_t,
            p_ts,
            mixture,
            QuantileScaling.from_dict(numbers["scaling"]),
            np.array([self.features.index(name) for name in self.info["mixture_features"]]),
            int(self.info["n_spectra"]),
            float(self.info.get("classifier_weight", 1.0)),
        )

    def score(self, x_t: NDArray[np.float64], points: NDArray[np.float64] | None = None) -> GainScores:
        """Score objects by what a spectrum of each would tell; as `GainModel.score`."""
        return self.model.score(x_t, points)

    def in_scope(self, x_t: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Share of the training set that lies where the mixture is less dense than at each object.

        Densities of different numbers of measured features cannot be compared, so each object is compared with the
        training objects that have as many as it has (or the nearest number that there were enough of).

        Parameters
        ----------
        x_t : ndarray, shape (n, k)
            The `features`, NaN = not measured.

        Returns
        -------
        ndarray, shape (n,)
            0 (like nothing trained on) to 1.
        """
        scaled = self.model.scaled(x_t)
        density = self.model.mixture.log_density(scaled)
        measured = np.isfinite(scaled).sum(axis=1)
        known = {int(count): np.asarray(knots) for count, knots in self.info["scope"].items()}
        share = np.empty(len(x_t))
        for count in np.unique(measured):
            rows = measured == count
            knots = known[min(known, key=lambda c: abs(c - count))]
            share[rows] = np.interp(density[rows], knots, np.linspace(0.0, 1.0, len(knots)), left=0.0, right=1.0)
        return share


def load_bundle(name: str | os.PathLike[str] | None = None) -> ModelBundle:
    """
    Load and verify a bundle.

    Parameters
    ----------
    name : str or path, optional
        Name of a bundle in one of `bundle_folders`, or the path of a folder; by default the packaged one.

    Returns
    -------
    ModelBundle

    Raises
    ------
    BundleError
        If there is no such bundle, it is incomplete, of another kind or a later format, or a byte of it was changed.
    """
    return ModelBundle(*read_folder(find_bundle(name), GAIN, _FILES))


def save_bundle(folder: Path, info: Mapping[str, Any], files: Mapping[str, bytes]) -> ModelBundle:
    """
    Write a bundle, complete or not at all.

    Parameters
    ----------
    folder : Path
        Made if absent; files of the same names are replaced, ``bundle.json`` last.
    info : mapping
        See `ModelBundle`; ``format`` and ``files`` are filled in here.
    files : mapping of str to bytes
        At least p_t.onnx, p_ts.onnx, mixture.json and spectrum.json.

    Returns
    -------
    ModelBundle
        As loaded back.
    """
    write_folder(folder, info, files)
    return load_bundle(folder)


def find_bundle(name: str | os.PathLike[str] | None = None) -> Path:
    """
    Return the folder of a bundle, by default the packaged one, unverified.

    Raises
    ------
    BundleError
        If there is none of that name or at that path.
    """
    return find_folder(DEFAULT_BUNDLE if name is None else name)
