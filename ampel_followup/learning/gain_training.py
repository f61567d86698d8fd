"""From a training set to a bundle: cross-validate, train on everything, describe."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ampel_followup.errors import TrainingError
from ampel_followup.learning.cross_validation import CrossValidation, cross_validate, metrics
from ampel_followup.learning.training_set import TrainingSet
from ampel_followup.learning.training_table import TrainingTable, base_table, write_table
from ampel_followup.models.bundle import ModelBundle, save_bundle
from ampel_followup.models.training import TrainingOptions, train

#: Directions of the spectral features whose spread is smaller than this, relative to the widest, repeat others.
_REDUNDANT = 1e-6


@dataclass(frozen=True)
class TrainedGain:
    """
    What came of a training.

    Parameters
    ----------
    info : dict
        The description of the bundle, for `ampel_followup.models.bundle.save_bundle`.
    files : dict of str to bytes
    validation : CrossValidation
    table : TrainingTable
        For those who learn on top of it (`ampel_followup.learning.challenger`).
    """

    info: dict[str, Any]
    files: dict[str, bytes]
    validation: CrossValidation
    table: TrainingTable

    def save(self, folder: Path) -> ModelBundle:
        """Write the bundle, as `ampel_followup.models.bundle.save_bundle`, and beside it what it was trained on."""
        bundle = save_bundle(folder, self.info, self.files)
        write_table(folder, self.table, bundle.digest)
        return bundle


def train_gain(
    training_set: TrainingSet,
    *,
    name: str,
    created: str,
    source: str,
    folds: int,
    seed: int,
    options: TrainingOptions,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TrainedGain:
    """
    Cross-validate a training set, then train on all of it.

    Parameters
    ----------
    training_set : TrainingSet
    name : str
        Of the bundle.
    created : str
        Date, ISO 8601.
    source : str
        What the set is, in a few words: goes into the bundle.
    folds, seed : int
        As in `cross_validate`.
    options : TrainingOptions
        ``n_spectral`` is the largest number of components of spectra; spectral features keep all their directions.
    progress : callable
        Called with the models trained and their number.

    Raises
    ------
    TrainingError
        If skl2onnx, which writes the models, is not installed.
    FollowupError
        If the features cannot describe the objects (`ampel_followup.models.training.fit_gain_model`).
    """
    try:
        import skl2onnx  # noqa: F401  # said before an hour of training, not after
    except ImportError as error:
        raise TrainingError("training needs skl2onnx; pip install 'ampel-followup[forests]'") from error
    options = dataclasses.replace(options, n_spectral=_components(training_set, folds, options))
    validation = cross_validate(
        training_set, folds=folds, seed=seed, options=options, progress=lambda done, _: progress(done, folds + 1)
    )
    info, files = train(
        training_set.x_t,
        training_set.spectra,
        np.array(training_set.classes)[training_set.y],
        features=training_set.features,
        feature_sets=training_set.feature_sets or {"table": "1"},
        classes=training_set.classes,
        rng=np.random.default_rng([seed, 1]),
        options=options,
    )
    progress(folds + 1, folds + 1)
    table = base_table(training_set.ids, training_set.x_t, training_set.spectra, training_set.y, info=info, files=files)
    if training_set.spectral_features:
        info["spectral_features"] = list(training_set.spectral_features)
        files["spectrum.json"] = _of_features(files["spectrum.json"], training_set)
    head = {
        "name": name,
        "version": "1",
        "created": created,
        "description": f"Trained on {len(training_set)} objects: {source}.",
        "training": {
            "data": source,
            "data_sha256": digest(training_set),
            "objects": len(training_set),
            "left_out": dict(Counter(omission.reason for omission in training_set.omitted)),
            "seed": seed,
            "folds": folds,
            "trees": options.n_trees,
            "min_samples_leaf": options.min_samples_leaf,
            "calibration": options.calibration,
            "per_class": {c: int((training_set.y == k).sum()) for k, c in enumerate(training_set.classes)},
            "notes": {str(i): note for i, note in enumerate(training_set.notes)},
        },
        "metrics": metrics(validation, training_set.classes),
    }
    return TrainedGain({**head, **info}, files, validation, table)


def digest(training_set: TrainingSet) -> str:
    """Return the SHA-256 of the ids, classes and numbers of a training set."""
    content = hashlib.sha256(json.dumps([training_set.ids, training_set.classes, training_set.features]).encode())
    for array in (training_set.x_t, training_set.spectra, training_set.y.astype(np.int64)):
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def _components(training_set: TrainingSet, folds: int, options: TrainingOptions) -> int:
    """Return how many directions the spectra, or spectral features, are condensed to."""
    spectra = training_set.spectra
    in_a_fold = len(spectra) - int(np.ceil(len(spectra) / folds)) - 1
    if not training_set.spectral_features:
        return max(1, min(options.n_spectral, in_a_fold))
    singular = np.linalg.svd(spectra - spectra.mean(axis=0), compute_uv=False)
    return max(1, min(int((singular > _REDUNDANT * singular[0]).sum()), in_a_fold))


def _of_features(spectrum: bytes, training_set: TrainingSet) -> bytes:
    """Describe spectral features where a bundle describes spectra: names and units instead of the grid."""
    numbers = json.loads(spectrum)
    del numbers["grid_range"]
    numbers |= {"features": list(training_set.spectral_features), "unit": training_set.spectral_unit.tolist()}
    return json.dumps(numbers).encode()
