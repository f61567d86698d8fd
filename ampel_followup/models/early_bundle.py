"""
The bundle of an early classifier of type Ia supernovae: a forest as ONNX, the map from its votes, and a threshold.

It is a folder (`ampel_followup.models.folder`) of kind "early". A classifier that was trained on light curves computes
its features itself; one that was trained on a table of other features scores tables alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError
from ampel_followup.features import FEATURE_SETS
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.classifier import OnnxClassifier
from ampel_followup.models.folder import EARLY, Bundle, find_folder, read_folder, write_folder
from ampel_followup.models.vote_calibration import VoteCalibration

#: File of the forest.
FOREST = "early.onnx"


@dataclass(frozen=True)
class EarlyBundle(Bundle):
    """An early classifier as loaded; `Bundle` says what the fields are."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in the order of the columns."""
        return tuple(self.info["features"])

    @property
    def threshold(self) -> float:
        """P(Ia) from which on an object is called a type Ia supernova."""
        return float(self.info["threshold"])

    def describe(self) -> dict[str, str]:
        """Return its name and version, and its digest, for the report of a plan."""
        return {"bundle": self.label, "digest": self.digest}

    @cached_property
    def calibration(self) -> VoteCalibration:
        """The map from votes to P(Ia)."""
        return VoteCalibration(float(self.info["calibration"]["offset"]), float(self.info["calibration"]["slope"]))

    @cached_property
    def forest(self) -> OnnxClassifier:
        """The forest, whose second class is Ia."""
        return OnnxClassifier(self.files[FOREST], FOREST, 2)

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Return P(Ia), shape (n,).

        Parameters
        ----------
        x : ndarray, shape (n, k)
            Its `features`; NaN = not measured.

        Raises
        ------
        BundleError
            If the number of features is another.
        """
        if x.ndim != 2 or x.shape[1] != len(self.features):
            raise BundleError(f"{self.label} takes {len(self.features)} features, not an array of shape {x.shape}")
        return self.calibration(self.forest.predict_proba(x)[:, 1])

    def score(self, light_curves: Sequence[LightCurve]) -> NDArray[np.float64]:
        """
        Return P(Ia) of light curves, shape (n,); NaN where nothing significant was detected.

        Raises
        ------
        BundleError
            If it was trained on features of the user's own, or on another version of the package's.
        """
        sets: Mapping[str, str] = self.info["feature_sets"]
        if not sets:
            raise BundleError(f"{self.label} was trained on a table of features; light curves alone do not give them")
        for name, version in sets.items():
            if name not in FEATURE_SETS or FEATURE_SETS[name].version != version:
                raise BundleError(
                    f"{self.label} needs features {name} {version}, this version has others; train it again"
                )
        if not light_curves:
            return np.empty(0)
        x = np.concatenate([FEATURE_SETS[name].compute(light_curves) for name in sets], axis=1)
        p = self.predict(x)
        if "n_significant" in self.features:
            p[~(x[:, self.features.index("n_significant")] > 0)] = np.nan
        return p


def load_early(name: str | os.PathLike[str]) -> EarlyBundle:
    """
    Load and verify an early classifier.

    Parameters
    ----------
    name : str or path
        Name of a bundle in one of `ampel_followup.models.folder.bundle_folders`, or the path of a folder.

    Raises
    ------
    BundleError
        If there is no such bundle, it is incomplete, of another kind or a later format, or a byte of it was changed.
    """
    folder = find_folder(name)
    info, digest, files = read_folder(
        folder, EARLY, (FOREST,), told=("name", "version", "features", "feature_sets", "threshold", "calibration")
    )
    return EarlyBundle(info, digest, files)


def save_early(folder: Path, info: Mapping[str, Any], forest: bytes) -> EarlyBundle:
    """
    Write an early classifier, complete or not at all, and return it as loaded back.

    Parameters
    ----------
    folder : Path
        Made if absent.
    info : mapping
        name, version, created, description, features, feature_sets, threshold, calibration, training, metrics.
    forest : bytes
        ONNX, of the classes 0 and 1.

    Raises
    ------
    BundleError
        If the folder cannot be written to.
    """
    write_folder(folder, {**info, "kind": EARLY}, {FOREST: forest})
    return load_early(folder)
