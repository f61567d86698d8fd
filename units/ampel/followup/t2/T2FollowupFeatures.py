"""AMPEL unit: the features of a light curve that a model bundle asks for."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson

from ampel.followup.abstract.AbsBundleT2Unit import AbsBundleT2Unit
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.bundle import ModelBundle, load_bundle
from ampel_followup.promoting import chosen_folder_at
from ampel_followup.scoring import compute_features


class T2FollowupFeatures(AbsBundleT2Unit[ModelBundle]):
    """
    Compute the features of one state of a stock.

    The body holds ``features`` (name → value, None = not measurable), ``feature_sets`` (name → version), ``bundle`` and
    ``bundle_digest``; or ``error``, with the document code `BAD_LIGHT_CURVE`, where the datapoints make no light curve.
    """

    #: Model bundle whose features are computed: the name of an installed one, or a folder; by default the one in use.
    bundle: str | None = None

    #: Store that says which bundle is in use: a file, or the URL of a database; by default as the `ampel-followup`
    #: command's. Without a store the packaged bundle is in use. A worker asks once, when it starts.
    store: str | None = None

    def load(self) -> ModelBundle:
        """Return the bundle that the configuration names."""
        return load_bundle(chosen_folder_at(self.bundle, self.store))

    def tell(self, photometry: LightCurve) -> UBson | UnitResult:
        """Return the features."""
        table = compute_features([photometry], self._bundle)
        return {
            "features": {
                name: None if value != value else value
                for name, value in zip(table.names, table.values[0].tolist(), strict=True)
            },
            "feature_sets": dict(self._bundle.info["feature_sets"]),
            **self.source,
        }
