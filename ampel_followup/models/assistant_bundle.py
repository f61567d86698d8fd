"""
The assistant's bundle: trees for each score, when an object enters (day 1) and at later visits (day N).

It is a folder (`ampel_followup.models.folder`) of kind "assistant". Besides the models that score new objects, it can
keep those of its cross-validation, each trained without one fold of the objects, and which object was in which fold
(by a digest of its name). So objects that it was trained on can be scored by a model that has not seen them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.assistant_scores import SCORES
from ampel_followup.errors import BundleError
from ampel_followup.features.derived import needed_columns, select_columns
from ampel_followup.models.folder import ASSISTANT, Bundle, find_folder, read_folder
from ampel_followup.models.trees import Calibration, TreeEnsemble

Array = NDArray[np.float64]

#: When an object enters, or at a later visit.
Day = Literal["1", "N"]

DEFAULT_ASSISTANT = "simulated-assistant"


@dataclass(frozen=True, slots=True)
class ScoreModel:
    """
    One score: trees and the map of their log-odds to a probability.

    Parameters
    ----------
    trees : TreeEnsemble
    calibration : Calibration
    """

    trees: TreeEnsemble
    calibration: Calibration

    def probability(self, x: Array) -> Array:
        """Return the score, shape (n,), of the features of its trees, shape (n, k)."""
        return self.calibration(self.trees.log_odds(x))

    def shapley(self, x: Array) -> Array:
        """Return what each feature does to the log-odds of that, shape (n, k); see `TreeEnsemble.shapley`."""
        return -self.calibration.a * self.trees.shapley(x)[0]

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"trees": self.trees.to_dict(), "calibration": self.calibration.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ScoreModel:
        """Rebuild from `to_dict`."""
        return cls(TreeEnsemble.from_dict(data["trees"]), Calibration.from_dict(data["calibration"]))


@dataclass(frozen=True, slots=True)
class ScoreCauses:
    """
    The features that moved a score most, of n objects.

    Parameters
    ----------
    features : tuple of str
        All k features of the score.
    index : ndarray of int, shape (n, top)
        Which of them, the strongest first.
    value, effect : ndarray, shape (n, top)
        Their values (NaN = not measured) and Shapley values [log-odds], positive where they raise the score.
    """

    features: tuple[str, ...]
    index: NDArray[np.intp]
    value: Array
    effect: Array


@dataclass(frozen=True)
class AssistantBundle(Bundle):
    """
    The models of the assistant, as loaded from a folder.

    Parameters
    ----------
    info : mapping
        The contents of ``bundle.json``: name, version, created, description, kind, feature_sets (name → version; empty
        for models of other people's tables), galactic_weight (of the rank), files; and for each day scores (name →
        features, file, and the file of the fold models), members (a file), training, metrics, distribution.
    digest, files
        As in `Bundle`.
    """

    @property
    def galactic_weight(self) -> float:
        """How much less than being bogus it counts against an object to be Galactic: s of `assistant_rank`."""
        return float(self.info["galactic_weight"])

    @property
    def days(self) -> tuple[Day, ...]:
        """Days that it has models of."""
        return tuple(day for day in ("1", "N") if day in self.info["scores"])

    def scores(self, day: Day) -> tuple[str, ...]:
        """
        Return the scores that it has models of, in the order of `SCORES`.

        Raises
        ------
        BundleError
            If it has none of that day.
        """
        self._check_day(day)
        return tuple(name for name in SCORES if name in self.info["scores"][day])

    def features(self, day: Day) -> tuple[str, ...]:
        """Return all features of the models of a day, derived ones included."""
        return tuple(dict.fromkeys(f for name in self.scores(day) for f in self.info["scores"][day][name]["features"]))

    def columns(self, day: Day) -> tuple[str, ...]:
        """Return the columns that a table has to have, with those that features are derived from in their place."""
        return needed_columns(self.features(day))

    @cached_property
    def models(self) -> Mapping[tuple[Day, str], ScoreModel]:
        """The model of each day and score, ready for new objects."""
        return {
            (day, name): self._model(day, name, self._json(self.info["scores"][day][name]["file"]))
            for day in self.days
            for name in self.scores(day)
        }

    @cached_property
    def fold_models(self) -> Mapping[tuple[Day, str], tuple[ScoreModel, ...]]:
        """The models of the cross-validation; number i has not seen fold i."""
        return {
            (day, name): tuple(self._model(day, name, model) for model in self._json(entry["folds"]))
            for day in self.days
            for name, entry in self.info["scores"][day].items()
            if "folds" in entry
        }

    def members(self, day: Day) -> Mapping[str, int]:
        """Return the fold of each object that was trained on, by `member_key`; empty where that was not kept."""
        self._check_day(day)
        file = self.info.get("members", {}).get(day)
        members: dict[str, int] = self._json(file) if file else {}
        return members

    def probabilities(self, day: Day, names: Sequence[str], values: Array) -> dict[str, Array]:
        """
        Score new objects.

        Parameters
        ----------
        day : {"1", "N"}
        names : sequence of str
            Columns of the table: `columns`, or `features`; others are ignored.
        values : ndarray, shape (n, len(names))
            NaN = not measured.

        Returns
        -------
        dict of str to ndarray, shape (n,)
            By score.

        Raises
        ------
        BundleError
            If it has no models of that day, or the table lacks a column.
        """
        x = {name: self._select(day, name, names, values) for name in self.scores(day)}
        return {name: self.models[day, name].probability(x[name]) for name in x}

    def out_of_fold(
        self, day: Day, names: Sequence[str], values: Array, ids: Iterable[object]
    ) -> tuple[dict[str, Array], NDArray[np.bool_]]:
        """
        Score objects so that none is scored by a model that was trained on it.

        Parameters
        ----------
        day, names, values
            As in `probabilities`.
        ids : iterable of n
            Names of the objects, as in training; rows of one object have the same.

        Returns
        -------
        scores : dict of str to ndarray, shape (n,)
            By score: objects that were trained on by the model that has not seen their fold, others as `probabilities`.
        seen : ndarray of bool, shape (n,)
            Which ones were trained on.

        Raises
        ------
        BundleError
            As `probabilities`.
        """
        members = self.members(day)
        fold = np.array([members.get(member_key(name), -1) for name in ids], dtype=np.intp)
        if len(fold) != len(values):
            raise BundleError(f"{len(values)} rows of features, but {len(fold)} ids; give one to each row")
        scores = self.probabilities(day, names, values)
        for name, scored in scores.items():
            x = self._select(day, name, names, values)
            for i, model in enumerate(self.fold_models.get((day, name), ())):
                scored[fold == i] = model.probability(x[fold == i])
        return scores, fold >= 0

    def causes(self, day: Day, names: Sequence[str], values: Array, top: int = 3) -> dict[str, ScoreCauses]:
        """
        Find the features that moved each score most.

        Parameters
        ----------
        day, names, values
            As in `probabilities`.
        top : int
            How many of them; fewer if a score has fewer.

        Returns
        -------
        dict of str to ScoreCauses
            By score.

        Raises
        ------
        BundleError
            As `probabilities`.
        """
        found = {}
        for name in self.scores(day):
            model = self.models[day, name]
            x = self._select(day, name, names, values)
            effect = model.shapley(x)
            index = np.argsort(-np.abs(effect), axis=1, kind="stable")[:, :top]
            found[name] = ScoreCauses(
                model.trees.features,
                index,
                np.take_along_axis(x, index, axis=1),
                np.take_along_axis(effect, index, axis=1),
            )
        return found

    def _select(self, day: Day, score: str, names: Sequence[str], values: Array) -> Array:
        return select_columns(names, values, self.info["scores"][day][score]["features"])

    def _check_day(self, day: Day) -> None:
        if day not in self.info["scores"]:
            raise BundleError(
                f"bundle {self.label} has models of day {' and '.join(self.days)}, not of day {day}; "
                f"add them with `train assistant --day {day} --out` and its folder"
            )

    def _json(self, file: str) -> Any:
        try:
            return json.loads(self.files[file])
        except (KeyError, ValueError) as error:
            raise BundleError(f"bundle {self.label}: {file} is not what it should be; make it again") from error

    def _model(self, day: Day, score: str, data: Any) -> ScoreModel:
        try:
            model = ScoreModel.from_dict(data)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"bundle {self.label}: no model of {score}, day {day}; make it again") from error
        if list(model.trees.features) != self.info["scores"][day][score]["features"]:
            raise BundleError(
                f"bundle {self.label}: the trees of {score}, day {day} take other features; make it again"
            )
        return model


def member_key(name: object) -> str:
    """Return the first 8 bytes of the SHA-256 of an object's name, as 16 hexadecimal digits."""
    return hashlib.sha256(str(name).encode()).digest()[:8].hex()


def load_assistant(name: str | os.PathLike[str] | None = None) -> AssistantBundle:
    """
    Load and verify the assistant's bundle.

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
    folder = find_folder(DEFAULT_ASSISTANT if name is None else name)
    info, digest, files = read_folder(folder, ASSISTANT, told=("name", "version", "scores", "galactic_weight"))
    return AssistantBundle(info, digest, files)
