"""Scored objects, a site and a night make tonight's plan."""

from __future__ import annotations

import datetime
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import SiteError
from ampel_followup.models.bundle import ModelBundle
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.night import Night, night_at
from ampel_followup.observing.sites import get_site
from ampel_followup.observing.visibility import visibility
from ampel_followup.plan import STOP_BELOW, NightPlan, RankedTarget, ScoredObject, TargetVisibility
from ampel_followup.stopping import check_threshold, stop_advice
from ampel_followup.strategies import DEFAULT_STRATEGY, get_strategy

if TYPE_CHECKING:
    from ampel_followup.assistant_scores import Placement
    from ampel_followup.triage import Triage


@dataclass(frozen=True, slots=True)
class ScoreArrays:
    """
    The scores of n objects as arrays of shape (n,): what `ampel_followup.strategies` look at.

    Names and meanings are those of `ampel_followup.gain.GainScores`; `p_t`, `p_ts` and `p_after` have shape (n, C) in
    the order of `classes`, NaN where an object does not know a class. `p_real`, `p_galactic`, `p_fast` and
    `assistant_rank` are the virtual assistant's (`ampel_followup.assistant_scores`), NaN without one.
    """

    classes: tuple[str, ...]
    p_t: NDArray[np.float64]
    p_ts: NDArray[np.float64]
    p_after: NDArray[np.float64]
    entropy: NDArray[np.float64]
    expected_entropy: NDArray[np.float64]
    information_gain: NDArray[np.float64]
    indicator: NDArray[np.bool_]
    p_change: NDArray[np.float64]
    value_of_information: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    spectrum_uncertainty: NDArray[np.float64]
    in_scope: NDArray[np.float64]
    p_real: NDArray[np.float64]
    p_galactic: NDArray[np.float64]
    p_fast: NDArray[np.float64]
    assistant_rank: NDArray[np.float64]
    p_snia: NDArray[np.float64]
    snia_threshold: NDArray[np.float64]

    @classmethod
    def of(cls, objects: Sequence[ScoredObject]) -> ScoreArrays:
        """Collect the scores of objects."""
        scores = [o.scores for o in objects]
        classes = tuple(scores[0].p_t) if scores else ()

        def of_assistant(name: str) -> NDArray[np.float64]:
            return np.array([np.nan if o.assistant is None else getattr(o.assistant, name) for o in objects])

        def by_class(shares: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
            return np.array([[share.get(c, np.nan) for c in classes] for share in shares]).reshape(len(shares), -1)

        return cls(
            classes=classes,
            p_t=by_class([s.p_t for s in scores]),
            p_ts=by_class([s.p_ts for s in scores]),
            p_after=by_class([s.p_after for s in scores]),
            entropy=np.array([s.entropy for s in scores]),
            expected_entropy=np.array([s.expected_entropy for s in scores]),
            information_gain=np.array([s.information_gain for s in scores]),
            indicator=np.array([bool(s.indicator) for s in scores]),
            p_change=np.array([s.p_change for s in scores]),
            value_of_information=np.array([s.value_of_information for s in scores]),
            uncertainty=np.array([s.uncertainty for s in scores]),
            spectrum_uncertainty=np.array([s.spectrum_uncertainty for s in scores]),
            in_scope=np.array([s.in_scope for s in scores]),
            p_real=of_assistant("p_real"),
            p_galactic=of_assistant("p_galactic"),
            p_fast=of_assistant("p_fast"),
            assistant_rank=of_assistant("rank"),
            p_snia=np.array([s.p_snia for s in scores]),
            snia_threshold=np.array([s.snia_threshold for s in scores]),
        )


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
        By priority, then by name. What cannot be seen tonight is kept apart, with the reason, and ranked by itself;
        what the policy sets aside likewise, by the assistant's rank.

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
    summary = night.summary()
    seen = visibility(
        np.array([o.ra for o in objects]), np.array([o.dec for o in objects]), night, limits or ObservingLimits()
    )
    sky = [seen.target(i) for i in range(len(objects))]
    placements = triage.place(objects, night) if triage is not None else [None] * len(objects)
    listed = [placement is None or placement.listed for placement in placements]
    rng = _generator(summary.date, summary.site)

    def ranked(observable: bool) -> tuple[RankedTarget, ...]:
        rows = [i for i, target in enumerate(sky) if target.observable == observable and listed[i]]
        if not rows:
            return ()
        # Each list by itself: quotas, and whatever else compares targets, are about those that can be chosen.
        priority = chosen.priority(ScoreArrays.of([objects[i] for i in rows]), rng)
        # The sort is stable, so that equal priorities stay in order of name.
        return tuple(
            _ranked_target(
                objects[rows[j]], sky[rows[j]], placements[rows[j]], place if observable else 0, float(priority[j])
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
    )


def _generator(date: str, site: str) -> np.random.Generator:
    """Return the generator of a night at a site: chance that is the same whenever the plan is made again."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"{date} {site}".encode()).digest()[:8]))
