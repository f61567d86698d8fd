"""AMPEL unit: classes of a stock at any age, and which epochs counted for them."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import ClassVar

from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson

from ampel.followup.abstract.AbsBundleT2Unit import AbsBundleT2Unit
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.attention_bundle import AttentionModel, load_attention_bundle


class T2AttentionClassifier(AbsBundleT2Unit[AttentionModel]):
    """
    Classify one state of a stock with a network that says where it looked; ONNX runs it, TensorFlow is not needed.

    The body holds the fields of `ampel_followup.attention_scores.AttentionScores` (``class_names``, ``probabilities``,
    ``times`` [MJD] and ``attention``, one per epoch), ``class_now`` (the most probable class), ``bundle`` and
    ``bundle_digest``. Where nothing was detected in a band that the network knows, the probabilities are empty and the
    document code is `TOO_FEW_POINTS`; where the datapoints make no light curve, the body is ``error`` and the code
    `BAD_LIGHT_CURVE`.
    """

    #: Document code of a state that says nothing to the network.
    TOO_FEW_POINTS: ClassVar[int] = 2

    #: Bundle of the classifier: the name of an installed one, or a folder; by default the packaged one.
    bundle: str | None = None

    def load(self) -> AttentionModel:
        """Return the bundle that the configuration names."""
        return load_attention_bundle(self.bundle)

    def tell(self, photometry: LightCurve) -> UBson | UnitResult:
        """Return the probabilities and where the network looked."""
        (scores,) = self._bundle.score([photometry])
        body = {**scores.to_dict(), "class_now": scores.class_now, **self.source}
        return body if scores.known else UnitResult(body=body, code=self.TOO_FEW_POINTS)
