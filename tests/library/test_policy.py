"""The policy: what its file may say, which queue an object is in, and whether it is listed tonight."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_reference import is_listed, queue_of, stage_of

from ampel_followup.assistant_scores import AssistantScores, Visit, assistant_rank
from ampel_followup.decision import Decision
from ampel_followup.errors import PolicyError
from ampel_followup.labels import Label
from ampel_followup.observing import get_site, night_at
from ampel_followup.observing.closing import NOT_CLOSING, NOT_TONIGHT, last_useful_dates, last_useful_night
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.visibility import visibility
from ampel_followup.placing import Evening, named_by_others, place, standing_decisions
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.policy import PACKAGED, Policy, load_policy, markdown_table, read_policy
from ampel_followup.queues import QUEUES, VisitTable, queues_by_visit

PLAN = NightPlan.from_dict(json.loads((Path(__file__).parent / "golden" / "plan.json").read_text("utf-8")))
POLICY = load_policy()
EVENING = Evening(dt.date(2026, 11, 20), 61364.4, "sso")
HEAD = "name: x\nversion: 1\n"


def scores(*ranks: float, age: float = 1.0, fast: float = 0.1, gap: float = 0.0, **more: str) -> AssistantScores:
    """Visits of these ranks, the last one `gap` days before tonight, of an object first seen `age` days ago."""
    times = np.linspace(EVENING.mjd - age, EVENING.mjd - gap, len(ranks)) if len(ranks) > 1 else [EVENING.mjd - gap]
    # The rank of an object that is surely not galactic is 10 · (1 − (1 − p_real) / √1.25).
    p_real = [1.0 - (1.0 - rank / 10.0) * np.sqrt(1.25) for rank in ranks]
    history = tuple(
        Visit(float(t), float(t - EVENING.mjd + age), float(p), 0.0, fast, assistant_rank(float(p), 0.0))
        for t, p in zip(times, p_real, strict=True)
    )
    return AssistantScores(history[-1].p_real, 0.0, fast, history[-1].rank, history, **more)


def target(assistant: AssistantScores | None, name: str = "ZTF26a") -> RankedTarget:
    return replace(PLAN.targets[0], id=name, assistant=assistant)


def placed(assistant: AssistantScores | None, policy: Policy = POLICY, **more):
    return place([target(assistant)], policy, EVENING, **more)[0]


def decided(verdict: str, night: str, site: str = "sso", **more) -> Decision:
    return Decision("ZTF26a", night, site, verdict, "ada", f"{night}T15:00:00Z", **more)


def test_packaged_policy_states_every_setting_and_its_default() -> None:
    text = PACKAGED.read_text(encoding="utf-8")
    assert Policy(name="production", version=1) == POLICY
    assert POLICY.label == "production 1"
    for name in ("entry_below: 1.5", "second_max_below: 2", "later_mean_below: 3", "above: 7", "within: 0.4"):
        assert name in text


def test_digest_is_that_of_the_settings_not_of_the_layout() -> None:
    assert read_policy("version: 1\nname: production").digest == POLICY.digest
    assert read_policy("version: 1\nname: production\neyeball: {above: 6}").digest != POLICY.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "discard: {entry_belo: 3}", "p.yml: discard.entry_belo is unknown; did you mean entry_below?"),
        (HEAD + "colour: red", "p.yml: colour is unknown; known are name, version, galactic_weight"),
        (HEAD + "discard: {entry_below: 30}", "p.yml: discard.entry_below = 30 is out of bounds; give 0 to 10"),
        (
            HEAD + "ages: {without_points: 0}",
            "ages.without_points = 0 is out of bounds; give more than 0, at most 10000",
        ),
        (HEAD + "galactic_weight: .nan", "galactic_weight = nan makes no sense: input should be a finite number"),
        (HEAD + "galactic_weight: yes", "galactic_weight = True makes no sense: input should be a valid number"),
        (HEAD + "listed: [urgnt]", "listed.0 = 'urgnt' makes no sense"),
        (HEAD + "stages: {first_until: 30}", "stages: first_until = 30 is not below updating_until = 21"),
        (HEAD + "stages: 3", "stages = 3 makes no sense"),
        ('name: "\\e[31m"\nversion: 1', r"name = '\x1b[31m' makes no sense: string should match pattern"),
        ("version: 1", "p.yml: name is missing; add it"),
        ("name: x\n version: [", "p.yml, line 2: mapping values are not allowed"),
        (HEAD + "version: 2", "p.yml, line 3: version is there twice"),
        (HEAD + "name: x\x07", "characters are not allowed"),
        (HEAD + "eyeball: &loop {above: *loop}", "Circular reference detected; write names, with numbers"),
        (HEAD + "2026-11-20: 3", "keys must be str"),
        (HEAD + "[a, b]: 3", "p.yml, line 3: found unhashable key"),
        ("- 1", "p.yml holds no settings"),
        ("", "p.yml holds no settings"),
    ],
)
def test_wrong_file_is_refused_in_one_line_that_names_place_and_remedy(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_policy(text, "p.yml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"absent\.yml cannot be read: No such file or directory; name a YAML file"):
        load_policy(tmp_path / "absent.yml")


def test_manual_has_every_setting() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    assert markdown_table() in manual, "docs/policy.md is out of date; it says how to renew it"


probability = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 0.6, 1.0])
visit = st.tuples(probability | st.just(float("nan")), probability | st.just(float("nan")), probability)
policies = st.builds(
    lambda weight, discard, eyeball, age: POLICY.model_copy(
        update={
            "galactic_weight": weight,
            "discard": POLICY.discard.model_copy(
                update=dict(zip(("entry_below", "second_max_below", "later_mean_below"), discard, strict=True))
            ),
            "eyeball": POLICY.eyeball.model_copy(update={"above": eyeball}),
            "purgatory": POLICY.purgatory.model_copy(update={"from_age": age}),
        }
    ),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.tuples(*[st.floats(0, 10)] * 3),
    st.floats(0, 10),
    st.sampled_from([0.0, 3.0, 15.0]),
)


def history(visits: list[tuple[float, float, float]], named: str = "") -> AssistantScores:
    made = tuple(Visit(61350.0 + k, float(k), *v, assistant_rank(v[0], v[1])) for k, v in enumerate(visits))
    return AssistantScores(made[-1].p_real, made[-1].p_galactic, made[-1].p_fast, made[-1].rank, made, named=named)


@given(st.lists(st.tuples(st.lists(visit, min_size=1, max_size=6), st.booleans()), max_size=5), policies)
def test_queue_and_stage_are_those_of_the_rule_read_one_object_at_a_time(objects, policy: Policy) -> None:
    assistants = [history(visits, "SN 2026abc" if named else "") for visits, named in objects]
    placements = place([target(a) for a in assistants], policy, EVENING)
    for assistant, placement in zip(assistants, placements, strict=True):
        scored = any(v.p_real == v.p_real for v in assistant.history)
        age = EVENING.mjd - 61350.0 if scored else EVENING.mjd - PLAN.targets[0].photometry.first_mjd
        assert placement.queue == queue_of(assistant, age, policy)
        assert placement.stage == stage_of(age, policy)


@given(st.lists(st.tuples(probability, probability, probability), min_size=1, max_size=8), policies)
def test_history_replayed_visit_by_visit_is_that_of_its_beginnings(visits, policy: Policy) -> None:
    whole = history(visits)
    table = VisitTable.of([whole], policy)
    codes = queues_by_visit(table, table.day, policy)[0]
    for k in range(len(visits)):
        assert QUEUES[codes[k]] == queue_of(history(visits[: k + 1]), float(k), policy)


@pytest.mark.parametrize(
    ("assistant", "queue", "because"),
    [
        (scores(8.3), "extragalactic", "rank 8.3, above 7"),
        (scores(7.004), "extragalactic", "rank 7.004, above 7"),
        (scores(8.3, fast=0.8), "urgent", "rank 8.3, above 7, and P(fast) 0.80, above 0.5"),
        (scores(8.3, 8.3, age=25, fast=0.8), "extragalactic", "rank 8.3, above 7"),
        (scores(4.0, named="SN 2026abc"), "extragalactic", "named by SN 2026abc: rank 10.0, above 7"),
        (scores(1.1), "garbage", "discarded on entry: rank 1.1, below 1.5"),
        (scores(1.6), "wait", "rank 1.6, neither above 7 nor discarded; to a person from 15 d on"),
        (scores(1.8, 1.2), "garbage", "discarded on the second visit: highest rank 1.8, below 2"),
        (scores(2.4, 2.4, 2.4, 2.4, 2.4), "garbage", "discarded: mean rank 2.4 over 5 visits, below 3"),
        (scores(1.2, 2.2, 8.0), "extragalactic", "rank 8.0, above 7"),
        (scores(5, 5, 5, age=16), "purgatory", "unresolved after 16 d: rank 5.0, neither above 7 nor discarded"),
        (None, "extragalactic", "no assistant"),
    ],
)
def test_reason_is_given_with_its_numbers(assistant, queue: str, because: str) -> None:
    placement = placed(assistant)
    assert (placement.queue, placement.because) == (queue, because)


def test_galactic_candidate_has_a_queue_of_its_own() -> None:
    made = Visit(EVENING.mjd, 0.0, 0.9, 0.8, 0.2, assistant_rank(0.9, 0.8))
    placement = placed(AssistantScores(0.9, 0.8, 0.2, made.rank, (made,)))
    assert placement.queue == "galactic"
    assert placement.because == "galactic candidate: 0.21 from a certain one, within 0.4"


def test_discarded_object_comes_back_with_a_rank_to_look_at_and_says_so() -> None:
    assert placed(scores(1.0, 1.0)).queue == "garbage"
    back = placed(scores(1.0, 1.0, 7.5))
    assert back.listed
    assert back.notes == ("had been discarded at visit 2",)


def test_object_without_a_rank_is_listed_not_weeded_out() -> None:
    unknown = AssistantScores(np.nan, np.nan, np.nan, np.nan, (Visit(61360.0, 0.0, np.nan, 0.5, 0.5, np.nan),))
    only_urgent = read_policy(HEAD + "listed: [urgent]")
    assert placed(unknown, only_urgent).listed
    assert placed(None, only_urgent).listed


def test_what_is_listed_is_the_policys_choice() -> None:
    tonight = [target(s) for s in (scores(8.0), scores(5.0), scores(5, 5, 5, age=16), scores(1.0))]
    assert [p.listed for p in place(tonight, POLICY, EVENING)] == [True, False, False, False]
    wide = read_policy(HEAD + "listed: [wait, purgatory, garbage]")
    assert [p.listed for p in place(tonight, wide, EVENING)] == [False, True, True, True]


def test_no_objects_make_no_placements() -> None:
    assert place([], POLICY, EVENING) == []


def test_rejected_object_stays_away_and_keeps_its_queue() -> None:
    placement = placed(scores(8.3), decisions=[decided("reject", "2026-11-18")])
    assert (placement.listed, placement.queue) == (False, "extragalactic")
    assert placement.because == "rejected by ada on 2026-11-18; rank 8.3, above 7"


def test_what_is_decided_tonight_or_at_another_site_moves_nothing() -> None:
    for decision in (decided("reject", "2026-11-20"), decided("reject", "2026-11-18", site="lasilla")):
        assert placed(scores(8.3), decisions=[decision]) == placed(scores(8.3))


def test_verdict_taken_back_does_not_hold() -> None:
    taken_back = [decided("reject", "2026-11-18", id=1), decided("undo", "2026-11-18", id=2, undoes=1)]
    assert placed(scores(8.3), decisions=taken_back).listed


def test_approved_object_that_was_not_observed_stays_listed() -> None:
    placement = placed(scores(8.0, 6.0), decisions=[decided("approve", "2026-11-19")])
    assert (placement.listed, placement.queue) == (True, "wait")
    assert placement.because.startswith("approved by ada on 2026-11-19, not observed since; rank 6.0")


def test_deferred_object_is_away_for_the_days_of_the_policy() -> None:
    for night, days in (("2026-11-19", 1), ("2026-11-18", 2)):
        placement = placed(scores(8.3), decisions=[decided("defer", night)])
        back = (dt.date.fromisoformat(night) + dt.timedelta(days=3)).isoformat()
        assert (placement.listed, placement.snoozed_until) == (False, back), days
        assert f"deferred by ada on {night}, back on {back}" in placement.because
    again = placed(scores(8.3), decisions=[decided("defer", "2026-11-17")])
    assert (again.listed, again.snoozed_until) == (True, None)


def test_deferred_object_wakes_when_its_rank_rises() -> None:
    decisions = [decided("defer", "2026-11-18")]
    risen = placed(scores(7.2, 7.3, 8.4, age=6.0), decisions=decisions)
    assert risen.listed
    assert risen.notes == ("back before 2026-11-21: its rank rose from 7.3 to 8.4",)
    assert not placed(scores(7.2, 7.3, 8.2, age=6.0), decisions=decisions).listed


def test_deferred_object_wakes_also_when_old_nights_are_gone_through_later() -> None:
    night = decided("defer", "2026-11-18")
    years_later = replace(night, time="2029-01-01T00:00:00Z")
    placement = placed(scores(7.2, 7.3, 8.4, age=6.0), decisions=[years_later])
    assert placement == placed(scores(7.2, 7.3, 8.4, age=6.0), decisions=[night])
    assert placement.listed


def test_followed_up_object_is_watched_and_listed_when_it_does_something_unexpected() -> None:
    observed = [decided("observed", "2026-11-10", site="lasilla")]
    for more in ({"decisions": observed}, {"followed_up": {"ZTF26a"}}):
        calm = placed(scores(8.3, 8.3, age=30), **more)
        assert (calm.listed, calm.queue) == (False, "wait")
        assert calm.because.startswith("followed up, nothing unexpected since")
        odd = placed(scores(8.3, 8.3, age=30, anomaly="1.2 mag brighter than expected"), **more)
        assert odd.listed
        assert odd.notes == ("anomaly: 1.2 mag brighter than expected",)


def test_label_of_a_person_is_no_spectrum() -> None:
    labels = [
        Label("tns", "SN Ia", "TNS", "2026-11-01"),
        Label("guess", "SN", "human", "2026-11-01"),
        Label("later", "SN Ia", "TNS", "2026-11-25"),
    ]
    assert named_by_others(labels, EVENING) == {"tns"}


def test_latest_night_decides() -> None:
    record = [decided("approve", "2026-11-18", id=5), decided("reject", "2026-11-17", id=6)]
    observed, verdicts = standing_decisions(record, EVENING)
    assert (observed, verdicts["ZTF26a"].verdict) == (set(), "approve")


@given(
    ranks=st.tuples(*[st.floats(2, 9.9)] * 3),
    age=st.sampled_from([1.0, 10.0, 18.0, 40.0, 80.0]),
    gap=st.sampled_from([0.0, 0.5, 35.0]),
    anomaly=st.booleans(),
    followed_up=st.booleans(),
    verdict=st.sampled_from([None, "approve", "reject", "defer", "failed"]),
    since=st.integers(1, 5),
    remain=st.none() | st.integers(1, 20),
)
def test_list_is_that_of_the_rule_read_one_object_at_a_time(
    ranks, age, gap, anomaly, followed_up, verdict, since, remain
) -> None:
    gap = min(gap, age / 2)
    assistant = scores(*ranks, age=age, gap=gap, anomaly="brighter" if anomaly else "")
    night = (EVENING.date - dt.timedelta(days=since)).isoformat()
    last = (EVENING.date + dt.timedelta(days=remain - 1)).isoformat() if remain else None
    placement = placed(
        assistant,
        decisions=[decided(verdict, night)] if verdict else [],
        followed_up={"ZTF26a"} if followed_up else (),
        last_useful=[last],
    )
    deferred_at = 61364.0 - since + 15 / 24  # 2026-11-20 is MJD 61364
    before = [v for v in assistant.history if v.mjd <= deferred_at] or assistant.history[:1]
    queue = queue_of(assistant, age, POLICY)
    assert placement.queue == ("wait" if followed_up and not anomaly else queue)
    assert placement.listed == is_listed(
        queue,
        stage_of(age, POLICY),
        rank_now=assistant.rank,
        rank_at_deferral=before[-1].rank,
        anomaly=anomaly,
        followed_up=followed_up,
        verdict=verdict,
        nights_since_verdict=since,
        silent=EVENING.mjd - assistant.history[-1].mjd,
        nights_remain=remain,
        policy=POLICY,
    )


def test_object_without_new_points_leaves_the_list() -> None:
    placement = placed(scores(8.0, 8.0, age=60, gap=31.0))
    assert (placement.listed, placement.queue) == (False, "extragalactic")
    assert placement.because == "no new points for 31 d, longer than 30; rank 8.0, above 7"
    assert placed(scores(8.0, 8.0, age=60, gap=29.0)).listed


def test_closing_window_is_noted_with_its_last_evening() -> None:
    placement = placed(scores(8.0), last_useful=["2026-11-24"])
    assert placement.last_useful == "2026-11-24"
    assert placement.notes == ("window closing at sso: 5 nights remain, last on 2026-11-24",)
    assert placed(scores(8.0), last_useful=["2026-11-20"]).notes[0].startswith("window closing at sso: only tonight")
    assert placed(scores(8.0), last_useful=["2026-12-03"]).last_useful is None
    assert placed(scores(8.0), last_useful=["2026-12-02"]).last_useful == "2026-12-02"
    assert placed(scores(8.0), last_useful=["2026-11-24"], followed_up={"ZTF26a"}).last_useful is None
    assert placed(scores(1.0), last_useful=["2026-11-24"]).last_useful is None


def test_long_term_object_that_was_not_followed_up_is_listed_when_its_window_closes() -> None:
    unresolved = scores(5.0, 5.0, 5.0, age=25)
    assert not placed(unresolved).listed
    closing = placed(unresolved, last_useful=["2026-11-24"])
    assert (closing.stage, closing.queue, closing.listed) == ("long-term", "purgatory", True)
    assert not placed(scores(5.0, 5.0, 5.0, age=18), last_useful=["2026-11-24"]).listed


@pytest.mark.parametrize("site", ["sso", "lapalma"])
def test_last_useful_night_is_the_last_on_which_a_plain_search_finds_the_target_observable(site: str) -> None:
    place_, date = get_site(site), dt.date(2026, 11, 20)
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(0, 360, 60), np.degrees(np.arcsin(rng.uniform(-1, 1, 60)))
    limits = ObservingLimits(min_moon_separation=0.0)
    horizon = 24
    nights = [night_at(place_, date + dt.timedelta(days=k)) for k in range(horizon + 1)]
    seen = np.array([visibility(ra, dec, night, limits).observable for night in nights])
    found = last_useful_night(ra, dec, nights[0], limits.lowest_altitude, limits.min_hours, horizon)
    assert {NOT_CLOSING, NOT_TONIGHT} < set(found.tolist())
    for i, k in enumerate(found.tolist()):
        # Good to a day, and so are its borders: whether tonight, or the horizon, is the first night without the target.
        if k == NOT_TONIGHT:
            assert not seen[1, i]
        elif k == NOT_CLOSING:
            assert seen[1:-1, i].all()
        else:
            assert seen[1:k, i].all()
            assert not seen[k + 2 : k + 4, i].any()


def test_last_useful_dates_are_evenings_from_tonight_on() -> None:
    night = night_at(get_site("sso"), "2026-11-20")
    ra, dec = np.arange(0.0, 360.0, 5.0), np.full(72, -20.0)
    nights = last_useful_night(ra, dec, night, ObservingLimits().lowest_altitude, 0.25)
    dates = last_useful_dates(ra, dec, night)
    for k, date in zip(nights.tolist(), dates, strict=True):
        assert date == (None if k < 0 else (dt.date(2026, 11, 20) + dt.timedelta(days=k)).isoformat())
    assert any(dates)


def test_policy_is_shown_with_units(run) -> None:
    code, out, _ = run("policy", "show")
    assert code == 0
    assert "production 1" in out
    assert "purgatory.from_age" in out
    code, out, _ = run("policy", "show", "--json")
    assert json.loads(out)["settings"]["discard"]["entry_below"] == 1.5


def test_check_says_what_differs_and_refuses_what_is_wrong(run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yml"
    mine.write_text("name: mine\nversion: 2\neyeball: {above: 6.5}\n", encoding="utf-8")
    code, out, _ = run("policy", "check", mine, "--json")
    assert (code, json.loads(out)["differs"]["eyeball.above"]) == (0, {"packaged": 7.0, "here": 6.5})
    mine.write_text("name: mine\nversion: 2\neyebal: {above: 6.5}\n", encoding="utf-8")
    code, out, err = run("policy", "check", mine)
    assert (code, out) == (2, "")
    assert err == f"ampel-followup: {mine}: eyebal is unknown; did you mean eyeball?\n"


def test_settings_of_the_manual_are_printed(run) -> None:
    assert run("policy", "docs") == (0, markdown_table(), "")
