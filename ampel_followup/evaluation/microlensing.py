"""How many lenses are found, what else is taken for one, and how soon planets raise the alarm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.evaluation.intervals import wilson
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
from ampel_followup.evaluation.microlensing_watch import (
    PlanetRun,
    false_urgent,
    planet_curve,
    planet_run,
    planet_table,
    share_of,
)
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.microlensing_bundle import MicrolensingBundle

Array = NDArray[np.float64]
Progress = Callable[[str, int, int | None], None]

#: Name of what is put into runs of real epochs of ZTF.
REAL_ZTF = "real ZTF epochs"


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
    urgent : int
        Objects that are no lens, of each survey, that are gone through night by night.
    """

    others: int = 2000
    lenses: int = 400
    planets: int = 100
    urgent: int = 100


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
        standard deviation over seeds with 95 % intervals over objects (Wilson 1927); ``urgent``, what is none and
        alarms; ``curve`` and ``planet_curve``, for plots.
    """
    sizes = sizes or Sizes()
    found: dict[str, list[Array]] = {}
    false: dict[tuple[str, str], list[Array]] = {}
    at_peak: dict[str, list[Array]] = {}
    planets: list[PlanetRun] = []
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
        # Its own numbers: what else is looked at does not change which planets are.
        own = np.random.default_rng([seed, 1])
        planets.append(planet_run(donors, part, pulls, bundle, sizes.planets, own))
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
        "planets": planet_table(planets, bundle.alarm),
        "urgent": false_urgent(donors, part, bundle, sizes.urgent, seeds, progress) if sizes.urgent else [],
        "curve": _curve(found, labelled),
        "planet_curve": planet_curve(planets),
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
    """Share at or above a threshold; objects and interval of one seed, for the others are much the same again."""
    one = share_of([p >= threshold for p in ps])
    n = int(np.mean([len(p) for p in ps]))
    low, high = wilson(one["share"] * n, n)
    return {**one, "objects": n, "low": low, "high": high}


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
