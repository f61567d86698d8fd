"""What was decided and named before tells tonight what is worth a look."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.assistant_scores import Queue
from ampel_followup.decision import Decision
from ampel_followup.labels import Label
from ampel_followup.models.assistant_bundle import load_assistant
from ampel_followup.models.bundle import load_bundle
from ampel_followup.observing import get_site, night_at
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.policy import load_policy
from ampel_followup.ranking import rank
from ampel_followup.scoring import score
from ampel_followup.simulate import simulate_objects
from ampel_followup.store import Store
from ampel_followup.triage import Triage

DATE = dt.date(2026, 11, 20)
NIGHT = night_at(get_site("palomar"), DATE)


@pytest.fixture(scope="module")
def light_curves():
    return [
        light_curve_from_candidates(o.id, ztf_stock(o.id), o.candidates)
        for o in simulate_objects(60, DATE, np.random.default_rng(4))
    ]


@pytest.fixture(scope="module")
def objects(light_curves):
    return Triage(load_assistant(), load_policy()).assess(light_curves, score(light_curves, load_bundle()))


def plan_of(objects, triage: Triage | None) -> NightPlan:
    return rank(objects, night=NIGHT, bundle=load_bundle(), triage=triage)


def everything(plan: NightPlan) -> dict[str, RankedTarget]:
    return {target.id: target for target in (*plan.targets, *plan.not_observable, *plan.set_aside)}


def test_nothing_is_lost_and_what_is_set_aside_says_why(objects):
    plan = plan_of(objects, Triage(load_assistant(), load_policy()))
    assert set(everything(plan)) == {o.id for o in objects}
    assert len(plan.targets) + len(plan.not_observable) + len(plan.set_aside) == len(objects)
    assert plan.set_aside
    for target in plan.set_aside:
        assert target.rank == 0
        assert target.placement is not None and not target.placement.listed and target.placement.because
    for target in (*plan.targets, *plan.not_observable):
        assert target.placement is not None and target.placement.listed
    assert [t.rank for t in plan.targets] == list(range(1, len(plan.targets) + 1))


def test_set_aside_goes_by_the_assistants_rank(objects):
    ranks = [
        t.assistant.rank for t in plan_of(objects, Triage(load_assistant(), load_policy())).set_aside if t.assistant
    ]
    assert ranks == sorted(ranks, reverse=True)


def test_without_triage_every_object_competes(objects):
    plan = plan_of(objects, None)
    assert len(plan.targets) + len(plan.not_observable) == len(objects)
    assert (plan.set_aside, plan.assistant, plan.policy) == ((), "", "")


def test_plan_names_assistant_and_policy_and_is_the_same_each_time(objects):
    triage = Triage(load_assistant(), load_policy())
    plan = plan_of(objects, triage)
    assert (plan.assistant, plan.assistant_digest) == (load_assistant().label, load_assistant().digest)
    assert plan.policy == f"production 1 ({load_policy().digest[:8]})"
    assert plan_of(objects[::-1], triage).to_json() == plan.to_json()
    assert NightPlan.from_dict(plan.to_dict()).to_json() == plan.to_json()


def test_deferred_target_stays_away_until_its_day(objects):
    assistant, policy = load_assistant(), load_policy()
    target = plan_of(objects, Triage(assistant, policy)).targets[0]
    deferred = Decision(
        target=target.id, night="2026-11-19", site="palomar", verdict="defer", observer="ada",
        time="2026-11-20T04:00:00Z", comment="", plan_revision=1, id=1,
    )  # fmt: skip
    placed = everything(plan_of(objects, Triage(assistant, policy, [deferred])))[target.id]
    assert placed.placement is not None and not placed.placement.listed
    assert placed.placement.snoozed_until == "2026-11-22"


@pytest.mark.parametrize(("until", "listed"), [("2026-11-21", False), ("2026-11-20", True)])
def test_target_deferred_until_a_day_stays_away_until_then_whatever_the_policy_says(objects, until, listed):
    assistant, policy = load_assistant(), load_policy()
    snooze = policy.snooze.model_copy(update={"days": 30, "wake_rise": 0.0})
    policy = policy.model_copy(update={"snooze": snooze})
    target = plan_of(objects, Triage(assistant, policy)).targets[0]
    deferred = Decision(
        target=target.id, night="2026-11-19", site="palomar", verdict="defer", observer="ada",
        time="2026-11-20T04:00:00Z", until=until, plan_revision=1, id=1,
    )  # fmt: skip
    placed = everything(plan_of(objects, Triage(assistant, policy, [deferred])))[target.id].placement
    assert placed is not None and placed.listed == listed
    assert placed.snoozed_until == (None if listed else until)
    assert listed or f"deferred by ada on 2026-11-19, back on {until}" in placed.because


def test_object_named_by_others_waits_for_what_is_not_expected(objects):
    assistant, policy = load_assistant(), load_policy()
    target = plan_of(objects, Triage(assistant, policy)).targets[0]
    label = Label(target=target.id, type="SN Ia", source="TNS", time="2026-11-18T10:00:00Z", author="others")
    placed = everything(plan_of(objects, Triage(assistant, policy, labels=[label])))[target.id].placement
    assert placed is not None and placed.queue == Queue.WAIT and "followed up" in placed.because


def test_triage_takes_decisions_and_labels_from_the_store(tmp_path, objects):
    with Store.open(tmp_path / "night.sqlite") as store:
        plan = plan_of(objects, Triage.with_store(load_assistant(), load_policy(), store))
        store.save_plan(plan, created="2026-11-20T01:00:00Z")
        target = plan.targets[0].id
        store.add_labels([Label(target, "SN II", "TNS", "2026-11-18T10:00:00Z", "others")])
        again = Triage.with_store(load_assistant(), load_policy(), store)
        assert everything(plan_of(objects, again))[target].placement.queue == Queue.WAIT  # type: ignore[union-attr]
        assert len(list(store.visits())) >= len(objects)


def test_object_without_scores_is_listed_rather_than_lost(objects):
    unknown = replace(objects[0], assistant=None)
    placed = everything(plan_of([unknown], Triage(load_assistant(), load_policy())))[unknown.id]
    assert placed.placement is not None and placed.placement.listed
