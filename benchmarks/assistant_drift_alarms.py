"""
Does the drift report on the assistant's features cry wolf? Simulated nights beside the packaged assistant.

    python benchmarks/assistant_drift_alarms.py [--nights 30] [--objects 600] [--seed 6]

Nights are at random dates from July 2019 to June 2026, of other seeds than the training. Told is the share of nights in
which some feature "moved": as they are, with the real/bogus scores lowered by 0.5 in log-odds, and as they are beside a
training set that does not know how much nights differ. The simulation is that of the training: a real survey differs in
more.
"""

from __future__ import annotations

import argparse
import datetime
from collections import Counter
from dataclasses import replace

import numpy as np

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.assistant import last_visit_features
from ampel_followup.drift import assistant_drift
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import AssistantBundle, load_assistant
from ampel_followup.simulate import simulate_objects

FIRST, DAYS = datetime.date(2019, 7, 1), 7 * 365

LOWERED_BY = 0.5


def lowered(curve: LightCurve) -> LightCurve:
    """Return a light curve with lower real/bogus scores."""
    rb = np.clip(curve.rb, 1e-3, 1.0 - 1e-3)
    return replace(curve, rb=1.0 / (1.0 + np.exp(LOWERED_BY) * (1.0 - rb) / rb))


def without_usual(assistant: AssistantBundle) -> AssistantBundle:
    """Return an assistant that does not know how much nights differ."""
    distribution = {
        day: {
            name: {key: value for key, value in entry.items() if key != "usual_psi"} for name, entry in features.items()
        }
        for day, features in assistant.info["distribution"].items()
    }
    return AssistantBundle({**assistant.info, "distribution": distribution}, assistant.digest, assistant.files)


def main() -> None:
    """Print the shares of nights with an alarm, and what moved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--objects", type=int, default=600)
    parser.add_argument("--seed", type=int, default=6)
    options = parser.parse_args()
    assistant = load_assistant()
    plain = without_usual(assistant)
    alarms: dict[str, list[tuple[str, ...]]] = {}
    for k in range(options.nights):
        rng = np.random.default_rng([options.seed, k])
        night = FIRST + datetime.timedelta(days=int(rng.integers(DAYS)))
        items = simulate_objects(options.objects, night, rng, templates="analytic")
        curves = [light_curve_from_candidates(item.id, ztf_stock(item.id), item.candidates) for item in items]
        features = last_visit_features(curves, assistant)
        changed = last_visit_features([lowered(curve) for curve in curves], assistant)
        for name, values, beside in (
            ("as they are", features, assistant),
            ("real/bogus scores lowered", changed, assistant),
            ("as they are, without what is usual", features, plain),
        ):
            alarms.setdefault(name, []).append(assistant_drift(values, beside).moved)
    for name, moved in alarms.items():
        counts = Counter(feature for night_moved in moved for feature in night_moved)
        often = ", ".join(f"{feature} {n}" for feature, n in counts.most_common(4))
        print(f"{name}: {sum(map(bool, moved))} of {options.nights} nights ({often or 'nothing moved'})")


if __name__ == "__main__":
    main()
