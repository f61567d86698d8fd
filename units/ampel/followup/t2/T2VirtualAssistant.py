"""AMPEL unit: whether a stock is real, galactic, fast; as people judge who look at alerts."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson

from ampel.followup.abstract.AbsBundleT2Unit import AbsBundleT2Unit
from ampel_followup.assistant import assess
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import AssistantBundle, load_assistant


class T2VirtualAssistant(AbsBundleT2Unit[AssistantBundle]):
    """
    Score one state of a stock at each of its visits, and say in words why.

    The body is an `ampel_followup.assistant_scores.AssistantScores` as a dictionary, with ``assistant`` (name and
    version) and ``assistant_digest``; or ``error``, with the document code `BAD_LIGHT_CURVE`, where the datapoints make
    no light curve. What is done with the scores is a matter of the policy, see `T3FollowupPlan`.
    """

    #: Bundle of the virtual assistant: the name of an installed one, or a folder; by default the packaged one.
    assistant: str | None = None

    #: Say which features moved each score most.
    explain: bool = True

    def load(self) -> AssistantBundle:
        """Return the bundle that the configuration names."""
        return load_assistant(self.assistant)

    def tell(self, photometry: LightCurve) -> UBson | UnitResult:
        """Return the scores of all visits."""
        [scores] = assess([photometry], self._bundle, explain=self.explain)
        return {**scores.to_dict(), "assistant": self._bundle.label, "assistant_digest": self._bundle.digest}
