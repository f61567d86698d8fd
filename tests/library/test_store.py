"""What is put into the store comes out again, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from assistant_plans import PLAN, scored, weeded_plan
from store_engines import engine_of

from ampel_followup.decision import Decision
from ampel_followup.errors import ConflictError, StoreError
from ampel_followup.labels import Label
from ampel_followup.lightcurve import LightCurve
from ampel_followup.plan import StopAdvice
from ampel_followup.store import Store, migrations
from ampel_followup.store.schema import METADATA

NIGHT, SITE = PLAN.night.date, PLAN.night.site
TARGET, SECOND = PLAN.targets[0].id, PLAN.targets[1].id
NOW = "2018-08-20T20:00:00.000000Z"

#: Parts of a target that came with the assistant.
ASSISTANT = ("assistant", "placement")


def light_curve(name: str = TARGET, last: float = 58350.5, n: int = 5) -> LightCurve:
    rng = np.random.default_rng(n)
    return LightCurve(
        id=name,
        stock=7,
        time=np.linspace(58340.0, last, n),
        band=np.array(["ztfg", "ztfr", "lsstu"])[np.arange(n) % 3],
        flux=rng.normal(scale=50.0, size=n),
        flux_err=rng.uniform(1.0, 5.0, n),
        upper_limit=np.arange(n) % 2 == 0,
        ra=120.5,
        dec=-0.25,
        source_id=rng.integers(1, 2**62, n),
        point_ra=np.where(np.arange(n) % 2 == 0, np.nan, 120.5),
        drb=rng.uniform(size=n),
        meta={"sgscore1": 0.5, "magnr": float("nan")},
    )


def decision(verdict: str = "approve", target: str = TARGET, **fields: object) -> Decision:
    values = {"night": NIGHT, "site": SITE, "observer": "Vera", "time": NOW, **fields}
    return Decision(target=target, verdict=verdict, **values)  # type: ignore[arg-type]


def test_a_plan_comes_back_to_the_last_bit(store: Store) -> None:
    report = {"alerts_read": 30, "seconds": 1.25, "bad": ["a.avro: truncated"]}
    revision = store.save_plan(PLAN, created=NOW, report=report)
    stored = store.load_plan()
    assert stored.plan.to_json() == PLAN.to_json()
    assert stored.report == report
    assert stored.info.revision == revision
    assert (stored.info.n_targets, stored.info.n_not_observable) == (3, 1)
    assert (stored.info.night, stored.info.site, stored.info.created) == (NIGHT, SITE, NOW)


def test_the_same_plan_is_kept_once_until_another_one_comes_between(store: Store) -> None:
    other = replace(PLAN, strategy="entropy")
    first = store.save_plan(PLAN, created=NOW)
    assert store.save_plan(PLAN, created="2018-08-20T21:00:00Z") == first
    second = store.save_plan(other, created=NOW)
    third = store.save_plan(PLAN, created=NOW)
    assert first < second < third
    assert [info.revision for info in store.plans()] == [third, second, first]
    assert store.load_plan().plan.strategy == PLAN.strategy


def test_moving_a_target_out_of_sight_makes_a_new_plan(store: Store) -> None:
    first = store.save_plan(PLAN, created=NOW)
    moved = replace(PLAN, targets=PLAN.targets[:-1], not_observable=(PLAN.targets[-1], *PLAN.not_observable))
    assert store.save_plan(moved, created=NOW) > first


def test_the_newest_plan_that_matches_is_loaded(store: Store) -> None:
    revisions = {}
    for night in ("2018-08-20", "2018-08-21"):
        for site in ("palomar", "sso"):
            plan = replace(PLAN, night=replace(PLAN.night, date=night, site=site))
            revisions[night, site] = store.save_plan(plan, created=NOW)
    assert store.load_plan().info.revision == revisions["2018-08-21", "sso"]
    assert store.load_plan(site="palomar").info.revision == revisions["2018-08-21", "palomar"]
    assert store.load_plan(night="2018-08-20").info.revision == revisions["2018-08-20", "sso"]
    first = revisions["2018-08-20", "palomar"]
    assert store.load_plan(first).plan.night.site == "palomar"
    assert store.load_plan(night="2018-08-20", site="palomar").info.revision == first


def test_a_limit_gives_the_first_rows_of_the_lists_in_their_order(store: Store) -> None:
    unseen = tuple(replace(PLAN.not_observable[0], id=f"ZTF18unseen{i}") for i in range(5))
    store.save_plan(replace(PLAN, not_observable=unseen), created=NOW)
    stored = store.load_plan(limit=2)
    assert [target.id for target in stored.plan.targets] == [TARGET, SECOND]
    assert stored.plan.not_observable == ()
    more = store.load_plan(limit=5).plan
    assert [target.id for target in more.not_observable] == ["ZTF18unseen0", "ZTF18unseen1"]
    assert (stored.info.n_targets, stored.info.n_not_observable) == (3, 5)


def test_a_plan_that_is_missing_is_named_with_the_remedy(store: Store) -> None:
    with pytest.raises(StoreError, match=r"no plan for 2026-11-20 at sso in .*; run `ampel-followup rank … --store"):
        store.load_plan(night="2026-11-20", site="sso")
    with pytest.raises(StoreError, match="no plan with revision 99 in"):
        store.load_plan(99)


def test_scores_are_columns_for_those_who_ask_by_sql(store: Store, store_url: str) -> None:
    unknown = replace(PLAN.targets[0], scores=replace(PLAN.targets[0].scores, entropy=float("nan")))
    store.save_plan(replace(PLAN, targets=(unknown, *PLAN.targets[1:])), created=NOW)
    with engine_of(store_url).connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT id, value_of_information, class_now, entropy FROM targets WHERE observable ORDER BY position"
        ).all()
    assert [tuple(row)[:3] for row in rows] == [
        (t.id, t.scores.value_of_information, t.scores.class_now) for t in PLAN.targets
    ]
    assert [row[3] is None for row in rows] == [True, False, False]


def test_what_is_set_aside_comes_back_in_its_order_to_the_last_bit(store: Store) -> None:
    plan = weeded_plan()
    store.save_plan(plan, created=NOW)
    stored = store.load_plan()
    assert stored.plan.to_json() == plan.to_json()
    assert [target.id for target in stored.plan.set_aside] == ["ZTF18wait", "ZTF18garbage", "ZTF18purgatory"]
    assert (stored.info.n_targets, stored.info.n_not_observable, stored.info.n_set_aside) == (1, 1, 3)
    limited = store.load_plan(limit=4).plan
    assert (len(limited.targets), len(limited.not_observable)) == (1, 1)
    assert [target.id for target in limited.set_aside] == ["ZTF18wait", "ZTF18garbage"]
    # What is set aside can be looked at, so it can be decided on.
    assert store.record(decision("comment", "ZTF18garbage", comment="is this really garbage?")).id


def test_setting_a_target_aside_makes_a_new_plan(store: Store) -> None:
    first = store.save_plan(PLAN, created=NOW)
    assert store.save_plan(replace(PLAN, targets=PLAN.targets[:-1], set_aside=PLAN.targets[-1:]), created=NOW) > first


def test_an_appearance_says_what_the_policy_made_of_a_target(store: Store) -> None:
    revision = store.save_plan(weeded_plan(), created=NOW)
    other = replace(PLAN, night=replace(PLAN.night, date="2018-08-21"))
    store.save_plan(other, created=NOW)
    found = {row.id: row for row in store.appearances(last_night=NIGHT)}
    assert list(found)[:2] == [TARGET, PLAN.not_observable[0].id]
    assert len(found) == 5
    garbage = found["ZTF18garbage"]
    assert (garbage.revision, garbage.night, garbage.set_aside, garbage.observable) == (revision, NIGHT, True, True)
    assert (garbage.queue, garbage.stage, garbage.assistant_rank, garbage.policy) == (
        "garbage", "updating", 0.4, "policy 1",
    )  # fmt: skip
    assert np.isnan(garbage.p_fast)
    assert (found["ZTF18wait"].observable, found["ZTF18wait"].set_aside) == (False, True)
    assert (found[TARGET].rank, found[TARGET].set_aside) == (1, False)
    assert {row.night for row in store.appearances(first_night="2018-08-21")} == {"2018-08-21"}
    assert {row.queue for row in store.appearances(first_night="2018-08-21")} == {None}
    assert [row.night for row in store.appearances(target=TARGET)] == [NIGHT, "2018-08-21"]
    store.add_labels([label("ZTF18garbage")])
    assert [row.id for row in store.appearances(labelled=True)] == ["ZTF18garbage"]


def test_past_ranks_say_where_an_object_stood_on_each_night(store: Store) -> None:
    store.save_plan(PLAN, created=NOW)
    later = replace(PLAN, night=replace(PLAN.night, date="2018-08-21"))
    store.save_plan(later, created=NOW)
    # The plan of a night is made anew: the object has fallen to the second place.
    first, second, *others = PLAN.targets
    swapped = (replace(second, rank=1), replace(first, rank=2), *others)
    revision = store.save_plan(replace(later, targets=swapped), created=NOW)
    found = store.past_ranks(TARGET)
    assert [(past.night, past.rank) for past in found] == [(NIGHT, 1), ("2018-08-21", 2)]
    newest = found[-1]
    assert (newest.revision, newest.n_targets, newest.site) == (revision, len(PLAN.targets), SITE)
    assert (newest.observable, newest.set_aside, newest.strategy) == (True, False, PLAN.strategy)
    assert (newest.class_now, newest.p_class) == (first.scores.class_now, pytest.approx(max(first.scores.p_t.values())))
    assert newest.value_of_information == first.scores.value_of_information
    assert (newest.mag, newest.band) == (
        pytest.approx(first.photometry.last_mag, nan_ok=True),
        first.photometry.last_band,
    )


def test_past_ranks_tell_what_was_not_listed(store: Store) -> None:
    store.save_plan(weeded_plan(), created=NOW)
    [hidden] = store.past_ranks(PLAN.not_observable[0].id)
    [garbage] = store.past_ranks("ZTF18garbage")
    assert (hidden.rank, hidden.observable, hidden.set_aside) == (0, False, False)
    assert (garbage.rank, garbage.set_aside) == (0, True)
    assert store.past_ranks("nobody") == []


def test_each_visit_is_kept_once_with_what_was_said_first(store: Store) -> None:
    plan = weeded_plan()
    revision = store.save_plan(plan, created=NOW)
    kept = list(store.visits("ZTF18garbage"))
    assert [(v.mjd, v.rank, v.queue, v.stage) for v in kept] == [
        (58348.1, 0.5, None, None),
        (58349.1, 0.4, "garbage", "updating"),
    ]
    last = kept[-1]
    assert (last.night, last.site, last.revision, last.recorded) == (NIGHT, SITE, revision, NOW)
    assert (last.assistant_digest, last.policy, last.p_galactic) == ("a1", "policy 1", 1 / 3)
    assert np.isnan(last.p_fast)
    # The same scores, in a plan of another strategy; and then with one visit more.
    store.save_plan(replace(plan, strategy="entropy"), created="2018-08-20T21:00:00Z")
    n = len(list(store.visits()))
    grown = scored(PLAN.targets[0], "ZTF18garbage", "purgatory", 0.5, 0.4, 2.5)
    tomorrow = replace(plan.night, date="2018-08-21")
    store.save_plan(replace(plan, night=tomorrow, set_aside=(grown,)), created="2018-08-21T20:00:00Z")
    assert [v.recorded for v in store.visits("ZTF18garbage")] == [NOW, NOW, "2018-08-21T20:00:00Z"]
    assert len(list(store.visits())) == n + 1 == 8
    assert [(v.id, v.queue) for v in store.visits(night="2018-08-21")] == [("ZTF18garbage", "purgatory")]


def test_another_assistant_and_another_policy_have_visits_of_their_own(store: Store) -> None:
    for digest, policy in [("a1", "policy 1"), ("a2", "policy 1"), ("a2", "policy 2")]:
        store.save_plan(replace(weeded_plan(), assistant_digest=digest, policy=policy), created=NOW)
    assert [(v.assistant_digest, v.policy) for v in store.visits("ZTF18wait")] == [
        ("a1", "policy 1"), ("a2", "policy 1"), ("a2", "policy 2"),
    ]  # fmt: skip


def label(target: str = TARGET, kind: str = "SN Ia", source: str = "TNS", **fields: object) -> Label:
    return Label(target, kind, source, **{"time": "2018-09-01T00:00:00Z", **fields})  # type: ignore[arg-type]


def test_labels_come_back_numbered_and_in_order(store: Store) -> None:
    given = [
        label(redshift=0.1, author="ePESSTO"),
        label(SECOND, "odd \0 thing", "human", confidence=0.25),
    ]
    assert store.add_labels(iter(given)) == (2, 0)
    first, second = store.labels()
    assert (first.type, first.class_name, first.redshift, first.author) == ("SN Ia", "SN Ia", 0.1, "ePESSTO")
    assert first.time == "2018-09-01T00:00:00.000000Z"
    assert np.isnan(first.confidence)
    assert (second.type, second.confidence) == ("odd \N{REPLACEMENT CHARACTER} thing", 0.25)
    assert [found.to_dict() for found in store.labels(SECOND)] == [second.to_dict()]
    assert [found.id for found in store.labels(since_id=first.id)] == [second.id]


def test_a_label_is_stored_again_only_when_the_source_says_something_else(store: Store) -> None:
    times = [f"2018-09-0{day}T00:00:00Z" for day in range(1, 6)]
    said = [("SN Ia", 0), ("SN Ia", 0), ("SN Ia", 1), ("SN II", 2), ("SN Ia", 3), ("SN II", 2)]
    counts = [store.add_labels([label(kind=kind, time=times[day])]) for kind, day in said]
    assert counts == [(1, 0), (0, 1), (0, 1), (1, 0), (1, 0), (0, 1)]
    # Another source, or another redshift, is something else.
    assert store.add_labels([label(source="spectrum"), label(redshift=0.1, time=times[4]), label()]) == (2, 1)
    # What a source said before what is known of it is news, even if it said the same.
    assert store.add_labels([label(kind="SN II", time="2018-08-31")]) == (1, 0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"target": " "}, "has no target; give one"),
        ({"kind": ""}, "has no type"),
        ({"source": ""}, "has no source"),
        ({"confidence": 95.0}, "has a confidence of 95.0; give 0 to 1"),
        ({"time": "last night"}, "the time 'last night' of the label"),
    ],
)
def test_a_label_that_says_nothing_clear_is_refused(store: Store, fields: dict[str, object], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        store.add_labels([label(), label(**fields)])  # type: ignore[arg-type]
    assert store.labels() == []


def test_no_program_can_change_or_delete_a_visit_or_a_label(store: Store, store_url: str) -> None:
    store.save_plan(weeded_plan(), created=NOW)
    store.add_labels([label()])
    engine = engine_of(store_url)
    for table, column in (("visits", "queue"), ("labels", "type")):
        around_the_triggers = {"sqlite": f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"}
        for change in (
            f"UPDATE {table} SET {column} = 'urgent'",
            f"DELETE FROM {table}",
            around_the_triggers.get(engine.dialect.name, f"TRUNCATE {table}"),
        ):
            with engine.connect() as connection, pytest.raises(sqlalchemy.exc.DBAPIError, match="are a record"):
                connection.exec_driver_sql(change)
    assert len(list(store.visits())) == 7
    assert len(store.labels()) == 1


def test_a_light_curve_comes_back_to_the_last_bit(store: Store) -> None:
    kept = light_curve()
    store.save_plan(PLAN, created=NOW, light_curves=(curve for curve in [kept]))
    stored = store.light_curve(TARGET)
    assert stored is not None
    assert stored.time == tuple(kept.time)
    assert stored.band == tuple(kept.band)
    assert stored.upper_limit == tuple(kept.upper_limit)
    back = stored.to_light_curve()
    assert (back.id, back.stock, back.ra, back.dec) == (kept.id, kept.stock, kept.ra, kept.dec)
    columns = ("time", "band", "flux", "flux_err", "upper_limit", "source_id", "point_ra", "point_dec", "rb", "drb")
    for name in columns:
        np.testing.assert_array_equal(getattr(back, name), getattr(kept, name), err_msg=name)
    assert back.meta["sgscore1"] == 0.5
    assert np.isnan(back.meta["magnr"])
    assert store.light_curve("ZTF99unknown") is None


def test_only_a_newer_light_curve_replaces_the_one_kept(store: Store) -> None:
    lengths = []
    for last, n in [(58350.0, 5), (58349.0, 9), (58350.0, 4), (58350.0, 6), (58351.0, 3)]:
        store.save_plan(PLAN, created=NOW, light_curves=[light_curve(last=last, n=n)])
        stored = store.light_curve(TARGET)
        assert stored is not None
        lengths.append(len(stored))
    assert lengths == [5, 5, 5, 6, 3]


@pytest.mark.parametrize("stock", [2**70, -(2**70)])
def test_a_save_that_fails_keeps_nothing(store: Store, stock: int) -> None:
    broken = replace(PLAN, targets=(*PLAN.targets, replace(PLAN.targets[0], id="ZTF18toobig", stock=stock)))
    with pytest.raises(StoreError, match="nothing of this step was stored"):
        store.save_plan(broken, created=NOW, light_curves=[light_curve()])
    assert store.plans() == []
    assert store.light_curve(TARGET) is None


def test_decisions_come_back_numbered_and_in_order(store: Store) -> None:
    revision = store.save_plan(PLAN, created=NOW)
    first = store.record(decision(plan_revision=revision, comment="host looks blue"))
    second = store.record(decision("reject", SECOND))
    elsewhere = store.record(decision(site="sso"))
    assert store.decisions() == [first, second, elsewhere]
    assert first == decision(plan_revision=revision, comment="host looks blue", id=first.id)
    assert store.decisions(night=NIGHT, site=SITE) == [first, second]
    assert store.decisions(target=TARGET) == [first, elsewhere]
    assert store.decisions(since_id=first.id) == [second, elsewhere]
    assert store.decisions(night="2030-01-01") == []


def test_undo_reveals_the_verdict_before(store: Store) -> None:
    approved = store.record(decision("approve"))
    rejected = store.record(decision("reject"))
    store.record(decision("comment", comment="the host is a galaxy"))
    assert store.verdicts(NIGHT, SITE) == {TARGET: rejected}
    undo = store.undo(rejected.id, observer="Annie", time=NOW)
    assert (undo.verdict, undo.undoes, undo.target, undo.observer) == ("undo", rejected.id, TARGET, "Annie")
    assert store.verdicts(NIGHT, SITE) == {TARGET: approved}
    store.undo(approved.id, observer="Annie", time=NOW)
    assert store.verdicts(NIGHT, SITE) == {}
    assert len(store.decisions()) == 5


def test_a_deferral_keeps_its_day(store: Store) -> None:
    store.save_plan(PLAN, created=NOW)
    until = (date.fromisoformat(NIGHT) + timedelta(days=3)).isoformat()
    deferred = store.record(decision("defer", until=until))
    assert store.decisions() == [deferred] and deferred.until == until
    assert store.undo(deferred.id, observer="Vera", time=NOW).until is None


def test_decisions_on_many_targets_are_recorded_together_or_not_at_all(store: Store) -> None:
    store.save_plan(PLAN, created=NOW)
    with pytest.raises(StoreError, match="is not in the plan"):
        store.record_all([decision(), decision(target="ZTF00nope")])
    assert store.decisions() == []
    both = store.record_all([decision(), decision("reject", SECOND)])
    assert store.decisions() == both
    store.undo_all([d.id for d in both], observer="Vera", time=NOW)
    assert store.verdicts(NIGHT, SITE) == {}


def test_what_someone_else_decided_meanwhile_is_not_overruled_unseen(store: Store) -> None:
    store.save_plan(PLAN, created=NOW)
    theirs = store.record(decision("reject", observer="Edwin"))
    with pytest.raises(ConflictError, match=f"Edwin decided to reject {TARGET} meanwhile"):
        store.record_all([decision("approve", SECOND), decision()], seen={})
    assert store.decisions() == [theirs]
    for same in (decision("reject"), decision("comment", comment="looks odd")):
        store.record_all([same], seen={})
    assert [d.verdict for d in store.record_all([decision()], seen={TARGET: 2})] == ["approve"]
    store.record_all([decision("defer", observer="Edwin")], seen={TARGET: 4})
    store.undo(5, observer="Edwin", time=NOW)
    store.record_all([decision("reject")], seen={TARGET: 1})


def test_the_counter_of_changes_tells_whether_anything_was_written(store: Store, store_url: str) -> None:
    store.save_plan(PLAN, created=NOW)
    before = store.change_counter()
    if store_url.startswith("postgresql"):
        assert before is None, "a server has no counter"
        return
    store.decisions()
    assert store.change_counter() == before
    with Store.open(store_url) as other:
        other.record(decision())
    after = store.change_counter()
    assert after != before
    store.record(decision("reject"))
    assert store.change_counter() != after


def test_what_cannot_be_undone_is_said(store: Store) -> None:
    kept = store.record(decision())
    undo = store.undo(kept.id, observer="Vera", time=NOW)
    with pytest.raises(StoreError, match=f"decision {kept.id} on {TARGET} is undone already"):
        store.undo(kept.id, observer="Vera", time=NOW)
    with pytest.raises(StoreError, match="is itself an undo; record the verdict again"):
        store.undo(undo.id, observer="Vera", time=NOW)
    with pytest.raises(StoreError, match="no decision 999 in"):
        store.undo(999, observer="Vera", time=NOW)
    other = store.record(decision(target=SECOND))
    with pytest.raises(StoreError, match=f"decision {other.id} is on {SECOND}"):
        store.record(decision("undo", undoes=other.id))


def test_a_target_that_is_not_in_the_plan_is_refused(store: Store) -> None:
    revision = store.save_plan(PLAN, created=NOW)
    store.save_plan(replace(PLAN, targets=PLAN.targets[1:]), created=NOW)
    with pytest.raises(StoreError, match=f"ZTF18typo is not in the plan for {NIGHT} at {SITE}"):
        store.record(decision(target="ZTF18typo"))
    with pytest.raises(StoreError, match=f"{TARGET} is not in the plan"):
        store.record(decision(plan_revision=revision + 1))
    with pytest.raises(StoreError, match="no plan with revision 77"):
        store.record(decision(plan_revision=77))
    with pytest.raises(StoreError, match=f"no plan with revision {revision} for {NIGHT} at sso"):
        store.record(decision(plan_revision=revision, site="sso"))
    assert store.decisions() == []
    # In an earlier plan, out of sight tonight, or on a night without any plan: all of these may be decided on.
    store.record(decision())
    store.record(decision(target=PLAN.not_observable[0].id))
    store.record(decision(night="2018-08-19", target="ZTF18any"))
    assert len(store.decisions()) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"verdict": "aprove"}, "'aprove' is no verdict; write one of approve, reject, defer"),
        ({"observer": " "}, "has no observer; say who decided with --observer"),
        ({"comment": "x" * 10_001}, "has 10001 characters; shorten it to 10000"),
        ({"night": "20 August"}, "the night '20 August' of the decision"),
        ({"time": "now"}, "the time 'now' of the decision"),
        ({"target": ""}, "without a target"),
        ({"verdict": "undo"}, "must name the decision that it undoes"),
        ({"undoes": 1}, "must name the decision that it undoes"),
    ],
)
def test_a_decision_that_says_nothing_clear_is_refused(store: Store, fields: dict[str, object], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        store.record(decision(**{"verdict": "approve", **fields}))  # type: ignore[arg-type]
    assert store.decisions() == []


def test_a_comment_is_kept_as_typed_except_for_what_no_database_holds(store: Store) -> None:
    typed = "=1+1\n[bold]über\x1b[2J 超新星"
    assert store.record(decision(comment=typed)).comment == typed
    kept = store.record(decision(comment="bad \udce9 terminal\0"))
    assert kept.comment == "bad ? terminal\N{REPLACEMENT CHARACTER}"
    assert [d.comment for d in store.decisions()] == [typed, kept.comment]


def test_no_program_can_change_or_delete_a_decision(store: Store, store_url: str) -> None:
    kept = store.record(decision())
    engine = engine_of(store_url)
    columns = "target, night, site, 'reject', observer, time, comment, plan_revision, undoes, until"
    around_the_triggers = {
        "sqlite": f"INSERT OR REPLACE INTO decisions SELECT id, {columns} FROM decisions",
        "postgresql": "TRUNCATE decisions",
    }
    for change in (
        "UPDATE decisions SET verdict = 'reject'",
        "DELETE FROM decisions",
        around_the_triggers[engine.dialect.name],
    ):
        with engine.connect() as connection, pytest.raises(sqlalchemy.exc.DBAPIError, match="decisions are a record"):
            connection.exec_driver_sql(change)
    assert store.decisions() == [kept]


# Ready when all is loaded; the start is given to all at once.
WRITER = """
import sys, threading
import alembic.command, sqlalchemy.dialects.postgresql.psycopg
from ampel_followup.decision import Decision
from ampel_followup.store import Store
name, url = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
with Store.open(url) as store:
    def write(thread):
        for i in range(40):
            store.record(Decision(f"{name}-{thread}-{i}", "2018-08-20", "sso", "approve", name, "2018-08-20T20:00:00Z"))
    threads = [threading.Thread(target=write, args=(t,)) for t in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
"""


def test_processes_and_threads_that_write_at_the_same_time_lose_nothing(store_url: str) -> None:
    # The store does not exist yet: the processes also make it at the same time.
    observers = ("Vera", "Annie", "Cecilia")
    pipe = subprocess.PIPE
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name, store_url], stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
        for name in observers
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert (writer.returncode, errors) == (0, "")
    with Store.open(store_url) as store:
        kept = store.decisions()
    assert {d.target for d in kept} == {f"{n}-{t}-{i}" for n in observers for t in range(3) for i in range(40)}
    assert len({d.id for d in kept}) == len(kept) == 360


@pytest.mark.postgres
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_numbers_of_decisions_become_visible_in_their_order(store_url: str) -> None:
    Store.open(store_url).close()
    other = engine_of(store_url)
    with other.begin() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET lock_timeout = '50ms'")
    with Store.open(store_url) as store:
        with other.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO decisions (target, night, site, verdict, observer, time, comment)"
                " VALUES ('ZTF18first', '2018-08-20', 'sso', 'approve', 'Annie', '2018-08-20T20:00:00Z', '')"
            )
            with pytest.raises(StoreError, match="lock timeout"):
                store.record(decision())
        second = store.record(decision())
        assert [d.target for d in store.decisions()] == ["ZTF18first", TARGET]
        assert store.decisions(since_id=second.id - 1) == [second]


def test_migrations_make_the_tables_that_the_schema_describes(store: Store, store_url: str) -> None:
    with engine_of(store_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("9999", r"was written by a newer ampel-followup .layout 9999, this one knows [0-9]+.; upgrade"),
        ("ae10", "belongs to another program"),
    ],
)
def test_a_store_of_another_layout_is_left_alone(store_url: str, layout: str, message: str) -> None:
    Store.open(store_url).close()
    with engine_of(store_url).begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{layout}'")
    with pytest.raises(StoreError, match=message) as error:
        Store.open(store_url)
    assert "\n" not in str(error.value)


def make_old_store(url: str, layout: str, folder: Path) -> None:
    """Make a store of an older layout that holds PLAN as it was written then, and a decision."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    now = str(folder / "now.sqlite")
    with Store.open(now) as store:
        store.save_plan(PLAN, created=NOW)
        store.record(decision())
    with engine_of(url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, layout)
        tables = sqlalchemy.MetaData()
        tables.reflect(connection)
        for name in ("plans", "targets", "decisions"):
            columns = ", ".join(f'"{column.name}"' for column in tables.tables[name].columns)
            with engine_of(now).connect() as source:
                rows = [dict(row._mapping) for row in source.exec_driver_sql(f"SELECT {columns} FROM {name}")]
            if name == "targets":
                for row in rows:
                    payload = json.loads(row["payload"])
                    row |= {"observable": bool(row["observable"])}
                    row["payload"] = json.dumps({k: v for k, v in payload.items() if k not in ASSISTANT})
            connection.execute(sqlalchemy.insert(tables.tables[name]), rows)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT setval('plans_revision_seq', 1), setval('decisions_id_seq', 1)")


@pytest.mark.parametrize("layout", ["0001", "0002", "0003", "0006"])
def test_a_store_of_an_older_layout_is_read_and_written_as_it_is(store_url: str, layout: str, tmp_path: Path) -> None:
    make_old_store(store_url, layout, tmp_path)
    with Store.open(store_url) as store:
        assert store.load_plan().plan.to_json() == PLAN.to_json()
        assert store.load_plan().info.n_set_aside == 0
        assert [d.target for d in store.decisions()] == [TARGET]
        assert (list(store.visits()), store.labels(), store.timetables()) == ([], [], [])
        assert {row.set_aside for row in store.appearances()} == {False}
        advised = replace(PLAN, stop=StopAdvice(2, 0.02, "after 2 targets", 1.5, 0.1, 0.7, 0.0), sampling="32 spectra")
        store.save_plan(advised, created=NOW)
        assert store.load_plan().plan.to_json() == advised.to_json()
        assert [info.revision for info in store.plans()] == [2, 1]
    with engine_of(store_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_a_read_only_store_reads_and_does_not_write(store_url: str) -> None:
    with pytest.raises(StoreError, match="rank …"):
        Store.open(store_url, read_only=True)
    with Store.open(store_url) as store:
        store.save_plan(PLAN, created=NOW)
    with Store.open(store_url, read_only=True) as store:
        assert store.load_plan().plan.to_json() == PLAN.to_json()
        attempts: list[Callable[[], object]] = [
            lambda: store.record(decision()),
            lambda: store.save_plan(replace(PLAN, strategy="entropy"), created=NOW),
        ]
        for attempt in attempts:
            with pytest.raises(StoreError, match="is read-only"):
                attempt()
        assert store.decisions() == []


def test_the_store_never_shows_its_password(store: Store) -> None:
    assert "s3cret" not in store.url
    with pytest.raises(StoreError) as error:
        store.load_plan(1)
    assert store.url in str(error.value)
