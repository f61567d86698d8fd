"""How many lenses are found, what else is taken for one, and how soon planets raise the alarm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.microlensing_data import (
    ALERT,
    Donors,
    Injected,
    Part,
    chains,
    inject,
    inject_into,
    real_pulls,
    until,
)
from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.injection import Epochs, Event, observe, with_planet
from ampel_followup.models.microlensing_bundle import MicrolensingBundle

Array = NDArray[np.float64]
Progress = Callable[[str, int, int | None], None]

#: A planet counts if it changes so many detections by so much [mag], no farther from the peak than this [t_E]; it shows
#: if these points are changed by so many σ, too.
PLANET_POINTS, PLANET_MAGNITUDE, PLANET_NEAR, PLANET_SIGMA = 3, 0.1, 1.0, 3.0

#: Name of what is put into runs of real epochs of ZTF.
REAL_ZTF = "real ZTF epochs"

_NIGHT_GAP = 0.5
_FEWEST = 8
_PLANETS_TRIED = 25


def _silent(stage: str, done: int, total: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Sizes:
    """
    How many objects of each survey are looked at.

    Parameters
    ----------
    others : int
        Objects that are no lens, of each survey, at most.
    lenses : int
        Events put into the epochs of each survey.
    planets : int
        Events with a planet, and as many without.
    """

    others: int = 2000
    lenses: int = 400
    planets: int = 100


def evaluate(
    donors: Sequence[Donors],
    bundle: MicrolensingBundle,
    *,
    part: Part = "test",
    seeds: Sequence[int] = (1, 2, 3),
    sizes: Sizes | None = None,
    progress: Progress = _silent,
) -> dict[str, Any]:
    """
    Search for lenses among the objects of a part, and for planets in real epochs.

    Parameters
    ----------
    donors : sequence of Donors
    bundle : MicrolensingBundle
    part : {"test", "training", "all"}
    seeds : sequence of int
        Events, noise and choice of objects are drawn anew with each.
    sizes : Sizes, optional
    progress : callable, optional
        Called with the stage, how far it is, and its end.

    Returns
    -------
    dict
        ``found`` by survey, ``false`` by survey and kind, ``summary`` and ``planets``: counts, and shares as mean and
        standard deviation over seeds with 95 % intervals over objects (Wilson 1927); and ``curve``, for plots.
    """
    sizes = sizes or Sizes()
    found: dict[str, list[Array]] = {}
    false: dict[tuple[str, str], list[Array]] = {}
    at_peak: dict[str, list[Array]] = {}
    planets: list[dict[str, Any]] = []
    for number, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        pulls = real_pulls(donors, part)
        for name, injected in _injections(donors, part, pulls, sizes, rng):
            progress("events", number, len(seeds))
            found.setdefault(name, []).append(_p(bundle, [one.curve for one in injected]))
            now = [until(one.curve, one.event.peak_time) for one in injected]
            at_peak.setdefault(name, []).append(_p(bundle, now))
        for donor in donors:
            progress(donor.name, number, len(seeds))
            some = donor.part(part).some(sizes.others, rng)
            p = _p(bundle, some.curves)
            kinds = np.array(some.kinds)
            for kind in np.unique(kinds).tolist():
                false.setdefault((donor.name, kind), []).append(p[kinds == kind])
        progress("planets", number, len(seeds))
        planets.append(_planets(donors, part, pulls, bundle, sizes.planets, rng))
    real = {d.name: d.real for d in donors}
    table_found = [
        {"survey": name, "real_epochs": name == REAL_ZTF or real.get(name, False), **_share(ps, bundle.threshold),
         "at_peak": _share(at_peak[name], bundle.threshold)["share"]}
        for name, ps in found.items()
    ]  # fmt: skip
    table_false = [
        {"survey": name, "kind": kind, "real": real[name], **_share(ps, bundle.threshold)}
        for (name, kind), ps in false.items()
    ]
    labelled = {key: ps for key, ps in false.items() if key[1] != ALERT}
    return {
        "part": part,
        "seeds": list(seeds),
        "bundle": bundle.label,
        "bundle_digest": bundle.digest,
        "threshold": bundle.threshold,
        "alarm": bundle.alarm,
        "found": table_found,
        "false": table_false,
        "summary": _summary(found, labelled, bundle.threshold),
        "planets": _combined(planets),
        "curve": _curve(found, labelled),
    }


def _injections(
    donors: Sequence[Donors], part: Part, pulls: Array, sizes: Sizes, rng: np.random.Generator
) -> list[tuple[str, list[Injected]]]:
    made = []
    in_runs = []
    for k, (names, epochs) in enumerate(chains(donors, part, sizes.lenses, rng)):
        one = inject_into(f"lens-{k}", epochs, pulls, rng)
        if one is not None:
            in_runs.append(Injected(REAL_ZTF, names, *one))
    if in_runs:
        made.append((REAL_ZTF, in_runs))
    made += [(donor.name, inject(donor.part(part), pulls, rng, sizes.lenses)) for donor in donors]
    return [(name, injected) for name, injected in made if injected]


def _p(bundle: MicrolensingBundle, curves: Sequence[LightCurve]) -> Array:
    """P(microlensing), 0 where there are too few points to tell."""
    p = [one.p_microlensing for one in bundle.score(curves, watch=False)]
    return np.nan_to_num(np.array(p, dtype=np.float64))


def _share(ps: Sequence[Array], threshold: float) -> dict[str, Any]:
    """Share at or above a threshold: mean and standard deviation over seeds, interval over all objects together."""
    shares = [float((p >= threshold).mean()) for p in ps]
    n = int(np.mean([len(p) for p in ps]))
    low, high = wilson(float(np.mean(shares)) * n, n)
    deviation = float(np.std(shares, ddof=1)) if len(shares) > 1 else None
    return {"objects": n, "share": float(np.mean(shares)), "sd": deviation, "low": low, "high": high}


def wilson(k: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of k in n (Wilson 1927, J. Am. Stat. Assoc. 22, 209)."""
    if n == 0:
        return 0.0, 1.0
    z2, p = 1.959964**2, k / n
    middle, half = p + z2 / (2 * n), float(np.sqrt(z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))))
    return max((middle - half) / (1.0 + z2 / n), 0.0), min((middle + half) / (1.0 + z2 / n), 1.0)


