"""
How fast the gain of a spectrum is computed, against the loop over objects that Astudillo et al. (2020) describe.

Run: python benchmarks/gain_speed.py [--data FOLDER] [--objects N] [--loop-objects N] [--seed S] [--json]

The loop does for each object what the paper says: P_t of the object, the conditional of the mixture component by
component, N = 200 spectra drawn one by one, P_ts of them by the same forest as scikit-learn runs it, and the entropies.
The batch is `GainModel.score` on the same points, so that both see the same spectra; that they also agree in the result
is checked. All on one thread; times are of the CPU, the shortest of several runs, per object.

Data: the variable stars of the paper (`--data`, by default ../shared/data/variable_stars_fats) with the simulated
second modality of `ampel_followup.evaluation.variable_stars`, or, without them, random clusters of the same shape.
Models are trained on a random half of the stars. Errors of the information gain are root mean squares over stars of the
other half, against 2^14 quasi-random spectra, averaged over several draws.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import multivariate_normal
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_limits

from ampel_followup.evaluation.variable_stars import PAPER_FEATURES, load
from ampel_followup.models.classifier import OnnxClassifier, encode, forest_to_onnx
from ampel_followup.models.gain_model import GainModel
from ampel_followup.models.mixture import quasi_random_points, random_points
from ampel_followup.models.mixture_fitting import fit_mixture, join_classes
from ampel_followup.models.scaling import QuantileScaling

Array = NDArray[np.float64]

N_MONTE_CARLO, N_QUASI, N_REFERENCE = 200, 32, 2**14


@dataclass(frozen=True)
class Trained:
    """A model in the forms that are compared, and the objects to score."""

    forest_t: RandomForestClassifier
    forest_ts: RandomForestClassifier
    onnx: GainModel
    compiled: GainModel | None
    x_t: Array
    tested: NDArray[np.intp]


def clusters(rng: np.random.Generator) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return photometric and spectral features and classes, in the shape of the variable stars."""
    y = rng.choice(6, 2556, p=[0.06, 0.29, 0.13, 0.47, 0.03, 0.02])
    centres = 1.5 * rng.normal(size=(6, 9))
    x = centres[y] + rng.normal(size=(2556, 9)) @ (0.5 * rng.normal(size=(9, 9)))
    return x[:, :7], x[:, 7:], y


