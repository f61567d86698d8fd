"""
The protocol of the comparison: ten folds, several replicates, nothing learned from the objects that are tested.

Every object is scored once a replicate, by models that were trained on the other folds: features are selected and
scaled, spectra condensed, forests trained and calibrated and the mixture fitted on those alone. (The authors select and
fit the mixture on all objects, those tested included.) A replicate has its own folds, forests and, where features are
simulated, its own simulation; all strategies are compared on the same replicates.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.data import PairedData, load_paired
from ampel_followup.gain import GainScores
from ampel_followup.models.selection import FeatureSelection, select_features
from ampel_followup.models.training import TrainingOptions, fit_gain_model
from ampel_followup.spectra.features import PrincipalSpectra

Array = NDArray[np.float64]

#: Training of the comparison: more trees than a bundle ships, and smaller leaves.
FORESTS = TrainingOptions(n_trees=150, min_samples_leaf=2, max_features="sqrt", conditional="pooled", n_jobs=1)


@dataclass(frozen=True, slots=True)
class Protocol:
    """
    How a comparison is made.

    Parameters
    ----------
    folds : int
        Parts that the objects are divided into, at least 2; no class may have fewer objects.
    replicates : int
        Repetitions, each with its own division, forests and simulation.
    seed : int
        Of all that is random.
    features : {"selected", "all"}
        Selected on each training part by `ampel_followup.models.selection`, or all.
    training : TrainingOptions
    """

    folds: int = 10
    replicates: int = 6
    seed: int = 1
    features: Literal["selected", "all"] = "selected"
    training: TrainingOptions = field(default=FORESTS)


@dataclass(frozen=True)
class Replicate:
    """
    One out-of-fold prediction of each of n objects.

    Parameters
    ----------
    scores : GainScores
        From photometry alone: P_t, and what a spectrum may tell.
    p_ts : ndarray, shape (n, C)
        Class probabilities with the true spectrum.
    y : ndarray of int, shape (n,)
    groups : ndarray, shape (n,)
        See `ampel_followup.evaluation.data.PairedData`.
    chosen : tuple of tuple of str
        Features selected in each fold.
    """

    scores: GainScores
    p_ts: Array
    y: NDArray[np.intp]
    groups: NDArray[np.generic]
    chosen: tuple[tuple[str, ...], ...]


def run_protocol(
    folder: Path,
    protocol: Protocol,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[PairedData, list[Replicate]]:
    """
    Score a data set, every replicate and fold.

    Parameters
    ----------
    folder : Path
        See `load_paired`.
    protocol : Protocol
    workers : int
        Processes; the result does not depend on it.
    progress : callable
        Called with the number of tasks done, and of all.

    Returns
    -------
    data : PairedData
        Of the first replicate.
    replicates : list of Replicate

    Raises
    ------
    FollowupError
        If the data cannot be read, or a class has fewer objects than there are folds.
    """
    n_tasks = protocol.replicates * (1 + protocol.folds)
    # A first look in this process: what is wrong with the data is said before any work starts.
    first = load_paired(folder, protocol.seed)
    split(first, protocol, 0)
    seeds = [protocol.seed + r for r in range(1, protocol.replicates)]
    with mapped_over(workers) as run:
        data = [first]
        progress(1, n_tasks)
        for loaded in run(load_paired, [folder] * len(seeds), seeds):
            data.append(loaded)
            progress(len(data), n_tasks)
        tasks = [(r, f) for r in range(protocol.replicates) for f in range(protocol.folds)]
        parts: list[FoldResult] = []
        for part in run(score_fold, [data[r] for r, _ in tasks], [protocol] * len(tasks), *zip(*tasks, strict=True)):
            parts.append(part)
            progress(len(data) + len(parts), n_tasks)
    folds = protocol.folds
    return first, [_assembled(data[r], parts[r * folds : (r + 1) * folds]) for r in range(protocol.replicates)]


@dataclass(frozen=True)
class FoldResult:
    """Scores and P_ts of the objects of one fold, `rows` of the data, and the features selected for it."""

    rows: NDArray[np.intp]
    scores: GainScores
    p_ts: Array
    chosen: tuple[str, ...]


def split(data: PairedData, protocol: Protocol, replicate: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """
    Divide the objects into folds of like class shares; samples of one object stay together.

    Returns
    -------
    list of (train, test)
        Rows of each fold.

    Raises
    ------
    FollowupError
        If a class has fewer objects than there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    objects, first = np.unique(data.groups, return_index=True)
    counts = np.bincount(data.y[first], minlength=len(data.classes))
    if counts.min() < protocol.folds:
        rare = ", ".join(f"{c} ({n})" for c, n in zip(data.classes, counts, strict=True) if n < protocol.folds)
        raise FollowupError(
            f"{data.name}: fewer objects than the {protocol.folds} folds in {rare}; use --folds {max(2, counts.min())}"
        )
    options = {"n_splits": protocol.folds, "shuffle": True, "random_state": _seed(protocol, replicate, 0)}
    if len(objects) == len(data):
        return list(StratifiedKFold(**options).split(data.x_t, data.y))
    return list(StratifiedGroupKFold(**options).split(data.x_t, data.y, data.groups))


