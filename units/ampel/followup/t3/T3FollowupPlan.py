"""AMPEL unit: tonight's plan of a site."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ampel.abstract.AbsT3Unit import AbsT3Unit
from ampel.struct.JournalAttributes import JournalAttributes
from ampel.struct.StockAttributes import StockAttributes
from ampel.struct.T3Store import T3Store
from ampel.struct.UnitResult import UnitResult
from ampel.types import T3Send, UBson
from ampel.view.SnapView import SnapView

from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.assistant import last_visit_features
from ampel_followup.assistant_scores import AssistantScores
from ampel_followup.drift import assistant_drift, bundle_drift
from ampel_followup.errors import AlertError, LightCurveError, StrategyError
from ampel_followup.further_scores import load_further, reports
from ampel_followup.learning.label_matching import match_waiting
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import load_assistant
from ampel_followup.models.bundle import load_bundle
from ampel_followup.night_run import queues_of
from ampel_followup.observing import Site, get_site, night_at
from ampel_followup.plan import STOP_BELOW, NightPlan, ScoredObject
from ampel_followup.policy import load_policy
from ampel_followup.promoting import chosen_folder_at
from ampel_followup.ranking import rank
from ampel_followup.scoring import Sampling, compute_features, score
from ampel_followup.stopping import check_threshold
from ampel_followup.store import Store
from ampel_followup.strategies import get_strategy
from ampel_followup.triage import Triage


class T3FollowupPlan(AbsT3Unit[SnapView]):
    """
    Rank the scored stocks for one night at one site, write the plan into the store, tag and journal its targets.

    The views must hold the collections t0, t1 and t2 (`T2SpectroscopicGain` and `T2VirtualAssistant`). Of a stock's
    states the latest counts.
    """

    #: Where the spectra are taken: a site of `ampel-followup sites`, or ``latitude,longitude``.
    site: str

    #: Evening date at the site, such as ``2026-11-20``; by default of the night that begins next or is under way there
    #: (nights run from noon to noon).
    night: str | None = None

    #: Ranking strategy, or a mixture of several by quota.
    strategy: str = "value-of-information"

    #: The plan says from where on a spectrum changes the class less often than this.
    stop_below: float = STOP_BELOW

    #: Model bundle: the name of an installed one, or a folder; by default the one in use in the store.
    bundle: str | None = None

    #: Bundle of the virtual assistant: the name of an installed one, or a folder; by default the packaged one.
    assistant: str | None = None

    #: YAML file of the policy, which says what is worth a look; by default the one that comes along.
    policy: str | None = None

    #: False: list every object, without the assistant's scores and without queues.
    triage: bool = True

    #: Bundle of `ampel-followup train early`, by name or folder: adds P(SN Ia), and allows the strategies that need it.
    early: str | None = None

    #: Bundle of the search for lenses and their planets: the name of an installed one, or a folder; by default the
    #: packaged one.
    microlensing: str | None = None

    #: False: do not search for lenses.
    search_lenses: bool = True

    #: Bundle of the classifier that says which epochs counted: the name of an installed one, or a folder; by default
    #: the packaged one.
    attention: str | None = None

    #: False: no such classifier.
    classify_with_attention: bool = True

    #: Bundle of `ampel-followup train anomaly`, by name or folder (`anomaly` is the one that comes along): keeps places
    #: of the list for what is like nothing trained on.
    anomaly: str | None = None

    #: As for `T2SpectroscopicGain`, whose scores are made again if their spectra were drawn in another way.
    monte_carlo: int | None = None

    #: As for `T2SpectroscopicGain`.
    seed: int = 0

    #: Store of plans and decisions: a file, or the URL of a database; by default as the `ampel-followup` command's.
    #: AMPEL keeps the options of units in its database: a URL with a password belongs into ``AMPEL_FOLLOWUP_STORE``.
    store: str | None = None

    #: Tag of the stocks that are targets of the plan. AMPEL never takes a tag back, so it says "was planned once".
    tag: str = "FOLLOWUP_PLANNED"

    #: Tag and journal no more than this many targets; the plan in the store is always complete.
    max_targets: int | None = None

    def post_init(self) -> None:
        """Look up what is named in the configuration, so that a wrong name fails before the first view is read."""
        self._bundle = load_bundle(chosen_folder_at(self.bundle, self.store))
        self._site = get_site(self.site)
        used = {"microlensing": self.search_lenses, "attention": self.classify_with_attention}
        self._further = load_further(
            {
                "early": self.early,
                "microlensing": self.microlensing,
                "attention": self.attention,
                "anomaly": self.anomaly,
            },
            without=[name for name, wanted in used.items() if not wanted],
        )
        if get_strategy(self.strategy).needs_early and self.early is None:
            raise StrategyError(f"strategy {self.strategy!r} needs an early classifier; name its bundle as `early`")
        check_threshold(self.stop_below)
        self._sampling = Sampling(self.monte_carlo, self.seed)
        self._assistant = load_assistant(self.assistant) if self.triage else None
        self._policy = load_policy(Path(self.policy) if self.policy else None)
        #: What scores must say of themselves to share a list.
        self._kind = (self._bundle.digest, self._sampling.describe(self._bundle))

    def process(self, gen: Generator[SnapView, T3Send, None], t3s: T3Store) -> UBson | UnitResult:
        """Return the body of the T3 document: which plan, and how many stocks of which kind went into it."""
        now = datetime.now(UTC)
        night = night_at(self._site, self.night or _evening(self._site, now))
        objects, light_curves, count = self._collect(gen)
        further = [scorer.tonight() for scorer in self._further]
        for scorer in further:
            objects = scorer.add(objects, light_curves)
        with Store.open(self.store) as store:
            for scorer in further:
                objects = scorer.finish(objects, store, night.summary().date)
            triage = None
            if self._assistant is not None:
                triage = Triage.with_store(self._assistant, self._policy, store)
                objects = self._assessed(triage, light_curves, objects, count)
            plan = rank(
                objects,
                night=night,
                bundle=self._bundle,
                strategy=self.strategy,
                stop_below=self.stop_below,
                sampling=self._sampling.describe(self._bundle),
                triage=triage,
            )
            drift = bundle_drift(compute_features(light_curves, self._bundle).values, self._bundle)
            of_assistant = None
            if self._assistant is not None:
                visited = last_visit_features(light_curves, self._assistant)
                of_assistant = assistant_drift(visited, self._assistant)
            created = now.isoformat().replace("+00:00", "Z")
            report = {
                **count,
                **reports(further, plan),
                "queues": queues_of(plan),
                "drift": drift.to_dict(),
                "drift_assistant": None if of_assistant is None else of_assistant.to_dict(),
            }
            revision = store.save_plan(plan, created=created, report=report, light_curves=light_curves)
            match_waiting(store)
        self._mark(gen, plan, revision)
        body = {
            "revision": revision,
            "night": plan.night.date,
            "site": plan.night.site,
            "strategy": plan.strategy,
            "bundle": plan.bundle,
            "targets": len(plan.targets),
            "not_observable": len(plan.not_observable),
            "set_aside": len(plan.set_aside),
            "assistant": plan.assistant,
            **reports(further, plan),
            "policy": plan.policy,
            "queues": queues_of(plan),
            "drift": list(drift.moved),
            "drift_assistant": [] if of_assistant is None else list(of_assistant.moved),
            "outside_training": sum(target.scores.out_of_scope for target in plan.targets),
            "stop": None if plan.stop is None else plan.stop.to_dict(),
            **count,
        }
        self.logger.info("Plan written", extra=body)
        return body

    def _collect(
        self, views: Generator[SnapView, T3Send, None]
    ) -> tuple[list[ScoredObject], list[LightCurve], dict[str, int]]:
        """Return the scored objects, their light curves in that order, and how many stocks there are of which kind."""
        found: list[ScoredObject] = []
        light_curves: list[LightCurve] = []
        outdated: list[int] = []
        left_out: list[object] = []
        for view in views:
            state = _latest_score(view, self._kind)
            if state is None:
                left_out.append(view.id)
                continue
            light_curve, link, body = state
            if _kind(body) != self._kind:
                outdated.append(len(found))
            assistant = self._assistant_scores(view, link)
            found.append(replace(ScoredObject.from_dict(body), assistant=assistant))
            light_curves.append(light_curve)
        if left_out:
            self.logger.warn("Left out: no score, or its datapoints are not loaded", extra={"stocks": left_out})
        if outdated:
            # Scores of two bundles cannot share a list, and a new bundle must not cost a night.
            self.logger.warn("Scores of another bundle or sampling are made again", extra={"number": len(outdated)})
            again = score([light_curves[i] for i in outdated], self._bundle, self._sampling)
            for i, scored in zip(outdated, again, strict=True):
                found[i] = replace(scored, assistant=found[i].assistant)
        count = {"objects": len(found) + len(left_out), "scored": len(found), "rescored": len(outdated)}
        return found, light_curves, count

    def _assistant_scores(self, view: SnapView, link: object) -> AssistantScores | None:
        """Return what this assistant said of a state; None if it said nothing."""
        if self._assistant is None:
            return None
        for document in view.get_t2_views("T2VirtualAssistant"):
            body = document.get_payload() if document.link == link else None
            if body and body.get("assistant_digest") == self._assistant.digest:
                return AssistantScores.from_dict(body)
        return None

    def _assessed(
        self, triage: Triage, light_curves: Sequence[LightCurve], objects: list[ScoredObject], count: dict[str, int]
    ) -> list[ScoredObject]:
        """Give the assistant's scores to those that have none, and count them."""
        without = [i for i, o in enumerate(objects) if o.assistant is None]
        count["assessed"] = len(without)
        if not without:
            return objects
        self.logger.warn("Stocks without the assistant's scores are assessed now", extra={"number": len(without)})
        assessed = triage.assess([light_curves[i] for i in without], [objects[i] for i in without])
        by_place = dict(zip(without, assessed, strict=True))
        return [by_place.get(i, o) for i, o in enumerate(objects)]

    def _mark(self, gen: Generator[SnapView, T3Send, None], plan: NightPlan, revision: int) -> None:
        """Tag the stocks of the plan's targets, and say in their journals why they are in it."""
        for target in plan.targets[: self.max_targets]:
            extra = {
                "plan": revision,
                "night": plan.night.date,
                "site": plan.night.site,
                "strategy": plan.strategy,
                "rank": target.rank,
                "priority": target.priority,
                "out_of_scope": target.scores.out_of_scope,
                "queue": None if target.placement is None else target.placement.queue,
                "urgent": target.microlensing is not None and target.microlensing.urgent,
                "reasons": list(target.reasons),
            }
            gen.send((target.stock, StockAttributes(tag=self.tag, journal=JournalAttributes(extra=extra))))


