"""AMPEL unit: whether a stock is a lens, and whether a planet shows."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson

from ampel.followup.abstract.AbsBundleT2Unit import AbsBundleT2Unit
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.microlensing_bundle import MicrolensingBundle, load_microlensing


class T2Microlensing(AbsBundleT2Unit[MicrolensingBundle]):
    """
    Fit a point lens to one state of a stock, and compare its last nights with the lens that fits what was before.

    The body holds the fields of `ampel_followup.microlensing_scores.MicrolensingScores` (``p_microlensing`` …
    ``urgent``, ``sentence``), ``called`` (p_microlensing reaches ``threshold``), ``bundle`` and ``bundle_digest``; or
    ``error``, with the document code `BAD_LIGHT_CURVE`, where the datapoints make no light curve.
    """

    #: Bundle of the search for lenses: the name of an installed one, or a folder; by default the packaged one.
    bundle: str | None = None

    def load(self) -> MicrolensingBundle:
        """Return the bundle that the configuration names."""
        return load_microlensing(self.bundle)

    def tell(self, photometry: LightCurve) -> UBson | UnitResult:
        """Return the scores."""
        (scores,) = self._bundle.score([photometry])
        return {**scores.to_dict(), "called": scores.called, **self.source}