def score_fold(data: PairedData, protocol: Protocol, replicate: int, fold: int) -> FoldResult:
    """Train on all folds but one, and score that one."""
    train, test = split(data, protocol, replicate)[fold]
    rng = np.random.default_rng(_seed(protocol, replicate, 1 + fold))
    x_s = spectral_features(data, train, protocol.training.n_spectral)
    columns_t, columns_s = np.arange(len(data.features)), np.arange(x_s.shape[1])
    if protocol.features == "selected":
        selection = select_features(np.concatenate([data.x_t[train], x_s[train]], axis=1), data.y[train], rng)
        columns_t, selected_s = divided(selection, len(data.features))
        # Given spectral features are the few that a selection left; learned ones come in order of variance, not of use.
        columns_s = selected_s if data.x_s is None else columns_s
    x_t, x_s = data.x_t[:, columns_t], x_s[:, columns_s]
    model = fit_gain_model(x_t[train], x_s[train], data.y[train], len(data.classes), rng, protocol.training)
    p_ts = model.p_ts.predict_proba(np.concatenate([x_t[test], x_s[test]], axis=1))
    names = [data.features[j] for j in columns_t] + [f"spectrum_{j}" for j in columns_s]
    return FoldResult(test, model.score(x_t[test]), p_ts, tuple(names))


def spectral_features(data: PairedData, train: NDArray[np.intp], n_spectral: int) -> Array:
    """
    Features of all spectra, scaled to unit variance, learned from those in the training part, shape (n, d).

    Given features are standardised; spectra are condensed to `n_spectral` principal components.
    """
    if data.x_s is not None:
        centre, scale = data.x_s[train].mean(axis=0), data.x_s[train].std(axis=0)
        return np.asarray((data.x_s - centre) / np.where(scale > 0, scale, 1.0))
    assert data.spectra is not None
    return PrincipalSpectra.fit(data.spectra[train], n_spectral).transform(data.spectra)


def divided(selection: FeatureSelection, n_t: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """
    Divide selected columns into photometric (the first n_t of all) and spectral ones, counted from 0 each.

    The method needs both kinds: where the selection has none of one, its most important feature is added.
    """
    spectral = selection.columns >= n_t
    columns_t, columns_s = selection.columns[~spectral], selection.columns[spectral] - n_t
    if len(columns_t) == 0:
        columns_t = np.array([selection.importance[:n_t].argmax()])
    if len(columns_s) == 0:
        columns_s = np.array([selection.importance[n_t:].argmax()])
    return np.sort(columns_t), np.sort(columns_s)


def _assembled(data: PairedData, parts: list[FoldResult]) -> Replicate:
    """Put the folds back into the order of the data."""
    order = np.argsort(np.concatenate([part.rows for part in parts]))
    scores = _reordered(GainScores.concatenate([part.scores for part in parts]), order)
    p_ts = np.concatenate([part.p_ts for part in parts])[order]
    return Replicate(scores, p_ts, data.y, data.groups, tuple(part.chosen for part in parts))


def _reordered(scores: GainScores, order: NDArray[np.intp]) -> GainScores:
    return GainScores(*(getattr(scores, f.name)[order] for f in dataclasses.fields(scores)))


def _seed(protocol: Protocol, replicate: int, purpose: int) -> int:
    """Seed of one replicate's folds (purpose 0) or of one fold's models (1 + fold)."""
    return int(np.random.SeedSequence([protocol.seed, replicate, purpose]).generate_state(1)[0])


@contextmanager
def mapped_over(workers: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """
    Yield a `map` that runs in so many processes, or in this one.

    Everywhere one thread of linear algebra: sums would otherwise depend on how many there are.
    """
    if workers > 1:
        # Processes that start afresh: threads that are running here cannot be copied into others.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
            yield pool.map
        return
    with _one_thread():
        yield map


def _one_thread() -> Any:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    return threadpool_limits(1)
