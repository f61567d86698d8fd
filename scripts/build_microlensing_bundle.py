"""
Make the search for lenses that the package ships, from data with known classes.

    python scripts/build_microlensing_bundle.py DATA [--seed 1] [--simulated 3000] [--planets 1500] [--events 500] \
        [--alarm-only] [--compare] [--workers 2]

DATA is a folder with any of snpcc, elasticc, ztf_bts_snia, rr_lyrae and ztf_alerts (README of the evaluation in
docs/microlensing.md); half of the objects, by a digest of their names, are for training, and only those are looked at
here. Every light curve counts once whole, and once until a random time, so that one model serves all ages. The line
is drawn where no more than `FALSE` of the supernovae, and of the variables, whole light curves of objects that the
trees have not seen, are called lenses.

The trees of the alarm learn from nights in which a planet changes the newest points, from the same nights without it,
from nights of events without planets, and of everything else; the line is drawn where no more than `FALSE_ALARMS` of
the events without a planet raise one at any time. ``--alarm-only`` leaves the search as it is in the bundle that is
there, which takes less time: with the same data and seed it would be the same again. ``--compare`` writes no bundle:
it says what the alarm would flag, of events that its trees have not seen, had it fewer columns to learn from.

No data go into the bundle, only trees and numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from ampel_followup.evaluation.microlensing_data import (
    GAUSSIAN,
    SEEN_POINTS,
    SEEN_SIGMA,
    Donors,
    chains,
    inject,
    inject_into,
    load_donors,
    real_pulls,
    until,
)
from ampel_followup.evaluation.microlensing_watch import event_nights, other_nights
from ampel_followup.features.ragged import stack
from ampel_followup.learning.microlensing_alarm import TREES, AlarmTable, flagged_of, train_alarm, unseen_log_odds
from ampel_followup.learning.microlensing_training import LensTable, groups_of, train_search
from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.departure_features import DEPARTURE_FEATURES
from ampel_followup.microlensing.features import FEATURES, LEAST_POINTS, LensFits
from ampel_followup.microlensing.injection import Event
from ampel_followup.models.assistant_bundle import ScoreModel
from ampel_followup.models.folder import PACKAGED
from ampel_followup.models.microlensing_bundle import (
    DEFAULT_MICROLENSING,
    WATCH_FEATURES,
    load_microlensing,
    save_microlensing,
    watch_features,
)

DESCRIPTION = (
    "P(microlensing) against supernovae, cataclysmic variables, variable stars and nuclei, from the shape of light "
    "curves alone. Lenses were put into the epochs of the others; shares of kinds are those of the training set, not "
    "of the sky, where lenses are rare."
)

#: Share of supernovae, and of variables, that may be called lenses; less than is wanted, for a threshold fits its own
#: objects best.
FALSE = 0.006

#: Share of the events without a planet that may raise an alarm at any time: docs/microlensing.md has the whole curve.
FALSE_ALARMS = 0.04

#: P(microlensing) from which on planets are looked for, now or before the last nights, and from which on it is asked
#: what it was before: what a planet disturbs no longer looks like one lens. Lower ones cost time, and find little more.
WATCHED, LOOK_AGAIN = 0.1, 0.001

#: Objects of each survey, and nights of each, that are no lens.
OTHERS, OTHER_NIGHTS = 400, 12

#: Columns of departures that came after the others, and shares of the events, for `compare`.
LATER = ("signed_", "colour_", "bands_", "left_", "run_up_", "night_", "steepening")
FALSE_COMPARED = (0.01, 0.02, 0.04, 0.05, 0.08)

#: What another process is told of a light curve.
COLUMNS = ("id", "stock", "time", "band", "flux", "flux_err", "upper_limit", "ra", "dec")

#: Nights that are looked at together.
NIGHTS_AT_ONCE = 400

#: Weight of a night: with a planet that shows, with another, of an event without, of what is no lens.
WEIGHTS = {"shown": 1.0, "planet": 0.3, "single": 0.5, "other": 2.0}

#: Objects that are no lens, and events, of each survey: so many that none outweighs the others.
SIZES = {
    "ztf_bts_snia": (800, 800), "snpcc": (1500, 700), "elasticc": (1200, 500), "stripe82": (240, 240),
    "eros": (700, 500), "ztf_alerts": (200, 200), "simulated ZTF": (1500, 800),
}  # fmt: skip

#: Events in long runs of real epochs of ZTF.
RUNS = 900

Row = tuple[str, str, LightCurve, Event | None]


def rows_of(donors: Sequence[Donors], seed: int) -> list[Row]:
    """Return donor, kind, light curve and event of all whole light curves."""
    rng = np.random.default_rng(seed)
    pulls = real_pulls(donors, "training")
    rows: list[Row] = []
    for donor in donors:
        others, lenses = SIZES[donor.name]
        training = donor.part("training")
        some = training.some(others, rng)
        rows += [(curve.id, kind, curve, None) for curve, kind in zip(some.curves, some.kinds, strict=True)]
        rows += [(one.donor, "", one.curve, one.event) for one in inject(training, pulls, rng, lenses)]
    for k, (names, epochs) in enumerate(chains(donors, "training", RUNS, rng)):
        # Others may state their errors right.
        made = inject_into(f"run{k}", epochs, pulls if k % 2 else GAUSSIAN, rng)
        if made is not None:
            rows.append((names, "", made[1], made[0]))
    return rows


def cut(row: Row, rng: np.random.Generator) -> Row | None:
    """Return a light curve until a random time, if there is something to learn from it then."""
    donor, kind, curve, event = row
    if len(curve) < LEAST_POINTS + 2:
        return None
    first, last = float(curve.time[LEAST_POINTS - 1]), float(curve.time[-1])
    if event is not None:
        first = max(first, event.peak_time - event.einstein_time)
        last = max(min(last, event.peak_time + 2.0 * event.einstein_time), first)
    shorter = until(curve, float(rng.uniform(first, last)))
    if event is not None:
        source = np.array([event.source[band] for band in shorter.band.tolist()])
        added = source * (event.magnification(shorter.time) - 1.0)
        if np.count_nonzero(shorter.detected & (added > SEEN_SIGMA * shorter.flux_err)) < SEEN_POINTS:
            return None
    return donor, kind, shorter, event


def features_of(curves: Sequence[LightCurve]) -> NDArray[np.float64]:
    """Compute the features of many light curves."""
    begins = track(range(0, len(curves), 200), "fitting")
    return np.concatenate([LensFits.of(stack(curves[begin : begin + 200])).features() for begin in begins])


def table_of(donors: Sequence[Donors], seed: int) -> LensTable:
    """Make the table to learn from."""
    rows = rows_of(donors, seed)
    rng = np.random.default_rng([seed, 1])
    shorter = [one for one in (cut(row, rng) for row in rows) if one is not None]
    every = rows + shorter
    x = features_of([row[2] for row in every])
    whole = np.arange(len(every)) < len(rows)
    table = LensTable(
        x=x,
        lens=np.array([row[3] is not None for row in every]),
        kind=np.array([row[1] for row in every]),
        group=groups_of([row[0] for row in every]),
        weight=np.where(whole, 1.0, 0.5),
        whole=whole,
    )
    known = np.isfinite(x).any(axis=1)
    return replace(table, **{name: getattr(table, name)[known] for name in table.__dataclass_fields__})


def features_of_nights(columns: Sequence[tuple[Any, ...]], model: ScoreModel) -> NDArray[np.float64]:
    """Compute what the alarm sees of light curves, which come as their `COLUMNS`."""
    curves = [LightCurve(*one) for one in columns]
    return watch_features(curves, model, watched=WATCHED, look_again=LOOK_AGAIN)


def alarm_table(
    donors: Sequence[Donors], model: ScoreModel, planets: int, events: int, seed: int, workers: int
) -> AlarmTable:
    """Make the table that the alarm learns from."""
    rng = np.random.default_rng([seed, 2])
    every = event_nights(donors, "training", real_pulls(donors, "training"), planets, rng, without=events)
    nights = list(track(every, "events"))
    kept = [WEIGHTS["single"]] * len(nights)
    for k, night in enumerate(nights):
        if night.role == "planet":
            kept[k] = WEIGHTS["shown" if night.shown else "planet"]
    # Their own numbers: how many planets there are does not change which others are looked at.
    rng = np.random.default_rng([seed, 3])
    number = [night.number + (planets if night.role == "single" else 0) for night in nights]
    for donor in donors:
        some = donor.part("training").some(OTHERS, rng)
        more = list(other_nights(some.curves, rng, OTHER_NIGHTS))
        first = max(number) + 1
        number += [first + night.number for night in more]
        nights += more
        kept += [WEIGHTS["other"]] * len(more)
    columns = [tuple(getattr(night.curve, name) for name in COLUMNS) for night in nights]
    parts = [columns[begin : begin + NIGHTS_AT_ONCE] for begin in range(0, len(nights), NIGHTS_AT_ONCE)]
    watch = partial(features_of_nights, model=model)
    # A light curve has the same features whoever looks at it, and with which others: processes only save time.
    with ProcessPoolExecutor(workers) as pool:
        x = np.concatenate(list(track(pool.map(watch, parts), "watching", total=len(parts))))
    return AlarmTable(
        x=x,
        planet=np.array([night.role == "planet" for night in nights]),
        event=np.array(number, dtype=np.intp),
        weight=np.array(kept),
        shown=np.array([night.shown for night in nights]),
        single=np.array([night.role == "single" for night in nights]),
    )


def compare(table: AlarmTable, seed: int) -> None:
    """Print what is flagged with more and more columns, at the lines where so many events have a false alarm."""
    of_search = WATCH_FEATURES[-2 * len(FEATURES) :]
    of_points = [name for name in DEPARTURE_FEATURES if name.startswith(LATER)]
    columns = {
        "change, significance, fit, P": set(WATCH_FEATURES) - set(of_points) - set(of_search),
        "and colours, directions, single nights, what is left": set(WATCH_FEATURES) - set(of_search),
        "and the ratios of the search": set(WATCH_FEATURES),
    }
    print("columns", *(f"{100 * false:.0f} %" for false in FALSE_COMPARED), sep="\t")
    for name, chosen in columns.items():
        places = [k for k, column in enumerate(WATCH_FEATURES) if column in chosen]
        log_odds = unseen_log_odds(table, folds=5, trees=TREES, seed=seed, columns=places)
        flagged = [flagged_of(table, log_odds, false) for false in FALSE_COMPARED]
        print(f"{name} ({len(places)})", *(f"{100 * share:.1f} %" for share in flagged), sep="\t")


def metrics_of(table: LensTable, probability: NDArray[np.float64], threshold: float) -> dict[str, Any]:
    """Return shares of the training half, by models that have not seen the donor."""
    called = probability >= threshold
    metrics: dict[str, Any] = {"found_whole": float(called[table.whole & table.lens].mean())}
    metrics["found_cut"] = float(called[~table.whole & table.lens].mean())
    for kind in np.unique(table.kind[~table.lens]).tolist():
        rows = (table.kind == kind) & ~table.lens
        metrics[f"false_{kind.replace(' ', '_')}"] = float(called[rows & table.whole].mean())
    return {name: round(value, 4) for name, value in metrics.items()}


def main() -> None:
    """Train, and write the bundle into the package."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--simulated", type=int, default=3000, help="objects of the simulation of ZTF")
    parser.add_argument("--planets", type=int, default=1500, help="events with a planet")
    parser.add_argument("--events", type=int, default=500, help="events without, gone through night by night")
    parser.add_argument("--compare", action="store_true", help="say what columns are worth, and write nothing")
    parser.add_argument("--workers", type=int, default=2, help="processes; the bundle is the same with any number")
    parser.add_argument("--alarm-only", action="store_true", help="keep the search of the packaged bundle")
    parser.add_argument("--out", type=Path, default=PACKAGED / DEFAULT_MICROLENSING)
    options = parser.parse_args()
    donors = load_donors(options.data, simulated=options.simulated, seed=options.seed)
    if options.alarm_only:
        packaged = load_microlensing()
        model, threshold = packaged.model, packaged.threshold
        training, metrics = dict(packaged.info["training"]), dict(packaged.info["metrics"])
    else:
        table = table_of(donors, options.seed)
        trained = train_search(table, false=FALSE, seed=options.seed)
        model, threshold = trained.model, trained.threshold
        metrics = metrics_of(table, trained.probability, threshold)
        training = {
            "part": "training",
            "seed": options.seed,
            "surveys": ", ".join(donor.name for donor in donors),
            "rows": len(table.lens),
            "lenses": int(table.lens.sum()),
            "donors": int(table.group.max()) + 1,
        }
    nights = alarm_table(donors, model, options.planets, options.events, options.seed, options.workers)
    if options.compare:
        compare(nights, options.seed)
        return
    alarm = train_alarm(nights, false=FALSE_ALARMS, seed=options.seed)
    metrics["planets_flagged"] = round(alarm.flagged, 4)
    metrics["false_alarms_per_event"] = round(alarm.false_per_event, 4)
    info = {
        "name": DEFAULT_MICROLENSING,
        "version": "1",
        "created": "2026-11-28",
        "description": DESCRIPTION,
        "threshold": threshold,
        "watched": WATCHED,
        "alarm": alarm.alarm,
        "look_again": LOOK_AGAIN,
        "training": {**training, "planets": options.planets, "events": options.events, "nights": len(nights.event)},
        "metrics": metrics,
    }
    bundle = save_microlensing(options.out, info, model, alarm.model)
    print(f"{options.out}: threshold {bundle.threshold:.4f}, alarm {bundle.alarm:.4f}")
    for name, value in metrics.items():
        print(f"  {name} {value}")


if __name__ == "__main__":
    main()
