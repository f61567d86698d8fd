"""
Make the assistant that the package ships, from simulated light curves of ZTF.

    python scripts/build_default_assistant.py [--objects 12000] [--seed 20261101] [--alerts FOLDER]

Objects are simulated over nights of ZTF's lifetime, as for `build_default_bundle.py`, and split by object into a
training and a test part. Each score has features of its own, few of them: those whose distributions in real alerts are
like the simulated ones. Counts and spans of a survey's history, and magnitudes, which say when an object was found
rather than what it is, are left out; so is the mix of two real/bogus scores of `rb_pix`, because packets carry the
newer one for their newest detection only. Real supernovae have low real/bogus scores at times, which the simulation
does not know: a tenth of the real objects teach with lowered ones.

With ``--alerts``, a folder with Fink's test alerts, it prints what ranks the supernovae there get that TNS classified.
The list of features, and that tenth, were chosen with an eye on these few: they are no independent test.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from build_default_bundle import NIGHTS, night_of, nights
from numpy.typing import NDArray
from rich.progress import track

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.assistant import assess
from ampel_followup.assistant_scores import SCORES
from ampel_followup.drift import add_usual_psi
from ampel_followup.durations import FAST
from ampel_followup.evaluation.assistant_policy import assistant_ranks
from ampel_followup.features.derived import select_columns
from ampel_followup.features.visits import SETS, visit_features, visits
from ampel_followup.learning.assistant_recipes import BoostingOptions, answers
from ampel_followup.learning.assistant_tables import DAY_1_COLUMNS, DAY_N_COLUMNS, AssistantTable, Day, mix_weights
from ampel_followup.learning.assistant_training import distribution, train_assistant
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import DEFAULT_ASSISTANT, AssistantBundle, load_assistant
from ampel_followup.models.assistant_saving import TrainedDay, TrainedScore, save_assistant
from ampel_followup.models.bundle import PACKAGED
from ampel_followup.models.trees import Calibration
from ampel_followup.simulate import DEFAULT_MIX, simulate_objects

DESCRIPTION = (
    "Trained on simulated ZTF alerts only. It makes the first night work, and is no substitute for training on your "
    "own labels: class mix, noise and real/bogus scores are those of the simulation, not of the sky."
)

#: Classes of the simulation, with some that are fast.
MIX = {**DEFAULT_MIX, "rapid transient": 0.06}

#: What people would call them; all others are good.
TYPE = {"bogus": "garbage", "AGN": "AGN", "CV": "galactic", "variable star": "galactic", "M-dwarf flare": "galactic"}

#: Shares of types that the probabilities are about: of a stream with a mild cut on the real/bogus score. An assumption.
STREAM = {"garbage": 0.5, "galactic": 0.33, "good": 0.12, "AGN": 0.05}

#: Share of the real objects whose real/bogus scores are lowered in training, and by how much [log-odds].
LOW_SHARE, LOWERED_BY = 0.1, 2.0

_PLACE = ("ra", "dec", "log10_sep_arcsec", "sgscore1", "distpsnr1", "srmag1", "neargaia", "maggaia")
_CHANGES = (
    "n_nights", "detected_fraction", "negative_fraction", "mag_slope", "mag_slope_significance", "amplitude_mag",
    "colour_first", "colour_last",
)  # fmt: skip
_RATES = (
    "limit_rise_rate", "days_since_limit", "limit_depth", "duration", "time_since_first", "time_since_last",
    "n_limits_after", "intranight_slope", "intranight_significance", "flux_slope", "rise_rate_g", "rise_rate_r",
    "decline_rate_g", "decline_rate_r", "mag_slope_g", "mag_slope_r",
)  # fmt: skip

#: Features of each score and day. P(fast) sees no place: a supernova may be fast too.
FEATURES: dict[Day, dict[str, tuple[str, ...]]] = {
    "1": {
        "real": ("rb_mean", "negative_fraction", *_PLACE),
        "galactic": ("negative_fraction", "colour_first", *_PLACE),
        "fast": ("negative_fraction", "detected_fraction", "colour_first", *_RATES),
    },
    "N": {
        "real": ("rb_mean", *_CHANGES, *_PLACE),
        "galactic": (*_CHANGES, *_PLACE),
        "fast": (*_CHANGES, *_RATES),
    },
}


@dataclass(frozen=True)
class Simulation:
    """
    Simulated objects, their features at every visit, and what is true of them.

    Parameters
    ----------
    light_curves : list of LightCurve, n
    label : ndarray of str, shape (n,)
    fast : ndarray, shape (n,)
        1 if it really changes, and t₁/₂ is below `FAST`.
    object_index, number : ndarray of int, shape (v,)
        Object, and number of the visit.
    names : tuple of str, k
    values : ndarray, shape (v, k)
    """

    light_curves: list[LightCurve]
    label: NDArray[np.str_]
    fast: NDArray[np.float64]
    object_index: NDArray[np.intp]
    number: NDArray[np.intp]
    names: tuple[str, ...]
    values: NDArray[np.float64]

    def table(self, day: Day, features: Sequence[str], objects: NDArray[np.bool_]) -> AssistantTable:
        """Return the visits of a day of some objects; columns that are not among the features are blank."""
        rows = ((self.number == 0) if day == "1" else (self.number > 0)) & objects[self.object_index]
        names = tuple(dict.fromkeys((*(DAY_1_COLUMNS if day == "1" else DAY_N_COLUMNS), *features)))
        values = self.values[rows][:, [self.names.index(name) for name in names]]
        values[:, [name not in features for name in names]] = np.nan
        index = self.object_index[rows]
        types = np.array([TYPE.get(label, "good") for label in self.label.tolist()])
        ids = tuple(self.light_curves[i].id for i in index.tolist())
        return AssistantTable(day, ids, names, values, types[index], self.fast[index])


def simulate(n: int, seed: int) -> Simulation:
    """Simulate n objects over the nights."""
    curves, labels, fast = [], [], []
    for k, night in enumerate(track(nights(), "simulating")):
        share = n // NIGHTS + (k < n % NIGHTS)
        for item in simulate_objects(share, night, np.random.default_rng([seed, k]), mix=MIX, first_number=k * n):
            curves.append(light_curve_from_candidates(item.id, ztf_stock(item.id), item.candidates))
            labels.append(item.label)
            fast.append(item.label != "bogus" and item.time_above_half() < FAST)
    known = visits(curves)
    names, values = visit_features(curves, known)
    return Simulation(
        curves, np.array(labels), np.array(fast, dtype=float), known.object_index, known.number, names, values
    )


def with_low_scores(simulation: Simulation, rng: np.random.Generator) -> Simulation:
    """Lower the real/bogus scores of `LOW_SHARE` of the real objects."""
    low = (rng.random(len(simulation.label)) < LOW_SHARE) & (simulation.label != "bogus")
    rows, column = low[simulation.object_index], simulation.names.index("rb_mean")
    values = simulation.values.copy()
    rb = np.clip(values[rows, column], 1e-3, 1.0 - 1e-3)
    values[rows, column] = 1.0 / (1.0 + np.exp(LOWERED_BY) * (1.0 - rb) / rb)
    return replace(simulation, values=values)


def train_day(simulation: Simulation, day: Day, objects: NDArray[np.bool_], seed: int) -> TrainedDay:
    """Train each score on its own features, and calibrate it to `STREAM` on out-of-fold probabilities."""
    scores, training = {}, {}
    for name in SCORES:
        table = simulation.table(day, FEATURES[day][name], objects)
        result = train_assistant(
            table, folds=3, repeats=1, seed=seed, options=BoostingOptions(trees=100, depth=3, min_leaf=30)
        )
        served = result.trained.scores[name].served
        asked = table.types != "garbage" if name == "galactic" else np.ones(len(table), dtype=bool)
        p = np.clip(result.probabilities[name], 1e-9, 1.0 - 1e-9)
        # An object's visits share its weight.
        weight, _ = mix_weights(table.types, 1.0 / np.bincount(table.objects)[table.objects], STREAM)
        again = Calibration.fit(np.log(p / (1.0 - p))[asked], answers(name, table)[asked], weight[asked])
        old = served.calibration
        calibration = Calibration(-again.a * old.a, again.b - again.a * old.b)
        scores[name] = TrainedScore(replace(served, calibration=calibration))
        training = {**result.trained.training, "mix": STREAM}
    features = tuple(dict.fromkeys(f for score in scores.values() for f in score.served.trees.features))
    n, kept = last_visits(simulation, day, features, objects)
    return TrainedDay(scores, training={"data": "simulation", **training, "last_visits": n}, distribution=kept)


def last_visits(
    simulation: Simulation, day: Day, features: Sequence[str], objects: NDArray[np.bool_]
) -> tuple[int, dict[str, dict[str, Any]]]:
    """
    Describe the last visits of some objects, as far as they are of a day, and how much single nights differ from all.

    A night is compared by its last visits (`ampel_followup.drift.assistant_drift`): all visits would have another mix,
    for objects are visited the more often the slower they are.
    """
    index, number = simulation.object_index, simulation.number
    last = np.diff(index, append=-1) != 0
    rows = np.flatnonzero(last & ((number == 0) if day == "1" else (number > 0)) & objects[index])
    values = select_columns(simulation.names, simulation.values[rows], features)
    night = night_of(len(objects))[index[rows]]
    kept = distribution(features, values, features)
    by_night = (values[night == k] for k in range(NIGHTS))
    return len(rows), add_usual_psi(features, by_night, kept, n_reference=len(rows))


def measure(bundle: AssistantBundle, simulation: Simulation, day: Day, objects: NDArray[np.bool_]) -> dict[str, object]:
    """Measure the scores of a day on objects kept apart: areas under the ROC curve, and how each class ranks."""
    from sklearn.metrics import roc_auc_score

    every = tuple(dict.fromkeys(name for features in FEATURES[day].values() for name in features))
    table = simulation.table(day, every, objects)
    p = bundle.probabilities(day, table.names, table.values)
    rank = assistant_ranks(p["real"], p["galactic"])
    real = table.types != "garbage"
    label = simulation.label[_rows(simulation, table)]
    metrics: dict[str, object] = {
        "test_objects": int(objects.sum()),
        "auc_real": roc_auc_score(real, p["real"]),
        "auc_galactic": roc_auc_score(table.types[real] == "galactic", p["galactic"][real]),
        "auc_fast": roc_auc_score(table.fast[real], p["fast"][real]),
        "brier_real": np.average((p["real"] - real) ** 2, weights=mix_weights(table.types, mix=STREAM)[0]),
        "rank_below_1.5": {c: float((rank[label == c] < 1.5).mean()) for c in np.unique(label).tolist()},
        "rank_above_7": {c: float((rank[label == c] > 7.0).mean()) for c in np.unique(label).tolist()},
    }
    return {
        k: {c: round(x, 4) for c, x in v.items()} if isinstance(v, dict) else round(v, 4) for k, v in metrics.items()
    }


def _rows(simulation: Simulation, table: AssistantTable) -> NDArray[np.intp]:
    number = {curve.id: i for i, curve in enumerate(simulation.light_curves)}
    return np.array([number[name] for name in table.ids])


def real_alerts(bundle: AssistantBundle, folder: Path) -> None:
    """Print the ranks of what TNS classified among Fink's test alerts, visit by visit, and shares of all objects."""
    import pyarrow.parquet as pq

    file = folder / "fink_ztf_alerts_nocutouts.parquet"
    classes = {
        row["objectId"]: row["tnsclass"].removeprefix("(TNS) ")
        for row in pq.read_table(file, columns=["objectId", "tnsclass"]).to_pylist()
        if (row["tnsclass"] or "").startswith("(TNS)")
    }
    for archive in (file, folder / "ztf_public_20180819_mod1000.tar.gz"):
        curves = list(light_curves([archive], quarantine=Quarantine()))
        entry, last = [], []
        for curve, said in zip(curves, assess(curves, bundle, explain=False), strict=True):
            ranks = [visit.rank for visit in said.history]
            entry += ranks[:1]
            last += ranks[-1:]
            if curve.id in classes:
                print(
                    f"{curve.id} {classes[curve.id]:9s} P(fast) {said.p_fast:.2f}:", *(f"{r:.1f}" for r in ranks[:12])
                )
        for name, found in (("entry", np.array(entry)), ("last", np.array(last))):
            shares = f"below 1.5 {np.mean(found < 1.5):.2f}, above 7 {np.mean(found > 7.0):.2f}"
            print(f"{archive.name}, {name} rank of {len(found)} objects: {shares}")


