"""AMPEL unit: what a spectrum of a stock would tell."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from ampel.abstract.AbsTiedLightCurveT2Unit import AbsTiedLightCurveT2Unit
from ampel.model.StateT2Dependency import StateT2Dependency
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson
from ampel.view.LightCurve import LightCurve
from ampel.view.T2DocView import T2DocView

from ampel_followup.alerts.ampel_states import EXAMPLE, LAST_STATE
from ampel_followup.models.bundle import load_bundle
from ampel_followup.promoting import chosen_folder_at
from ampel_followup.scoring import Sampling, compute_features, score_features


class T2SpectroscopicGain(AbsTiedLightCurveT2Unit[Literal["T2FollowupFeatures"]]):
    """
    Score one state of a stock by the value of a spectrum, from the features that `T2FollowupFeatures` found.

    The body is an `ampel_followup.plan.ScoredObject` as a dictionary, with ``bundle``, ``bundle_digest`` and
    ``sampling``; or ``error``, with the document code `NOT_SCORED`.
    """

    #: Document code of a state without a score, the reason in the body.
    NOT_SCORED: ClassVar[int] = 1

    #: Model bundle: the name of an installed one, or a folder; by default the one in use.
    bundle: str | None = None

    #: Store that says which bundle is in use: a file, or the URL of a database; by default as the `ampel-followup`
    #: command's. Without a store the packaged bundle is in use. A worker asks once, when it starts.
    store: str | None = None

    #: Draw so many possible spectra of each object at random; by default quasi-random ones, as the bundle asks for.
    monte_carlo: int | None = None

    #: Seed of the possible spectra.
    seed: int = 0

    #: The unit whose features are scored, configured exactly as in the channel: AMPEL finds it by its configuration.
    #: There is no default, for AMPEL would not recognise one.
    t2_dependency: Sequence[StateT2Dependency[Literal["T2FollowupFeatures"]]]

    def post_init(self) -> None:
        """Load the bundle, once for all documents of a worker, and have it prepare what it needs to score anything."""
        self._bundle = load_bundle(chosen_folder_at(self.bundle, self.store))
        self._sampling = Sampling(self.monte_carlo, self.seed)
        score_features([EXAMPLE], compute_features([EXAMPLE], self._bundle).values, self._bundle, self._sampling)

    def process(self, light_curve: LightCurve, t2_views: Sequence[T2DocView]) -> UBson | UnitResult:
        """Return the body of the T2 document."""
        found = t2_views[0].get_payload(raise_exc=True)
        if "error" in found:
            return UnitResult(body={"error": found["error"]}, code=self.NOT_SCORED)
        if found["feature_sets"] != self._bundle.info["feature_sets"]:
            error = (
                f"features of {dict(found['feature_sets'])}, but bundle {self._bundle.label} needs "
                f"{self._bundle.info['feature_sets']}; give both units the same bundle and rerun T2FollowupFeatures"
            )
            self.logger.warn("Not scored", extra={"stock": light_curve.stock_id, "error": error})
            return UnitResult(body={"error": error}, code=self.NOT_SCORED)
        datapoints = [*(light_curve.photopoints or ()), *(light_curve.upperlimits or ())]
        curve = LAST_STATE.light_curve(light_curve.stock_id, datapoints)
        # None, a feature that could not be measured, becomes NaN.
        values = np.array([[found["features"][name] for name in self._bundle.features]], dtype=np.float64)
        scored = score_features([curve], values, self._bundle, self._sampling)[0]
        return {
            **scored.to_dict(),
            "bundle": self._bundle.label,
            "bundle_digest": self._bundle.digest,
            "sampling": self._sampling.describe(self._bundle),
        }
