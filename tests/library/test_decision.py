"""Whose verdict holds, who disagrees, and until when something is put off."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.decision import Decision, disagreements, effective_verdicts
from ampel_followup.deferral import LONGEST, parse_until
from ampel_followup.errors import NightError

NIGHT = date(2026, 11, 20)
PEOPLE = ("ada", "bob", "eve")


def said(number: int, observer: str, verdict: str, undoes: int | None = None, target: str = "A") -> Decision:
    return Decision(target, "2026-11-20", "sso", verdict, observer, "2026-11-20T10:00:00Z", undoes=undoes, id=number)


def test_two_people_who_say_different_things_disagree_until_one_gives_way() -> None:
    record = [said(1, "bob", "reject"), said(2, "ada", "approve")]
    assert [word.observer for word in disagreements(record)["A"]] == ["bob", "ada"]
    assert disagreements([*record, said(3, "bob", "approve")]) == {}
    assert disagreements([*record, said(3, "ada", "undo", undoes=2)]) == {}
    assert disagreements([*record, said(3, "ada", "comment")]) == disagreements(record)


def test_nobody_disagrees_with_what_happened_at_the_telescope() -> None:
    record = [said(1, "bob", "reject"), said(2, "ada", "approve"), said(3, "ada", "observed")]
    assert disagreements(record) == {}


def test_one_person_who_changes_their_mind_disagrees_with_nobody() -> None:
    assert disagreements([said(1, "ada", "reject"), said(2, "ada", "approve")]) == {}


@given(
    st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["approve", "reject", "defer", "comment"])), max_size=9)
)
def test_the_last_who_disagrees_is_who_holds(words: list[tuple[str, str]]) -> None:
    record = [said(number, observer, verdict) for number, (observer, verdict) in enumerate(words, 1)]
    for target, of_target in disagreements(record).items():
        assert of_target[-1] == effective_verdicts(record)[target]
        assert len({word.observer for word in of_target}) == len(of_target) > 1
        assert len({word.verdict for word in of_target}) > 1


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("+3d", "2026-11-23"),
        ("3", "2026-11-23"),
        (" 3 nights ", "2026-11-23"),
        ("2w", "2026-12-04"),
        ("tomorrow", "2026-11-21"),
        ("2026-12-01", "2026-12-01"),
    ],
)
def test_a_day_to_come_back_on_can_be_written_in_several_ways(text: str, day: str) -> None:
    assert parse_until(text, NIGHT) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "says no day"),
        ("soon", "write 3, \\+3d, 2w"),
        ("+0d", "does not come after"),
        ("2026-11-20", "does not come after the night of 2026-11-20"),
        ("-3d", "says no day"),
        ("999999w", "more than ten years away"),
        ("2026-02-30", "says no day"),
        ("٣d", "says no day"),
    ],
)
def test_a_day_that_is_none_is_named_with_the_remedy(text: str, message: str) -> None:
    with pytest.raises(NightError, match=message):
        parse_until(text, NIGHT)


@given(st.text())
def test_any_text_is_a_day_to_come_or_one_line_that_says_why_not(text: str) -> None:
    try:
        day = parse_until(text, NIGHT)
    except NightError as error:
        assert str(error).isprintable()
    else:
        assert 1 <= (day - NIGHT).days <= LONGEST