def _evening(site: Site, now: datetime) -> date:
    """Return the date, at a site, of the last mean solar noon: nights run from noon to noon."""
    utc = now.astimezone(UTC)
    since_midnight = utc - utc.replace(hour=0, minute=0, second=0, microsecond=0)
    since_noon = (since_midnight + timedelta(days=site.longitude / 360.0 - 0.5)) % timedelta(days=1)
    return (now - since_noon).astimezone(ZoneInfo(site.timezone)).date()


def _kind(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the digest of the bundle that made a score, and how its spectra were drawn."""
    return body["bundle_digest"], body.get("sampling", "")


def _latest_score(view: SnapView, kind: tuple[str, str]) -> tuple[LightCurve, object, Mapping[str, Any]] | None:
    """Return the light curve, the link and the score of the latest state of a stock that has both."""
    points = {point["id"]: point for point in view.t0 or ()}
    states: dict[object, Sequence[int]] = {state["link"]: state["dps"] for state in view.t1 or ()}
    scores = []
    for document in view.get_t2_views("T2SpectroscopicGain"):
        body, numbers = document.get_payload(), states.get(document.link, ())
        if body and "error" not in body and numbers and points.keys() >= set(numbers):
            scores.append((body, numbers, document.link))
    if not scores:
        return None

    # Latest by the photometry, not by when it was ingested: alerts do not always arrive in order. Of detections issued
    # again for one exposure, the largest id counts, as for AMPEL.
    def age(score: tuple[Mapping[str, Any], Sequence[int], object]) -> tuple[float, int, int, bool]:
        body, numbers, _ = score
        return body["photometry"]["last_mjd"], len(numbers), max(numbers), _kind(body) == kind

    body, numbers, link = max(scores, key=age)
    try:
        return light_curve_from_datapoints(view.id, [points[number] for number in numbers]), link, body
    except (AlertError, LightCurveError):  # altered since it was scored
        return None
