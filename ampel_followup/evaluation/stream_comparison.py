"""Learners of streams side by side: accuracy, cost and recovery, with intervals, and which of them wins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.stream_data import Drift, LabelledTable, describe
from ampel_followup.evaluation.stream_metrics import (
    BEFORE,
    accuracies,
    interval,
    macro_recalls,
    recovery,
    resampled,
)
from ampel_followup.evaluation.streams import LEARNERS, REFERENCE, STREAMED, LearnerRun, StreamProtocol

Array = NDArray[np.float64]

#: As good as the best is a learner that is this near to its accuracy, and cheap is one that costs at most this share.
NEAR, CHEAP = 0.01, 0.2


def compare_streams(
    table: LabelledTable,
    runs: Mapping[Drift, Mapping[str, Sequence[LearnerRun]]],
    protocol: StreamProtocol,
    *,
    cpu: bool = False,
) -> dict[str, Any]:
    """
    Compare all learners.

    Parameters
    ----------
    table : LabelledTable
    runs : mapping
        From `ampel_followup.evaluation.streams.run_streams`.
    protocol : StreamProtocol
        As they were made by.
    cpu : bool
        Whether to say CPU times too, which are not the same every time.

    Returns
    -------
    dict
        Ready for JSON: ``protocol``, and ``streams``: for each change ``injected``, ``learners`` and ``verdict``. A
        number that does not exist is None.
    """
    counts = np.bincount(table.y, minlength=len(table.classes)).tolist()
    return {
        "protocol": {
            "data": table.name,
            "note": table.note,
            "objects": len(table),
            "features": len(table.features),
            "classes": dict(zip(table.classes, counts, strict=True)),
            **asdict(protocol),
            "before_change": BEFORE,
            "interval": "95 %, bootstrap over objects and orderings",
        },
        "streams": {drift: _stream(table, drift, of_learner, protocol, cpu) for drift, of_learner in runs.items()},
    }


def _stream(
    table: LabelledTable,
    drift: Drift,
    runs: Mapping[str, Sequence[LearnerRun]],
    protocol: StreamProtocol,
    cpu: bool,
) -> dict[str, Any]:
    tested = {name: [run.tested for run in all_] for name, all_ in runs.items()}
    parts = ("second_half",) if drift == "none" else ("second_half", "after_change")
    draws = {part: resampled(tested, part, protocol.seed) for part in parts}
    price = {name: float(np.mean([run.cost.rows_sorted for run in all_])) for name, all_ in runs.items()}
    n = len(table)
    learners: dict[str, dict[str, Any]] = {}
    for name in LEARNERS:
        of_it = runs[name]
        entry: dict[str, Any] = {}
        if name != "frozen":
            entry |= _spread("accuracy", accuracies(tested[name], "accuracy"))
        for part in parts:
            entry |= _spread(part, accuracies(tested[name], part))
            entry[f"{part}_interval"] = _rounded(interval(draws[part][name]))
            difference = accuracies(tested[name], part).mean() - accuracies(tested[REFERENCE], part).mean()
            entry[f"{part}_minus_{REFERENCE}"] = _number(difference)
            entry[f"{part}_minus_{REFERENCE}_interval"] = _rounded(interval(draws[part][name] - draws[part][REFERENCE]))
        entry |= _spread("macro_recall", macro_recalls(tested[name], len(table.classes)))
        entry["rows_sorted_per_object"] = round(price[name] / n)
        entry["nodes_per_object"] = _number(np.mean([run.cost.nodes for run in of_it]) / n, 2)
        entry["trees_per_object"] = _number(np.mean([run.cost.trees for run in of_it]) / n, 3)
        entry["cost_ratio"] = _number(price[name] / price[REFERENCE], 4)
        if cpu:
            entry |= _cpu(of_it, runs[REFERENCE], n)
        if drift != "none" and name in STREAMED:
            entry["recovery"] = _recovery(of_it, protocol)
        if name == "rolling":
            entry["alarms"] = [list(run.alarms) for run in of_it]
        learners[name] = entry
    return {
        "injected": describe(table, drift, protocol.size(drift)),
        "change_at": None if drift == "none" else tested[REFERENCE][0].change,
        "learners": learners,
        "verdict": verdict(learners),
    }


def verdict(learners: Mapping[str, Mapping[str, Any]]) -> str:
    """
    Say which learner of the stream wins: the cheapest of those whose second half is within 0.01 of the best one's.

    Parameters
    ----------
    learners : mapping of str to mapping
        ``second_half`` and ``cost_ratio`` of each of `STREAMED`, ``second_half`` of batch.
    """
    accuracy = {name: float(learners[name]["second_half"]) for name in STREAMED}
    best = max(accuracy, key=lambda name: accuracy[name])
    near = [name for name in STREAMED if accuracy[name] >= accuracy[best] - NEAR]
    winner = min(near, key=lambda name: float(learners[name]["cost_ratio"]))
    text = f"{best} is the most accurate of the stream learners ({accuracy[best]:.3f} in the second half)"
    if winner == best:
        text += ", and none that is cheaper comes within 0.01"
    else:
        ratio = float(learners[winner]["cost_ratio"]) / float(learners[best]["cost_ratio"])
        text += f"; {winner} comes within 0.01 ({accuracy[winner]:.3f}) at 1/{1.0 / ratio:.1f} of its cost"
    batch = float(learners["batch"]["second_half"])
    return f"{winner} wins: {text}. Batch, all at once, has {batch:.3f} on the same objects."


def _cpu(runs: Sequence[LearnerRun], reference: Sequence[LearnerRun], n: int) -> dict[str, Any]:
    seconds, of_reference = (np.array([run.learning_s for run in all_]) for all_ in (runs, reference))
    return {
        "cpu_ratio": _number(seconds.sum() / of_reference.sum(), 4),
        "cpu_learning_ms_per_object": _number(1e3 * seconds.mean() / n, 3),
        "cpu_classifying_ms_per_object": _number(1e3 * np.mean([run.classifying_s for run in runs]) / n, 3),
    }


def _recovery(runs: Sequence[LearnerRun], protocol: StreamProtocol) -> dict[str, Any]:
    """Recovery of each ordering, and the median; who never recovers counts as later than all others."""
    found = [recovery(run.tested, protocol.window, protocol.within) for run in runs]
    times = [n for _, _, n in found]
    median = float(np.median([math.inf if n is None else n for n in times]))
    return {
        "before": _number(np.mean([before for before, _, _ in found])),
        "just_after": _number(np.mean([after for _, after, _ in found])),
        "objects": times,
        "median": _number(median, 0),
        "recovered": sum(n is not None for n in times),
    }


def _spread(name: str, values: Array) -> dict[str, float | None]:
    """Mean and standard deviation over orderings."""
    return {name: _number(values.mean()), f"{name}_sd": _number(values.std(ddof=1))}


def _rounded(bounds: tuple[float, float]) -> list[float | None]:
    return [_number(bound) for bound in bounds]


def _number(value: float | np.floating[Any], digits: int = 5) -> float | None:
    return round(float(value), digits) if math.isfinite(value) else None
