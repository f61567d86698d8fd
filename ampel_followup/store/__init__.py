"""Plans, schedules, light curves, decisions, visits and labels in a database."""

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
    "PlanInfo",
    "Store",
    "StoredLightCurve",
    "StoredPlan",
    "StoredTimetable",
    "StoredVisit",
    "TimetableInfo",
]
