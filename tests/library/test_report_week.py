"""The report of a week says what the store holds of it, on the screen, as JSON, and as one page."""

from __future__ import annotations

import html.parser
import json
import sys
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from assistant_plans import PLAN, plan_of, scored

from ampel_followup.decision import Decision
from ampel_followup.errors import FollowupError
from ampel_followup.labels import Label
from ampel_followup.store import Store
from ampel_followup.weekly import WeekReport, summarise_week, week_ending, week_of

ANY = PLAN.targets[0]
WEEK = ("2018-08-20", "2018-08-26")
NASTY = '<script>alert("1")</script> & [red]$x_$\x1b[2J'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "night.sqlite") as opened:
        yield opened


def fill(store: Store) -> None:
    """Two nights with an assistant, the second planned twice; decisions, labels, and what a run said of drift."""
    seen = scored(ANY, "ZTF18seen", "extragalactic", 6.0, 8.5, listed=True)
    lost = scored(ANY, "ZTF18lost", "garbage", 0.4)
    wait = scored(ANY, "ZTF18wait", "wait", 10.0)
    store.save_plan(plan_of("2018-08-20", seen, lost, wait), created="2018-08-20T06:00:00Z", report={"drift": None})
    drift = {"moved": ["magr_last", NASTY], "features": [], "sentence": "two moved"}
    store.save_plan(plan_of("2018-08-21", seen), created="2018-08-21T06:00:00Z")
    lifted = scored(ANY, "ZTF18wait", "urgent", 10.0, 9.0, listed=True)
    store.save_plan(plan_of("2018-08-21", seen, lifted), created="2018-08-21T07:00:00Z", report={"drift": drift})
    store.save_plan(plan_of("2018-08-27", seen), created="2018-08-27T06:00:00Z")
    for target, verdict, observer in [
        ("ZTF18seen", "defer", "Vera"), ("ZTF18seen", "approve", "Vera"), ("ZTF18wait", "reject", "Annie"),
        ("ZTF18wait", "comment", NASTY),
    ]:  # fmt: skip
        store.record(Decision(target, "2018-08-21", PLAN.night.site, verdict, observer, "2018-08-21T20:00:00Z", NASTY))
    store.add_labels(
        [
            Label("ZTF18lost", "SN Ia", "TNS", "2018-08-22"),
            Label("ZTF18seen", "TDE", "TNS", "2018-08-26T23:59:59Z"),
            Label("ZTF18wait", NASTY, "TNS", "2018-08-22"),
            Label("ZTF18other", "SN II", "TNS", "2018-08-22"),
            Label("ZTF18wait", "SN Ia", "spectrum", "2018-08-27"),
        ]
    )


def test_a_week_counts_its_newest_plans_decisions_and_labels(store: Store) -> None:
    fill(store)
    week = summarise_week(store, *WEEK)
    assert [(n.night, n.n_targets, n.n_set_aside, n.n_decided) for n in week.nights] == [
        ("2018-08-20", 1, 2, 0), ("2018-08-21", 2, 0, 2),
    ]  # fmt: skip
    assert (week.n_objects, week.n_worth_a_look, week.n_listed) == (3, 2, 2)
    assert week.queues == {"garbage": {"updating": 1}, "extragalactic": {"updating": 1}, "urgent": {"updating": 1}}
    assert week.ranks == (1, 0, 0, 0, 0, 0, 0, 0, 1, 1)
    assert week.verdicts == {"approve": 1, "reject": 1, "comment": 1}
    assert week.observers == {"Vera": 2, "Annie": 1, NASTY: 1}
    assert week.n_labels == 4
    assert week.labels == {"SN Ia": 1, "TDE": 1, " ".join(NASTY.split()): 1}
    assert [(found.target, found.fate) for found in week.audit.good] == [
        ("ZTF18lost", "set aside"), ("ZTF18seen", "approved"),
    ]  # fmt: skip
    assert [night.drifted for night in week.nights] == [None, ("magr_last", NASTY)]


def test_a_report_survives_json(store: Store) -> None:
    fill(store)
    week = summarise_week(store, *WEEK)
    data = json.loads(json.dumps(week.to_dict(), allow_nan=False))
    assert data["audit"]["n_missed"] == 1
    assert WeekReport.from_dict(data).to_dict() == week.to_dict()


def test_a_week_without_an_assistant_has_no_queues(run, store: Store) -> None:
    store.save_plan(PLAN, created="2018-08-20T06:00:00Z")
    week = summarise_week(store, *WEEK)
    assert week.queues == {"none": {"none": 4}}
    assert (week.n_objects, week.n_worth_a_look, week.n_listed) == (4, 4, 3)
    out = run("report", "week", "--store", store.url)[1]
    assert "Of 4 objects, 4 (100.0 %) were worth a look, and 3 (75.0 %) were in a list." in out
    assert "without an assistant: there are no queues" in out


