"""AMPEL unit: classes of a stock at any age, and which epochs counted for them."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import ClassVar

from ampel.abstract.AbsLightCurveT2Unit import AbsLightCurveT2Unit
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson
from ampel.view.LightCurve import LightCurve

from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.models.attention_bundle import load_attention_bundle


class T2AttentionClassifier(AbsLightCurveT2Unit):
    """
    Classify one state of a stock with a network that says where it looked; ONNX runs it, TensorFlow is not needed.

    The body holds the fields of `ampel_followup.attention_scores.AttentionScores` (``class_names``, ``probabilities``,
    ``times`` [MJD] and ``attention``, one per epoch), ``class_now`` (the most probable class), ``bundle`` and
    ``bundle_digest``. Where nothing was detected in a band that the network knows, the probabilities are empty and the
    document code is `TOO_FEW_POINTS`; where the datapoints make no light curve, the body is ``error`` and the code
    `BAD_LIGHT_CURVE`.
    """

    #: Document codes, positive and with a body: a system code for missing input would make AMPEL try again until it
    #: gives up.
    BAD_LIGHT_CURVE: ClassVar[int] = 1
    TOO_FEW_POINTS: ClassVar[int] = 2

    #: Bundle of the classifier: the name of an installed one, or a folder; by default the packaged one.
    bundle: str | None = None

    def post_init(self) -> None:
        """Load the bundle, once for all documents of a worker."""
        self._bundle = load_attention_bundle(self.bundle)

    def process(self, light_curve: LightCurve) -> UBson | UnitResult:
        """Return the body of the T2 document."""
        datapoints = [*(light_curve.photopoints or ()), *(light_curve.upperlimits or ())]
        try:
            curve = light_curve_from_datapoints(light_curve.stock_id, datapoints)
        except (AlertError, LightCurveError) as error:
            self.logger.warn("No light curve", extra={"stock": light_curve.stock_id, "error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.BAD_LIGHT_CURVE)
        (scores,) = self._bundle.score([curve])
        body = {
            **scores.to_dict(),
            "class_now": scores.class_now,
            "bundle": self._bundle.label,
            "bundle_digest": self._bundle.digest,
        }
        return body if scores.known else UnitResult(body=body, code=self.TOO_FEW_POINTS)
