"""
Batch against stream: the same objects at once, and chunk by chunk, each classified before it is learned.

Every ordering of the objects (`ampel_followup.evaluation.stream_data`) goes through every learner: a chunk is
classified by what was learned from those before it, and then learned. All learners grow the same kind of forest.

=================  ===================================================================================================
``full-retrain``   grows the forest again on all objects so far, with every chunk
``rolling``        renews the forest tree by tree, and trusts old objects less when errors become more frequent
                   (`ampel_followup.models.incremental`)
``rolling-blind``  the same, without looking for changes
``adain``          a forest of each chunk, weighted (`ampel_followup.models.adain`)
``equal-votes``    a forest of each chunk, all votes the same
``last-chunk``     a forest of the last chunk
``frozen``         a forest of the first half, never changed; tested on the second half
``batch``          all at once: ten folds, each classified by a forest of the nine others, whatever came first
=================  ===================================================================================================
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.protocol import mapped_over
from ampel_followup.evaluation.stream_data import SIZES, Drift, LabelledTable, Stream, as_stream
from ampel_followup.evaluation.stream_metrics import StreamAnswers
from ampel_followup.models.adain import Adain
from ampel_followup.models.chunk_learners import EqualVotes, ForestSettings, FullRetrain, LastChunk
from ampel_followup.models.class_trees import Cost, grow_trees, reached, votes
from ampel_followup.models.incremental import RollingForest, RollingSettings

Array = NDArray[np.float64]

#: What the others are measured against.
REFERENCE = "full-retrain"

#: In the order of the report.
LEARNERS = (REFERENCE, "rolling", "rolling-blind", "adain", "equal-votes", "last-chunk", "frozen", "batch")

# Those that see the stream as it comes, to its end.
STREAMED = LEARNERS[:6]

_FOLDS = 10


@dataclass(frozen=True, slots=True)
class StreamProtocol:
    """
    How streams are made and learned from.

    Parameters
    ----------
    chunk : int
        Objects that come at once.
    orderings : int
        Random orders of the objects, at least 2.
    seed : int
        Of all that is random.
    drifts : tuple of {"none", "shift", "mix"}
    shift, mix : float
        Sizes of these changes.
    window : int
        Objects whose accuracy is looked at for recovery.
    within : float
        Recovered is who is this near to the accuracy before.
    forest : ForestSettings
        Of all learners.
    rolling : RollingSettings
        Of the rolling forest; its trees are those of `forest`.

    Raises
    ------
    FollowupError
        If a size is no number, or the odds are below 1.
    """

    chunk: int = 100
    orderings: int = 5
    seed: int = 1
    drifts: tuple[Drift, ...] = ("none", "shift", "mix")
    shift: float = SIZES["shift"]
    mix: float = SIZES["mix"]
    window: int = 200
    within: float = 0.03
    forest: ForestSettings = field(default_factory=ForestSettings)
    rolling: RollingSettings = field(default_factory=RollingSettings)

    def __post_init__(self) -> None:
        if not np.isfinite(self.shift):
            raise FollowupError(f"a shift by {self.shift} spreads makes no stream; give a number")
        if not 1.0 <= self.mix < np.inf:
            raise FollowupError(f"odds of {self.mix} change no mix; give 1 or more")

    def size(self, drift: Drift) -> float:
        """Return the size of a change."""
        return {"none": 0.0, "shift": self.shift, "mix": self.mix}[drift]


@dataclass(frozen=True, slots=True)
class LearnerRun:
    """
    One learner on one ordering.

    Parameters
    ----------
    tested : StreamAnswers
    cost : Cost
        Of all that it grew.
    learning_s, classifying_s : float
        CPU time [s].
    alarms : tuple of int
        After how many objects it noticed a change.
    """

    tested: StreamAnswers
    cost: Cost
    learning_s: float
    classifying_s: float
    alarms: tuple[int, ...] = ()


class StreamLearner(Protocol):
    """What learns from chunks, and says probabilities of classes meanwhile."""

    cost: Cost

    @property
    def classes(self) -> tuple[str, ...]:
        """The C classes, in the order of the probabilities."""
        ...

    def partial_fit(self, x: Array, y: list[str]) -> object:
        """Learn from the next objects, features (n, k) and classes (n,)."""
        ...

    def predict_proba(self, x: Array) -> Array:
        """Return class probabilities (n, C) of features (n, k)."""
        ...


def run_streams(
    table: LabelledTable,
    protocol: StreamProtocol,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Drift, dict[str, list[LearnerRun]]]:
    """
    Send every ordering through every learner.

    Parameters
    ----------
    table : LabelledTable
    protocol : StreamProtocol
    workers : int
        Processes; the result does not depend on it, but for CPU times.
    progress : callable
        Called with the number of runs done, and of all.

    Returns
    -------
    dict
        Change → learner → a run for each ordering.

    Raises
    ------
    FollowupError
        If there are fewer than ten chunks, or fewer than two orderings.
    """
    if len(table) < 10 * protocol.chunk:
        raise FollowupError(
            f"{table.name}: {len(table)} objects make fewer than ten chunks of {protocol.chunk}; take a smaller --chunk"
        )
    if protocol.orderings < 2:
        raise FollowupError(f"{protocol.orderings} ordering has no spread; take --orderings 2 or more")
    tasks = [(d, r, name) for d in protocol.drifts for r in range(protocol.orderings) for name in LEARNERS]
    result: dict[Drift, dict[str, list[LearnerRun]]] = {d: {name: [] for name in LEARNERS} for d in protocol.drifts}
    with mapped_over(workers) as run:
        done = run(run_learner, [table] * len(tasks), [protocol] * len(tasks), *zip(*tasks, strict=True))
        for i, ((drift, _, name), outcome) in enumerate(zip(tasks, done, strict=True), 1):
            result[drift][name].append(outcome)
            progress(i, len(tasks))
    return result


def run_learner(
    table: LabelledTable, protocol: StreamProtocol, drift: Drift, ordering: int, learner: str
) -> LearnerRun:
    """
    Send one ordering through one learner.

    Parameters
    ----------
    table : LabelledTable
    protocol : StreamProtocol
    drift : {"none", "shift", "mix"}
    ordering : int
        From 0; the same for all learners.
    learner : str
        One of `LEARNERS`.
    """
    stream = as_stream(table, drift, protocol.size(drift), np.random.default_rng([protocol.seed, ordering, 0]))
    rng = np.random.default_rng([protocol.seed, ordering, 1])
    if learner == "batch":
        return _batch(stream, len(table.classes), protocol.forest, rng)
    if learner == "frozen":
        return _frozen(stream, len(table.classes), protocol.forest, rng)
    return _test_then_train(stream, table.classes, protocol.chunk, _learner(learner, table.classes, protocol, rng))


def _learner(name: str, classes: tuple[str, ...], protocol: StreamProtocol, rng: np.random.Generator) -> StreamLearner:
    if name in ("rolling", "rolling-blind"):
        settings = dataclasses.replace(
            protocol.rolling,
            **dataclasses.asdict(protocol.forest),
            confidence=protocol.rolling.confidence if name == "rolling" else None,
        )
        return RollingForest(rng, settings, classes)
    kinds: dict[str, Callable[..., StreamLearner]] = {
        REFERENCE: FullRetrain,
        "adain": Adain,
        "equal-votes": EqualVotes,
        "last-chunk": LastChunk,
    }
    return kinds[name](rng, protocol.forest, classes)


def _test_then_train(stream: Stream, classes: tuple[str, ...], chunk: int, learner: StreamLearner) -> LearnerRun:
    n = len(stream.y)
    labels = [classes[c] for c in stream.y]
    named = np.full(n, -1, dtype=np.intp)
    learning = classifying = 0.0
    for begin in range(0, n, chunk):
        rows = slice(begin, begin + chunk)
        start = time.process_time()
        if begin:
            named[rows] = learner.predict_proba(stream.x[rows]).argmax(axis=1)
        middle = time.process_time()
        learner.partial_fit(stream.x[rows], labels[rows])
        learning += time.process_time() - middle
        classifying += middle - start
    alarms = tuple(n_seen for n_seen, _ in learner.changes) if isinstance(learner, RollingForest) else ()
    return LearnerRun(_tested(stream, named), learner.cost, learning, classifying, alarms)


def _frozen(stream: Stream, n_classes: int, forest: ForestSettings, rng: np.random.Generator) -> LearnerRun:
    half = len(stream.y) // 2
    named = np.full(len(stream.y), -1, dtype=np.intp)
    train, test = np.arange(half), np.arange(half, len(named))
    named[test], cost, learning, classifying = _trained_once(stream, train, test, n_classes, forest, rng)
    return LearnerRun(_tested(stream, named), cost, learning, classifying)


def _batch(stream: Stream, n_classes: int, forest: ForestSettings, rng: np.random.Generator) -> LearnerRun:
    """Classify each fold by a forest of the others; the cost is that of the mean one, for one is all that is needed."""
    n = len(stream.y)
    fold = rng.permutation(n) % _FOLDS
    named = np.full(n, -1, dtype=np.intp)
    costs, learning, classifying = [], 0.0, 0.0
    for f in range(_FOLDS):
        train, test = np.flatnonzero(fold != f), np.flatnonzero(fold == f)
        named[test], cost, grown, walked = _trained_once(stream, train, test, n_classes, forest, rng)
        costs.append(cost)
        learning, classifying = learning + grown / _FOLDS, classifying + walked
    mean = Cost(*(round(np.mean([getattr(c, key) for c in costs])) for key in ("rows_sorted", "nodes", "trees")))
    return LearnerRun(_tested(stream, named), mean, learning, classifying)


def _trained_once(
    stream: Stream,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    n_classes: int,
    forest: ForestSettings,
    rng: np.random.Generator,
) -> tuple[NDArray[np.intp], Cost, float, float]:
    start = time.process_time()
    trees, cost = grow_trees(
        stream.x[train],
        stream.y[train],
        n_classes,
        forest.n_trees,
        rng,
        min_samples_leaf=forest.min_samples_leaf,
        max_features=forest.max_features,
    )
    middle = time.process_time()
    named = votes(trees, reached(trees, stream.x[test]), n_classes).argmax(axis=1)
    return named, cost, middle - start, time.process_time() - middle


def _tested(stream: Stream, named: NDArray[np.intp]) -> StreamAnswers:
    return StreamAnswers(named, stream.y, stream.object, stream.change)
