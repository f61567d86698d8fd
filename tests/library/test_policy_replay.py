"""A change of policy, tried on stored plans before it is made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ampel_followup.assistant_scores import AssistantScores, Visit, assistant_rank
from ampel_followup.decision import Decision
from ampel_followup.errors import PolicyError
from ampel_followup.labels import Label
from ampel_followup.placing import Evening
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.policy import load_policy, read_policy
from ampel_followup.replay import named_good, replay
from ampel_followup.store import Store

PLAN = NightPlan.from_dict(json.loads((Path(__file__).parent / "golden" / "plan.json").read_text("utf-8")))
NIGHT = Evening.of(PLAN.night)
STRICT = "name: strict\nversion: 2\neyeball: {above: 9}\ndiscard: {entry_below: 8.5}\n"
LATER = "2099-01-01T00:00:00Z"


def target(name: str, *p_real: float, p_galactic: float = 0.0, age: float = 1.0) -> RankedTarget:
    """An object with these scores at visits half a day apart, the last one just before the plan's night."""
    days = [age - 0.5 * (len(p_real) - 1 - k) for k in range(len(p_real))]
    visits = tuple(
        Visit(NIGHT.mjd - age + day, day, p, p_galactic, 0.0, assistant_rank(p, p_galactic))
        for day, p in zip(days, p_real, strict=True)
    )
    scores = AssistantScores(p_real[-1], p_galactic, 0.0, visits[-1].rank, visits)
    return replace(PLAN.targets[0], id=name, assistant=scores)


def plan(*, night: str | None = None) -> NightPlan:
    """An object in each list; PLAN was made without an assistant."""
    return replace(
        PLAN,
        night=replace(PLAN.night, date=night) if night else PLAN.night,
        targets=(target("ZTF18best", 0.99), target("ZTF18good", 0.85)),
        not_observable=(target("ZTF18galactic", 0.95, p_galactic=0.95),),
        set_aside=(target("ZTF18wait", 0.5), target("ZTF18bogus", 0.02)),
        assistant="assistant 1",
        assistant_digest="a1",
        policy="production 1",
    )


def label(name: str, kind: str, source: str = "TNS") -> Label:
    return Label(name, kind, source, LATER)


def test_same_policy_changes_nothing() -> None:
    same = replay([plan()], load_policy(), load_policy())
    assert (same.moved, same.newly_shown, same.no_longer_shown, same.lost) == ((), (), (), ())
    assert same.queues["extragalactic"] == (2, 2)
    assert same.listed == (3, 3)


def test_stricter_policy_tells_what_is_no_longer_shown_and_which_good_ones_are_lost() -> None:
    labels = [label("ZTF18good", "SN Ia"), label("ZTF18best", "SN II"), label("ZTF18bogus", "bogus")]
    stricter = replay([plan()], load_policy(), read_policy(STRICT), labels=labels)
    assert [(r.id, r.before.queue, r.after.queue) for r in stricter.moved] == [
        ("ZTF18good", "extragalactic", "wait"),
        ("ZTF18wait", "wait", "garbage"),
    ]
    assert [r.id for r in stricter.no_longer_shown] == ["ZTF18good"]
    assert stricter.lost == ("ZTF18good",)
    assert stricter.good == (2, 2, 1)


def test_wider_policy_tells_what_is_newly_shown() -> None:
    wider = read_policy("name: wide\nversion: 2\nlisted: [urgent, extragalactic, wait]")
    shown = replay([plan()], load_policy(), wider, labels=[label("ZTF18wait", "SN Ia")])
    assert [r.id for r in shown.newly_shown] == ["ZTF18wait"]
    assert [r.id for r in shown.no_longer_shown] == ["ZTF18galactic"]
    assert shown.gained == ("ZTF18wait",)


def test_ranks_are_computed_anew_with_the_weight_of_each_policy() -> None:
    object_ = target("ZTF18faraway", 0.85, p_galactic=0.5)
    heavier = read_policy("name: x\nversion: 2\ngalactic_weight: 0.0")
    both = replay([replace(plan(), targets=(object_,))], load_policy(), heavier).rows[0]
    assert (both.before.because[:8], both.after.because) == ("rank 7.4", "rank 8.5, above 7")


def test_object_is_lost_only_if_no_evening_shows_it() -> None:
    labels = [label("ZTF18good", "SN Ia")]
    risen = replace(plan(night="2018-08-24"), targets=(target("ZTF18good", 0.9, 0.995),))
    assert replay([plan(), risen], load_policy(), read_policy(STRICT), labels=labels).lost == ()


def test_each_evening_knows_the_decisions_and_labels_of_its_time_only() -> None:
    rejected = Decision("ZTF18good", "2018-01-01", PLAN.night.site, "reject", "ada", "2018-01-02T01:00:00Z")
    named = Label("ZTF18best", "SN II", "TNS", "2018-01-01")
    early = replay([plan()], load_policy(), load_policy(), decisions=[rejected], labels=[named])
    assert [r.id for r in early.rows if r.before.listed] == ["ZTF18galactic"]
    late = replay(
        [plan()],
        load_policy(),
        load_policy(),
        decisions=[replace(rejected, night="2050-01-01")],
        labels=[label("ZTF18best", "SN II")],
    )
    assert late.listed == (3, 3)


def test_most_trustworthy_label_tells_who_is_good() -> None:
    labels = [label("a", "SN Ia"), label("a", "good", "human"), label("b", "good", "human"), label("b", "CV")]
    assert named_good(labels) == {"a"}


def test_plans_without_an_assistant_cannot_be_replayed() -> None:
    with pytest.raises(PolicyError, match=r"no assistant scored the objects of 2018-\d\d-\d\d at \w+; rank with"):
        replay([PLAN], load_policy(), load_policy())


def test_command_prints_what_would_change(run, tmp_path: Path) -> None:
    mine, url = tmp_path / "mine.yml", tmp_path / "nights.sqlite"
    mine.write_text(STRICT, encoding="utf-8")
    with Store.open(str(url)) as store:
        store.save_plan(plan(), created="2018-08-15T00:00:00Z")
        store.save_plan(plan(night="2018-08-24"), created="2018-08-24T00:00:00Z")
        store.add_labels([label("ZTF18good", "SN Ia")])
    code, out, err = run("policy", "replay", mine, "--store", url)
    assert (code, err) == (0, "")
    assert "No longer shown: 1" in out
    assert "Of 1 good objects 1 were shown before, 0 after." in out
    code, out, _ = run("policy", "replay", mine, "--store", url, "--all-nights", "--json")
    body = json.loads(out)
    assert (code, body["objects"], body["lost"]) == (0, 10, ["ZTF18good"])
    assert body["listed"] == {"before": 6, "after": 4}
    code, out, err = run("policy", "replay", tmp_path / "absent.yml", "--store", url)
    assert (code, out, err.count("\n")) == (2, "", 1)
