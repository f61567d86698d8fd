"""Sorting, strategies and saved views: how the list is arranged, while the plan stays as it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sample_night import at_rest, make_plan, screen_text, until
from textual.widgets import Input, OptionList

from ampel_followup.plan import NightPlan
from ampel_followup.reranking import rerank
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.kept_views import VARIABLE, keep_view, read_views
from ampel_followup_tui.ordering import SORTS, ordered
from ampel_followup_tui.screens import tonight as tonight_module
from ampel_followup_tui.screens.choice import ChoiceScreen
from ampel_followup_tui.screens.tonight import TonightScreen
from ampel_followup_tui.views import View

MakeApp = Callable[..., FollowupApp]


@pytest.fixture(autouse=True)
def views_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The observer's own file of views."""
    path = tmp_path / "config" / "views.yml"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def tonight(app: FollowupApp) -> TonightScreen:
    assert isinstance(app.screen, TonightScreen)
    return app.screen


def notices(app: FollowupApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


async def choose(pilot: object, app: FollowupApp, caption: str) -> None:
    """Choose a line of the dialogue in front."""
    await until(lambda: isinstance(app.screen, ChoiceScreen))
    dialogue = app.screen
    assert isinstance(dialogue, ChoiceScreen)
    place = [choice.caption for choice in dialogue._choices].index(caption)
    dialogue.query_one(OptionList).highlighted = place
    await pilot.press("enter")  # type: ignore[attr-defined]
    await at_rest(pilot.app)  # type: ignore[attr-defined]


def early_plan(plan: NightPlan) -> NightPlan:
    """The same with P(SN Ia) of an early classifier."""
    targets = tuple(
        replace(t, scores=replace(t.scores, p_snia=t.scores.p_t["SN Ia"], snia_threshold=0.4)) for t in plan.targets
    )
    return replace(plan, targets=targets)


async def test_o_sorts_by_a_column_marks_it_and_the_cursor_stays(make_app: MakeApp, store: Store) -> None:
    plan = store.load_plan().plan
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n", "n", "o")
        await choose(pilot, app, "magnitude, the brightest first")
        magnitudes = [app.journal.target(name).photometry.last_mag for name in tonight(app).order]
        assert magnitudes == sorted(magnitudes)
        assert app.current == plan.targets[2].id
        await until(lambda: "mag↑" in screen_text(app))
        await pilot.press("O")
        assert [app.journal.target(n).photometry.last_mag for n in tonight(app).order] == sorted(magnitudes)[::-1]
        await until(lambda: "mag↓" in screen_text(app))
        assert app.current == plan.targets[2].id


async def test_the_plans_own_order_is_one_key_away(make_app: MakeApp, store: Store) -> None:
    order = [target.id for target in store.load_plan().plan.targets]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("O")
        assert list(tonight(app).order) == order[::-1]
        await until(lambda: "#↓" in screen_text(app))
        await pilot.press("backspace")
        assert list(tonight(app).order) == order
        assert "#↓" not in screen_text(app)


async def test_a_click_on_a_heading_sorts_and_a_second_one_turns_round(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await until(lambda: "gain" in screen_text(app))
        line = next(i for i, text in enumerate(screen_text(app).splitlines()) if "likely after" in text)
        place = screen_text(app).splitlines()[line].index("airm")
        for first in (min, max):
            await pilot.click(offset=(place + 1, line))
            airmass = [app.journal.target(name).visibility.min_airmass for name in tonight(app).order]
            assert airmass[0] == first(airmass)
        await pilot.click(offset=(2, line))
        assert tonight(app).view.sort == ""


@pytest.mark.parametrize("key", SORTS)
@pytest.mark.parametrize("reverse", [False, True])
def test_every_order_is_stable_and_has_what_is_not_known_last(
    make_assisted_app: MakeApp, key: str, reverse: bool
) -> None:
    journal = make_assisted_app().journal
    targets = list(journal.plan.targets)
    found = ordered(targets, key, reverse, journal)
    assert sorted(target.id for target in found) == sorted(target.id for target in targets)
    values = [SORTS[key].read(target, journal) for target in found]
    known = [value for value in values if value is not None and not (isinstance(value, float) and math.isnan(value))]
    assert values[: len(known)] == known
    assert known == sorted(known, reverse=SORTS[key].largest_first != reverse)  # type: ignore[type-var]
    place = {target.id: number for number, target in enumerate(targets)}
    for (a, one), (b, two) in zip(
        zip(found, values, strict=True), zip(found[1:], values[1:], strict=True), strict=False
    ):
        assert one != two or place[a.id] < place[b.id]


async def test_a_sort_by_what_has_no_column_here_is_said(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await choose(pilot, app, "least airmass")
        await until(lambda: "↑ least airmass" in screen_text(app))


async def test_s_looks_at_the_plan_under_another_strategy_and_says_it_is_unchanged(
    make_app: MakeApp, store: Store
) -> None:
    stored = store.load_plan()
    other = rerank(stored.plan, "entropy")
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.press("s")
        await choose(pilot, app, "entropy")
        assert list(tonight(app).order) == sorted(other.place, key=other.place.__getitem__)
        await until(lambda: "⇅ entropy, plan unchanged" in screen_text(app).splitlines()[0])
        first = tonight(app).order[0]
        move = other.move[first]
        sign = f"▲{move}" if move > 0 else f"▼{-move}" if move else "="
        await pilot.press("home")
        await until(lambda: f"1 {sign}" in screen_text(app))
        await pilot.press("backspace")
        assert list(tonight(app).order) == [target.id for target in stored.plan.targets]
        await until(lambda: "value-of-information" in screen_text(app).splitlines()[0])
    assert store.load_plan().plan.to_json() == stored.plan.to_json()
    assert len(store.plans()) == 1


async def test_a_strategy_that_the_plan_has_no_scores_for_says_why(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.press("s")
        await until(lambda: isinstance(app.screen, ChoiceScreen))
        await until(lambda: "not here: this plan was made without" in screen_text(app))
        await pilot.press("escape")
        assert isinstance(app.screen, TonightScreen)


async def test_p_snia_is_a_column_and_a_filter_where_a_plan_has_it(make_app: MakeApp, store: Store) -> None:
    plan = early_plan(store.load_plan().plan)
    store.save_plan(plan, created="2026-11-20T08:00:00Z")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: f" .{100 * plan.targets[0].scores.p_snia:.0f} " in screen_text(app))
        await pilot.press("s")
        await choose(pilot, app, "early-snia")
        best = max(plan.targets, key=lambda target: target.scores.p_snia)
        assert tonight(app).order[0] == best.id
        await pilot.press("slash", *"ia>=0.5", "enter")
        assert set(tonight(app).order) == {t.id for t in plan.targets if t.scores.p_snia >= 0.5}


async def test_a_view_is_kept_under_a_name_and_comes_back_after_a_restart(
    make_app: MakeApp, store: Store, views_file: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"mag<18.8", "enter", "o")
        await choose(pilot, app, "gain")
        await pilot.press("O", "s")
        await choose(pilot, app, "entropy")
        kept, order = tonight(app).view, list(tonight(app).order)
        await pilot.press("B", *"bright", "enter")
        assert "Saved “bright”" in notices(app)
    assert read_views(views_file) == {"bright": kept}
    app = make_app("bob")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("b")
        await choose(pilot, app, "bright")
        assert tonight(app).view == kept
        assert list(tonight(app).order) == order
        assert app.screen.query_one(Input).value == "mag<18.8"
        await until(lambda: "⇅ entropy" in screen_text(app))


async def test_a_view_is_overwritten_and_deleted_only_when_asked_for_twice(make_app: MakeApp, views_file: Path) -> None:
    keep_view(views_file, "mine", View(filter="mag<19"))
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("O", "B", *"mine", "enter")
        await until(lambda: "“mine” is there already" in screen_text(app))
        assert read_views(views_file)["mine"].filter == "mag<19"
        await pilot.press("enter")
        assert read_views(views_file) == {"mine": View(reverse=True)}
        await pilot.press("b", "x")
        await until(lambda: "x again deletes the view “mine” for good" in screen_text(app))
        assert "mine" in read_views(views_file)
        await pilot.press("x")
        assert read_views(views_file) == {}
        assert "Deleted the view “mine”" in notices(app)
        await pilot.press("b")
        assert "No view is saved yet" in notices(app)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [1", "cannot be read"),
        ("- a", "no table of names"),
        ("a: 3", "view “a”"),
        ("a: {colour: red}", "has “colour”; there are list, group, filter"),
        ("a: {filter: 3}", "filter is 3; write a text"),
        ("a: {list: elsewhere}", "of the list “elsewhere”"),
    ],
)
async def test_a_file_of_views_that_makes_no_sense_is_named_and_left_as_it_is(
    make_app: MakeApp, views_file: Path, content: str, message: str
) -> None:
    views_file.parent.mkdir(parents=True)
    views_file.write_text(content)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("b")
        assert message in notices(app) and str(views_file) in notices(app)
        await pilot.press("B", "x", "enter")
        await until(lambda: message[:20] in " ".join(screen_text(app).split()))
    assert views_file.read_text() == content


async def test_a_view_is_kept_with_a_store_that_is_read_only(store: Store, views_file: Path, make_app: MakeApp) -> None:
    with Store.open(store.url, read_only=True) as read_only:
        app = make_app(store=read_only)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("B", *"x", "enter")
    assert list(read_views(views_file)) == ["x"]


async def test_of_a_long_list_the_first_are_listed_and_the_rest_can_be_reached(
    make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tonight_module, "MOST_LISTED", 20)
    plan, _ = make_plan(60, 0)
    store.save_plan(plan, created="2026-11-20T09:00:00Z")
    names = [target.id for target in plan.targets]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = tonight(app)
        assert list(screen.table.order) == names[:20]
        assert list(screen.order) == names
        await until(lambda: "20 of 60 shown; filter to reach the rest" in screen_text(app))
        # By going on,
        await screen.show_target(names[19])
        await pilot.press("n")
        assert app.current == names[20]
        await until(lambda: "11–30 of 60 shown" in screen_text(app))
        # by a jump,
        await screen.show_target(names[55])
        assert app.current == names[55]
        # by the other end,
        await pilot.press("O")
        assert app.current == names[55]
        # and by the filter.
        await pilot.press("slash", *names[40].lower(), "enter")
        assert app.current == names[40]
        await pilot.press("escape")
        assert app.current == names[40]
