"""
How often the labels of `traits` are right, and how often `anomalies` raises a false alarm.

    python benchmarks/labels_accuracy.py [--objects 1500] [--seed 5] [--data FOLDER]

On simulated objects of three nights, whose truth is known; with ``--data`` also on the light curves of type Ia
supernovae of ZTF's Bright Transient Survey there. Prints one figure per line.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import time
from collections import Counter
from pathlib import Path

import numpy as np

from ampel_followup.alerts.ztf import light_curve_from_candidates
from ampel_followup.assistant_scores import Trait
from ampel_followup.durations import FAST, SLOW
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude
from ampel_followup.monitoring import anomalies
from ampel_followup.simulate import DEFAULT_MIX, SimulatedObject, simulate_objects
from ampel_followup.traits import BRIGHT, FAINT, traits

NIGHTS = (datetime.date(2026, 3, 14), datetime.date(2019, 9, 1), datetime.date(2023, 6, 3))
MIX = {**DEFAULT_MIX, "rapid transient": 0.06}
EXPLOSIONS = ("SN Ia", "SN II", "SN Ib/c", "SLSN", "TDE", "rapid transient")
SPEEDS, LUMINOSITIES = ("fast", "normal", "slow"), ("bright", "normal", "faint")


def simulated(n: int, seed: int, history: int) -> tuple[list[SimulatedObject], list[LightCurve]]:
    """Simulate n objects in each night, bogus left out; explosions come with their redshift."""
    objects = [
        item
        for k, night in enumerate(NIGHTS)
        for item in simulate_objects(n, night, np.random.default_rng([seed, k]), mix=MIX, history=history)
        if item.label != "bogus"
    ]
    curves = []
    for item in objects:
        curve = light_curve_from_candidates(item.id, 1, item.candidates)
        redshift = {"z": item.redshift} if item.label in EXPLOSIONS else {}
        curves.append(dataclasses.replace(curve, meta={**curve.meta, **redshift}))
    return objects, curves


def accuracy(name: str, said: list[Trait], truth: list[str]) -> None:
    """Print how many labels were given, and how many of them are right; of those surer than 0.8 too."""
    known = [(t.sure, t.label == true) for t, true in zip(said, truth, strict=True) if t.label != "unknown"]
    sure, right = np.array(known, dtype=float).reshape(-1, 2).T
    for least in (0.0, 0.8):
        rows = sure > least
        share = right[rows].mean() if rows.any() else np.nan
        error = np.sqrt(share * (1 - share) / max(rows.sum(), 1))
        print(f"{name}, sure > {least}: {rows.sum()} of {len(said)} labelled, right {share:.3f} ± {error:.3f}")


def false_alarms(name: str, curves: list[LightCurve]) -> None:
    """Print how many light curves raise an alarm, and how many do if their last night is a magnitude brighter."""
    brighter = []
    for curve in curves:
        factor = np.where(curve.time > curve.time[-1] - 0.5, 10**0.4, 1.0)
        brighter.append(dataclasses.replace(curve, flux=curve.flux * factor))
    alarms, found = (sum(map(bool, anomalies(c))) for c in (curves, brighter))
    print(f"{name}: {alarms} alarms on {len(curves)} objects; {found} if the last night is 1 mag brighter")


def real_type_ia(folder: Path) -> list[LightCurve]:
    """Read the light curves of the Bright Transient Survey, with their redshifts."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "ztf_bts_snia" / "lightcurves.parquet").to_pydict()
    points = {name: np.array(values) for name, values in table.items()}
    labels = pq.read_table(folder / "ztf_bts_snia" / "bts_snia_labels.parquet").to_pylist()
    redshift = {row["ZTFID"]: float(row["redshift"]) for row in labels if row["redshift"] is not None}
    bands = {"g": "ztfg", "R": "ztfr", "i": "ztfi"}
    curves = []
    for name in np.unique(points["name"]).tolist():
        own = {key: values[points["name"] == name] for key, values in points.items()}
        flux, flux_err = flux_from_magnitude(own["mag"], own["magerr"])
        curves.append(
            LightCurve(
                id=name,
                stock=1,
                time=own["mjd"],
                band=np.array([bands[band] for band in own["band"]]),
                flux=flux,
                flux_err=flux_err,
                upper_limit=np.zeros(len(flux), dtype=bool),
                ra=0.0,
                dec=0.0,
                meta={"z": redshift.get(name, np.nan)},
            )
        )
    return curves


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1500, help="of each night")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--data", type=Path, help="folder that holds ztf_bts_snia")
    options = parser.parse_args()

    objects, curves = simulated(options.objects, options.seed, 45)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        labels = traits(curves)
        seconds.append(time.perf_counter() - start)
    print(f"traits of 10,000 objects: {min(seconds) * 1e4 / len(curves):.2f} s")
    detections = np.array([curve.detected.sum() for curve in curves])
    exploding = np.array([item.label in EXPLOSIONS for item in objects])
    episodes = np.array([item.label in ("CV", "M-dwarf flare") for item in objects])
    speed = [SPEEDS[np.digitize(item.time_above_half(), [FAST, SLOW])] for item in objects]
    for kind, of_kind in (("explosions", exploding), ("dwarf novae and flares", episodes)):
        for low, high in ((1, 3), (4, 8), (9, 999)):
            rows = np.flatnonzero(of_kind & (detections >= low) & (detections <= high))
            name = f"speed of {kind}, {low} to {high} detections"
            accuracy(name, [labels[i][0] for i in rows], [speed[i] for i in rows])
    rows = np.flatnonzero(exploding)
    peak = [LUMINOSITIES[np.digitize(objects[i].peak_absolute_magnitude(), [BRIGHT, FAINT])] for i in rows]
    accuracy("luminosity of explosions with a redshift", [labels[i][1] for i in rows], peak)
    print("structure of explosions:", dict(Counter(labels[i][2].label for i in rows)))

    objects, curves = simulated(options.objects, options.seed, 120)
    exploded = [c for item, c in zip(objects, curves, strict=True) if item.label in EXPLOSIONS]
    false_alarms("simulated explosions followed for up to 120 d", exploded)
    if options.data:
        curves = real_type_ia(options.data)
        labels = traits(curves)
        for k, name in enumerate(("speed", "luminosity", "structure")):
            counts = Counter(t[k].label for t in labels)
            print(f"{name} of {len(curves)} real type Ia supernovae: {dict(counts.most_common())}")
        false_alarms("real type Ia supernovae", curves)


if __name__ == "__main__":
    main()
