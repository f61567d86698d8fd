"""
How long time-series features take per light curve, and how much longer as one would write them to be read.

Run: python benchmarks/features_speed.py [--objects N] [--points N] [--seed S] [--json]

Times are of the fastest of several runs on one thread, spread over the objects. The readable versions are those that
the tests check the fast ones against (tests/library/fats_reference.py). With the Stripe 82 RR Lyrae stars beside the
repository it also counts how many of their periods come back from the g band: within 0.1 %, and within 0.2 % of the
frequency or of its aliases with one and two per day.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features import FEATURE_SETS
from ampel_followup.features.fats import periodic, statistics
from ampel_followup.features.ragged import Segments
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "library"))

import fats_reference

#: Time base of the Catalina survey [d].
BASELINE = 2700.0


def best_of(repeats: int, function: Callable[[], object]) -> float:
    """Return the shortest of several durations [ms]."""
    durations = []
    for _ in range(repeats):
        start = perf_counter()
        function()
        durations.append(perf_counter() - start)
    return 1000.0 * min(durations)


def simulated(n_objects: int, n_points: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
    """Return times, magnitudes and errors of variable stars, each (n_objects, n_points)."""
    time = np.sort(rng.uniform(0.0, BASELINE, (n_objects, n_points)), axis=1)
    period = 10.0 ** rng.uniform(-0.5, 1.0, (n_objects, 1))
    mag_err = rng.uniform(0.02, 0.1, time.shape)
    return time, 16.0 + 0.6 * (time / period % 1.0) + rng.normal(0.0, mag_err), mag_err


def rr_lyrae(folder: Path) -> dict[str, float]:
    """Share of Stripe 82 RR Lyrae stars whose period comes back."""
    from pyarrow import parquet

    periods = parquet.read_table(folder / "stripe82_rrlyrae_periods.parquet").to_pydict()
    points = parquet.read_table(folder / "stripe82_rrlyrae_lightcurves.parquet").to_pydict()
    star, time, mag = (np.array(points[name]) for name in ("id", "mjd", "mag"))
    use = np.flatnonzero((np.array(points["band"]) == "g") & (mag < 30.0))
    use = use[np.lexsort((time[use], star[use]))]
    ids, counts = np.unique(star[use], return_counts=True)
    found = 1.0 / periodic(Segments.from_counts(counts), time[use], mag[use])["PeriodLS"]
    known = dict(zip(periods["id"], periods["period_days"], strict=True))
    true = np.array([1.0 / known[i] for i in ids.tolist()])
    aliases = np.abs(true[:, None] + np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
    return {
        "rr_lyrae_stars": len(ids),
        "rr_lyrae_period_recovered": float((np.abs(found / true - 1.0) < 1e-3).mean()),
        "rr_lyrae_period_or_alias": float((np.abs(found[:, None] / aliases - 1.0) < 2e-3).any(axis=1).mean()),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=500)
    parser.add_argument("--points", type=int, default=170)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    time, mag, mag_err = simulated(options.objects, options.points, np.random.default_rng(options.seed))
    segments = Segments.from_counts(np.full(options.objects, options.points))
    stacked = [column.ravel() for column in (time, mag, mag_err)]
    statistics_ms = best_of(7, lambda: statistics(segments, *stacked)) / options.objects
    few = min(options.objects, 60)
    some, rows = Segments.from_counts(np.full(few, options.points)), slice(0, few * options.points)
    periodic_ms = best_of(5, lambda: periodic(some, stacked[0][rows], stacked[1][rows])) / few

    reference_ms = best_of(
        3, lambda: [fats_reference.statistics(*curve) for curve in zip(time[:40], mag[:40], mag_err[:40], strict=True)]
    ) / min(options.objects, 40)
    # The readable periodogram is so slow that a part of the frequencies, spread over all of them, has to do.
    grid = fats_reference.frequencies(time[0])
    part = grid[:: max(len(grid) // 500, 1)]
    part_ms = best_of(3, lambda: [fats_reference.lomb_scargle(time[0], mag[0], float(f)) for f in part])
    periodogram_reference_ms = 3 * len(grid) * part_ms / len(part)

    flux, flux_err = flux_from_magnitude(mag, mag_err)
    band, detected = np.full(options.points, "ztfr"), np.zeros(options.points, dtype=bool)
    light_curves = [
        LightCurve(f"{i}", i, time[i], band, flux[i], flux_err[i], detected, ra=0.0, dec=0.0) for i in range(few)
    ]
    result = {
        "objects": options.objects,
        "points": options.points,
        "frequencies": len(grid),
        "statistics_ms": statistics_ms,
        "periodic_ms": periodic_ms,
        "all_ms": statistics_ms + periodic_ms,
        "feature_set_ms": best_of(3, lambda: FEATURE_SETS["fats"].compute(light_curves)) / few,
        "statistics_reference_ms": reference_ms,
        "periodograms_reference_ms": periodogram_reference_ms,
        "ratio_statistics": reference_ms / statistics_ms,
        "ratio_periodic": periodogram_reference_ms / periodic_ms,
    }
    data = Path(__file__).parents[2] / "shared" / "data" / "rr_lyrae"
    if data.is_dir():
        result |= rr_lyrae(data)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:28s} {value:.4g}")


if __name__ == "__main__":
    main()
