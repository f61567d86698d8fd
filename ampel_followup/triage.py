"""What is worth a look: the virtual assistant, the policy, and what was decided and named before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from ampel_followup.assistant import assess_with_features
from ampel_followup.assistant_scores import Placement
from ampel_followup.decision import Decision
from ampel_followup.features.ragged import Floats
from ampel_followup.labels import Label
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import AssistantBundle, Day
from ampel_followup.observing.closing import last_useful_dates
from ampel_followup.observing.night import Night
from ampel_followup.placing import Evening, named_by_others, place
from ampel_followup.plan import ScoredObject
from ampel_followup.policy import Policy

if TYPE_CHECKING:
    from ampel_followup.store import Store


@dataclass(frozen=True, eq=False)
class Triage:
    """
    Sorts objects into queues.

    Parameters
    ----------
    assistant : AssistantBundle
        Scores what has no scores yet.
    policy : Policy
    decisions : sequence of Decision
        Of all nights and sites, oldest first.
    labels : sequence of Label
        What others named, of all times.
    """

    assistant: AssistantBundle
    policy: Policy
    decisions: Sequence[Decision] = ()
    labels: Sequence[Label] = ()

    @classmethod
    def with_store(cls, assistant: AssistantBundle, policy: Policy, store: Store | None) -> Self:
        """Take decisions and labels from a store, if there is one."""
        if store is None:
            return cls(assistant, policy)
        return cls(assistant, policy, store.decisions(), tuple(store.labels()))

    @property
    def policy_label(self) -> str:
        """Name and version of the policy, and the first digits of its digest: a version that was changed shows."""
        return f"{self.policy.label} ({self.policy.digest[:8]})"

    def assess(self, light_curves: Sequence[LightCurve], objects: Sequence[ScoredObject]) -> list[ScoredObject]:
        """
        Give objects the assistant's scores.

        Parameters
        ----------
        light_curves : sequence of LightCurve
        objects : sequence of ScoredObject
            The same n, in the same order.
        """
        return self.assess_with_features(light_curves, objects)[0]

    def assess_with_features(
        self, light_curves: Sequence[LightCurve], objects: Sequence[ScoredObject]
    ) -> tuple[list[ScoredObject], dict[Day, Floats]]:
        """Do as `assess`, and return what `ampel_followup.assistant.last_visit_features` returns, too."""
        found, features = assess_with_features(light_curves, self.assistant)
        return [replace(o, assistant=scores) for o, scores in zip(objects, found, strict=True)], features

    def place(self, objects: Sequence[ScoredObject], night: Night) -> list[Placement]:
        """
        Say of each object in which queue it is tonight, and whether it is listed.

        Parameters
        ----------
        objects : sequence of ScoredObject
            n objects with the assistant's scores.
        night : Night

        Returns
        -------
        list of Placement, length n
            In the order given.
        """
        if not objects:
            return []
        evening = Evening.of(night.summary())
        ra, dec = np.array([(o.ra, o.dec) for o in objects]).T
        return place(
            objects,
            self.policy,
            evening,
            decisions=self.decisions,
            followed_up=named_by_others(self.labels, evening),
            last_useful=last_useful_dates(ra, dec, night),
        )
