"""
What people said of earlier anomalies: approved is interesting, rejected is not, and a known class is not either.

Verdicts count of targets that had a place of the list for being anomalous, in the plan that was decided on, on nights
before tonight. A label settles the matter: a class that was trained on is nothing new, any other is interesting. Light
curves count as they were on the evening of that plan, so that the same store always teaches the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ampel_followup.decision import Decision, Verdict, effective_verdicts
from ampel_followup.errors import LightCurveError
from ampel_followup.lightcurve import LightCurve
from ampel_followup.observing.night import mjd_of

if TYPE_CHECKING:
    from ampel_followup.store import Store

#: So many objects teach, those that were judged last.
MOST_JUDGED = 1000

_YES = frozenset({Verdict.APPROVE, Verdict.OBSERVED})


@dataclass(frozen=True, slots=True)
class Judged:
    """Light curves of what was called interesting, and of what was not, each in the order of names."""

    interesting: tuple[LightCurve, ...] = ()
    dull: tuple[LightCurve, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Names of all of them."""
        return frozenset(curve.id for curve in (*self.interesting, *self.dull))


def judged_in(store: Store, classes: Sequence[str], before: str) -> Judged:
    """
    Read from a store what people said of anomalies.

    Parameters
    ----------
    store : Store
    classes : sequence of str
        What was trained on.
    before : str
        Evening date of tonight, ISO 8601; decisions of nights before it count.

    Notes
    -----
    Of the plans only the targets that were decided on are read, in one query, and of more than `MOST_JUDGED` objects
    those that were judged last.
    """
    by_night: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for decision in store.decisions():
        if decision.night < before:
            by_night[decision.night, decision.site].append(decision)
    standing = {
        (night, site, name): one
        for (night, site), decisions in by_night.items()
        for name, one in effective_verdicts(decisions).items()
        if one.verdict in _YES | {Verdict.REJECT}
    }
    said: dict[str, tuple[bool, float]] = {}
    for decided in store.learning.decided(before):
        target = decided.target
        verdict = standing.get((decided.night, decided.site, target.id))
        if verdict is None or target.anomaly is None or not target.anomaly.place:
            continue
        if verdict.plan_revision == decided.plan_revision:
            # Of an object that was judged on several nights the last one counts, which comes last.
            said.pop(target.id, None)
            said[target.id] = (verdict.verdict in _YES, mjd_of(decided.dusk))
    said = dict(list(said.items())[-MOST_JUDGED:])
    for name, type_ in _types(store, said):
        said[name] = (type_ not in classes, said[name][1])
    sides: dict[bool, list[LightCurve]] = {True: [], False: []}
    for name, (interesting, evening) in sorted(said.items()):
        curve = _until(store, name, evening)
        if curve is not None:
            sides[interesting].append(curve)
    return Judged(tuple(sides[True]), tuple(sides[False]))


def _types(store: Store, said: dict[str, tuple[bool, float]]) -> list[tuple[str, str]]:
    """Return the class that the taxonomy gives the last label of each object, or the type as written."""
    if not said:
        return []
    from ampel_followup.taxonomy import load_taxonomy

    taxonomy = load_taxonomy()
    last = {label.target: label.type for label in store.labels() if label.target in said}
    found = {name: (type_, taxonomy.find(type_)) for name, type_ in sorted(last.items())}
    return [(name, type_ if known is None else known.name) for name, (type_, known) in found.items()]


def _until(store: Store, name: str, mjd: float) -> LightCurve | None:
    stored = store.light_curve(name)
    if stored is None:
        return None
    time = np.asarray(stored.time)
    here = time <= mjd
    if not here.any():
        return None
    try:
        return LightCurve(
            stored.id,
            stored.stock,
            time[here],
            np.asarray(stored.band, dtype=np.str_)[here],
            np.asarray(stored.flux)[here],
            np.asarray(stored.flux_err)[here],
            np.asarray(stored.upper_limit, dtype=np.bool_)[here],
            ra=stored.ra,
            dec=stored.dec,
            source_id=np.asarray(stored.source_id)[here],
            point_ra=np.asarray(stored.point_ra)[here],
            point_dec=np.asarray(stored.point_dec)[here],
            rb=np.asarray(stored.rb)[here],
            drb=np.asarray(stored.drb)[here],
            meta=stored.meta,
        )
    except LightCurveError:  # no position
        return None
