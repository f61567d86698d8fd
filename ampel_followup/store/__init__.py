"""Plans, light curves and decisions in a database."""

from ampel_followup.store.records import PlanInfo, StoredLightCurve, StoredPlan
from ampel_followup.store.store import Store

__all__ = ["PlanInfo", "Store", "StoredLightCurve", "StoredPlan"]
