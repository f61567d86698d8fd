"""Plans of one night with and without AMPEL, and what makes two of them the same."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.anomaly_scores import AnomalyScores
from ampel_followup.assistant_scores import AssistantScores
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import load_assistant
from ampel_followup.models.bundle import load_bundle
from ampel_followup.night_run import NightRun, run_night
from ampel_followup.observing import get_site, night_at
from ampel_followup.plan import STOP_BELOW, NightPlan, RankedTarget
from ampel_followup.policy import load_policy
from ampel_followup.scoring import Sampling
from ampel_followup.store import Store, StoredPlan
from ampel_followup.triage import Triage

SITE, NIGHT = "palomar", "2018-08-20"
TOLERANCE = 1e-9


def triage() -> Triage:
    return Triage(load_assistant(), load_policy())


def embedded(
    archive: Path,
    strategy: str = "value-of-information",
    stop_below: float = STOP_BELOW,
    sampling: Sampling | None = None,
    *,
    triaged: bool = True,
) -> NightPlan:
    """Plan the same night without AMPEL."""
    return embedded_run(archive, strategy, stop_below, sampling, triaged=triaged).plan


def embedded_run(
    archive: Path,
    strategy: str = "value-of-information",
    stop_below: float = STOP_BELOW,
    sampling: Sampling | None = None,
    *,
    triaged: bool = True,
    site: str = SITE,
    night: str = NIGHT,
) -> NightRun:
    """Run the same night without AMPEL."""
    return run_night(
        [archive],
        night=night_at(get_site(site), night),
        bundle=load_bundle(),
        strategy=strategy,
        quarantine=Quarantine(None),
        created="2018-08-20T22:00:00Z",
        stop_below=stop_below,
        sampling=sampling,
        triage=triage() if triaged else None,
    )


def read_light_curves(archive: Path) -> dict[str, LightCurve]:
    return {curve.id: curve for curve in light_curves([archive], quarantine=Quarantine(None))}


def stored(broker: Any) -> StoredPlan:
    with Store.open(broker.store, read_only=True) as store:
        return store.load_plan(night=NIGHT, site=SITE)


def everything(plan: NightPlan) -> list[RankedTarget]:
    return [*plan.targets, *plan.not_observable, *plan.set_aside]


def counts(report: Mapping[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in ("objects", "scored", "rescored")}


def t2_results(broker: Any) -> list[tuple[object, ...]]:
    return [
        tuple(document[key] for key in ("stock", "unit", "link", "code", "body")) for document in broker.documents("t2")
    ]


def assert_same_plan(plan: NightPlan, expected: NightPlan) -> None:
    for name in ("night", "strategy", "bundle_digest", "sampling", "assistant_digest", "policy"):
        assert getattr(plan, name) == getattr(expected, name)
    assert (plan.stop is None) == (expected.stop is None)
    if plan.stop is not None and expected.stop is not None:
        assert (plan.stop.after, plan.stop.sentence) == (expected.stop.after, expected.stop.sentence)
        assert plan.stop.changes == pytest.approx(expected.stop.changes, abs=TOLERANCE)
    for name in ("targets", "not_observable", "set_aside"):
        ours: tuple[RankedTarget, ...] = getattr(plan, name)
        theirs: tuple[RankedTarget, ...] = getattr(expected, name)
        assert [target.id for target in ours] == [target.id for target in theirs]
        for one, other in zip(ours, theirs, strict=True):
            assert one.scores.p_t == pytest.approx(other.scores.p_t, abs=TOLERANCE)
            assert one.scores.p_ts == pytest.approx(other.scores.p_ts, abs=TOLERANCE)
            assert one.scores.p_after == pytest.approx(other.scores.p_after, abs=TOLERANCE)
            for score in (
                "entropy",
                "information_gain",
                "p_change",
                "value_of_information",
                "spectrum_uncertainty",
                "in_scope",
            ):
                assert getattr(one.scores, score) == pytest.approx(getattr(other.scores, score), abs=TOLERANCE)
            assert one.scores.out_of_scope is other.scores.out_of_scope
            assert (one.rank, one.stock, one.reasons) == (other.rank, other.stock, other.reasons)
            assert one.visibility.to_dict() == other.visibility.to_dict()
            assert one.photometry.to_dict() == other.photometry.to_dict()
            assert one.placement == other.placement
            assert_same_assessment(one.assistant, other.assistant)
            assert_same_anomaly(one.anomaly, other.anomaly)


def assert_same_assessment(one: AssistantScores | None, other: AssistantScores | None) -> None:
    assert (one is None) == (other is None)
    if one is None or other is None:
        return
    assert len(one.history) == len(other.history) > 0
    for visit, expected in zip(one.history, other.history, strict=True):
        for name in ("mjd", "day", "p_real", "p_galactic", "p_fast", "rank"):
            assert getattr(visit, name) == pytest.approx(getattr(expected, name), abs=TOLERANCE, nan_ok=True)
    assert one.rank == pytest.approx(other.rank, abs=TOLERANCE)
    assert [cause.text for cause in one.causes] == [cause.text for cause in other.causes]
    assert [(t.name, t.label) for t in one.traits] == [(t.name, t.label) for t in other.traits]


def assert_same_anomaly(one: AnomalyScores | None, other: AnomalyScores | None) -> None:
    assert (one is None) == (other is None)
    if one is None or other is None:
        return
    for name in ("score", "p_isolation", "p_density", "p_disagreement", "interest"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=TOLERANCE, nan_ok=True)
    assert (one.turn, one.place, one.sentence) == (other.turn, other.place, other.sentence)


def reordered(archive: Path, out: Path, *, newest_first: bool) -> Path:
    """Return a copy of an archive with its packets in order of candid, that is of time."""
    with tarfile.open(archive) as source, tarfile.open(out, "w:gz") as target:
        members = [member for member in source.getmembers() if member.name.endswith(".avro")]
        for member in sorted(members, key=lambda member: Path(member.name).name, reverse=newest_first):
            target.addfile(member, source.extractfile(member))
    return out
