"""
Make the model bundle that the package ships, from simulated light curves and spectra of the same objects.

    python scripts/build_default_bundle.py [--objects 30000] [--seed 20260101]

Objects are simulated over nights of ZTF's lifetime, split by object into a training and a test part, and trained as
`ampel_followup.models.training` says. With sncosmo's templates installed (SNCOSMO_DATA_DIR) half of the supernovae
follow them; the templates themselves do not become part of the bundle.
"""

from __future__ import annotations

import argparse
import datetime
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.drift import add_usual_psi
from ampel_followup.features import DEFAULT_SETS, FEATURE_SETS
from ampel_followup.gain import entropy
from ampel_followup.learning.training_table import TrainingTable, base_table, write_table
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.bundle import DEFAULT_BUNDLE, PACKAGED, ModelBundle, save_bundle
from ampel_followup.models.training import TrainingOptions, train
from ampel_followup.simulate import DEFAULT_MIX, SimulatedObject, simulate_objects
from ampel_followup.spectra.features import PrincipalSpectra, to_grid

CLASSES = tuple(DEFAULT_MIX)

#: Those that take microseconds per object: the bundle scores whole nights.
SETS = tuple(FEATURE_SETS[name] for name in DEFAULT_SETS)

DESCRIPTION = (
    "Trained on simulated ZTF light curves and spectra only. It makes the first night work, and is no substitute for "
    "training on your own labels: class mix, noise and spectra are those of the simulation, not of the sky."
)

#: Nights that the objects are seen in: from the first months of ZTF, when histories were short and packets had no
#: deep-learning score yet, to the present, so that every season, Moon and age of the survey occurs.
FIRST_NIGHT, LAST_NIGHT, NIGHTS = datetime.date(2018, 5, 15), datetime.date(2026, 11, 15), 60

#: Of the nights, this share is before mid-2019: few in a decade of survey, but archives are full of them.
EARLY_SHARE = 0.35


def nights() -> list[datetime.date]:
    """Return the nights, in order."""
    n_early = round(EARLY_SHARE * NIGHTS)
    change = (datetime.date(2019, 7, 1) - FIRST_NIGHT).days
    last = (LAST_NIGHT - FIRST_NIGHT).days
    days = np.concatenate(
        [np.linspace(0, change, n_early, endpoint=False), np.linspace(change, last, NIGHTS - n_early)]
    )
    return [FIRST_NIGHT + datetime.timedelta(days=round(day)) for day in days]


def simulated(n: int, seed: int, templates: str) -> Iterator[SimulatedObject]:
    """Yield n objects over the nights."""
    for k, night in enumerate(nights()):
        share = n // NIGHTS + (k < n % NIGHTS)
        yield from simulate_objects(
            share, night, np.random.default_rng([seed, k]), templates=templates, first_number=k * n
        )


