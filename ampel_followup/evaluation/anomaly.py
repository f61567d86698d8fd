"""
One class left out of training at a time: how many of the first shown are of it, before and after verdicts.

The objects of a data set are divided once, by a digest of their names; models see the training part without the class,
and what is shown comes from the test part with all classes. With each seed the models, and 80 % of either part, are
drawn anew. Verdicts are asked `BATCH` at a time on the first shown that were not judged, and say whether the object is
of the class that was left out.

Beside ours stands what a classifier finds that has all labels, and active anomaly discovery, asked the same, where
coniferest is installed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.anomaly.feedback import show
from ampel_followup.anomaly.model import AnomalyModel, Examined
from ampel_followup.evaluation.active_discovery import active_order, has_active_discovery
from ampel_followup.evaluation.anomaly_data import ClassTable
from ampel_followup.learning.anomaly_training import AnomalyOptions, train_anomaly
from ampel_followup.models.classifier import encode

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

#: Verdicts, how many are asked at a time, and how many shown objects count.
VERDICTS, BATCH, FIRST = 30, 5, 50

#: Objects to train on at most: more take longer and change little.
MOST_TRAINED = 2000

#: Smaller models than `train anomaly` makes, for many are trained.
OPTIONS = AnomalyOptions(class_trees=60, isolation_trees=60)

#: Share of each part that a seed draws.
_DRAWN = 0.8

# Parts of the pool that a classifier with all labels is tried on, each without its labels.
_FOLDS = 3

#: Shares of objects of known classes that should score above 1 − q.
LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2)


def evaluate_anomaly(
    tables: Sequence[ClassTable],
    seeds: Sequence[int],
    *,
    runs_file: Path | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """
    Leave out each class in turn.

    Parameters
    ----------
    tables : sequence of ClassTable
    seeds : sequence of int
    runs_file : Path, optional
        Finished runs are added to it, and not repeated: what was broken off goes on.
    progress : callable, optional

    Returns
    -------
    dict
        ``classes``: for each data set and class, means and standard deviations over seeds; ``calibration``; ``runs``.
    """
    done, compared = _finished(runs_file), has_active_discovery()
    todo = [(table, name, seed) for table in tables for seed in seeds for name in table.classes]
    runs = []
    for number, (table, name, seed) in enumerate(todo):
        key = f"{table.digest[:16]} {name} {seed}"
        fresh = {} if key in done else {"key": key, **one_run(table, name, seed)}
        if compared and "aad_with_judged" not in done.get(key, {}):
            fresh |= active_discovery(table, name, seed)
        if fresh:
            # A later line of the same run holds.
            done[key] = done.get(key, {}) | fresh
            if runs_file is not None:
                with runs_file.open("a") as out:
                    out.write(json.dumps(done[key]) + "\n")
        runs.append(done[key])
        progress(f"{table.name} without {name}", number + 1, len(todo))
    return {
        "seeds": list(seeds),
        "verdicts": VERDICTS,
        "first": FIRST,
        "classes": [_summary(table, name, runs) for table in tables for name in table.classes],
        "calibration": [_calibration(table, runs) for table in tables],
    }


def one_run(table: ClassTable, left_out: str, seed: int) -> dict[str, Any]:
    """Leave one class out with one seed; returns shares among the first shown, with and without verdicts."""
    training, pool, rng = _drawn(table, left_out, seed)
    model = train_anomaly(table.x[training], table.y[training].tolist(), table.features, rng, OPTIONS)
    columns = [table.features.index(name) for name in model.features]
    tonight = model.examine(table.x[pool][:, columns])
    wanted = table.y[pool] == left_out
    before, asked, after = shown_with_verdicts(model, tonight, wanted)
    new = after[~np.isin(after, asked)]
    kept = np.concatenate([asked[wanted[asked]], new])
    by_score = np.argsort(-np.nan_to_num(tonight.score), kind="stable")
    usual = tonight.score[~wanted]
    return {
        "data": table.name,
        "left_out": left_out,
        "seed": seed,
        "pool": len(pool),
        "of_class": int(wanted.sum()),
        "at_random": float(wanted.mean()),
        "by_score": float(wanted[by_score[:FIRST]].mean()),
        "without_feedback": float(wanted[before[:FIRST]].mean()),
        "found_by_verdicts": int(wanted[asked].sum()),
        "with_judged": float(wanted[kept[:FIRST]].mean()),
        "not_judged": float(wanted[new[:FIRST]].mean()),
        **with_all_labels(table, left_out, seed),
        "curve_before": np.cumsum(wanted[before[: 2 * FIRST]]).tolist(),
        "curve_after": np.cumsum(wanted[kept[: 2 * FIRST]]).tolist(),
        "above": {str(q): float((usual > 1.0 - q).mean()) for q in LEVELS},
    }


def with_all_labels(table: ClassTable, left_out: str, seed: int) -> dict[str, float]:
    """
    Return the same shares of a classifier that has what no search for anomalies has, for what features and pool allow.

    Extremely randomised trees tell the class from all others, trained on all labels: those of the training part, the
    class included, and those of two thirds of the pool, three times, for the other third.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    _, pool, rng = _drawn(table, left_out, seed)
    x, y = encode(table.x), table.y == left_out
    training = np.flatnonzero(table.training)
    training = rng.permutation(training)[: int(_DRAWN * len(training))]
    fold = rng.permutation(len(pool)) % _FOLDS
    p = np.zeros(len(pool))
    for k in range(_FOLDS):
        labelled = np.concatenate([training, pool[fold != k]])
        trees = ExtraTreesClassifier(
            60, min_samples_leaf=2, max_features=0.3, class_weight="balanced", n_jobs=1, random_state=k
        ).fit(x[labelled], y[labelled])
        p[fold == k] = trees.predict_proba(x[pool[fold == k]])[:, 1]
    order = np.argsort(-p, kind="stable")
    asked, new, wanted = order[:VERDICTS], order[VERDICTS:], y[pool]
    kept = np.concatenate([asked[wanted[asked]], new])
    return {
        "all_labels_with_judged": float(wanted[kept[:FIRST]].mean()),
        "all_labels": float(wanted[order[:FIRST]].mean()),
    }


