"""Which of tonight's transients deserve a spectrum."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ampel_followup._version import __version__

if TYPE_CHECKING:
    from ampel_followup.errors import FollowupError
    from ampel_followup.lightcurve import LightCurve
    from ampel_followup.plan import NightPlan, RankedTarget, ScoredObject

# What a user imports, and where it lives: loaded on first use, so that importing the package costs nothing.
_PUBLIC = {
    "FollowupError": "ampel_followup.errors",
    "LightCurve": "ampel_followup.lightcurve",
    "NightPlan": "ampel_followup.plan",
    "RankedTarget": "ampel_followup.plan",
    "ScoredObject": "ampel_followup.plan",
}

__all__ = ["FollowupError", "LightCurve", "NightPlan", "RankedTarget", "ScoredObject", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ampel_followup' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
