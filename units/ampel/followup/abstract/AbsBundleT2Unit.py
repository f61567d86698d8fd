"""Base of AMPEL units that tell something of a state with a bundle, from its datapoints alone."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import Any, ClassVar, Generic, TypeVar

from ampel.abstract.AbsLightCurveT2Unit import AbsLightCurveT2Unit
from ampel.base.decorator import abstractmethod
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson
from ampel.view.LightCurve import LightCurve

from ampel_followup.alerts.ampel_states import EXAMPLE, LAST_STATE
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.lightcurve import LightCurve as Photometry
from ampel_followup.models.folder import Bundle

B = TypeVar("B", bound=Bundle)


class AbsBundleT2Unit(AbsLightCurveT2Unit, Generic[B], abstract=True):
    """
    Make a light curve of the datapoints of each state, and let a bundle of kind B tell something of it.

    A unit says which bundle (`load`), and what of the light curve (`tell`). Where the datapoints make no light curve,
    the body is ``error`` and the document code `BAD_LIGHT_CURVE`.
    """

    #: Document code of a state whose datapoints make no light curve. Positive, with a body: a system code for missing
    #: input would make AMPEL try again until it gives up.
    BAD_LIGHT_CURVE: ClassVar[int] = 1

    def post_init(self) -> None:
        """Load the bundle, once for all documents of a worker, and have it prepare what it needs to tell anything."""
        self._bundle = self.load()
        self.tell(EXAMPLE)

    def process(self, light_curve: LightCurve) -> UBson | UnitResult:
        """Return the body of the T2 document."""
        # The datapoints themselves: LightCurve.get_ntuples() drops every point with a zero in it.
        datapoints = [*(light_curve.photopoints or ()), *(light_curve.upperlimits or ())]
        try:
            photometry = LAST_STATE.light_curve(light_curve.stock_id, datapoints)
        except (AlertError, LightCurveError) as error:
            self.logger.warn("No light curve", extra={"stock": light_curve.stock_id, "error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.BAD_LIGHT_CURVE)
        return self.tell(photometry)

    @property
    def source(self) -> dict[str, Any]:
        """Name and digest of the bundle, as most bodies have them."""
        return {"bundle": self._bundle.label, "bundle_digest": self._bundle.digest}

    @abstractmethod
    def load(self) -> B:
        """Return the bundle that the configuration names."""
        raise NotImplementedError

    @abstractmethod
    def tell(self, photometry: Photometry) -> UBson | UnitResult:
        """Return what the bundle says of a light curve."""
        raise NotImplementedError
