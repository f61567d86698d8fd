"""What training leaves of a day's scores, and how it becomes the assistant's bundle, or a part of one that is there."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ampel_followup.assistant_scores import SCORES
from ampel_followup.errors import BundleError
from ampel_followup.models.assistant_bundle import AssistantBundle, Day, ScoreModel, load_assistant, member_key
from ampel_followup.models.folder import ASSISTANT, write_folder

# What ``bundle.json`` has for each day apart.
_PER_DAY = ("scores", "members", "training", "metrics", "distribution")


@dataclass(frozen=True, slots=True)
class TrainedScore:
    """
    A score as training leaves it.

    Parameters
    ----------
    served : ScoreModel
        Trained on all objects; scores new ones.
    folds : tuple of ScoreModel
        Number i was trained without fold i; may be empty.
    """

    served: ScoreModel
    folds: tuple[ScoreModel, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainedDay:
    """
    The scores of one day, with what is known of them.

    Parameters
    ----------
    scores : mapping of str to TrainedScore
        By name, of `ampel_followup.assistant_scores.SCORES`; some may lack.
    members : mapping of str to int
        Fold of each object that was trained on, as `fold_members` returns; empty if there are no fold models.
    training, metrics : mapping
        What it was trained on and how well it did; anything that JSON can hold, and NaN, which becomes None.
    distribution : mapping
        For each feature the share of objects that have it, and quantiles: ``{"measured": …, "deciles": […]}``.
    """

    scores: Mapping[str, TrainedScore]
    members: Mapping[str, int] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    distribution: Mapping[str, Any] = field(default_factory=dict)


def fold_members(ids: Iterable[object], folds: Iterable[int]) -> dict[str, int]:
    """
    Say which object was in which fold.

    Parameters
    ----------
    ids : iterable of n
        Names of the objects; an object may have several rows.
    folds : iterable of int
        Fold of each row.

    Raises
    ------
    ValueError
        If an object is in two folds.
    """
    members: dict[str, int] = {}
    for name, fold in zip(ids, folds, strict=True):
        if members.setdefault(member_key(name), int(fold)) != fold:
            raise ValueError(f"object {name} is in folds {members[member_key(name)]} and {fold}; split by object")
    return members


def save_assistant(folder: Path, info: Mapping[str, Any], days: Mapping[Day, TrainedDay]) -> AssistantBundle:
    """
    Write the models of one day or both; a day that the folder already has, and that is not given, stays as it is.

    Parameters
    ----------
    folder : Path
        Made if absent. A bundle that is there is never in pieces: its files are removed only once it is replaced.
    info : mapping
        name, version, created, description, feature_sets and galactic_weight; they replace those of a bundle there.
    days : mapping of {"1", "N"} to TrainedDay

    Returns
    -------
    AssistantBundle
        As loaded back.

    Raises
    ------
    BundleError
        If there is a bundle in the folder that is damaged, of another kind, or that the new models do not go with.
    ValueError
        If the description is not complete, scores are unknown, or members and fold models do not belong together.
    """
    unsaid = {"name", "version", "created", "description", "galactic_weight"} - info.keys()
    if unsaid:
        raise ValueError(f"the description of a bundle needs {', '.join(sorted(unsaid))}")
    there = load_assistant(folder) if (folder / "bundle.json").is_file() else None
    kept: tuple[Day, ...] = tuple(day for day in there.days if day not in days) if there else ()
    merged: dict[str, Any] = {name: {} for name in _PER_DAY}
    files: dict[str, bytes] = {}
    feature_sets = dict(info.get("feature_sets", {}))
    if there is not None and kept:
        _check_goes_with(there, info)
        feature_sets = {**there.info["feature_sets"], **feature_sets}
        for day in kept:
            for name in _PER_DAY:
                if day in there.info.get(name, {}):
                    merged[name][day] = there.info[name][day]
            files |= {file: there.files[file] for file in _files_of(there.info, day)}
    for day, trained in days.items():
        _check_scores(day, trained)
        merged["scores"][day] = {name: _entry(day, name, trained.scores[name], files) for name in trained.scores}
        if trained.members:
            merged["members"][day] = _add(files, f"day{day}-members", trained.members)
        for name in ("training", "metrics", "distribution"):
            merged[name][day] = dict(getattr(trained, name))
    complete = {**info, "kind": ASSISTANT, "feature_sets": feature_sets, **merged}
    write_folder(folder, _without_nan(complete), files)
    for file in there.files.keys() - files.keys() if there else ():
        (folder / file).unlink(missing_ok=True)
    return load_assistant(folder)


def _entry(day: Day, name: str, score: TrainedScore, files: dict[str, bytes]) -> dict[str, Any]:
    entry = {
        "features": list(score.served.trees.features),
        "file": _add(files, f"day{day}-{name}", score.served.to_dict()),
    }
    if score.folds:
        entry["folds"] = _add(files, f"day{day}-{name}-folds", [model.to_dict() for model in score.folds])
    return entry


def _add(files: dict[str, bytes], stem: str, data: Any) -> str:
    """Add a file whose name tells its content, so that writing a new bundle spoils nothing of the old one."""
    content = json.dumps(data, separators=(",", ":")).encode()
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}.json"
    files[name] = content
    return name


def _without_nan(value: Any) -> Any:
    """Replace numbers that are not finite, which JSON does not know, by None."""
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _files_of(info: Mapping[str, Any], day: Day) -> list[str]:
    entries = info["scores"][day].values()
    members = info.get("members", {}).get(day)
    return [entry[key] for entry in entries for key in ("file", "folds") if key in entry] + (
        [members] if members else []
    )


def _check_scores(day: Day, trained: TrainedDay) -> None:
    unknown = trained.scores.keys() - set(SCORES)
    if unknown or not trained.scores:
        raise ValueError(f"day {day}: scores are of {', '.join(SCORES)}, not {', '.join(sorted(unknown)) or 'none'}")
    needed = max(trained.members.values(), default=-1) + 1
    for name, score in trained.scores.items():
        if len(score.folds) < needed:
            raise ValueError(f"day {day}, {name}: {len(score.folds)} fold models for members of {needed} folds")


def _check_goes_with(there: AssistantBundle, info: Mapping[str, Any]) -> None:
    """Refuse to put models side by side that could not be used together."""
    if there.galactic_weight != info["galactic_weight"]:
        raise BundleError(
            f"bundle {there.label} ranks with galactic weight {there.galactic_weight}, the new models with "
            f"{info['galactic_weight']}; use the same, or another folder"
        )
    for name, version in info.get("feature_sets", {}).items():
        known = there.info["feature_sets"].get(name, version)
        if known != version:
            raise BundleError(
                f"bundle {there.label} takes version {known} of the features {name!r}, the new models version "
                f"{version}; use another folder, and train both days anew"
            )
