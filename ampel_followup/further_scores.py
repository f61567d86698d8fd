"""
What further bundles say of objects that are scored already: early supernovae, lenses, where a classifier looked.

`ampel-followup rank`, the AMPEL unit `T3FollowupPlan` and the commands that show a plan go through `FURTHER_SCORERS`:
what is added there is scored, timed, kept in the report of a plan, and told. Bundles are loaded when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ampel_followup.plan import NightPlan, ScoredObject

if TYPE_CHECKING:
    from ampel_followup.anomaly.night import AnomalyNight
    from ampel_followup.lightcurve import LightCurve
    from ampel_followup.models.attention_bundle import AttentionModel
    from ampel_followup.models.early_bundle import EarlyBundle
    from ampel_followup.models.microlensing_bundle import MicrolensingBundle
    from ampel_followup.store import Store


def _nothing_found(_: NightPlan) -> dict[str, Any]:
    return {}


def _same_bundle(bundle: Any) -> Any:
    return bundle


def _nothing_to_finish(
    objects: Sequence[ScoredObject], store: Store | None, evening: str, bundle: Any
) -> list[ScoredObject]:
    return list(objects)


def _nothing_told(_: Mapping[str, Any]) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True, slots=True)
class FurtherScorer:
    """
    One kind of bundle that adds to the scores of objects.

    Parameters
    ----------
    name : str
        Option of `rank` and `T3FollowupPlan` that names the bundle, and key of the report of a plan.
    title : str
        What it is, in words.
    load : callable
        Loads and verifies a bundle by its name or folder, or the packaged one for None.
    add : callable
        Gives objects what a bundle says of their light curves, in the same order.
    packaged : bool
        One comes along, and is used unless it is left out.
    found : callable, optional
        Returns what it found in a whole plan, for the report.
    told : callable, optional
        Says in sentences, from the report, what a person should know at once.
    tonight : callable, optional
        Makes of a bundle what `add` and `finish` get in its place, new for each night: it may remember objects.
    finish : callable, optional
        Completes what is said of all objects of a night, once all are known; gets objects, the store (or None) and the
        evening date besides.
    """

    name: str
    title: str
    load: Callable[[str | None], Any]
    add: Callable[[Sequence[ScoredObject], Sequence[LightCurve], Any], list[ScoredObject]]
    packaged: bool = False
    found: Callable[[NightPlan], dict[str, Any]] = _nothing_found
    told: Callable[[Mapping[str, Any]], Iterator[str]] = _nothing_told
    tonight: Callable[[Any], Any] = _same_bundle
    finish: Callable[[Sequence[ScoredObject], Store | None, str, Any], list[ScoredObject]] = _nothing_to_finish


@dataclass(frozen=True, slots=True)
class LoadedScorer:
    """A further scorer with its bundle."""

    scorer: FurtherScorer
    bundle: Any

    @property
    def name(self) -> str:
        """As `FurtherScorer.name`."""
        return self.scorer.name

    def add(self, objects: Sequence[ScoredObject], light_curves: Sequence[LightCurve]) -> list[ScoredObject]:
        """Give scored objects what the bundle says of their light curves, in the same order."""
        return self.scorer.add(objects, light_curves, self.bundle)

    def tonight(self) -> LoadedScorer:
        """Return the same for one night, of which it may remember objects."""
        return replace(self, bundle=self.scorer.tonight(self.bundle))

    def finish(self, objects: Sequence[ScoredObject], store: Store | None, evening: str) -> list[ScoredObject]:
        """Complete what is said of all objects of a night, in the same order."""
        return self.scorer.finish(objects, store, evening, self.bundle)

    def report(self, plan: NightPlan) -> dict[str, Any]:
        """Return name, version and digest of the bundle, and what it found in a plan."""
        return {**self.bundle.describe(), **self.scorer.found(plan)}


def load_further(chosen: Mapping[str, str | None], without: Collection[str] = ()) -> tuple[LoadedScorer, ...]:
    """
    Load the bundles that are named, and those that come along.

    Parameters
    ----------
    chosen : mapping of str to (str or None)
        Name of a scorer → name or folder of its bundle; None or absent for the packaged one, if there is one.
    without : collection of str
        Names of scorers that are left out.

    Returns
    -------
    tuple of LoadedScorer
        In the order of `FURTHER_SCORERS`.

    Raises
    ------
    BundleError
        If a bundle cannot be used.
    """
    return tuple(
        LoadedScorer(scorer, scorer.load(chosen.get(scorer.name)))
        for scorer in FURTHER_SCORERS
        if scorer.name not in without and (scorer.packaged or chosen.get(scorer.name) is not None)
    )


def reports(further: Sequence[LoadedScorer], plan: NightPlan) -> dict[str, dict[str, Any] | None]:
    """Return name → report of every scorer there is; None for those that were not used."""
    used = {one.name: one.report(plan) for one in further}
    return {scorer.name: used.get(scorer.name) for scorer in FURTHER_SCORERS}


def with_early(
    objects: Sequence[ScoredObject], light_curves: Sequence[LightCurve], early: EarlyBundle
) -> list[ScoredObject]:
    """
    Give scored objects the probability that they are type Ia supernovae.

    Parameters
    ----------
    objects : sequence of ScoredObject
    light_curves : sequence of LightCurve
        Of the same objects, in the same order.
    early : EarlyBundle

    Raises
    ------
    BundleError
        If the classifier was trained on features that light curves do not give.
    """
    return [
        replace(o, scores=replace(o.scores, p_snia=p, snia_threshold=early.threshold))
        for o, p in zip(objects, early.score(light_curves).tolist(), strict=True)
    ]


def with_microlensing(
    objects: Sequence[ScoredObject], light_curves: Sequence[LightCurve], search: MicrolensingBundle
) -> list[ScoredObject]:
    """
    Say of scored objects whether they are lenses; what looks like one has that as its first reason.

    Parameters
    ----------
    objects : sequence of ScoredObject
    light_curves : sequence of LightCurve
        Of the same objects, in the same order.
    search : MicrolensingBundle
    """
    return [
        replace(o, microlensing=found, reasons=(found.sentence, *o.reasons) if found.sentence else o.reasons)
        for o, found in zip(objects, search.score(light_curves), strict=True)
    ]


def with_attention(
    objects: Sequence[ScoredObject], light_curves: Sequence[LightCurve], model: AttentionModel
) -> list[ScoredObject]:
    """
    Give scored objects the classes of a classifier with attention, and how much each epoch counted for them.

    Parameters
    ----------
    objects : sequence of ScoredObject
    light_curves : sequence of LightCurve
        Of the same objects, in the same order.
    model : AttentionModel
    """
    return [replace(o, attention=attention) for o, attention in zip(objects, model.score(light_curves), strict=True)]


def with_anomaly(
    objects: Sequence[ScoredObject], light_curves: Sequence[LightCurve], night: AnomalyNight
) -> list[ScoredObject]:
    """
    Say of scored objects how little they are like what was trained on.

    Parameters
    ----------
    objects : sequence of ScoredObject
    light_curves : sequence of LightCurve
        Of the same objects, in the same order.
    night : AnomalyNight
    """
    return night.add(objects, light_curves)


def _in_turn(
    objects: Sequence[ScoredObject], store: Store | None, evening: str, night: AnomalyNight
) -> list[ScoredObject]:
    return night.finish(objects, store, evening)


def anomalies_of(plan: NightPlan) -> dict[str, Any]:
    """Return the names of what has a place of the list for being anomalous."""
    return {"anomalies": [t.id for t in plan.targets if t.anomaly is not None and t.anomaly.place]}


def _anomalies_told(report: Mapping[str, Any]) -> Iterator[str]:
    if report["anomalies"]:
        verdicts = report["verdicts"]
        yield (
            f"like nothing trained on: {', '.join(report['anomalies'])}; verdicts so far: {verdicts['interesting']} "
            f"interesting, {verdicts['not_interesting']} not"
        )


def lenses_of(plan: NightPlan) -> dict[str, Any]:
    """Return the names of what is called a lens, and of what is urgent tonight, of a whole plan."""
    from ampel_followup.score_arrays import evening_of

    evening = evening_of(plan.night)
    told = [
        (target.id, target.microlensing)
        for target in (*plan.targets, *plan.not_observable, *plan.set_aside)
        if target.microlensing is not None
    ]
    return {
        "lenses": [name for name, scores in told if scores.sentence],
        "urgent": [name for name, scores in told if scores.alarm(evening)],
    }


def _lenses_told(report: Mapping[str, Any]) -> Iterator[str]:
    if report["urgent"]:
        yield f"urgent, a planet in a lens perhaps: {', '.join(report['urgent'])}"
    if report["lenses"]:
        yield f"like lenses: {', '.join(report['lenses'])}"


def _load_early(name: str | None) -> EarlyBundle:
    from ampel_followup.models.early_bundle import load_early

    return load_early(name or "")


def _load_microlensing(name: str | None) -> MicrolensingBundle:
    from ampel_followup.models.microlensing_bundle import load_microlensing

    return load_microlensing(name)


def _load_attention(name: str | None) -> AttentionModel:
    from ampel_followup.models.attention_bundle import load_attention_bundle

    return load_attention_bundle(name)


def _load_anomaly(name: str | None) -> Any:
    from ampel_followup.models.anomaly_bundle import load_anomaly

    return load_anomaly(name)


def _anomaly_night(bundle: Any) -> AnomalyNight:
    from ampel_followup.anomaly.night import AnomalyNight

    return AnomalyNight(bundle)


#: In the order in which they are asked; reasons that a later one gives come first.
FURTHER_SCORERS = (
    FurtherScorer("early", "early classifier", _load_early, with_early),
    FurtherScorer(
        "microlensing",
        "search for lenses",
        _load_microlensing,
        with_microlensing,
        packaged=True,
        found=lenses_of,
        told=_lenses_told,
    ),
    FurtherScorer("attention", "classifier with attention", _load_attention, with_attention, packaged=True),
    FurtherScorer(
        "anomaly",
        "search for anomalies",
        _load_anomaly,
        with_anomaly,
        found=anomalies_of,
        told=_anomalies_told,
        tonight=_anomaly_night,
        finish=_in_turn,
    ),
)
