"""
How long Gaussian processes of many light curves take, and how much longer scikit-learn takes for each.

Run: python benchmarks/gaussian_process_speed.py [--objects N] [--others N] [--seed S] [--threads T] [--json]

Light curves of SNPCC in g, r, i and z where they lie beside the repository, else simulated ones of as many points.
Parameters are fitted to each, all in one call. Then scikit-learn's GaussianProcessRegressor is fitted to some of them,
one by one: an anisotropic Matérn kernel of time and ln λ, with a factor and white noise, errors as given, one start of
its optimiser. Both on as many threads; times are of the clock, and of all processors together.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from threadpoolctl import threadpool_limits

from ampel_followup.gaussian_process.fit import fit_gaussian_processes
from ampel_followup.gaussian_process.kernels import KERNELS
from ampel_followup.gaussian_process.photometry import Photometry
from ampel_followup.lightcurve import LightCurve

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "library"))

from sample_explosions import supernova

DATA = Path(__file__).parents[2] / "shared" / "data"


def light_curves(n: int, rng: np.random.Generator) -> tuple[str, list[LightCurve]]:
    """Return where light curves are from, and n of them."""
    if not (DATA / "snpcc").is_dir():
        return "simulated", [supernova(rng, i, points=int(rng.integers(36, 150))) for i in range(n)]
    from ampel_followup.evaluation.microlensing_data import load_donors

    (donors,) = load_donors(DATA, simulated=0, seed=0, names=("snpcc",))
    return "snpcc", list(donors.some(n, rng).curves)


def scikit_learn(points: Photometry) -> None:
    """Fit one light curve with scikit-learn."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    kernel = ConstantKernel(1.0) * Matern([25.0, 0.6], nu=1.5) + WhiteKernel(4e-4, (1e-6, 0.25))
    at = np.column_stack([points.time, points.log_wavelength])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parameters at their bounds
        GaussianProcessRegressor(kernel, alpha=points.flux_err**2).fit(at, points.flux)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--others", type=int, default=30, help="light curves that scikit-learn fits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    source, curves = light_curves(options.objects, np.random.default_rng(options.seed))
    result: dict[str, object] = {
        "data": source,
        "objects": len(curves),
        "points_per_object": float(np.mean([len(curve) for curve in curves])),
        "bands": len(set().union(*(set(curve.band.tolist()) for curve in curves))),
        "threads": options.threads,
        "seed": options.seed,
    }
    fit_gaussian_processes(curves[:4], threads=options.threads)
    seconds = {}
    for name in ("warped", "stationary"):
        start, cpu = perf_counter(), process_time()
        fits = fit_gaussian_processes(curves, KERNELS[name], threads=options.threads)
        seconds[name] = perf_counter() - start
        result |= {f"{name}_s": seconds[name], f"{name}_cpu_s": process_time() - cpu}
    others = [process.photometry for process in fits.processes[: options.others]]
    with threadpool_limits(options.threads):
        start = perf_counter()
        for points in others:
            scikit_learn(points)
        each = (perf_counter() - start) / len(others)
    result |= {
        "fitted": len(fits.processes),
        "warped_ms_per_object": 1e3 * seconds["warped"] / len(curves),
        "scikit_learn_ms_per_object": 1e3 * each,
        "ratio": each * len(curves) / seconds["warped"],
        "ratio_stationary": each * len(curves) / seconds["stationary"],
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:28s} {value if isinstance(value, str) else f'{value:.4g}'}")


if __name__ == "__main__":
    main()
