"""Text from outside never steers the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.untrusted import clean, inert


@pytest.mark.parametrize(
    ("untrusted", "shown"),
    [
        ("\x1b[2J\x1b[31mred", "[2J[31mred"),
        ("\x9b31mred", "31mred"),
        ("two\r\nlines\tand\u2028more", "two lines and more"),
        ("abc\u202edcba\u202c", "abcdcba"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("  near  the\u00a0core ", "near the core"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
        ("Čerenkov, −0.5 mag, 超新星", "Čerenkov, −0.5 mag, 超新星"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("\u3164filled\uffa0 \u2764\ufe0f \U0001f44d\U0001f3fd e\U000e0100", "filled ❤ 👍 e"),
        ("", ""),
    ],
)
def test_only_what_is_drawn_is_left(untrusted: str, shown: str) -> None:
    assert clean(untrusted) == shown


def test_stacked_marks_are_cut_to_a_few() -> None:
    assert clean("e" + "\u0301" * 50) == "e" + "\u0301" * 4


def test_long_text_ends_in_an_ellipsis_within_the_limit() -> None:
    assert clean("a very long comment", limit=7) == "a very…"
    assert clean("short", limit=5) == "short"
    with pytest.raises(ValueError, match="at least 1"):
        clean("anything", limit=0)


def test_a_message_keeps_its_lines_and_its_blanks_and_steers_nothing() -> None:
    assert inert("two  blanks\n  \x1b[2Jindented\u202e\n") == "two  blanks\n  [2Jindented\n"


@given(st.text(), st.integers(1, 40))
def test_any_text_becomes_one_printable_line_and_stays_so(text: str, limit: int) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in cleaned)
    assert cleaned == cleaned.strip()
    assert len(clean(text, limit)) <= limit
