"""AMPEL unit: how probably a stock is an early type Ia supernova."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson

from ampel.followup.abstract.AbsBundleT2Unit import AbsBundleT2Unit
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.early_bundle import EarlyBundle, load_early


class T2EarlySNIa(AbsBundleT2Unit[EarlyBundle]):
    """
    Score one state of a stock by the probability that it is a type Ia supernova, from its points so far.

    The body holds ``p_snia`` (None where nothing significant was detected), ``called_snia`` (p_snia reaches
    ``threshold``), ``threshold``, ``bundle`` and ``bundle_digest``; or ``error``, with the document code
    `BAD_LIGHT_CURVE`, where the datapoints make no light curve.
    """

    #: Bundle of `ampel-followup train early`: the name of an installed one, or a folder. None comes along.
    bundle: str

    def load(self) -> EarlyBundle:
        """Return the bundle that the configuration names."""
        return load_early(self.bundle)

    def tell(self, photometry: LightCurve) -> UBson | UnitResult:
        """Return the probability."""
        p = float(self._bundle.score([photometry])[0])
        return {
            "p_snia": None if p != p else p,
            "called_snia": p >= self._bundle.threshold,
            "threshold": self._bundle.threshold,
            **self.source,
        }
