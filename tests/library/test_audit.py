"""What was weeded out and later named by others is found, and nothing else is called a miss."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from assistant_plans import PLAN, plan_of, scored

from ampel_followup.audit import NamedObject, audit
from ampel_followup.decision import Decision
from ampel_followup.labels import Label
from ampel_followup.plan import RankedTarget
from ampel_followup.store import Store

SITE = PLAN.night.site
ANY = PLAN.targets[0]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "night.sqlite") as opened:
        yield opened


def save(store: Store, night: str, *targets: RankedTarget) -> int:
    # Made years later: an old night that is run again.
    return store.save_plan(plan_of(night, *targets), created="2026-11-20T06:00:00Z")


def name(store: Store, target: str, label_type: str = "SN Ia", day: str = "2018-08-25", source: str = "TNS") -> None:
    store.add_labels([Label(target, label_type, source, day)])


def decide(store: Store, target: str, verdict: str, night: str) -> Decision:
    return store.record(Decision(target, night, SITE, verdict, "Vera", f"{night}T20:00:00Z", "looks like a star"))


def fates(store: Store) -> dict[str, str]:
    return {found.target: found.fate for found in audit(store).good}


def test_a_supernova_in_the_garbage_is_a_miss_with_all_that_was_said_of_it(store: Store) -> None:
    save(store, "2018-08-20", scored(ANY, "ZTF18lost", "wait", 5.0), scored(ANY, "ZTF18junk", "garbage", 1.0))
    revision = save(store, "2018-08-21", scored(ANY, "ZTF18lost", "garbage", 5.0, 0.4))
    name(store, "ZTF18lost")
    found = audit(store)
    [miss] = found.misses
    assert (miss.target, miss.fate, miss.label.type, miss.label.source) == ("ZTF18lost", "set aside", "SN Ia", "TNS")
    assert (miss.night, miss.site, miss.revision) == ("2018-08-21", SITE, revision)
    assert (miss.queue, miss.stage, miss.p_real, miss.assistant_rank) == ("garbage", "updating", 0.04, 0.4)
    assert (miss.best_rank, miss.list_rank) == (5.0, 0)
    assert (miss.policy, miss.assistant, miss.assistant_digest) == ("policy 1", "assistant 1.0", "a1")
    assert (miss.bundle, miss.bundle_digest) == (PLAN.bundle, PLAN.bundle_digest)
    assert (found.n_labelled, found.n_extragalactic, len(found.good), found.n_missed) == (1, 1, 1, 1)
    assert found.missed_fraction == 1.0


@pytest.mark.parametrize("queue", ["wait", "purgatory", "garbage", "galactic"])
def test_whatever_the_queue_what_was_never_listed_is_a_miss(store: Store, queue: str) -> None:
    save(store, "2018-08-20", scored(ANY, "ZTF18lost", queue, 3.0))
    name(store, "ZTF18lost")
    assert fates(store) == {"ZTF18lost": "set aside"}


def test_listed_once_before_the_label_is_enough(store: Store) -> None:
    save(store, "2018-08-20", scored(ANY, "ZTF18seen", "extragalactic", 8.0, listed=True))
    save(store, "2018-08-21", scored(ANY, "ZTF18seen", "purgatory", 8.0, 2.0))
    name(store, "ZTF18seen")
    [good] = audit(store).good
    assert (good.fate, good.list_rank, good.best_rank, good.missed) == ("listed", 1, 8.0, False)


def test_listed_only_after_the_label_is_a_miss(store: Store) -> None:
    save(store, "2018-08-20", scored(ANY, "ZTF18late", "purgatory", 3.0))
    save(store, "2018-08-30", scored(ANY, "ZTF18late", "urgent", 3.0, 10.0, listed=True))
    name(store, "ZTF18late", day="2018-08-25")
    [miss] = audit(store).misses
    assert (miss.night, miss.queue) == ("2018-08-20", "purgatory")


def test_worth_a_look_and_out_of_sight_is_no_miss(store: Store) -> None:
    hidden = scored(PLAN.not_observable[0], "ZTF18south", "extragalactic", 9.0, listed=True)
    plan = replace(plan_of("2018-08-20"), not_observable=(hidden,))
    store.save_plan(plan, created="2018-08-20T06:00:00Z")
    name(store, "ZTF18south")
    assert fates(store) == {"ZTF18south": "listed"}


def test_a_rejection_is_a_miss_of_a_person_unless_taken_back_or_made_good(store: Store) -> None:
    names = ("ZTF18a", "ZTF18b", "ZTF18c", "ZTF18d")
    targets = [scored(ANY, target, "extragalactic", 8.0, listed=True) for target in names]
    save(store, "2018-08-20", *targets)
    save(store, "2018-08-21", *targets)
    for target in names:
        name(store, target)
    rejections = {target: decide(store, target, "reject", "2018-08-20") for target in names}
    store.undo(rejections["ZTF18b"].id, observer="Annie", time="2018-08-20T21:00:00Z")
    decide(store, "ZTF18c", "approve", "2018-08-21")
    decide(store, "ZTF18d", "comment", "2018-08-21")
    assert fates(store) == {"ZTF18a": "rejected", "ZTF18b": "listed", "ZTF18c": "approved", "ZTF18d": "rejected"}
    found = audit(store)
    assert (found.n_rejected, found.n_set_aside, found.n_missed, found.missed_fraction) == (2, 0, 2, 0.5)
    miss = found.misses[0]
    assert (miss.observer, miss.comment, miss.night) == ("Vera", "looks like a star", "2018-08-20")


def test_a_rejection_after_the_label_is_no_miss(store: Store) -> None:
    target = scored(ANY, "ZTF18abc", "extragalactic", 8.0, listed=True)
    save(store, "2018-08-20", target)
    save(store, "2018-08-30", target)
    name(store, "ZTF18abc", day="2018-08-25")
    decide(store, "ZTF18abc", "reject", "2018-08-30")
    assert fates(store) == {"ZTF18abc": "listed"}


def test_what_was_in_no_plan_before_it_was_named_could_not_be_missed(store: Store) -> None:
    save(store, "2018-08-30", scored(ANY, "ZTF18known", "garbage", 0.5))
    name(store, "ZTF18known", day="2018-08-25")
    name(store, "ZTF18elsewhere")
    found = audit(store)
    assert (found.good, found.n_labelled, found.n_extragalactic) == ((), 2, 2)
    assert math.isnan(found.missed_fraction)


@pytest.mark.parametrize("label_type", ["CV", "AGN", "Varstar", "garbage", "Other"])
def test_only_extragalactic_transients_are_missed(store: Store, label_type: str) -> None:
    save(store, "2018-08-20", scored(ANY, "ZTF18abc", "garbage", 0.5))
    name(store, "ZTF18abc", label_type)
    assert audit(store).good == ()


def test_the_label_that_holds_decides(store: Store) -> None:
    save(store, "2018-08-20", scored(ANY, "ZTF18abc", "garbage", 0.5))
    name(store, "ZTF18abc", "SN Ia", source="human")
    assert len(audit(store).misses) == 1
    name(store, "ZTF18abc", "CV", day="2018-08-26", source="TNS")
    assert audit(store).misses == ()


def test_a_plan_without_an_assistant_misses_nothing(store: Store) -> None:
    store.save_plan(PLAN, created="2018-08-20T06:00:00Z")
    name(store, ANY.id)
    [good] = audit(store).good
    assert (good.fate, good.queue, good.list_rank) == ("listed", None, 1)
    assert math.isnan(good.best_rank)


def test_labels_before_a_date_are_left_out(store: Store) -> None:
    save(store, "2018-08-20", *(scored(ANY, target, "garbage", 0.5) for target in ("ZTF18a", "ZTF18b", "ZTF18c")))
    for target, day in (("ZTF18a", "2018-08-24"), ("ZTF18b", "2018-08-25"), ("ZTF18c", "2018-08-26")):
        name(store, target, day=day)
    assert [miss.target for miss in audit(store, since="2018-08-25").misses] == ["ZTF18b", "ZTF18c"]
    assert [miss.target for miss in audit(store, since="2018-08-25", until="2018-08-26").misses] == ["ZTF18b"]


def test_a_named_object_survives_json(store: Store) -> None:
    save(store, "2018-08-20", scored(ANY, "ZTF18abc", "garbage", 0.5))
    name(store, "ZTF18abc")
    [miss] = audit(store).misses
    assert NamedObject.from_dict(json.loads(json.dumps(miss.to_dict()))).to_dict() == miss.to_dict()


def test_the_command_names_each_miss(run, store: Store) -> None:
    code, out, _ = run("audit", "--store", store.url)
    assert code == 0
    assert out.startswith("0 objects with a label, 0 of them extragalactic transients, of which 0 were in a plan")
    save(store, "2018-08-20", scored(ANY, "ZTF18lost", "garbage", 0.5), scored(ANY, "ZTF18x", "wait", 5.0, listed=True))
    name(store, "ZTF18lost")
    name(store, "ZTF18x", "TDE")
    _, out, _ = run("audit", "--store", store.url)
    assert "1 of these were missed (50.0 %): 1 set aside by the policy, 0 rejected by people" in out
    [line] = [line for line in out.splitlines() if line.startswith("ZTF18lost")]
    assert all(text in line for text in ("SN Ia", "TNS", "set aside", "2018-08-20", "garbage", "0.5", "policy 1"))
    data = json.loads(run("audit", "--store", store.url, "--json")[1])
    assert [miss["target"] for miss in data["misses"]] == ["ZTF18lost"]
    assert (data["n_missed"], data["missed_fraction"], len(data["good"])) == (1, 0.5, 2)
    assert data["misses"][0]["label"]["class_name"] == "SN Ia"


def test_a_wrong_date_is_one_line(run, store: Store) -> None:
    code, _, err = run("audit", "--store", store.url, "--since", "yesterday")
    assert code == 2
    assert err.count("\n") == 1
    assert "'yesterday'" in err
