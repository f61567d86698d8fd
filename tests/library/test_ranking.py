"""Tonight's list: what is in it, in which order, and what is kept apart."""

from __future__ import annotations

import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ampel_followup.errors import NightError, SiteError, StrategyError
from ampel_followup.plan import NightPlan, Photometry, ScoredObject, TargetScores
from ampel_followup.ranking import rank
from ampel_followup.score_arrays import ScoreArrays

BUNDLE = SimpleNamespace(label="toy 1", digest="0" * 64)


def scored_object(number: int, voi: float, ra: float = 330.0, dec: float = 20.0, indicator: int = 0) -> ScoredObject:
    scores = TargetScores(
        p_t={"SN Ia": 0.6, "SN II": 0.4},
        p_ts={"SN Ia": 0.5, "SN II": 0.5},
        class_now="SN Ia",
        class_after="SN II" if indicator else "SN Ia",
        entropy=0.6 - voi / 10,
        expected_entropy=0.3,
        information_gain=0.3 - voi / 10,
        indicator=indicator,
        p_change=voi,
        value_of_information=voi,
        uncertainty=0.4,
        in_scope=0.5,
    )
    photometry = Photometry(2, 1, 58000.0, 58001.0, "ztfr", 19.0, 0.1, float("nan"), {"ztfr": 2})
    return ScoredObject(f"ZTF18a{number:06d}", number, ra, dec, photometry, scores, ("because",))


@pytest.fixture
def objects() -> list[ScoredObject]:
    rng = np.random.default_rng(2)
    return [
        scored_object(i, float(voi), ra, dec, int(i % 5 == 0))
        for i, (voi, ra, dec) in enumerate(
            zip(np.round(rng.random(60), 2), rng.uniform(0, 360, 60), rng.uniform(-80, 89, 60), strict=True)
        )
    ]


def test_targets_are_in_order_of_priority_and_equal_ones_in_order_of_name(objects):
    plan = rank(objects, night="2018-08-20", site="palomar", bundle=BUNDLE)
    keys = [(-t.priority, t.id) for t in plan.targets]
    assert keys == sorted(keys)
    assert [t.rank for t in plan.targets] == list(range(1, len(plan.targets) + 1))
    assert all(t.priority == t.scores.value_of_information for t in plan.targets)


def test_what_cannot_be_seen_is_kept_apart_with_the_reason(objects):
    plan = rank(objects, night="2018-08-20", site="palomar", bundle=BUNDLE)
    assert len(plan.targets) + len(plan.not_observable) == len(objects)
    assert plan.targets and plan.not_observable
    assert all(t.visibility.observable and t.visibility.reason is None and t.visibility.start for t in plan.targets)
    assert all(not t.visibility.observable and t.visibility.reason and t.rank == 0 for t in plan.not_observable)
    south = [t for t in plan.not_observable if t.dec < -60]
    assert south and all("never rises" in (t.visibility.reason or "") for t in south)


@pytest.mark.parametrize("strategy", ["value-of-information", "random", "entropy-indicator"])
def test_the_same_objects_in_any_order_give_the_same_bytes(objects, strategy):
    shuffled = random.Random(7).sample(objects, len(objects))
    plans = [
        rank(o, night="2018-08-20", site="palomar", strategy=strategy, bundle=BUNDLE).to_json()
        for o in (objects, shuffled)
    ]
    assert plans[0] == plans[1]


def test_a_plan_survives_json_to_the_last_bit(objects):
    import json

    plan = rank(objects, night="2018-08-20", site="palomar", bundle=BUNDLE)
    assert NightPlan.from_dict(json.loads(plan.to_json())).to_json() == plan.to_json()


