"""
Does the advice when to stop hold? Simulated nights, with the spectra taken.

    python benchmarks/stopping.py [--objects 1000] [--nights 3] [--seed 77] [--json]

Nights of objects that the packaged bundle was not trained on are ranked, and then every spectrum is taken. Told are the
classes that spectra change, as expected and as they turn out (by the bundle's own P_ts, on the true spectra), up to the
advice and beyond: mean over the nights, and standard deviation. All is simulated as for training, so this tests the
conditional mixture and the rule, not how well the simulation resembles the sky.
"""

from __future__ import annotations

import argparse
import datetime
import json

import numpy as np
from numpy.typing import NDArray

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.models.bundle import ModelBundle, load_bundle
from ampel_followup.scoring import compute_features
from ampel_followup.simulate import simulate_objects
from ampel_followup.spectra.features import PrincipalSpectra, to_grid
from ampel_followup.stopping import stop_after

NIGHT = datetime.date(2026, 11, 9)
THRESHOLDS = (0.02, 0.05, 0.1, 0.2)


def true_features(bundle: ModelBundle, spectra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what P_ts takes of spectra on the grid, shape (n, n_s)."""
    stored = json.loads(bundle.files["spectrum.json"])
    principal = PrincipalSpectra(
        *(np.asarray(stored[k]) for k in ("mean", "components", "scale")), explained=stored["explained"]
    )
    return principal.transform(spectra)


def changes(bundle: ModelBundle, n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, in the order of the list, the expected share of changed classes and whether the class did change."""
    rng = np.random.default_rng(seed)
    objects = list(simulate_objects(n, NIGHT, rng, templates="analytic"))
    curves = [light_curve_from_candidates(item.id, ztf_stock(item.id), item.candidates) for item in objects]
    spectra = np.array([to_grid(*item.spectrum(rng)[:2]) for item in objects])
    x_t = compute_features(curves, bundle).values
    scores = bundle.score(x_t)
    p_ts = bundle.model.p_ts.predict_proba(np.concatenate([x_t, true_features(bundle, spectra)], axis=1))
    order = np.argsort(-scores.value_of_information, kind="stable")
    return scores.p_change[order], (p_ts.argmax(axis=1) != scores.class_now)[order].astype(float)


def main() -> None:
    """Print what was expected and what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bundle = load_bundle()
    nights = [changes(bundle, options.objects, options.seed + k) for k in range(options.nights)]
    result: dict[str, object] = {"objects": options.objects, "nights": options.nights, "seed": options.seed}
    for threshold in THRESHOLDS:
        rows = []
        for expected, happened in nights:
            after = stop_after(expected, threshold)
            rows.append(
                {
                    "after": after,
                    "expected_per_spectrum": expected[:after].mean(),
                    "happened_per_spectrum": happened[:after].mean(),
                    "expected_per_spectrum_beyond": expected[after:].mean(),
                    "happened_per_spectrum_beyond": happened[after:].mean(),
                    "share_of_all_changes": happened[:after].sum() / happened.sum(),
                }
            )
        result[f"stop_below_{threshold:g}"] = {
            name: [round(float(f([row[name] for row in rows])), 4) for f in (np.mean, np.std)] for name in rows[0]
        }
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for key, value in result.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