def night_of(n: int) -> np.ndarray:
    """Return the number of the night of each of n simulated objects, in their order."""
    shares = [n // NIGHTS + (k < n % NIGHTS) for k in range(NIGHTS)]
    return np.repeat(np.arange(NIGHTS), shares)


def with_usual_drift(
    info: dict[str, Any], names: list[str], x_t: np.ndarray, night: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Return the distributions of the features with how much single nights differ from all of them."""
    kept = x_t[:, [names.index(name) for name in info["features"]]]
    each_night = (kept[night == k] for k in range(NIGHTS))
    return add_usual_psi(info["features"], each_night, info["distribution"], n_reference=len(kept))


def training_table(
    bundle: ModelBundle, ids: np.ndarray, x_t: np.ndarray, spectra: np.ndarray, labels: np.ndarray
) -> TrainingTable:
    """Return what the bundle was trained on, for `ampel-followup learn`."""
    names = [name for s in SETS for name in s.names]
    kept = x_t[:, [names.index(name) for name in bundle.features]]
    y = np.array([bundle.classes.index(label) for label in labels])
    # Real objects have such names, too, and must not be taken for these.
    return base_table([f"simulated {name}" for name in ids], kept, spectra, y, info=bundle.info, files=bundle.files)


def main() -> None:
    """Simulate, train, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--out", type=Path, default=PACKAGED / DEFAULT_BUNDLE)
    options = parser.parse_args()
    templates = "auto" if os.environ.get("SNCOSMO_DATA_DIR") else "analytic"

    light_curves: list[LightCurve] = []
    spectra, labels, named = [], [], []
    rng = np.random.default_rng([options.seed, 1])
    for item in track(simulated(options.objects, options.seed, templates), "simulating", options.objects):
        light_curves.append(light_curve_from_candidates(item.id, ztf_stock(item.id), item.candidates))
        wavelength, flux, _ = item.spectrum(rng)
        spectra.append(to_grid(wavelength, flux))
        labels.append(item.label)
        named.append(item.id)
    y, x_s, ids = np.array(labels), np.array(spectra), np.array(named)
    x_t = np.concatenate([s.compute(light_curves) for s in SETS], axis=1)
    names = [name for s in SETS for name in s.names]

    test = np.random.default_rng([options.seed, 2]).random(len(y)) < 0.25
    info, files = train(
        x_t[~test],
        x_s[~test],
        y[~test],
        features=names,
        feature_sets={s.name: s.version for s in SETS},
        classes=CLASSES,
        rng=np.random.default_rng([options.seed, 3]),
        options=TrainingOptions(),
    )
    info["distribution"] = with_usual_drift(info, names, x_t[~test], night_of(options.objects)[~test])
    head = {
        "name": DEFAULT_BUNDLE,
        "version": "1",
        "created": datetime.date.today().isoformat(),
        "description": DESCRIPTION,
        "training": {
            "data": "simulation",
            "objects": int((~test).sum()),
            "seed": options.seed,
            "templates": "analytic and sncosmo" if templates == "auto" else "analytic",
            "nights": f"{NIGHTS} from {FIRST_NIGHT} to {LAST_NIGHT}",
            "per_class": {c: int((y[~test] == c).sum()) for c in CLASSES},
        },
    }
    bundle = save_bundle(options.out, {**head, "metrics": {}, **info}, files)
    metrics = measure(bundle, x_t[test], x_s[test], y[test])
    bundle = save_bundle(options.out, {**head, "metrics": metrics, **info}, files)
    write_table(options.out, training_table(bundle, ids[~test], x_t[~test], x_s[~test], y[~test]), bundle.digest)
    for key, value in metrics.items():
        print(f"{key}: {value}")
    print(f"{options.out}: {sum(f.stat().st_size for f in options.out.iterdir()) / 1e6:.2f} MB")


def measure(bundle: ModelBundle, x_t: np.ndarray, spectra: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    """Measure a bundle on simulated objects that it was not trained on."""
    import json

    stored = json.loads(bundle.files["spectrum.json"])
    principal = PrincipalSpectra(
        *(np.asarray(stored[k]) for k in ("mean", "components", "scale")), explained=stored["explained"]
    )
    y = np.array([bundle.classes.index(label) for label in labels])
    rows = np.arange(len(y))
    scores = bundle.score(x_t)
    p_ts = bundle.model.p_ts.predict_proba(np.concatenate([x_t, principal.transform(spectra)], axis=1))
    right, right_after = scores.class_now == y, p_ts.argmax(axis=1) == y
    result: dict[str, object] = {
        "test_objects": len(y),
        "p_t_accuracy": right.mean(),
        "p_t_log_loss": -np.log(np.clip(scores.p_t[rows, y], 1e-9, 1)).mean(),
        "p_ts_accuracy": right_after.mean(),
        "p_ts_log_loss": -np.log(np.clip(p_ts[rows, y], 1e-9, 1)).mean(),
        "information_gain_expected": scores.information_gain.mean(),
        "information_gain_true_spectra": (scores.entropy - entropy(p_ts)).mean(),
        "p_t_recall": {c: (scores.class_now == k)[y == k].mean() for k, c in enumerate(bundle.classes)},
        "p_ts_recall": {c: (p_ts.argmax(axis=1) == k)[y == k].mean() for k, c in enumerate(bundle.classes)},
    }
    n = len(y) // 20
    gained = right_after.astype(float) - right
    for name, priority in (
        ("value-of-information", scores.value_of_information),
        ("information-gain", scores.information_gain),
        ("entropy", scores.entropy),
        ("entropy-indicator", scores.entropy + 100 * scores.indicator),
        ("random", np.random.default_rng(0).random(len(y))),
    ):
        result[f"corrected_by_5_percent_{name}"] = gained[np.argsort(-priority)[:n]].sum() / max(gained.sum(), 1)
    return {key: _rounded(value) for key, value in result.items()}


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value if isinstance(value, int) else round(float(value), 4)


if __name__ == "__main__":
    main()
