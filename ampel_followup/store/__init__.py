"""Plans, schedules, light curves, decisions, visits, labels, promotions and notes in a database."""

from ampel_followup.store.learning import LearningRecords, StoredObject
from ampel_followup.store.past_ranks import PastRank
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
