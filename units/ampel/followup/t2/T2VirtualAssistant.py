"""AMPEL unit: whether a stock is real, galactic, fast; as people judge who look at alerts."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import ClassVar

from ampel.abstract.AbsLightCurveT2Unit import AbsLightCurveT2Unit
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson
from ampel.view.LightCurve import LightCurve

from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.assistant import assess
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.models.assistant_bundle import load_assistant


class T2VirtualAssistant(AbsLightCurveT2Unit):
    """
    Score one state of a stock at each of its visits, and say in words why.

    The body is an `ampel_followup.assistant_scores.AssistantScores` as a dictionary, with ``assistant`` (name and
    version) and ``assistant_digest``; or ``error``, with the document code `BAD_LIGHT_CURVE`, where the datapoints make
    no light curve. What is done with the scores is a matter of the policy, see `T3FollowupPlan`.
    """

    #: Document code of a state whose datapoints make no light curve. Positive, with a body: a system code for missing
    #: input would make AMPEL try again until it gives up.
    BAD_LIGHT_CURVE: ClassVar[int] = 1

    #: Bundle of the virtual assistant: the name of an installed one, or a folder; by default the packaged one.
    assistant: str | None = None

    #: Say which features moved each score most.
    explain: bool = True

    def post_init(self) -> None:
        """Load the bundle, once for all documents of a worker."""
        self._assistant = load_assistant(self.assistant)

    def process(self, light_curve: LightCurve) -> UBson | UnitResult:
        """Return the body of the T2 document."""
        datapoints = [*(light_curve.photopoints or ()), *(light_curve.upperlimits or ())]
        try:
            curve = light_curve_from_datapoints(light_curve.stock_id, datapoints)
        except (AlertError, LightCurveError) as error:
            self.logger.warn("No light curve", extra={"stock": light_curve.stock_id, "error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.BAD_LIGHT_CURVE)
        [scores] = assess([curve], self._assistant, explain=self.explain)
        return {
            **scores.to_dict(),
            "assistant": self._assistant.label,
            "assistant_digest": self._assistant.digest,
        }