def _summary(
    found: dict[str, list[Array]], false: dict[tuple[str, str], list[Array]], threshold: float
) -> dict[str, Any]:
    def together(lists: Sequence[list[Array]]) -> list[Array]:
        return [np.concatenate(of_seed) for of_seed in zip(*lists, strict=True)]

    kinds = dict.fromkeys(kind for _, kind in false)
    summary: dict[str, Any] = {"found": _share(together(list(found.values())), threshold)} if found else {}
    if REAL_ZTF in found:
        summary["found_in_real_ztf"] = _share(found[REAL_ZTF], threshold)
    summary["false"] = _share(together(list(false.values())), threshold)
    summary["false_by_kind"] = {
        kind: _share(together([ps for (_, of), ps in false.items() if of == kind]), threshold) for kind in kinds
    }
    return summary


def _curve(found: dict[str, list[Array]], false: dict[tuple[str, str], list[Array]]) -> dict[str, Any]:
    """Shares found and false at many thresholds, by survey and by kind."""
    thresholds = np.unique(np.concatenate([np.linspace(0.0, 0.9, 91), 1.0 - np.logspace(-1, -4, 60)]))

    def above(lists: Sequence[Array]) -> list[float]:
        p = np.concatenate(lists)
        return [float((p >= t).mean()) for t in thresholds]

    kinds = dict.fromkeys(kind for _, kind in false)
    return {
        "threshold": thresholds.tolist(),
        "found": {name: above(ps) for name, ps in found.items()},
        "false": {kind: above([p for (_, of), ps in false.items() if of == kind for p in ps]) for kind in kinds},
    }


def planet_in(
    epochs: Epochs, event: Event, name: str, pulls: Array, rng: np.random.Generator
) -> tuple[Event, LightCurve] | None:
    """Give an event a planet that changes enough points; None if none of some tries does."""
    for _ in range(_PLANETS_TRIED):
        planet = with_planet(event, rng)
        curve = observe(name, epochs, planet, rng.choice(pulls, len(epochs.time)))
        if len(changed_points(planet, curve)) >= PLANET_POINTS:
            return planet, curve
    return None


def changed_points(planet: Event, curve: LightCurve, *, sigma: float = 0.0) -> NDArray[np.intp]:
    """Return the detections near the peak that a planet changes by `PLANET_MAGNITUDE` or more, and by so many σ."""
    large = np.abs(planet.departure(curve.time)) >= PLANET_MAGNITUDE
    near = np.abs(curve.time - planet.peak_time) < PLANET_NEAR * planet.einstein_time
    source = np.array([planet.source[band] for band in curve.band.tolist()])
    change = source * (planet.magnification(curve.time) - replace(planet, ratio=0.0).magnification(curve.time))
    return np.flatnonzero(large & near & curve.detected & (np.abs(change) >= sigma * curve.flux_err))


