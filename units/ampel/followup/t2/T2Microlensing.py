"""AMPEL unit: whether a stock is a lens, and whether a planet shows."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import ClassVar

from ampel.abstract.AbsLightCurveT2Unit import AbsLightCurveT2Unit
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson
from ampel.view.LightCurve import LightCurve

from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.models.microlensing_bundle import load_microlensing


class T2Microlensing(AbsLightCurveT2Unit):
    """
    Fit a point lens to one state of a stock, and compare its last nights with the lens that fits what was before.

    The body holds the fields of `ampel_followup.microlensing_scores.MicrolensingScores` (``p_microlensing`` …
    ``urgent``, ``sentence``), ``called`` (p_microlensing reaches ``threshold``), ``bundle`` and ``bundle_digest``; or
    ``error``, with the document code `BAD_LIGHT_CURVE`, where the datapoints make no light curve.
    """

    #: Document code of a state whose datapoints make no light curve. Positive, with a body: a system code for missing
    #: input would make AMPEL try again until it gives up.
    BAD_LIGHT_CURVE: ClassVar[int] = 1

    #: Bundle of the search for lenses: the name of an installed one, or a folder; by default the packaged one.
    bundle: str | None = None

    def post_init(self) -> None:
        """Load the bundle, once for all documents of a worker."""
        self._bundle = load_microlensing(self.bundle)

    def process(self, light_curve: LightCurve) -> UBson | UnitResult:
        """Return the body of the T2 document."""
        datapoints = [*(light_curve.photopoints or ()), *(light_curve.upperlimits or ())]
        try:
            curve = light_curve_from_datapoints(light_curve.stock_id, datapoints)
        except (AlertError, LightCurveError) as error:
            self.logger.warn("No light curve", extra={"stock": light_curve.stock_id, "error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.BAD_LIGHT_CURVE)
        (scores,) = self._bundle.score([curve])
        return {
            **scores.to_dict(),
            "called": scores.called,
            "bundle": self._bundle.label,
            "bundle_digest": self._bundle.digest,
        }
