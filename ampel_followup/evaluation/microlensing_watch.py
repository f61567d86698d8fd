"""How soon planets raise the alarm, and what else does: events and other objects gone through night by night."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.intervals import wilson
from ampel_followup.evaluation.microlensing_data import Donors, Part, chains, inject_into, until
from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.injection import Epochs, Event, observe, with_planet
from ampel_followup.microlensing.watch import nights_of as number_nights
from ampel_followup.microlensing_scores import MicrolensingScores
from ampel_followup.models.microlensing_bundle import MicrolensingBundle

Array = NDArray[np.float64]
Progress = Callable[[str, int, int | None], None]

#: A planet counts if it changes so many detections by so much [mag], no farther from the peak than this [t_E]; it shows
#: if these points are changed by so many σ, too.
PLANET_POINTS, PLANET_MAGNITUDE, PLANET_NEAR, PLANET_SIGMA = 3, 0.1, 1.0, 3.0

#: Nights of an object that is no lens that are gone through, at most.
MOST_NIGHTS = 20

#: Why a planet that shows may not be flagged, in the order of the search.
STAGES = (
    "too few points",
    "unlike a lens, now and before",
    "lens hardly risen before",
    "no two points agree",
    "might be a single lens",
)

_FEWEST = 8
_PLANETS_TRIED = 25

# Nights before a planet that are looked at to see that nothing is flagged too early.
_BEFORE = 3

Role = Literal["planet", "before planet", "without planet", "single", "other"]


@dataclass(frozen=True, slots=True)
class Night:
    """
    A light curve as it was after a night.

    Parameters
    ----------
    role : str
        "planet": from the first changed point to the night after the third; "before planet"; "without planet": the same
        event, noise and nights as "planet" without it; "single": any night near the peak of an event without a planet;
        "other": of what is no lens.
    number : int
        Of the event or object, within its role.
    after : int
        Nights since that of the third changed point, for "planet"; 0 for others.
    since : int
        Nights since that of the first changed point, for "planet"; 0 for others.
    shown : bool
        The planet changes three points by `PLANET_SIGMA` or more.
    curve : LightCurve
    """

    role: Role
    number: int
    after: int
    since: int
    shown: bool
    curve: LightCurve


def planet_in(
    epochs: Epochs, event: Event, name: str, pulls: Array, rng: np.random.Generator
) -> tuple[Event, LightCurve, LightCurve] | None:
    """
    Give an event a planet that changes enough points.

    Returns
    -------
    planet : Event
    curve, alone : LightCurve
        With the planet, and with the same noise without.
    None
        If none of some tries does.
    """
    near = np.abs(epochs.time - event.peak_time) < PLANET_NEAR * event.einstein_time
    for _ in range(_PLANETS_TRIED):
        planet = with_planet(event, rng)
        if np.count_nonzero(np.abs(planet.departure(epochs.time[near])) >= PLANET_MAGNITUDE) < PLANET_POINTS:
            continue
        deviates = rng.choice(pulls, len(epochs.time))
        curve = observe(name, epochs, planet, deviates)
        if len(changed_points(planet, curve)) >= PLANET_POINTS:
            return planet, curve, observe(name, epochs, event, deviates)
    return None


def changed_points(planet: Event, curve: LightCurve, *, sigma: float = 0.0) -> NDArray[np.intp]:
    """Return the detections near the peak that a planet changes by `PLANET_MAGNITUDE` or more, and by so many σ."""
    near = np.flatnonzero(np.abs(curve.time - planet.peak_time) < PLANET_NEAR * planet.einstein_time)
    time = curve.time[near]
    large = np.abs(planet.departure(time)) >= PLANET_MAGNITUDE
    source = np.array([planet.source[band] for band in curve.band[near].tolist()])
    change = source * (planet.magnification(time) - replace(planet, ratio=0.0).magnification(time))
    return near[large & curve.detected[near] & (np.abs(change) >= sigma * curve.flux_err[near])]


def nights_of(curve: LightCurve) -> NDArray[np.intp]:
    """Return the number of the night of each point, shape (n,)."""
    return number_nights(curve.time, np.zeros(len(curve), dtype=np.intp))


def event_nights(
    donors: Sequence[Donors],
    part: Part,
    pulls: Array,
    n: int,
    rng: np.random.Generator,
    progress: Callable[[int], None] = lambda done: None,
    *,
    without: int | None = None,
) -> Iterator[Night]:
    """Go through n events with a planet and n without, or as many as said, in long runs of real epochs of ZTF."""
    planets, singles, most = 0, 0, n if without is None else without
    for k, (_, epochs) in enumerate(chains(donors, part, 20 * max(n, most), rng)):
        if planets >= n and singles >= most:
            return
        progress(planets)
        made = inject_into(f"event-{k}", epochs, pulls, rng)
        if made is None:
            continue
        event, curve = made
        if singles < most:
            nights = nights_of(curve)
            near = nights[np.abs(curve.time - event.peak_time) < 2.0 * event.einstein_time]
            for night in range(int(near[0]), int(near[-1]) + 1) if len(near) else ():
                yield from _night(curve, nights, night, "single", singles)
            singles += 1
        found = planet_in(epochs, event, f"planet-{k}", pulls, rng) if planets < n else None
        if found is not None:
            yield from _planet_nights(*found, planets)
            planets += 1


def _planet_nights(planet: Event, curve: LightCurve, alone: LightCurve, number: int) -> Iterator[Night]:
    nights = nights_of(curve)
    shows = changed_points(planet, curve, sigma=PLANET_SIGMA)
    shown = len(shows) >= PLANET_POINTS
    changed = nights[shows if shown else changed_points(planet, curve)]
    first, third = int(changed[0]), int(changed[PLANET_POINTS - 1])
    # It is there whether or not there is a light curve to judge by.
    yield Night("planet", number, 0, 0, shown, until(curve, -np.inf))
    for night in range(max(first - _BEFORE, 0), third + 2):
        if night < first:
            yield from _night(curve, nights, night, "before planet", number)
        else:
            yield from _night(curve, nights, night, "planet", number, night - third, night - first, shown=shown)
            yield from _night(alone, nights, night, "without planet", number)


def _night(
    curve: LightCurve,
    nights: NDArray[np.intp],
    night: int,
    role: Role,
    number: int,
    after: int = 0,
    since: int = 0,
    *,
    shown: bool = False,
) -> Iterator[Night]:
    known = nights <= night
    if night <= int(nights[-1]) and np.count_nonzero(known) >= _FEWEST:
        yield Night(role, number, after, since, shown, until(curve, float(curve.time[known][-1])))


def other_nights(curves: Sequence[LightCurve], rng: np.random.Generator, most: int = MOST_NIGHTS) -> Iterator[Night]:
    """Go through objects that are no lens, each in up to `most` nights at random."""
    for number, curve in enumerate(curves):
        nights = nights_of(curve)
        enough = [k for k in np.unique(nights).tolist() if np.count_nonzero(nights <= k) >= _FEWEST]
        for night in sorted(rng.permutation(enough)[:most].tolist()):
            yield from _night(curve, nights, int(night), "other", number)


def stage_of(one: MicrolensingScores) -> int:
    """Return how far the search came, as the place in `STAGES`."""
    if np.isnan(one.p_microlensing):
        return 0
    if np.isnan(one.since_mjd):
        return 1
    if np.isnan(one.significance):
        return 2
    return 4 if one.significance else 3


def p_departures(bundle: MicrolensingBundle, nights: Sequence[Night]) -> Array:
    """Return the probability of a departure in each night, shape (n,); 0 where nothing departs."""
    return _p_departures(bundle.score([night.curve for night in nights]))


def _p_departures(scores: Sequence[MicrolensingScores]) -> Array:
    p = np.array([one.p_departure for one in scores], dtype=np.float64)
    return np.asarray(np.nan_to_num(p))


@dataclass(frozen=True, slots=True)
class PlanetRun:
    """
    What events of one seed gave.

    Parameters
    ----------
    within, third, first, all_within : ndarray, shape (number of planets,)
        Largest probability of a departure until one epoch after the third changed point, until that point, until one
        epoch after the first; of planets that show, and the first of all.
    stage : ndarray
        How far the search for those that show came, as the place in `STAGES`.
    singles, twins : ndarray
        The same of events without a planet, at any time near the peak; and of events with one in the same nights, had
        it not been there.
    nights : ndarray
        Of every night of the former.
    """

    within: Array
    third: Array
    first: Array
    all_within: Array
    stage: Array
    singles: Array
    twins: Array
    nights: Array


def planet_run(
    donors: Sequence[Donors],
    part: Part,
    pulls: Array,
    bundle: MicrolensingBundle,
    n: int,
    rng: np.random.Generator,
) -> PlanetRun:
    """Go through events night by night, with planets and without."""
    nights = list(event_nights(donors, part, pulls, n, rng))
    scores = bundle.score([night.curve for night in nights])
    p, stages = _p_departures(scores), np.array([stage_of(one) for one in scores], dtype=np.float64)

    def largest(
        role: Role,
        chosen: Callable[[Night], bool] = lambda night: True,
        *,
        shown: bool = False,
        values: Array = p,
    ) -> Array:
        numbers = dict.fromkeys(one.number for one in nights if one.role == role and (one.shown or not shown))
        best = dict.fromkeys(numbers, 0.0)
        for one, value in zip(nights, values.tolist(), strict=True):
            if one.role == role and one.number in best and chosen(one):
                best[one.number] = max(best[one.number], value)
        return np.array(list(best.values()), dtype=np.float64)

    return PlanetRun(
        within=largest("planet", shown=True),
        third=largest("planet", lambda one: one.after <= 0, shown=True),
        first=largest("planet", lambda one: one.since <= 1, shown=True),
        all_within=largest("planet"),
        stage=largest("planet", shown=True, values=stages),
        singles=largest("single"),
        twins=largest("without planet"),
        nights=p[[one.role == "single" for one in nights]],
    )


def planet_table(runs: Sequence[PlanetRun], alarm: float) -> dict[str, Any]:
    """Return shares at a line of the alarm: mean and deviation over seeds, intervals over events (Wilson 1927)."""
    runs = [run for run in runs if len(run.within)]
    counts = {
        "planets": sum(len(run.all_within) for run in runs),
        "shown": sum(len(run.within) for run in runs),
        "events": sum(len(run.singles) for run in runs),
    }
    if not runs:
        return counts
    shares = {
        "within_one_epoch": "within",
        "at_third_point": "third",
        "within_one_epoch_of_first_point": "first",
        "all_within_one_epoch": "all_within",
        "false_alarms_per_event": "singles",
        "false_alarms_had_there_been_no_planet": "twins",
        "false_alarms_per_night": "nights",
    }
    # Of those that show and are not flagged, how far the search came.
    missed = {
        stage: share_of([(run.within < alarm) & (run.stage == k) for run in runs]) for k, stage in enumerate(STAGES)
    }
    table = {name: share_of([getattr(run, of) >= alarm for run in runs]) for name, of in shares.items()}
    return {**counts, **table, **{f"missed: {stage}": share for stage, share in missed.items()}}


def share_of(flags: Sequence[NDArray[np.bool_]]) -> dict[str, Any]:
    """Return a share: mean and standard deviation over seeds, and the interval of all objects together."""
    shares = [float(flag.mean()) for flag in flags if len(flag)]
    n = sum(len(flag) for flag in flags)
    mean = float(np.mean(shares)) if shares else 0.0
    low, high = wilson(mean * n, n)
    deviation = float(np.std(shares, ddof=1)) if len(shares) > 1 else None
    return {"objects": n, "share": mean, "sd": deviation, "low": low, "high": high}


def planet_curve(runs: Sequence[PlanetRun]) -> dict[str, list[float]]:
    """Return what is flagged, and what it costs, for every line of the alarm."""
    within, singles, nights = (
        np.concatenate([getattr(run, name) for run in runs]) for name in ("within", "singles", "nights")
    )
    lines = np.unique(np.concatenate([within, singles, [1.0]]))[1:]
    return {
        "alarm": lines.tolist(),
        "flagged": [float((within >= line).mean()) for line in lines],
        "false_per_event": [float((singles >= line).mean()) for line in lines],
        "false_per_night": [float((nights >= line).mean()) for line in lines],
    }


def false_urgent(
    donors: Sequence[Donors], part: Part, bundle: MicrolensingBundle, n: int, seeds: Sequence[int], progress: Progress
) -> list[dict[str, Any]]:
    """
    Say how often what is no lens becomes urgent.

    Returns
    -------
    list of dict
        For each survey and kind: share of the objects that were so in any of the nights, and share of the nights, as
        by `share_of`; ``nights`` are those of all seeds.
    """
    per_object: dict[tuple[str, str], list[NDArray[np.bool_]]] = {}
    per_night: dict[tuple[str, str], list[NDArray[np.bool_]]] = {}
    for number, seed in enumerate(seeds):
        rng = np.random.default_rng([seed, 2])
        for donor in donors:
            progress(f"urgent, {donor.name}", number, len(seeds))
            some = donor.part(part).some(n, rng)
            nights = list(other_nights(some.curves, rng))
            flags = p_departures(bundle, nights) >= bundle.alarm
            kinds, of = np.array(some.kinds), np.array([night.number for night in nights], dtype=np.intp)
            ever = np.zeros(len(kinds), dtype=np.bool_)
            np.logical_or.at(ever, of, flags)
            for kind in np.unique(kinds).tolist():
                per_object.setdefault((donor.name, kind), []).append(ever[kinds == kind])
                per_night.setdefault((donor.name, kind), []).append(flags[kinds[of] == kind])
    return [
        {"survey": name, "kind": kind, "per_object": share_of(ever), "per_night": share_of(per_night[name, kind])}
        for (name, kind), ever in per_object.items()
    ]
