"""The scores of many objects as arrays, and the chance of a night: what ranking strategies are given."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.plan import NightSummary, RankedTarget, ScoredObject

_MJD_EPOCH = dt.datetime(1858, 11, 17)


@dataclass(frozen=True, slots=True)
class ScoreArrays:
    """
    The scores of n objects as arrays of shape (n,): what `ampel_followup.strategies` look at.

    Names and meanings are those of `ampel_followup.gain.GainScores`; `p_t`, `p_ts` and `p_after` have shape (n, C) in
    the order of `classes`, NaN where an object does not know a class. `p_real`, `p_galactic`, `p_fast` and
    `assistant_rank` are the virtual assistant's (`ampel_followup.assistant_scores`), NaN without one; so is
    `p_microlensing` without a search for lenses.
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
    p_microlensing: NDArray[np.float64]

    @classmethod
    def of(cls, objects: Sequence[ScoredObject | RankedTarget]) -> ScoreArrays:
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
            p_microlensing=np.array(
                [np.nan if o.microlensing is None else o.microlensing.p_microlensing for o in objects]
            ),
        )


def evening_of(night: NightSummary) -> float:
    """Return when the dark time of a night begins [MJD, UTC]."""
    return (dt.datetime.fromisoformat(night.dusk).replace(tzinfo=None) - _MJD_EPOCH) / dt.timedelta(days=1)


def urgent_first(
    priority: NDArray[np.float64], objects: Sequence[ScoredObject | RankedTarget], night: NightSummary
) -> NDArray[np.float64]:
    """
    Lift what is urgent tonight, a planet in a lens perhaps, above all that is not.

    Parameters
    ----------
    priority : ndarray, shape (n,)
        As a strategy gives it.
    objects : sequence of ScoredObject or RankedTarget, length n
    night : NightSummary

    Returns
    -------
    ndarray, shape (n,)
        Both kinds keep the order of the strategy among themselves.
    """
    evening = evening_of(night)
    urgent = np.array([o.microlensing is not None and bool(o.microlensing.alarm(evening)) for o in objects])
    return np.where(urgent, priority + (np.ptp(priority) + 1.0), priority)


def generator_of(night: NightSummary) -> np.random.Generator:
    """Return the generator of a night at a site: chance that is the same whenever the plan is made again."""
    seed = hashlib.sha256(f"{night.date} {night.site}".encode()).digest()[:8]
    return np.random.default_rng(int.from_bytes(seed))