def trained(folder: Path, rng: np.random.Generator, seed: int) -> Trained:
    """Train on a random half."""
    if folder.is_dir():
        data = load(folder, seed)
        x_t, x_s, y = data.x_t[:, [data.features.index(name) for name in PAPER_FEATURES]], data.x_s, data.y
        assert x_s is not None
    else:
        x_t, x_s, y = clusters(rng)
    order = rng.permutation(len(y))
    train, tested = order[: len(y) // 2], order[len(y) // 2 :]
    n_classes = int(y.max()) + 1
    forests = [
        RandomForestClassifier(100, random_state=seed, n_jobs=1).fit(encode(x[train]), y[train])
        for x in (x_t, np.concatenate([x_t, x_s], axis=1))
    ]
    scaling = QuantileScaling.fit(x_t[train])
    joint = np.concatenate([scaling.transform(x_t[train]), x_s[train]], axis=1)
    mixture = join_classes(
        [
            fit_mixture(joint[y[train] == c], x_t.shape[1], np.zeros((y[train] == c).sum(), dtype=np.intp))
            for c in range(n_classes)
        ],
        np.bincount(y[train]) / len(train),
    )
    models = [forest_to_onnx(forest) for forest in forests]
    onnx = GainModel(
        *(OnnxClassifier(model, "forest", n_classes) for model in models),
        mixture,
        scaling,
        np.arange(x_t.shape[1]),
        N_QUASI,
    )
    compiled = None
    if find_spec("numba"):
        from ampel_followup.models.votes import VotingForest

        compiled = replace(
            onnx, p_t=VotingForest.from_onnx(models[0], "P_t"), p_ts=VotingForest.from_onnx(models[1], "P_ts")
        )
    return Trained(*forests, onnx, compiled, x_t, tested)


def entropy(p: Array) -> float:
    """Shannon entropy of one distribution [nat]."""
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def loop(models: Trained, x_t: Array, points: Array) -> Array:
    """Return the information gain, shape (n,), object by object as the paper describes it."""
    mixture = models.onnx.mixture
    n_t, k = mixture.n_t, len(mixture.weights)
    normal = ndtri(points[:, 1:])
    gains = np.empty(len(x_t))
    for i, x in enumerate(x_t):
        p_t = models.forest_t.predict_proba(encode(x[None]))[0]
        scaled = models.onnx.scaled(x[None])[0]
        weights, means, roots = np.empty(k), [], []
        for c in range(k):
            mean, covariance = mixture.means[c], mixture.covariances[c]
            density = multivariate_normal(mean[:n_t], covariance[:n_t, :n_t]).logpdf(scaled)
            gain = covariance[n_t:, :n_t] @ np.linalg.inv(covariance[:n_t, :n_t])
            weights[c] = np.log(mixture.weights[c]) + density
            means.append(mean[n_t:] + gain @ (scaled - mean[:n_t]))
            roots.append(np.linalg.cholesky(covariance[n_t:, n_t:] - gain @ covariance[:n_t, n_t:]))
        # One component per class: given P_t, the class is drawn from it.
        weights = p_t[mixture.component_class]
        edges = np.cumsum(weights / weights.sum())[:-1]
        spectra = np.empty((len(points), mixture.n_s))
        for j in range(len(points)):
            c = int((points[j, 0] > edges).sum())
            spectra[j] = means[c] + roots[c] @ normal[j]
        joint = np.concatenate([np.tile(x, (len(points), 1)), spectra], axis=1)
        after = models.forest_ts.predict_proba(encode(joint))
        gains[i] = entropy(p_t) - np.mean([entropy(p) for p in after])
    return gains


def cpu_ms(repeats: int, n: int, function: Callable[[], object]) -> float:
    """Return the CPU time per object [ms], the least of several runs after one to warm up."""
    function()
    durations = []
    for _ in range(repeats):
        start = process_time()
        function()
        durations.append(process_time() - start)
    return 1000.0 * min(durations) / n


def errors(model: GainModel, x_t: Array, draws: list[Array], truth: Array) -> Array:
    """Return the root mean square error of the information gain of each draw of points."""
    gains = np.array([model.score(x_t, points).information_gain for points in draws])
    return np.sqrt(((gains - truth) ** 2).mean(axis=1))


def measure(models: Trained, n_objects: int, n_loop: int, rng: np.random.Generator) -> dict[str, float | int | str]:
    """Measure times and errors."""
    n_s = models.onnx.mixture.n_s
    points, few = random_points(N_MONTE_CARLO, n_s, rng), quasi_random_points(N_QUASI, n_s)
    x_t = models.x_t[:n_objects]
    best = models.compiled or models.onnx

    part = x_t[rng.choice(len(x_t), min(n_loop, len(x_t)), replace=False)]
    slow, fast = loop(models, part, points), models.onnx.score(part, points).information_gain
    loop_ms = cpu_ms(2, len(part), lambda: loop(models, part, points))
    batch_ms = cpu_ms(3, len(x_t), lambda: models.onnx.score(x_t, points))
    qmc_ms = cpu_ms(5, len(x_t), lambda: best.score(x_t, few))
    qmc_onnx_ms = cpu_ms(5, len(x_t), lambda: models.onnx.score(x_t, few))
    singles = models.x_t[models.tested[:50]]
    single_ms = cpu_ms(3, len(singles), lambda: [models.onnx.score(x[None]) for x in singles])

    some = models.x_t[models.tested[:256]]
    truth = np.concatenate(
        [
            best.score(some[i : i + 16], quasi_random_points(N_REFERENCE, n_s, seed=99)).information_gain
            for i in range(0, len(some), 16)
        ]
    )
    mc = errors(best, some, [random_points(N_MONTE_CARLO, n_s, rng) for _ in range(16)], truth)
    qmc = errors(best, some, [quasi_random_points(N_QUASI, n_s, seed) for seed in range(16)], truth)
    result: dict[str, float | int | str] = {
        "objects": len(x_t),
        "loop_objects": len(part),
        "loop_ms": loop_ms,
        "batch_ms": batch_ms,
        "ratio_batch": loop_ms / batch_ms,
        "qmc_ms": qmc_ms,
        "ratio_qmc": loop_ms / qmc_ms,
        "ratio_qmc_without_numba": loop_ms / qmc_onnx_ms,
        "single_ms": single_ms,
        "largest_difference_loop_batch": float(np.abs(slow - fast).max()),
        "ig_rmse_mc200": float(mc.mean()),
        "ig_rmse_mc200_sd": float(mc.std(ddof=1)),
        "ig_rmse_qmc32": float(qmc.mean()),
        "ig_rmse_qmc32_sd": float(qmc.std(ddof=1)),
    }
    if models.compiled is not None:
        compiled = models.compiled
        numba_ms = cpu_ms(3, len(x_t), lambda: compiled.score(x_t, points))
        result |= {
            "numba_ms": numba_ms,
            "ratio_numba": loop_ms / numba_ms,
            "single_numba_ms": cpu_ms(3, len(singles), lambda: [compiled.score(x[None]) for x in singles]),
        }
    return result


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(__file__).parents[2] / "shared" / "data" / "variable_stars_fats"
    parser.add_argument("--data", type=Path, default=shared)
    parser.add_argument("--objects", type=int, default=2556)
    parser.add_argument("--loop-objects", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    rng = np.random.default_rng(options.seed)
    with threadpool_limits(1):
        models = trained(options.data, rng, options.seed)
        result = measure(models, options.objects, options.loop_objects, rng)
    result = {"data": options.data.name if options.data.is_dir() else "clusters", "seed": options.seed, **result}
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:30s} {value:.4g}" if isinstance(value, float) else f"{name:30s} {value}")


if __name__ == "__main__":
    main()
