"""
Does the drift report cry wolf, and does it see a survey that changes? Simulated nights beside simulated training.

    python benchmarks/drift_alarms.py [--nights 60] [--learnt 100] [--seed 5] [--shift 0.3] [--json]

Training is nights of 500 objects at random dates from July 2019 to June 2026; of them the deciles, and how much nights
differ, are learnt. Then other nights of those years, of 300, 600 and 1,000 objects in turn, are looked at as they are,
and with all their magnitudes and limits shifted. Told is the share of nights in which some feature "moved": where it is
known how much nights differ, and where it is not (PSI above 0.25). Random draws of the training objects tell what
chance alone does. Nights of both parts are simulated alike: a real survey differs from a simulation in more.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.drift import add_usual_psi, drift
from ampel_followup.models.bundle import ModelBundle, load_bundle
from ampel_followup.scoring import compute_features
from ampel_followup.simulate import SimulatedObject, simulate_objects

FIRST, DAYS = datetime.date(2019, 7, 1), 7 * 365

#: Objects of a training night, and of nights that are tested.
PER_NIGHT, SIZES = 500, (300, 600, 1000)


def features(bundle: ModelBundle, objects: list[SimulatedObject], shift: float = 0.0) -> NDArray[np.float64]:
    """Return the features of objects whose magnitudes and limits are all fainter by `shift` [mag]."""
    curves = []
    for item in objects:
        moved = [
            {**c, **{key: c[key] + shift for key in ("magpsf", "diffmaglim") if c[key] is not None}}
            for c in item.candidates
        ]
        curves.append(light_curve_from_candidates(item.id, ztf_stock(item.id), moved))
    return compute_features(curves, bundle).values


def simulated(n: int, rng: np.random.Generator) -> list[SimulatedObject]:
    """Return n objects of a night at a random date."""
    return list(
        simulate_objects(n, FIRST + datetime.timedelta(days=int(rng.integers(DAYS))), rng, templates="analytic")
    )


def distribution(names: tuple[str, ...], pool: NDArray[np.float64]) -> dict[str, dict[str, Any]]:
    """Return what a bundle keeps of its training objects."""
    kept = {}
    for name, column in zip(names, pool.T, strict=True):
        values = column[np.isfinite(column)]
        deciles = np.quantile(values, np.linspace(0.0, 1.0, 11)).tolist() if len(values) else []
        kept[name] = {"measured": round(len(values) / len(column), 4), "deciles": [float(f"{d:.5g}") for d in deciles]}
    return kept


def main() -> None:
    """Print the shares of nights with an alarm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--learnt", type=int, default=100)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--shift", type=float, default=0.3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bundle = load_bundle()  # for the names of its features only

    learnt = [
        features(bundle, simulated(PER_NIGHT, np.random.default_rng([options.seed, 0, k])))
        for k in range(options.learnt)
    ]
    pool = np.concatenate(learnt)
    plain = distribution(bundle.features, pool)
    usual = add_usual_psi(bundle.features, learnt, plain, n_reference=len(pool))

    def moved(values: NDArray[np.float64], reference: dict[str, Any]) -> tuple[str, ...]:
        return drift(bundle.features, values, reference, n_reference=len(pool)).moved

    found: dict[str, Any] = {"nights": options.nights, "training nights": options.learnt, "shift [mag]": options.shift}
    alarms: dict[str, list[tuple[str, ...]]] = {}
    for k in range(options.nights):
        objects = simulated(SIZES[k % 3], np.random.default_rng([options.seed, 1, k]))
        for name, shift in (("as they are", 0.0), ("fainter", options.shift), ("brighter", -options.shift)):
            values = features(bundle, objects, shift)
            alarms.setdefault(f"{name}: alarms", []).append(moved(values, usual))
            alarms.setdefault(f"{name}: alarms, without what is usual", []).append(moved(values, plain))
    for name, names in alarms.items():
        found[name] = sum(map(bool, names)) / options.nights
    for name in ("as they are", "fainter", "brighter"):
        counts = Counter(feature for names in alarms[f"{name}: alarms"] for feature in names)
        found[f"{name}: features that moved most often"] = ", ".join(f"{f} {n}" for f, n in counts.most_common(5))
    rng = np.random.default_rng([options.seed, 2])
    for n in (30, 300, 1000):
        draws = (pool[rng.choice(len(pool), n, replace=False)] for _ in range(200))
        found[f"{n} objects drawn at random: alarms, without what is usual"] = (
            sum(bool(moved(values, plain)) for values in draws) / 200
        )
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{name:<62} {value:.3f}" if isinstance(value, float) else f"{name:<62} {value}")


if __name__ == "__main__":
    main()
