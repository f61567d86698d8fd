"""AMPEL unit: how little a stock is like what was trained on."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import ClassVar

from ampel.abstract.AbsLightCurveT2Unit import AbsLightCurveT2Unit
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson
from ampel.view.LightCurve import LightCurve

from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.models.anomaly_bundle import load_anomaly


class T2AnomalyScore(AbsLightCurveT2Unit):
    """
    Score one state of a stock: of objects like those trained on a share q scores above 1 − q.

    The body holds the fields of `ampel_followup.anomaly_scores.AnomalyScores` that one object by itself has (``score``,
    the three p-values, ``sentence``), ``bundle`` and ``bundle_digest``; or ``error``, with the document code
    `BAD_LIGHT_CURVE`, where the datapoints make no light curve. Verdicts, and what tonight has more of, come in with
    `T3FollowupPlan`.
    """

    #: Document code of a state whose datapoints make no light curve. Positive, with a body: a system code for missing
    #: input would make AMPEL try again until it gives up.
    BAD_LIGHT_CURVE: ClassVar[int] = 1

    #: Bundle of `ampel-followup train anomaly`: the name of an installed one, or a folder; by default the packaged one.
    bundle: str | None = None

    def post_init(self) -> None:
        """Load the bundle, once for all documents of a worker."""
        self._bundle = load_anomaly(self.bundle)

    def process(self, light_curve: LightCurve) -> UBson | UnitResult:
        """Return the body of the T2 document."""
        datapoints = [*(light_curve.photopoints or ()), *(light_curve.upperlimits or ())]
        try:
            curve = light_curve_from_datapoints(light_curve.stock_id, datapoints)
        except (AlertError, LightCurveError) as error:
            self.logger.warn("No light curve", extra={"stock": light_curve.stock_id, "error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.BAD_LIGHT_CURVE)
        (scores,) = self._bundle.score([curve])
        found = scores.to_dict()
        return {
            **{name: found[name] for name in ("score", "p_isolation", "p_density", "p_disagreement", "sentence")},
            "bundle": self._bundle.label,
            "bundle_digest": self._bundle.digest,
        }
