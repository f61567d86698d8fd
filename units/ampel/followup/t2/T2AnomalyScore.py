"""AMPEL unit: how little a stock is like what was trained on."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson

from ampel.followup.abstract.AbsBundleT2Unit import AbsBundleT2Unit
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.anomaly_bundle import AnomalyBundle, load_anomaly


class T2AnomalyScore(AbsBundleT2Unit[AnomalyBundle]):
    """
    Score one state of a stock: of objects like those trained on a share q scores above 1 − q.

    The body holds the fields of `ampel_followup.anomaly_scores.AnomalyScores` that one object by itself has (``score``,
    the three p-values, ``sentence``), ``bundle`` and ``bundle_digest``; or ``error``, with the document code
    `BAD_LIGHT_CURVE`, where the datapoints make no light curve. Verdicts, and what tonight has more of, come in with
    `T3FollowupPlan`.
    """

    #: Bundle of `ampel-followup train anomaly`: the name of an installed one, or a folder; by default the packaged one.
    bundle: str | None = None

    def load(self) -> AnomalyBundle:
        """Return the bundle that the configuration names."""
        return load_anomaly(self.bundle)

    def tell(self, photometry: LightCurve) -> UBson | UnitResult:
        """Return the scores."""
        (scores,) = self._bundle.score([photometry])
        found = scores.to_dict()
        names = ("score", "p_isolation", "p_density", "p_disagreement", "sentence")
        return {**{name: found[name] for name in names}, **self.source}
