"""
How long an early classifier's features take, and a whole loop of active learning.

Run: python benchmarks/learning_loop.py [--objects N] [--queries N] [--strategy NAME] [--seed S] [--json]

The loop trains, scores the whole pool, chooses and measures after every night, on objects whose features are known; it
is timed with ten spectra a night, and with one, so that the classifier is trained anew after every single spectrum.
One run takes one core, whose own seconds (`cpu`) depend less on what else the machine does; `evaluate learning` runs as
many at a time as there are cores. Features are those of simulated light curves of 40 points in six bands. Everything is
simulated: nothing here tells how good a strategy is.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from time import perf_counter, process_time

import numpy as np
from threadpoolctl import threadpool_limits

from ampel_followup.bands import BANDS
from ampel_followup.evaluation.learning_data import LearningData
from ampel_followup.evaluation.learning_loop import LoopOptions, run_loop
from ampel_followup.features.early_ia import EARLY_IA
from ampel_followup.features.rainbow import rainbow_flux
from ampel_followup.learning.queries import DEFAULT_QUERY, QUERIES
from ampel_followup.lightcurve import LightCurve

N_POINTS = 40


def best_of(repeats: int, function: Callable[[], object]) -> float:
    """Return the shortest of several durations [s]."""
    durations = []
    for _ in range(repeats):
        start = perf_counter()
        function()
        durations.append(perf_counter() - start)
    return min(durations)


def light_curves(n: int, rng: np.random.Generator) -> list[LightCurve]:
    """Return light curves of explosions in ugrizy, with points before them."""
    names = np.array([f"lsst{letter}" for letter in "ugrizy"])
    curves = []
    for i in range(n):
        truth = np.array([rng.normal(4.0, 0.7), rng.uniform(0.0, 20.0), *rng.normal([1.3, 3.4, 9.1, 0.3], 0.3)])
        time, band = np.sort(rng.uniform(-20.0, 40.0, N_POINTS)), rng.choice(names, N_POINTS)
        wavelength = np.array([BANDS[b].effective_wavelength for b in band])
        flux = rainbow_flux(np.tile(truth, (N_POINTS, 1)), time, wavelength) + rng.normal(0.0, 3.0, N_POINTS)
        nothing = np.zeros(N_POINTS, dtype=bool)
        err = np.full(N_POINTS, 3.0)
        curves.append(LightCurve(f"{i}", i, 58000.0 + time, band, flux, err, nothing, ra=0.0, dec=0.0))
    return curves


def objects(n: int, rng: np.random.Generator) -> LearningData:
    """Return objects of two classes that overlap, a quarter of them Ia, with as many features as the real ones have."""
    k = len(EARLY_IA.names)
    is_ia = rng.random(n) < 0.25
    x = rng.normal(size=(n, k)) + np.where(is_ia[:, None], rng.normal(0.0, 0.5, k), 0.0)
    x[rng.random(x.shape) < 0.1] = np.nan
    ids = tuple(f"{i}" for i in range(n))
    return LearningData("simulated", ids, x, EARLY_IA.names, is_ia, rng.uniform(17.0, 23.0, n), "simulated")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--strategy", choices=list(QUERIES), default=DEFAULT_QUERY)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    rng = np.random.default_rng(options.seed)
    result: dict[str, object] = {"objects": options.objects, "queries": options.queries, "strategy": options.strategy}
    with threadpool_limits(1):
        curves = light_curves(1000, rng)
        EARLY_IA.compute(curves[:1])
        result["features_of_one_ms"] = 1000.0 * best_of(20, lambda: EARLY_IA.compute(curves[:1]))
        result["features_of_1000_s"] = best_of(3, lambda: EARLY_IA.compute(curves))
        data = objects(options.objects, rng)
        for batch in (10, 1):
            loop = LoopOptions(queries=options.queries, batch=batch)
            start, cpu = perf_counter(), process_time()
            run = run_loop(data, options.strategy, options.seed, loop)
            result[f"loop_{batch}_a_night_s"] = perf_counter() - start
            result[f"loop_{batch}_a_night_cpu_s"] = process_time() - cpu
            result[f"nights_{batch}_a_night"] = len(run.spectra)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:28s} {value:.4g}" if isinstance(value, float) else f"{name:28s} {value}")


if __name__ == "__main__":
    main()
