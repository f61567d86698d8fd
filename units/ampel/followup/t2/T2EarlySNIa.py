"""AMPEL unit: how probably a stock is an early type Ia supernova."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import ClassVar

from ampel.abstract.AbsLightCurveT2Unit import AbsLightCurveT2Unit
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson
from ampel.view.LightCurve import LightCurve

from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.models.early_bundle import load_early


class T2EarlySNIa(AbsLightCurveT2Unit):
    """
    Score one state of a stock by the probability that it is a type Ia supernova, from its points so far.

    The body holds ``p_snia`` (None where nothing significant was detected), ``called_snia`` (p_snia reaches
    ``threshold``), ``threshold``, ``bundle`` and ``bundle_digest``; or ``error``, with the document code
    `BAD_LIGHT_CURVE`, where the datapoints make no light curve.
    """

    #: Document code of a state whose datapoints make no light curve. Positive, with a body: a system code for missing
    #: input would make AMPEL try again until it gives up.
    BAD_LIGHT_CURVE: ClassVar[int] = 1

    #: Bundle of `ampel-followup train early`: the name of an installed one, or a folder. None comes along.
    bundle: str

    def post_init(self) -> None:
        """Load the bundle, once for all documents of a worker."""
        self._bundle = load_early(self.bundle)

    def process(self, light_curve: LightCurve) -> UBson | UnitResult:
        """Return the body of the T2 document."""
        datapoints = [*(light_curve.photopoints or ()), *(light_curve.upperlimits or ())]
        try:
            curve = light_curve_from_datapoints(light_curve.stock_id, datapoints)
        except (AlertError, LightCurveError) as error:
            self.logger.warn("No light curve", extra={"stock": light_curve.stock_id, "error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.BAD_LIGHT_CURVE)
        p = float(self._bundle.score([curve])[0])
        return {
            "p_snia": None if p != p else p,
            "called_snia": p >= self._bundle.threshold,
            "threshold": self._bundle.threshold,
            "bundle": self._bundle.label,
            "bundle_digest": self._bundle.digest,
        }
