"""Places of the list that are kept for anomalies, whatever the strategy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ampel_followup.plan import RankedTarget, ScoredObject

if TYPE_CHECKING:
    from ampel_followup.policy import Anomalies

Array = NDArray[np.float64]


def with_places(objects: Sequence[ScoredObject], quota: Anomalies) -> list[ScoredObject]:
    """
    Give the first anomalies their places of the list, and the reason.

    Parameters
    ----------
    objects : sequence of ScoredObject
        What can be chosen tonight; those without a turn get no place.
    quota : Anomalies
        How many places there are, and where.
    """
    turns = sorted((o.anomaly.turn, i) for i, o in enumerate(objects) if o.anomaly is not None and o.anomaly.turn > 0)
    placed = list(objects)
    for number, (_, i) in enumerate(turns[: quota.places], 1):
        o = placed[i]
        if o.anomaly is None:
            continue
        reason = o.anomaly.sentence
        if np.isfinite(o.anomaly.interest):
            reason += f" Interest by verdicts and by what tonight has more of: {o.anomaly.interest:.2f}."
        placed[i] = replace(
            o,
            anomaly=replace(o.anomaly, place=number * quota.every),
            reasons=(f"Anomaly {number} of {quota.places} tonight. {reason}", *o.reasons),
        )
    return placed


def lift(priority: Array, objects: Sequence[ScoredObject | RankedTarget]) -> Array:
    """
    Lift anomalies to the places that are kept for them; what stands there already stays.

    Parameters
    ----------
    priority : ndarray, shape (n,)
        As a strategy gives it, and urgent lenses first.
    objects : sequence of ScoredObject or RankedTarget, length n

    Returns
    -------
    ndarray, shape (n,)
        What is lifted gets the priority of what it is put before.
    """
    order = np.argsort(-priority, kind="stable").tolist()
    lifted = priority.astype(np.float64)
    places = sorted((o.anomaly.place, i) for i, o in enumerate(objects) if o.anomaly is not None and o.anomaly.place)
    for place, i in places:
        now = order.index(i)
        if now < place:
            continue
        order.pop(now)
        order.insert(place - 1, i)
    # Equal priorities keep the order of rows: where the order asks for more, the next number above is taken.
    for below, above in zip(order[:0:-1], order[-2::-1], strict=True):
        if lifted[above] < lifted[below] or (lifted[above] == lifted[below] and above > below):
            lifted[above] = lifted[below] if above < below else np.nextafter(lifted[below], np.inf)
    return lifted
