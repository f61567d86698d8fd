"""Anomalies of a whole night: scored batch by batch, and put in order once all objects and verdicts are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ampel_followup.anomaly.feedback import show
from ampel_followup.anomaly.model import Examined
from ampel_followup.anomaly.verdicts import Judged, judged_in
from ampel_followup.models.anomaly_bundle import AnomalyBundle
from ampel_followup.plan import ScoredObject

if TYPE_CHECKING:
    from ampel_followup.lightcurve import LightCurve
    from ampel_followup.store import Store


@dataclass(eq=False)
class AnomalyNight:
    """
    A bundle, and what it has found tonight.

    Parameters
    ----------
    bundle : AnomalyBundle
    examined : list of (tuple of str, Examined)
        Names of the objects of each batch, and what the model sees of them.
    judged : Judged
        What the last `finish` took from the store.
    """

    bundle: AnomalyBundle
    examined: list[tuple[tuple[str, ...], Examined]] = field(default_factory=list)
    judged: Judged = field(default_factory=Judged)

    def describe(self) -> dict[str, object]:
        """Return bundle and digest, and how many verdicts were used, for the report of a plan."""
        verdicts = {"interesting": len(self.judged.interesting), "not_interesting": len(self.judged.dull)}
        return {**self.bundle.describe(), "verdicts": verdicts}

    def add(self, objects: Sequence[ScoredObject], light_curves: Sequence[LightCurve]) -> list[ScoredObject]:
        """Give objects their scores, and remember what is needed to put them in order."""
        x = self.bundle.features_of(light_curves)
        examined = self.bundle.model.examine(x)
        self.examined.append((tuple(o.id for o in objects), examined))
        found = self.bundle.scores_of(x, examined)
        return [replace(o, anomaly=scores) for o, scores in zip(objects, found, strict=True)]

    def finish(self, objects: Sequence[ScoredObject], store: Store | None, evening: str) -> list[ScoredObject]:
        """
        Put all objects of the night in order; those that were judged before have no turn.

        Parameters
        ----------
        objects : sequence of ScoredObject
            All that were added, in any order.
        store : Store, optional
            With the verdicts of earlier nights.
        evening : str
            Evening date, ISO 8601.
        """
        if not objects:
            return []
        model = self.bundle.model
        self.judged = Judged() if store is None else judged_in(store, model.classes, evening)
        names = [name for part, _ in self.examined for name in part]
        # In the order of names, so that it does not matter in which they were read.
        row = {name: i for i, name in enumerate(names)}
        by_name = sorted(o.id for o in objects)
        rows = [row[name] for name in by_name]
        tonight = Examined(
            channels=np.concatenate([one.channels for _, one in self.examined]),
            p=np.concatenate([one.p for _, one in self.examined]),
            score=np.concatenate([one.score for _, one in self.examined]),
            leaves=np.concatenate([one.leaves for _, one in self.examined], axis=1),
            normal=np.concatenate([one.normal for _, one in self.examined]),
        ).rows(np.array(rows, dtype=np.intp))
        yes, no = (
            model.examine(self.bundle.features_of(curves)) for curves in (self.judged.interesting, self.judged.dull)
        )
        judged, dull = self.judged.names, {curve.id for curve in self.judged.dull}
        shown = show(model, tonight, yes, no, rejected=np.array([name in dull for name in by_name]))
        order = [by_name[i] for i in shown.order.tolist() if np.isfinite(tonight.score[i]) and by_name[i] not in judged]
        turn = {name: number for number, name in enumerate(order, 1)}
        interest = dict(zip(by_name, shown.interest.tolist(), strict=True))
        return [
            o
            if o.anomaly is None
            else replace(o, anomaly=replace(o.anomaly, interest=interest[o.id], turn=turn.get(o.id, 0)))
            for o in objects
        ]
