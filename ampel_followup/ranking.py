"""Scored objects, a site and a night make tonight's plan."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ampel_followup.anomaly.places import lift, with_places
from ampel_followup.errors import SiteError
from ampel_followup.models.bundle import ModelBundle
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.night import Night, night_at
from ampel_followup.observing.sites import get_site
from ampel_followup.observing.visibility import visibility
from ampel_followup.plan import STOP_BELOW, NightPlan, NightSummary, RankedTarget, ScoredObject, TargetVisibility
from ampel_followup.policy import Anomalies
from ampel_followup.score_arrays import ScoreArrays, evening_of, generator_of, urgent_first
from ampel_followup.stopping import check_threshold, stop_advice
from ampel_followup.strategies import DEFAULT_STRATEGY, get_strategy

if TYPE_CHECKING:
    from ampel_followup.assistant_scores import Placement
    from ampel_followup.triage import Triage


def rank(
    objects: Sequence[ScoredObject],
    *,
    night: str | datetime.date | Night,
    site: str | None = None,
    bundle: ModelBundle,
    strategy: str = DEFAULT_STRATEGY,
    limits: ObservingLimits | None = None,
    stop_below: float = STOP_BELOW,
    sampling: str = "",
    triage: Triage | None = None,
) -> NightPlan:
    """
    Put scored objects in the order in which they deserve a spectrum tonight.

    Parameters
    ----------
    objects : sequence of ScoredObject
        In any order: it does not matter.
    night : str, date or Night
        Evening date at the site (ISO 8601), or the night itself.
    site : str, optional
        Key, name or alias of the site; needed unless the night itself is given, which knows its site.
    bundle : ModelBundle
        That made the scores; its name and digest go into the plan.
    strategy : str
        As for `ampel_followup.strategies.get_strategy`.
    limits : ObservingLimits, optional
        What counts as observable.
    stop_below : float
        A spectrum is one too many that changes the class less often than this, above 0 and below 1.
    sampling : str
        How the possible spectra were drawn, in words: goes into the plan.
    triage : Triage, optional
        The policy that says what is worth a look; without it everything is.

    Returns
    -------
    NightPlan
        By priority, then by name; a lens that may show a planet comes first. What cannot be seen tonight is kept apart,
        with the reason, and ranked by itself; what the policy sets aside likewise, by the assistant's rank.

    Raises
    ------
    SiteError, NightError, StrategyError
        If the site, the night or the strategy is none, or the share to stop below is no share.
    """
    chosen = get_strategy(strategy)
    check_threshold(stop_below)
    if not isinstance(night, Night):
        if site is None:
            raise SiteError(f"the night {night} needs a site; name one")
        night = night_at(get_site(site), night)
    objects = sorted(objects, key=lambda o: o.id)
    quota = Anomalies() if triage is None else triage.policy.anomalies
    summary = night.summary()
    seen = visibility(
        np.array([o.ra for o in objects]), np.array([o.dec for o in objects]), night, limits or ObservingLimits()
    )
    sky = [seen.target(i) for i in range(len(objects))]
    placements = triage.place(objects, night) if triage is not None else [None] * len(objects)
    listed = [placement is None or placement.listed for placement in placements]
    rng = generator_of(summary)

    def ranked(observable: bool) -> tuple[RankedTarget, ...]:
        rows = [i for i, target in enumerate(sky) if target.observable == observable and listed[i]]
        if not rows:
            return ()
        # Each list by itself: quotas, and whatever else compares targets, are about those that can be chosen.
        priority = chosen.priority(ScoreArrays.of([objects[i] for i in rows]), rng)
        priority = urgent_first(priority, [objects[i] for i in rows], summary)
        if observable:
            for i, o in zip(rows, with_places([objects[i] for i in rows], quota), strict=True):
                objects[i] = o
            priority = lift(priority, [objects[i] for i in rows])
        # The sort is stable, so that equal priorities stay in order of name.
        return tuple(
            _ranked_target(
                _with_alarm(objects[rows[j]], summary),
                sky[rows[j]],
                placements[rows[j]],
                place if observable else 0,
                float(priority[j]),
            )
            for place, j in enumerate(np.argsort(-priority, kind="stable"), 1)
        )

    targets, hidden = ranked(True), ranked(False)
    aside = [
        _ranked_target(objects[i], sky[i], placements[i], 0, _rank_of_assistant(objects[i]))
        for i in range(len(objects))
        if not listed[i]
    ]
    return NightPlan(
        night=summary,
        strategy=chosen.name,
        bundle=bundle.label,
        bundle_digest=bundle.digest,
        targets=targets,
        not_observable=hidden,
        stop=stop_advice(targets, stop_below),
        sampling=sampling,
        set_aside=tuple(sorted(aside, key=lambda target: -target.priority)),
        assistant=triage.assistant.label if triage is not None else "",
        assistant_digest=triage.assistant.digest if triage is not None else "",
        policy=triage.policy_label if triage is not None else "",
    )


def _with_alarm(o: ScoredObject, night: NightSummary) -> ScoredObject:
    """Say why an object is urgent tonight, if it is, in place of what was said of its lens."""
    alarm = "" if o.microlensing is None else o.microlensing.alarm(evening_of(night))
    if not alarm or o.microlensing is None:
        return o
    others = (reason for reason in o.reasons if o.microlensing is None or reason != o.microlensing.sentence)
    return replace(o, reasons=(alarm, *others))


def _rank_of_assistant(o: ScoredObject) -> float:
    return o.assistant.rank if o.assistant is not None and math.isfinite(o.assistant.rank) else 0.0


def _ranked_target(
    o: ScoredObject, sky: TargetVisibility, placement: Placement | None, place: int, priority: float
) -> RankedTarget:
    return RankedTarget(
        id=o.id,
        stock=o.stock,
        ra=o.ra,
        dec=o.dec,
        rank=place,
        priority=priority,
        scores=o.scores,
        visibility=sky,
        photometry=o.photometry,
        reasons=o.reasons,
        assistant=o.assistant,
        placement=placement,
        microlensing=o.microlensing,
        attention=o.attention,
        anomaly=o.anomaly,
    )
