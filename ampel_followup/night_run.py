"""A whole night on one machine: read alerts, score objects, make the plan, keep it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import ReadReport, light_curves
from ampel_followup.alerts.writer_schemas import WriterSchemas
from ampel_followup.assistant_scores import Queue
from ampel_followup.drift import assistant_drift, bundle_drift
from ampel_followup.further_scores import LoadedScorer, reports
from ampel_followup.learning.label_matching import match_waiting
from ampel_followup.models.assistant_bundle import Day
from ampel_followup.models.bundle import ModelBundle
from ampel_followup.observing.night import Night
from ampel_followup.plan import STOP_BELOW, NightPlan, ScoredObject
from ampel_followup.ranking import rank
from ampel_followup.scoring import Sampling, compute_features, score_features

if TYPE_CHECKING:
    from ampel_followup.store import Store
    from ampel_followup.triage import Triage

#: Objects whose light curves are in memory at once.
BATCH = 1000


class Progress(Protocol):
    """Is told how far a stage has come; ``total`` is None where it is not known."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Take note."""


def _silent(stage: str, done: int, total: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class NightRun:
    """
    What came of a run.

    Parameters
    ----------
    plan : NightPlan
    revision : int
        Of the plan in the store; 0 if it was not stored.
    report : dict
        alerts_read, alerts_bad, objects, scored, seconds, bundle, strategy, night, site; besides, objects_bad,
        bad_reasons (reason → count), remarks (what is odd and was read all the same → count), quarantine (folder or
        None), assistant, policy, queues (queue → count), drift (a `DriftReport`), drift_assistant (another, of the
        assistant's features; None without it) and stages (seconds of each); cutouts (objects, bytes and bad_reasons;
        None if they were not asked for); and the report of each further scorer by its name (bundle, digest, and what it
        found; None for those that were not used).
    """

    plan: NightPlan
    revision: int
    report: dict[str, Any]


def run_night(
    paths: Sequence[Path],
    *,
    night: Night,
    bundle: ModelBundle,
    strategy: str,
    quarantine: Quarantine,
    created: str,
    store: Store | None = None,
    progress: Progress = _silent,
    stop_below: float = STOP_BELOW,
    sampling: Sampling | None = None,
    triage: Triage | None = None,
    further: Sequence[LoadedScorer] = (),
    cutouts: bool = False,
    most_cutouts: int | None = None,
    schemas: WriterSchemas | None = None,
) -> NightRun:
    """
    Rank the objects of an archive of alerts.

    Light curves are read, scored and stored in batches; what stays in memory is the scores of each object.

    Parameters
    ----------
    paths : sequence of Path
        Alert files, folders or archives.
    night : Night
    bundle : ModelBundle
    strategy : str
    quarantine : Quarantine
        Receives what cannot be read.
    created : str
        When the plan is made, UTC, ISO 8601: for the store, not part of the plan.
    store : Store, optional
        Keeps the plan and the light curves.
    progress : Progress, optional
    stop_below : float
        A spectrum is one too many that changes the class less often than this.
    sampling : Sampling, optional
        How the possible spectra are drawn; quasi-random by default.
    triage : Triage, optional
        The virtual assistant and the policy that say what is worth a look; without it everything is.
    further : sequence of LoadedScorer
        What else is said of objects, see `ampel_followup.further_scores.load_further`; nothing by default.
    cutouts : bool
        Keep the cutouts of what the plan lists in the store, too; the alerts are read once more for that.
    most_cutouts : int, optional
        Of so many targets at most, the first ones.
    schemas : WriterSchemas, optional
        What packets without a schema are tried with; by default those that come along.

    Returns
    -------
    NightRun

    Raises
    ------
    FollowupError
        If the paths hold no usable alert, or something named does not exist.
    """
    started = time.perf_counter()
    sampling = sampling or Sampling()
    seconds: dict[str, float] = defaultdict(float)
    read = ReadReport()
    schemas = schemas or WriterSchemas()
    source = light_curves(
        paths,
        quarantine=quarantine,
        report=read,
        progress=lambda done, total: progress("reading alerts", done, total),
        schemas=schemas,
    )
    further = [scorer.tonight() for scorer in further]
    scored: list[ScoredObject] = []
    features: list[NDArray[np.float64]] = []
    visited: defaultdict[Day, list[NDArray[np.float64]]] = defaultdict(list)
    while True:
        with _timed(seconds, "read"):
            batch = list(islice(source, BATCH))
        if not batch:
            break
        with _timed(seconds, "score"):
            table = compute_features(batch, bundle)
            objects = score_features(batch, table.values, bundle, sampling)
            features.append(table.values)
        for scorer in further:
            with _timed(seconds, scorer.name):
                objects = scorer.add(objects, batch)
        if triage is not None:
            with _timed(seconds, "assistant"):
                objects, of_last_visits = triage.assess_with_features(batch, objects)
                for day, values in of_last_visits.items():
                    visited[day].append(values)
        scored += objects
        if store is not None:
            with _timed(seconds, "store"):
                store.save_light_curves(batch)
        progress("scoring objects", len(scored), None)
    progress("planning the night", 0, len(scored))
    for scorer in further:
        with _timed(seconds, scorer.name):
            scored = scorer.finish(scored, store, night.summary().date)
    with _timed(seconds, "plan"):
        plan = rank(
            scored,
            night=night,
            bundle=bundle,
            strategy=strategy,
            stop_below=stop_below,
            sampling=sampling.describe(bundle),
            triage=triage,
        )
    moved = bundle_drift(np.concatenate(features) if features else np.empty((0, len(bundle.features))), bundle)
    by_day = {day: np.concatenate(values) for day, values in visited.items()}
    report: dict[str, Any] = {
        "alerts_read": read.alerts_read,
        "alerts_bad": read.alerts_bad,
        "objects": read.objects,
        "scored": len(scored),
        "seconds": 0.0,
        "bundle": bundle.label,
        "strategy": plan.strategy,
        "night": plan.night.date,
        "site": plan.night.site,
        "objects_bad": read.objects_bad,
        "bad_reasons": dict(read.reasons),
        "remarks": dict(quarantine.remarks),
        "assistant": plan.assistant,
        **reports(further, plan),
        "policy": plan.policy,
        "queues": queues_of(plan),
        "drift": moved.to_dict(),
        "drift_assistant": assistant_drift(by_day, triage.assistant).to_dict() if triage is not None else None,
        "cutouts": None,
        "quarantine": str(quarantine.folder) if quarantine.folder is not None and read.reasons else None,
    }
    if store is not None and cutouts:
        with _timed(seconds, "cutouts"):
            report["cutouts"] = _keep_cutouts(store, paths, plan, most_cutouts, progress, schemas)
    revision = 0
    if store is not None:
        # Seconds differ from run to run and are no part of what is kept.
        kept = {key: value for key, value in report.items() if key != "seconds"}
        with _timed(seconds, "store"):
            revision = store.save_plan(plan, created=created, report=kept)
            match_waiting(store)
    progress("planning the night", len(scored), len(scored))
    report["seconds"] = round(time.perf_counter() - started, 3)
    report["stages"] = {name: round(value, 3) for name, value in seconds.items()}
    return NightRun(plan, revision, report)


def _keep_cutouts(
    store: Store,
    paths: Sequence[Path],
    plan: NightPlan,
    most: int | None,
    progress: Progress,
    schemas: WriterSchemas,
) -> dict[str, Any]:
    """Store the newest cutouts of what is listed, and say what came of them."""
    from ampel_followup.alerts.cutouts import CutoutReport, read_cutouts

    report = CutoutReport()
    found = read_cutouts(
        paths,
        {target.id for target in (*plan.targets, *plan.not_observable)[:most]},
        report=report,
        progress=lambda done, total: progress("keeping cutouts", done, total),
        schemas=schemas,
    )
    return {"objects": report.made, "bytes": store.cutouts.save(found), "bad_reasons": dict(report.reasons)}


def queues_of(plan: NightPlan) -> dict[str, int]:
    """Count the objects of each queue, in the order of queues; empty without a policy."""
    placed = Counter(
        target.placement.queue
        for target in (*plan.targets, *plan.not_observable, *plan.set_aside)
        if target.placement is not None
    )
    return {queue: placed[queue] for queue in Queue if queue in placed}


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] += time.perf_counter() - begin
