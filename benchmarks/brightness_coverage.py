"""
How often the brightness of a later night is within the interval that the forecast gives, and how long forecasts take.

Run: python benchmarks/brightness_coverage.py [--json] [--data FOLDER] [--fit]

- Simulated objects, of which the true brightness 1 to 20 days after the last alert is known, whatever became of them.
- Real supernovae, with the points after a random one hidden: a point 0.5 to 20 days later is forecast. Those of ZTF's
  Bright Transient Survey are split by object: numbers are of the half that `--fit` does not see. The paired supernovae
  are not used in any fit. What has faded below the limit has no hidden point, so these truths are a little bright.
- The time for 10,000 light curves (simulated ones, repeated).

`--fit` fits the numbers of the model by maximum likelihood to other simulated objects (supernovae, nuclei) and to the
first half of the Bright Transient Survey, and prints them.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ampel_followup.brightness import brightness_at
from ampel_followup.evaluation.forecasts import (
    Questions,
    ask,
    bts_light_curves,
    hidden_questions,
    paired_light_curves,
    simulated_questions,
)
from ampel_followup.trend import MODEL, TrendModel

NIGHT = dt.date(2026, 3, 14)
FIT_SEED, TEST_SEED = 101, 202
#: Classes with a trend; flares, outbursts and pulsations have none that lasts until tomorrow.
STEADY = ("SN Ia", "SN II", "SN Ib/c", "SLSN", "TDE", "AGN")
GAP_EDGES = (0.0, 2.5, 6.0, 10.0, 21.0)
#: Those numbers of the model that are positive are fitted in their logarithm.
SIGNED = ("decline", "colour")


def bright_transients(data: Path, half: int, rng: np.random.Generator) -> Questions:
    """Return the questions of every other object of the Bright Transient Survey, from 0 or 1 on."""
    curves = sorted(bts_light_curves(data / "ztf_bts_snia"), key=lambda curve: curve.id)[half::2]
    return hidden_questions(curves, ["SN Ia"] * len(curves), rng)


def coverage(questions: Questions, model: TrendModel = MODEL) -> dict[str, Any]:
    """Return how often the truth was within 68 % and 95 % intervals, with the standard deviation of that share."""
    answers = ask(questions, model)
    known = np.isfinite(answers.error)
    found: dict[str, Any] = {
        "objects": int(np.isfinite(answers.level).sum()),
        "below_reference": int(np.isinf(answers.error).sum()),
        "median_error": float(np.median(np.abs(answers.error[known]))),
        "bias": float(np.median(answers.error[known])),
        "median_mag_err": float(np.median(answers.mag_err[known])),
    }
    for percent, content in (("68", 0.6827), ("95", 0.95)):
        share = answers.coverage(content)
        found[f"within_{percent}"] = share
        found[f"within_{percent}_sd"] = float(np.sqrt(share * (1.0 - share) / max(found["objects"], 1)))
    return found


def fit(questions: list[Questions]) -> TrendModel:
    """Maximise the mean likelihood of each set of questions, the sets weighing the same."""
    names = [field.name for field in dataclasses.fields(TrendModel)]

    def model(x: np.ndarray) -> TrendModel:
        pairs = zip(names, x.tolist(), strict=True)
        return TrendModel(**{name: v if name in SIGNED else float(np.exp(v)) for name, v in pairs})

    def loss(x: np.ndarray) -> float:
        total = 0.0
        for asked in questions:
            likelihood = ask(asked, model(x)).log_likelihood
            total -= float(np.mean(likelihood[np.isfinite(likelihood)]))
        return total

    start = [getattr(MODEL, name) if name in SIGNED else np.log(getattr(MODEL, name)) for name in names]
    best = minimize(loss, start, method="Nelder-Mead", options={"maxfev": 600, "xatol": 0.01, "fatol": 1e-4})
    print(f"mean log-likelihood {-best.fun / len(questions):.4f} after {best.nfev} evaluations")
    return model(best.x)


def seconds(n: int) -> float:
    """Time the forecast of n light curves; the best of five."""
    curves = simulated_questions(1000, NIGHT, np.random.default_rng(TEST_SEED)).light_curves
    curves = [curves[i % len(curves)] for i in range(n)]
    mjd = np.array([curve.time[-1] + 1.0 for curve in curves])
    durations = []
    for _ in range(5):
        start = perf_counter()
        brightness_at(curves, mjd)
        durations.append(perf_counter() - start)
    return min(durations)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=default, help="folder with ztf_bts_snia and paired_sn")
    parser.add_argument("--objects", type=int, default=4000, help="simulated ones")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    if options.fit:
        rng = np.random.default_rng(FIT_SEED)
        simulated = simulated_questions(3000, NIGHT, rng)
        steady = simulated.select(np.isin(simulated.label, STEADY))
        print(fit([steady, bright_transients(options.data, 0, rng)]))
        return

    rng = np.random.default_rng(TEST_SEED)
    simulated = simulated_questions(options.objects, NIGHT, rng)
    sets = {"simulated": simulated.select(np.isin(simulated.label, STEADY))}
    for label in np.unique(simulated.label):
        sets[f"simulated {label}"] = simulated.select(simulated.label == label)
    if (options.data / "ztf_bts_snia").is_dir():
        sets["bts"] = bright_transients(options.data, 1, rng)
        sets["paired"] = hidden_questions(*paired_light_curves(options.data / "paired_sn"), rng)
    for name in ("simulated", "bts"):
        if name in sets:
            for low, high in pairwise(GAP_EDGES):
                gap = sets[name].gap
                sets[f"{name} {low:g}-{high:g} d"] = sets[name].select((gap >= low) & (gap < high))
    result = {name: coverage(asked) for name, asked in sets.items()}
    timing = 1e3 * seconds(10_000)
    if options.json:
        print(json.dumps({"coverage": result, "ms_10000": timing}))
        return
    print(f"{'':26s} objects  gone  68 %          95 %          median |error|  bias   median mag_err")
    for name, row in result.items():
        print(
            f"{name:26s} {row['objects']:6d} {row['below_reference']:5d}"
            f"  {row['within_68']:.3f} ± {row['within_68_sd']:.3f} {row['within_95']:.3f} ± {row['within_95_sd']:.3f}"
            f"  {row['median_error']:6.2f}          {row['bias']:+.2f}  {row['median_mag_err']:.2f}"
        )
    print(f"10,000 light curves: {timing:.0f} ms")


if __name__ == "__main__":
    main()
