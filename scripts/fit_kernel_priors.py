"""
Fit the priors of the kernels of Gaussian processes to light curves, and compare them with those of the package.

    python scripts/fit_kernel_priors.py DATA [--objects 500] [--seeds 3] [--held-out 200] [--json]

DATA holds ``snpcc``; only the training half of its objects, by a digest of their names, is looked at. Each kernel of
`ampel_followup.gaussian_process.kernels` is fitted to light curves one by one, with priors (`BROAD`) about twice as
wide as what is found. The mean of what is fitted, and `WIDENED` times its standard deviation, for surveys differ, are
the priors. Each seed draws other objects.

With ``--held-out``, points of other objects of the training half are predicted under both priors, as `ampel-followup
evaluate gaussian-process` does: whether it matters.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from ampel_followup.evaluation.gaussian_process import USUAL, evaluate
from ampel_followup.evaluation.gaussian_process_data import Explosions, load_explosions
from ampel_followup.gaussian_process.fit import fit_gaussian_processes
from ampel_followup.gaussian_process.kernels import KERNELS, Kernel
from ampel_followup.lightcurve import LightCurve

Array = NDArray[np.float64]

#: Mean and standard deviation of each parameter to begin with, of amplitudes relative to the brightest flux: half of
#: it, noise of 1 %, ℓ of 0.5 in ln λ, of 1 in warped and of 30 d in plain time, an explosion 15 d before the first
#: detection, τ of 10 d.
BROAD: dict[str, tuple[float, float]] = {
    "ln_amplitude": (-0.7, 1.0),
    "ln_noise": (-4.6, 2.0),
    "ln_wavelength_scale": (-0.7, 1.5),
    "ln_time_scale": (3.4, 1.5),
    "explosion_time": (-1.5, 2.0),
    "ln_warp": (2.3, 1.5),
}

#: Mean of ln ℓ in warped time to begin with.
WARPED_SCALE = 0.0

#: The scatter of a prior is so many times that of the objects.
WIDENED = 1.5


def broad(kernel: Kernel) -> Kernel:
    """Return a kernel with the priors to begin with."""
    mean, scatter = (np.array(values) for values in zip(*(BROAD[name] for name in kernel.parameters), strict=True))
    if kernel.warped:
        mean[kernel.parameters.index("ln_time_scale")] = WARPED_SCALE
    return replace(kernel, prior_mean=mean, prior_scatter=scatter)


def fitted_priors(light_curves: Sequence[LightCurve], kernel: Kernel) -> Kernel:
    """Return a kernel with the priors that light curves give it."""
    processes = fit_gaussian_processes(light_curves, broad(kernel)).processes
    parameters = np.array([process.parameters for process in processes])
    return replace(kernel, prior_mean=parameters.mean(axis=0), prior_scatter=WIDENED * parameters.std(axis=0))


def compared(kernel: Kernel, fitted: Sequence[Kernel]) -> list[dict[str, Any]]:
    """Return, by parameter, the priors of the package and what was fitted with each seed."""
    means, scatters = (np.array([getattr(one, f"prior_{what}") for one in fitted]) for what in ("mean", "scatter"))
    return [
        {
            "kernel": kernel.name,
            "parameter": name,
            "mean": float(kernel.prior_mean[k]),
            "scatter": float(kernel.prior_scatter[k]),
            "fitted_mean": float(means[:, k].mean()),
            "fitted_scatter": float(scatters[:, k].mean()),
            "spread_of_mean": float(means[:, k].std(ddof=1)) if len(fitted) > 1 else None,
            "spread_of_scatter": float(scatters[:, k].std(ddof=1)) if len(fitted) > 1 else None,
            "apart": float((means[:, k].mean() - kernel.prior_mean[k]) / kernel.prior_scatter[k]),
        }
        for k, name in enumerate(kernel.parameters)
    ]


def predicted(objects: Explosions, n: int, fitted: dict[str, Kernel], seeds: int) -> list[dict[str, Any]]:
    """Return the predictive density of held-out points under the priors of the package and under others."""
    again = {f"{name}, fitted again": kernel for name, kernel in fitted.items()}
    both = {USUAL: KERNELS[USUAL], **{name: KERNELS[name] for name in fitted}, **again}
    held: list[dict[str, Any]] = evaluate([objects], both, objects=n, seeds=range(1, seeds + 1))["held_out"]
    return held


def main() -> None:
    """Fit, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--objects", type=int, default=500, help="light curves that are fitted, with each seed")
    parser.add_argument("--seeds", type=int, default=3, help="how often, each time with others")
    parser.add_argument("--held-out", type=int, default=0, help="light curves whose points are predicted, each seed")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    [snpcc] = [one for one in load_explosions(options.data, "training", 0, 1) if one.name == "snpcc"]
    curves = list(snpcc.curves)
    order = np.random.default_rng(1).permutation(len(curves)).tolist()
    rest = tuple(curves[i] for i in order[options.seeds * options.objects :])
    fitted: dict[str, list[Kernel]] = {name: [] for name in KERNELS}
    for seed in range(options.seeds):
        chosen = [curves[i] for i in order[seed * options.objects : (seed + 1) * options.objects]]
        for name, kernel in KERNELS.items():
            fitted[name].append(fitted_priors(chosen, kernel))
    rows = [row for name, kernel in KERNELS.items() for row in compared(kernel, fitted[name])]
    held: list[dict[str, Any]] = []
    if options.held_out:
        first = {name: kernels[0] for name, kernels in fitted.items()}
        held = predicted(replace(snpcc, curves=rest), options.held_out, first, options.seeds)
    if options.as_json:
        print(json.dumps({"priors": rows, "held_out": held}, indent=1))
        return
    console = Console()
    table = Table("kernel", "parameter", "package", "fitted", "apart [scatter]")
    for row in rows:
        package = f"{row['mean']:.2f} ± {row['scatter']:.2f}"
        again = f"{row['fitted_mean']:.2f} ± {row['fitted_scatter']:.2f}"
        table.add_row(row["kernel"], row["parameter"], package, again, f"{row['apart']:+.2f}")
    console.print(table)
    for one in held:
        console.print(f"{one['held_out']}, {one['kernel']}: gain over {USUAL} {one['gain']:+.3f}", highlight=False)


if __name__ == "__main__":
    main()
