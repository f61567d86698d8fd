"""What the virtual assistant adds to the app: its columns, its pane, groups, what is set aside, and drift."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text
from sample_night import DUSK_MJD, assist, at_rest, make_plan, screen_text, until

from ampel_followup.assistant_scores import Cause, Placement, Queue, Stage, Trait, Visit
from ampel_followup.plan import RankedTarget
from ampel_followup.policy import load_policy
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.columns import Column, aside_columns, hidden_columns, tonight_columns
from ampel_followup_tui.drift import read_drift
from ampel_followup_tui.glyphs import sparkline, two_digits
from ampel_followup_tui.groups import FIRST_UNTIL, UPDATING_UNTIL
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.panes.assistant import assistant
from ampel_followup_tui.screens.drift import DriftScreen
from ampel_followup_tui.screens.tonight import TonightScreen

MakeApp = Callable[..., FollowupApp]
NARROW, WIDE = (80, 24), (140, 45)


@pytest.fixture
def target() -> RankedTarget:
    return assist(make_plan(1, 0)[0], 0)[0].targets[0]


def with_scores(target: RankedTarget, **changes: Any) -> RankedTarget:
    assert target.assistant is not None
    return replace(target, assistant=replace(target.assistant, **changes))


def placed(target: RankedTarget, **changes: Any) -> RankedTarget:
    assert target.placement is not None
    return replace(target, placement=replace(target.placement, **changes))


def row(target: RankedTarget, columns: list[Column]) -> dict[str, str]:
    return {column.key: column.content(target, column.width).plain.strip() for column in columns}


def shown(app: FollowupApp) -> list[str]:
    tonight = app.screen
    assert isinstance(tonight, TonightScreen)
    return list(tonight.table.order)


def tabs(app: FollowupApp) -> str:
    return screen_text(app).splitlines()[1]


def notices(app: FollowupApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


@pytest.mark.parametrize("width", [79, 100, 119, 138, 139, 250])
@pytest.mark.parametrize("make_columns", [tonight_columns, hidden_columns, aside_columns])
def test_columns_fill_the_width_and_no_cell_is_wider_than_its_column(
    make_assisted_app: MakeApp, width: int, make_columns: Callable[[int, Journal], list[Column]]
) -> None:
    journal = make_assisted_app().journal
    columns = make_columns(width, journal)
    assert sum(column.width + 1 for column in columns) - 1 <= width
    assert columns[-1].key == "status"
    assert columns[-1].width >= 10
    for column in columns:
        assert Text(column.label).cell_len <= column.width
        for target in (*journal.plan.targets, *journal.plan.not_observable, *journal.plan.set_aside):
            if column.key != "status":
                assert column.content(target, column.width).cell_len <= column.width


def test_scores_are_shown_in_two_digits_and_the_rank_to_one_decimal(
    make_assisted_app: MakeApp, target: RankedTarget
) -> None:
    journal = make_assisted_app().journal
    scored = with_scores(target, p_real=0.9999, p_galactic=0.0312, p_fast=math.nan, rank=9.84)
    wide = row(scored, tonight_columns(119, journal))
    assert [wide[key] for key in ("real", "galactic", "fast", "assistant")] == [".99", ".03", "–", "9.8"]
    assert row(scored, tonight_columns(79, journal))["assistant"] == "9.8"
    unscored = row(replace(target, assistant=None, placement=None), tonight_columns(119, journal))
    assert [unscored[key] for key in ("real", "galactic", "fast", "assistant")] == ["–"] * 4
    assert row(with_scores(target, rank=10.0), tonight_columns(79, journal))["assistant"] == "10.0"


def test_a_plan_without_an_assistant_has_none_of_its_columns(make_app: MakeApp) -> None:
    for width in (79, 139):
        keys = {column.key for column in tonight_columns(width, make_app().journal)}
        assert keys.isdisjoint({"real", "galactic", "fast", "assistant"})


@pytest.mark.parametrize("width", [79, 119, 139])
def test_an_urgent_target_is_marked_by_a_sign_and_a_word(
    make_assisted_app: MakeApp, target: RankedTarget, width: int
) -> None:
    columns = tonight_columns(width, make_assisted_app().journal)
    for queue, sign, word in ((Queue.URGENT, "»", "urgent"), (Queue.EXTRAGALACTIC, "", "·")):
        cells = row(placed(with_scores(target, anomaly=""), queue=queue, last_useful=None), columns)
        assert cells["rank"] == f"{sign}1"
        assert cells["status"].split()[-1] in (word, "outside" if not sign else word)


async def test_the_tabs_count_the_groups_of_the_plan(make_assisted_app: MakeApp, assisted_store: Store) -> None:
    plan = assisted_store.load_plan().plan
    placements = [target.placement for target in plan.targets]
    of_stage = {stage: sum(p is not None and p.stage == stage for p in placements) for stage in Stage}
    closing = sum(p is not None and p.last_useful is not None for p in placements)
    app = make_assisted_app()
    async with app.run_test(size=WIDE):
        await until(lambda: "window closing" in tabs(app))
        numbers = dict(re.findall(r"([a-z][a-z ]+?) (\d+)", tabs(app)))
    assert numbers == {
        "tonight": "34",
        "new tonight": str(of_stage[Stage.FIRST]),
        "updating": str(of_stage[Stage.UPDATING]),
        "window closing": str(closing),
        "watch": str(of_stage[Stage.LONG_TERM]),
        "not tonight": "12",
        "set aside": "41",
    }
    assert sum(of_stage.values()) == 34


async def test_every_tab_is_on_a_narrow_screen_too(make_assisted_app: MakeApp) -> None:
    app = make_assisted_app()
    async with app.run_test(size=NARROW) as pilot:
        for name in ("tonight", "new", "upd", "clos", "watch", "unseen", "aside"):
            assert name in tabs(app)
        await pilot.press("l", "l")
        for name in ("tonight", "unseen", "aside 41", "gal", "wait", "purg", "garb", "snooze"):
            assert name in tabs(app)


async def test_l_goes_through_the_lists_and_v_through_the_groups(
    make_assisted_app: MakeApp, assisted_store: Store
) -> None:
    plan = assisted_store.load_plan().plan
    app = make_assisted_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("v")
        fresh = [t.id for t in plan.targets if t.placement is not None and t.placement.stage == Stage.FIRST]
        assert shown(app) == fresh
        for key, wanted in (("l", plan.not_observable), ("l", plan.set_aside), ("l", plan.targets)):
            await pilot.press(key)
            assert shown(app) == [target.id for target in wanted]
        # The groups together are the list, and after the last one comes all of it.
        await pilot.press("l", "l")
        seen: set[str] = set()
        for _ in range(5):
            await pilot.press("v")
            assert 0 < len(shown(app)) < 41
            seen.update(shown(app))
        await pilot.press("v")
        assert shown(app) == [target.id for target in plan.set_aside]
        assert seen == set(shown(app))


async def test_a_list_without_groups_says_so(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("l", "v")
        assert "no groups" in notices(app)
        assert len(shown(app)) == 12
        await pilot.press("l")
        assert app.current == app.journal.plan.targets[0].id


async def test_without_an_assistant_the_groups_go_by_age(make_app: MakeApp, store: Store) -> None:
    plan = store.load_plan().plan
    fresh = replace(plan.targets[5], photometry=replace(plan.targets[5].photometry, first_mjd=DUSK_MJD - 0.9))
    targets = tuple(fresh if target.id == fresh.id else target for target in plan.targets)
    store.save_plan(replace(plan, targets=targets), created="2026-11-20T07:00:00Z")
    old = [t.id for t in targets if DUSK_MJD - t.photometry.first_mjd > UPDATING_UNTIL]
    assert 0 < len(old) < 33
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(lambda: "not tonight 12" in tabs(app) and "new tonight" in tabs(app))
        assert re.findall(r"([a-z][a-z ]+?) (\d+)", tabs(app))[1:-1] == [
            ("new tonight", "1"),
            ("updating", str(33 - len(old))),
            ("watch", str(len(old))),
        ]
        await pilot.press("v")
        assert shown(app) == [fresh.id]
        await pilot.press("v", "v")
        assert shown(app) == old
        await pilot.press("v", "slash", *"new", "enter")
        assert shown(app) == [fresh.id]


def test_ages_without_a_policy_are_those_of_the_one_that_comes_along() -> None:
    stages = load_policy().stages
    assert (stages.first_until, stages.updating_until) == (FIRST_UNTIL, UPDATING_UNTIL)


async def test_an_empty_group_says_that_it_is_empty(make_assisted_app: MakeApp) -> None:
    app = make_assisted_app()
    plan = app.journal.plan
    targets = tuple(placed(target, last_useful=None) for target in plan.targets)
    app.journal.plan = replace(plan, targets=targets)
    async with app.run_test(size=NARROW):
        await app.run_action("list('tonight/closing')")
        await until(lambda: "none of this group" in tabs(app))


async def test_what_is_set_aside_is_listed_with_its_queue_and_the_reason(
    make_assisted_app: MakeApp, assisted_store: Store
) -> None:
    plan = assisted_store.load_plan().plan
    app = make_assisted_app()
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("l", "l")
        text = screen_text(app)
        for target in plan.set_aside[:5]:
            assert target.placement is not None
            [line] = [line for line in text.splitlines() if f"{target.id} " in line]
            assert target.placement.queue in line
            assert target.placement.because[:30] in line


@pytest.mark.parametrize("opened", [False, True])
async def test_what_is_set_aside_can_be_approved_and_the_journal_says_from_where(
    make_assisted_app: MakeApp, assisted_store: Store, opened: bool
) -> None:
    plan = assisted_store.load_plan().plan
    first = plan.set_aside[0]
    assert first.placement is not None
    app = make_assisted_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("l", "l", *(["enter"] if opened else []), "a")
    [decision] = assisted_store.decisions()
    assert (decision.target, decision.verdict) == (first.id, "approve")
    assert decision.comment == f"was set aside: {first.placement.queue}, {first.placement.because}"


async def test_other_verdicts_and_other_lists_get_no_comment(make_assisted_app: MakeApp, assisted_store: Store) -> None:
    app = make_assisted_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a", "l", "l", "r", "d")
    assert [(d.verdict, d.comment) for d in assisted_store.decisions()] == [
        ("approve", ""),
        ("reject", ""),
        ("defer", ""),
    ]


async def test_undo_goes_back_to_the_set_aside_target(make_assisted_app: MakeApp, assisted_store: Store) -> None:
    first = assisted_store.load_plan().plan.set_aside[0].id
    app = make_assisted_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("l", "l", "a", "l", "u")
        assert app.current == first
        assert len(shown(app)) == 41


async def test_what_is_set_aside_and_cannot_be_seen_is_not_approved(
    make_assisted_app: MakeApp, assisted_store: Store
) -> None:
    unseen = next(t.id for t in assisted_store.load_plan().plan.set_aside if not t.visibility.observable)
    app = make_assisted_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("slash", *"nothing", "enter")
        await app._show_target(unseen)
        await pilot.press("a")
        assert "cannot be observed tonight" in notices(app)
    assert assisted_store.decisions() == []


async def test_a_deferred_target_says_until_when_it_stays_away(
    make_assisted_app: MakeApp, assisted_store: Store
) -> None:
    plan = assisted_store.load_plan().plan
    snoozed = next(t for t in plan.targets if t.placement is not None and t.placement.snoozed_until)
    app = make_assisted_app()
    async with app.run_test(size=(200, 45)) as pilot:
        await app._show_target(snoozed.id)
        await pilot.press("d")
        assert f"{snoozed.id} comes back on 2026-11-23." in notices(app)
        await until(lambda: "◐ deferred until 23 Nov" in screen_text(app))


@pytest.mark.parametrize("words", ["garbage", "urgent", "anomaly", "closing", "first"])
async def test_the_filter_knows_the_words_of_the_policy(make_assisted_app: MakeApp, words: str) -> None:
    app = make_assisted_app()
    plan = app.journal.plan

    def said(target: RankedTarget) -> bool:
        assert target.placement is not None
        assert target.assistant is not None
        return {
            "garbage": target.placement.queue == Queue.GARBAGE,
            "urgent": target.placement.queue == Queue.URGENT,
            "anomaly": bool(target.assistant.anomaly),
            "closing": target.placement.last_useful is not None,
            "first": target.placement.stage == Stage.FIRST,
        }[words]

    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*(["l", "l"] if words == "garbage" else []), "slash", *words, "enter")
        everything = plan.set_aside if words == "garbage" else plan.targets
        assert shown(app) == [target.id for target in everything if said(target)] != []


async def test_the_filter_says_how_many_match_on_a_narrow_screen(make_assisted_app: MakeApp) -> None:
    app = make_assisted_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("slash", *"no such thing", "enter")
        await until(lambda: "0 of 34 match" in screen_text(app))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_assistants_pane_is_one_key_away(make_assisted_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_assisted_app()
    async with app.run_test(size=size) as pilot:
        await until(lambda: "5 assistant" in screen_text(app))
        await pilot.press("5")
        await until(lambda: "galactic  ." in screen_text(app))
        assert "value of information 0" not in screen_text(app)
        await pilot.press("2")
        await until(lambda: "value of information 0" in screen_text(app))
        assert "galactic  ." not in screen_text(app)


async def test_tab_changes_what_is_shown_on_a_wide_screen(make_assisted_app: MakeApp) -> None:
    app = make_assisted_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(lambda: "value of information 0" in screen_text(app))
        await pilot.press("tab")
        await until(lambda: "galactic  ." in screen_text(app))
        await pilot.press("tab")
        await until(lambda: "After a spectrum" in screen_text(app))
        await pilot.press("tab")
        await until(lambda: "value of information 0" in screen_text(app))


async def test_a_plan_without_an_assistant_says_so_when_asked(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("5")
        assert "without an assistant" in notices(app)
        assert "assistant" not in tabs(app)
        assert "5 assistant" not in screen_text(app)


@pytest.mark.parametrize("width", [30, 36, 42, 50, 76, 120])
def test_the_pane_keeps_to_its_width(width: int) -> None:
    plan, _ = assist(make_plan(34, 12)[0], 20)
    for target in (*plan.targets, *plan.set_aside):
        assert max(len(line) for line in assistant(target, width).plain.splitlines()) <= width


def test_the_pane_says_what_is_known_and_what_is_not(target: RankedTarget) -> None:
    told = placed(
        with_scores(
            target,
            p_fast=math.nan,
            named="AT 2026abc",
            anomaly="brighter by 0.8 mag",
            traits=(Trait("speed", "fast", 0.83), Trait("luminosity", "unknown", math.nan)),
            causes=(
                Cause("real", "rb", 0.97, 1.5, "real/bogus score 0.97 raises it"),
                Cause("real", "x", math.nan, -0.5, "no host lowers it"),
            ),
        ),
        stage=Stage.LONG_TERM,
        queue=Queue.WAIT,
        because="rank 5.2, not above 7",
        listed=False,
        notes=("brighter by 0.8 mag", "window closes"),
        last_useful="2026-12-02",
        snoozed_until="2026-11-23",
    )
    text = assistant(told, 76).plain
    for words in (
        "wait   long term   set aside",
        "• rank 5.2, not above 7",
        "! anomaly: brighter by 0.8 mag",
        "• window closes",
        "last useful evening 2026-12-02",
        "comes back by itself on 2026-11-23",
        "AT 2026abc",
        "fast      –    not scored",
        "speed fast, 83 % sure",
        "luminosity unknown",
        "real      ▲ real/bogus score 0.97 raises it",
        "          ▼ no host lowers it",
    ):
        assert words in text
    # A note that repeats the anomaly is not said twice.
    assert text.count("brighter by 0.8 mag") == 1


def test_a_target_that_was_not_scored_still_says_why_it_is_there(target: RankedTarget) -> None:
    because = "no assistant scored it"
    placement = Placement(Stage.FIRST, Queue.EXTRAGALACTIC, because, listed=True)
    text = assistant(replace(target, assistant=None, placement=placement), 60).plain
    assert because in text
    assert "did not score" in text


def history(ranks: list[float]) -> tuple[Visit, ...]:
    return tuple(Visit(60000.0 + 2 * i, 2.0 * i, 0.5, 0.5, 0.5, rank) for i, rank in enumerate(ranks))


def test_the_sparkline_goes_from_the_first_visit_to_the_last_with_the_days_below(target: RankedTarget) -> None:
    lines = assistant(with_scores(target, rank=10.0, history=history([0.0, 5.0, 10.0])), 60).plain.splitlines()
    [place] = [i for i, line in enumerate(lines) if line.startswith("rank")]
    assert lines[place].rstrip() == "rank      10.0 ▁▁▁ ▅▅▅ ███"
    assert lines[place + 1] == "at day         0   2   4"


@given(st.integers(1, 300), st.integers(20, 120))
def test_a_long_history_is_thinned_but_keeps_its_ends(n: int, width: int) -> None:
    scored = assist(make_plan(1, 0)[0], 0)[0].targets[0]
    ranks = [0.0, *([5.0] * (n - 2)), 10.0][-n:]
    lines = assistant(with_scores(scored, history=history(ranks)), width).plain.splitlines()
    [place] = [i for i, line in enumerate(lines) if line.startswith("rank ")]
    drawn, days = lines[place][15:].rstrip(), lines[place + 1][15:].split()
    assert len(lines[place].rstrip()) <= width
    assert drawn[-1] == "█"
    assert days[-1] == str(2 * (n - 1))
    if n > 1:
        assert drawn[0] == "▁"


@given(st.lists(st.floats(0.0, 10.0) | st.just(math.nan), max_size=50))
def test_a_sparkline_has_one_sign_per_value_and_rises_with_it(values: list[float]) -> None:
    drawn = sparkline(values, 10.0)
    assert len(drawn) == len(values)
    known = sorted((value, sign) for value, sign in zip(values, drawn, strict=True) if not math.isnan(value))
    assert [sign for _, sign in known] == sorted(sign for _, sign in known)


@given(st.floats(0.0, 1.0))
def test_two_digits_are_the_nearest_but_never_certainty(p: float) -> None:
    assert abs(float(two_digits(p)) - p) <= (0.005001 if p < 0.99 else 0.0101)
    assert len(two_digits(p)) == 3


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_stream_that_is_not_as_in_training_is_warned_of_and_w_says_more(
    make_assisted_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_assisted_app()
    async with app.run_test(size=size) as pilot:
        await until(lambda: "! 3 features moved" in screen_text(app).splitlines()[0])
        await pilot.press("w")
        assert isinstance(app.screen, DriftScreen)
        for words in ("3 of 24 features are not as in", "rb_pix", "log10_std_ra"):
            assert words in screen_text(app)
        await pilot.press("w")
        assert isinstance(app.screen, TonightScreen)


async def test_how_many_are_set_aside_stands_in_the_header(make_assisted_app: MakeApp) -> None:
    app = make_assisted_app()
    async with app.run_test(size=WIDE):
        await until(lambda: "41 set aside" in screen_text(app).splitlines()[0])


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({}, "did not compare"),
        ({"drift": {"moved": [], "sentence": "No feature moved."}}, "No feature moved."),
        ({"drift": {"moved": []}}, "as in training"),
        ({"drift": "?"}, "did not compare"),
        ({"drift": {"moved": 3}}, "did not compare"),
        ({"drift": {"moved": [], "sentence": None}}, "did not compare"),
    ],
)
async def test_without_drift_the_header_is_quiet_and_w_says_so(
    make_app: MakeApp, store: Store, report: dict[str, Any], said: str
) -> None:
    plan, _ = make_plan(3, 1, seed=4)
    store.save_plan(plan, created="2026-11-20T07:00:00Z", report=report)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        assert "moved" not in screen_text(app).splitlines()[0]
        await pilot.press("w")
        assert said in notices(app)


def test_one_feature_is_not_several() -> None:
    drift = read_drift({"drift": {"moved": ["rb\x1b[2J"], "sentence": ""}})
    assert drift is not None
    assert drift.short == "! 1 feature moved"
    assert drift.moved == ("rb[2J",)


async def test_what_the_first_paint_leaves_out_is_not_counted_wrongly(
    make_assisted_app: MakeApp, assisted_store: Store
) -> None:
    app = make_assisted_app(first_look=5)
    assert not app.journal.complete
    assert app.journal.n_set_aside == 41
    screen = app.get_default_screen()
    assert isinstance(screen, TonightScreen)
    assert [tab.captions[0] for tab in screen._tabs()[:2]] == ["tonight 34", "new tonight"]
    async with app.run_test(size=NARROW) as pilot:
        await until(lambda: app.journal.complete)
        await pilot.press("l", "l")
        await until(lambda: len(shown(app)) == 41)


NASTY = "[bold red]Z[/] \x1b[2J\x1b]0;owned\x07\u202eevil"


async def test_hostile_text_of_alert_and_policy_is_shown_as_plain_text(make_app: MakeApp, store: Store) -> None:
    plan, _ = assist(make_plan(3, 1, seed=2)[0], 3)

    def nasty(target: RankedTarget) -> RankedTarget:
        return placed(
            with_scores(
                target,
                named=NASTY,
                anomaly=NASTY,
                traits=(Trait(NASTY, NASTY, 0.5),),
                causes=(Cause(NASTY, NASTY, 1.0, 1.0, NASTY), Cause("real", NASTY, 1.0, -1.0, NASTY)),
            ),
            stage=NASTY,
            queue=NASTY,
            because=NASTY,
            notes=(NASTY, "x"),
            last_useful=NASTY,
            snoozed_until=NASTY,
        )

    plan = replace(plan, targets=tuple(map(nasty, plan.targets)), set_aside=tuple(map(nasty, plan.set_aside)))
    report = {"drift": {"moved": [NASTY], "sentence": NASTY}}
    store.save_plan(plan, created="2026-11-20T07:00:00Z", report=report)
    app = make_app()
    async with app.run_test(size=(200, 50)) as pilot:
        await until(lambda: "5 assistant" in screen_text(app))
        for key in ("5", "enter", "escape", "d", "w", "escape", "l", "l", "a", "5"):
            await pilot.press(key)
            await at_rest(app)
            assert app._exception is None
            text = screen_text(app)
            assert not {"\x1b", "\x07", "\u202e"} & set(text)
            if key == "5":
                await until(lambda: "[bold red]Z[/]" in screen_text(app))
