"""Plans, schedules, light curves, decisions, visits, labels, promotions and notes in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ampel_followup.store.records import (
    Appearance,
    PlanInfo,
    StoredLightCurve,
    StoredPlan,
    StoredTimetable,
    StoredVisit,
    TimetableInfo,
)
from ampel_followup.store.store import Store

if TYPE_CHECKING:
    from ampel_followup.store.learning import LearningRecords, StoredObject
    from ampel_followup.store.past_ranks import PastRank

__all__ = [
    "Appearance",
    "LearningRecords",
    "PastRank",
    "PlanInfo",
    "Store",
    "StoredLightCurve",
    "StoredObject",
    "StoredPlan",
    "StoredTimetable",
    "StoredVisit",
    "TimetableInfo",
]


def __getattr__(name: str) -> Any:
    # Most programs that open a store learn nothing, and the app has not the time to load what for.
    if name in ("LearningRecords", "StoredObject"):
        from ampel_followup.store import learning

        return getattr(learning, name)
    if name == "PastRank":
        from ampel_followup.store.past_ranks import PastRank

        return PastRank
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
