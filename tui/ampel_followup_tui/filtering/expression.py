"""
The language of filters.

White space separates terms, all of which must hold::

    class:Ia mag<19 age<5 status:approved|deferred !outside "sn ii"

A term is a word, which is looked for in what is said of a target; or a field, an operator and a value. ``|`` or a comma
separates alternatives, of which one must hold: further values of the same field, or terms of their own. ``!`` before a
term turns it round. In double quotes white space and every sign stand for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ampel_followup.untrusted import clean

_SEPARATORS = frozenset("|,")
_OPERATOR = re.compile(r"<=|>=|<|>|=|:")
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([%d]?)", re.ASCII)

# What a sign in quotes is while terms are taken apart: characters for private use, of the last there are.
_SHIELD = 0x10FF00
_SHIELDED = {ord(sign): chr(_SHIELD + number) for number, sign in enumerate('!|,<>=:" ')}
_BARE = {ord(shield): chr(sign) for sign, shield in _SHIELDED.items()}


class Kind(StrEnum):
    """What a field holds."""

    WORDS = "words"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Alternative:
    """
    One thing that a term asks for.

    Parameters
    ----------
    field : str
        Name of a field; empty for a word that may stand anywhere.
    operator : str
        ``:`` contains, ``=`` is, or a comparison.
    value : str or float
        In lower case, or a number.
    precision : float
        Of a number: half of its last digit, so that ``=`` means what it was rounded to.
    """

    field: str
    operator: str
    value: str | float
    precision: float = 0.0


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an expression: one of the alternatives must hold, or none where it is negated."""

    alternatives: tuple[Alternative, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a term, and where it stands in the text."""

    start: int
    end: int
    message: str


@dataclass(frozen=True, slots=True)
class Expression:
    """
    What a text asks for.

    Parameters
    ----------
    terms : tuple of Term
        All of them must hold; none lets everything through.
    fault : Fault or None
        The first term that cannot be understood; it is not among the terms.
    sound : str
        The text without terms that cannot be understood.
    """

    terms: tuple[Term, ...] = ()
    fault: Fault | None = None
    sound: str = ""

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it looks at."""
        return frozenset(a.field for term in self.terms for a in term.alternatives if a.field)


class _TermError(Exception):
    """Carries what is wrong with a term."""


def parse(text: str, fields: dict[str, Kind]) -> Expression:
    """
    Read an expression; whatever the text, this returns.

    Parameters
    ----------
    text : str
        What was typed, complete or not.
    fields : dict of str to Kind
        The fields that there are.
    """
    terms: list[Term] = []
    sound: list[str] = []
    fault: Fault | None = None
    for start, end, token in _tokens(text):
        try:
            term = _term(token, fields)
        except _TermError as error:
            fault = fault or Fault(start, end, str(error))
        else:
            if term.alternatives:
                terms.append(term)
                sound.append(text[start:end])
    return Expression(tuple(terms), fault, " ".join(sound))


def last_token(text: str) -> str:
    """Return what there is of the token that is being typed; quotes are left in."""
    start, quoted = 0, False
    for place, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif not quoted and sign.isspace():
            start = place + 1
    return text[start:]


def _tokens(text: str) -> Iterator[tuple[int, int, str]]:
    """Part a text at white space; what stands in quotes comes shielded, without the quotes."""
    token, start, quoted, begun = "", 0, False, False
    for place, sign in enumerate(text):
        if sign == '"':
            quoted, start, begun = not quoted, start if begun else place, True
        elif not quoted and sign.isspace():
            if begun:
                yield start, place, token
            token, begun = "", False
        else:
            if not begun:
                start, begun = place, True
            token += (" " if sign.isspace() else sign).translate(_SHIELDED) if quoted else sign
    if begun:
        yield start, len(text), token


def _term(token: str, fields: dict[str, Kind]) -> Term:
    negated = token.startswith("!")
    alternatives: list[Alternative] = []
    for piece in re.split(r"[|,]", token.removeprefix("!")):
        # An alternative of which nothing is typed yet asks for nothing.
        if piece:
            alternatives.append(_alternative(piece, alternatives[-1] if alternatives else None, fields))
    return Term(tuple(alternatives), negated)


def _alternative(piece: str, before: Alternative | None, fields: dict[str, Kind]) -> Alternative:
    if piece.startswith("!"):
        raise _TermError("! stands before a whole term, not before one of its alternatives")
    found = _OPERATOR.search(piece)
    if found is None:
        if before is not None and before.field and fields[before.field] == Kind.WORDS:
            return Alternative(before.field, before.operator, _value(piece))
        if before is not None and before.field and _NUMBER.fullmatch(piece):
            return _comparison(before.field, before.operator, piece)
        return Alternative("", ":", _value(piece))
    name, operator, value = _value(piece[: found.start()]), found.group(), piece[found.end() :]
    if name not in fields:
        raise _TermError(_unknown(name, fields))
    if not value:
        raise _TermError(f"{name}{operator} what? {_example(name, fields[name])}")
    if fields[name] == Kind.NUMBER:
        return _comparison(name, operator, value)
    if operator not in (":", "="):
        raise _TermError(f"{name} holds words, which are not more or less; {_example(name, Kind.WORDS)}")
    return Alternative(name, operator, _value(value))


def _comparison(name: str, operator: str, value: str) -> Alternative:
    number = _NUMBER.fullmatch(value)
    if number is None:
        raise _TermError(f"{name} is a number, and “{_shown(value)}” is none; {_example(name, Kind.NUMBER)}")
    scale = 0.01 if number[2] == "%" else 1.0
    digits = len(number[1].partition(".")[2])
    operator = "=" if operator == ":" else operator
    return Alternative(name, operator, float(number[1]) * scale, 0.5 * 10.0**-digits * scale)


def _unknown(name: str, fields: Collection[str]) -> str:
    if not name:
        return "a comparison needs a field before it, as in mag<19"
    import difflib

    close = difflib.get_close_matches(name, fields, n=1)
    hint = f", did you mean {close[0]}?" if close else ";"
    return f"there is no field “{_shown(name)}”{hint} fields: {' '.join(fields)}"


def _example(name: str, kind: Kind) -> str:
    return f"write {name}<5 or {name}>5" if kind == Kind.NUMBER else f"write {name}:text"


def _value(text: str) -> str:
    return text.translate(_BARE).casefold()


def _shown(text: str) -> str:
    return clean(text.translate(_BARE), 30)
