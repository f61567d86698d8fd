"""Scored objects, a site and a night make tonight's plan."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import SiteError
from ampel_followup.models.bundle import ModelBundle
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.night import Night, night_at
from ampel_followup.observing.sites import get_site
from ampel_followup.observing.visibility import visibility
from ampel_followup.plan import NightPlan, RankedTarget, ScoredObject
from ampel_followup.strategies import DEFAULT_STRATEGY, get_strategy


@dataclass(frozen=True, slots=True)
class ScoreArrays:
    """The scores of n objects as arrays of shape (n,): what `ampel_followup.strategies` look at."""

    entropy: NDArray[np.float64]
    information_gain: NDArray[np.float64]
    indicator: NDArray[np.bool_]
    value_of_information: NDArray[np.float64]
    uncertainty: NDArray[np.float64]

    @classmethod
    def of(cls, objects: Sequence[ScoredObject]) -> ScoreArrays:
        """Collect the scores of objects."""
        scores = [o.scores for o in objects]
        return cls(
            np.array([s.entropy for s in scores]),
            np.array([s.information_gain for s in scores]),
            np.array([bool(s.indicator) for s in scores]),
            np.array([s.value_of_information for s in scores]),
            np.array([s.uncertainty for s in scores]),
        )


def rank(
    objects: Sequence[ScoredObject],
    *,
    night: str | datetime.date | Night,
    site: str | None = None,
    bundle: ModelBundle,
    strategy: str = DEFAULT_STRATEGY,
    limits: ObservingLimits | None = None,
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
        One of `ampel_followup.strategies.STRATEGIES`.
    limits : ObservingLimits, optional
        What counts as observable.

    Returns
    -------
    NightPlan
        By priority, then by name. What cannot be seen tonight is kept apart, with the reason.

    Raises
    ------
    SiteError, NightError, StrategyError
        If the site, the night or the strategy is none.
    """
    chosen = get_strategy(strategy)
    if not isinstance(night, Night):
        if site is None:
            raise SiteError(f"the night {night} needs a site; name one")
        night = night_at(get_site(site), night)
    objects = sorted(objects, key=lambda o: o.id)
    summary = night.summary()
    priority = (
        chosen.priority(ScoreArrays.of(objects), _generator(summary.date, summary.site)) if objects else np.empty(0)
    )
    seen = visibility(
        np.array([o.ra for o in objects]), np.array([o.dec for o in objects]), night, limits or ObservingLimits()
    )
    observable: list[RankedTarget] = []
    hidden: list[RankedTarget] = []
    # The sort is stable, so that equal priorities stay in order of name.
    for i in np.argsort(-priority, kind="stable"):
        o = objects[i]
        target_visibility = seen.target(int(i))
        shown = observable if target_visibility.observable else hidden
        shown.append(
            RankedTarget(
                id=o.id,
                stock=o.stock,
                ra=o.ra,
                dec=o.dec,
                rank=len(observable) + 1 if target_visibility.observable else 0,
                priority=float(priority[i]),
                scores=o.scores,
                visibility=target_visibility,
                photometry=o.photometry,
                reasons=o.reasons,
            )
        )
    return NightPlan(summary, chosen.name, bundle.label, bundle.digest, tuple(observable), tuple(hidden))


def _generator(date: str, site: str) -> np.random.Generator:
    """Return the generator of a night at a site: chance that is the same whenever the plan is made again."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"{date} {site}".encode()).digest()[:8]))
