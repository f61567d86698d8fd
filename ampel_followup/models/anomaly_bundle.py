"""
The bundle of a search for anomalies: what is kept of a training set, as arrays of numbers.

It is a folder (`ampel_followup.models.folder`) of kind "anomaly"; one comes with the package.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.anomaly.model import AnomalyModel, Examined
from ampel_followup.anomaly.words import sentences
from ampel_followup.anomaly_scores import AnomalyScores
from ampel_followup.errors import BundleError
from ampel_followup.features import FEATURE_SETS
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.class_trees import from_arrays, to_arrays
from ampel_followup.models.folder import ANOMALY, Bundle, find_folder, read_folder, write_folder
from ampel_followup.models.mixture import ConditionalMixture
from ampel_followup.models.scaling import QuantileScaling

Array = NDArray[np.float64]

#: The bundle that comes along.
DEFAULT_ANOMALY = "anomaly"

#: Files of the trees, and of all else.
TREES, MODEL = "trees.npz", "model.json"

# Numbers of a tree fit these.
_SHORT = {"feature": np.int16, "threshold": np.float32, "left": np.int16, "right": np.int16, "size": np.int64}


@dataclass(frozen=True)
class AnomalyBundle(Bundle):
    """A search for anomalies as loaded; `Bundle` says what the fields are."""

    def describe(self) -> dict[str, str]:
        """Return its name and version, and its digest, for the report of a plan."""
        return {"bundle": self.label, "digest": self.digest}

    @cached_property
    def model(self) -> AnomalyModel:
        """What was kept of the training set."""
        try:
            data = json.loads(self.files[MODEL])
            with np.load(io.BytesIO(self.files[TREES]), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return _model(data, arrays)
        except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise BundleError(f"{self.label}: {TREES} and {MODEL} are no model; train it again") from error

    def features_of(self, light_curves: Sequence[LightCurve]) -> Array:
        """
        Return the features that the model takes, shape (n, k).

        Raises
        ------
        BundleError
            If it was trained on features of the user's own, or on another version of the package's.
        """
        sets: Mapping[str, str] = self.info["feature_sets"]
        if not sets:
            raise BundleError(f"{self.label} was trained on a table of features; light curves alone do not give them")
        names: list[str] = []
        for name, version in sets.items():
            if name not in FEATURE_SETS or FEATURE_SETS[name].version != version:
                raise BundleError(
                    f"{self.label} needs features {name} {version}, this version has others; train it again"
                )
            names += FEATURE_SETS[name].names
        missing = set(self.model.features) - set(names)
        if missing:
            raise BundleError(f"{self.label} needs the feature {min(missing)!r}, this version has none; train it again")
        columns = [names.index(name) for name in self.model.features]
        if not light_curves:
            return np.empty((0, len(columns)))
        return np.concatenate([FEATURE_SETS[name].compute(light_curves) for name in sets], axis=1)[:, columns]

    def score(self, light_curves: Sequence[LightCurve]) -> list[AnomalyScores]:
        """Score objects, each by itself, in the order given."""
        x = self.features_of(light_curves)
        return self.scores_of(x, self.model.examine(x))

    def scores_of(self, x: Array, examined: Examined) -> list[AnomalyScores]:
        """Return the scores of objects as `AnomalyModel.examine` found them, with a sentence for each."""
        words = sentences(self.model, x, examined)
        return [
            AnomalyScores(score, p[0], p[1], p[2], sentence=text)
            for score, p, text in zip(examined.score.tolist(), examined.p.tolist(), words, strict=True)
        ]


def load_anomaly(name: str | os.PathLike[str] | None = None) -> AnomalyBundle:
    """
    Load and verify a search for anomalies.

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
    folder = find_folder(DEFAULT_ANOMALY if name is None else name)
    info, digest, files = read_folder(folder, ANOMALY, (TREES, MODEL), told=("name", "version", "feature_sets"))
    return AnomalyBundle(info, digest, files)


def save_anomaly(folder: Path, info: Mapping[str, Any], model: AnomalyModel) -> AnomalyBundle:
    """
    Write a search for anomalies, complete or not at all, and return it as loaded back.

    Parameters
    ----------
    folder : Path
        Made if absent.
    info : mapping
        name, version, created, description, feature_sets, training.
    model : AnomalyModel

    Raises
    ------
    BundleError
        If the folder cannot be written to.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    kinds = (("class", model.class_trees, len(model.classes)), ("isolation", model.isolation_trees, 1))
    for kind, trees, n_classes in kinds:
        for name, values in to_arrays(trees, n_classes).items():
            arrays[f"{kind}_{name}"] = values.astype(_SHORT.get(name, np.int32))
    arrays["path"] = np.concatenate(list(model.path)).astype(np.float32)
    arrays["sample"] = model.sample.astype(np.float32)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type, unused-ignore]
    data = {
        "features": list(model.features),
        "classes": list(model.classes),
        "scaling": model.scaling.to_dict(),
        "mixture": model.mixture.to_dict(),
        "mixture_columns": model.mixture_columns.tolist(),
        "calibration": model.calibration.tolist(),
        "combined": model.combined.tolist(),
        "usual": model.usual.tolist(),
    }
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    write_folder(folder, {**info, "kind": ANOMALY}, {TREES: content.getvalue(), MODEL: text.encode()})
    return load_anomaly(folder)


def _model(data: Mapping[str, Any], arrays: Mapping[str, NDArray[np.generic]]) -> AnomalyModel:
    features, classes = tuple(data["features"]), tuple(data["classes"])

    def trees(kind: str, n_classes: int) -> Any:
        own = {name.removeprefix(f"{kind}_"): a for name, a in arrays.items() if name.startswith(f"{kind}_")}
        return from_arrays(own, len(features), n_classes)

    isolation = trees("isolation", 1)
    ends = np.cumsum([len(tree.feature) for tree in isolation])
    path = arrays["path"].astype(np.float64)
    if len(path) != ends[-1]:
        raise ValueError("path")
    sample = arrays["sample"].astype(np.float64)
    if sample.ndim != 2 or sample.shape[1] != len(features):
        raise ValueError("sample")
    return AnomalyModel(
        features=features,
        classes=classes,
        scaling=QuantileScaling.from_dict(data["scaling"]),
        class_trees=trees("class", len(classes)),
        isolation_trees=isolation,
        path=np.split(path, ends[:-1]),
        mixture=ConditionalMixture.from_dict(data["mixture"]),
        mixture_columns=np.asarray(data["mixture_columns"], dtype=np.intp),
        calibration=np.asarray(data["calibration"], dtype=np.float64),
        combined=np.asarray(data["combined"], dtype=np.float64),
        usual=np.asarray(data["usual"], dtype=np.float64),
        sample=sample,
    )