def test_the_screen_says_what_happened(run, store: Store) -> None:
    fill(store)
    code, out, _ = run("report", "week", "--week", "2018-W34", "--store", store.url)
    assert code == 0
    assert out.startswith("Week 2018-W34: nights of 2018-08-20 to 2018-08-26\n")
    assert "Of 3 objects, 2 (66.7 %) were worth a look, and 2 (66.7 %) were in a list." in out
    assert "1 of 2 extragalactic transients had been weeded out" in out
    assert "(50.0 %): 1 by the policy, 0 by people." in out
    assert "4 labels came, of 3 objects that were in a plan at any time." in out
    assert "Features were not as in training in 1 of 1 plan." in out
    assert "\x1b" not in out
    assert "[red]$x_$" in out


def test_the_last_plan_chooses_the_week_where_none_is_named(run, store: Store) -> None:
    fill(store)
    data = json.loads(run("report", "week", "--store", store.url, "--json")[1])
    assert (data["first_night"], data["last_night"]) == ("2018-08-27", "2018-09-02")
    data = json.loads(run("report", "week", "--ending", "2018-08-21", "--store", store.url, "--json")[1])
    assert (data["first_night"], data["last_night"], len(data["nights"])) == ("2018-08-15", "2018-08-21", 2)


def test_an_empty_week_says_so(run, store: Store, tmp_path: Path) -> None:
    fill(store)
    page = tmp_path / "week.html"
    code, out, _ = run("report", "week", "--week", "2017-W01", "--store", store.url, "--html", page)
    assert code == 0
    assert "The store has no plan, no decision and no label of these nights." in out
    assert "The store has no plan" in page.read_text("utf-8")
    assert "<img" not in page.read_text("utf-8")


class Page(html.parser.HTMLParser):
    """What a browser would make of the page: the tags and attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_runs_nothing(run, store: Store, tmp_path: Path) -> None:
    fill(store)
    page = tmp_path / "week.html"
    assert run("report", "week", "--week", "2018-W34", "--store", store.url, "--html", page)[0] == 0
    written = Page(page.read_text("utf-8"))
    tags = {tag for tag, _ in written.tags}
    assert not tags & {"script", "link", "iframe", "object", "a"}
    images = [attributes for tag, attributes in written.tags if tag == "img"]
    assert len(images) == 3
    for image in images:
        kind, _, data = (image["src"] or "").partition(",")
        assert kind == "data:image/svg+xml;base64"
        assert ElementTree.fromstring(b64decode(data)).tag.endswith("svg")
        assert image["alt"]
    assert '<script>alert("1")</script> & [red]$x_$[2J' in written.text
    assert "\x1b" not in written.text
    assert "ZTF18lost" in written.text


def test_the_same_week_gives_the_same_page(store: Store) -> None:
    from ampel_followup.weekly.html import render_html

    fill(store)
    week = summarise_week(store, *WEEK)
    assert render_html(week) == render_html(WeekReport.from_dict(week.to_dict()))


def test_names_with_dollar_signs_are_drawn_as_they_are(store: Store) -> None:
    from ampel_followup.weekly.figures import draw_figures

    for site in ("$\\frac{$", "sso"):
        store.save_plan(plan_of("2018-08-20", scored(ANY, "ZTF18a", "$^$", 5.0), site=site), created="2018-08-20")
    assert len(draw_figures(summarise_week(store, *WEEK))) == 3


def test_without_matplotlib_the_page_is_refused_in_one_line(
    run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = run("report", "week", "--store", store.url, "--html", tmp_path / "week.html")
    assert code == 2
    assert "pip install 'ampel-followup[plots]'" in err
    assert run("report", "week", "--store", store.url)[0] == 0


def test_weeks_begin_on_monday() -> None:
    assert week_of("2018-W34") == WEEK
    assert week_of("2020-w53") == ("2020-12-28", "2021-01-03")
    assert week_ending("2018-08-26") == WEEK
    for wrong in ("2018-W54", "2018-34", "W34", "2018-W", "99999-W01", "2018-W-1"):
        with pytest.raises(FollowupError, match="is no week; write it as 2026-W47"):
            week_of(wrong)
    for wrong in ("yesterday", "0001-01-01"):
        with pytest.raises(FollowupError, match="is no date"):
            week_ending(wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--week", "2018-W34", "--ending", "2018-08-26"), "exclude each other; give one of them"),
        (("--week", "now"), "'now' is no week"),
        ((), "has no plan yet; say which week with --week"),
        (("--week", "2018-W34", "--html", "nowhere/week.html"), "cannot write nowhere/week.html"),
    ],
)
def test_what_cannot_be_reported_is_one_line(run, store: Store, options: tuple[str, ...], message: str) -> None:
    code, _, err = run("report", "week", "--store", store.url, *options)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_two_sites_of_a_night_are_two_lines(store: Store) -> None:
    for site in ("palomar", "sso"):
        store.save_plan(plan_of("2018-08-20", scored(ANY, "ZTF18a", "wait", 5.0), site=site), created="2018-08-20")
    week = summarise_week(store, *WEEK)
    assert [line.site for line in week.nights] == ["palomar", "sso"]
    assert week.n_objects == 1
    assert replace(week, nights=()).empty
