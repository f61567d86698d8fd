"""AMPEL unit: the features of a light curve that a model bundle asks for."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import ClassVar

from ampel.abstract.AbsLightCurveT2Unit import AbsLightCurveT2Unit
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson
from ampel.view.LightCurve import LightCurve

from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.models.bundle import load_bundle
from ampel_followup.promoting import chosen_folder_at
from ampel_followup.scoring import compute_features


class T2FollowupFeatures(AbsLightCurveT2Unit):
    """
    Compute the features of one state of a stock.

    The body holds ``features`` (name → value, None = not measurable), ``feature_sets`` (name → version), ``bundle`` and
    ``bundle_digest``; or ``error``, with the document code `BAD_LIGHT_CURVE`, where the datapoints make no light curve.
    """

    #: Document code of a state whose datapoints make no light curve. Positive, with a body: a system code for missing
    #: input would make AMPEL try again until it gives up.
    BAD_LIGHT_CURVE: ClassVar[int] = 1

    #: Model bundle whose features are computed: the name of an installed one, or a folder; by default the one in use.
    bundle: str | None = None

    #: Store that says which bundle is in use: a file, or the URL of a database; by default as the `ampel-followup`
    #: command's. Without a store the packaged bundle is in use. A worker asks once, when it starts.
    store: str | None = None

    def post_init(self) -> None:
        """Load the bundle, once for all documents of a worker."""
        self._bundle = load_bundle(chosen_folder_at(self.bundle, self.store))

    def process(self, light_curve: LightCurve) -> UBson | UnitResult:
        """Return the body of the T2 document."""
        # The datapoints themselves: LightCurve.get_ntuples() drops every point with a zero in it.
        datapoints = [*(light_curve.photopoints or ()), *(light_curve.upperlimits or ())]
        try:
            curve = light_curve_from_datapoints(light_curve.stock_id, datapoints)
        except (AlertError, LightCurveError) as error:
            self.logger.warn("No light curve", extra={"stock": light_curve.stock_id, "error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.BAD_LIGHT_CURVE)
        table = compute_features([curve], self._bundle)
        return {
            "features": {
                name: None if value != value else value
                for name, value in zip(table.names, table.values[0].tolist(), strict=True)
            },
            "feature_sets": dict(self._bundle.info["feature_sets"]),
            "bundle": self._bundle.label,
            "bundle_digest": self._bundle.digest,
        }
