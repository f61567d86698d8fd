"""Alert readers: each yields light curves."""

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import ReadReport, light_curves

__all__ = ["Quarantine", "ReadReport", "light_curves"]