def main() -> None:
    """Simulate, train, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=20261101)
    parser.add_argument("--out", type=Path, default=PACKAGED / DEFAULT_ASSISTANT)
    parser.add_argument("--alerts", type=Path, help="folder with Fink's test alerts; prints the ranks they get")
    parser.add_argument("--measure-only", action="store_true", help="print --alerts with the bundle that is there")
    options = parser.parse_args()
    if options.measure_only:
        real_alerts(load_assistant(options.out), options.alerts)
        return

    simulation = simulate(options.objects, options.seed)
    test = np.random.default_rng([options.seed, NIGHTS]).random(len(simulation.label)) < 0.25
    info = {
        "name": DEFAULT_ASSISTANT,
        "version": "1",
        "created": datetime.date.today().isoformat(),
        "description": DESCRIPTION,
        "feature_sets": {s.name: s.version for s in SETS.values()},
        "galactic_weight": 0.5,
    }
    taught = with_low_scores(simulation, np.random.default_rng([options.seed, NIGHTS + 1]))
    days: dict[Day, TrainedDay] = {day: train_day(taught, day, ~test, options.seed) for day in FEATURES}
    bundle = save_assistant(options.out, info, days)
    days = {day: replace(days[day], metrics=measure(bundle, simulation, day, test)) for day in days}
    bundle = save_assistant(options.out, info, days)
    for day, trained in days.items():
        for key, value in trained.metrics.items():
            print(f"day {day} {key}: {value}")
    print(f"{options.out}: {sum(f.stat().st_size for f in options.out.iterdir()) / 1e6:.2f} MB")
    if options.alerts:
        real_alerts(bundle, options.alerts)


if __name__ == "__main__":
    main()
