"""Scored objects, a site and a night make tonight's plan."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class ScoreArrays:
    """
    The scores of n objects as arrays of shape (n,): what `ampel_followup.strategies` look at.

    Names and meanings are those of `ampel_followup.gain.GainScores`; `p_t`, `p_ts` and `p_after` have shape (n, C) in
    the order of `classes`, NaN where an object does not know a class.
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

    @classmethod
    def of(cls, objects: Sequence[ScoredObject]) -> ScoreArrays:
        """Collect the scores of objects."""
        scores = [o.scores for o in objects]
        classes = tuple(scores[0].p_t) if scores else ()

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

    Returns
    -------
    NightPlan
        By priority, then by name. What cannot be seen tonight is kept apart, with the reason, and ranked by itself.

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
    rng = _generator(summary.date, summary.site)

    def ranked(observable: bool) -> tuple[RankedTarget, ...]:
        rows = [i for i, target in enumerate(sky) if target.observable == observable]
        if not rows:
            return ()
        # Each list by itself: quotas, and whatever else compares targets, are about those that can be chosen.
        priority = chosen.priority(ScoreArrays.of([objects[i] for i in rows]), rng)
        # The sort is stable, so that equal priorities stay in order of name.
        return tuple(
            _ranked_target(objects[rows[j]], sky[rows[j]], place if observable else 0, float(priority[j]))
            for place, j in enumerate(np.argsort(-priority, kind="stable"), 1)
        )

    targets, hidden = ranked(True), ranked(False)
    advice = stop_advice(targets, stop_below)
    return NightPlan(summary, chosen.name, bundle.label, bundle.digest, targets, hidden, advice, sampling)


def _ranked_target(o: ScoredObject, sky: TargetVisibility, place: int, priority: float) -> RankedTarget:
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
    )


def _generator(date: str, site: str) -> np.random.Generator:
    """Return the generator of a night at a site: chance that is the same whenever the plan is made again."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"{date} {site}".encode()).digest()[:8]))