def nights_of(curve: LightCurve) -> NDArray[np.intp]:
    """Return the number of the night of each point, shape (n,)."""
    return np.cumsum(np.append(0, np.diff(curve.time) > _NIGHT_GAP)).astype(np.intp)


def _planets(
    donors: Sequence[Donors], part: Part, pulls: Array, bundle: MicrolensingBundle, n: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Go through events night by night, with planets and without."""
    flagged: list[dict[str, float]] = []
    alarms: list[int] = []
    nights_without = 0
    for k, (_, epochs) in enumerate(chains(donors, part, 20 * n, rng)):
        if len(flagged) >= n and len(alarms) >= n:
            break
        made = inject_into(f"event-{k}", epochs, pulls, rng)
        if made is None:
            continue
        event, curve = made
        if len(alarms) < n:
            urgent = _urgent_nights(curve, bundle, *_night_range(curve, event))
            alarms.append(sum(urgent.values()))
            nights_without += len(urgent)
        if len(flagged) < n:
            planet = planet_in(epochs, event, f"planet-{k}", pulls, rng)
            if planet is not None:
                flagged.append(_flagged(*planet, bundle))
    if not flagged:
        return {"planets": 0, "shown": 0, "events": len(alarms)}
    columns = {key: [one[key] for one in flagged] for key in flagged[0]}
    return {
        "planets": len(flagged),
        "shown": int(sum(columns.pop("shown"))),
        "events": len(alarms),
        **{key: float(np.nanmean(values)) for key, values in columns.items()},
        "false_alarms_per_event": float(np.mean([count > 0 for count in alarms])),
        "false_alarms_per_night": float(np.sum(alarms) / max(nights_without, 1)),
    }


def _night_range(curve: LightCurve, event: Event) -> tuple[int, int]:
    nights = nights_of(curve)
    near = nights[np.abs(curve.time - event.peak_time) < 2.0 * event.einstein_time]
    return (int(near[0]), int(near[-1])) if len(near) else (0, -1)


def _urgent_nights(curve: LightCurve, bundle: MicrolensingBundle, first: int, last: int) -> dict[int, bool]:
    """Say of each night whether the light curve until then is urgent."""
    nights = nights_of(curve)
    numbers = [k for k in range(first, last + 1) if np.count_nonzero(nights <= k) >= _FEWEST]
    so_far = [until(curve, float(curve.time[nights <= k][-1])) for k in numbers]
    return {k: one.urgent for k, one in zip(numbers, bundle.score(so_far), strict=True)}


def _flagged(planet: Event, curve: LightCurve, bundle: MicrolensingBundle) -> dict[str, float]:
    """Say when a planet was flagged, counted in nights with points from its first and its third changed point."""
    nights = nights_of(curve)
    shows = changed_points(planet, curve, sigma=PLANET_SIGMA)
    shown = len(shows) >= PLANET_POINTS
    changed = nights[shows if shown else changed_points(planet, curve)]
    first, third = int(changed[0]), int(changed[PLANET_POINTS - 1])
    urgent = _urgent_nights(curve, bundle, first, third + 1)
    within = any(urgent.get(k, False) for k in range(first, third + 2))
    at_third = any(urgent.get(k, False) for k in range(first, third + 1))
    of_first = any(urgent.get(k, False) for k in range(first, first + 2))
    return {
        "shown": float(shown),
        "all_within_one_epoch": float(within),
        "within_one_epoch": float(within) if shown else np.nan,
        "at_third_point": float(at_third) if shown else np.nan,
        "within_one_epoch_of_first_point": float(of_first) if shown else np.nan,
    }


def _combined(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over seeds, and intervals over events."""
    runs = [run for run in runs if run["shown"]]
    if not runs:
        return {"planets": 0, "shown": 0, "events": 0}
    combined: dict[str, Any] = {key: sum(run[key] for run in runs) for key in ("planets", "shown", "events")}
    for key in runs[0]:
        if key in combined:
            continue
        values = [run[key] for run in runs]
        n = combined["events" if key.startswith("false") else "planets" if key.startswith("all") else "shown"]
        low, high = wilson(float(np.mean(values)) * n, n)
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        combined[key] = {"share": float(np.mean(values)), "sd": deviation, "low": low, "high": high}
        if key.endswith("per_night"):
            combined[key] = {"share": float(np.mean(values)), "sd": deviation}
    return combined
