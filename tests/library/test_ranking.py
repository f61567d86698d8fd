"""Tonight's list: what is in it, in which order, and what is kept apart."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest

from ampel_followup.errors import NightError, SiteError, StrategyError
from ampel_followup.plan import NightPlan, Photometry, ScoredObject, TargetScores
from ampel_followup.ranking import rank

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
    ],
)
def test_a_wrong_site_night_or_strategy_is_one_clear_line(objects, changed, error, message):
    arguments = {"night": "2018-08-20", "site": "palomar", "bundle": BUNDLE} | changed
    with pytest.raises(error, match=message) as caught:
        rank(objects, **arguments)
    assert "\n" not in str(caught.value)
