"""What a comparison of classifiers at several ages says: recalls with their spread, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.attention_runs import BOOSTED, FOREST, FOREST_HOST, Run, RunOptions, Task
from ampel_followup.learning.attention_curves import LabelledCurves
from ampel_followup.learning.attention_metrics import macro_recall, recalls

Array = NDArray[np.float64]

#: Comparisons that are asked for: what, with what, at which fractions, and by how much it should be better.
GOALS: tuple[tuple[str, str, tuple[float, ...], float], ...] = (
    ("attention-gru", "gru", (0.25, 0.5, 1.0), 0.0),
    ("time-attention", "gru", (0.25, 0.5, 1.0), 0.0),
    ("feature-attention", "gru", (0.25, 0.5, 1.0), 0.0),
    ("pooled-attention", "gru", (0.25, 0.5, 1.0), 0.0),
    ("attention-gru", FOREST, (0.25,), 0.03),
    ("time-attention", FOREST, (0.25,), 0.03),
    ("feature-attention", FOREST, (0.25,), 0.03),
    ("pooled-attention", FOREST, (0.25,), 0.03),
    ("pooled-attention-host", FOREST, (0.25,), 0.03),
    ("pooled-attention-host", FOREST_HOST, (0.25,), 0.03),
    (BOOSTED, FOREST, (0.25,), 0.03),
)


# Steps of an example from which on it counts how attention is spread over them.
_ENOUGH_STEPS = 5


def macro_recalls(runs: Mapping[Task, Run], model: str, seeds: Sequence[int]) -> Array:
    """Return the macro recall of each seed at each fraction, shape (number of seeds, f)."""
    return np.array([[macro_recall(counts) for counts in runs[model, seed].confusion] for seed in seeds])


def summarise(
    data: LabelledCurves, runs: Mapping[Task, Run], models: Sequence[str], seeds: Sequence[int], options: RunOptions
) -> dict[str, Any]:
    """
    Put the runs of one data set into one table.

    Returns
    -------
    dict
        ``data``; ``models``: for each its macro recall at the fractions (mean and standard deviation over seeds),
        recalls by class, calibration error, the confusion matrices summed over seeds, how sharp its attention is
        (largest weight of an example relative to equal weights, median), what was trained and how long it took;
        ``paired``: differences of macro recall, seed by seed; ``goals``: which were reached.
    """
    recall = {model: macro_recalls(runs, model, seeds) for model in models}
    paired = []
    for j, one in enumerate(models):
        for other in models[:j]:
            difference = recall[one] - recall[other]
            paired.append({"model": one, "less": other, **_spread(difference, options.fractions)})
    return {
        "data": {
            "name": data.name,
            "note": data.note,
            "objects": len(data),
            "classes": {
                name: int(n)
                for name, n in zip(data.class_names, np.bincount(data.y, minlength=len(data.class_names)), strict=True)
            },
        },
        "models": {model: _of_model(runs, model, seeds, recall[model], options.fractions) for model in models},
        "paired": paired,
        "goals": [
            goal
            for one, other, fractions, least in GOALS
            if one in models and other in models
            for goal in _goals(one, other, recall[one] - recall[other], options.fractions, fractions, least)
        ],
    }


def _of_model(
    runs: Mapping[Task, Run], model: str, seeds: Sequence[int], recall: Array, fractions: Sequence[float]
) -> dict[str, Any]:
    of_seed = [runs[model, seed] for seed in seeds]
    counts = np.sum([run.confusion for run in of_seed], axis=0)
    by_class = np.mean([[recalls(part) for part in run.confusion] for run in of_seed], axis=0)
    error = np.mean([run.calibration_error for run in of_seed], axis=0)
    return {
        "macro_recall": _spread(recall, fractions),
        "recall": {_at(f): np.round(by_class[i], 4).tolist() for i, f in enumerate(fractions)},
        "calibration_error": {_at(f): round(float(error[i]), 4) for i, f in enumerate(fractions)},
        "confusion": {_at(f): counts[i].tolist() for i, f in enumerate(fractions)},
        "sharpness": _sharpness(of_seed),
        "training": [run.training for run in of_seed],
        "training_seconds": round(float(np.mean([run.seconds for run in of_seed])), 1),
    }


def _sharpness(runs: Sequence[Run]) -> float | None:
    """Return the median over examples of the largest weight relative to equal ones; None for a model without."""
    weights = [example["attention"] for run in runs for example in run.examples]
    largest = [max(one) * len(one) for one in weights if len(one) >= _ENOUGH_STEPS]
    return round(float(np.median(largest)), 3) if largest else None


def _spread(values: Array, fractions: Sequence[float]) -> dict[str, Any]:
    """Return mean and standard deviation over seeds, shape (number of seeds, f), by fraction."""
    deviation = values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan)
    return {
        _at(f): {
            "mean": round(float(values[:, i].mean()), 4),
            "sd": None if np.isnan(deviation[i]) else round(float(deviation[i]), 4),
            "seeds": np.round(values[:, i], 4).tolist(),
        }
        for i, f in enumerate(fractions)
    }


def _goals(
    one: str, other: str, difference: Array, fractions: Sequence[float], wanted: Sequence[float], least: float
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for i, fraction in enumerate(fractions):
        if fraction not in wanted:
            continue
        mean, (low, high) = float(difference[:, i].mean()), _interval(difference[:, i])
        found.append(
            {
                "model": one,
                "better_than": other,
                "fraction": fraction,
                "by": round(mean, 4),
                "interval": None if low is None or high is None else [round(low, 4), round(high, 4)],
                "wanted": least,
                "reached": mean > 0.0 and mean >= least,
                "beyond_the_spread": low is not None and low > 0.0,
                "better_in": int((difference[:, i] > 0).sum()),
                "of": len(difference),
            }
        )
    return found


def _interval(difference: Array) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the mean of paired differences, by Student's distribution; None for one seed."""
    from scipy.stats import t

    n = len(difference)
    if n < 2:
        return None, None
    half = float(t.ppf(0.975, n - 1) * difference.std(ddof=1) / np.sqrt(n))
    return float(difference.mean()) - half, float(difference.mean()) + half


def _at(fraction: float) -> str:
    return f"{fraction:g}"