def active_discovery(table: ClassTable, left_out: str, seed: int) -> dict[str, float]:
    """Return the same shares of active anomaly discovery, on the same objects and with as many verdicts."""
    training, pool, _ = _drawn(table, left_out, seed)
    wanted = table.y[pool] == left_out
    asked, order = active_order(table.x[training], table.x[pool], wanted, seed, verdicts=VERDICTS, batch=BATCH)
    new = order[~np.isin(order, asked)]
    kept = np.concatenate([asked[wanted[asked]], new])
    return {
        "aad_with_judged": float(wanted[kept[:FIRST]].mean()),
        "aad_not_judged": float(wanted[new[:FIRST]].mean()),
    }


def _drawn(
    table: ClassTable, left_out: str, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], np.random.Generator]:
    """Return rows to train on, rows of the pool, and the generator that drew them."""
    rng = np.random.default_rng([seed, table.classes.index(left_out)])
    training = np.flatnonzero(table.training & (table.y != left_out))
    training = rng.permutation(training)[: min(int(_DRAWN * len(training)), MOST_TRAINED)]
    pool = np.flatnonzero(~table.training)
    pool = np.sort(rng.permutation(pool)[: int(_DRAWN * len(pool))])
    return training, pool, rng


def shown_with_verdicts(
    model: AnomalyModel, tonight: Examined, wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the order without verdicts, the rows that were judged, and the order after all verdicts."""
    asked: list[int] = []

    def order(final: bool) -> NDArray[np.intp]:
        judged = np.array(asked, dtype=np.intp)
        yes, no = judged[wanted[judged]], judged[~wanted[judged]]
        return show(model, tonight, tonight.rows(yes), tonight.rows(no), final=final).order

    before = order(False)
    while len(asked) < min(VERDICTS, len(wanted)):
        left = [i for i in order(False).tolist() if i not in set(asked)]
        asked += left[: min(BATCH, VERDICTS - len(asked))]
    return before, np.array(asked, dtype=np.intp), order(True)


def _finished(file: Path | None) -> dict[str, dict[str, Any]]:
    if file is None or not file.exists():
        return {}
    found = {}
    for line in file.read_text().splitlines():
        try:
            run = json.loads(line)
        except ValueError:  # the line that was being written when the run was broken off
            continue
        found[run["key"]] = run
    return found


def _summary(table: ClassTable, name: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    own = [run for run in runs if run["data"] == table.name and run["left_out"] == name]
    keys: tuple[str, ...] = (
        "pool", "of_class", "at_random", "by_score", "without_feedback", "found_by_verdicts", "with_judged",
        "not_judged", "all_labels", "all_labels_with_judged",
    )  # fmt: skip
    keys += ("aad_with_judged", "aad_not_judged") if all("aad_with_judged" in run for run in own) else ()
    summary: dict[str, Any] = {"data": table.name, "left_out": name}
    for key in keys:
        values = [float(run[key]) for run in own]
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        summary[key] = {"mean": float(np.mean(values)), "sd": deviation}
    for key in ("curve_before", "curve_after"):
        n = min(len(run[key]) for run in own)
        summary[key] = np.mean([run[key][:n] for run in own], axis=0).tolist()
    summary["reached"] = bool(summary["with_judged"]["mean"] >= 0.6)
    return summary


def _calibration(table: ClassTable, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    own = [run for run in runs if run["data"] == table.name]
    shares = {str(q): [run["above"][str(q)] for run in own] for q in LEVELS}
    return {
        "data": table.name,
        "above": {q: {"mean": float(np.mean(v)), "sd": float(np.std(v))} for q, v in shares.items()},
    }
