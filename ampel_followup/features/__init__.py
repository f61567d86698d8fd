"""Feature sets: documented, versioned, computed for many objects at once."""

from __future__ import annotations

from ampel_followup.features.context import CONTEXT
from ampel_followup.features.early import EARLY
from ampel_followup.features.early_ia import EARLY_IA
from ampel_followup.features.fats import FATS
from ampel_followup.features.featureset import Feature, FeatureSet
from ampel_followup.features.timeseries import TIMESERIES
from ampel_followup.features.virtual_assistant import DAY1, DAYN

#: All feature sets by name; a model bundle remembers which ones, and which versions, it was trained on.
FEATURE_SETS: dict[str, FeatureSet] = {
    feature_set.name: feature_set for feature_set in (EARLY, CONTEXT, TIMESERIES, FATS, DAY1, DAYN, EARLY_IA)
}

#: The sets that models of alerts use unless told otherwise: FATS's want tens of points, which alerts rarely have.
DEFAULT_SETS = ("early", "context", "timeseries")

__all__ = ["DEFAULT_SETS", "FEATURE_SETS", "Feature", "FeatureSet"]
