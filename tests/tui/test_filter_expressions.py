"""Filters as short expressions: what they mean, and that no text at all is too much for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_night import NOW, screen_text, until
from textual.widgets import Input

from ampel_followup.decision import Decision
from ampel_followup.labels import Label
from ampel_followup.plan import RankedTarget
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.filtering.completion import FilterSuggester
from ampel_followup_tui.filtering.expression import Kind, parse
from ampel_followup_tui.filtering.fields import FIELDS, KINDS, WORDS
from ampel_followup_tui.filtering.matching import Matcher
from ampel_followup_tui.instants import mjd, stamp
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.screens.tonight import TonightScreen

MakeApp = Callable[..., FollowupApp]


@pytest.fixture
def journal(assisted_store: Store) -> Journal:
    stored = assisted_store.load_plan()
    for target, verdict, observer in zip(stored.plan.targets, ("approve", "reject", "defer"), "abc", strict=False):
        assisted_store.record(Decision(target.id, "2026-11-20", "sso", verdict, observer, stamp(NOW), plan_revision=1))
    return Journal(assisted_store, stored, "ada", lambda: NOW)


def passed(journal: Journal, text: str) -> list[RankedTarget]:
    expression = parse(text, KINDS)
    assert expression.fault is None
    return list(filter(Matcher(expression, journal), journal.plan.targets))


MEANINGS: list[tuple[str, Callable[[RankedTarget], bool]]] = [
    ("", lambda t: True),
    ("class:ia", lambda t: "Ia" in t.scores.class_now or "Ia" in t.scores.class_after),
    ("now:Ia", lambda t: "Ia" in t.scores.class_now),
    ('now="SN II"', lambda t: t.scores.class_now == "SN II"),
    ("class:tde,agn", lambda t: {"TDE", "AGN"} & {t.scores.class_now, t.scores.class_after} != set()),
    ("class:tde|class:agn", lambda t: {"TDE", "AGN"} & {t.scores.class_now, t.scores.class_after} != set()),
    ("!now:Ia", lambda t: "Ia" not in t.scores.class_now),
    ("mag<18.8", lambda t: t.photometry.last_mag < 18.8),
    ("mag>=18.8 gain>0.1", lambda t: t.photometry.last_mag >= 18.8 and t.scores.value_of_information > 0.1),
    ("!mag<18.8", lambda t: not t.photometry.last_mag < 18.8),
    ("age<10", lambda t: mjd("2026-11-20T09:41:00Z") - t.photometry.first_mjd < 10),
    ("airmass<1.2", lambda t: t.visibility.min_airmass < 1.2),
    ("change>50%", lambda t: t.scores.p_change > 0.5),
    ("real>.95|fast>0.5", lambda t: t.assistant.p_real > 0.95 or t.assistant.p_fast > 0.5),  # type: ignore[union-attr]
    ("place<=3|mag<18.5", lambda t: t.rank <= 3 or t.photometry.last_mag < 18.5),
    ("place:7", lambda t: t.rank == 7),
    ("rank=9.1", lambda t: round(t.assistant.rank, 1) == 9.1),  # type: ignore[union-attr]
    ("status:approved|rejected", lambda t: t.rank <= 2),
    ("!done", lambda t: t.rank > 3),
    ("done !by:b", lambda t: t.rank in (1, 3)),
    ("closing", lambda t: t.placement.last_useful is not None),  # type: ignore[union-attr]
    ("new|urgent", lambda t: t.placement.stage == "first" or t.placement.queue == "urgent"),  # type: ignore[union-attr]
    ('"sn ii"', lambda t: "SN II" in f"{t.scores.class_now} {t.scores.class_after}"),
    ("ia>0", lambda t: False),
    ("!ia>0", lambda t: True),
]


@pytest.mark.parametrize(("text", "wanted"), MEANINGS, ids=[text or "nothing" for text, _ in MEANINGS])
def test_an_expression_lets_through_what_it_says(
    journal: Journal, text: str, wanted: Callable[[RankedTarget], bool]
) -> None:
    assert [t.id for t in passed(journal, text)] == [t.id for t in journal.plan.targets if wanted(t)]


def test_signs_in_quotes_stand_for_themselves() -> None:
    [term] = parse('"mag<19 | !x, a:b"', KINDS).terms
    [word] = term.alternatives
    assert (word.field, word.value, term.negated) == ("", "mag<19 | !x, a:b", False)
    [term] = parse('name:"a b"', KINDS).terms
    assert term.alternatives[0].value == "a b"


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("class:Ia mga<19", "mga<19", "there is no field “mga”, did you mean mag? fields: class now after"),
        ("mag<abc", "mag<abc", "mag is a number, and “abc” is none; write mag<5"),
        ("mag<", "mag<", "mag< what?"),
        ("class<5", "class<5", "class holds words, which are not more or less; write class:text"),
        ("<19", "<19", "a comparison needs a field before it"),
        ("done a|!b", "a|!b", "stands before a whole term"),
        ("mag<19|gain>x", "mag<19|gain>x", "gain is a number"),
        ("mag<nan", "mag<nan", "mag is a number"),
    ],
)
def test_a_wrong_term_is_named_where_it_stands_and_the_others_hold(text: str, where: str, message: str) -> None:
    expression = parse(text, KINDS)
    assert expression.fault is not None
    assert text[expression.fault.start : expression.fault.end] == where
    assert message in expression.fault.message
    assert expression.sound == text.replace(where, "").strip()
    assert parse(expression.sound, KINDS).fault is None


@pytest.mark.parametrize("text", ["!", "|", ",", '"', '""', "class:Ia,", "!|"])
def test_what_is_not_typed_to_its_end_asks_for_nothing_more(text: str) -> None:
    expression = parse(text, KINDS)
    assert expression.fault is None
    assert len(expression.terms) == (text == "class:Ia,")


PIECES = st.sampled_from([*FIELDS, *WORDS, "<", "<=", ">", ":", "=", "!", "|", ",", '"', " ", "19", "Ia", "%", "x"])


@given(st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_an_expression_or_a_fault_within_it(journal: Journal, text: str) -> None:
    expression = parse(text, KINDS)
    if expression.fault is not None:
        assert 0 <= expression.fault.start < expression.fault.end <= len(text)
        assert expression.fault.message.isprintable()
    match = Matcher(expression, journal)
    assert all(match(target) in (True, False) for target in journal.plan.targets[:5])
    assert parse(expression.sound, KINDS).terms == expression.terms


def test_every_example_of_the_manual_is_understood(journal: Journal) -> None:
    for field in FIELDS.values():
        assert field.name in parse(field.example, KINDS).fields
        passed(journal, field.example)


def test_words_of_a_field_are_words_and_numbers_are_numbers(journal: Journal) -> None:
    for field in FIELDS.values():
        value = field.read(journal.plan.targets[0], journal)
        assert isinstance(value, tuple) == (field.kind == Kind.WORDS)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("cl", "class:"),
        ("mag<19 air", "mag<19 airmass"),
        ("!clos", "!closing"),
        ("status:app", "status:approved"),
        ("status:approved|rej", "status:approved|rejected"),
        ("now:TD", "now:TDE"),
        ("queue:extra", "queue:extragalactic"),
        ("mag<1", None),
        ("", None),
        ('"cl', None),
    ],
)
async def test_fields_words_and_values_are_completed(journal: Journal, typed: str, completed: str | None) -> None:
    assert await FilterSuggester(journal).get_suggestion(typed) == completed


async def test_the_list_follows_while_an_expression_is_typed(make_app: MakeApp, store: Store) -> None:
    bright = [t.id for t in store.load_plan().plan.targets if t.photometry.last_mag < 18.6]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"mag<18.6")
        assert isinstance(app.screen, TonightScreen)
        assert list(app.screen.order) == bright
        await pilot.press("enter")
        assert app.focused is app.screen.table


async def test_a_wrong_term_is_shown_in_place_while_the_list_stays(make_app: MakeApp, store: Store) -> None:
    bright = [t.id for t in store.load_plan().plan.targets if t.photometry.last_mag < 18.6]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"mag<18.6 gian>0.1", "enter")
        assert isinstance(app.screen, TonightScreen)
        assert list(app.screen.order) == bright
        await until(lambda: "There is no field “gian”, did you mean gain? fields: class now" in screen_text(app))
        # The line keeps the focus, so that the term can be corrected.
        assert isinstance(app.focused, Input)
        await pilot.press("escape")
        await until(lambda: "no field" not in screen_text(app))
        assert len(app.screen.order) == 34


async def test_a_completion_is_taken_with_the_right_arrow(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"airm")
        line = app.screen.query_one(Input)
        await until(lambda: line._suggestion == "airmass")
        await pilot.press("right")
        assert line.value == "airmass"


async def test_redshifts_are_read_when_a_filter_asks_for_them(make_app: MakeApp, store: Store) -> None:
    near, far = (target.id for target in store.load_plan().plan.targets[:2])
    when = "2026-11-19T10:00:00Z"
    store.add_labels(Label(name, "SN Ia", "TNS", when, "bob", redshift=z) for name, z in ((near, 0.05), (far, 0.4)))
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"z<0.1", "enter")
        await app.workers.wait_for_complete()
        assert isinstance(app.screen, TonightScreen)
        assert list(app.screen.order) == [near]


def test_a_target_without_a_value_is_neither_more_nor_less(journal: Journal) -> None:
    first = journal.plan.targets[0]
    unknown = replace(first, photometry=replace(first.photometry, last_mag=float("nan")))
    for text in ("mag<99", "mag>0", "mag=19"):
        assert not Matcher(parse(text, KINDS), journal)(unknown)
