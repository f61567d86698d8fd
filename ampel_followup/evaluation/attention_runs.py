"""All runs of a comparison of classifiers at several ages; each is kept on disk as soon as it is done."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup import __version__
from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.attention_boosted import VIEWS, boosted_probabilities, features_of_views
from ampel_followup.evaluation.attention_forest import features_by_age, forest_probabilities
from ampel_followup.features.hand_made import WITH_HOST, with_host
from ampel_followup.features.sequence import beginnings
from ampel_followup.learning import attention_trees
from ampel_followup.learning.attention_curves import LabelledCurves, split_objects
from ampel_followup.learning.attention_export import served, without_host
from ampel_followup.learning.attention_metrics import calibration_error, confusion
from ampel_followup.learning.attention_training import FitOptions, Trainer
from ampel_followup.models.attention_bundle import SEQUENCE_VERSION, AttentionModel
from ampel_followup.models.attention_options import KINDS, NetworkOptions

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

#: What is compared, besides networks; the last two know the photometric redshift of the host besides.
FOREST, BOOSTED, FOREST_HOST, BOOSTED_HOST = "forest", "boosted", "forest-host", "boosted-host"

MODELS = (*KINDS, FOREST, BOOSTED, FOREST_HOST, BOOSTED_HOST)

# Test objects of each class whose attention is kept, to be drawn.
_EXAMPLES = 2


@dataclass(frozen=True, slots=True)
class RunOptions:
    """
    What the runs of a comparison have in common.

    Parameters
    ----------
    shares : tuple of float
        Of the objects to train on, to stop and calibrate with, and to test on; split class by class.
    fractions : tuple of float
        Of the points, at which models are measured.
    networks : tuple of NetworkOptions
        One for each kind that is compared.
    fit : FitOptions
    """

    shares: tuple[float, float, float] = (0.6, 0.15, 0.25)
    fractions: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 1.0)
    networks: tuple[NetworkOptions, ...] = tuple(NetworkOptions(kind) for kind in KINDS)
    fit: FitOptions = field(default_factory=FitOptions)

    def network(self, kind: str) -> NetworkOptions:
        """Return the options of a kind of network."""
        return next(one for one in self.networks if one.kind == kind)


@dataclass(frozen=True, slots=True)
class Run:
    """
    What one model, trained with one seed, is worth.

    Parameters
    ----------
    confusion : ndarray of int, shape (f, k, k)
        `ampel_followup.learning.attention_metrics.confusion` at each fraction of the points.
    calibration_error : ndarray, shape (f,)
    training : dict
        Objects, rounds and the like.
    seconds : float
        That training took.
    examples : list of dict
        Of test objects: row, fraction, probabilities, times since the first point [d] and attention; empty for a model
        without.
    """

    confusion: NDArray[np.intp]
    calibration_error: Array
    training: dict[str, Any]
    seconds: float
    examples: list[dict[str, Any]]


Task = tuple[str, int]


def run_all(
    data: LabelledCurves,
    models: Sequence[str],
    seeds: Sequence[int],
    options: RunOptions,
    results: Path,
    *,
    progress: Callable[[str, float, float], None] = lambda what, done, total: None,
) -> dict[Task, Run]:
    """
    Train and test every model with every seed, but those that are on disk already.

    Parameters
    ----------
    data : LabelledCurves
    models : sequence of str
        Out of `MODELS`.
    seeds : sequence of int
        Of split, weights and order; all models of a seed have the same split.
    options : RunOptions
    results : Path
        Folder; what is in it belongs to a digest of data and options, so that it may serve for anything.
    progress : callable
        Called with what is done, and with runs done (also in parts), and all.

    Returns
    -------
    dict of (model, seed) to Run

    Raises
    ------
    FollowupError
        If a model does not exist, or the folder cannot be written.
    """
    unknown = [model for model in models if model not in MODELS]
    if unknown:
        raise FollowupError(f"no model {unknown[0]!r} to compare; there are {', '.join(MODELS)}")
    files = {
        (model, seed): results / f"{model}-{digest_of(data, model, options)}-{seed}.json"
        for model in models
        for seed in seeds
    }
    runs = {task: found for task, file in files.items() if (found := _read(file)) is not None}
    hand_made = _HandMade(data, options)
    for model in models:
        waiting = [seed for seed in seeds if (model, seed) not in runs]
        if not waiting:
            continue

        def report(part: float) -> None:
            progress(f"{data.name}, {model}", len(runs) + part, len(files))  # noqa: B023  # used within this round

        if model in (FOREST, FOREST_HOST):
            run_one = _forest(hand_made, model == FOREST_HOST, report)
        elif model in (BOOSTED, BOOSTED_HOST):
            run_one = _boosted(hand_made, model == BOOSTED_HOST, report)
        else:
            run_one = _network(data, model, options, report)
        for seed in waiting:
            run = run_one(seed)
            _write(files[model, seed], run)
            runs[model, seed] = run
            report(0.0)
    return {task: runs[task] for task in files}


def split(data: LabelledCurves, seed: int, shares: Sequence[float]) -> tuple[Labels, Labels, Labels]:
    """Return the rows to train on, to stop and calibrate with, and to test on."""
    part = split_objects(data.y, shares, np.random.default_rng([seed, 1]))
    training, held_out, test = (np.flatnonzero(part == number) for number in range(3))
    return training, held_out, test


def digest_of(data: LabelledCurves, model: str, options: RunOptions) -> str:
    """Return a name for everything but the seed that a result depends on."""
    described: dict[str, Any] = {
        "version": __version__,
        "data": data.digest,
        "shares": options.shares,
        "fractions": options.fractions,
    }
    if model in (FOREST_HOST, BOOSTED_HOST) or (model in KINDS and options.network(model).sees_host):
        described["features"] = WITH_HOST
        described["photoz"] = [
            [str(curve.meta.get(name)) for name in ("photoz", "photoz_err")] for curve in data.curves
        ]
    if model in (BOOSTED, BOOSTED_HOST):
        described |= {"trees": attention_trees.TREES, "views": VIEWS, "fit": dataclasses.asdict(options.fit)}
    elif model in KINDS:
        described |= {"network": dataclasses.asdict(options.network(model)), "fit": dataclasses.asdict(options.fit)}
        described["sequences"] = SEQUENCE_VERSION
        if options.network(model).has_trees:
            described |= {"trees": attention_trees.TREES, "views": attention_trees.VIEWS}
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:12]


def _network(
    data: LabelledCurves, kind: str, options: RunOptions, report: Callable[[float], None]
) -> Callable[[int], Run]:
    """Return what trains and tests a network with a seed."""
    k, hosts = len(data.class_names), data.hosts
    report(0.0)
    trainer = Trainer(options.network(kind), k)

    def run(seed: int) -> Run:
        training, held_out, test = split(data, seed, options.shares)
        begin = time.perf_counter()
        trained = trainer.train(
            data.of(training),
            data.y[training],
            data.of(held_out),
            data.y[held_out],
            np.random.default_rng([seed, 2]),
            fit=options.fit,
            hosts=(hosts.select(training), hosts.select(held_out)),
            on_round=lambda number, loss: report(number / (options.fit.rounds + 1)),
        )
        seconds = time.perf_counter() - begin
        model = served(trained, data.class_names)
        probabilities = []
        examples: list[dict[str, Any]] = []
        for fraction in options.fractions:
            p, shown = _predicted(model, data, test, fraction)
            probabilities.append(p)
            examples += shown
        learned: dict[str, Any] = {
            "rounds": trained.rounds,
            "best_round": trained.best_round,
            "temperature": trained.temperature,
        }
        if trained.trees is not None:
            learned["share_of_trees"] = trained.share
        if model.options.sees_host:
            learned["macro_recall_without_host"] = [
                round(without_host(model, data, test, fraction), 4) for fraction in options.fractions
            ]
        return _measured(np.stack(probabilities), data.y[test], len(training), seconds, learned, examples)

    return run


def _predicted(
    model: AttentionModel, data: LabelledCurves, test: Labels, fraction: float
) -> tuple[Array, list[dict[str, Any]]]:
    """Return probabilities of the test objects, and what the attention to some of them was."""
    found = model.sequences(beginnings(data.of(test), fraction), data.hosts.select(test))
    p, attention = model.predict(found)
    if model.options.kind == "gru":
        return p, []
    shown = []
    for c in range(len(data.class_names)):
        for j in np.flatnonzero(data.y[test] == c)[:_EXAMPLES].tolist():
            steps = found.mask[j]
            shown.append(
                {
                    "row": int(test[j]),
                    "fraction": fraction,
                    "probabilities": np.round(p[j], 4).tolist(),
                    "times": np.round(found.time[j, steps], 4).tolist(),
                    "attention": np.round(attention[j, steps], 6).tolist(),
                }
            )
    return p, shown


@dataclass
class _HandMade:
    """Hand-made features of the light curves, computed once, when the first model asks for them."""

    data: LabelledCurves
    options: RunOptions
    _ages: Array | None = None
    _views: Array | None = None

    def ages(self, progress: Callable[[float], None]) -> Array:
        """Return those at fractions of the points, shape (f, n, k)."""
        if self._ages is None:
            self._ages = features_by_age(self.data, self.options.fractions, lambda done, total: progress(done / total))
        return self._ages

    def views(self, progress: Callable[[float], None]) -> Array:
        """Return those of random beginnings, shape (v, n, k)."""
        if self._views is None:
            self._views = features_of_views(self.data, self.options.fit, lambda done, total: progress(done / total))
        return self._views


def _forest(hand_made: _HandMade, host: bool, report: Callable[[float], None]) -> Callable[[int], Run]:
    """Return what trains and tests a forest with a seed."""
    data, options = hand_made.data, hand_made.options
    x = hand_made.ages(lambda part: report(0.5 * part))
    if host:
        x = with_host(x, data.hosts)

    def run(seed: int) -> Run:
        training, held_out, test = split(data, seed, options.shares)
        begin = time.perf_counter()
        p, leaf = forest_probabilities(x, data.y, training, held_out, test, len(data.class_names), seed)
        seconds = time.perf_counter() - begin
        return _measured(p, data.y[test], len(training), seconds, {"leaf": leaf, "features": x.shape[2]}, [])

    return run


def _boosted(hand_made: _HandMade, host: bool, report: Callable[[float], None]) -> Callable[[int], Run]:
    """Return what trains and tests boosted trees with a seed."""
    data, options = hand_made.data, hand_made.options
    x = hand_made.ages(lambda part: report(0.25 * part))
    views = hand_made.views(lambda part: report(0.25 + 0.25 * part))
    if host:
        x, views = with_host(x, data.hosts), with_host(views, data.hosts)

    def run(seed: int) -> Run:
        training, held_out, test = split(data, seed, options.shares)
        begin = time.perf_counter()
        p = boosted_probabilities(views, x, data.y, training, held_out, test, len(data.class_names), seed)
        seconds = time.perf_counter() - begin
        return _measured(p, data.y[test], len(training), seconds, {"views": len(views), "features": x.shape[2]}, [])

    return run


def _measured(
    p: Array, y: Labels, n_training: int, seconds: float, learned: dict[str, Any], examples: list[dict[str, Any]]
) -> Run:
    k = p.shape[2]
    return Run(
        np.stack([confusion(y, part.argmax(axis=1), k) for part in p]),
        np.array([calibration_error(part, y) for part in p]),
        {"objects": n_training, "tested": len(y), **learned},
        seconds,
        examples,
    )


def _write(path: Path, run: Run) -> None:
    """Write complete or not at all."""
    plain = dataclasses.asdict(run) | {
        "confusion": run.confusion.tolist(),
        "calibration_error": run.calibration_error.tolist(),
    }
    temporary = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(plain), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise FollowupError(f"cannot keep the result {path} ({error.strerror}); choose --results") from error


def _read(path: Path) -> Run | None:
    """Return a kept result; None if there is none, or it is no whole one."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return Run(
            np.array(plain["confusion"], dtype=np.intp),
            np.array(plain["calibration_error"], dtype=np.float64),
            dict(plain["training"]),
            float(plain["seconds"]),
            list(plain["examples"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