def test_plan_says_when_to_stop(objects):
    plan = rank(objects, night="2018-08-20", site="palomar", bundle=BUNDLE)
    assert plan.stop is not None
    # In these objects the share of changed classes is the priority itself, in steps of 0.01.
    assert plan.stop.after == sum(t.scores.p_change >= 0.02 for t in plan.targets)
    assert plan.stop.changes == pytest.approx(sum(t.priority for t in plan.targets[: plan.stop.after]))
    all_worth_it = rank(objects, night="2018-08-20", site="palomar", bundle=BUNDLE, stop_below=1e-6).stop
    assert all_worth_it is not None and all_worth_it.after >= len(plan.targets) - 1


def test_quotas_of_a_mixture_hold_among_what_can_be_observed(objects):
    plan = rank(
        objects, night="2018-08-20", site="palomar", bundle=BUNDLE, strategy="mixture:value-of-information=1,entropy=1"
    )
    best = max(plan.targets, key=lambda t: t.scores.value_of_information)
    confused = max(plan.targets, key=lambda t: t.scores.entropy)
    assert {t.id for t in plan.targets[:2]} == {best.id, confused.id}
    assert plan.strategy == "mixture:value-of-information=0.5,entropy=0.5"


def test_plan_and_scores_stored_by_an_earlier_version_are_read(objects):
    plan = rank(objects, night="2018-08-20", site="palomar", bundle=BUNDLE).to_dict()
    for name in ("stop", "sampling"):
        del plan[name]
    for name in ("p_after", "spectrum_uncertainty", "out_of_scope"):
        del plan["targets"][0]["scores"][name]
    plan["targets"][0]["scores"]["in_scope"] = 0.01
    old = NightPlan.from_dict(plan)
    assert old.stop is None and old.sampling == ""
    scores = old.targets[0].scores
    assert scores.p_after == {} and np.isnan(scores.spectrum_uncertainty) and scores.out_of_scope


def test_object_unlike_what_was_trained_on_is_flagged_and_the_flag_cannot_lie():
    scores = scored_object(1, 0.5, 0.0, 0.0, 0).scores
    for in_scope, flag in ((0.0199, True), (0.02, False)):
        changed = replace(scores, in_scope=in_scope)
        assert changed.out_of_scope is flag and changed.to_dict()["out_of_scope"] is flag
        assert TargetScores.from_dict({**changed.to_dict(), "out_of_scope": not flag}).out_of_scope is flag


def test_strategy_sees_every_score_of_every_object(objects):
    arrays = ScoreArrays.of(objects)
    assert arrays.classes == ("SN Ia", "SN II")
    assert arrays.p_t.shape == arrays.p_ts.shape == arrays.p_after.shape == (60, 2)
    assert np.isnan(arrays.p_after).all()  # objects that were scored before it was kept
    for name in ("entropy", "p_change", "in_scope", "value_of_information"):
        np.testing.assert_array_equal(getattr(arrays, name), [getattr(o.scores, name) for o in objects])


def test_another_night_gives_another_chance(objects):
    first, second = (
        [t.id for t in rank(objects, night=night, site="palomar", strategy="random", bundle=BUNDLE).targets]
        for night in ("2018-08-20", "2018-08-21")
    )
    assert first != second


def test_a_night_without_objects_is_an_empty_plan():
    plan = rank([], night="2018-08-20", site="palomar", bundle=BUNDLE)
    assert plan.targets == () and plan.not_observable == ()


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"site": "palomr"}, SiteError, "palomar"),
        ({"night": "2018-02-30"}, NightError, "2018-02-30"),
        ({"site": "78.2,15.6", "night": "2018-06-21"}, NightError, "polar day"),
        ({"site": "78.2,15.6", "night": "2018-12-21"}, NightError, "polar night"),
        ({"strategy": "guess"}, StrategyError, "value-of-information"),
        ({"stop_below": 2.0}, StrategyError, "above 0 and below 1"),
    ],
)
def test_a_wrong_site_night_or_strategy_is_one_clear_line(objects, changed, error, message):
    arguments = {"night": "2018-08-20", "site": "palomar", "bundle": BUNDLE} | changed
    with pytest.raises(error, match=message) as caught:
        rank(objects, **arguments)
    assert "\n" not in str(caught.value)
