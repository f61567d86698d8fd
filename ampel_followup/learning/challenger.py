"""
Learning from labels: a challenger is trained from the champion's training table and the labelled objects of a store.

Each labelled object counts as much as several of the training table (`LearningOptions.weight`), for the table may be a
simulation, and larger by far. Objects that were labelled without their spectrum at hand get a possible one of their
class from the champion's conditional mixture, Q(x_s|x_t, y): what photometry and class let expect.

Whatever happens to the process, the store and the bundles stay as they were: the challenger is made in a folder of its
own, which takes its place in one step. A run that is interrupted goes on where it was.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ampel_followup.champions import Challenger
from ampel_followup.errors import BundleError, TrainingError
from ampel_followup.learning.challenger_bundle import description_of, training_options
from ampel_followup.learning.labelled import LabelledObjects, labelled_objects
from ampel_followup.learning.paired_comparison import compare_paired, cross_predict
from ampel_followup.learning.sources import Omission, Rows, reasons_of
from ampel_followup.learning.training_table import TrainingTable, principal_spectra, read_table, write_table
from ampel_followup.models.bundle import ModelBundle, load_bundle, save_bundle
from ampel_followup.models.folder import GAIN, read_folder
from ampel_followup.models.mixture import random_points
from ampel_followup.models.training import train_on_features
from ampel_followup.promoting import CHALLENGERS
from ampel_followup.scoring import compute_features

if TYPE_CHECKING:
    from ampel_followup.store import Store

Array = NDArray[np.float64]

#: Fewer labelled objects than this say nothing, whatever comes out.
MIN_OBJECTS = 10

# Possible spectra that one is chosen from for an object without a spectrum.
_POSSIBLE = 64

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class LearningOptions:
    """
    What can be chosen.

    Parameters
    ----------
    weight : float
        So many objects of the champion's training table one labelled object counts, at least 1.
    min_class : int
        Labelled objects that make a class which the champion does not know a new one; with fewer they are left out.
    folds : int
        Of the comparison, 2 or more.
    seed : int
        Of the folds, the models and the bootstrap: the same seed gives the same challenger.
    n_jobs : int
        Threads, -1 for all; results do not depend on it.
    """

    weight: float = 10.0
    min_class: int = 10
    folds: int = 5
    seed: int = 1
    n_jobs: int = -1

    def __post_init__(self) -> None:
        if not self.weight >= 1:
            raise TrainingError(f"a weight of {self.weight:g} is too small; give 1 or more, such as 10")
        if self.folds < 2 or self.min_class < 2 or self.seed < 0:
            raise TrainingError("folds and objects of a new class must be 2 or more, the seed 0 or more")


@dataclass(frozen=True)
class Learned:
    """
    What came of a run.

    Parameters
    ----------
    challenger : Challenger
        As stored.
    folder : Path
        Of its bundle.
    ids, y, before, after
        The n labelled objects of the comparison, their true classes, and the predictions of both models, (n, C) each.
    omitted : tuple of Omission
        Labelled objects that are not learned from.
    n_known : int
        Labelled objects that the champion has learned from already.
    n_spectra : int
        Objects that are learned from with their measured spectrum.
    unused_spectra : tuple of Omission
        Spectra that cannot be used; their objects are learned from with a possible one.
    """

    challenger: Challenger
    folder: Path
    ids: tuple[str, ...]
    y: NDArray[np.intp]
    before: Array
    after: Array
    omitted: tuple[Omission, ...]
    n_known: int
    n_spectra: int
    unused_spectra: tuple[Omission, ...]


Report = Callable[[Path, Learned], object]
Progress = Callable[[str, int, int], None]


def learn(
    store: Store,
    champion_folder: Path,
    *,
    name: str,
    created: str,
    options: LearningOptions | None = None,
    spectra: Callable[[tuple[str, ...]], Rows] | None = None,
    report: Report | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Learned:
    """
    Train a challenger from the labels of a store, compare it with the champion, and keep both results.

    Parameters
    ----------
    store : Store
        Open for writing. Labels that wait for their object should have been matched (`label_matching.match_waiting`).
    champion_folder : Path
        Of the bundle to start from, with its training table.
    name : str
        Of the challenger: letters, digits, dots, dashes.
    created : str
        Now, UTC, ISO 8601.
    options : LearningOptions, optional
    spectra : callable, optional
        Returns the spectra, on the common grid, of those of the given objects that have one.
    report : callable, optional
        Writes a report into a folder, before the challenger takes its place.
    progress : callable
        Called with the stage, what is done of it, and how much there is.

    Returns
    -------
    Learned

    Raises
    ------
    TrainingError
        If there is too little to learn from; the message says what, and that the labels are kept.
    BundleError, StoreError
        If the champion or the store cannot be used.
    """
    options = options or LearningOptions()
    champion = load_bundle(champion_folder)
    table = read_table(champion_folder, champion)
    if not _NAME.fullmatch(name):
        raise TrainingError(f"{name!r} is no name of a challenger; use letters, digits, dots and dashes with --name")
    place = store.folder / CHALLENGERS / name
    if any(known.name == name for known in store.learning.challengers()):
        raise TrainingError(f"there is a challenger {name!r} already; give this one another --name")
    last_label = max((label.id for label in store.labels()), default=0)
    objects = labelled_objects(store, champion.classes, lambda done, total: progress("reading objects", done, total))
    found = _choose(objects, table, champion, options)
    values = compute_features(found.objects.light_curves, champion).values
    measured = Rows((), np.empty((0, 0))) if spectra is None else spectra(found.objects.ids)
    labelled = _rows(found, values, champion, measured, options)
    table = dataclasses.replace(table.without(found.relearned), classes=found.classes)

    run = _key(champion, labelled, options)
    _check_free(place, run)
    work = store.folder / CHALLENGERS / f".work-{run}"
    work.mkdir(parents=True, exist_ok=True)
    training = training_options(champion.info, options.n_jobs)
    new = np.flatnonzero(found.new)
    groups = found.objects.groups[new]
    folds = min(options.folds, len(np.unique(groups)))
    if folds < 2:
        raise TrainingError(f"all {len(new)} labelled objects are of one host; they cannot be tested; labels are kept")
    tested = labelled.take(new)
    after = cross_predict(
        table.joined(labelled.take(np.flatnonzero(~found.new))),
        tested,
        groups,
        folds=folds,
        seed=options.seed,
        options=training,
        work=work,
        progress=lambda done, total: progress("comparing with champion", done, total),
    )
    before = np.zeros_like(after)
    before[:, : len(champion.classes)] = champion.model.p_t.predict_proba(tested.x_t)
    comparison = compare_paired(
        before,
        after,
        tested.y,
        groups,
        found.classes,
        len(champion.classes),
        folds=folds,
        rng=np.random.default_rng([options.seed, 3]),
    )
    progress("training challenger", 0, 1)
    everything = table.joined(labelled)
    info, files = train_on_features(
        everything.x_t,
        everything.x_s,
        everything.y,
        features=champion.features,
        feature_sets=champion.info["feature_sets"],
        classes=found.classes,
        rng=np.random.default_rng([options.seed, 4]),
        options=training,
        weight=everything.weight,
    )
    files["spectrum.json"] = champion.files["spectrum.json"]
    info = description_of(
        info,
        champion,
        everything,
        comparison,
        name=name,
        created=created[:10],
        n_learned=len(labelled),
        training={"weight": options.weight, "seed": options.seed, "run": run},
    )
    progress("training challenger", 1, 1)

    made = work / "bundle"
    shutil.rmtree(made, ignore_errors=True)
    bundle = save_bundle(made, info, files)
    write_table(made, everything, bundle.digest)
    challenger = Challenger(
        name=name,
        created=created,
        bundle=bundle.label,
        bundle_digest=bundle.digest,
        folder=f"{CHALLENGERS}/{name}",
        champion=champion.label,
        champion_digest=champion.digest,
        n_learned=len(labelled),
        weight=options.weight,
        last_label=last_label,
        new_classes=found.classes[len(champion.classes) :],
        left_out=dict(Counter(omission.reason for omission in found.omitted)),
        comparison=comparison,
    )
    ids = tuple(tested.ids.tolist())
    learned = Learned(
        challenger,
        place,
        ids,
        tested.y,
        before,
        after,
        found.omitted,
        found.n_known,
        len(measured.ids),
        measured.omitted,
    )
    if report is not None:
        report(made / "report", learned)
    # The folder first: a challenger in the store without its bundle would be worse than a bundle nobody knows of.
    shutil.rmtree(place, ignore_errors=True)
    made.replace(place)
    stored = store.learning.add_challenger(challenger)
    shutil.rmtree(work, ignore_errors=True)
    return dataclasses.replace(learned, challenger=stored)


@dataclass(frozen=True)
class _Chosen:
    """What is learned: objects, all classes, which objects are new, which rows of the table they replace."""

    objects: LabelledObjects
    classes: tuple[str, ...]
    new: NDArray[np.bool_]
    relearned: tuple[str, ...]
    omitted: tuple[Omission, ...]
    n_known: int


def _choose(objects: LabelledObjects, table: TrainingTable, champion: ModelBundle, options: LearningOptions) -> _Chosen:
    """Decide which labelled objects are learned; raise TrainingError if that is too little."""
    in_table = {str(name): table.classes[c] for name, c in zip(table.ids, table.y.tolist(), strict=True)}
    omitted = list(objects.omitted)
    counts = Counter(objects.classes)
    new_classes = tuple(sorted(c for c, n in counts.items() if c not in champion.classes and n >= options.min_class))
    keep: list[int] = []
    n_known = 0
    for i, (target, name) in enumerate(zip(objects.ids, objects.classes, strict=True)):
        if in_table.get(target) == name:
            n_known += 1
        elif name not in champion.classes and name not in new_classes:
            reason = f"class never seen in training, and fewer than {options.min_class} objects of it"
            omitted.append(Omission(target, reason, name))
        else:
            keep.append(i)
    chosen = _subset(objects, keep)
    left_out = f"left out: {reasons_of(omitted)}" + (f"; learned before: {n_known}" if n_known else "")
    new = np.array([target not in in_table for target in chosen.ids], dtype=np.bool_)
    if new.sum() < MIN_OBJECTS:
        raise TrainingError(
            f"{new.sum()} labelled objects can be learned from, {MIN_OBJECTS} are needed; the labels are kept, "
            f"come back with more ({left_out})"
        )
    classes = {name for name, is_new in zip(chosen.classes, new.tolist(), strict=True) if is_new}
    if len(classes) < 2:
        raise TrainingError(
            f"all {new.sum()} labelled objects are of one class, {classes.pop()!r}: learned from alone they would only "
            f"teach the models to say it; add labels of another class ({left_out})"
        )
    relearned = tuple(target for target, is_new in zip(chosen.ids, new.tolist(), strict=True) if not is_new)
    return _Chosen(chosen, (*champion.classes, *new_classes), new, relearned, tuple(omitted), n_known)


def _subset(objects: LabelledObjects, rows: list[int]) -> LabelledObjects:
    return LabelledObjects(
        tuple(objects.light_curves[i] for i in rows),
        tuple(objects.labels[i] for i in rows),
        objects.groups[rows],
        objects.omitted,
    )


def _rows(
    found: _Chosen, values: Array, champion: ModelBundle, measured: Rows, options: LearningOptions
) -> TrainingTable:
    """Return the labelled objects as rows of a training table: spectral features as measured, or possible ones."""
    objects, model = found.objects, champion.model
    y = np.array([found.classes.index(name) for name in objects.classes], dtype=np.intp)
    rng = np.random.default_rng([options.seed, 1])
    # Of a class that the mixture does not know, a spectrum of what the photometry lets expect.
    weights = model.p_t.predict_proba(values)
    known = y < len(champion.classes)
    weights[known] = np.eye(len(champion.classes))[y[known]]
    possible = model.mixture.sample(model.scaled(values), random_points(_POSSIBLE, model.mixture.n_s, rng), weights)
    x_s = possible[np.arange(len(y)), rng.integers(_POSSIBLE, size=len(y))]
    if measured.ids:
        features = principal_spectra(champion.files).transform(measured.values)
        row_of = {name: row for row, name in enumerate(objects.ids)}
        x_s[[row_of[name] for name in measured.ids]] = features
    return TrainingTable(
        ids=np.array(objects.ids, dtype=np.str_),
        x_t=values,
        x_s=x_s,
        y=y,
        weight=np.full(len(y), options.weight),
        labelled=np.ones(len(y), dtype=np.bool_),
        classes=found.classes,
        features=champion.features,
        feature_sets=champion.info["feature_sets"],
    ).rounded()


def _check_free(place: Path, run: str) -> None:
    """Refuse to replace a folder, but for what this very run left when it was interrupted before the store knew."""
    if not place.exists():
        return
    try:
        left = read_folder(place, GAIN)[0].get("training", {}).get("run")
    except BundleError:
        left = None
    if left != run:
        raise TrainingError(
            f"{place} is there already, and not a challenger of this store; give this one another --name"
        )


def _key(champion: ModelBundle, labelled: TrainingTable, options: LearningOptions) -> str:
    """Name what is learned from what: the same run again finds what it had done before it was interrupted."""
    said = [champion.digest, labelled.ids.tolist(), labelled.y.tolist(), labelled.classes]
    said.append([options.weight, options.folds, options.seed])
    content = hashlib.sha256(json.dumps(said).encode())
    content.update(np.ascontiguousarray(labelled.x_t).tobytes())
    return content.hexdigest()[:16]
