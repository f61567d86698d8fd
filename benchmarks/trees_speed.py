"""
How fast trees score and explain as tables, against scikit-learn and a walk down every tree.

Run: python benchmarks/trees_speed.py [--objects N] [--trees T] [--depth D …] [--repeats R] [--seed S] [--json]

A boosted classifier is trained on random features, a fifth of them missing; other objects are scored by scikit-learn
(`decision_function`), by `TreeEnsemble.log_odds`, and explained by `TreeEnsemble.shapley`. The Shapley values are
compared with the algorithm of Lundberg, Erion & Lee (2018, algorithm 2: a walk down every tree for every object),
in plain Python, on a few objects. All on one thread; times are of the CPU: the median of the repeats, and their range.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from time import process_time

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from ampel_followup.models.trees import LEAF, TreeEnsemble

Array = NDArray[np.float64]

N_FEATURES, N_TRAINING, N_LOOP = 16, 3000, 5


def objects(n: int, rng: np.random.Generator) -> Array:
    """Return random features, a fifth of them missing, shape (n, N_FEATURES)."""
    x = rng.normal(size=(n, N_FEATURES))
    x[rng.random(x.shape) < 0.2] = np.nan
    return x


def loop(trees: TreeEnsemble, x: Array) -> Array:
    """Return the Shapley values of one object by algorithm 2 of Lundberg, Erion & Lee (2018)."""
    feature, number, cover, ends = (
        trees.feature.tolist(),
        trees.number.tolist(),
        trees.cover.tolist(),
        trees.ends,
    )
    values = [0.0] * len(x)

    def extend(path: list[list[float]], zero: float, one: float, column: int) -> list[list[float]]:
        longer = [entry.copy() for entry in path] + [[column, zero, one, 1.0 if not path else 0.0]]
        depth = len(path)
        for i in range(depth - 1, -1, -1):
            longer[i + 1][3] += one * longer[i][3] * (i + 1) / (depth + 1)
            longer[i][3] = zero * longer[i][3] * (depth - i) / (depth + 1)
        return longer

    def unwind(path: list[list[float]], index: int) -> list[list[float]]:
        depth = len(path) - 1
        _, zero, one, _ = path[index]
        shorter = [entry.copy() for entry in path]
        following = shorter[depth][3]
        for j in range(depth - 1, -1, -1):
            if one != 0:
                weight = shorter[j][3]
                shorter[j][3] = following * (depth + 1) / ((j + 1) * one)
                following = weight - shorter[j][3] * zero * (depth - j) / (depth + 1)
            else:
                shorter[j][3] = shorter[j][3] * (depth + 1) / (zero * (depth - j))
        for j in range(index, depth):
            shorter[j][:3] = shorter[j + 1][:3]
        return shorter[:-1]

    def walk(node: int, path: list[list[float]], zero: float, one: float, column: int) -> None:
        path = extend(path, zero, one, column)
        if feature[node] == LEAF:
            for i in range(1, len(path)):
                weight = sum(entry[3] for entry in unwind(path, i))
                values[int(path[i][0])] += weight * (path[i][2] - path[i][1]) * number[node]
            return
        asked, left, right = feature[node], node + 1, ends[node + 1]
        goes_left = trees.missing_left[node] if np.isnan(x[asked]) else x[asked] <= number[node]
        zero_before, one_before = 1.0, 1.0
        for i in range(1, len(path)):
            if path[i][0] == asked:
                _, zero_before, one_before, _ = path[i]
                path = unwind(path, i)
                break
        for child, taken in ((left, bool(goes_left)), (right, not goes_left)):
            walk(child, path, zero_before * cover[child] / cover[node], one_before * taken, asked)

    root = 0
    while root < len(feature):
        walk(root, [], 1.0, 1.0, -1)
        root = ends[root]
    return np.array(values)


def cpu(repeats: int, function: Callable[[], object]) -> Array:
    """Return the CPU times [s] of several runs after one to warm up."""
    function()
    times = np.empty(repeats)
    for i in range(repeats):
        start = process_time()
        function()
        times[i] = process_time() - start
    return times


def measure(depth: int, options: argparse.Namespace) -> dict[str, float | list[float]]:
    """Measure the speed of trees of one depth."""
    rng = np.random.default_rng(options.seed)
    x = objects(N_TRAINING, rng)
    y = np.nan_to_num(x).sum(axis=1) + rng.normal(size=N_TRAINING) > 0
    model = HistGradientBoostingClassifier(
        max_iter=options.trees, max_depth=depth, early_stopping=False, random_state=options.seed
    ).fit(x, y)
    start = process_time()
    trees = TreeEnsemble.from_boosting(model, [f"x{i}" for i in range(N_FEATURES)])
    _ = trees.parts.sums
    prepared = process_time() - start
    start = process_time()
    _ = trees.parts.shares
    prepared_shares = process_time() - start

    x = objects(options.objects, rng)
    values, expected = trees.shapley(x)
    times = {
        "scikit_learn_s": cpu(options.repeats, lambda: model.decision_function(x)),
        "log_odds_s": cpu(options.repeats, lambda: trees.log_odds(x)),
        "shapley_s": cpu(options.repeats, lambda: trees.shapley(x)),
        "log_odds_of_one_ms": 10.0 * cpu(options.repeats, lambda: [trees.log_odds(row[None]) for row in x[:100]]),
        "shapley_of_one_ms": 10.0 * cpu(options.repeats, lambda: [trees.shapley(row[None]) for row in x[:100]]),
    }
    walks = np.array([loop(trees, row) for row in x[:N_LOOP]])
    walk_ms = 1000.0 / N_LOOP * cpu(1, lambda: [loop(trees, row) for row in x[:N_LOOP]])
    shapley_ms = 1000.0 * np.median(times["shapley_s"]) / len(x)
    return {
        "depth": depth,
        "prepared_s": prepared,
        "prepared_shares_s": prepared_shares,
        **{name: [float(np.median(t)), float(t.min()), float(t.max())] for name, t in times.items()},
        "ratio_to_scikit_learn": float(np.median(times["scikit_learn_s"]) / np.median(times["log_odds_s"])),
        "ratio_to_walk": float(walk_ms[0] / shapley_ms),
        "difference_to_scikit_learn": float(np.abs(trees.log_odds(x) - model.decision_function(x)).max()),
        "difference_to_walk": float(np.abs(values[:N_LOOP] - walks).max()),
        "difference_of_sum": float(np.abs(values.sum(axis=1) + expected - trees.log_odds(x)).max()),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--depth", type=int, nargs="+", default=[3, 4, 5])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with threadpool_limits(1):
        results = [measure(depth, options) for depth in options.depth]
    if options.json:
        print(json.dumps({**vars(options), "results": results}))
        return
    for result in results:
        print(f"{options.objects} objects, {options.trees} trees, seed {options.seed}")
        for name, value in result.items():
            if isinstance(value, list):
                print(f"  {name:28s} {value[0]:.3g} ({value[1]:.3g} to {value[2]:.3g})")
            else:
                print(f"  {name:28s} {value:.3g}")


if __name__ == "__main__":
    main()
