"""One key per verdict: in the store first, then on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest
from sample_night import NOW, at_rest, screen_text, until
from textual.widgets import Input

from ampel_followup.decision import Decision, Verdict
from ampel_followup.errors import StoreError
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.instants import stamp

MakeApp = Callable[..., FollowupApp]


def names(store: Store) -> list[str]:
    return [target.id for target in store.load_plan().plan.targets]


def notices(app: FollowupApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


@pytest.mark.parametrize(("key", "verdict"), [("a", "approve"), ("r", "reject"), ("d", "defer")])
async def test_a_key_records_the_verdict_and_moves_on(make_app: MakeApp, store: Store, key: str, verdict: str) -> None:
    first, second, *_ = names(store)
    app = make_app("ada")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        assert app.current == second
        await until(lambda: "1/34" in screen_text(app))
    [decision] = store.decisions()
    assert (decision.target, decision.verdict, decision.observer) == (first, verdict, "ada")
    assert decision.time == stamp(NOW)
    assert decision.plan_revision == store.load_plan().info.revision


async def test_a_verdict_is_in_the_store_before_the_cursor_moves(
    make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    first = names(store)[0]
    seen: list[tuple[str | None, bool]] = []
    record = store.record_all

    def spy(decisions: Iterable[Decision], **options: Any) -> list[Decision]:
        recorded = record(decisions, **options)
        seen.append((app.current, get_ident() == main_thread))
        return recorded

    monkeypatch.setattr(store, "record_all", spy)
    main_thread = get_ident()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
    # The cursor still stood on the target, and the screen was free while the store wrote.
    assert seen == [(first, False)]


async def test_quick_keys_each_judge_their_own_target(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "r", "d", "a")
    assert [(d.target, d.verdict) for d in store.decisions()] == list(
        zip(names(store), ("approve", "reject", "defer", "approve"), strict=False)
    )


async def test_the_cursor_skips_what_is_decided_and_wraps_to_the_top(make_app: MakeApp, store: Store) -> None:
    order = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n", "a")
        assert app.current == order[2]
        await pilot.press("p", "p", "a")
        assert app.current == order[2]
        await pilot.press("end", "a")
        assert app.current == order[2]


async def test_the_cursor_stays_and_a_message_says_so_when_all_are_decided(make_app: MakeApp, store: Store) -> None:
    stored = store.load_plan()
    for target in stored.plan.targets[1:]:
        store.record(
            Decision(target.id, stored.info.night, stored.info.site, Verdict.REJECT, "bob", stamp(NOW), plan_revision=1)
        )
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        assert app.current == stored.plan.targets[0].id
        await until(lambda: "34/34" in screen_text(app))
        assert "Every target of this list is decided" in notices(app)


async def test_a_read_only_store_refuses_in_plain_words_and_the_cursor_stays(
    make_app: MakeApp, store: Store, tmp_path: Path
) -> None:
    with Store.open(tmp_path / "night.sqlite", read_only=True) as read_only:
        app = make_app(store=read_only)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("a")
            assert app.current == names(store)[0]
            await until(lambda: "0/34" in screen_text(app))
            assert "read-only" in notices(app)
    assert store.decisions() == []


async def test_a_locked_store_loses_nothing(make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(decisions: Iterable[Decision], **options: Any) -> list[Decision]:
        raise StoreError("night.sqlite is locked by another program; try again")

    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        with monkeypatch.context() as patch:
            patch.setattr(store, "record_all", refuse)
            await pilot.press("a")
            assert app.current == names(store)[0]
            assert "locked by another program" in notices(app)
        await pilot.press("a")
    assert [decision.target for decision in store.decisions()] == names(store)[:1]


async def test_undo_takes_back_the_latest_verdict_and_returns_to_its_target(make_app: MakeApp, store: Store) -> None:
    first, second, third, *_ = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "r")
        assert app.current == third
        await pilot.press("u")
        assert app.current == second
        await until(lambda: "1/34" in screen_text(app))
        await pilot.press("u")
        assert app.current == first
        await pilot.press("u")
        assert "Nothing of yours" in notices(app)
    assert store.verdicts("2026-11-20", "sso") == {}
    assert len(store.decisions()) == 4


async def test_undo_leaves_the_verdicts_of_others_alone(make_app: MakeApp, store: Store) -> None:
    stored = store.load_plan()
    theirs = store.record(
        Decision(stored.plan.targets[4].id, stored.info.night, stored.info.site, Verdict.APPROVE, "bob", stamp(NOW))
    )
    app = make_app("ada")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("u")
    assert store.verdicts("2026-11-20", "sso") == {theirs.target: theirs}


async def test_undo_works_after_a_restart(make_app: MakeApp, store: Store) -> None:
    async with make_app("ada").run_test() as pilot:
        await pilot.press("a")
    async with make_app("ada").run_test() as pilot:
        await pilot.press("u")
    assert store.verdicts("2026-11-20", "sso") == {}


async def test_a_comment_is_kept_and_shown_and_decides_nothing(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("c", *"host redshift is photometric", "enter", "4")
        await at_rest(app)
        assert app.current == names(store)[0]
        await until(lambda: "0/34" in screen_text(app))
        await until(lambda: "“host redshift is photometric”" in screen_text(app))
    [decision] = store.decisions()
    assert (decision.verdict, decision.comment) == ("comment", "host redshift is photometric")


async def test_an_empty_or_cancelled_comment_is_not_recorded(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("c", "enter", "c", "x", "escape")
    assert store.decisions() == []


async def test_a_refused_comment_keeps_its_text_on_the_screen(
    make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(decisions: Iterable[Decision], **options: Any) -> list[Decision]:
        raise StoreError("night.sqlite is locked by another program; try again")

    monkeypatch.setattr(store, "record_all", refuse)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("c", *"precious", "enter")
        assert app.screen.query_one(Input).value == "precious"
        await until(lambda: "locked by another program" in screen_text(app))


async def test_what_cannot_be_seen_is_not_approved_but_can_be_deferred(make_app: MakeApp, store: Store) -> None:
    hidden = store.load_plan().plan.not_observable[0].id
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        assert app.current == hidden
        await pilot.press("a")
        assert app.current == hidden
        assert "sets 1 h 12 min before it is dark; defer it instead" in notices(app)
        await pilot.press("d")
    assert [(d.target, d.verdict) for d in store.decisions()] == [(hidden, "defer")]


async def test_verdicts_of_another_observer_appear_and_the_cursor_stays(make_app: MakeApp, store: Store) -> None:
    stored = store.load_plan()
    app = make_app("ada")
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.press("n", "n")
        here = app.current
        store.record(
            Decision(stored.plan.targets[2].id, stored.info.night, stored.info.site, Verdict.REJECT, "bob", stamp(NOW))
        )
        await app.poll()
        await at_rest(app)
        assert app.current == here == stored.plan.targets[2].id
        await until(lambda: "rejected bob" in screen_text(app))
        await until(lambda: "1/34 decided" in screen_text(app))


async def test_others_verdicts_made_before_mine_are_not_missed(make_app: MakeApp, store: Store) -> None:
    stored = store.load_plan()
    app = make_app("ada")
    async with app.run_test(size=(140, 45)) as pilot:
        store.record(
            Decision(stored.plan.targets[9].id, stored.info.night, stored.info.site, Verdict.REJECT, "bob", stamp(NOW))
        )
        await pilot.press("a")
        await app.poll()
        await at_rest(pilot.app)
        await until(lambda: "2/34 decided" in screen_text(app))


async def test_a_store_that_cannot_be_reached_is_reported_until_it_can(
    make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise StoreError("the server does not answer")

    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        with monkeypatch.context() as patch:
            patch.setattr(store, "change_counter", refuse)
            await app.poll()
            await at_rest(pilot.app)
            await until(lambda: "the server does not answer" in screen_text(app))
        await app.poll()
        await at_rest(app)
        assert "the server does not answer" not in screen_text(app)
        await until(lambda: "decided" in screen_text(app))


async def test_verdicts_can_be_given_on_the_target_screen(make_app: MakeApp, store: Store) -> None:
    first, second, *_ = names(store)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.press("a")
        assert second in screen_text(app)
        await pilot.press("p")
        await until(lambda: f"{first}  ● approved ada" in screen_text(app))
        await pilot.press("escape")
        assert app.current == first
